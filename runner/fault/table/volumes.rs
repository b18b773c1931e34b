//! Volumes, and what of the host is mounted beside them.

use super::super::config::*;
use super::super::{Fault, Strikes};
use super::{JOB, fault};
use serde_json::json;

/// The faults.
pub fn volumes() -> Vec<Fault> {
    vec![
        fault("volume-missing", JOB, "M2", "mounts[/data]").config(|c, _| unmount(c, "/data")),
        fault("volume-of-another-name", JOB, "M2", "mounts[/data]").config(|c, _| {
            let keys = mount(c, "/keys")["source"].clone();
            mount(c, "/data")["source"] = keys;
        }),
        fault("volume-in-memory", JOB, "M2", "mounts[/data]").config(|c, _| {
            remount(c, json!({"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["rw"]}));
        }),
        fault("volume-writable", JOB, "M3", "mounts[/keys]").config(|c, _| instead(c, "/keys", "ro", "rw")),
        fault("volume-read-only", JOB, "M3", "mounts[/data]").config(|c, _| instead(c, "/data", "rw", "ro")),
        fault("volume-not-executable", JOB, "M3", "mounts[/data]").config(|c, _| option(c, "/data", "noexec")),
        fault("volume-propagates", JOB, "M4", "mounts[/data]").config(|c, _| {
            instead(c, "/data", "rprivate", "rshared");
        }),
        fault("volume-unasked", JOB, "M1", "mounts").config(|c, _| {
            let keys = mount(c, "/keys")["source"].as_str().expect("a path").to_owned();
            list(c, "/mounts").push(bind("/more", &keys, "rw"));
        }),
        fault("folder-of-the-host", JOB, "M1", "mounts").config(|c, _| {
            list(c, "/mounts").push(bind("/mnt", "/etc", "ro"));
        }),
        fault("folder-of-the-host-everywhere", Strikes::Every, "M1", "mounts").config(|c, _| {
            list(c, "/mounts").push(bind("/mnt", "/usr", "ro"));
        }),
        fault("tmpfs-of-the-host", JOB, "M1", "mounts").config(|c, _| {
            list(c, "/mounts").push(bind("/mnt", "/dev/shm", "ro"));
        }),
        fault("sysfs-of-the-host-beside", JOB, "M1", "mounts").config(|c, _| {
            list(c, "/mounts").push(bind("/mnt", "/sys", "ro"));
        }),
    ]
}
