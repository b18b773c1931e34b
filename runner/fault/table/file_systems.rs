//! The root, the kernel's file systems and /dev/shm.

use super::super::config::*;
use super::super::{Fault, Shape, Strikes};
use super::{JOB, LOG, fault, host_proc};
use serde_json::{Value, json};

/// The faults.
pub fn file_systems() -> Vec<Fault> {
    vec![
        fault("root-writable", LOG, "M5", "mounts[/]").config(|c, _| set(c, "/root/readonly", json!(false))),
        fault("root-read-only", JOB, "M5", "mounts[/]").config(|c, _| set(c, "/root/readonly", json!(true))),
        fault("path-not-masked", JOB, "M6", "mounts[/proc/keys]").config(|c, _| {
            without(c, "/linux/maskedPaths", "/proc/keys");
        }),
        fault("nothing-masked", Strikes::Every, "M6", "mounts[/proc/keys]")
            .config(|c, _| remove(c, "/linux/maskedPaths")),
        fault("path-writable", JOB, "M7", "mounts[/proc/sys]").config(|c, _| {
            without(c, "/linux/readonlyPaths", "/proc/sys");
        }),
        fault("cgroups-writable", JOB, "M8", "mounts[/sys/fs/cgroup").config(|c, _| {
            instead(c, "/sys/fs/cgroup", "ro", "rw");
        }),
        fault("cgroups-unseen", JOB, "M8", "mounts[/sys/fs/cgroup").config(|c, _| unmount(c, "/sys/fs/cgroup")),
        fault("proc-of-the-host", JOB, "M11", "instances[/proc]").config(|c, _| remount(c, host_proc())),
        fault("proc-of-the-host-everywhere", Strikes::Every, "M11", "instances[/proc]").config(|c, _| {
            remount(c, host_proc());
        }),
        fault("proc-hides-processes", JOB, "M11", "mounts[/proc]").config(|c, _| option(c, "/proc", "hidepid=2")),
        fault("proc-executable", JOB, "M11", "mounts[/proc]").config(|c, _| instead(c, "/proc", "noexec", "exec")),
        fault("sys-of-the-host", JOB, "M11", "instances[/sys]").config(|c, _| remount(c, bind("/sys", "/sys", "ro"))),
        fault("sys-writable", JOB, "M11", "mounts[/sys]")
            .of(Shape::HostNetwork)
            .config(|c, _| instead(c, "/sys", "ro", "rw")),
        fault("dev-read-only", LOG, "M11", "mounts[/dev]").config(|c, _| option(c, "/dev", "ro")),
        fault("terminals-of-the-host", JOB, "M11", "instances[/dev/pts]").config(|c, _| {
            remount(c, bind("/dev/pts", "/dev/pts", "rw"));
        }),
        fault("terminals-not-for-everybody", JOB, "M11", "mounts[/dev/pts]").config(|c, _| {
            instead(c, "/dev/pts", "ptmxmode=0666", "ptmxmode=0600");
        }),
        fault("queues-unseen", JOB, "M11", "mounts[/dev/mqueue]").config(|c, _| unmount(c, "/dev/mqueue")),
        fault("queues-of-nobody", JOB, "M11", "mounts[/dev/mqueue]").config(|c, _| {
            set(mount(c, "/dev/mqueue"), "/type", json!("tmpfs"));
        }),
        fault("queues-of-its-own", JOB, "I5", "instances[/dev/mqueue]").config(|c, _| namespace(c, "ipc", Some(""))),
        fault("shm-of-its-own", JOB, "I2", "shm").config(|c, _| remount(c, own_shm("65536k"))),
        fault("shm-small", JOB, "I3", "shm.size_bytes").config(|c, _| remount(c, own_shm("1024k"))),
        fault("shm-read-only", JOB, "I2", "mounts[/dev/shm]").config(|c, _| instead(c, "/dev/shm", "rw", "ro")),
        fault("shm-executable", JOB, "I3", "mounts[/dev/shm]").config(|c, _| {
            option(c, "/dev/shm", "nosuid");
            option(c, "/dev/shm", "exec");
        }),
        fault("shm-of-its-own-despite-host", JOB, "I4", "shm.of")
            .of(Shape::HostIpc)
            .config(|c, _| remount(c, own_shm("65536k"))),
    ]
}

fn own_shm(size: &str) -> Value {
    let options = ["nosuid", "nodev", "noexec", "mode=1777"].map(str::to_owned);
    let options: Vec<String> = options.into_iter().chain([format!("size={size}")]).collect();
    json!({"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": options})
}
