//! The kubelet's conversions from a manifest's quantities to what the kernel takes.
//! Source: Kubernetes pkg/kubelet/cm/helpers_linux.go and pkg/kubelet/qos/policy.go.

use super::QosClass;

/// Length of a bandwidth period that a kubelet asks for, microseconds.
pub(super) const PERIOD_USEC: u64 = 100_000;
const LEAST_QUOTA_USEC: u64 = 1000;
const LEAST_SHARES: u64 = 2;
const MOST_SHARES: u64 = 262_144;

/// `cpu.shares` of that many thousandths of a core.
pub(super) fn shares(milli_cpu: u64) -> u64 {
    (milli_cpu.saturating_mul(1024) / 1000).clamp(LEAST_SHARES, MOST_SHARES)
}

/// Microseconds of each period that a limit of that many thousandths of a core leaves; `None` for no limit.
pub(super) fn quota_usec(milli_cpu: u64) -> Option<u64> {
    (milli_cpu > 0).then(|| (milli_cpu.saturating_mul(PERIOD_USEC) / 1000).max(LEAST_QUOTA_USEC))
}

/// oom_score_adj of the sandbox: as little as a process can have that a container is to outlive.
pub(super) const SANDBOX_OOM_SCORE_ADJ: i32 = -998;
const GUARANTEED_OOM_SCORE_ADJ: i32 = -997;
const BEST_EFFORT_OOM_SCORE_ADJ: i32 = 1000;

/// oom_score_adj of a container: the less of the node's memory a Burstable one asks for, the sooner it is killed.
pub(super) fn oom_score_adj(qos: QosClass, node_critical: bool, memory_request: u64, node_memory: u64) -> i32 {
    match qos {
        _ if node_critical => GUARANTEED_OOM_SCORE_ADJ,
        QosClass::Guaranteed => GUARANTEED_OOM_SCORE_ADJ,
        QosClass::BestEffort => BEST_EFFORT_OOM_SCORE_ADJ,
        QosClass::Burstable => {
            let share = u128::from(memory_request) * 1000 / u128::from(node_memory.max(1));
            let adj = 1000 - i32::try_from(share.min(1000)).unwrap_or(1000);
            adj.clamp(1000 + GUARANTEED_OOM_SCORE_ADJ, BEST_EFFORT_OOM_SCORE_ADJ - 1)
        }
    }
}
