//! The command lines of plans, word for word.

use super::*;
use crate::plan::{CgroupPlan, MountPlan, MountSource, Namespaces, NetworkFiles, QosClass, Role, SandboxPlan};
use crate::pod::{HugePageSize, Propagation, RecursiveReadOnly};
use crate::runtime::image_user::ImageUser;

fn common() -> Common {
    Common {
        tag: "abcd1234".to_owned(),
        run: "run00001".to_owned(),
        place: "boot/0:1".to_owned(),
        oci: Some("runc".to_owned()),
        cgroup_parent: "/podcheck/run00001-abcd1234/kubepods/burstable/podx".to_owned(),
        profiles: PathBuf::from("/t/seccomp"),
        lowest_oom_score: None,
        read_only_within: false,
    }
}

fn plan() -> Plan {
    Plan {
        name: "foo".to_owned(),
        namespace: "default".to_owned(),
        uid: "x".to_owned(),
        qos: QosClass::Burstable,
        hostname: Some("foo".to_owned()),
        namespaces: Namespaces { network: Scope::Pod, ipc: Scope::Pod, pid: Scope::Container },
        own_users: false,
        cgroups: vec![CgroupPlan { path: "kubepods/burstable/podx".to_owned(), resources: LinuxResources::default() }],
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
            supplemental_groups: vec![3000],
            sysctls: Vec::new(),
        },
        containers: vec![container()],
        volumes: Vec::new(),
    }
}

fn container() -> ContainerPlan {
    ContainerPlan {
        name: "app".to_owned(),
        role: Role::App,
        image: "docker.io/kennethreitz/httpbin".to_owned(),
        command: vec!["/bin/sh".to_owned(), "-c".to_owned()],
        args: vec!["exit 0".to_owned()],
        stand_in_argv: vec!["/bin/serve".to_owned(), "--port".to_owned(), "80".to_owned()],
        stand_in_replaces_command: true,
        env: vec![("GREETING".to_owned(), "hello world".to_owned()), ("CONTAINER_NAME".to_owned(), "app".to_owned())],
        working_dir: Some("/srv".to_owned()),
        user: Some(1000),
        non_root_stand_in: None,
        group: Some(2000),
        supplemental_groups: vec![3000, 4000],
        privileged: false,
        capabilities_add: vec!["NET_ADMIN".to_owned()],
        capabilities_drop: vec!["ALL".to_owned()],
        no_new_privs: true,
        seccomp: Default::default(),
        apparmor: None,
        read_only_rootfs: true,
        masked_paths: vec!["/proc/kcore".to_owned()],
        read_only_paths: vec!["/proc/sys".to_owned()],
        mounts: vec![
            MountPlan {
                source: MountSource::Volume("data".to_owned()),
                target: "/data".to_owned(),
                read_only: true,
                recursive_read_only: RecursiveReadOnly::Disabled,
                propagation: Propagation::None,
                sub_path: None,
            },
            MountPlan {
                source: MountSource::Hosts,
                target: "/etc/hosts".to_owned(),
                read_only: false,
                recursive_read_only: RecursiveReadOnly::Disabled,
                propagation: Propagation::None,
                sub_path: None,
            },
        ],
        target: None,
        resources: LinuxResources {
            cpu_shares: Some(512),
            cpu_quota_usec: Some(50_000),
            cpu_period_usec: Some(100_000),
            memory_limit_bytes: Some(268_435_456),
            memory_swap_limit_bytes: Some(268_435_456),
            pids_limit: None,
            oom_group: true,
            // There is no option for it.
            huge_page_limits: HugePageSize::new(2 << 20).map(|size| (size, 4 << 20)).into_iter().collect(),
        },
        oom_score_adj: 968,
        ports: vec![80],
        post_start: None,
        pre_stop: None,
        stop_signal: Some("SIGQUIT".to_owned()),
    }
}

