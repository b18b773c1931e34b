use super::recorded::{PODS, Recorded};
use super::*;
use crate::pod::{
    Container, DnsConfig, HostAlias, HugePageSize, PodSpec, Port, Protocol, Quantity, Resources, Volume, VolumeMount,
    VolumeSource,
};

/// `250m`, `2`, `64Mi`: enough of a quantity for these tables, independent of the parser.
fn quantity(text: &str) -> Option<Quantity> {
    let (digits, unit) = match text {
        "" => return None,
        _ if text.ends_with("Gi") => (&text[..text.len() - 2], 1000 << 30),
        _ if text.ends_with("Mi") => (&text[..text.len() - 2], 1000 << 20),
        _ if text.ends_with('m') => (&text[..text.len() - 1], 1),
        _ => (text, 1000),
    };
    Some(Quantity { milli: digits.parse::<u128>().expect("a number") * unit })
}

/// cpu request, cpu limit, memory request, memory limit.
fn resources([cpu_request, cpu_limit, memory_request, memory_limit]: [&str; 4]) -> Resources {
    Resources {
        cpu_request: quantity(cpu_request),
        cpu_limit: quantity(cpu_limit),
        memory_request: quantity(memory_request),
        memory_limit: quantity(memory_limit),
        ..Resources::default()
    }
}

fn container(name: &str) -> Container {
    Container { name: name.to_owned(), image: "podcheck".to_owned(), ..Container::default() }
}

fn pod(containers: Vec<Container>) -> Pod {
    let spec = PodSpec { containers, termination_grace_period_seconds: 30, ..PodSpec::default() };
    Pod { name: "foo".to_owned(), namespace: "default".to_owned(), uid: None, labels: Default::default(), spec }
}

fn pod_with(rows: &[[&str; 4]]) -> Pod {
    let one = |(i, row): (usize, &[&str; 4])| Container { resources: resources(*row), ..container(&format!("c{i}")) };
    pod(rows.iter().enumerate().map(one).collect())
}

fn planned(pod: &Pod) -> Plan {
    plan(pod, &Node::default(), "UID")
}

#[test]
fn cpu_requests_become_the_shares_of_kubernetes_tables() {
    // The table of L11, and what Kubernetes' own TestMilliCPUToShares-like rows add at both ends.
    let table = [
        ("0", 2),
        ("1m", 2),
        ("2m", 2),
        ("50m", 51),
        ("100m", 102),
        ("250m", 256),
        ("500m", 512),
        ("1", 1024),
        ("1500m", 1536),
        ("2", 2048),
        ("4", 4096),
        ("64", 65536),
        ("256", 262_144),
        ("300", 262_144),
    ];
    for (request, shares) in table {
        let plan = planned(&pod_with(&[[request, "", "", ""]]));
        assert_eq!(plan.containers[0].resources.cpu_shares, Some(shares), "{request}");
    }
}

#[test]
fn every_size_of_huge_pages_that_the_node_has_is_limited() {
    let [kib, mib, gib] = [64 << 10, 2 << 20, 1 << 30].map(|bytes| HugePageSize::new(bytes).expect("a size"));
    let asks = |name: &str, pages: u64, stays: bool| {
        let huge_pages = [(mib, pages * mib.bytes())].into_iter().filter(|(_, bytes)| *bytes > 0).collect();
        Container { resources: Resources { huge_pages, ..Resources::default() }, stays, ..container(name) }
    };
    let mut huge = pod(vec![asks("app", 3, false), asks("none", 0, false)]);
    let limits = |pod: &Pod, sizes: &[HugePageSize]| {
        let plan = plan(pod, &Node { huge_page_sizes: sizes.to_vec(), ..Node::default() }, "UID");
        assert!(plan.sandbox.resources.huge_page_limits.is_empty());
        let (of_pod, above) = plan.cgroups.split_last().expect("a cgroup");
        assert!(above.iter().all(|cgroup| cgroup.resources.huge_page_limits.is_empty()));
        let own = plan.containers.iter().map(|container| &container.resources);
        let all = own.chain([&of_pod.resources]).map(|resources| resources.huge_page_limits.clone());
        all.map(|limits| {
            limits.into_iter().map(|(size, limit)| format!("{size} {limit}")).collect::<Vec<_>>().join(", ")
        })
        .collect::<Vec<_>>()
    };
    let three = "64KB 0, 2MB 6291456, 1GB 0";
    assert_eq!(limits(&huge, &[kib, mib, gib]), [three, "64KB 0, 2MB 0, 1GB 0", three]);
    assert_eq!(limits(&huge, &[gib]), ["1GB 0"; 3]);
    assert_eq!(limits(&huge, &[]), [""; 3]);
    assert_eq!(planned(&huge).qos, QosClass::BestEffort);
    // A sidecar counts with the apps, an init container beside the sidecars before it.
    huge.spec.init_containers = vec![asks("first", 4, false), asks("side", 1, true), asks("second", 4, false)];
    assert_eq!(limits(&huge, &[mib]).last().map(String::as_str), Some("2MB 10485760"));
    huge.spec.init_containers.truncate(2);
    assert_eq!(limits(&huge, &[mib]).last().map(String::as_str), Some("2MB 8388608"));
}

