//! Profiles and what else a securityContext asks for: each is expected, and its absence found.

use super::*;
use crate::pod::{AppArmorProfile, LocalProfile, SeccompProfile};

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
