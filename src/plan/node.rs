//! The machine that the plan pretends.

/// The machine that the plan pretends, so that no plan depends on where it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Memory capacity in bytes.
    pub memory_bytes: u64,
    /// Cores, in thousandths.
    pub cpu_milli: u64,
    /// `podPidsLimit`; `None` is unlimited, a kubelet's default.
    pub pod_pids_limit: Option<u64>,
}

impl Default for Node {
    fn default() -> Self {
        Node { memory_bytes: 8 << 30, cpu_milli: 4000, pod_pids_limit: None }
    }
}