#[test]
fn cpu_limits_become_quotas_of_at_least_a_millisecond() {
    // Rows of Kubernetes' TestMilliCPUToQuota.
    let table = [
        ("", None),
        ("0", None),
        ("1m", Some(1000)),
        ("5m", Some(1000)),
        ("9m", Some(1000)),
        ("10m", Some(1000)),
        ("200m", Some(20_000)),
        ("500m", Some(50_000)),
        ("1", Some(100_000)),
        ("1500m", Some(150_000)),
    ];
    for (limit, quota) in table {
        let resources = planned(&pod_with(&[["", limit, "", ""]])).containers[0].resources.clone();
        assert_eq!(resources.cpu_quota_usec, quota, "{limit}");
        assert_eq!(resources.cpu_period_usec, quota.map(|_| 100_000), "{limit}");
    }
}

#[test]
fn a_request_that_is_not_written_is_the_limit() {
    let of = |row| planned(&pod_with(&[row])).containers[0].resources.cpu_shares;
    assert_eq!(of(["", "500m", "", ""]), Some(512));
    assert_eq!(of(["100m", "500m", "", ""]), Some(102));
    assert_eq!(of(["0", "500m", "", ""]), Some(2));
}

#[test]
fn swap_is_closed_wherever_memory_is_limited() {
    let limited = planned(&pod_with(&[["", "", "", "256Mi"]])).containers[0].resources.clone();
    assert_eq!((limited.memory_limit_bytes, limited.memory_swap_limit_bytes), (Some(268_435_456), Some(268_435_456)));
    let free = planned(&pod_with(&[["", "", "64Mi", ""]])).containers[0].resources.clone();
    assert_eq!((free.memory_limit_bytes, free.memory_swap_limit_bytes), (None, None));
}

#[test]
fn qos_classes_are_those_of_kubernetes() {
    use QosClass::{BestEffort, Burstable, Guaranteed};
    let both = ["100m", "100m", "64Mi", "64Mi"];
    let table: &[(&[[&str; 4]], QosClass)] = &[
        (&[["", "", "", ""]], BestEffort),
        (&[["0", "0", "0", "0"]], BestEffort),
        (&[both], Guaranteed),
        (&[["", "100m", "", "64Mi"]], Guaranteed),
        (&[both, ["", "1", "", "1Gi"]], Guaranteed),
        (&[["50m", "100m", "64Mi", "64Mi"]], Burstable),
        (&[["100m", "100m", "32Mi", "64Mi"]], Burstable),
        (&[["", "100m", "", ""]], Burstable),
        (&[["", "", "", "64Mi"]], Burstable),
        (&[["1m", "", "", ""]], Burstable),
        (&[both, ["", "", "", ""]], Burstable),
        (&[both, ["", "100m", "", ""]], Burstable),
        (&[["0", "100m", "", "64Mi"]], Burstable),
    ];
    for (rows, class) in table {
        assert_eq!(planned(&pod_with(rows)).qos, *class, "{rows:?}");
    }
}

#[test]
fn oom_scores_follow_class_and_share_of_the_nodes_memory() {
    // The node has 8Gi.
    let table: &[([&str; 4], i32)] = &[
        (["", "", "", ""], 1000),
        (["", "100m", "", "64Mi"], -997),
        (["", "", "1Gi", ""], 875),
        (["", "", "4Gi", ""], 500),
        (["", "", "256Mi", "512Mi"], 969),
        (["100m", "", "", ""], 999),
        (["", "", "1Mi", ""], 999),
        (["", "", "8Gi", ""], 3),
        (["", "", "64Gi", ""], 3),
    ];
    for (row, adj) in table {
        assert_eq!(planned(&pod_with(&[*row])).containers[0].oom_score_adj, *adj, "{row:?}");
    }
    let mut critical = pod_with(&[["", "", "", ""]]);
    critical.spec.priority_class_name = Some("system-node-critical".to_owned());
    assert_eq!(planned(&critical).containers[0].oom_score_adj, -997);
    assert_eq!(planned(&critical).sandbox.oom_score_adj, -998);
}

