//! For every rule a document that holds and a change that must turn it red, by the right property at the right member.

use super::*;
use crate::judge::{Verdict, verdict};

#[test]
fn a_pod_that_is_one_is_found_to_be_one() {
    let checks = judged(&pod(), &facts(), &host("v1"));
    assert_eq!(findings(&checks), []);
    assert!(checks.iter().all(|check| check.outcome == Outcome::Held));
    assert!(checks.iter().all(|check| check.source.starts_with("https://")), "every rule says why");
    assert_eq!(verdict(&checks, &[]), Verdict::Passed);
    let share = checks.iter().find(|c| c.property == "L11" && c.member == "app").expect("L11");
    assert_eq!((share.file.as_str(), share.expected.as_str()), ("/sys/fs/cgroup/cpu/x/cpu.shares", "cpu.shares 256"));
    let ours = ours(&pod(), &Node::default(), &facts(), &host("v1"));
    assert_eq!(findings(&ours), []);
}

#[test]
fn every_rule_turns_red_for_its_own_property_at_its_own_member() {
    let devices =
        |rule: &str| json!(["c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", rule]);
    let changes: Vec<(&str, Value, &str, &str)> = vec![
        // Where it is in the document, what stands there instead, whom the finding names.
        ("app/namespaces/net", json!("host"), "N1", "app"),
        ("app/namespaces/net", json!("own"), "N1", "app"),
        ("side/namespaces/ipc", json!("=app"), "N2", "side"),
        ("side/namespaces/uts", json!("own"), "N3", "side"),
        ("sandbox/namespaces/uts", json!("host"), "N3", "sandbox"),
        ("app/namespaces/mnt", json!("sandbox"), "N4", "app"),
        ("side/namespaces/mnt", json!("=app"), "N4", "side"),
        ("app/namespaces/pid", json!("host"), "N5", "app"),
        ("side/namespaces/pid", json!("=app"), "N5", "side"),
        ("sandbox/namespaces/pid", json!("host"), "N5", "sandbox"),
        ("app/namespaces/cgroup", json!("own"), "N6", "app"),
        ("sandbox/namespaces/cgroup", json!("own"), "N6", "sandbox"),
        ("app/namespaces/user", json!("own"), "N7", "app"),
        ("app/namespaces/time", json!("own"), "N8", "app"),
        ("app/is_pid_one", json!(false), "P1", "app"),
        ("sandbox/is_pid_one", json!(false), "P1", "sandbox"),
        ("side/uts/hostname", json!("bar"), "U1", "side"),
        ("sandbox/uts/hostname", json!("bar"), "U1", "sandbox"),
        ("app/files/~1etc~1hostname", json!("bar\n"), "U1", "app"),
        ("app/files/~1etc~1hostname", Value::Null, "U1", "app"),
        ("app/environment/env/HOSTNAME", json!("bar"), "U1", "app"),
        ("app/files/~1etc~1hosts", json!("127.0.0.1\tlocalhost\n<address>\tfoo\n"), "T5", "app"),
        ("app/files/~1etc~1hosts", json!("# Kubernetes-managed hosts file.\n127.0.0.1\tfoo\n"), "T5", "app"),
        (
            "app/files/~1etc~1hosts",
            json!("# Kubernetes-managed hosts file.\n::1\tfoo\n<address>\tfoobar\n"),
            "T5",
            "app",
        ),
        (
            "side/files/~1etc~1resolv.conf",
            json!("search example\nnameserver 10.0.0.11\noptions ndots:5\n"),
            "T4",
            "side",
        ),
        ("side/files/~1etc~1resolv.conf", json!("search example\nnameserver 10.0.0.10\n"), "T4", "side"),
        ("app/mounts/~1/options", json!(["ro"]), "M5", "app"),
        ("side/mounts/~1/options", json!(["rw"]), "M5", "side"),
        ("app/mounts/~1data", Value::Null, "M2", "app"),
        ("app/mounts/~1data/source", json!("volume:keys"), "M2", "app"),
        ("app/mounts/~1data/options", json!(["ro"]), "M3", "app"),
        ("app/mounts/~1keys/options", json!(["rw"]), "M3", "app"),
        ("app/mounts/~1data/propagation", json!("shared"), "M4", "app"),
        ("app/mounts/~1keys/propagation", json!("slave"), "M4", "app"),
        ("app/mounts/~1proc~1kcore", Value::Null, "M6", "app"),
        ("side/mounts/~1sys~1firmware/source", json!("sysfs"), "M6", "side"),
        ("app/mounts/~1proc~1sys/options", json!(["rw"]), "M7", "app"),
        ("app/mounts/~1proc~1bus", Value::Null, "M7", "app"),
        ("app/mounts/~1sys~1fs~1cgroup~1<controller>", Value::Null, "M8", "app"),
        ("app/mounts/~1sys~1fs~1cgroup~1<controller>/options", json!(["rw"]), "M8", "app"),
        ("app/mounts/~1proc/type", json!("tmpfs"), "M11", "app"),
        ("app/mounts/~1sys/options", json!(["rw"]), "M11", "app"),
        ("app/mounts/~1dev~1pts", Value::Null, "M11", "app"),
        ("app/mounts/~1dev~1mqueue", Value::Null, "M11", "app"),
        ("app/mounts/~1dev", Value::Null, "M11", "app"),
        ("app/mounts/~1dev~1shm/type", json!("ext4"), "I2", "app"),
        ("app/shm/of", json!("host"), "I2", "app"),
        ("app/shm/size_bytes", json!(1_048_576), "I3", "app"),
        ("app/shm/mode", json!("0755"), "I3", "app"),
        ("app/mounts/~1dev~1shm/options", json!(["rw", "nosuid"]), "I3", "app"),
        ("app/cgroup/path", json!("kubepods/besteffort/pod<uid>/<app>"), "Q3", "app"),
        ("app/cgroup/path", json!("docker/<app>"), "C1", "app"),
        ("app/cgroup/path", json!("kubepods/burstable/pod<uid>/<side>"), "C3", "app"),
        ("app/cgroup/path", json!("kubepods/burstable/pod<uid>"), "C3", "app"),
        ("side/cgroup/path", json!("kubepods/burstable/pod<uid>/x/<side>"), "C6", "side"),
        ("sandbox/cgroup/path", json!("kubepods/<sandbox>"), "C6", "app"),
        ("app/cgroup/elsewhere", json!({"pids": "/"}), "C5", "app"),
        ("side/cgroup/outside", json!(["sleep 1d in / (pids)"]), "C6", "side"),
        ("sandbox/cgroup/outside", Value::Null, "C6", "sandbox"),
        ("app/limits/memory_bytes", json!("max"), "L1", "app"),
        ("app/limits/memory_bytes", json!(134_217_728), "L1", "app"),
        ("sandbox/limits/memory_bytes", json!(1024), "L1", "sandbox"),
        ("side/limits/memory_bytes", json!(10_000_001), "L2", "side"),
        ("app/limits/memory_swap_bytes", json!(536_870_912), "L3", "app"),
        ("app/limits/memory_swap_bytes", json!("max"), "L3", "app"),
        ("app/limits/cpu_quota_usec", json!("max"), "L8", "app"),
        ("app/limits/cpu_period_usec", json!(50_000), "L8", "app"),
        ("side/limits/cpu_quota_usec", json!(50_000), "L8", "side"),
        ("app/limits/cpu_share", json!({"cpu.shares": 1024}), "L11", "app"),
        ("app/limits/cpu_share", json!({"cpu.weight": 10}), "L11", "app"),
        ("sandbox/limits/cpu_share", json!({"cpu.shares": 1024}), "C6", "sandbox"),
        ("app/oom/score_adj", json!(0), "L17", "app"),
        ("sandbox/oom/score_adj", json!(0), "L17", "sandbox"),
        ("side/credentials/uid", json!([0, 0, 0, 0]), "S1", "side"),
        ("side/credentials/uid", json!([1000, 0, 1000, 1000]), "S2", "side"),
        ("app/credentials/uid", json!([1, 1, 1, 1]), "S1", "app"),
        ("side/credentials/gid", json!([0, 0, 0, 0]), "S1", "side"),
        ("side/credentials/groups", json!([]), "S1", "side"),
        ("app/credentials/groups", json!([2000]), "S1", "app"),
        ("side/credentials/capabilities/effective", json!(["CHOWN"]), "S4", "side"),
        ("app/credentials/capabilities/bounding", json!(["CHOWN"]), "S3", "app"),
        ("app/credentials/capabilities/effective", json!([]), "S3", "app"),
        ("side/credentials/capabilities/bounding", json!(DEFAULT_SET), "S3", "side"),
        ("side/security/no_new_privs", json!(false), "S6", "side"),
        ("app/security/no_new_privs", json!(true), "S6", "app"),
        ("app/security/seccomp", json!("filter"), "S7", "app"),
        ("app/security/devices", devices("a *:* rwm"), "D1", "app"),
        ("app/security/devices", devices("b 8:0 r"), "D1", "app"),
        ("app/security/devices", devices("nonsense"), "D1", "app"),
        ("app/security/devices", json!([]), "D1", "app"),
        ("app/environment/env/CONTAINER_NAME", json!("side"), "F12", "app"),
        ("app/environment/env/CONTAINER_NAME", Value::Null, "F12", "app"),
        ("app/environment/env/COLOUR", json!("blue"), "F12", "app"),
        ("app/environment/args", json!(["/bin/serve", "--name", "side"]), "F12", "app"),
        ("app/environment/cwd", json!("/"), "F12", "app"),
        ("side/environment/cwd", json!("/tmp"), "F12", "side"),
        ("app/environment/env/LD_PRELOAD", json!("/x.so"), "F12", "app"),
        ("app/credentials/gid", json!([5, 5, 5, 5]), "S1", "app"),
        ("app/credentials/groups", json!([0, 3000, 27]), "S1", "app"),
        ("app/credentials/groups", json!([3000]), "S1", "app"),
        ("side/credentials/groups", json!([0, 2000, 3000]), "S1", "side"),
        ("app/credentials/capabilities/ambient", json!(["NET_RAW"]), "S3", "app"),
        ("side/credentials/capabilities/inheritable", json!(["NET_RAW"]), "S3", "side"),
        ("app/credentials/capabilities/inheritable", json!("bounding"), "S3", "app"),
        ("sandbox/credentials/capabilities/bounding", json!(["SYS_ADMIN"]), "S3", "sandbox"),
        ("sandbox/security/devices", json!(["a *:* rwm"]), "D1", "sandbox"),
        ("app/limits/pids", json!(50), "L15", "app"),
        ("app/mounts/~1tmp", mount("ext4", "rw", "host:/tmp"), "M1", "app"),
        ("side/mounts/~1data", mount("ext4", "rw", "volume:data"), "M1", "side"),
        ("sandbox/mounts/~1tmp", mount("ext4", "rw", "host:/tmp"), "M1", "sandbox"),
        ("app/mounts/~1data/root", json!("/sub"), "M2", "app"),
        ("app/mounts/~1dev~1shm/options", json!(["ro", "nosuid", "nodev", "noexec"]), "I2", "app"),
        ("app/mounts/~1proc/options", json!(["rw"]), "M11", "app"),
        ("app/mounts/~1proc/superblock", json!(["rw", "hidepid=2"]), "M11", "app"),
        ("app/mounts/~1dev~1pts/superblock", json!(["mode=600", "ptmxmode=000"]), "M11", "app"),
        ("app/instances/~1proc", json!("host"), "M11", "app"),
        ("side/instances/~1proc", json!("=app"), "M11", "side"),
        ("sandbox/instances/~1proc", json!("host"), "M11", "sandbox"),
        ("app/instances/~1sys", json!("host"), "M11", "app"),
        ("app/instances/~1sys", json!("own"), "M11", "app"),
        ("app/instances/~1dev", json!("host"), "M11", "app"),
        ("side/instances/~1dev~1pts", json!("=app"), "M11", "side"),
        ("side/instances/~1dev~1mqueue", json!("own"), "I5", "side"),
        ("side/instances/~1dev~1mqueue", json!("host"), "I5", "side"),
        ("app/mounts/~1dev/options", json!(["ro"]), "M11", "app"),
        ("app/mounts/~1data/options", json!(["rw", "noexec"]), "M3", "app"),
        ("app/mounts/~1dev~1termination-log", Value::Null, "M12", "app"),
        ("app/mounts/~1dev~1termination-log/options", json!(["ro"]), "M12", "app"),
        ("app/mounts/~1etc~1hosts", Value::Null, "T5", "app"),
        ("side/mounts/~1etc~1hosts/options", json!(["ro"]), "T5", "side"),
        ("side/mounts/~1etc~1hosts/source", json!("host:/etc/hosts"), "T5", "side"),
        ("app/mounts/~1etc~1resolv.conf/options", json!(["ro"]), "T4", "app"),
        ("side/mounts/~1etc~1resolv.conf/options", json!(["rw"]), "T4", "side"),
        ("app/mounts/~1etc~1hostname", Value::Null, "U1", "app"),
        ("app/uts/domainname", json!("example"), "U1", "app"),
        ("app/environment/env/PATH", json!("/bin"), "F12", "app"),
        ("app/environment/env/HOME", json!("/"), "F12", "app"),
        ("app/inherited/umask", json!("0077"), "S10", "app"),
        ("app/inherited/nice", json!(10), "S10", "app"),
        ("sandbox/inherited/policy", json!(3), "S10", "sandbox"),
        ("app/inherited/io_priority", json!(24576), "S10", "app"),
        ("app/inherited/personality", json!("00000008"), "S10", "app"),
        ("side/inherited/limits", json!({"nofile": "1024:1024"}), "S10", "side"),
        ("app/inherited/cpus", json!("0"), "L14", "app"),
        ("app/inherited/mems", json!("1"), "L14", "app"),
        ("app/controls", json!({"memory.high": "4096"}), "L4", "app"),
        ("app/controls", json!({"memory.soft_limit_in_bytes": "4096"}), "L5", "app"),
        ("app/controls", json!({"memory.oom_control": "oom_kill_disable 1"}), "L7", "app"),
        ("app/controls", json!({"cpu.max.burst": "100"}), "L8", "app"),
        ("sandbox/controls", json!({"cpu.idle": "1"}), "L13", "sandbox"),
        ("app/controls", json!({"memory.swappiness": "1"}), "L18", "app"),
        ("app/sysctls", json!({"net.core.somaxconn": "1"}), "T8", "app"),
        ("app/sysctls", json!({"net.ipv4.ping_group_range": "0 7"}), "T8", "app"),
        ("sandbox/sysctls", json!({"kernel.sem": "1 2 3 4"}), "Y2", "sandbox"),
        ("sandbox/credentials/uid", json!([0, 0, 0, 0]), "S1", "sandbox"),
        ("sandbox/security/no_new_privs", json!(false), "S6", "sandbox"),
        ("sandbox/security/seccomp", json!("disabled"), "S7", "sandbox"),
        ("sandbox/mounts/~1/options", json!(["rw"]), "M5", "sandbox"),
        ("sandbox/state", json!("exited"), "member", "sandbox"),
    ];
    for (place, value, property, member) in changes {
        let mut facts = facts();
        change(&mut facts, &format!("/members/{place}"), value.clone());
        let checks = judged(&pod(), &facts, &host("v1"));
        let found = findings(&checks);
        assert!(found.iter().any(|(p, m, _)| (*p, *m) == (property, member)), "{place} {value}: {found:?}");
        assert_eq!(verdict(&checks, &[]), Verdict::Failed);
        // Nothing but the rules about that member's subject; a sandbox's parent is what all others are compared with.
        let strangers = found.iter().filter(|(_, m, _)| *m != member && !place.starts_with("sandbox/"));
        assert_eq!(strangers.count(), 0, "{place} {value}: {found:?}");
    }
}

