//! Volumes of every kind, and the Pod's names and files: each rule holds of a good Pod and turns red for a bad one.

use super::*;
use crate::pod::{HostAlias, Propagation, RecursiveReadOnly};

fn volume_mount(name: &str, path: &str) -> VolumeMount {
    VolumeMount { name: name.to_owned(), mount_path: path.to_owned(), ..VolumeMount::default() }
}

fn is_found(pod: &Pod, facts: &Facts) -> Vec<String> {
    let checks = judged(pod, facts, &host("v1"));
    findings(&checks).into_iter().map(|(property, member, at)| format!("{property} {member} {at}")).collect()
}

/// `app` mounts a volume of each kind, each in its own way.
fn with_volumes() -> (Pod, Facts) {
    let mut pod = pod();
    let source = |name: &str, source| Volume { name: name.to_owned(), source };
    pod.spec.volumes = vec![
        source("quick", VolumeSource::Memory { size_bytes: Some(4 << 20) }),
        source("keys", VolumeSource::Files { memory: true, files: Vec::new() }),
        source("store", VolumeSource::EmptyDir),
        source("of-host", VolumeSource::HostPath { path: "/srv".into(), kind: Default::default() }),
    ];
    let app = &mut pod.spec.containers[0];
    app.volume_mounts = vec![
        VolumeMount { propagation: Propagation::Bidirectional, ..volume_mount("quick", "/quick") },
        volume_mount("keys", "/keys"),
        VolumeMount { sub_path: Some("index".to_owned()), ..volume_mount("keys", "/page") },
        VolumeMount {
            sub_path: Some("./a//b".to_owned()),
            propagation: Propagation::HostToContainer,
            ..volume_mount("store", "/store")
        },
        VolumeMount {
            read_only: true,
            recursive_read_only: RecursiveReadOnly::Enabled,
            ..volume_mount("of-host", "/srv")
        },
    ];
    let mut facts = facts();
    let of = |kind: &str, access: &str, name: &str, propagation: &str, root: &str, size: &str| {
        json!({"type": kind, "options": [access], "superblock": ["rw", size], "propagation": propagation,
            "source": format!("volume:{name}"), "root": root})
    };
    // 256 Mi and what is left of 10000001 bytes, the containers' limits.
    let rest = (268_435_456_u64 + 10_000_001).div_ceil(4096) * 4;
    let mounts = facts.document["members"]["app"]["mounts"].as_object_mut().expect("mounts");
    mounts.retain(|target, _| target != "/data" && target != "/keys");
    for (target, mount) in [
        ("/quick", of("tmpfs", "rw", "quick", "shared,slave", "/", "size=4096k")),
        ("/keys", of("tmpfs", "ro", "keys", "private", "/", &format!("size={rest}k"))),
        ("/page", of("tmpfs", "ro", "keys", "private", "/..1/index", &format!("size={rest}k"))),
        ("/store", of("bind", "rw", "store", "slave", "/a/b", "")),
        ("/srv", of("bind", "ro", "of-host", "private", "/", "")),
        ("/srv/deep", mount("ext4", "ro", "host:/srv/deep")),
    ] {
        mounts.insert(target.to_owned(), mount);
    }
    (pod, facts)
}