#[test]
fn what_a_kubelet_was_seen_to_write_is_what_is_planned() {
    for recorded in PODS {
        let rows = recorded.resources.map(|[request, limit, memory]| [request, limit, "", memory]);
        let plan = planned(&pod_with(&rows));
        let seen = |r: &LinuxResources| (r.cpu_shares, r.cpu_quota_usec, r.memory_limit_bytes);
        let wanted = |r: &Recorded| (Some(r.shares), r.quota, r.memory);
        let above: Vec<_> = plan.cgroups[1..].iter().map(|c| (c.path.as_str(), seen(&c.resources))).collect();
        assert_eq!(above, recorded.above.iter().map(|r| (r.path, wanted(r))).collect::<Vec<_>>());
        let own: Vec<_> = plan.containers.iter().map(|c| seen(&c.resources)).collect();
        assert_eq!(own, recorded.containers.iter().map(wanted).collect::<Vec<_>>(), "{rows:?}");
        assert_eq!(seen(&plan.sandbox.resources), (Some(2), None, None));
    }
}

#[test]
fn the_pretended_node_is_what_kubepods_holds() {
    // Two cores were seen as 2048 shares and allocatable memory as the limit.
    let node = Node { memory_bytes: 25_276_510_208, cpu_milli: 2000, ..Node::default() };
    let kubepods = plan(&pod_with(&[["", "", "", ""]]), &node, "UID").cgroups[0].clone();
    assert_eq!(kubepods.path, "kubepods");
    assert_eq!(kubepods.resources.cpu_shares, Some(2048));
    assert_eq!(kubepods.resources.memory_limit_bytes, Some(25_276_510_208));
}

#[test]
fn the_pod_has_a_limit_only_if_every_container_declares_it() {
    let of = |rows: &[[&str; 4]]| {
        let plan = planned(&pod_with(rows));
        let pod = plan.cgroups.last().expect("a cgroup").resources.clone();
        (pod.cpu_quota_usec, pod.memory_limit_bytes)
    };
    assert_eq!(of(&[["", "500m", "", "64Mi"], ["", "", "", "64Mi"]]), (None, Some(134_217_728)));
    assert_eq!(of(&[["", "500m", "", "64Mi"], ["", "250m", "", ""]]), (Some(75_000), None));
    assert_eq!(of(&[["", "500m", "", "64Mi"], ["", "0", "", "0"]]), (None, None));
    // Many limits below a millisecond are one sum, not a sum of least quotas.
    assert_eq!(of(&[["", "4m", "", ""], ["", "4m", "", ""]]).0, Some(1000));
}

#[test]
fn the_pods_pids_limit_is_the_nodes() {
    for (rows, path) in
        [([["", "", "", ""]], "kubepods/besteffort/podUID"), ([["", "1", "", "1Gi"]], "kubepods/podUID")]
    {
        let node = Node { pod_pids_limit: Some(64), ..Node::default() };
        let plan = plan(&pod_with(&rows), &node, "UID");
        let limits: Vec<_> = plan.cgroups.iter().map(|c| c.resources.pids_limit).collect();
        assert_eq!((plan.cgroup_parent(), limits.last()), (path, Some(&Some(64))));
        assert!(limits[..limits.len() - 1].iter().all(Option::is_none));
    }
}

#[test]
fn the_kernel_kills_containers_as_a_whole_unless_the_node_says_otherwise() {
    for single_process_oom_kill in [false, true] {
        let node = Node { single_process_oom_kill, ..Node::default() };
        let plan = plan(&pod_with(&[["", "", "", "64Mi"], ["", "", "", ""]]), &node, "UID");
        assert!(plan.containers.iter().all(|c| c.resources.oom_group != single_process_oom_kill));
        assert!(!plan.sandbox.resources.oom_group && plan.cgroups.iter().all(|c| !c.resources.oom_group));
    }
}

#[test]
fn namespaces_follow_the_manifest_and_a_manifests_uid_wins() {
    let mut pod = pod(vec![container("app")]);
    let of = |pod: &Pod| planned(pod).namespaces;
    assert_eq!(of(&pod), Namespaces { network: Scope::Pod, ipc: Scope::Pod, pid: Scope::Container });
    pod.spec.share_process_namespace = true;
    assert_eq!(of(&pod).pid, Scope::Pod);
    pod.spec.share_process_namespace = false;
    (pod.spec.host_pid, pod.spec.host_ipc, pod.spec.host_network) = (true, true, true);
    assert_eq!(of(&pod), Namespaces { network: Scope::Node, ipc: Scope::Node, pid: Scope::Node });
    pod.uid = Some("0b8d71dc".to_owned());
    assert_eq!(planned(&pod).cgroup_parent(), "kubepods/besteffort/pod0b8d71dc");
}

#[test]
fn host_names_are_cut_as_a_kubelet_cuts_them() {
    let hostname = |name: &str, own: Option<&str>| {
        let mut pod = pod(vec![container("app")]);
        (pod.name, pod.spec.hostname) = (name.to_owned(), own.map(str::to_owned));
        planned(&pod).hostname
    };
    assert_eq!(hostname("foo", None).as_deref(), Some("foo"));
    assert_eq!(hostname("foo", Some("bar")).as_deref(), Some("bar"));
    assert_eq!(hostname(&"a".repeat(63), None), Some("a".repeat(63)));
    assert_eq!(hostname(&"a".repeat(64), None), Some("a".repeat(63)));
    assert_eq!(hostname(&format!("{}.-.tail", "a".repeat(60)), None), Some("a".repeat(60)));
    let mut host = pod(vec![container("app")]);
    host.spec.host_network = true;
    assert_eq!(planned(&host).hostname, None);
}

