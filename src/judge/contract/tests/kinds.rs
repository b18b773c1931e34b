//! Pods of other kinds: what a manifest changes is expected, and its absence is found.

use super::*;
use crate::pod::HugePageSize;
use std::collections::BTreeSet;

/// The facts, changed; the manifest, changed; what is found then.
fn found(facts: &Facts, pod: &Pod, host: &HostCaps) -> Vec<String> {
    let checks = judged(pod, facts, host);
    findings(&checks).into_iter().map(|(property, member, at)| format!("{property} {member} {at}")).collect()
}

fn has(found: &[String], wanted: &[&str]) {
    for wanted in wanted {
        assert!(found.iter().any(|finding| finding == wanted), "{wanted}: {found:?}");
    }
}

const MEMBERS: [&str; 3] = ["sandbox", "app", "side"];

#[test]
fn host_namespaces_are_the_hosts() {
    let mut pod = pod();
    (pod.spec.host_network, pod.spec.host_ipc, pod.spec.host_pid) = (true, true, true);
    // A Pod that has its own instead is found out everywhere.
    let own = found(&facts(), &pod, &host("v1"));
    for member in MEMBERS {
        for (property, kind) in [("T3", "net"), ("I4", "ipc"), ("U3", "uts"), ("P4", "pid")] {
            has(&own, &[&format!("{property} {member} namespaces.{kind}")]);
        }
        has(&own, &[&format!("U3 {member} uts.hostname")]);
    }
    has(&own, &["I4 app shm.of", "I4 side shm.of"]);
    let mut facts = facts();
    for member in MEMBERS {
        for kind in ["net", "ipc", "uts", "pid"] {
            change(&mut facts, &format!("/members/{member}/namespaces/{kind}"), json!("host"));
        }
        change(&mut facts, &format!("/members/{member}/instances/~1proc"), json!("host"));
        change(&mut facts, &format!("/members/{member}/uts/hostname"), json!("<host>"));
        change(&mut facts, &format!("/members/{member}/is_pid_one"), json!(false));
    }
    for member in ["app", "side"] {
        change(&mut facts, &format!("/members/{member}/shm/of"), json!("host"));
        change(&mut facts, &format!("/members/{member}/instances/~1sys"), json!("host"));
        change(&mut facts, &format!("/members/{member}/instances/~1dev~1mqueue"), json!("host"));
    }
    facts.document["pod"]["network"] = json!("host");
    assert_eq!(found(&facts, &pod, &host("v1")), Vec::<String>::new());
}

#[test]
fn a_shared_pid_namespace_is_the_sandboxes() {
    let mut pod = pod();
    pod.spec.share_process_namespace = true;
    let own = found(&facts(), &pod, &host("v1"));
    // Its /proc shows what it should of the namespace that it is in.
    assert_eq!(own, ["P2 app namespaces.pid", "P2 app is_pid_one", "P2 side namespaces.pid", "P2 side is_pid_one"]);
    let mut facts = facts();
    for member in ["app", "side"] {
        change(&mut facts, &format!("/members/{member}/namespaces/pid"), json!("sandbox"));
        change(&mut facts, &format!("/members/{member}/instances/~1proc"), json!("sandbox"));
        change(&mut facts, &format!("/members/{member}/is_pid_one"), json!(false));
    }
    assert_eq!(found(&facts, &pod, &host("v1")), Vec::<String>::new());
    // And where it was not asked for, sharing is a finding.
    has(&found(&facts, &super::pod(), &host("v1")), &["N5 app namespaces.pid", "P1 side is_pid_one"]);
}

