//! The machine that a Pod comes to, as far as its configuration goes: what a plan is made for and a Pod is judged by.

use crate::pod::{Allocatable, HugePageSize};
use std::fmt;

/// The machine that the plan pretends, so that no plan depends on where it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Memory capacity in bytes.
    pub memory_bytes: u64,
    /// Cores, in thousandths.
    pub cpu_milli: u64,
    /// `podPidsLimit`; `None` is unlimited, a kubelet's default.
    pub pod_pids_limit: Option<u64>,
    /// `singleProcessOOMKill`: where memory runs out, the kernel kills one process of a container and not all of them. False
    /// is a kubelet's default on cgroup v2; v1 knows nothing else than true, whatever stands here.
    pub single_process_oom_kill: bool,
    /// Sizes of huge pages that are limited in every Pod, asked for or not: those of the host, whose files they are. None
    /// where it cannot limit them.
    pub huge_page_sizes: Vec<HugePageSize>,
}

impl Node {
    /// Puts what it gives to Pods into a value that waits for it.
    pub(crate) fn put_into(&self, text: &mut String) {
        Allocatable::Cpu.put_into(text, self.cpu_milli.into());
        Allocatable::Memory.put_into(text, u128::from(self.memory_bytes) * 1000);
    }
}

impl Default for Node {
    fn default() -> Self {
        Node {
            memory_bytes: 8 << 30,
            cpu_milli: 4000,
            pod_pids_limit: None,
            single_process_oom_kill: false,
            huge_page_sizes: Vec::new(),
        }
    }
}

/// `cgroupDriver` of a kubelet: who makes the cgroups, and so how they are called.
/// Source: <https://kubernetes.io/docs/setup/production-environment/container-runtimes/#cgroup-drivers>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CgroupDriver {
    /// Directories, made by whoever needs them: `kubepods/burstable/pod<uid>`.
    #[default]
    Cgroupfs,
    /// Slices, made by systemd: `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid>.slice`.
    Systemd,
}

impl CgroupDriver {
    /// `cgroupfs` or `systemd`.
    pub fn as_str(self) -> &'static str {
        match self {
            CgroupDriver::Cgroupfs => "cgroupfs",
            CgroupDriver::Systemd => "systemd",
        }
    }
}

impl fmt::Display for CgroupDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