#[test]
fn a_container_has_its_own_user_before_the_pods() {
    let mut pod = pod(vec![container("own"), container("pods"), container("group")]);
    pod.spec.containers[0].security.run_as_user = Some(7);
    let users = |pod: &Pod| planned(pod).containers.iter().map(|c| (c.user, c.group)).collect::<Vec<_>>();
    assert_eq!(users(&pod), [(Some(7), None), (None, None), (None, None)]);
    pod.spec.containers[2].security.run_as_group = Some(9);
    assert_eq!(users(&pod)[2], (Some(0), Some(9)));
    pod.spec.security.run_as_user = Some(1000);
    pod.spec.security.run_as_group = Some(2000);
    pod.spec.security.supplemental_groups = vec![3000];
    assert_eq!(users(&pod), [(Some(7), Some(2000)), (Some(1000), Some(2000)), (Some(1000), Some(9))]);
    let plan = planned(&pod);
    assert_eq!(plan.containers[1].supplemental_groups, [3000]);
    assert_eq!((plan.sandbox.user, plan.sandbox.group), (Some(1000), Some(2000)));
    assert_eq!(plan.sandbox.supplemental_groups, [3000]);
}

#[test]
fn privileged_masks_nothing_and_escalation_is_off_only_where_asked() {
    let mut pod = pod(vec![container("a"), container("b"), container("c")]);
    pod.spec.containers[1].security.privileged = true;
    pod.spec.containers[2].security.allow_privilege_escalation = Some(false);
    let plan = planned(&pod);
    let of = |i: usize| (plan.containers[i].masked_paths.len(), plan.containers[i].read_only_paths.len());
    assert_eq!((of(0), of(1), of(2)), ((12, 5), (0, 0), (12, 5)));
    assert_eq!(plan.containers.iter().map(|c| c.no_new_privs).collect::<Vec<_>>(), [false, false, true]);
    assert!(plan.sandbox.privileged);
}

#[test]
fn every_container_is_told_its_name_last() {
    let mut named = container("app");
    named.env = vec![("A".to_owned(), "1".to_owned())];
    let mut own = container("own");
    own.env = vec![("CONTAINER_NAME".to_owned(), "mine".to_owned()), ("Z".to_owned(), "2".to_owned())];
    let plan = planned(&pod(vec![named, own]));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(plan.containers[0].env, [pair("A", "1"), pair("CONTAINER_NAME", "app")]);
    assert_eq!(plan.containers[1].env, [pair("CONTAINER_NAME", "mine"), pair("Z", "2")]);
}

#[test]
fn volumes_come_first_and_may_take_the_place_of_the_hosts_file() {
    let mount = |name: &str, path: &str| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: true,
        ..VolumeMount::default()
    };
    let mut app = container("app");
    app.volume_mounts = vec![mount("data", "/data")];
    let mut own = container("own");
    own.volume_mounts = vec![mount("data", "/etc/hosts")];
    let mut pod = pod(vec![app, own]);
    pod.spec.volumes = vec![Volume { name: "data".to_owned(), source: VolumeSource::EmptyDir }];
    let plan = planned(&pod);
    let targets = |i: usize| plan.containers[i].mounts.iter().map(|m| m.target.as_str()).collect::<Vec<_>>();
    assert_eq!(targets(0), ["/data", "/etc/hosts", "/dev/termination-log"]);
    assert_eq!(targets(1), ["/etc/hosts", "/dev/termination-log"]);
    assert_eq!(plan.containers[1].mounts[0].source, MountSource::Volume("data".to_owned()));
    assert!(plan.containers[0].mounts[0].read_only);
    assert_eq!(plan.volumes, [VolumePlan::EmptyDir { name: "data".to_owned(), group: None }]);
}

