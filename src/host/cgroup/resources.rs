//! Limits: written in the order the kernel takes them, and read back.

use super::{Hierarchies, Hierarchy, write_file};
use crate::host::HostError;
use crate::plan::LinuxResources;
use crate::pod::HugePageSize;
use std::collections::BTreeMap;

/// `cpu.weight` of a v2 cgroup for `cpu.shares` of a v1 one: 2–262144 to 1–10000, as runc and crun convert them.
/// Source: <https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/2254-cgroup-v2>
pub fn weight_from_shares(shares: u64) -> u64 {
    let shares = shares.clamp(2, 262_144);
    1 + (shares - 2) * 9999 / 262_142
}

impl Hierarchies {
    /// Writes what is set of `resources` into a cgroup that is there, and reads it back.
    ///
    /// Swap limits are left out where the kernel does not account for swap: see the ability `swap-accounting`. So are those
    /// of huge pages where nobody handed their controller down to podcheck.
    ///
    /// # Errors
    /// A controller is missing, or the kernel refused or changed a value.
    pub fn apply(&self, path: &str, resources: &LinuxResources) -> Result<(), HostError> {
        self.apply_cpu(path, resources)?;
        self.apply_memory(path, resources)?;
        if let Some(limit) = resources.pids_limit {
            self.set(path, "pids", "pids.max", &limit.to_string())?;
        }
        self.apply_huge_pages(path, &resources.huge_page_limits)
    }

    fn apply_cpu(&self, path: &str, resources: &LinuxResources) -> Result<(), HostError> {
        let unified = self.controller("cpu").is_some_and(|h| h.unified);
        if let Some(shares) = resources.cpu_shares {
            if unified {
                self.set(path, "cpu", "cpu.weight", &weight_from_shares(shares).to_string())?;
            } else {
                self.set(path, "cpu", "cpu.shares", &shares.clamp(2, 262_144).to_string())?;
            }
        }
        let (quota, period) = (resources.cpu_quota_usec, resources.cpu_period_usec);
        if unified {
            if quota.is_some() || period.is_some() {
                let quota = quota.map_or("max".to_owned(), |q| q.to_string());
                self.set(path, "cpu", "cpu.max", &format!("{quota} {}", period.unwrap_or(100_000)))?;
            }
            return Ok(());
        }
        if let Some(period) = period {
            self.set(path, "cpu", "cpu.cfs_period_us", &period.to_string())?;
        }
        if let Some(quota) = quota {
            self.set(path, "cpu", "cpu.cfs_quota_us", &quota.to_string())?;
        }
        Ok(())
    }

    fn apply_memory(&self, path: &str, resources: &LinuxResources) -> Result<(), HostError> {
        let (limit, both) = (resources.memory_limit_bytes, resources.memory_swap_limit_bytes);
        let Some(hierarchy) = self.controller("memory") else {
            return if limit.or(both).is_some() { Err(missing(path, "memory")) } else { Ok(()) };
        };
        if hierarchy.unified {
            if let Some(limit) = limit {
                self.set(path, "memory", "memory.max", &limit.to_string())?;
            }
            if let Some(both) = both.filter(|_| hierarchy.dir(path).join("memory.swap.max").exists()) {
                let swap = both.saturating_sub(limit.unwrap_or(0));
                self.set(path, "memory", "memory.swap.max", &swap.to_string())?;
            }
            if resources.oom_group {
                self.set(path, "memory", "memory.oom.group", "1")?;
            }
            return Ok(());
        }
        let both = both.filter(|_| hierarchy.dir(path).join(MEMSW).exists());
        // Memory may never exceed memory and swap together, not even between two writes.
        let raises = both.is_some_and(|both| number(hierarchy, path, MEMSW).is_some_and(|now| both > now));
        let mut writes = vec![("memory.limit_in_bytes", limit), (MEMSW, both)];
        if raises {
            writes.reverse();
        }
        for (file, value) in writes {
            if let Some(value) = value {
                self.set(path, "memory", file, &value.to_string())?;
            }
        }
        Ok(())
    }

    fn apply_huge_pages(&self, path: &str, limits: &BTreeMap<HugePageSize, u64>) -> Result<(), HostError> {
        let Some(hierarchy) = self.controller("hugetlb") else { return Ok(()) };
        for (size, limit) in limits {
            let file = format!("hugetlb.{size}.{}", if hierarchy.unified { "max" } else { "limit_in_bytes" });
            if hierarchy.dir(path).join(&file).exists() {
                self.set(path, "hugetlb", &file, &limit.to_string())?;
            }
        }
        Ok(())
    }

    /// Writes one value and reads it back.
    fn set(&self, path: &str, controller: &str, file: &str, value: &str) -> Result<(), HostError> {
        let hierarchy = self.controller(controller).ok_or_else(|| missing(path, controller))?;
        let name = hierarchy.dir(path).join(file);
        let action = || format!("set {} to {value}", name.display());
        write_file(&name, value).map_err(|e| HostError::os(action(), e))?;
        let seen = std::fs::read_to_string(&name).map_err(|e| HostError::os(action(), e))?;
        if took(value, seen.trim(), if controller == "memory" { page_size() } else { 1 }) {
            Ok(())
        } else {
            Err(HostError::new(action(), format!("the kernel keeps {}", seen.trim())))
        }
    }
}

const MEMSW: &str = "memory.memsw.limit_in_bytes";

fn missing(path: &str, controller: &str) -> HostError {
    let detail = format!("this host has no {controller} controller");
    HostError::new(format!("limit {controller} of the cgroup {path}"), detail)
}

fn number(hierarchy: &Hierarchy, path: &str, file: &str) -> Option<u64> {
    std::fs::read_to_string(hierarchy.dir(path).join(file)).ok()?.trim().parse().ok()
}

/// Whether the kernel keeps what was written: as it is (a switch such as `memory.oom.group`), or bytes rounded down to whole
/// pages.
pub fn took(written: &str, kept: &str, unit: u64) -> bool {
    let rounded = match (written.parse::<u64>(), kept.parse::<u64>()) {
        (Ok(written), Ok(kept)) => written - written % unit == kept,
        _ => false,
    };
    written == kept || rounded
}

/// Size of this kernel's pages, in which it keeps limits of memory.
pub fn page_size() -> u64 {
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|size| u64::try_from(size).ok()).filter(|size| *size > 0).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_weights() {
        let table = [(0, 1), (2, 1), (102, 4), (512, 20), (1024, 39), (262_144, 10_000), (1_000_000, 10_000)];
        for (shares, weight) in table {
            assert_eq!(weight_from_shares(shares), weight, "{shares}");
        }
    }

    #[test]
    fn a_value_read_back() {
        assert!(took("max 100000", "max 100000", 1));
        assert!(took("268435457", "268435456", 4096));
        assert!(!took("268435457", "268435456", 1));
        assert!(!took("268435456", "9223372036854771712", 4096));
        assert!(!took("100000 100000", "max 100000", 1));
        assert!(!took("100", "0", 1));
        assert!(took("1", "1", 4096));
        assert!(!took("8192", "1", 4096));
    }
}
