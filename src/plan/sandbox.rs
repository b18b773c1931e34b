//! The sandbox's part of the plan.

use super::{LinuxResources, arithmetic, container};
use crate::pod::{Pod, Sysctl};

/// Whom the pause image runs as, by its Dockerfile in kubernetes/build/pause.
const PAUSE_USER: u32 = 65535;

/// The sandbox as a kubelet and a CRI runtime make it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SandboxPlan {
    /// The cgroup of the pause process: cpu shares 2, nothing else.
    pub resources: LinuxResources,
    /// −998.
    pub oom_score_adj: i32,
    /// A privileged container is in the Pod.
    pub privileged: bool,
    /// Pod-level runAsUser if set; beside a group alone, which CRI refuses, that of the pause image.
    pub user: Option<u32>,
    /// Pod-level runAsGroup, if set.
    pub group: Option<u32>,
    /// Pod-level supplemental groups.
    pub supplemental_groups: Vec<u32>,
    /// Of the namespaces that it owns.
    pub sysctls: Vec<Sysctl>,
}

/// The sandbox of a Pod.
pub(super) fn of(pod: &Pod) -> SandboxPlan {
    let security = &pod.spec.security;
    SandboxPlan {
        resources: LinuxResources { cpu_shares: Some(arithmetic::shares(0)), ..LinuxResources::default() },
        oom_score_adj: arithmetic::SANDBOX_OOM_SCORE_ADJ,
        privileged: pod.spec.all().any(|c| c.security.privileged),
        user: security.run_as_user.or(security.run_as_group.map(|_| PAUSE_USER)),
        group: security.run_as_group,
        supplemental_groups: container::supplemental_groups(security),
        sysctls: security.sysctls.clone(),
    }
}
