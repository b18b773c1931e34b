//! What a kubelet makes ready of a container's mounts before it asks a runtime for it, and what it refuses there.
//! Source: Kubernetes pkg/kubelet/kubelet_pods.go (`makeMounts`), pkg/volume/util/subpath.

use crate::host::TrialDir;
use crate::plan::{ContainerPlan, Plan};
use crate::runtime::Refused;

/// Names of the containers whose mounts are ready, and the others, each with what speaks against it. Where the host fails the
/// runtime is asked all the same, and fails over the same thing.
pub(super) fn ready<'a>(
    plan: &Plan,
    dir: &TrialDir,
    containers: impl Iterator<Item = &'a ContainerPlan>,
) -> (Vec<&'a str>, Vec<Refused>) {
    let mut names = Vec::new();
    let mut refused = Vec::new();
    for container in containers {
        match dir.sources(plan, container) {
            Err(error) if error.of_pod => {
                refused.push(Refused { container: container.name.clone(), says: error.to_string() });
            }
            _ => names.push(container.name.as_str()),
        }
    }
    (names, refused)
}
