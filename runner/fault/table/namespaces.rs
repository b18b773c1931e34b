//! Namespaces that are not the ones asked for.

use super::super::config::*;
use super::super::{Fault, Shape, Strikes};
use super::{JOB, fault};
use serde_json::json;

/// The container that looks into `job`.
const PEEK: Strikes = Strikes::Only("peek");

/// The faults.
pub fn namespaces() -> Vec<Fault> {
    vec![
        fault("net-own", JOB, "N1", "namespaces.net").config(|c, _| namespace(c, "network", Some(""))),
        fault("net-host", JOB, "N1", "namespaces.net").config(|c, _| namespace(c, "network", None)),
        fault("ipc-own", JOB, "N2", "namespaces.ipc").config(|c, _| namespace(c, "ipc", Some(""))),
        fault("ipc-host", JOB, "N2", "namespaces.ipc").config(|c, _| namespace(c, "ipc", None)),
        fault("uts-own", JOB, "N3", "namespaces.uts").config(|c, _| namespace(c, "uts", Some(""))),
        fault("uts-host", JOB, "N3", "namespaces.uts").config(|c, _| namespace(c, "uts", None)),
        fault("uts-host-everywhere", Strikes::Every, "N3", "namespaces.uts").config(|c, _| namespace(c, "uts", None)),
        fault("pid-host", JOB, "N5", "namespaces.pid").config(|c, _| namespace(c, "pid", None)),
        fault("pid-host-everywhere", Strikes::Every, "N5", "namespaces.pid").config(|c, _| namespace(c, "pid", None)),
        fault("pid-of-the-sandbox", JOB, "N5", "namespaces.pid").config(|c, _| {
            let pid = joined(c, "ipc").replace("/ns/ipc", "/ns/pid");
            namespace(c, "pid", Some(&pid));
        }),
        fault("cgroup-namespace", JOB, "N6", "namespaces.cgroup").config(|c, _| {
            let has = list(c, "/linux/namespaces").iter().any(|namespace| namespace["type"] == "cgroup");
            namespace(c, "cgroup", if has { None } else { Some("") });
        }),
        fault("pid-own", JOB, "P2", "namespaces.pid").of(Shape::SharedPid).config(|c, _| namespace(c, "pid", Some(""))),
        fault("target-ignored", PEEK, "P5", "namespaces.pid")
            .of(Shape::Ephemeral)
            .config(|c, _| namespace(c, "pid", Some(""))),
        fault("target-is-the-host", PEEK, "P5", "namespaces.pid")
            .of(Shape::Ephemeral)
            .config(|c, _| namespace(c, "pid", None)),
        fault("target-is-the-sandbox", PEEK, "P5", "namespaces.pid").of(Shape::Ephemeral).config(|c, _| {
            let pid = joined(c, "ipc").replace("/ns/ipc", "/ns/pid");
            namespace(c, "pid", Some(&pid));
        }),
        fault("ephemeral-limited", PEEK, "L1", "limits.memory_bytes").of(Shape::Ephemeral).config(|c, _| {
            set(c, "/linux/resources/memory", json!({"limit": 64 << 20, "swap": 64 << 20}));
        }),
        fault("net-own-despite-host", JOB, "T3", "namespaces.net")
            .of(Shape::HostNetwork)
            .config(|c, _| namespace(c, "network", Some(""))),
        fault("uts-own-despite-host", JOB, "U3", "namespaces.uts")
            .of(Shape::HostNetwork)
            .config(|c, _| namespace(c, "uts", Some(""))),
        fault("pid-own-despite-host", JOB, "P4", "namespaces.pid")
            .of(Shape::HostPid)
            .config(|c, _| namespace(c, "pid", Some(""))),
        fault("ipc-own-despite-host", JOB, "I4", "namespaces.ipc")
            .of(Shape::HostIpc)
            .config(|c, _| namespace(c, "ipc", Some(""))),
    ]
}
