//! QoS class: how well a Pod's resources are spoken for.

use super::totals::{self, Kind};
use crate::pod::{Pod, Quantity, Resources};

/// QoS class of a Pod. Source: Kubernetes pkg/apis/core/v1/helper/qos/qos.go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum QosClass {
    /// Every container has cpu and memory limits, equal to its requests.
    Guaranteed,
    /// In between.
    Burstable,
    /// No cpu or memory request or limit anywhere.
    BestEffort,
}

impl QosClass {
    /// Name of the cgroup that holds all Pods of the class; Guaranteed Pods lie in `kubepods` itself.
    pub fn cgroup(self) -> Option<&'static str> {
        match self {
            QosClass::Guaranteed => None,
            QosClass::Burstable => Some("burstable"),
            QosClass::BestEffort => Some("besteffort"),
        }
    }
}

/// A request as the API server stores it: one that is not written is its limit.
pub(super) fn effective(request: Option<Quantity>, limit: Option<Quantity>) -> Option<Quantity> {
    request.or(limit)
}

/// Class of a Pod: a zero counts as not written, requests and limits are compared as sums.
pub(super) fn class(pod: &Pod) -> QosClass {
    if let Some(own) = &pod.spec.resources {
        return class_of_its_own(pod, own);
    }
    let resources = || pod.spec.all().map(|c| &c.resources);
    let set = |quantity: Option<Quantity>| quantity.is_some_and(|q| q.milli > 0);
    let nothing = |r: &Resources| {
        [r.cpu_limit, r.cpu_request, r.memory_limit, r.memory_request].into_iter().all(|quantity| !set(quantity))
    };
    if resources().all(nothing) {
        return QosClass::BestEffort;
    }
    let sum = |of: fn(&Resources) -> Option<Quantity>| resources().filter_map(of).map(|q| q.milli).sum::<u128>();
    let every_limit = resources().all(|r| set(r.cpu_limit) && set(r.memory_limit));
    let cpu = sum(|r| effective(r.cpu_request, r.cpu_limit)) == sum(|r| r.cpu_limit);
    let memory = sum(|r| effective(r.memory_request, r.memory_limit)) == sum(|r| r.memory_limit);
    if every_limit && cpu && memory { QosClass::Guaranteed } else { QosClass::Burstable }
}

/// Class of a Pod that has resources as a whole: its containers' do not count.
fn class_of_its_own(pod: &Pod, own: &Resources) -> QosClass {
    let milli = |quantity: Option<Quantity>| quantity.map_or(0, |q| q.milli);
    let rows = [(Kind::Cpu, own.cpu_limit), (Kind::Memory, own.memory_limit)];
    let rows = rows.map(|(kind, limit)| (milli(totals::own_request(pod, kind)), milli(limit)));
    if rows == [(0, 0); 2] {
        QosClass::BestEffort
    } else if rows.iter().all(|(request, limit)| *limit > 0 && request == limit) {
        QosClass::Guaranteed
    } else {
        QosClass::Burstable
    }
}
