//! What a cgroup holds its processes to, and what happened in it: the text of each file, v1 and v2.
//! Source: the kernel's Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.

use super::error::Malformed;
use super::observation::Seen;
use super::words::number;
use std::collections::BTreeMap;

/// A number, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// No limit.
    Max,
    /// This much.
    At(u64),
}

/// Limits of one cgroup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// `memory.max`, v1 `memory.limit_in_bytes`.
    pub memory_bytes: Seen<Limit>,
    /// Memory and swap together: v1 `memory.memsw.limit_in_bytes`, v2 `memory.max` + `memory.swap.max`.
    pub memory_swap_bytes: Seen<Limit>,
    /// Microseconds of cpu time in each period.
    pub cpu_quota_usec: Seen<Limit>,
    /// The period in microseconds.
    pub cpu_period_usec: Seen<u64>,
    /// Share of cpu time under the kernel's own name.
    pub cpu_share: Seen<CpuShare>,
    /// Processes and threads.
    pub pids: Seen<Limit>,
    /// v2 `memory.oom.group`: 1 where all of it is killed at once. v1 has none.
    pub oom_group: Seen<u64>,
    /// Bytes of huge pages by the kernel's name of their size: `hugetlb.2MB.max`, v1 `hugetlb.2MB.limit_in_bytes`.
    pub huge_pages: Seen<BTreeMap<&'static str, Limit>>,
}

/// A share of cpu time as the kernel has it. Never converted: that would hide how a runtime converts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuShare {
    /// v1 `cpu.shares`.
    Shares(u64),
    /// v2 `cpu.weight`.
    Weight(u64),
}

/// Live counts of one cgroup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// Periods in which it was throttled: `nr_throttled` of `cpu.stat`.
    pub nr_throttled: Seen<u64>,
    /// Processes killed for memory: `oom_kill` of `memory.events`, v1 `memory.oom_control`.
    pub oom_kill: Seen<u64>,
    /// Forks refused: `max` of `pids.events`.
    pub pids_max: Seen<u64>,
}

/// v1 has no word for "none": it prints the largest number of bytes that is whole pages, whatever the page size.
const V1_NO_LIMIT: u64 = 0x7fff_ffff_ffff_0000;

/// v1 `memory.limit_in_bytes`.
pub fn v1_bytes(text: &str) -> Result<Limit, Malformed> {
    v1_of_at_most(text, V1_NO_LIMIT)
}

/// A number of bytes of v1, where `no_limit` and more is none.
pub fn v1_of_at_most(text: &str, no_limit: u64) -> Result<Limit, Malformed> {
    let bytes = number(text)?;
    Ok(if bytes >= no_limit { Limit::Max } else { Limit::At(bytes) })
}

/// v1 `cpu.cfs_quota_us`: −1 for none.
pub fn v1_quota(text: &str) -> Result<Limit, Malformed> {
    if text.trim() == "-1" { Ok(Limit::Max) } else { number(text).map(Limit::At) }
}

/// A number or `max`: `memory.max`, `pids.max` of both versions.
pub fn or_max(text: &str) -> Result<Limit, Malformed> {
    if text.trim() == "max" { Ok(Limit::Max) } else { number(text).map(Limit::At) }
}

/// v2 `cpu.max`: quota and period.
pub fn cpu_max(text: &str) -> Result<(Limit, u64), Malformed> {
    let (quota, period) = text.trim().split_once(' ').ok_or_else(|| Malformed::new("`quota period`", text.trim()))?;
    Ok((or_max(quota)?, number(period)?))
}

/// v2: memory and swap together, as v1 counts them.
pub fn together(memory: Limit, swap: Limit) -> Limit {
    match (memory, swap) {
        (Limit::At(memory), Limit::At(swap)) => Limit::At(memory.saturating_add(swap)),
        _ => Limit::Max,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_has_one_name_in_every_version() {
        assert_eq!(v1_bytes("9223372036854771712\n"), Ok(Limit::Max));
        assert_eq!(v1_bytes("9223372036854710272\n"), Ok(Limit::Max), "64 KiB pages");
        assert_eq!(v1_of_at_most("9223372036852678656\n", 0x7fff_ffff_ffe0_0000), Ok(Limit::Max), "of pages of 2 MiB");
        assert_eq!(v1_of_at_most("4194304\n", 0x7fff_ffff_ffe0_0000), Ok(Limit::At(4_194_304)));
        assert_eq!(v1_quota("-1\n"), Ok(Limit::Max));
        assert_eq!(or_max("max\n"), Ok(Limit::Max));
        assert_eq!(cpu_max("max 100000\n"), Ok((Limit::Max, 100_000)));
    }

    #[test]
    fn limits_are_kept_exactly() {
        assert_eq!(v1_bytes("268435456\n"), Ok(Limit::At(268_435_456)));
        assert_eq!(v1_quota("50000\n"), Ok(Limit::At(50_000)));
        assert_eq!(cpu_max("50000 100000\n"), Ok((Limit::At(50_000), 100_000)));
        assert_eq!(together(Limit::At(4096), Limit::At(0)), Limit::At(4096));
        assert_eq!(together(Limit::At(4096), Limit::Max), Limit::Max);
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        assert!(v1_bytes("-5\n").is_err());
        assert!(v1_quota("").is_err());
        assert!(or_max("maximum\n").is_err());
        assert!(cpu_max("50000\n").is_err());
        assert!(cpu_max("50000 often\n").is_err());
    }
}
