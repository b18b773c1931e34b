//! L19 and L21: resources of a Pod as a whole, and what running it takes beside its containers.
//!
//! Like [`super::quality`] a second reading of the specification, not shared with the plan.

use super::quality::{Class, at_once};
use crate::pod::{Container, HugePageSize, Pod, Quantity};

/// Thousandths of cpu, then of memory.
type Pair = [u128; 2];

fn pair(cpu: Option<Quantity>, memory: Option<Quantity>) -> [Option<u128>; 2] {
    [cpu, memory].map(|quantity| quantity.map(|q| q.milli))
}

/// What each container asks for, its limit where it does not say.
fn requests(pod: &Pod) -> impl Iterator<Item = [Option<u128>; 2]> + '_ {
    let of = |c: &Container| {
        let r = &c.resources;
        pair(r.cpu_request.or(r.cpu_limit), r.memory_request.or(r.memory_limit))
    };
    pod.spec.all().map(of)
}

/// What all ask for together, at the time when that is the most.
fn asked_together(pod: &Pod, i: usize) -> u128 {
    let (apps, starts) = at_once(pod, |c| {
        let r = &c.resources;
        pair(r.cpu_request.or(r.cpu_limit), r.memory_request.or(r.memory_limit))[i].unwrap_or(0)
    });
    starts.into_iter().fold(apps, u128::max)
}

/// The Pod's own limits.
fn limits(pod: &Pod) -> [Option<u128>; 2] {
    pod.spec.resources.as_ref().map_or([None, None], |own| pair(own.cpu_limit, own.memory_limit))
}

/// The Pod's own requests; with a limit, one that is not written is the containers' together, or else the limit.
fn own_requests(pod: &Pod) -> [Option<u128>; 2] {
    let Some(own) = &pod.spec.resources else { return [None, None] };
    let (written, limits) = (pair(own.cpu_request, own.memory_request), limits(pod));
    if limits == [None, None] {
        return written;
    }
    [0, 1].map(|i| {
        let asks = requests(pod).any(|row| row[i].is_some());
        written[i].or(if asks { Some(asked_together(pod, i)) } else { limits[i] })
    })
}

/// Class of a Pod with resources of its own: nothing else counts.
pub(super) fn class(pod: &Pod) -> Class {
    let (requests, limits) = (own_requests(pod).map(|r| r.unwrap_or(0)), limits(pod).map(|l| l.unwrap_or(0)));
    match (requests, limits) {
        ([0, 0], [0, 0]) => Class::BestEffort,
        (requests, limits) if requests == limits && !limits.contains(&0) => Class::Guaranteed,
        _ => Class::Burstable,
    }
}

fn overhead(pod: &Pod) -> Pair {
    let overhead = pod.spec.overhead.as_ref();
    overhead.map_or([0, 0], |o| pair(o.cpu_request, o.memory_request).map(|q| q.unwrap_or(0)))
}

/// Thousandths of a core that the Pod asks for, overhead and all.
pub(super) fn cpu_request(pod: &Pod) -> u64 {
    let sum = || asked_together(pod, 0);
    Quantity { milli: own_requests(pod)[0].unwrap_or_else(sum) + overhead(pod)[0] }.milli_value()
}

/// What the Pod is limited to, of cpu and of memory: its own limit or, if every container has one, theirs together.
pub(super) fn totals(pod: &Pod) -> [Option<Quantity>; 2] {
    let own = limits(pod);
    let of = |c: &Container| pair(c.resources.cpu_limit, c.resources.memory_limit);
    [0, 1].map(|i| {
        let own_of = |c: &Container| of(c)[i].unwrap_or(0);
        // An init container with no limit of its own is held by those of the sidecars before it, as far as a kubelet counts.
        let (apps, starts) = at_once(pod, own_of);
        let every = pod.spec.containers.iter().all(|c| own_of(c) > 0) && !starts.contains(&0);
        let sum = every.then(|| starts.into_iter().fold(apps, u128::max));
        let limit = own[i].filter(|milli| *milli > 0).or(sum);
        limit.map(|milli: u128| Quantity { milli: milli + overhead(pod)[i] })
    })
}

/// Bytes of huge pages of a size that the containers may use together, at the time when that is the most.
pub(super) fn huge_pages(pod: &Pod, size: HugePageSize) -> u128 {
    let (apps, starts) = at_once(pod, |c| c.resources.huge_pages.get(&size).map_or(0, |bytes| u128::from(*bytes)));
    starts.into_iter().fold(apps, u128::max)
}

/// Limits of a container, of cpu and of memory: its own, or else the Pod's.
pub(super) fn container_limits(pod: &Pod, container: &Container) -> [Option<Quantity>; 2] {
    let own = pair(container.resources.cpu_limit, container.resources.memory_limit);
    let pods = limits(pod);
    [0, 1].map(|i| own[i].or(pods[i]).map(|milli| Quantity { milli }))
}

/// Bytes of the Pod's own request that no container asks for, for each container.
pub(super) fn unclaimed(pod: &Pod) -> u64 {
    let bytes = |milli: u128| Quantity { milli }.value();
    let own = own_requests(pod)[1].map_or(0, bytes);
    let claimed = bytes(asked_together(pod, 1));
    own.saturating_sub(claimed) / u64::try_from(pod.spec.all().count()).unwrap_or(1).max(1)
}