#[test]
fn volumes_of_every_kind_turn_red() {
    let (pod, good) = with_volumes();
    assert_eq!(is_found(&pod, &good), Vec::<String>::new());
    for (place, value, finding) in [
        ("~1quick/type", json!("bind"), "M2 app mounts[/quick]"),
        ("~1quick/superblock", json!(["rw", "size=8192k"]), "M2 app mounts[/quick]"),
        ("~1quick/superblock", json!(["rw"]), "M2 app mounts[/quick]"),
        ("~1quick/propagation", json!("private"), "M4 app mounts[/quick]"),
        ("~1quick/propagation", json!("slave"), "M4 app mounts[/quick]"),
        ("~1keys/options", json!(["rw"]), "M3 app mounts[/keys]"),
        ("~1keys/type", json!("bind"), "M2 app mounts[/keys]"),
        ("~1page/root", json!("/..1/other"), "M9 app mounts[/page]"),
        ("~1page/root", json!("/"), "M9 app mounts[/page]"),
        ("~1store/root", json!("/"), "M9 app mounts[/store]"),
        ("~1store/root", json!("/a"), "M9 app mounts[/store]"),
        ("~1store/propagation", json!("private"), "M4 app mounts[/store]"),
        ("~1store/propagation", json!("shared,slave"), "M4 app mounts[/store]"),
        ("~1srv~1deep/options", json!(["rw"]), "M3 app mounts[/srv]"),
        ("~1srv/propagation", json!("slave"), "M4 app mounts[/srv]"),
    ] {
        let mut bad = good.clone();
        change(&mut bad, &format!("/members/app/mounts/{place}"), value.clone());
        assert_eq!(is_found(&pod, &bad), [finding], "{place} {value}");
    }
    // Without recursiveReadOnly what is mounted within is nobody's business.
    let mut plain = pod.clone();
    plain.spec.containers[0].volume_mounts[4].recursive_read_only = RecursiveReadOnly::Disabled;
    let mut open = good.clone();
    change(&mut open, "/members/app/mounts/~1srv~1deep/options", json!(["rw"]));
    assert_eq!(is_found(&plain, &open), Vec::<String>::new());
}

#[test]
fn the_group_of_volumes_turns_red() {
    let (mut pod, mut facts) = (pod(), facts());
    pod.spec.security.fs_group = Some(4711);
    assert_eq!(is_found(&pod, &facts), ["S1 app credentials.groups", "S1 side credentials.groups"]);
    for member in ["app", "side"] {
        let groups = facts.document["members"][member]["credentials"]["groups"].as_array_mut().expect("groups");
        groups.push(json!(4711));
    }
    assert_eq!(is_found(&pod, &facts), Vec::<String>::new());
    // And where nobody asked for it, it is one too many.
    assert_eq!(is_found(&super::pod(), &facts), ["S1 app credentials.groups", "S1 side credentials.groups"]);
}

fn name_all(facts: &mut Facts, hostname: &str, hosts: &str) {
    for member in ["sandbox", "app", "side"] {
        facts.document["members"][member]["uts"]["hostname"] = json!(hostname);
        if member != "sandbox" {
            facts.document["members"][member]["files"]["/etc/hostname"] = json!(format!("{hostname}\n"));
            facts.document["members"][member]["environment"]["env"]["HOSTNAME"] = json!(hostname);
            facts.document["members"][member]["files"]["/etc/hosts"] =
                json!(format!("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n{hosts}"));
        }
    }
}

#[test]
fn whole_names_turn_red() {
    let (mut pod, mut facts) = (pod(), facts());
    let whole = "foo.sub.default.svc.cluster.local";
    pod.spec.subdomain = Some("sub".to_owned());
    assert_eq!(is_found(&pod, &facts), ["T5 app files[/etc/hosts]", "T5 side files[/etc/hosts]"]);
    name_all(&mut facts, "foo", &format!("<address>\t{whole}\tfoo\n"));
    assert_eq!(is_found(&pod, &facts), Vec::<String>::new());
    pod.spec.set_hostname_as_fqdn = true;
    let red = is_found(&pod, &facts);
    assert!(red.contains(&"U5 sandbox uts.hostname".to_owned()) && red.contains(&"U5 side uts.hostname".to_owned()));
    name_all(&mut facts, whole, &format!("<address>\t{whole}\tfoo\n"));
    assert_eq!(is_found(&pod, &facts), Vec::<String>::new());
    pod.spec.set_hostname_as_fqdn = false;
    pod.spec.hostname_override = Some("over.ride".to_owned());
    let red = is_found(&pod, &facts);
    assert!(red.contains(&"U5 app uts.hostname".to_owned()) && red.contains(&"T5 app files[/etc/hosts]".to_owned()));
    name_all(&mut facts, "over.ride", "<address>\tover.ride\n");
    assert_eq!(is_found(&pod, &facts), Vec::<String>::new());
}