fn ours() -> Choice {
    Choice { reference: "podcheck.local/payload:1".to_owned(), ours: true, user: ImageUser::Id(0), volumes: Vec::new() }
}

#[test]
fn a_sandbox_is_a_shareable_container_with_the_pods_name() {
    let expected = [
        "run",
        "--detach",
        "--name=abcd1234-sandbox",
        "--label=podcheck.run=run00001",
        "--label=podcheck.place=boot/0:1",
        "--runtime=runc",
        "--no-healthcheck",
        "--cgroup-parent=/podcheck/run00001-abcd1234/kubepods/burstable/podx",
        "--cpu-shares=2",
        "--oom-score-adj=-998",
        "--hostname=foo",
        "--ipc=shareable",
        "pause",
    ];
    assert_eq!(common().sandbox(&plan(), "pause"), expected);
}

#[test]
fn a_container_joins_it_and_carries_all_that_the_plan_asks() {
    let expected = [
        "run",
        "--detach",
        "--name=abcd1234-app",
        "--label=podcheck.run=run00001",
        "--label=podcheck.place=boot/0:1",
        "--runtime=runc",
        "--no-healthcheck",
        "--cgroup-parent=/podcheck/run00001-abcd1234/kubepods/burstable/podx",
        "--cpu-shares=512",
        "--cpu-period=100000",
        "--cpu-quota=50000",
        "--memory=268435456",
        "--memory-swap=268435456",
        "--oom-score-adj=968",
        "--network=container:abcd1234-sandbox",
        "--ipc=container:abcd1234-sandbox",
        "--cap-add=NET_ADMIN",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--security-opt=seccomp=unconfined",
        "--read-only",
        "--user=1000:2000",
        "--group-add=3000",
        "--group-add=4000",
        "--env=GREETING=hello world",
        "--env=CONTAINER_NAME=app",
        "--workdir=/srv",
        "--stop-signal=SIGQUIT",
        "--mount=type=bind,source=/host/data,target=/data,readonly",
        "--mount=type=bind,source=/host/hosts,target=/etc/hosts",
        "--entrypoint=/bin/serve",
        "podcheck.local/payload:1",
        "--port",
        "80",
    ];
    let sources = [PathBuf::from("/host/data"), PathBuf::from("/host/hosts")];
    assert_eq!(common().container(&plan(), &container(), &ours(), &sources), expected);
}

#[test]
fn an_image_that_is_there_gets_the_manifests_own_command() {
    let there = Choice { reference: "httpbin".to_owned(), ours: false, user: ImageUser::Id(0), volumes: Vec::new() };
    let mut container = container();
    container.mounts.clear();
    let line = common().container(&plan(), &container, &there, &[]);
    assert_eq!(line[line.len() - 4..], ["--entrypoint=/bin/sh", "httpbin", "-c", "exit 0"]);
    container.command.clear();
    let line = common().container(&plan(), &container, &there, &[]);
    assert_eq!(line[line.len() - 2..], ["httpbin", "exit 0"]);
    assert!(!line.iter().any(|word| word.starts_with("--entrypoint")));
}

#[test]
fn a_pod_of_the_hosts_namespaces_asks_for_each() {
    let mut plan = plan();
    plan.hostname = None;
    plan.namespaces = Namespaces { network: Scope::Node, ipc: Scope::Node, pid: Scope::Node };
    let container = container();
    let lines = [common().sandbox(&plan, "pause"), common().container(&plan, &container, &ours(), &[])];
    for line in lines {
        for word in ["--network=host", "--uts=host", "--ipc=host", "--pid=host"] {
            assert!(line.contains(&word.to_owned()), "{word} in {line:?}");
        }
        assert!(!line.iter().any(|word| word.starts_with("--hostname") || word.contains("container:")), "{line:?}");
    }
}

#[test]
fn a_shared_pid_namespace_is_the_sandboxs() {
    let mut plan = plan();
    plan.namespaces.pid = Scope::Pod;
    assert!(
        common().container(&plan, &container(), &ours(), &[]).contains(&"--pid=container:abcd1234-sandbox".to_owned())
    );
    assert!(!common().sandbox(&plan, "pause").iter().any(|word| word.starts_with("--pid")));
}

