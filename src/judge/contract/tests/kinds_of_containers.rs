//! Rules that speak of all containers of a Pod mean init containers, sidecars and apps alike.

use super::*;

/// A Pod whose first container has become a sidecar.
fn with_sidecar() -> Pod {
    let mut pod = pod();
    let mut sidecar = pod.spec.containers.remove(0);
    sidecar.stays = true;
    pod.spec.init_containers = vec![sidecar];
    pod
}

fn found(pod: &Pod, facts: &Facts) -> Vec<String> {
    let checks = judged(pod, facts, &host("v1"));
    findings(&checks).into_iter().map(|(property, member, at)| format!("{property} {member} {at}")).collect()
}

#[test]
fn a_privileged_init_container_makes_the_sandbox_privileged() {
    let mut pod = pod();
    let helper = Container { name: "helper".to_owned(), image: "podcheck".to_owned(), ..Container::default() };
    pod.spec.init_containers = vec![helper];
    let mut facts = facts();
    facts.document["members"]["helper"] = json!({"state": "exited"});
    assert_eq!(found(&pod, &facts), Vec::<String>::new());
    pod.spec.init_containers[0].security.privileged = true;
    assert_eq!(found(&pod, &facts), ["S7 sandbox security.seccomp"]);
    change(&mut facts, "/members/sandbox/security/seccomp", json!("disabled"));
    assert_eq!(found(&pod, &facts), Vec::<String>::new());
    pod.spec.init_containers[0].security.privileged = false;
    assert_eq!(found(&pod, &facts), ["S7 sandbox security.seccomp"]);
}

#[test]
fn what_a_sandbox_lacks_is_told_by_the_first_that_has_it() {
    let (pod, mut facts) = (with_sidecar(), facts());
    for (member, value) in [("sandbox", json!(null)), ("app", json!("own")), ("side", json!("=app"))] {
        change(&mut facts, &format!("/members/{member}/instances/~1dev~1mqueue"), value);
    }
    assert_eq!(found(&pod, &facts), Vec::<String>::new());
    change(&mut facts, "/members/side/instances/~1dev~1mqueue", json!("own"));
    assert_eq!(found(&pod, &facts), ["I5 side instances[/dev/mqueue]"]);
    // One that mounts something else there has none of the Pod's to go by.
    let mut covered = pod.clone();
    covered.spec.init_containers[0].volume_mounts[1].mount_path = "/dev/mqueue".to_owned();
    let keys = facts.document["members"]["app"]["mounts"]["/keys"].clone();
    let mounts = facts.document["members"]["app"]["mounts"].as_object_mut().expect("mounts");
    mounts.remove("/keys");
    mounts.insert("/dev/mqueue".to_owned(), keys);
    assert_eq!(found(&covered, &facts), Vec::<String>::new());
}

#[test]
fn whose_passwd_is_the_manifests_has_no_home_of_the_images() {
    let (mut pod, mut facts) = (pod(), facts());
    change(&mut facts, "/members/app/environment/env/HOME", json!("/"));
    assert_eq!(found(&pod, &facts), ["F12 app environment.env.HOME"]);
    pod.spec.containers[0].volume_mounts[1].mount_path = "/etc/passwd".to_owned();
    let mounts = facts.document["members"]["app"]["mounts"].as_object_mut().expect("mounts");
    let keys = mounts.remove("/keys").expect("it is mounted");
    mounts.insert("/etc/passwd".to_owned(), keys);
    assert_eq!(found(&pod, &facts), Vec::<String>::new());
}