#[test]
fn on_v2_containers_have_their_own_cgroup_namespace_and_a_weight() {
    let mut facts = facts();
    has(&found(&facts, &pod(), &host("v2")), &["N6 app namespaces.cgroup", "L11 app limits.cpu_share"]);
    for (member, linear, curved) in [("sandbox", 1, 1), ("app", 10, 35), ("side", 1, 1)] {
        if member != "sandbox" {
            change(&mut facts, &format!("/members/{member}/namespaces/cgroup"), json!("own"));
        }
        for weight in [linear, curved] {
            facts.document["members"][member]["limits"]["cpu_share"] = json!({"cpu.weight": weight});
        }
    }
    assert_eq!(found(&facts, &pod(), &host("v2")), Vec::<String>::new());
    change(&mut facts, "/members/app/limits/cpu_share", json!({"cpu.weight": 10}));
    assert_eq!(found(&facts, &pod(), &host("v2")), Vec::<String>::new());
    change(&mut facts, "/members/app/limits/cpu_share", json!({"cpu.weight": 100}));
    assert_eq!(found(&facts, &pod(), &host("v2")), ["L11 app limits.cpu_share"]);
}

#[test]
fn on_v2_the_kernel_kills_containers_as_a_whole_and_nothing_else() {
    let oom_group = |facts: &Facts, node: &Node| {
        let mut checks = contract(&pod(), node, facts, &host("v2"), &stand_ins(), &Default::default());
        checks.extend(ours(&pod(), node, facts, &host("v2")));
        let broken = findings(&checks).into_iter().filter(|(_, _, at)| at.ends_with("oom_group"));
        broken.map(|(property, member, at)| format!("{property} {member} {at}")).collect::<Vec<_>>()
    };
    let mut changed = facts();
    assert_eq!(oom_group(&changed, &Node::default()), Vec::<String>::new());
    change(&mut changed, "/members/side/limits/oom_group", json!(0));
    change(&mut changed, "/members/sandbox/limits/oom_group", json!(1));
    change(&mut changed, "/pod/cgroup/oom_group", json!(1));
    let all = ["L18 sandbox limits.oom_group", "L6 side limits.oom_group", "L18  pod.cgroup.oom_group"];
    assert_eq!(BTreeSet::from_iter(oom_group(&changed, &Node::default())), all.map(str::to_owned).into());
    // What is told to kill one by one does.
    let one_by_one = Node { single_process_oom_kill: true, ..Node::default() };
    let all = ["L18 app limits.oom_group", "L18 side limits.oom_group"];
    assert_eq!(oom_group(&facts(), &one_by_one), all);
    assert_eq!(found(&changed, &pod(), &host("v1")), Vec::<String>::new());
}

/// Everybody in a scope of a runtime's.
fn scoped() -> Facts {
    let mut scoped = facts();
    for (member, of) in MEMBERS.into_iter().zip(["cri-containerd", "crio", "docker"]) {
        change(&mut scoped, &format!("/members/{member}/cgroup/scope"), json!(format!("{of}-<{member}>.scope")));
    }
    scoped
}

#[test]
fn under_systemd_everybody_has_a_scope_of_its_own() {
    let host = HostCaps { driver: CgroupDriver::Systemd, ..host("v1") };
    let none: Vec<String> = MEMBERS.map(|member| format!("C4 {member} cgroup.scope")).into();
    assert_eq!(BTreeSet::from_iter(found(&facts(), &pod(), &host)), none.into_iter().collect());
    let scoped = scoped();
    assert_eq!(found(&scoped, &pod(), &host), Vec::<String>::new());
    let mut anothers = scoped.clone();
    change(&mut anothers, "/members/app/cgroup/scope", json!("cri-containerd-<side>.scope"));
    change(&mut anothers, "/members/side/cgroup/path", json!("kubepods.slice/cri-containerd-<side>.scope"));
    let broken = found(&anothers, &pod(), &host);
    has(&broken, &["C4 app cgroup.scope", "C2 side cgroup.path", "C3 side cgroup.path"]);
    let mut limited = scoped.clone();
    change(&mut limited, "/members/app/limits/pids", json!("default"));
    assert_eq!(found(&limited, &pod(), &host), Vec::<String>::new());
    change(&mut limited, "/members/app/limits/pids", json!(64));
    assert_eq!(found(&limited, &pod(), &host), ["L15 app limits.pids"]);
    // The scope of another driver is none of cgroupfs's.
    has(&found(&scoped, &pod(), &super::host("v1")), &["C4 app cgroup.scope"]);
}

