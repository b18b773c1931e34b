//! Arguments, variables, working directory; and processes that end because of what they lack.

use super::super::config::*;
use super::super::process::end;
use super::super::{Fault, Shape};
use super::{ALL_SETS, JOB, fault};
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
        fault("last-argument-cut-off", JOB, "F3", "state").config(|c, _| {
            list(c, "/process/args").pop().expect("it has arguments");
        }),
        fault("low-port-forbidden", JOB, "F3", "state").of(Shape::LowPort).config(|c, _| {
            incapable(c, &ALL_SETS, "CAP_NET_BIND_SERVICE");
        }),
        fault("argument-of-one-that-ends", JOB, "F12", "environment.args").of(Shape::Brief).config(|c, _| {
            set(c, "/process/args", json!(["cat", "/etc/hostname"]));
        }),
        fault("log-of-one-that-ends-missing", JOB, "M12", "state").of(Shape::Brief).config(|c, _| {
            unmount(c, "/dev/termination-log");
        }),
        fault("killed-when-visited", JOB, "F3", "state").later(end),
        fault("folder-ignored", JOB, "F12", "environment.cwd").config(|c, _| set(c, "/process/cwd", json!("/"))),
    ]
}
