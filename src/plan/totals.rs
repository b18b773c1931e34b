//! What a Pod as a whole asks for: its own word where it has one, else the sum of its containers, and its overhead.
//! Sources: Kubernetes component-helpers/resource/helpers.go and pkg/apis/core/v1/defaults.go (`defaultPodRequests`).

use super::qos::effective;
use super::together;
use crate::pod::{Container, Pod, Quantity, Resources};

/// Which of a Pod's resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Cpu,
    Memory,
}

impl Kind {
    fn request(self, of: &Resources) -> Option<Quantity> {
        match self {
            Kind::Cpu => of.cpu_request,
            Kind::Memory => of.memory_request,
        }
    }

    fn limit(self, of: &Resources) -> Option<Quantity> {
        match self {
            Kind::Cpu => of.cpu_limit,
            Kind::Memory => of.memory_limit,
        }
    }
}

/// What is set, and is more than nothing.
fn set(quantity: Option<Quantity>) -> Option<u128> {
    quantity.map(|quantity| quantity.milli).filter(|milli| *milli > 0)
}

/// What the containers ask for together; `None` if none asks for any.
fn of_containers(pod: &Pod, kind: Kind) -> Option<u128> {
    let asked = |c: &Container| effective(kind.request(&c.resources), kind.limit(&c.resources));
    pod.spec.all().any(|c| asked(c).is_some()).then(|| together::sum(pod, asked).milli)
}

/// The Pod's own request, as the API server stores it: where the Pod sets a limit, what is not written is the containers'
/// sum, or the limit if none of them asks for any.
pub(super) fn own_request(pod: &Pod, kind: Kind) -> Option<Quantity> {
    let own = pod.spec.resources.as_ref()?;
    if let Some(request) = kind.request(own) {
        return Some(request);
    }
    if own.cpu_limit.is_none() && own.memory_limit.is_none() {
        return None;
    }
    let sum = of_containers(pod, kind).map(|milli| Quantity { milli });
    sum.or(kind.limit(own))
}

fn overhead(pod: &Pod, kind: Kind) -> u128 {
    pod.spec.overhead.as_ref().and_then(|overhead| kind.request(overhead)).map_or(0, |q| q.milli)
}

/// Thousandths that the Pod asks for.
pub(super) fn request(pod: &Pod, kind: Kind) -> Quantity {
    let own = own_request(pod, kind).map(|q| q.milli).or_else(|| of_containers(pod, kind));
    Quantity { milli: own.unwrap_or(0) + overhead(pod, kind) }
}

/// What the Pod is limited to: its own limit, or the sum of its containers' if every one has one, since one that has not
/// may use what it likes.
pub(super) fn limit(pod: &Pod, kind: Kind) -> Option<Quantity> {
    let own = pod.spec.resources.as_ref().and_then(|own| set(kind.limit(own)));
    let sum = || together::sum_if_all(pod, |c| kind.limit(&c.resources)).map(|limit| limit.milli);
    own.or_else(sum).map(|milli| Quantity { milli: milli + overhead(pod, kind) })
}

/// Bytes of the Pod's own request that no container asks for, shared among them: they count for a container's oom score.
pub(super) fn unclaimed_memory(pod: &Pod) -> u64 {
    let own = pod.spec.resources.as_ref().and_then(|_| own_request(pod, Kind::Memory)).map_or(0, |q| q.value());
    let claimed = Quantity { milli: of_containers(pod, Kind::Memory).unwrap_or(0) }.value();
    let containers = u64::try_from(pod.spec.all().count()).unwrap_or(u64::MAX).max(1);
    own.saturating_sub(claimed) / containers
}
