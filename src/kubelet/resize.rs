//! A running container is given other resources: memory first, then cpu, each in an order in which no cgroup ever holds less
//! than what is below it may use.
//! Source: Kubernetes pkg/kubelet/kuberuntime/kuberuntime_manager.go (`doPodResizeAction`) and
//! <https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/1287-in-place-update-pod-resources>.

use super::Kubelet;
use crate::plan::{ContainerPlan, LinuxResources, Plan};
use crate::runtime::RuntimeError;

/// One thing that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Write {
    /// Into the cgroup of this path, by the kubelet itself.
    Cgroup(String, LinuxResources),
    /// Into the container's, by its runtime.
    Container(Box<ContainerPlan>),
}

/// What is changed in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Memory,
    Cpu,
}

impl Kind {
    /// The limits of this kind alone.
    fn limit(self, of: &LinuxResources) -> LinuxResources {
        match self {
            Kind::Memory => LinuxResources { memory_limit_bytes: of.memory_limit_bytes, ..LinuxResources::default() },
            Kind::Cpu => LinuxResources {
                cpu_quota_usec: of.cpu_quota_usec,
                cpu_period_usec: of.cpu_period_usec,
                ..LinuxResources::default()
            },
        }
    }

    /// The requests of this kind alone: that of memory stands in no cgroup.
    fn request(self, of: &LinuxResources) -> LinuxResources {
        let cpu_shares = of.cpu_shares.filter(|_| self == Kind::Cpu);
        LinuxResources { cpu_shares, ..LinuxResources::default() }
    }

    /// `now`, but for this kind, which is as it is to be.
    fn changed(self, now: LinuxResources, wanted: &LinuxResources) -> LinuxResources {
        match self {
            Kind::Memory => LinuxResources {
                memory_limit_bytes: wanted.memory_limit_bytes,
                memory_swap_limit_bytes: wanted.memory_swap_limit_bytes,
                ..now
            },
            Kind::Cpu => LinuxResources {
                cpu_shares: wanted.cpu_shares,
                cpu_quota_usec: wanted.cpu_quota_usec,
                cpu_period_usec: wanted.cpu_period_usec,
                ..now
            },
        }
    }
}

/// A size by which limits are told larger from smaller: none is the largest.
fn size(of: &LinuxResources) -> u64 {
    of.memory_limit_bytes.or(of.cpu_quota_usec).or(of.cpu_shares).unwrap_or(u64::MAX)
}

/// Everything that is written on the way from `now` to `wanted`, which differ in the resources of one container and of the
/// cgroups above it.
fn writes(now: &Plan, wanted: &Plan, name: &str) -> Vec<Write> {
    let of = |plan: &Plan| plan.containers.iter().find(|container| container.name == name).cloned();
    let (Some(mut container), Some(last)) = (of(now), of(wanted)) else { return Vec::new() };
    container.oom_score_adj = last.oom_score_adj;
    let mut writes = Vec::new();
    for kind in [Kind::Memory, Kind::Cpu] {
        let mut before = Vec::new();
        let mut after = Vec::new();
        for (is, is_to_be) in now.cgroups.iter().zip(&wanted.cgroups) {
            let pairs = [
                (kind.limit(&is.resources), kind.limit(&is_to_be.resources)),
                (kind.request(&is.resources), kind.request(&is_to_be.resources)),
            ];
            for (is, to) in pairs.into_iter().filter(|(is, to)| is != to) {
                let list = if size(&to) > size(&is) { &mut before } else { &mut after };
                list.push(Write::Cgroup(is_to_be.path.clone(), to));
            }
        }
        // From the outermost in where there is more, limits before requests; the other way round where there is less.
        writes.append(&mut before);
        let changed = kind.changed(container.resources.clone(), &last.resources);
        if changed != container.resources {
            container.resources = changed;
            writes.push(Write::Container(Box::new(container.clone())));
        }
        writes.extend(after.into_iter().rev());
    }
    writes
}

