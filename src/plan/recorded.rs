//! What a real kubelet wrote into cgroups, as literal data to hold the plan's arithmetic to.
//!
//! Provenance: kubelet 1.20.2, built from Debian bookworm's `kubernetes` source package, standalone with static Pods over
//! containerd 1.6.20 and runc 1.1.5, cgroupfs driver, cgroup v1, two cores, 2026-11-23; the same tree with containerd
//! 1.4.13. `NO_LIMIT` stands for the kernel's -1 (quota) and 9223372036854771712 (memory).

/// No limit.
pub(super) const NO_LIMIT: Option<u64> = None;

/// A recorded cgroup: path with the Pod's uid as `UID`, cpu.shares, cpu.cfs_quota_us, memory.limit_in_bytes.
pub(super) struct Recorded {
    pub(super) path: &'static str,
    pub(super) shares: u64,
    pub(super) quota: Option<u64>,
    pub(super) memory: Option<u64>,
}

/// A recorded Pod of two containers.
pub(super) struct RecordedPod {
    /// cpu request, cpu limit, memory limit of each container; empty for unset.
    pub(super) resources: [[&'static str; 3]; 2],
    /// The Pod's cgroup and those above it, `kubepods` itself left out.
    pub(super) above: &'static [Recorded],
    /// The containers' own.
    pub(super) containers: [Recorded; 2],
}

const fn cgroup(path: &'static str, shares: u64, quota: Option<u64>, memory: Option<u64>) -> Recorded {
    Recorded { path, shares, quota, memory }
}

/// All that was recorded.
pub(super) const PODS: &[RecordedPod] = &[
    // Memory limits alone: requests default to them.
    RecordedPod {
        resources: [["", "", "256Mi"], ["", "", "128Mi"]],
        above: &[
            cgroup("kubepods/burstable", 2, NO_LIMIT, NO_LIMIT),
            cgroup("kubepods/burstable/podUID", 2, NO_LIMIT, Some(402_653_184)),
        ],
        containers: [cgroup("app", 2, NO_LIMIT, Some(268_435_456)), cgroup("sidecar", 2, NO_LIMIT, Some(134_217_728))],
    },
    // Cpu requests below their limits.
    RecordedPod {
        resources: [["100m", "500m", ""], ["50m", "250m", ""]],
        above: &[
            cgroup("kubepods/burstable", 153, NO_LIMIT, NO_LIMIT),
            cgroup("kubepods/burstable/podUID", 153, Some(75_000), NO_LIMIT),
        ],
        containers: [cgroup("app", 102, Some(50_000), NO_LIMIT), cgroup("sidecar", 51, Some(25_000), NO_LIMIT)],
    },
    // Limits of both kinds and nothing else: Guaranteed, no class level. The memory limits were not noted; any will do.
    RecordedPod {
        resources: [["", "500m", "256Mi"], ["", "250m", "128Mi"]],
        above: &[cgroup("kubepods/podUID", 768, Some(75_000), Some(402_653_184))],
        containers: [
            cgroup("app", 512, Some(50_000), Some(268_435_456)),
            cgroup("sidecar", 256, Some(25_000), Some(134_217_728)),
        ],
    },
    // Nothing asked for.
    RecordedPod {
        resources: [["", "", ""], ["", "", ""]],
        above: &[
            cgroup("kubepods/besteffort", 2, NO_LIMIT, NO_LIMIT),
            cgroup("kubepods/besteffort/podUID", 2, NO_LIMIT, NO_LIMIT),
        ],
        containers: [cgroup("app", 2, NO_LIMIT, NO_LIMIT), cgroup("sidecar", 2, NO_LIMIT, NO_LIMIT)],
    },
];