/// Whatever a rule looks at: nonsense there is never taken for what is expected.
#[test]
fn no_check_holds_of_nonsense() {
    let whole = judged(&pod(), &facts(), &host("v1"));
    for check in &whole {
        let mut facts = facts();
        if let Some(kinds) = facts.identities.get_mut(&check.member) {
            kinds.remove(&check.at);
        }
        let path = look::path(&check.member, &check.at);
        let keys = keys(&path);
        if !["shm", "root", "hosts", "hostname", "resolv-conf", "termination-log"].contains(&check.at.as_str()) {
            put(&mut facts.document, &keys, json!("nonsense"));
        }
        let again = judged(&pod(), &facts, &host("v1"));
        let same =
            |other: &&Check| (&other.property, &other.member, &other.at) == (&check.property, &check.member, &check.at);
        let held =
            again.iter().filter(same).any(|other| other.expected == check.expected && other.outcome == Outcome::Held);
        assert!(!held, "{check:?}");
    }
}

/// Keys of a path; one in brackets may have dots in it.
fn keys(path: &str) -> Vec<String> {
    let (before, inner) = path.split_once('[').unwrap_or((path, ""));
    let inner = (!inner.is_empty()).then(|| inner.trim_end_matches(']').to_owned());
    before.split('.').map(str::to_owned).chain(inner).collect()
}

