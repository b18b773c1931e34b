//! Arguments, variables, working directory.

use super::super::Fault;
use super::super::config::*;
use super::{JOB, fault};
use serde_json::json;

/// The faults.
pub fn processes() -> Vec<Fault> {
    vec![
        fault("variable-missing", JOB, "F12", "environment.env.COLOUR").config(|c, _| variable(c, "COLOUR", None)),
        fault("variable-unasked", JOB, "F12", "environment.env").config(|c, _| {
            variable(c, "LD_PRELOAD", Some("/x.so"));
        }),
        fault("path-of-others", JOB, "F12", "environment.env.PATH").config(|c, _| variable(c, "PATH", Some("/bin"))),
        fault("home-of-others", JOB, "F12", "environment.env.HOME").config(|c, _| variable(c, "HOME", Some("/tmp"))),
        fault("hostname-variable-wrong", JOB, "U1", "environment.env.HOSTNAME").config(|c, _| {
            variable(c, "HOSTNAME", Some("other"));
        }),
        fault("variables-of-a-neighbour", JOB, "F12", "environment.env.CONTAINER_NAME").config(|c, _| {
            variable(c, "CONTAINER_NAME", Some("web"));
        }),
        fault("arguments-of-a-neighbour", JOB, "F12", "environment.args").config(|c, _| {
            set(c, "/process/args", json!(["serve", "--name", "web"]));
        }),
        fault("folder-ignored", JOB, "F12", "environment.cwd").config(|c, _| set(c, "/process/cwd", json!("/"))),
    ]
}
