//! A container.

use super::{labels, namespace_options};
use crate::plan::{ContainerPlan, LinuxResources, Plan};
use crate::pod::{Propagation, RecursiveReadOnly};
use crate::runtime::cri::messages::{
    Capability, ContainerConfig, ContainerMetadata, HugepageLimit, ImageSpec, Int64Value, KeyValue,
    LinuxContainerConfig, LinuxContainerResources, LinuxContainerSecurityContext, Mount, MountPropagation,
};
use crate::runtime::image_user::ImageUser;
use std::path::PathBuf;

/// The image that a container really runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::runtime::cri) struct ImageChoice {
    /// Id or reference as the daemon knows it.
    pub reference: String,
    /// The user it runs as unless told otherwise.
    pub user: ImageUser,
    /// It is podcheck's own, so [`ContainerPlan::stand_in_argv`] is the command.
    pub stand_in: bool,
    /// Paths of the volumes that it declares.
    pub volumes: Vec<String>,
}

/// A container of a plan. `sources` are the host's paths of its mounts, in order; `attempt` says how often it was made before;
/// `on_v2` that the host has cgroup v2 alone.
pub(in crate::runtime::cri) fn container(
    plan: &Plan,
    container: &ContainerPlan,
    image: &ImageChoice,
    sources: &[PathBuf],
    attempt: u32,
    on_v2: bool,
) -> ContainerConfig {
    let (command, args) = match image.stand_in {
        true => container.asked_of_our_image(),
        false => (container.command.as_slice(), container.args.as_slice()),
    };
    let mut labels = labels(plan);
    labels.insert("io.kubernetes.container.name".to_owned(), container.name.clone());
    ContainerConfig {
        metadata: Some(ContainerMetadata { name: container.name.clone(), attempt }),
        image: Some(ImageSpec { image: image.reference.clone(), user_specified_image: container.image.clone() }),
        command: command.to_vec(),
        args: args.to_vec(),
        working_dir: container.working_dir.clone().unwrap_or_default(),
        envs: container.env.iter().map(|(key, value)| KeyValue { key: key.clone(), value: value.clone() }).collect(),
        mounts: mounts(container, sources),
        labels,
        log_path: log_path(&container.name, attempt),
        linux: Some(LinuxContainerConfig {
            resources: Some(resources(&container.resources, container.oom_score_adj, on_v2)),
            security_context: Some(security(plan, container, &image.user)),
        }),
    }
}

/// Where a container's output goes, below the sandbox's log directory.
pub(in crate::runtime::cri) fn log_path(container: &str, attempt: u32) -> String {
    format!("{container}/{attempt}.log")
}

fn mounts(container: &ContainerPlan, sources: &[PathBuf]) -> Vec<Mount> {
    let pairs = container.mounts.iter().zip(sources);
    pairs
        .map(|(mount, source)| Mount {
            container_path: mount.target.clone(),
            host_path: source.display().to_string(),
            readonly: mount.read_only,
            recursive_read_only: mount.recursive_read_only == RecursiveReadOnly::Enabled,
            propagation: match mount.propagation {
                Propagation::None => MountPropagation::Private.into(),
                Propagation::HostToContainer => MountPropagation::HostToContainer.into(),
                Propagation::Bidirectional => MountPropagation::Bidirectional.into(),
            },
        })
        .collect()
}

/// What a container is held to, when it is made and when it is resized. There is no field for a limit of processes: neither a
/// manifest nor CRI can ask one of a container.
pub(in crate::runtime::cri) fn resources(
    resources: &LinuxResources,
    oom_score_adj: i32,
    on_v2: bool,
) -> LinuxContainerResources {
    let number = |value: Option<u64>| value.map_or(0, |v| i64::try_from(v).unwrap_or(i64::MAX));
    LinuxContainerResources {
        cpu_period: number(resources.cpu_period_usec),
        cpu_quota: number(resources.cpu_quota_usec),
        cpu_shares: number(resources.cpu_shares),
        memory_limit_in_bytes: number(resources.memory_limit_bytes),
        oom_score_adj: oom_score_adj.into(),
        hugepage_limits: resources
            .huge_page_limits
            .iter()
            .map(|(size, limit)| HugepageLimit { page_size: size.to_string(), limit: *limit })
            .collect(),
        // A kubelet sends it only where there is cgroup v2.
        unified: (resources.oom_group && on_v2)
            .then(|| ("memory.oom.group".to_owned(), "1".to_owned()))
            .into_iter()
            .collect(),
        memory_swap_limit_in_bytes: number(resources.memory_swap_limit_bytes),
    }
}