fn put(document: &mut Value, keys: &[String], value: Value) {
    let mut at = document;
    for key in keys {
        at = at.as_object_mut().unwrap_or_else(|| panic!("{keys:?}")).entry(key.clone()).or_insert(Value::Null);
    }
    *at = value;
}

#[test]
fn sharing_strays_and_the_network_turn_red() {
    let red = |change: fn(&mut Facts)| {
        let mut facts = facts();
        change(&mut facts);
        let checks = judged(&pod(), &facts, &host("v1"));
        findings(&checks).into_iter().map(|(p, m, at)| format!("{p} {m} {at}")).collect::<Vec<_>>()
    };
    fn identity<'a>(facts: &'a mut Facts, member: &str) -> &'a mut BTreeMap<String, String> {
        facts.identities.get_mut(member).expect("identities")
    }
    fn of_pod<'a>(facts: &'a mut Facts, key: &str) -> &'a mut Value {
        &mut facts.document["pod"][key]
    }
    let another = |facts: &mut Facts| drop(identity(facts, "side").insert("shm".to_owned(), "9".to_owned()));
    assert_eq!(red(another), ["I2 side shm"]);
    assert_eq!(red(|facts| drop(identity(facts, "side").remove("shm"))), ["I2 side shm"]);
    for (kind, property) in [("hosts", "T5"), ("hostname", "U1"), ("resolv-conf", "T4"), ("termination-log", "M12")] {
        let mut facts = facts();
        let same = if kind == "termination-log" { "4" } else { "9" };
        identity(&mut facts, "side").insert(kind.to_owned(), same.to_owned());
        assert_eq!(findings(&judged(&pod(), &facts, &host("v1"))), [(property, "side", kind)]);
        identity(&mut facts, "side").remove(kind);
        assert_eq!(findings(&judged(&pod(), &facts, &host("v1"))), [(property, "side", kind)]);
    }
    assert_eq!(red(|facts| drop(identity(facts, "side").insert("root".to_owned(), "2".to_owned()))), ["M1 side root"]);
    assert_eq!(red(|facts| drop(identity(facts, "app").remove("root"))), ["M1 side root"]);
    assert_eq!(red(|facts| *of_pod(facts, "strays") = json!(["sleep 1d"])), ["member  pod.strays"]);
    assert_eq!(red(|facts| *of_pod(facts, "strays") = Value::Null), ["member  pod.strays"]);
    assert_eq!(red(|facts| of_pod(facts, "network")["up"] = json!(["eth0"])), ["T2  pod.network.up"]);
    assert_eq!(red(|facts| of_pod(facts, "network")["up"] = json!(["lo"])), ["T2  pod.network.up"]);
    assert_eq!(red(|facts| of_pod(facts, "network")["interfaces"]["lo"] = json!([])), ["T2  pod.network.interfaces"]);
    assert_eq!(red(|facts| of_pod(facts, "network")["interfaces"]["eth0"] = json!([])), ["T2  pod.network.interfaces"]);
    assert_eq!(
        red(|facts| of_pod(facts, "network")["routes"] = json!(["own subnet dev eth0"])),
        ["T2  pod.network.routes"]
    );
    assert_eq!(red(|facts| *of_pod(facts, "network") = json!("host")).len(), 5);
}

