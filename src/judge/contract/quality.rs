//! What a manifest's requests and limits come to: QoS class and the kernel's numbers.
//!
//! Written out a second time, not shared with the plan: two readings of the same specification have to agree.

use super::pod_level;
use crate::pod::{Container, Pod, Quantity};

/// The classes by their properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    BestEffort,
    Guaranteed,
    Burstable,
}

impl Class {
    /// Id of the property that says when a Pod is of this class.
    pub(super) fn property(self) -> &'static str {
        match self {
            Class::BestEffort => "Q1",
            Class::Guaranteed => "Q2",
            Class::Burstable => "Q3",
        }
    }

    /// Where a kubelet puts Pods of this class.
    pub(super) fn parent(self) -> &'static str {
        match self {
            Class::BestEffort => "kubepods/besteffort",
            Class::Guaranteed => "kubepods",
            Class::Burstable => "kubepods/burstable",
        }
    }
}

/// Thousandths of what is set, zero for what is not.
fn milli(quantity: Option<Quantity>) -> u128 {
    quantity.map_or(0, |q| q.milli)
}

/// Class of a Pod. <https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/>
pub(super) fn class(pod: &Pod) -> Class {
    if pod.spec.resources.is_some() {
        return pod_level::class(pod);
    }
    let of = |c: &Container| {
        let r = &c.resources;
        let (cpu_limit, memory_limit) = (milli(r.cpu_limit), milli(r.memory_limit));
        let cpu_request = r.cpu_request.map_or(cpu_limit, |q| q.milli);
        let memory_request = r.memory_request.map_or(memory_limit, |q| q.milli);
        [cpu_request, cpu_limit, memory_request, memory_limit]
    };
    let rows: Vec<[u128; 4]> = pod.spec.all().map(of).collect();
    let total = |i: usize| rows.iter().map(|row| row[i]).sum::<u128>();
    if rows.iter().flatten().all(|number| *number == 0) {
        Class::BestEffort
    } else if rows.iter().all(|row| row[1] > 0 && row[3] > 0) && total(0) == total(1) && total(2) == total(3) {
        Class::Guaranteed
    } else {
        Class::Burstable
    }
}

/// Bytes that a container may use, as the kernel keeps them: whole pages. The second says whether that cut something off.
pub(super) fn memory_limit(limit: Option<Quantity>, page: u64) -> Option<(u64, bool)> {
    let bytes = limit.map(Quantity::value).filter(|bytes| *bytes > 0)?;
    Some((bytes - bytes % page, bytes % page != 0))
}

/// Microseconds of each 100 000 that a container may run.
pub(super) fn cpu_quota(limit: Option<Quantity>) -> Option<u64> {
    let milli = limit.map(Quantity::milli_value).filter(|milli| *milli > 0)?;
    Some((milli.saturating_mul(100)).max(1000))
}

/// `cpu.shares`: 1024 a core, at least 2 and at most 262144.
pub(super) fn shares(milli: u64) -> u64 {
    (milli.saturating_mul(1024) / 1000).clamp(2, 262_144)
}

/// `cpu.weight` of shares by the straight line that runtimes used first (runc to 1.3.1, crun to 1.22, kubelet).
pub(super) fn linear_weight(shares: u64) -> u64 {
    1 + (shares.saturating_sub(2)) * 9999 / 262_142
}

/// `cpu.weight` of shares by the curve that puts 1024 shares at the kernel's default of 100 (runc 1.3.2, crun 1.23, youki).
pub(super) fn curved_weight(shares: u64) -> u64 {
    match shares {
        0..=2 => 1,
        3..=262_143 => {
            #[expect(clippy::cast_precision_loss, reason = "shares are at most 262144")]
            let l = (shares as f64).log2();
            let weight = 10f64.powf((l * l + 125.0 * l) / 612.0 - 7.0 / 34.0).ceil();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 10000")]
            let weight = weight as u64;
            weight
        }
        _ => 10_000,
    }
}

/// `oom_score_adj` of a container.
/// <https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#node-out-of-memory-behavior>
pub(super) fn oom_score_adj(pod: &Pod, container: &Container, node_memory: u64) -> i64 {
    if pod.spec.priority_class_name.as_deref() == Some("system-node-critical") {
        return -997;
    }
    match class(pod) {
        Class::Guaranteed => -997,
        Class::BestEffort => 1000,
        Class::Burstable => {
            let request = |c: &Container| c.resources.memory_request.or(c.resources.memory_limit);
            let bytes = |c: &Container| request(c).map_or(0, Quantity::value);
            let least = || pod.spec.containers.iter().map(bytes).min().unwrap_or(0);
            // A sidecar is to live as long as the least of those it serves.
            let bytes = if container.stays { bytes(container).max(least()) } else { bytes(container) };
            let bytes = bytes.saturating_add(pod_level::unclaimed(pod));
            // min(max(3, 1000 − (1000 × memoryRequestBytes) / machineMemoryCapacityBytes), 999)
            let part = 1000 * u128::from(bytes) / u128::from(node_memory.max(1));
            i64::try_from(1000_u128.saturating_sub(part)).unwrap_or(1000).clamp(3, 999)
        }
    }
}

/// How much is wanted once all are up, and while each init container is on its way: it runs beside the sidecars before it.
/// <https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers>
pub(super) fn at_once(pod: &Pod, of: impl Fn(&Container) -> u128) -> (u128, Vec<u128>) {
    let init = &pod.spec.init_containers;
    let sidecars_up_to = |end: usize| init[..end].iter().filter(|c| c.stays).map(&of).sum::<u128>();
    let starts = init.iter().enumerate().map(|(at, container)| match container.stays {
        true => sidecars_up_to(at + 1),
        false => sidecars_up_to(at) + of(container),
    });
    (pod.spec.containers.iter().map(&of).sum::<u128>() + sidecars_up_to(init.len()), starts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_conversions_to_a_weight_give_the_catalogues_table() {
        let table = [
            (2, 1, 1),
            (51, 2, 11),
            (102, 4, 17),
            (256, 10, 35),
            (512, 20, 59),
            (1024, 39, 100),
            (2048, 79, 174),
            (4096, 157, 303),
            (65536, 2500, 3023),
            (262_144, 10_000, 10_000),
        ];
        for (shares, linear, curved) in table {
            assert_eq!((linear_weight(shares), curved_weight(shares)), (linear, curved), "{shares}");
        }
    }
}
