//! Settings that nobody asked for.

use super::super::config::*;
use super::super::{Fault, Needs, Strikes, process};
use super::{JOB, fault};
use serde_json::json;

/// The faults.
pub fn untouched() -> Vec<Fault> {
    const RESOURCES: &str = "/linux/resources";
    vec![
        fault("one-processor", JOB, "L14", "inherited.cpus").needs(Needs::TwoProcessors).config(|c, _| {
            set(c, &format!("{RESOURCES}/cpu/cpus"), json!("0"));
        }),
        fault("one-processor-by-affinity", JOB, "L14", "inherited.cpus")
            .needs(Needs::TwoProcessors)
            .after(|pid| process::for_threads(pid, &["taskset", "-p", "-c", "0"])),
        fault("memory-reserved", JOB, "L5", "controls").config(|c, _| {
            set(c, &format!("{RESOURCES}/memory/reservation"), json!(16 << 20));
        }),
        fault("swappiness", JOB, "L18", "controls").needs(Needs::V1).config(|c, _| {
            set(c, &format!("{RESOURCES}/memory/swappiness"), json!(7));
        }),
        fault("never-killed", JOB, "L7", "controls").needs(Needs::V1).config(|c, _| {
            set(c, &format!("{RESOURCES}/memory/disableOOMKiller"), json!(true));
        }),
        fault("cpu-burst", JOB, "L8", "controls")
            .after(|pid| process::write(pid, "cpu", ("cpu.cfs_burst_us", "10000"), ("cpu.max.burst", "10000"))),
        fault("cpu-idle", JOB, "L13", "controls")
            .after(|pid| process::write(pid, "cpu", ("cpu.idle", "1"), ("cpu.idle", "1"))),
        fault("disk-throttled", JOB, "L18", "controls").after(|pid| {
            let disk = process::disk()?;
            let (v1, v2) = (format!("{disk} 1048576"), format!("{disk} rbps=1048576"));
            process::write(pid, "blkio", ("blkio.throttle.read_bps_device", &v1), ("io.max", &v2))
        }),
        fault("sysctl-of-the-network", Strikes::SandboxAndSo, "T8", "sysctls").config(|c, _| {
            set(c, "/linux/sysctl", json!({"net.core.somaxconn": "77"}));
        }),
        fault("sysctl-of-ipc", Strikes::SandboxAndSo, "Y2", "sysctls").config(|c, _| {
            set(c, "/linux/sysctl", json!({"kernel.msgmax": "4096"}));
        }),
        fault("files-limited", JOB, "S10", "inherited.limits").config(|c, _| limit(c, "RLIMIT_NOFILE", 256)),
        fault("files-limited-everywhere", Strikes::Every, "S10", "inherited.limits").config(|c, _| {
            limit(c, "RLIMIT_NOFILE", 256);
        }),
        fault("files-limited-with-the-sandbox", Strikes::SandboxAndSo, "S10", "inherited.limits").config(|c, _| {
            limit(c, "RLIMIT_NOFILE", 256);
        }),
        fault("processes-of-a-user-limited", JOB, "S10", "inherited.limits")
            .config(|c, _| limit(c, "RLIMIT_NPROC", 999)),
        fault("umask", JOB, "S10", "inherited.umask").config(|c, _| set(c, "/process/user/umask", json!(0o077))),
        fault("umask-everywhere", Strikes::Every, "S10", "inherited.umask").config(|c, _| {
            set(c, "/process/user/umask", json!(0));
        }),
        fault("nice", JOB, "S10", "inherited.nice")
            .after(|pid| process::for_threads(pid, &["renice", "-n", "10", "-p"])),
        fault("batch", JOB, "S10", "inherited.policy")
            .after(|pid| process::for_threads(pid, &["chrt", "--batch", "-p", "0"])),
        fault("idle-on-disks", JOB, "S10", "inherited.io_priority")
            .after(|pid| process::for_threads(pid, &["ionice", "-c", "3", "-p"])),
    ]
}