#[test]
fn members_that_are_missing_foreign_or_gone_are_said() {
    let mut missing = facts();
    change(&mut missing, "/members/side", Value::Null);
    let checks = judged(&pod(), &missing, &host("v1"));
    assert_eq!(findings(&checks), [("member", "side", "state")]);

    let mut foreign = facts();
    let twin = foreign.document["members"]["app"].clone();
    change(&mut foreign, "/members/guest", twin);
    assert_eq!(findings(&judged(&pod(), &foreign, &host("v1"))), [("member", "guest", "state")]);

    // One that has ended is not judged, and that is said; it never counts as checked.
    let mut gone = facts();
    change(&mut gone, "/members/side", json!({"state": "exited"}));
    let checks = judged(&pod(), &gone, &host("v1"));
    assert_eq!(findings(&checks), []);
    let of_side: Vec<_> = checks.iter().filter(|check| check.member == "side").collect();
    assert!(matches!(of_side[..], [Check { outcome: Outcome::Unobservable(_), .. }]), "{of_side:?}");

    let nothing = Facts { document: json!({}), ..Facts::default() };
    assert_eq!(verdict(&judged(&pod(), &nothing, &host("v1")), &[]), Verdict::Failed);
}

#[test]
fn what_cannot_be_seen_is_never_a_pass_and_what_does_not_exist_is_a_finding() {
    let mut hidden = facts();
    change(&mut hidden, "/members/app/limits/memory_swap_bytes", json!({"unobservable": "swap-accounting"}));
    let checks = judged(&pod(), &hidden, &host("v1"));
    let swap = checks.iter().find(|c| c.property == "L3" && c.member == "app").expect("L3");
    assert_eq!(swap.outcome, Outcome::Unobservable("swap-accounting".to_owned()));
    assert_eq!(findings(&checks), []);

    let mut unset = facts();
    change(&mut unset, "/members/app/limits/memory_bytes", Value::Null);
    assert_eq!(findings(&judged(&pod(), &unset, &host("v1"))), [("L1", "app", "limits.memory_bytes")]);

    // Nobody can lower a score without the capability: nothing is learnt, and nothing is passed.
    let mut cannot = host("v1");
    cannot.abilities.clear();
    let mut zero = facts();
    change(&mut zero, "/members/sandbox/oom/score_adj", json!(0));
    let checks = judged(&pod(), &zero, &cannot);
    let score = checks.iter().find(|c| c.property == "L17" && c.member == "sandbox").expect("L17");
    assert_eq!(score.outcome, Outcome::Unobservable("cap-sys-resource".to_owned()));
    // Raising needs none.
    change(&mut zero, "/members/app/oom/score_adj", json!(0));
    assert_eq!(findings(&judged(&pod(), &zero, &cannot)), [("L17", "app", "oom.score_adj")]);
}

#[test]
fn our_own_cgroup_is_judged_apart() {
    for (key, value, property) in [
        ("memory_bytes", json!("max"), "L10"),
        ("cpu_quota_usec", json!(50_000), "L10"),
        ("cpu_share", json!({"cpu.shares": 2}), "L10"),
        ("pids", json!(64), "L15"),
    ] {
        let mut facts = facts();
        change(&mut facts, &format!("/pod/cgroup/{key}"), value);
        let at = format!("pod.cgroup.{key}");
        let checks = ours(&pod(), &Node::default(), &facts, &host("v1"));
        assert_eq!(findings(&checks), [(property, "", at.as_str())]);
        // It proves nothing about a runtime.
        assert_eq!(findings(&judged(&pod(), &facts, &host("v1"))), []);
    }
    let node = Node { pod_pids_limit: Some(64), ..Node::default() };
    assert_eq!(findings(&ours(&pod(), &node, &facts(), &host("v1"))), [("L15", "", "pod.cgroup.pids")]);
}