#[test]
fn under_systemd_a_quota_may_be_rounded() {
    let host = HostCaps { driver: CgroupDriver::Systemd, ..host("v1") };
    let mut fine = pod();
    fine.spec.containers[0].resources.cpu_limit = quantity(123);
    fine.spec.containers[0].resources.cpu_request = quantity(123);
    let quota = |quota: u64, host: &HostCaps| {
        let mut facts = scoped();
        change(&mut facts, "/members/app/limits/cpu_quota_usec", json!(quota));
        found(&facts, &fine, host).into_iter().filter(|finding| finding.contains("cpu_quota")).collect::<Vec<_>>()
    };
    for allowed in [12_300, 13_000] {
        assert_eq!(quota(allowed, &host), Vec::<String>::new());
    }
    assert_eq!(quota(12_400, &host), ["L9 app limits.cpu_quota_usec"]);
    assert_eq!(quota(13_000, &super::host("v1")), ["L8 app limits.cpu_quota_usec"]);
}

#[test]
fn huge_pages_are_limited_to_what_is_asked_for_of_every_size_that_the_node_has() {
    let [mib, gib] = [2 << 20, 1 << 30].map(|bytes| HugePageSize::new(bytes).expect("a size"));
    let node = Node { huge_page_sizes: vec![mib, gib], ..Node::default() };
    let mut huge = pod();
    for (container, pages) in huge.spec.containers.iter_mut().zip([3, 1]) {
        container.resources.huge_pages = [(mib, pages * mib.bytes())].into();
    }
    let mut asking = facts();
    for (at, limits) in [
        ("/members/app/limits", json!({"2MB": 6_291_456, "1GB": 0})),
        ("/members/side/limits", json!({"2MB": 2_097_152, "1GB": 0})),
        ("/members/sandbox/limits", json!({"2MB": "max", "1GB": "max"})),
        ("/pod/cgroup", json!({"2MB": 8_388_608, "1GB": 0})),
    ] {
        change(&mut asking, &format!("{at}/huge_pages"), limits);
    }
    let checks = |facts: &Facts, node: &Node| {
        let mut checks = contract(&huge, node, facts, &host("v2"), &stand_ins(), &Default::default());
        checks.extend(ours(&huge, node, facts, &host("v2")));
        checks.into_iter().filter(|check| check.property == "L16").collect::<Vec<_>>()
    };
    let all = checks(&asking, &node);
    assert_eq!((all.len(), findings(&all)), (8, vec![]));
    for (at, wrong, found) in [
        ("/members/app/limits/huge_pages/2MB", json!(2_097_152), ("L16", "app", "limits.huge_pages.2MB")),
        ("/members/side/limits/huge_pages/1GB", json!("max"), ("L16", "side", "limits.huge_pages.1GB")),
        ("/members/side/limits/huge_pages/2MB", Value::Null, ("L16", "side", "limits.huge_pages.2MB")),
        ("/members/sandbox/limits/huge_pages/2MB", json!(0), ("L16", "sandbox", "limits.huge_pages.2MB")),
        ("/pod/cgroup/huge_pages/2MB", json!(6_291_456), ("L16", "", "pod.cgroup.huge_pages.2MB")),
    ] {
        let mut spoilt = asking.clone();
        change(&mut spoilt, at, wrong);
        assert_eq!(findings(&checks(&spoilt, &node)), [found], "{at}");
    }
    // Where the host cannot limit them, only who asks for some is told that nothing can be seen.
    let mut hidden = facts();
    for member in MEMBERS {
        let at = format!("/members/{member}/limits/huge_pages");
        change(&mut hidden, &at, json!({"unobservable": "huge-page-limits"}));
    }
    let unseen = checks(&hidden, &Node::default());
    let unseen: Vec<_> = unseen.iter().map(|check| (check.member.as_str(), &check.outcome)).collect();
    let cannot = Outcome::Unobservable("huge-page-limits".to_owned());
    assert_eq!(unseen, [("app", &cannot), ("side", &cannot)]);
}