#[test]
fn stand_ins_run_what_the_manifest_asks_for_where_they_can() {
    let port = |container_port, protocol| Port { container_port, protocol };
    type Row = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str], bool);
    let table: &[Row] = &[
        ("curlimages/curl", &["/bin/sleep", "3650d"], &[], &["/bin/sleep", "3650d"], false),
        ("busybox", &["sleep"], &["1h"], &["sleep", "1h"], false),
        ("busybox", &["sh", "-c", "x"], &[], &["/bin/serve", "--name", "c", "--port", "80"], true),
        ("busybox", &["/opt/bin/sleep"], &[], &["/bin/serve", "--name", "c", "--port", "80"], true),
        ("busybox", &["SLEEP"], &[], &["/bin/serve", "--name", "c", "--port", "80"], true),
        ("httpd", &[], &["-D", "x"], &["/bin/serve", "--name", "c", "--port", "80"], true),
        ("httpd", &[], &[], &["/bin/serve", "--name", "c", "--port", "80"], false),
        ("podcheck", &[], &["--port", "8080"], &["/bin/serve", "--port", "8080"], false),
        ("podcheck:latest", &[], &["--port", "8080"], &["/bin/serve", "--port", "8080"], false),
        ("podchecker", &[], &["--port", "8080"], &["/bin/serve", "--name", "c", "--port", "80"], true),
        ("podcheck", &[], &[], &["/bin/serve", "--name", "c", "--port", "80"], false),
        ("podcheck", &["/no/such"], &["x"], &["/no/such", "x"], false),
    ];
    for (image, command, args, argv, replaced) in table {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let mut one = container("c");
        (one.image, one.command, one.args) = ((*image).to_owned(), texts(command), texts(args));
        one.ports = vec![port(80, Protocol::Tcp), port(53, Protocol::Udp), port(80, Protocol::Tcp)];
        let plan = planned(&pod(vec![one]));
        let planned = &plan.containers[0];
        assert_eq!(
            (&planned.stand_in_argv, planned.stand_in_replaces_command),
            (&texts(argv), *replaced),
            "{image} {command:?}"
        );
        assert_eq!((&planned.command, &planned.args), (&texts(command), &texts(args)));
        assert_eq!(planned.ports, [80]);
    }
}

#[test]
fn stand_ins_of_init_containers_end() {
    for (image, command, argv, replaced) in [
        ("busybox", &["sh", "-c", "x"][..], "/bin/true", true),
        ("busybox", &[], "/bin/true", false),
        ("busybox", &["false"], "false", false),
        ("podcheck", &[], "/bin/serve", false),
    ] {
        let mut first = container("first");
        (first.image, first.command) = (image.to_owned(), command.iter().map(|&word| word.to_owned()).collect());
        let mut pod = pod(vec![container("c")]);
        let mut sidecar = first.clone();
        (sidecar.name, sidecar.stays) = ("sidecar".to_owned(), true);
        pod.spec.init_containers = vec![first, sidecar];
        let plan = planned(&pod);
        let of = |name: &str| plan.containers.iter().find(|c| c.name == name).expect("planned");
        assert_eq!((of("first").stand_in_argv[0].as_str(), of("first").stand_in_replaces_command), (argv, replaced));
        assert_ne!(of("sidecar").stand_in_argv[0], "/bin/true");
    }
}

#[test]
fn managed_files_are_those_of_a_kubelet() {
    let mut pod = pod(vec![container("app")]);
    pod.spec.dns = Some(DnsConfig {
        nameservers: vec!["10.0.0.10".to_owned(), "10.0.0.11".to_owned()],
        searches: vec!["a.example".to_owned(), "example".to_owned()],
        options: vec!["ndots:5".to_owned()],
    });
    let plan = planned(&pod);
    let conf = "search a.example example\nnameserver 10.0.0.10\nnameserver 10.0.0.11\noptions ndots:5\n";
    assert_eq!(plan.resolv_conf.as_deref(), Some(conf));
    let hosts = plan.hosts_file(Some("10.213.0.2".parse().expect("an address")), "x");
    assert!(hosts.starts_with("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost"), "{hosts}");
    assert!(hosts.ends_with("fe00::2\tip6-allrouters\n10.213.0.2\tfoo\n"), "{hosts}");
    assert!(plan.hosts_file(None, "x").ends_with("ip6-allrouters\n"));
    pod.spec.host_network = true;
    let hosts = planned(&pod).hosts_file(None, "192.0.2.1 other\n");
    assert_eq!(hosts, "# Kubernetes-managed hosts file (host network).\n192.0.2.1 other\n");
}