#[test]
fn a_target_is_whose_pid_namespace_is_joined() {
    let container = ContainerPlan { target: Some("web".to_owned()), ..container() };
    let line = common().container(&plan(), &container, &ours(), &[]);
    assert!(line.contains(&"--pid=container:abcd1234-web".to_owned()), "{line:?}");
}

#[test]
fn an_update_says_all_resources_and_whose() {
    let mut container = container();
    container.resources = LinuxResources {
        cpu_shares: Some(102),
        cpu_quota_usec: Some(30_000),
        cpu_period_usec: Some(100_000),
        memory_limit_bytes: Some(8 << 20),
        memory_swap_limit_bytes: Some(8 << 20),
        ..LinuxResources::default()
    };
    let expected = "update --cpu-shares=102 --cpu-period=100000 --cpu-quota=30000 --memory=8388608 --memory-swap=8388608 abcd1234-app";
    assert_eq!(common().update(&container).join(" "), expected);
}

#[test]
fn privileged_says_it_all() {
    let mut container = container();
    container.privileged = true;
    container.masked_paths.clear();
    container.read_only_paths.clear();
    let line = common().container(&plan(), &container, &ours(), &[]);
    assert!(line.contains(&"--privileged".to_owned()));
    assert!(!line.iter().any(|word| word.contains("systempaths")));
    container.privileged = false;
    let line = common().container(&plan(), &container, &ours(), &[]);
    assert!(line.contains(&"--security-opt=systempaths=unconfined".to_owned()));
}

#[test]
fn a_score_that_the_daemon_may_not_give_becomes_the_lowest_it_may() {
    let common = Common { lowest_oom_score: Some(0), ..common() };
    assert!(common.sandbox(&plan(), "pause").contains(&"--oom-score-adj=0".to_owned()));
    assert!(common.container(&plan(), &container(), &ours(), &[]).contains(&"--oom-score-adj=968".to_owned()));
}

#[test]
fn memory_without_a_swap_limit_leaves_swap_alone() {
    let mut container = container();
    container.resources.memory_swap_limit_bytes = None;
    assert!(common().container(&plan(), &container, &ours(), &[]).contains(&"--memory-swap=-1".to_owned()));
    container.resources.memory_limit_bytes = None;
    let line = common().container(&plan(), &container, &ours(), &[]);
    assert!(!line.iter().any(|word| word.starts_with("--memory")));
}

fn hosts(target: &str, read_only: bool, recursive_read_only: RecursiveReadOnly) -> MountPlan {
    MountPlan {
        source: MountSource::Hosts,
        target: target.to_owned(),
        read_only,
        recursive_read_only,
        propagation: Propagation::None,
        sub_path: None,
    }
}

#[test]
fn paths_with_commas_and_quotes_are_quoted() {
    let mount = hosts("/c\"d", false, RecursiveReadOnly::Disabled);
    assert_eq!(bind(Path::new("/a,b"), &mount, true), "type=bind,\"source=/a,b\",\"target=/c\"\"d\"");
}

#[test]
fn what_is_mounted_within_is_read_only_where_it_is_asked_for() {
    let more = |recursive, within| {
        let words = bind(Path::new("/a"), &hosts("/b", true, recursive), within);
        words.strip_prefix("type=bind,source=/a,target=/b,readonly").expect("a read-only mount").to_owned()
    };
    assert_eq!(more(RecursiveReadOnly::Disabled, false), "");
    assert_eq!(more(RecursiveReadOnly::Disabled, true), ",bind-recursive=writable");
    assert_eq!(more(RecursiveReadOnly::IfPossible, true), "");
    assert_eq!(more(RecursiveReadOnly::Enabled, true), ",bind-recursive=readonly,bind-propagation=rprivate");
}