#[test]
fn on_hybrid_hosts_the_v2_hierarchy_is_asked_for_too() {
    let mut facts = facts();
    has(&found(&facts, &pod(), &host("hybrid")), &["C5 app cgroup.unified", "C5 sandbox cgroup.unified"]);
    for member in MEMBERS {
        let path = facts.document["members"][member]["cgroup"]["path"].clone();
        change(&mut facts, &format!("/members/{member}/cgroup/unified"), path);
    }
    assert_eq!(found(&facts, &pod(), &host("hybrid")), Vec::<String>::new());
    change(&mut facts, "/members/app/cgroup/unified", json!("/"));
    assert_eq!(found(&facts, &pod(), &host("hybrid")), ["C5 app cgroup.unified"]);
}

#[test]
fn each_hierarchy_that_a_member_is_elsewhere_in_is_found_for_itself() {
    let mut facts = facts();
    change(&mut facts, "/members/app/cgroup/elsewhere", json!({"devices": "kubepods", "misc": "/"}));
    let checks = judged(&pod(), &facts, &host("v1"));
    let broken = checks.iter().filter(|check| check.outcome == Outcome::Broken && check.property == "C5");
    assert_eq!(broken.map(|check| check.seen.as_str()).collect::<Vec<_>>(), ["devices: kubepods", "misc: /"]);
}

#[test]
fn classes_are_told_by_where_a_pod_is() {
    let moved = |pod: &Pod, class: &str| {
        let mut facts = facts();
        for member in MEMBERS {
            let path = format!("{class}/pod<uid>/<{member}>");
            facts.document["members"][member]["cgroup"]["path"] = json!(path);
        }
        found(&facts, pod, &host("v1")).into_iter().filter(|f| f.starts_with('Q')).collect::<Vec<_>>()
    };
    let mut best_effort = pod();
    best_effort.spec.containers.iter_mut().for_each(|c| c.resources = Resources::default());
    let mut guaranteed = pod();
    for container in &mut guaranteed.spec.containers {
        container.resources =
            Resources { cpu_limit: quantity(500), memory_limit: quantity(64 * MI), ..Resources::default() };
    }
    let table = [
        (&best_effort, "kubepods/besteffort", "Q1"),
        (&guaranteed, "kubepods", "Q2"),
        (&pod(), "kubepods/burstable", "Q3"),
    ];
    for (pod, class, property) in table {
        assert_eq!(moved(pod, class), Vec::<String>::new(), "{property}");
        for other in
            ["kubepods/besteffort", "kubepods", "kubepods/burstable"].into_iter().filter(|other| *other != class)
        {
            let wrong: Vec<String> = MEMBERS.iter().map(|m| format!("{property} {m} cgroup.path")).collect();
            assert_eq!(moved(pod, other), wrong);
        }
    }
}

#[test]
fn a_privileged_container_has_everything_and_nothing_covered() {
    let mut pod = pod();
    pod.spec.containers[0].security.privileged = true;
    let mut facts = facts();
    has(
        &found(&facts, &pod, &host("v1")),
        &[
            "S5 app credentials.capabilities.bounding",
            "S5 app credentials.capabilities.effective",
            "S5 app security.devices",
            "S5 app mounts[/sys]",
            "S5 app mounts[/proc/kcore]",
            "S5 app mounts[/proc/sys]",
        ],
    );
    let all: Vec<String> = host("v1").capabilities.into_iter().collect();
    for set in ["bounding", "permitted", "effective"] {
        change(&mut facts, &format!("/members/app/credentials/capabilities/{set}"), json!(all));
    }
    change(&mut facts, "/members/app/security/devices", json!(["a *:* rwm"]));
    change(&mut facts, "/members/sandbox/security/seccomp", json!("disabled"));
    change(&mut facts, "/members/app/mounts/~1sys/options", json!(["rw"]));
    for path in paths_to_probe() {
        change(&mut facts, &format!("/members/app/mounts/{}", path.replace('/', "~1")), Value::Null);
    }
    assert_eq!(found(&facts, &pod, &host("v1")), Vec::<String>::new());
    // The first to mount a network namespace's sysfs decides for all of its mounts.
    change(&mut facts, "/members/app/mounts/~1sys/superblock", json!(["ro"]));
    let checks = judged(&pod, &facts, &host("v1"));
    let seen: Vec<_> =
        checks.iter().filter(|c| c.outcome == Outcome::Broken).map(|c| (c.at.as_str(), c.seen.as_str())).collect();
    assert_eq!(seen, [("mounts[/sys]", "ro by its superblock")]);
    // Unprivileged, the same is found out.
    has(&found(&facts, &super::pod(), &host("v1")), &["D1 app security.devices", "M6 app mounts[/proc/keys]"]);
}