#[test]
fn names_aliases_and_a_kubelets_resolv_conf() {
    let mut pod = pod(vec![container("app")]);
    pod.spec.subdomain = Some("sub".to_owned());
    let hostname = |pod: &Pod| planned(pod).hostname;
    assert_eq!(hostname(&pod).as_deref(), Some("foo"));
    pod.spec.host_aliases =
        vec![HostAlias { ip: "192.0.2.7".to_owned(), hostnames: vec!["a".to_owned(), "b".to_owned()] }];
    let address = Some("10.213.0.2".parse().expect("an address"));
    let hosts = planned(&pod).hosts_file(address, "x");
    let end = "ip6-allrouters\n10.213.0.2\tfoo.sub.default.svc.cluster.local\tfoo\n\n# Entries added by HostAliases.\n192.0.2.7\ta\tb\n";
    assert!(hosts.ends_with(end), "{hosts}");
    pod.spec.set_hostname_as_fqdn = true;
    assert_eq!(hostname(&pod).as_deref(), Some("foo.sub.default.svc.cluster.local"));
    assert_eq!(planned(&pod).hosts_file(address, "x"), hosts);
    pod.spec.set_hostname_as_fqdn = false;
    pod.spec.hostname_override = Some("over.ride".to_owned());
    assert_eq!(hostname(&pod).as_deref(), Some("over.ride"));
    assert!(planned(&pod).hosts_file(address, "x").contains("allrouters\n10.213.0.2\tover.ride\n\n#"));
    pod.spec.host_network = true;
    assert_eq!(hostname(&pod), None);
    let hosts = planned(&pod).hosts_file(None, "node\n");
    assert!(hosts.ends_with("network).\nnode\n\n# Entries added by HostAliases.\n192.0.2.7\ta\tb\n"), "{hosts}");

    pod.spec.dns_added = Some(DnsConfig {
        nameservers: vec!["192.0.2.53".to_owned(), "192.0.2.54".to_owned()],
        searches: vec!["b".to_owned(), "c".to_owned()],
        options: vec!["ndots:2".to_owned(), "rotate".to_owned()],
    });
    let mut plan = planned(&pod);
    assert_eq!(plan.resolv_conf, None);
    plan.add_to_resolv_conf("# x\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch a b\noptions ndots:5 edns0\n");
    let wanted = "search a b c\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.53\noptions ndots:2 edns0 rotate\n";
    assert_eq!(plan.resolv_conf.as_deref(), Some(wanted));
}

#[test]
fn volumes_in_memory_are_no_larger_than_what_the_pod_may_use() {
    let size_of = |mut pod: Pod, limit: Option<u64>| {
        pod.spec.volumes = vec![Volume { name: "m".to_owned(), source: VolumeSource::Memory { size_bytes: limit } }];
        match planned(&pod).volumes.remove(0) {
            VolumePlan::Memory { size_bytes, .. } => size_bytes >> 20,
            other => panic!("{other:?}"),
        }
    };
    let limited = |memory: [&str; 2]| pod_with(&[["", "", "", memory[0]], ["", "", "", memory[1]]]);
    let size = |limit: Option<u64>, memory: [&str; 2]| size_of(limited(memory), limit);
    assert_eq!(size(None, ["", ""]), 8192);
    assert_eq!(size(Some(16 << 20), ["", ""]), 16);
    // A container without a limit may use what it likes, and so may the Pod.
    assert_eq!(size(None, ["64Mi", ""]), 8192);
    assert_eq!(size(Some(128 << 20), ["64Mi", "32Mi"]), 96);
    assert_eq!(size(Some(8 << 20), ["64Mi", "32Mi"]), 8);
    let memory = |text: &str| Resources { memory_limit: text.parse().ok(), ..Resources::default() };
    let with_init = |limit: &str, stays: bool| {
        let mut pod = limited(["64Mi", "32Mi"]);
        pod.spec.init_containers = vec![Container { stays, resources: memory(limit), ..container("init") }];
        size_of(pod, None)
    };
    assert_eq!(with_init("300Mi", false), 300);
    assert_eq!(with_init("80Mi", false), 96);
    assert_eq!(with_init("32Mi", true), 128);
    assert_eq!(with_init("", false), 8192);
    let mut of_pod = limited(["64Mi", ""]);
    of_pod.spec.resources = Some(memory("200Mi"));
    assert_eq!(size_of(of_pod, None), 200);
}

#[test]
fn files_are_read_only_and_an_fs_group_owns_volumes() {
    let mut app = container("app");
    app.volume_mounts =
        vec![VolumeMount { name: "keys".to_owned(), mount_path: "/keys".to_owned(), ..VolumeMount::default() }];
    let mut pod = pod(vec![app]);
    let source = VolumeSource::Files { memory: true, files: Vec::new() };
    pod.spec.volumes = vec![Volume { name: "keys".to_owned(), source }];
    pod.spec.security.fs_group = Some(700);
    pod.spec.security.supplemental_groups = vec![800];
    let plan = planned(&pod);
    assert!(plan.containers[0].mounts[0].read_only);
    assert_eq!(plan.containers[0].supplemental_groups, [700, 800]);
    assert_eq!(plan.sandbox.supplemental_groups, [700, 800]);
    let [VolumePlan::Files { group: Some(700), size_bytes: Some(_), .. }] = plan.volumes.as_slice() else {
        panic!("{:?}", plan.volumes)
    };
}

/// A Pod with resources of its own.
fn with_own(own: [&str; 4], rows: &[[&str; 4]]) -> Pod {
    let mut pod = pod_with(rows);
    pod.spec.resources = Some(resources(own));
    pod
}

