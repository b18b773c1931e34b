//! The small files that a runtime mounts.

use super::super::Fault;
use super::super::config::*;
use super::{JOB, fault};
use serde_json::json;

/// The faults.
pub fn files() -> Vec<Fault> {
    vec![
        fault("hosts-missing", JOB, "T5", "mounts[/etc/hosts]").config(|c, _| unmount(c, "/etc/hosts")),
        fault("hosts-read-only", JOB, "T5", "mounts[/etc/hosts]").config(|c, _| instead(c, "/etc/hosts", "rw", "ro")),
        fault("hosts-of-its-own", JOB, "T5", "hosts").config(|c, b| copy(c, b, "/etc/hosts", |text| text)),
        fault("hosts-empty", JOB, "T5", "files[/etc/hosts]").config(|c, b| copy(c, b, "/etc/hosts", |_| String::new())),
        fault("resolv-conf-read-only", JOB, "T4", "mounts[/etc/resolv.conf]").config(|c, _| {
            instead(c, "/etc/resolv.conf", "rw", "ro");
        }),
        fault("resolv-conf-of-its-own", JOB, "T4", "resolv-conf").config(|c, b| {
            copy(c, b, "/etc/resolv.conf", |text| text);
        }),
        fault("resolv-conf-of-others", JOB, "T4", "files[/etc/resolv.conf]").config(|c, b| {
            copy(c, b, "/etc/resolv.conf", |text| text + "nameserver 192.0.2.53\n");
        }),
        fault("hostname-file-missing", JOB, "U1", "mounts[/etc/hostname]").config(|c, _| unmount(c, "/etc/hostname")),
        fault("hostname-file-wrong", JOB, "U1", "files[/etc/hostname]").config(|c, b| {
            copy(c, b, "/etc/hostname", |_| "other\n".to_owned());
        }),
        fault("termination-log-missing", JOB, "M12", "mounts[/dev/termination-log]").config(|c, _| {
            unmount(c, "/dev/termination-log");
        }),
        fault("termination-log-read-only", JOB, "M12", "mounts[/dev/termination-log]").config(|c, _| {
            instead(c, "/dev/termination-log", "rw", "ro");
        }),
        fault("termination-log-of-a-neighbour", JOB, "M12", "termination-log").config(|c, _| {
            let mount = mount(c, "/dev/termination-log");
            let source = mount["source"].as_str().expect("a path").replace("/job", "/web");
            mount["source"] = json!(source);
        }),
    ]
}