#[test]
fn all_capabilities_can_be_added_or_dropped() {
    let mut pod = pod();
    let sets = |facts: &mut Facts, names: &[&str]| {
        for set in ["bounding", "permitted", "effective"] {
            facts.document["members"]["app"]["credentials"]["capabilities"][set] = json!(names);
        }
    };
    let mut facts = facts();
    pod.spec.containers[0].security.capabilities_drop = vec!["ALL".to_owned()];
    has(&found(&facts, &pod, &host("v1")), &["S3 app credentials.capabilities.effective"]);
    sets(&mut facts, &[]);
    assert_eq!(found(&facts, &pod, &host("v1")), Vec::<String>::new());
    pod.spec.containers[0].security.capabilities_add = vec!["CHOWN".to_owned()];
    has(&found(&facts, &pod, &host("v1")), &["S3 app credentials.capabilities.bounding"]);
    sets(&mut facts, &["CHOWN"]);
    assert_eq!(found(&facts, &pod, &host("v1")), Vec::<String>::new());
}

#[test]
fn a_volume_of_the_manifest_takes_the_place_of_a_default() {
    let mut pod = pod();
    let mut facts = facts();
    let over =
        |path: &str| VolumeMount { name: "data".to_owned(), mount_path: path.to_owned(), ..VolumeMount::default() };
    pod.spec.containers[0].volume_mounts.extend(["/etc/hosts", "/dev/shm", "/etc/hostname"].map(over));
    change(&mut facts, "/members/app/files/~1etc~1hosts", json!("my own"));
    change(&mut facts, "/members/app/files/~1etc~1hostname", json!("my own"));
    for path in ["/etc/hosts", "/dev/shm", "/etc/hostname"] {
        change(&mut facts, &format!("/members/app/mounts/{}", path.replace('/', "~1")), volume("rw", "volume:data"));
    }
    facts.identities.get_mut("app").expect("app").insert("shm".to_owned(), "7".to_owned());
    assert_eq!(found(&facts, &pod, &host("v1")), Vec::<String>::new());
    change(&mut facts, "/members/app/mounts/~1dev~1shm/source", json!("shm"));
    assert_eq!(found(&facts, &pod, &host("v1")), ["M2 app mounts[/dev/shm]"]);
}

#[test]
fn without_a_dns_config_the_hosts_is_copied() {
    let mut pod = pod();
    pod.spec.dns = None;
    let mut facts = facts();
    has(&found(&facts, &pod, &host("v1")), &["T4 app files[/etc/resolv.conf]"]);
    for member in ["app", "side"] {
        change(&mut facts, &format!("/members/{member}/files/~1etc~1resolv.conf"), json!("<host>"));
    }
    assert_eq!(found(&facts, &pod, &host("v1")), Vec::<String>::new());
}

#[test]
fn limits_are_kept_in_pages_of_this_host() {
    let mut pod = pod();
    pod.spec.containers[0].resources.memory_limit = "100000".parse().ok();
    let expected = |page_bytes: u64| {
        let host = HostCaps { page_bytes, ..host("v1") };
        let checks = judged(&pod, &facts(), &host);
        let of_app = |check: &&Check| check.property == "L2" && check.member == "app";
        checks.iter().find(of_app).map(|check| check.expected.clone()).expect("it has a limit")
    };
    assert_eq!((expected(4096).as_str(), expected(65536).as_str()), ("98304", "65536"));
}
