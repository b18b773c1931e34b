//! Limits and scores that are others, or were undone later.

use super::super::config::*;
use super::super::{Fault, Needs, Strikes, process};
use super::{JOB, LOG, fault};
use serde_json::json;

/// The faults.
pub fn limits() -> Vec<Fault> {
    const MEMORY: &str = "/linux/resources/memory";
    const CPU: &str = "/linux/resources/cpu";
    vec![
        fault("memory-doubled", JOB, "L1", "limits.memory_bytes").config(|c, _| {
            set(c, MEMORY, json!({"limit": 128 << 20, "swap": 128 << 20}));
        }),
        fault("memory-unlimited", JOB, "L1", "limits.memory_bytes").config(|c, _| remove(c, MEMORY)),
        fault("memory-limited-unasked", LOG, "L1", "limits.memory_bytes").config(|c, _| {
            set(c, MEMORY, json!({"limit": 64 << 20, "swap": 64 << 20}));
        }),
        fault("memory-undone-later", JOB, "L1", "limits.memory_bytes").after(|pid| {
            // v1 wants the larger of the two lifted first; v2 has no such file.
            let (folder, unified) = process::cgroup(pid, "memory")?;
            if !unified {
                let _ = std::fs::write(folder.join("memory.memsw.limit_in_bytes"), "-1");
            }
            process::write(pid, "memory", ("memory.limit_in_bytes", "-1"), ("memory.max", "max"))
        }),
        fault("memory-undone-in-use", JOB, "L1", "again.limits.memory_bytes").later(|pid| {
            process::write(pid, "memory", ("memory.limit_in_bytes", "33554432"), ("memory.max", "33554432"))
        }),
        fault("cpu-undone-in-use", JOB, "L8", "again.limits.cpu_quota_usec")
            .later(|pid| process::write(pid, "cpu", ("cpu.cfs_quota_us", "-1"), ("cpu.max", "max"))),
        fault("share-undone-in-use", LOG, "L11", "again.limits.cpu_share")
            .later(|pid| process::write(pid, "cpu", ("cpu.shares", "1024"), ("cpu.weight", "100"))),
        fault("processes-limited-in-use", Strikes::Every, "L15", "again.limits.pids")
            .later(|pid| process::write(pid, "pids", ("pids.max", "500"), ("pids.max", "500"))),
        fault("score-changed-in-use", LOG, "L17", "again.oom.score_adj").later(|pid| {
            let file = format!("/proc/{pid}/oom_score_adj");
            std::fs::write(&file, "1000").map_err(|error| format!("{file}: {error}"))
        }),
        fault("swap-on-top", JOB, "L3", "limits.memory_swap_bytes")
            .config(|c, _| times(c, &format!("{MEMORY}/swap"), 2)),
        fault("killed-one-by-one", JOB, "L6", "limits.oom_group")
            .needs(Needs::V2)
            .config(|c, _| remove(c, "/linux/resources/unified")),
        fault("killed-all-at-once", Strikes::Sandbox, "L18", "limits.oom_group").needs(Needs::V2).config(|c, _| {
            set(c, "/linux/resources/unified", json!({"memory.oom.group": "1"}));
        }),
        fault("cpu-doubled", JOB, "L8", "limits.cpu_quota_usec").config(|c, _| times(c, &format!("{CPU}/quota"), 2)),
        fault("cpu-unlimited", JOB, "L8", "limits.cpu_quota_usec").config(|c, _| {
            remove(c, &format!("{CPU}/quota"));
            remove(c, &format!("{CPU}/period"));
        }),
        fault("cpu-limited-unasked", LOG, "L8", "limits.cpu_quota_usec").config(|c, _| {
            set(c, &format!("{CPU}/quota"), json!(20_000));
            set(c, &format!("{CPU}/period"), json!(100_000));
        }),
        fault("cpu-in-other-periods", JOB, "L8", "limits.cpu_period_usec").config(|c, _| {
            set(c, &format!("{CPU}/quota"), json!(25_000));
            set(c, &format!("{CPU}/period"), json!(50_000));
        }),
        fault("cpu-undone-later", JOB, "L8", "limits.cpu_quota_usec")
            .after(|pid| process::write(pid, "cpu", ("cpu.cfs_quota_us", "-1"), ("cpu.max", "max"))),
        fault("share-doubled", JOB, "L11", "limits.cpu_share").config(|c, _| times(c, &format!("{CPU}/shares"), 2)),
        fault("share-of-nobody", Strikes::Every, "L11", "limits.cpu_share").config(|c, _| {
            remove(c, &format!("{CPU}/shares"));
        }),
        fault("processes-limited", JOB, "L15", "limits.pids").config(|c, _| {
            set(c, "/linux/resources/pids/limit", json!(64));
        }),
        fault("huge-pages-unlimited", JOB, "L16", "limits.huge_pages").needs(Needs::HugePages).config(|c, _| {
            remove(c, "/linux/resources/hugepageLimits");
        }),
        fault("huge-pages-given", Strikes::Every, "L16", "limits.huge_pages").needs(Needs::HugePages).config(|c, _| {
            set(c, "/linux/resources/hugepageLimits", json!([{"pageSize": "2MB", "limit": 4 << 20}]));
        }),
        fault("huge-pages-of-the-sandbox", Strikes::Sandbox, "L16", "limits.huge_pages")
            .needs(Needs::HugePages)
            .config(|c, _| set(c, "/linux/resources/hugepageLimits", json!([{"pageSize": "2MB", "limit": 0}]))),
        fault("huge-pages-given-in-use", LOG, "L16", "again.limits.huge_pages").needs(Needs::HugePages).later(|pid| {
            process::write(pid, "hugetlb", ("hugetlb.2MB.limit_in_bytes", "-1"), ("hugetlb.2MB.max", "max"))
        }),
        fault("first-to-be-killed", JOB, "L17", "oom.score_adj").config(|c, _| {
            set(c, "/process/oomScoreAdj", json!(1000));
        }),
        fault("score-of-nobody", Strikes::Every, "L17", "oom.score_adj").config(|c, _| {
            set(c, "/process/oomScoreAdj", json!(1000));
        }),
    ]
}
