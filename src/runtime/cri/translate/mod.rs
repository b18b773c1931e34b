//! The plan in CRI's words: what a kubelet (of Kubernetes 1.36) would send. Pure.
//!
//! Left out is what a kubelet sends for its own book-keeping or for runtimes with virtual machines and what changes
//! nothing in a Pod's processes: annotations with hashes and restart counts, the sandbox's summed resources, port
//! mappings without a host port.

mod container;
mod profiles;
mod sandbox;

pub(super) use container::{ImageChoice, container, log_path, resources};
pub(super) use profiles::with_profiles;
pub(super) use sandbox::{POD_UID, for_v1alpha2, sandbox};

use super::messages::{ContainerConfig, NamespaceMode, NamespaceOption};
use crate::plan::{Namespaces, Plan, Scope};
use std::collections::BTreeMap;

/// Labels that a kubelet puts on sandboxes and containers alike.
fn labels(plan: &Plan) -> BTreeMap<String, String> {
    [("io.kubernetes.pod.name", &plan.name), ("io.kubernetes.pod.namespace", &plan.namespace), (POD_UID, &plan.uid)]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect()
}

/// The same for sandbox and containers.
fn namespace_options(namespaces: &Namespaces) -> NamespaceOption {
    let mode = |scope| match scope {
        Scope::Pod => NamespaceMode::Pod.into(),
        Scope::Container => NamespaceMode::Container.into(),
        Scope::Node => NamespaceMode::Node.into(),
    };
    let [network, pid, ipc] = [namespaces.network, namespaces.pid, namespaces.ipc].map(mode);
    NamespaceOption { network, pid, ipc, target_id: String::new() }
}

/// In the PID namespace of the container with this id.
pub(super) fn with_target(mut config: ContainerConfig, id: &str) -> ContainerConfig {
    let security = config.linux.as_mut().and_then(|linux| linux.security_context.as_mut());
    if let Some(options) = security.and_then(|security| security.namespace_options.as_mut()) {
        (options.pid, options.target_id) = (NamespaceMode::Target.into(), id.to_owned());
    }
    config
}

#[cfg(test)]
mod samples {
    use crate::plan::*;
    use crate::pod::{HugePageSize, Propagation, RecursiveReadOnly};

    /// The article's Pod with a little more: a volume, a user, a capability.
    pub fn plan() -> Plan {
        let uid = "0d9c8f6e-5a3b-4c1d-8e7f-112233445566";
        let cgroup = |path: String| CgroupPlan { path, resources: LinuxResources::default() };
        Plan {
            name: "foo".to_owned(),
            namespace: "default".to_owned(),
            uid: uid.to_owned(),
            qos: QosClass::Burstable,
            hostname: Some("foo".to_owned()),
            namespaces: Namespaces { network: Scope::Pod, ipc: Scope::Pod, pid: Scope::Container },
            own_users: false,
            cgroups: vec![cgroup("kubepods".to_owned()), cgroup(format!("kubepods/burstable/pod{uid}"))],
            restart_policy: crate::pod::RestartPolicy::Always,
            grace_period_seconds: 30,
            resolv_conf: None,
            network_files: NetworkFiles::default(),
            sandbox: SandboxPlan {
                resources: LinuxResources { cpu_shares: Some(2), ..LinuxResources::default() },
                oom_score_adj: -998,
                privileged: false,
                user: None,
                group: None,
                supplemental_groups: Vec::new(),
                sysctls: Vec::new(),
            },
            containers: vec![container()],
            volumes: vec![VolumePlan::EmptyDir { name: "shared".to_owned(), group: None }],
        }
    }

    pub fn container() -> ContainerPlan {
        ContainerPlan {
            name: "app".to_owned(),
            role: Role::App,
            image: "docker.io/kennethreitz/httpbin".to_owned(),
            command: Vec::new(),
            args: Vec::new(),
            stand_in_argv: ["serve", "--name", "app", "--port", "80"].map(str::to_owned).to_vec(),
            stand_in_replaces_command: false,
            env: vec![("CONTAINER_NAME".to_owned(), "app".to_owned())],
            working_dir: None,
            user: None,
            non_root_stand_in: None,
            group: None,
            supplemental_groups: Vec::new(),
            privileged: false,
            capabilities_add: Vec::new(),
            capabilities_drop: Vec::new(),
            no_new_privs: false,
            seccomp: Default::default(),
            apparmor: None,
            read_only_rootfs: false,
            masked_paths: vec!["/proc/kcore".to_owned()],
            read_only_paths: vec!["/proc/sys".to_owned()],
            mounts: vec![MountPlan {
                source: MountSource::Volume("shared".to_owned()),
                target: "/shared".to_owned(),
                read_only: true,
                recursive_read_only: RecursiveReadOnly::Disabled,
                propagation: Propagation::None,
                sub_path: None,
            }],
            target: None,
            resources: LinuxResources {
                cpu_shares: Some(2),
                cpu_quota_usec: Some(50_000),
                cpu_period_usec: Some(100_000),
                memory_limit_bytes: Some(268_435_456),
                memory_swap_limit_bytes: Some(268_435_456),
                pids_limit: None,
                oom_group: true,
                huge_page_limits: HugePageSize::new(2 << 20).map(|size| (size, 4 << 20)).into_iter().collect(),
            },
            oom_score_adj: 969,
            ports: vec![80],
            post_start: None,
            pre_stop: None,
            stop_signal: None,
        }
    }
}
