//! The machine that the plan pretends.

use crate::pod::{Allocatable, HugePageSize};

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
    pub(super) fn put_into(&self, text: &mut String) {
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