#[test]
fn a_pods_own_resources_decide_its_class_alone() {
    use QosClass::{BestEffort, Burstable, Guaranteed};
    let free = ["", "", "", ""];
    let table: &[([&str; 4], [&str; 4], QosClass)] = &[
        (["100m", "100m", "64Mi", "64Mi"], free, Guaranteed),
        (["", "100m", "", "64Mi"], free, Guaranteed),
        // The containers' requests stand for the Pod's where it has none.
        (["", "100m", "", "64Mi"], ["50m", "", "", ""], Burstable),
        (["100m", "100m", "64Mi", "64Mi"], ["10m", "50m", "", ""], Guaranteed),
        (["50m", "100m", "64Mi", "64Mi"], ["50m", "50m", "32Mi", "32Mi"], Burstable),
        (["", "100m", "", ""], free, Burstable),
        (["100m", "", "", ""], free, Burstable),
        // Nothing of the Pod's own: what containers ask for does not count.
        (free, ["100m", "100m", "64Mi", "64Mi"], BestEffort),
        (["0", "0", "0", "0"], free, BestEffort),
    ];
    for (own, container, class) in table {
        assert_eq!(planned(&with_own(*own, &[*container])).qos, *class, "{own:?} {container:?}");
    }
}

#[test]
fn a_pods_own_limits_are_its_cgroups_and_those_of_containers_without() {
    let plan = planned(&with_own(["", "1", "", "256Mi"], &[["100m", "", "", ""], ["", "250m", "", "64Mi"]]));
    let pod = plan.cgroups.last().expect("a cgroup").resources.clone();
    assert_eq!((pod.cpu_quota_usec, pod.memory_limit_bytes), (Some(100_000), Some(268_435_456)));
    // 100m of the first and, by its limit, 250m of the second.
    assert_eq!(pod.cpu_shares, Some(358));
    let own = |i: usize| {
        let r = plan.containers[i].resources.clone();
        (r.cpu_quota_usec, r.memory_limit_bytes, r.cpu_shares)
    };
    assert_eq!(own(0), (Some(100_000), Some(268_435_456), Some(102)));
    assert_eq!(own(1), (Some(25_000), Some(67_108_864), Some(256)));
}

#[test]
fn what_no_container_asks_for_of_a_pods_memory_counts_for_each_ones_oom_score() {
    // 2Gi of 8Gi, of which 512Mi are one container's; the rest is 768Mi for each of the two.
    let plan = planned(&with_own(["1", "2", "2Gi", "4Gi"], &[["", "", "512Mi", ""], ["", "", "", ""]]));
    assert_eq!(plan.containers[0].oom_score_adj, 1000 - 1000 * (512 + 768) / 8192);
    assert_eq!(plan.containers[1].oom_score_adj, 1000 - 1000 * 768 / 8192);
}

#[test]
fn ephemeral_containers_count_for_nothing_and_look_into_one_where_each_has_its_own_processes() {
    let rows = [["100m", "100m", "64Mi", "64Mi"], ["200m", "200m", "32Mi", "32Mi"]];
    let mut pod = pod_with(&rows);
    let before = planned(&pod);
    pod.spec.ephemeral_containers = vec![Container { target: Some("c1".to_owned()), ..container("peek") }];
    let plan = planned(&pod);
    assert_eq!((plan.qos, &plan.cgroups), (before.qos, &before.cgroups));
    let peek = plan.containers.last().expect("planned");
    assert_eq!((peek.name.as_str(), peek.role, peek.target.as_deref()), ("peek", Role::Ephemeral, Some("c1")));
    let unlimited = LinuxResources { cpu_shares: Some(2), oom_group: true, ..LinuxResources::default() };
    assert_eq!(peek.resources, unlimited);
    for shared in [true, false] {
        (pod.spec.share_process_namespace, pod.spec.host_pid) = (shared, !shared);
        assert_eq!(planned(&pod).containers.last().expect("planned").target, None);
    }
}

#[test]
fn overhead_is_added_to_the_pods_totals() {
    let mut pod = pod_with(&[["100m", "500m", "", "64Mi"], ["200m", "250m", "", "64Mi"]]);
    pod.spec.overhead = Some(resources(["250m", "", "32Mi", ""]));
    let of = |pod: &Pod| planned(pod).cgroups.last().expect("a cgroup").resources.clone();
    assert_eq!((of(&pod).cpu_shares, of(&pod).cpu_quota_usec), (Some(563), Some(100_000)));
    assert_eq!(of(&pod).memory_limit_bytes, Some((64 + 64 + 32) << 20));
    // What has no limit has none with an overhead either, and the class is the containers'.
    pod.spec.containers[0].resources = Resources::default();
    assert_eq!((of(&pod).memory_limit_bytes, of(&pod).cpu_quota_usec), (None, None));
    assert_eq!(of(&pod).cpu_shares, Some(460));
}