#[test]
fn aliases_turn_red() {
    let (mut pod, mut facts) = (pod(), facts());
    let names = vec!["pier".to_owned(), "quay".to_owned()];
    pod.spec.host_aliases = vec![HostAlias { ip: "192.0.2.1".to_owned(), hostnames: names }];
    let both = ["T5 app files[/etc/hosts]", "T5 side files[/etc/hosts]"];
    assert_eq!(is_found(&pod, &facts), both);
    for (line, found) in
        [("192.0.2.1\tpier\n", &both[..]), ("# 192.0.2.1\tpier\tquay\n", &both), ("192.0.2.1\tpier\tquay\n", &[])]
    {
        name_all(&mut facts, "foo", &format!("<address>\tfoo\n{line}"));
        assert_eq!(is_found(&pod, &facts), found, "{line}");
    }
    // In the host's network as well.
    pod.spec.host_network = true;
    change(&mut facts, "/members/side/files/~1etc~1hosts", json!("<host>"));
    let red = is_found(&pod, &facts);
    let of_hosts: Vec<&String> = red.iter().filter(|finding| finding.starts_with("T5")).collect();
    assert_eq!(of_hosts, ["T5 side files[/etc/hosts]"]);
}

#[test]
fn what_is_added_to_the_nodes_resolv_conf_turns_red() {
    let (mut pod, mut facts) = (pod(), facts());
    pod.spec.dns_added = pod.spec.dns.take();
    let mut red = |text: &str| {
        facts.document["members"]["app"]["files"]["/etc/resolv.conf"] = json!(text);
        is_found(&pod, &facts)
    };
    let one = "T4 app files[/etc/resolv.conf]";
    assert_eq!(red("search a example\n<host>\nnameserver 10.0.0.10\noptions x ndots:5\n"), Vec::<String>::new());
    assert_eq!(red("search a\nnameserver 10.0.0.10\noptions ndots:5\n"), [one]);
    assert_eq!(red("search example\nnameserver 10.0.0.10\noptions ndots:55\n"), [one]);
    assert_eq!(red("search example\nnameserver 10.0.0.100\noptions ndots:5\n"), [one]);
    assert_eq!(red("<host>"), [one; 3]);
    let full = "search example\nnameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\noptions ndots:5\n";
    assert_eq!(red(full), Vec::<String>::new());
}

#[test]
fn a_volume_in_memory_is_as_large_as_the_pod_may_become() {
    let (good_pod, good) = with_volumes();
    let is_sized = |pod: &Pod, bytes: u64| {
        let mut facts = good.clone();
        let size = json!(["rw", format!("size={}k", bytes.div_ceil(4096) * 4)]);
        for target in ["/keys", "/page"] {
            facts.document["members"]["app"]["mounts"][target]["superblock"] = size.clone();
        }
        is_found(pod, &facts).iter().all(|finding| !finding.starts_with("M2 app"))
    };
    let containers = 268_435_456 + 10_000_001;
    assert!(is_sized(&good_pod, containers));
    let memory = |bytes: u64| Resources { memory_limit: bytes.to_string().parse().ok(), ..Resources::default() };
    let mut started = good_pod.clone();
    started.spec.init_containers =
        vec![Container { name: "init".to_owned(), resources: memory(1 << 30), ..Container::default() }];
    assert!(is_sized(&started, 1 << 30) && !is_sized(&started, containers));
    started.spec.init_containers[0].stays = true;
    assert!(is_sized(&started, (1 << 30) + containers));
    let mut open = good_pod.clone();
    open.spec.containers[1].resources.memory_limit = None;
    assert!(!is_sized(&open, 268_435_456) && !is_sized(&open, containers));
    open.spec.resources = Some(memory(1 << 30));
    assert!(is_sized(&open, 1 << 30));
}
