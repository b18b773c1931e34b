//! Refusals that are none, and what is left of Pods that were refused or removed. What these faults leave is in the daemon's
//! own cgroup and mount namespace, and goes with it.

use super::super::config::*;
use super::super::{Fault, Shape, Strikes, process};
use super::{JOB, fault};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// In seconds, longer than a Pod's end is waited for, in an emulated machine as well.
const LONG: &str = "3600";

/// The faults.
pub fn remains() -> Vec<Fault> {
    vec![
        fault("takes-any-sysctl", Strikes::Pod, "B5", "refused").of(Shape::Refused).config(|c, _| {
            set(c, "/linux/sysctl", json!({}));
        }),
        fault("complains-of-something-else", Strikes::Pod, "B5", "refused").of(Shape::Refused).config(|c, _| {
            set(c, "/linux/sysctl", json!({}));
            set(c, "/process/cwd", json!("not/absolute"));
        }),
        fault("refused-and-runs-on", Strikes::Pod, "F9", "gone").of(Shape::Refused).config(|c, _| {
            stay(&["sleep", LONG]);
            marked(c);
        }),
        fault("refused-and-keeps-its-lease", Strikes::Pod, "T7", "gone.network").of(Shape::Refused).config(
            |c, bundle| {
                another_lease(&id(bundle), bundle);
                marked(c);
            },
        ),
        fault("refused-and-keeps-its-network", Strikes::Pod, "T7", "gone.network").of(Shape::Refused).config(
            |c, bundle| {
                pin(&joined(c, "network"), "net", bundle).expect("is pinned");
                marked(c);
            },
        ),
        fault("refused-and-keeps-a-cgroup", JOB, "F9", "steps").of(Shape::NotStarted).leaves().config(|c, _| {
            let path = c.pointer("/linux/cgroupsPath").and_then(Value::as_str).expect("a path").to_owned();
            let (folder, _) = process::cgroup(1, "pids").expect("a controller");
            let top = folder.ancestors().find(|dir| dir.join("podcheck").is_dir()).expect("podcheck's own").to_owned();
            std::fs::create_dir(top.join(format!("{}-left", path.trim_start_matches('/')))).expect("below the Pod's");
            marked(c);
        }),
        fault("process-in-its-network", Strikes::Sandbox, "N9", "gone.namespaces.net").after(|pid| {
            enter(pid, "--net");
            Ok(())
        }),
        fault("process-in-its-ipc", Strikes::Sandbox, "N9", "gone.namespaces.ipc").after(|pid| {
            enter(pid, "--ipc");
            Ok(())
        }),
        fault("process-in-its-mounts", JOB, "N9", "gone.namespaces.mnt").after(|pid| {
            enter(pid, "--mount");
            Ok(())
        }),
        fault("network-pinned", Strikes::Sandbox, "N9", "gone.namespaces.net").after(|pid| pin_of(pid, "net")),
        fault("uts-pinned", Strikes::Sandbox, "N9", "gone.namespaces.uts").after(|pid| pin_of(pid, "uts")),
        fault("pid-pinned", JOB, "N9", "gone.namespaces.pid").after(|pid| pin_of(pid, "pid")),
        fault("lease-kept", Strikes::Pod, "T7", "gone.network").config(|c, bundle| {
            another_lease(&id(bundle), bundle);
            marked(c);
        }),
        fault("helper-kept", Strikes::Pod, "F9", "gone").config(|c, bundle| {
            // As a shim that does not end: it has the id in its command line.
            stay(&["sh", "-c", &format!("sleep {LONG}"), &id(bundle)]);
            marked(c);
        }),
    ]
}

/// A fault that changes nothing is none: this one's change is elsewhere.
fn marked(config: &mut Value) {
    set(config, "/annotations/podcheck.fault", json!("put in"));
}

/// A container's id, by its bundle.
fn id(bundle: &Path) -> String {
    bundle.canonicalize().expect("it is there").file_name().expect("a name").to_string_lossy().into_owned()
}

/// Runs something that outlives the Pod.
fn stay(argv: &[&str]) {
    let behind = ["sh", "-c", "\"$@\" > /dev/null 2>&1 < /dev/null &", "sh"];
    process::run(&[&behind[..], argv].concat()).expect("it is there");
}

/// Leaves a process in a namespace.
fn enter(pid: i32, kind: &str) {
    stay(&["nsenter", kind, "--target", &pid.to_string(), "/bin/sleep", LONG]);
}

/// Leaves a mount of a namespace, in the mount namespace of the daemon.
fn pin_of(pid: i32, kind: &str) -> Result<(), String> {
    let bundle = std::env::current_dir().map_err(|error| error.to_string())?;
    pin(&format!("/proc/{pid}/ns/{kind}"), kind, &bundle)
}

fn pin(file: &str, kind: &str, bundle: &Path) -> Result<(), String> {
    let at = home(bundle).join(format!("pinned-{}-{kind}", id(bundle)));
    std::fs::write(&at, "").map_err(|error| format!("{}: {error}", at.display()))?;
    process::run(&["mount", "--bind", file, &at.to_string_lossy()])
}

/// The folder of the daemon, by a bundle in it.
fn home(bundle: &Path) -> PathBuf {
    let bundle = bundle.canonicalize().expect("it is there");
    let home = bundle.ancestors().find(|dir| dir.join("containerd.sock").exists());
    home.expect("a daemon's folder").to_owned()
}

/// Leases an address more to a sandbox, for an interface that it has not: nobody gives that back.
fn another_lease(id: &str, bundle: &Path) {
    let ipam = std::fs::read_dir(home(bundle).join("ipam")).expect("the books of CNI");
    let network = ipam.flatten().next().expect("its network").path();
    let address = format!("2001:db8::{}:{}", &id[..4], &id[4..8]);
    std::fs::write(network.join(address), format!("{id}\r\neth1")).expect("is written");
}
