//! Paths of a manifest that lead elsewhere in a container's root: there they are judged, and nowhere else.

use super::*;

/// As `pod` and `facts`, with an image in which `/data` is a link and `/etc/resolv.conf` is one.
fn linked() -> (Pod, Facts) {
    let mut facts = facts();
    let app = &mut facts.document["members"]["app"];
    app["paths"] = json!({"/data": "/srv/data", "/data/": "/srv/data", "/etc/resolv.conf": "/run/resolv.conf"});
    app["environment"]["cwd"] = json!("/srv/data");
    let mounts = app["mounts"].as_object_mut().expect("mounts");
    for (path, place) in [("/data", "/srv/data"), ("/etc/resolv.conf", "/run/resolv.conf")] {
        let mount = mounts.remove(path).expect("it is mounted");
        mounts.insert(place.to_owned(), mount);
    }
    (pod(), facts)
}

fn found(pod: &Pod, facts: &Facts) -> Vec<String> {
    let checks = judged(pod, facts, &host("v1"));
    findings(&checks).into_iter().map(|(property, member, at)| format!("{property} {member} {at}")).collect()
}

#[test]
fn a_volume_is_where_its_path_leads() {
    let (pod, good) = linked();
    assert_eq!(found(&pod, &good), Vec::<String>::new());
    for (pointer, value, finding) in [
        ("mounts/~1srv~1data/options", json!(["ro"]), "M3 app mounts[/srv/data]"),
        ("mounts/~1srv~1data/source", json!("volume:keys"), "M2 app mounts[/srv/data]"),
        ("mounts/~1run~1resolv.conf/source", json!("host:/etc/passwd"), "T4 app mounts[/run/resolv.conf]"),
        ("environment/cwd", json!("/data"), "F12 app environment.cwd"),
    ] {
        let mut bad = good.clone();
        change(&mut bad, &format!("/members/app/{pointer}"), value.clone());
        let found = found(&pod, &bad);
        assert!(found.contains(&finding.to_owned()), "{pointer}: {found:?}");
    }
}

#[test]
fn a_volume_where_its_path_does_not_lead_is_found() {
    let (pod, mut bad) = linked();
    let mounts = bad.document["members"]["app"]["mounts"].as_object_mut().expect("mounts");
    let mount = mounts.remove("/srv/data").expect("it is mounted");
    mounts.insert("/data".to_owned(), mount);
    let found = found(&pod, &bad);
    assert!(found.contains(&"M2 app mounts[/srv/data]".to_owned()), "{found:?}");
    assert!(found.contains(&"M1 app mounts".to_owned()), "{found:?}");
}

#[test]
fn a_path_is_its_plain_form_where_nothing_is_known() {
    let (mut pod, facts) = (pod(), facts());
    pod.spec.containers[0].volume_mounts[0].mount_path = "//data/.//x/..".to_owned();
    assert_eq!(found(&pod, &facts), Vec::<String>::new());
}

#[test]
fn what_the_kernel_shows_elsewhere_than_everybody_expects_is_found() {
    let (pod, good) = (pod(), facts());
    for (target, source, is_bad) in [
        ("/other/proc", "proc", true),
        ("/hostsys", "sysfs", true),
        ("/cgroups", "cgroup", true),
        ("/devices", "devtmpfs", true),
        ("/run/secrets", "tmpfs", false),
        ("/sys/kernel/security", "securityfs", false),
        ("/proc/sys (covered)", "proc", false),
        ("/data/proc", "proc", false),
    ] {
        let mut facts = good.clone();
        change(&mut facts, &format!("/members/app/mounts/{}", target.replace('/', "~1")), mount(source, "ro", source));
        let found = found(&pod, &facts);
        assert_eq!(found == ["M1 app mounts"], is_bad, "{target} {found:?}");
        assert!(is_bad || found.is_empty(), "{target} {found:?}");
    }
}