/// Values of Kubernetes' own tests: component-helpers/resource/helpers_test.go.
#[test]
fn what_a_pod_asks_for_is_the_larger_of_its_life_and_its_start() {
    let one =
        |name: &str, cpu: &str, stays| Container { stays, resources: resources([cpu, "", "", ""]), ..container(name) };
    let shares = |init: Vec<Container>, app: &str| {
        let mut pod = pod(vec![one("c", app, false)]);
        pod.spec.init_containers = init;
        planned(&pod).cgroups.last().and_then(|cgroup| cgroup.resources.cpu_shares)
    };
    let several = |middle: Option<&str>| {
        let mut init = vec![one("i1", "5", false), one("r1", "1", true), one("r2", "2", true)];
        init.extend(middle.map(|cpu| one("i2", cpu, false)));
        init.push(one("r3", "3", true));
        init
    };
    assert_eq!(shares(vec![one("r", "1", true)], "1"), Some(2 * 1024));
    assert_eq!(shares(several(None), "1"), Some(7 * 1024));
    assert_eq!(shares(several(Some("5")), "1"), Some(8 * 1024));
    assert_eq!(shares(vec![one("r", "10m", true), one("i", "200m", false)], "100m"), Some(210 * 1024 / 1000));
    assert_eq!(shares(vec![one("i", "500m", false)], "2"), Some(2 * 1024));
}

#[test]
fn an_init_container_without_a_limit_leaves_the_pod_without_one() {
    let one = |name: &str, memory: &str, stays| Container {
        stays,
        resources: resources(["", "", "", memory]),
        ..container(name)
    };
    let limit = |init: Vec<Container>| {
        let mut pod = pod(vec![one("c", "64Mi", false)]);
        pod.spec.init_containers = init;
        planned(&pod).cgroups.last().and_then(|cgroup| cgroup.resources.memory_limit_bytes.map(|bytes| bytes >> 20))
    };
    assert_eq!(limit(vec![one("i", "96Mi", false)]), Some(96));
    assert_eq!(limit(vec![one("r", "32Mi", true)]), Some(96));
    assert_eq!(limit(vec![one("r", "32Mi", true), one("i", "128Mi", false)]), Some(160));
    assert_eq!(limit(vec![one("i", "", false)]), None);
    // As far as a kubelet counts, the sidecar before it speaks for it.
    assert_eq!(limit(vec![one("r", "32Mi", true), one("i", "", false)]), Some(96));
    let roles: Vec<Role> = {
        let mut pod = pod(vec![one("c", "", false)]);
        pod.spec.init_containers = vec![one("r", "", true), one("i", "", false)];
        planned(&pod).containers.iter().map(|c| c.role).collect()
    };
    assert_eq!(roles, [Role::Sidecar, Role::Init, Role::App]);
}

#[test]
fn a_sidecar_outlives_the_least_of_those_it_serves() {
    let one = |name: &str, memory: &str, stays| Container {
        stays,
        resources: resources(["", "", memory, ""]),
        ..container(name)
    };
    let mut pod = pod(vec![one("a", "1Gi", false), one("b", "2Gi", false)]);
    pod.spec.init_containers = vec![one("small", "", true), one("large", "4Gi", true), one("init", "", false)];
    let scores: Vec<i32> = planned(&pod).containers.iter().map(|c| c.oom_score_adj).collect();
    assert_eq!(scores, [875, 500, 999, 875, 750]);
}

#[test]
fn overhead_comes_after_the_larger_of_start_and_life_and_a_pods_own_word_before_both() {
    let init = |cpu: &str, memory: &str| Container { resources: resources(["", cpu, "", memory]), ..container("init") };
    let of = |pod: &Pod| planned(pod).cgroups.last().expect("a cgroup").resources.clone();
    let mut pod = pod_with(&[["", "200m", "", "64Mi"]]);
    pod.spec.overhead = Some(resources(["100m", "", "32Mi", ""]));
    pod.spec.init_containers = vec![init("500m", "96Mi")];
    assert_eq!((of(&pod).cpu_quota_usec, of(&pod).memory_limit_bytes), (Some(60_000), Some((96 + 32) << 20)));
    pod.spec.resources = Some(resources(["", "1", "", "256Mi"]));
    assert_eq!((of(&pod).cpu_quota_usec, of(&pod).memory_limit_bytes), (Some(110_000), Some((256 + 32) << 20)));
    // What the Pod does not write of its requests is what its containers ask for at most at once: the init container's 500m.
    assert_eq!(of(&pod).cpu_shares, Some(614));
}

/// An init container has its part of what nobody asks for: kubelet's qos/helpers.go divides by all.
#[test]
fn init_containers_share_what_no_container_asks_for() {
    let mut pod = with_own(["1", "2", "2Gi", "4Gi"], &[["", "", "512Mi", ""]]);
    pod.spec.init_containers = vec![container("init"), Container { stays: true, ..container("beside") }];
    let scores: Vec<i32> = planned(&pod).containers.iter().map(|c| c.oom_score_adj).collect();
    // 512Mi of each of the three are unclaimed; the sidecar is held to the app's 512Mi too.
    assert_eq!(scores, [1000 - 62, 1000 - 125, 1000 - 125]);
}
