//! Profiles and what else a securityContext asks for: each is expected, and its absence found.

use super::*;
use crate::pod::{AppArmorProfile, LocalProfile, SeccompProfile, Sysctl};

fn found(facts: &Facts, pod: &Pod, host: &HostCaps) -> Vec<String> {
    let checks = judged(pod, facts, host);
    findings(&checks).into_iter().map(|(property, member, at)| format!("{property} {member} {at}")).collect()
}

#[test]
fn a_filter_is_there_where_it_is_asked_for_and_nowhere_else() {
    let mut pod = pod();
    pod.spec.containers[0].security.seccomp = Some(SeccompProfile::RuntimeDefault);
    assert_eq!(found(&facts(), &pod, &host("v1")), ["S7 app security.seccomp"]);
    let mut filtered = facts();
    change(&mut filtered, "/members/app/security/seccomp", json!("filter"));
    assert_eq!(found(&filtered, &pod, &host("v1")), [""; 0]);
    // The Pod's holds for who names none.
    pod.spec.security.seccomp = Some(SeccompProfile::Localhost(LocalProfile::default()));
    pod.spec.containers[0].security.seccomp = Some(SeccompProfile::Unconfined);
    assert_eq!(found(&filtered, &pod, &host("v1")), ["S7 app security.seccomp", "S7 side security.seccomp"]);
    pod.spec.containers[0].security.seccomp = None;
    change(&mut filtered, "/members/side/security/seccomp", json!("filter"));
    assert_eq!(found(&filtered, &pod, &host("v1")), [""; 0]);
    pod.spec.containers[0].security.privileged = true;
    assert!(found(&filtered, &pod, &host("v1")).contains(&"S7 app security.seccomp".to_owned()));
}

#[test]
fn a_named_apparmor_profile_confines_where_there_is_apparmor() {
    let mut pod = pod();
    pod.spec.security.apparmor = Some(AppArmorProfile::Localhost("strict".to_owned()));
    pod.spec.containers[1].security.apparmor = Some(AppArmorProfile::Unconfined);
    assert_eq!(found(&facts(), &pod, &host("v1")), [""; 0]);
    let mut with = host("v1");
    with.abilities.insert("apparmor".to_owned());
    assert_eq!(found(&facts(), &pod, &with), ["S8 app security.apparmor", "S8 side security.apparmor"]);
    let mut confined = facts();
    change(&mut confined, "/members/app/security/apparmor", json!("strict (enforce)"));
    change(&mut confined, "/members/side/security/apparmor", json!("unconfined"));
    assert_eq!(found(&confined, &pod, &with), [""; 0]);
    change(&mut confined, "/members/app/security/apparmor", json!("strict (complain)"));
    assert_eq!(found(&confined, &pod, &with), ["S8 app security.apparmor"]);
}

#[test]
fn sysctls_are_seen_by_every_member_and_not_by_the_host() {
    let mut pod = pod();
    let sysctl = |name: &str, value: &str| Sysctl { name: name.to_owned(), value: value.to_owned() };
    pod.spec.security.sysctls = vec![sysctl("kernel.msgmax", "5"), sysctl("net.ipv4.tcp_rmem", "1  2 3")];
    let mut seen = facts();
    let values = json!({"kernel.msgmax": "5", "net.ipv4.tcp_rmem": "1 2 3"});
    for member in ["sandbox", "app", "side"] {
        change(&mut seen, &format!("/members/{member}/asked_sysctls"), values.clone());
    }
    let untouched = json!({"kernel.msgmax": "unchanged", "net.ipv4.tcp_rmem": "unchanged"});
    change(&mut seen, "/pod/host_sysctls", untouched);
    assert_eq!(found(&seen, &pod, &host("v1")), [""; 0]);
    change(&mut seen, "/members/side/asked_sysctls/kernel.msgmax", json!("8192"));
    change(&mut seen, "/members/app/asked_sysctls/net.ipv4.tcp_rmem", Value::Null);
    change(&mut seen, "/pod/host_sysctls/kernel.msgmax", json!("5"));
    let expected = [
        "Y1 app asked_sysctls[net.ipv4.tcp_rmem]",
        "Y1 side asked_sysctls[kernel.msgmax]",
        "Y4  pod.host_sysctls[kernel.msgmax]",
    ];
    assert_eq!(found(&seen, &pod, &host("v1")), expected);
}

#[test]
fn users_of_its_own_are_one_namespace_of_65536_ids() {
    let mut pod = pod();
    pod.spec.own_users = true;
    let mut own = facts();
    for (member, kind) in [("sandbox", "own"), ("app", "sandbox"), ("side", "sandbox")] {
        change(&mut own, &format!("/members/{member}/namespaces/user"), json!(kind));
        for map in ["uid_map", "gid_map"] {
            change(&mut own, &format!("/members/{member}/credentials/{map}"), json!(["0 <base> 65536"]));
        }
    }
    assert_eq!(found(&own, &pod, &host("v1")), [""; 0]);
    let expected = ["N7 sandbox namespaces.user", "X1 sandbox credentials.uid_map", "X1 sandbox credentials.gid_map"];
    assert_eq!(found(&facts(), &pod, &host("v1"))[..3], expected);
    change(&mut own, "/members/app/namespaces/user", json!("own"));
    change(&mut own, "/members/side/credentials/uid_map", json!(["0 1000 65536"]));
    change(&mut own, "/members/side/credentials/gid_map", json!(["0 <base> 1000"]));
    let expected = ["N7 app namespaces.user", "X1 side credentials.uid_map", "X1 side credentials.gid_map"];
    assert_eq!(found(&own, &pod, &host("v1")), expected);
}

#[test]
fn an_unmasked_proc_has_nothing_covered() {
    let mut pod = pod();
    pod.spec.containers[0].security.unmasked = true;
    let covered = found(&facts(), &pod, &host("v1"));
    assert_eq!(covered.len(), paths_to_probe().count());
    assert!(covered.iter().all(|finding| finding.starts_with("S9 app mounts[/")), "{covered:?}");
    let mut open = facts();
    for path in paths_to_probe() {
        change(&mut open, &format!("/members/app/mounts/{}", path.replace('/', "~1")), Value::Null);
    }
    assert_eq!(found(&open, &pod, &host("v1")), [""; 0]);
}
