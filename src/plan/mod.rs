//! The plan: what a kubelet (of Kubernetes 1.36) would ask of any runtime for a manifest.
//!
//! Pure: no input or output. Every runtime translates this, the engine into system calls, Docker into flags, containerd
//! into CRI messages. What stands here is asked of everybody alike.

mod arithmetic;
mod cgroup;
mod container;
mod driver;
mod files;
mod mount;
mod namespaces;
mod qos;
#[cfg(test)]
mod recorded;
mod sandbox;
mod stand_in;
#[cfg(test)]
mod tests;
mod together;
mod totals;

pub use cgroup::{CgroupPlan, LinuxResources};
pub use container::{ContainerPlan, Role};
pub use driver::slices;
pub use files::NetworkFiles;
pub use mount::{MountPlan, MountSource, VolumePlan};
pub use namespaces::{Namespaces, Scope};
pub use qos::QosClass;
pub use sandbox::SandboxPlan;
pub use stand_in::can_listen;
pub(crate) use stand_in::{SERVER, SERVER_ARGS};

use crate::node::Node;
use crate::pod::{Later, Pod, RecursiveReadOnly, RestartPolicy};
use std::net::IpAddr;

/// A Pod as every runtime is asked for it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Plan {
    /// The Pod's name.
    pub name: String,
    /// The Pod's namespace.
    pub namespace: String,
    /// The Pod's uid, a UUID with dashes.
    pub uid: String,
    /// QoS class.
    pub qos: QosClass,
    /// Host name of the Pod's own UTS namespace; `None` if the Pod uses the host's (hostNetwork).
    pub hostname: Option<String>,
    /// Which namespaces the Pod has.
    pub namespaces: Namespaces,
    /// The Pod has a user namespace of its own, with 65536 ids of the host that no other Pod has.
    pub own_users: bool,
    /// The cgroups above the containers, outermost first: `kubepods`, `kubepods/burstable`, `kubepods/burstable/pod<uid>`.
    /// podcheck makes them, as a kubelet would; the last is the parent of sandbox and containers.
    pub cgroups: Vec<CgroupPlan>,
    /// Which containers that ended are started again.
    pub restart_policy: RestartPolicy,
    /// Seconds between SIGTERM and SIGKILL.
    pub grace_period_seconds: u64,
    /// resolv.conf, if the manifest sets it; otherwise a copy of the host's.
    pub resolv_conf: Option<String>,
    /// What else stands in the Pod's /etc/hosts and resolv.conf.
    pub network_files: NetworkFiles,
    /// The pause process.
    pub sandbox: SandboxPlan,
    /// The containers in order: init containers first, ephemeral ones last.
    pub containers: Vec<ContainerPlan>,
    /// The Pod's volumes in order; podcheck makes all but the host's paths.
    pub volumes: Vec<VolumePlan>,
}

impl Plan {
    /// Puts the Pod's address and uid into what its containers take from them. To be called once the sandbox is up, before
    /// any of them is made. A Pod without an address of its own takes none.
    pub fn put_in_later(&mut self, address: Option<IpAddr>) {
        let address = address.map(|address| address.to_string());
        for container in &mut self.containers {
            container.put_in(Later::Uid, &self.uid);
            if let Some(address) = &address {
                container.put_in(Later::Address, address);
            }
        }
    }

    /// Whether a mount within a read-only volume has to be read-only, too: not every runtime can do that.
    pub fn needs_recursive_read_only(&self) -> bool {
        let mut mounts = self.containers.iter().flat_map(|container| &container.mounts);
        mounts.any(|mount| mount.recursive_read_only == RecursiveReadOnly::Enabled)
    }

    /// Path of the Pod's cgroup below the trial's root, without leading slash.
    pub fn cgroup_parent(&self) -> &str {
        self.cgroups.last().map_or("", |c| c.path.as_str())
    }
}

/// Makes the plan. `uid` is used if the manifest has none.
pub fn plan(pod: &Pod, node: &Node, uid: &str) -> Plan {
    let uid = pod.uid.as_deref().unwrap_or(uid);
    let qos = qos::class(pod);
    Plan {
        name: pod.name.clone(),
        namespace: pod.namespace.clone(),
        uid: uid.to_owned(),
        qos,
        hostname: namespaces::hostname(pod),
        namespaces: namespaces::of(&pod.spec),
        own_users: pod.spec.own_users,
        cgroups: cgroup::above_containers(pod, qos, uid, node),
        restart_policy: pod.spec.restart_policy,
        grace_period_seconds: pod.spec.termination_grace_period_seconds,
        resolv_conf: pod.spec.dns.as_ref().map(files::resolv_conf),
        network_files: files::network_files(pod),
        sandbox: sandbox::of(pod),
        containers: pod.spec.everyone().map(|c| container::of(pod, qos, node, c).put_in_node(node)).collect(),
        volumes: pod.spec.volumes.iter().map(|volume| mount::volume(pod, node, uid, volume)).collect(),
    }
}