impl Kubelet {
    /// Goes over to a plan that differs in the resources of one container and of the cgroups above it. `Some` is why the runtime
    /// refused.
    ///
    /// # Errors
    /// The host refused, or the runtime failed.
    pub fn resize(&mut self, name: &str, wanted: &Plan) -> Result<Option<String>, RuntimeError> {
        for write in writes(&self.plan, wanted, name) {
            match write {
                Write::Cgroup(path, resources) => {
                    self.dir.limit(&path, &resources).map_err(|error| RuntimeError::Failed {
                        runtime: "podcheck".to_owned(),
                        action: error.action,
                        cause: error.cause,
                    })?;
                }
                Write::Container(container) => {
                    if let Some(says) = self.pod.resize(&container)? {
                        return Ok(Some(says));
                    }
                }
            }
        }
        self.plan = wanted.clone();
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Node;
    use crate::plan::plan;
    use crate::pod::{Container, Pod, PodSpec, Quantity, Resources};

    /// A Burstable Pod of two, `app` with these limits and this cpu request.
    fn planned(cpu_milli: u128, memory_mi: u128, request_milli: u128) -> Plan {
        let quantity = |milli: u128| Some(Quantity { milli });
        let resources = |cpu: u128, memory: u128, request: u128| Resources {
            cpu_limit: quantity(cpu),
            cpu_request: quantity(request),
            memory_limit: quantity((memory << 20) * 1000),
            ..Resources::default()
        };
        let container = |name: &str, resources| Container { name: name.to_owned(), resources, ..Container::default() };
        let containers = vec![
            container("app", resources(cpu_milli, memory_mi, request_milli)),
            container("side", resources(100, 8, 50)),
        ];
        let spec = PodSpec { containers, ..PodSpec::default() };
        let pod = Pod { name: "p".to_owned(), namespace: String::new(), uid: None, labels: Default::default(), spec };
        plan(&pod, &Node::default(), "u")
    }

    fn shown(now: &Plan, wanted: &Plan) -> Vec<String> {
        let number = |value: Option<u64>| value.map_or("-".to_owned(), |value| value.to_string());
        let one = |write: &Write| {
            let (of, resources) = match write {
                Write::Cgroup(path, resources) => (path.as_str(), resources),
                Write::Container(container) => (container.name.as_str(), &container.resources),
            };
            let memory = number(resources.memory_limit_bytes.map(|bytes| bytes >> 20));
            format!("{of} {memory} {} {}", number(resources.cpu_quota_usec), number(resources.cpu_shares))
        };
        writes(now, wanted, "app").iter().map(one).collect()
    }

    const POD: &str = "kubepods/burstable/podu";

    #[test]
    fn what_grows_grows_from_the_outside_in() {
        let expected = [
            format!("{POD} 24 - -"),
            "app 16 20000 51".to_owned(),
            "kubepods/burstable - - 153".to_owned(),
            format!("{POD} - 40000 -"),
            format!("{POD} - - 153"),
            "app 16 30000 102".to_owned(),
        ];
        assert_eq!(shown(&planned(200, 8, 50), &planned(300, 16, 100)), expected);
    }

    #[test]
    fn what_shrinks_shrinks_from_the_inside_out() {
        let expected = [
            "app 8 30000 102".to_owned(),
            format!("{POD} 16 - -"),
            "app 8 20000 51".to_owned(),
            format!("{POD} - - 102"),
            format!("{POD} - 30000 -"),
            "kubepods/burstable - - 102".to_owned(),
        ];
        assert_eq!(shown(&planned(300, 16, 100), &planned(200, 8, 50)), expected);
    }

    #[test]
    fn each_kind_goes_its_own_way_and_what_stays_is_not_written() {
        let expected = [
            "app 8 20000 51".to_owned(),
            format!("{POD} 16 - -"),
            format!("{POD} - 40000 -"),
            "app 8 30000 51".to_owned(),
        ];
        assert_eq!(shown(&planned(200, 16, 50), &planned(300, 8, 50)), expected);
        assert!(shown(&planned(200, 16, 50), &planned(200, 16, 50)).is_empty());
    }
}