fn security(plan: &Plan, container: &ContainerPlan, image_user: &ImageUser) -> LinuxContainerSecurityContext {
    // A kubelet always names a user, the image's if the manifest has none; CRI refuses a group without one.
    let (run_as_user, run_as_username) = match (container.user, image_user) {
        (Some(id), _) => (Some(Int64Value { value: id.into() }), String::new()),
        (None, ImageUser::Id(id)) => (Some(Int64Value { value: *id }), String::new()),
        (None, ImageUser::Name(name)) => (None, name.clone()),
    };
    let capabilities =
        (!container.capabilities_add.is_empty() || !container.capabilities_drop.is_empty()).then(|| Capability {
            add_capabilities: container.capabilities_add.clone(),
            drop_capabilities: container.capabilities_drop.clone(),
        });
    LinuxContainerSecurityContext {
        capabilities,
        privileged: container.privileged,
        namespace_options: Some(namespace_options(&plan.namespaces)),
        run_as_user,
        run_as_username,
        readonly_rootfs: container.read_only_rootfs,
        supplemental_groups: container.supplemental_groups.iter().map(|&id| id.into()).collect(),
        no_new_privs: container.no_new_privs,
        run_as_group: container.group.map(|id| Int64Value { value: id.into() }),
        masked_paths: container.masked_paths.clone(),
        readonly_paths: container.read_only_paths.clone(),
        // Those of the manifest come with `with_profiles`.
        ..LinuxContainerSecurityContext::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn choice(stand_in: bool) -> ImageChoice {
        ImageChoice { reference: "sha256:1234".to_owned(), user: ImageUser::Id(0), stand_in, volumes: Vec::new() }
    }

    #[test]
    fn an_ordinary_container() {
        let plan = samples::plan();
        let config = container(&plan, &plan.containers[0], &choice(true), &[PathBuf::from("/run/v/shared")], 0, true);
        let expected = r#"ContainerConfig {
    metadata: Some(
        ContainerMetadata {
            name: "app",
            attempt: 0,
        },
    ),
    image: Some(
        ImageSpec {
            image: "sha256:1234",
            user_specified_image: "docker.io/kennethreitz/httpbin",
        },
    ),
    command: [
        "serve",
        "--name",
        "app",
        "--port",
        "80",
    ],
    args: [],
    working_dir: "",
    envs: [
        KeyValue {
            key: "CONTAINER_NAME",
            value: "app",
        },
    ],
    mounts: [
        Mount {
            container_path: "/shared",
            host_path: "/run/v/shared",
            readonly: true,
            propagation: Private,
            recursive_read_only: false,
        },
    ],
    labels: {
        "io.kubernetes.container.name": "app",
        "io.kubernetes.pod.name": "foo",
        "io.kubernetes.pod.namespace": "default",
        "io.kubernetes.pod.uid": "0d9c8f6e-5a3b-4c1d-8e7f-112233445566",
    },
    log_path: "app/0.log",
    linux: Some(
        LinuxContainerConfig {
            resources: Some(
                LinuxContainerResources {
                    cpu_period: 100000,
                    cpu_quota: 50000,
                    cpu_shares: 2,
                    memory_limit_in_bytes: 268435456,
                    oom_score_adj: 969,
                    hugepage_limits: [
                        HugepageLimit {
                            page_size: "2MB",
                            limit: 4194304,
                        },
                    ],
                    unified: {
                        "memory.oom.group": "1",
                    },
                    memory_swap_limit_in_bytes: 268435456,
                },
            ),
            security_context: Some(
                LinuxContainerSecurityContext {
                    capabilities: None,
                    privileged: false,
                    namespace_options: Some(
                        NamespaceOption {
                            network: Pod,
                            pid: Container,
                            ipc: Pod,
                            target_id: "",
                        },
                    ),
                    run_as_user: Some(
                        Int64Value {
                            value: 0,
                        },
                    ),
                    run_as_username: "",
                    readonly_rootfs: false,
                    supplemental_groups: [],
                    apparmor_profile: "",
                    seccomp_profile_path: "",
                    no_new_privs: false,
                    run_as_group: None,
                    masked_paths: [
                        "/proc/kcore",
                    ],
                    readonly_paths: [
                        "/proc/sys",
                    ],
                    seccomp: None,
                    apparmor: None,
                },
            ),
        },
    ),
}"#;
        assert_eq!(format!("{config:#?}"), expected);
    }

    #[test]
    fn an_image_that_is_there_runs_the_manifests_command() {
        let plan = samples::plan();
        let mut planned = samples::container();
        planned.command = vec!["/bin/httpbin".to_owned()];
        planned.args = vec!["-v".to_owned()];
        planned.working_dir = Some("/srv".to_owned());
        let config = container(&plan, &planned, &choice(false), &[], 1, true);
        assert_eq!((config.command, config.args), (vec!["/bin/httpbin".to_owned()], vec!["-v".to_owned()]));
        assert_eq!(config.working_dir, "/srv");
        assert_eq!((config.metadata.map(|m| m.attempt), config.log_path.as_str()), (Some(1), "app/1.log"));
    }

    #[test]
    fn a_user_is_the_manifests_or_else_the_images() {
        let plan = samples::plan();
        let mut planned = samples::container();
        planned.group = Some(20);
        let by_name = security(&plan, &planned, &ImageUser::Name("www".to_owned()));
        assert_eq!((by_name.run_as_user, by_name.run_as_username.as_str()), (None, "www"));
        assert_eq!(by_name.run_as_group.map(|v| v.value), Some(20));
        planned.user = Some(10);
        let by_manifest = security(&plan, &planned, &ImageUser::Name("www".to_owned()));
        assert_eq!((by_manifest.run_as_user.map(|v| v.value), by_manifest.run_as_username.as_str()), (Some(10), ""));
    }

    #[test]
    fn security_of_the_manifest_is_passed_on() {
        let plan = samples::plan();
        let planned = ContainerPlan {
            privileged: true,
            no_new_privs: true,
            read_only_rootfs: true,
            capabilities_add: vec!["NET_ADMIN".to_owned()],
            capabilities_drop: vec!["ALL".to_owned()],
            supplemental_groups: vec![5],
            masked_paths: Vec::new(),
            read_only_paths: Vec::new(),
            ..samples::container()
        };
        let sent = security(&plan, &planned, &ImageUser::Id(0));
        let capabilities = sent.capabilities.unwrap_or_default();
        assert_eq!(capabilities.add_capabilities, ["NET_ADMIN"]);
        assert_eq!(capabilities.drop_capabilities, ["ALL"]);
        assert_eq!((sent.privileged, sent.no_new_privs, sent.readonly_rootfs), (true, true, true));
        assert_eq!(sent.supplemental_groups, [5]);
        assert!(sent.masked_paths.is_empty() && sent.readonly_paths.is_empty());
    }

    #[test]
    fn v1_is_not_asked_for_what_it_has_not() {
        let asked = LinuxResources { oom_group: true, ..LinuxResources::default() };
        assert!(resources(&asked, 0, false).unified.is_empty());
        assert_eq!(resources(&asked, 0, true).unified["memory.oom.group"], "1");
    }

    #[test]
    fn what_is_not_limited_is_zero() {
        let sent = resources(&LinuxResources::default(), -997, true);
        assert_eq!(sent, LinuxContainerResources { oom_score_adj: -997, ..LinuxContainerResources::default() });
        let huge = LinuxResources { memory_limit_bytes: Some(u64::MAX), ..LinuxResources::default() };
        assert_eq!(resources(&huge, 0, true).memory_limit_in_bytes, i64::MAX);
    }
}
