//! What the containers of a Pod ask for together: the apps and the sidecars run side by side, an init container beside the
//! sidecars before it; the larger of the two is the Pod's.
//! Source: Kubernetes component-helpers/resource (PodRequests, PodLimits).

use crate::pod::{Container, Pod, Quantity};

fn milli(container: &Container, of: impl Fn(&Container) -> Option<Quantity>) -> u128 {
    of(container).map_or(0, |quantity| quantity.milli)
}

/// What runs at once while each init container starts, a sidecar counted with those before it.
fn while_starting(pod: &Pod, of: impl Fn(&Container) -> Option<Quantity>) -> impl Iterator<Item = u128> {
    let mut sidecars = 0;
    pod.spec.init_containers.iter().map(move |container| {
        let own = milli(container, &of);
        sidecars += if container.stays { own } else { 0 };
        sidecars + if container.stays { 0 } else { own }
    })
}

/// Of all containers; one that says nothing counts for nothing.
pub(super) fn sum(pod: &Pod, of: impl Fn(&Container) -> Option<Quantity>) -> Quantity {
    let sidecars = pod.spec.init_containers.iter().filter(|container| container.stays);
    let together: u128 = pod.spec.containers.iter().chain(sidecars).map(|container| milli(container, &of)).sum();
    Quantity { milli: while_starting(pod, &of).fold(together, u128::max) }
}

/// The same, if every container says something: one that does not may use what it likes. An init container counts as
/// having said something if a sidecar before it has, as a kubelet has it.
pub(super) fn sum_if_all(pod: &Pod, of: impl Fn(&Container) -> Option<Quantity>) -> Option<Quantity> {
    let apps = pod.spec.containers.iter().map(|container| milli(container, &of));
    apps.chain(while_starting(pod, &of)).all(|milli| milli > 0).then(|| sum(pod, &of))
}
