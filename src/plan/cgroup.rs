//! The cgroups above the containers and what a kubelet writes into them.
//! Source: Kubernetes pkg/kubelet/cm (ResourceConfigForPod, pod and QoS container managers) and pkg/kubelet/kuberuntime.

use super::QosClass;
use super::arithmetic::{PERIOD_USEC, quota_usec, shares};
use super::qos::effective;
use super::together;
use super::totals::{self, Kind};
use crate::node::Node;
use crate::pod::{HugePageSize, Pod, Quantity, Resources};
use std::collections::BTreeMap;

/// A cgroup and what is written into it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CgroupPlan {
    /// Below the trial's cgroup root, without leading slash.
    pub path: String,
    /// What it holds its processes to.
    pub resources: LinuxResources,
}

/// What a cgroup holds its processes to. `None` leaves the kernel's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LinuxResources {
    /// v1 `cpu.shares` 2–262144; a cgroup v2 host gets a weight converted from it.
    pub cpu_shares: Option<u64>,
    /// Microseconds in each period; `None` for no limit.
    pub cpu_quota_usec: Option<u64>,
    /// Microseconds, 100000 wherever a quota is set.
    pub cpu_period_usec: Option<u64>,
    /// Bytes.
    pub memory_limit_bytes: Option<u64>,
    /// Bytes of memory and swap together; equal to the memory limit where swap is not to be used.
    pub memory_swap_limit_bytes: Option<u64>,
    /// Processes and threads.
    pub pids_limit: Option<u64>,
    /// `memory.oom.group`: out of memory, the kernel kills all of its processes. cgroup v2 alone has it; elsewhere a runtime
    /// leaves it out, as a kubelet does.
    pub oom_group: bool,
    /// Bytes of huge pages of each size.
    pub huge_page_limits: BTreeMap<HugePageSize, u64>,
}

/// The cgroups of a Pod, outermost first, as a kubelet makes them. Their paths are a kubelet's own names; what they are called
/// on the host its driver says, see [`crate::node::CgroupDriver`].
///
/// What a kubelet also writes and this leaves out, because no property asks for it: the node's limits of processes and of
/// huge pages on `kubepods` (the host's, so never the same twice).
pub(super) fn above_containers(pod: &Pod, qos: QosClass, uid: &str, node: &Node) -> Vec<CgroupPlan> {
    let node_resources = LinuxResources {
        cpu_shares: Some(shares(node.cpu_milli)),
        memory_limit_bytes: Some(node.memory_bytes),
        ..LinuxResources::default()
    };
    let mut cgroups = vec![CgroupPlan { path: "kubepods".to_owned(), resources: node_resources }];
    let mut parent = "kubepods".to_owned();
    if let Some(class) = qos.cgroup() {
        parent = format!("kubepods/{class}");
        // All requests of the class: this Pod is the only one on the node that is pretended.
        let cpu_shares = Some(if qos == QosClass::Burstable {
            shares(totals::request(pod, Kind::Cpu).milli_value())
        } else {
            shares(0)
        });
        cgroups
            .push(CgroupPlan { path: parent.clone(), resources: LinuxResources { cpu_shares, ..Default::default() } });
    }
    cgroups.push(CgroupPlan { path: format!("{parent}/pod{uid}"), resources: of_pod(pod, qos, node) });
    cgroups
}

/// The Pod's cgroup.
fn of_pod(pod: &Pod, qos: QosClass, node: &Node) -> LinuxResources {
    let pids_limit = node.pod_pids_limit.filter(|limit| *limit > 0);
    let huge_page_limits = huge_pages(node, |size| {
        let asked = |bytes: &u64| Quantity { milli: u128::from(*bytes) * 1000 };
        together::sum(pod, |container| container.resources.huge_pages.get(&size).map(asked)).value()
    });
    if qos == QosClass::BestEffort {
        return LinuxResources { cpu_shares: Some(shares(0)), pids_limit, huge_page_limits, ..Default::default() };
    }
    let cpu_quota_usec = totals::limit(pod, Kind::Cpu).and_then(|q| quota_usec(q.milli_value()));
    LinuxResources {
        cpu_shares: Some(shares(totals::request(pod, Kind::Cpu).milli_value())),
        cpu_quota_usec,
        cpu_period_usec: cpu_quota_usec.map(|_| PERIOD_USEC),
        memory_limit_bytes: totals::limit(pod, Kind::Memory).map(Quantity::value),
        memory_swap_limit_bytes: None,
        pids_limit,
        oom_group: false,
        huge_page_limits,
    }
}

/// Each size that the node has is limited, to nothing where nothing is asked for.
fn huge_pages(node: &Node, asked: impl Fn(HugePageSize) -> u64) -> BTreeMap<HugePageSize, u64> {
    node.huge_page_sizes.iter().map(|size| (*size, asked(*size))).collect()
}

/// What a container's own cgroup is asked to hold it to. One without a limit of its own has the Pod's.
/// Source: Kubernetes pkg/kubelet/kuberuntime/kuberuntime_container_linux.go, `getCPULimit` and `getMemoryLimit`.
pub(super) fn of_container(pod: &Pod, resources: &Resources, node: &Node) -> LinuxResources {
    let pods = |of: fn(&Resources) -> Option<Quantity>| pod.spec.resources.as_ref().and_then(of);
    let cpu_limit = resources.cpu_limit.or_else(|| pods(|own| own.cpu_limit));
    let memory_limit = resources.memory_limit.or_else(|| pods(|own| own.memory_limit));
    let request = effective(resources.cpu_request, cpu_limit).map_or(0, Quantity::milli_value);
    let cpu_quota_usec = cpu_limit.and_then(|q| quota_usec(q.milli_value()));
    let memory_limit_bytes = memory_limit.map(Quantity::value).filter(|bytes| *bytes > 0);
    LinuxResources {
        cpu_shares: Some(shares(request)),
        cpu_quota_usec,
        cpu_period_usec: cpu_quota_usec.map(|_| PERIOD_USEC),
        memory_limit_bytes,
        // Memory and swap together no more than memory alone: no swap.
        memory_swap_limit_bytes: memory_limit_bytes,
        pids_limit: None,
        oom_group: !node.single_process_oom_kill,
        huge_page_limits: huge_pages(node, |size| resources.huge_pages.get(&size).copied().unwrap_or(0)),
    }
}
