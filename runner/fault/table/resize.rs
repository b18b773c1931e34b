//! A container that is resized gets something else, or somebody else does.

use super::super::config::*;
use super::super::{Fault, Strikes, process};
use super::{JOB, fault};
use serde_json::Value;

/// The faults.
pub fn resize() -> Vec<Fault> {
    const WEB: Strikes = Strikes::Only("web");
    vec![
        fault("resize-ignored", JOB, "L20", "again.limits.memory_bytes").update(|told| *told = Value::Null),
        fault("resize-doubled", JOB, "L20", "again.limits.memory_bytes").update(|told| {
            times(told, "/memory/limit", 2);
            times(told, "/memory/swap", 2);
        }),
        fault("resize-with-swap", JOB, "L20", "again.limits.memory_swap_bytes")
            .update(|told| times(told, "/memory/swap", 2)),
        fault("resize-of-cpu-ignored", JOB, "L20", "again.limits.cpu_quota_usec").update(|told| {
            remove(told, "/cpu/quota");
            remove(told, "/cpu/period");
        }),
        fault("resize-of-share-ignored", JOB, "L20", "again.limits.cpu_share")
            .update(|told| remove(told, "/cpu/shares")),
        fault("resize-restarts", JOB, "L20", "steps[0]").resized(process::end),
        // It is known by its limit of 96 MiB.
        fault("resize-strikes-a-neighbour", WEB, "L1", "again.limits.memory_bytes")
            .resized(|pid| process::limit_neighbour(pid, 96 << 20, 72 << 20)),
        fault("resize-changes-the-pod", Strikes::Pod, "L20", "again.pod.cgroup.cpu_share")
            .resized(|pid| process::write_above(pid, "cpu", ("cpu.shares", "77"), ("cpu.weight", "77"))),
    ]
}
