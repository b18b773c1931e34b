//! Cgroups elsewhere in the hierarchy.

use super::super::config::*;
use super::super::{Fault, Needs, process};
use super::{JOB, fault};
use serde_json::{Value, json};

/// The faults.
pub fn cgroups() -> Vec<Fault> {
    const PATH: &str = "/linux/cgroupsPath";
    fn edit_path(config: &mut Value, change: impl FnOnce(&str) -> String) {
        let path = config.pointer(PATH).and_then(Value::as_str).expect("a path");
        let path = change(path);
        set(config, PATH, json!(path));
    }
    vec![
        fault("cgroup-of-another-class", JOB, "Q3", "cgroup.path").leaves().config(|c, _| {
            edit_path(c, |path| path.replace("/burstable/", "/besteffort/"));
        }),
        fault("cgroup-outside-the-pod", JOB, "C1", "cgroup.path").leaves().config(|c, _| {
            edit_path(c, |path| {
                let (parent, leaf) = path.rsplit_once('/').expect("below the Pod's");
                format!("{parent}-more/{leaf}")
            });
        }),
        fault("cgroup-deeper", JOB, "C3", "cgroup.path")
            .leaves()
            .config(|c, _| edit_path(c, |path| format!("{path}/inner"))),
        fault("one-controller-elsewhere", JOB, "C5", "cgroup.elsewhere").needs(Needs::V1).after(|pid| {
            let (folder, _) = process::cgroup(pid, "pids")?;
            let file = folder.parent().ok_or("no cgroup above")?.join("cgroup.procs");
            std::fs::write(&file, pid.to_string()).map_err(|error| format!("{}: {error}", file.display()))
        }),
    ]
}
