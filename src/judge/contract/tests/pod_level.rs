//! Resources of a Pod as a whole: what its containers have of them, and what its cgroup.

use super::*;

fn found(checks: &[Check]) -> Vec<String> {
    findings(checks).into_iter().map(|(property, member, at)| format!("{property} {member} {at}")).collect()
}

/// The Pod with a memory limit of its own, which `app` has as well then, and an overhead.
fn with_own() -> (Pod, Facts) {
    let mut pod = pod();
    pod.spec.containers[0].resources.memory_limit = None;
    pod.spec.resources =
        Some(Resources { memory_limit: quantity(512 * MI), cpu_limit: quantity(1000), ..Resources::default() });
    let mut facts = facts();
    for key in ["memory_bytes", "memory_swap_bytes"] {
        change(&mut facts, &format!("/members/app/limits/{key}"), json!(512 << 20));
    }
    change(&mut facts, "/members/side/limits/cpu_quota_usec", json!(100_000));
    change(&mut facts, "/members/side/limits/cpu_share", json!({"cpu.shares": 1024}));
    // 10000001 bytes are side's own request: it stands for the Pod's, so that nothing is left to share.
    change(&mut facts, "/members/app/oom/score_adj", json!(999));
    let cgroup = json!({"memory_bytes": 512 << 20, "cpu_quota_usec": 100_000, "cpu_period_usec": 100_000,
        "cpu_share": {"cpu.shares": 256}, "pids": "max"});
    change(&mut facts, "/pod/cgroup", cgroup);
    (pod, facts)
}

#[test]
fn a_container_without_a_limit_is_held_to_the_pods() {
    let (pod, mut facts) = with_own();
    assert_eq!(found(&judged(&pod, &facts, &host("v1"))), [""; 0]);
    change(&mut facts, "/members/app/limits/memory_bytes", json!("max"));
    change(&mut facts, "/members/side/limits/cpu_quota_usec", json!("max"));
    let expected = ["L21 app limits.memory_bytes", "L21 side limits.cpu_quota_usec"];
    assert_eq!(found(&judged(&pod, &facts, &host("v1"))), expected);
}

#[test]
fn the_pods_cgroup_has_the_pods_own_and_its_overhead() {
    let (mut pod, mut facts) = with_own();
    let judged = |pod: &Pod, facts: &Facts| found(&ours(pod, &Node::default(), facts, &host("v1")));
    assert_eq!(judged(&pod, &facts), [""; 0]);
    pod.spec.overhead = Some(Resources { memory_request: quantity(32 * MI), ..Resources::default() });
    assert_eq!(judged(&pod, &facts), ["L21  pod.cgroup.memory_bytes"]);
    change(&mut facts, "/pod/cgroup/memory_bytes", json!(544 << 20));
    assert_eq!(judged(&pod, &facts), [""; 0]);
    pod.spec.resources = None;
    assert!(judged(&pod, &facts).contains(&"L19  pod.cgroup.memory_bytes".to_owned()));
}

#[test]
fn memory_that_no_container_asks_for_counts_for_all() {
    let (mut pod, mut facts) = with_own();
    let own = pod.spec.resources.as_mut().expect("it was set");
    own.memory_request = quantity(512 * MI);
    // (512Mi - 10000001) / 2 of 8Gi for each: 30, and with side's own 10000001 bytes 31.
    assert_eq!(found(&judged(&pod, &facts, &host("v1"))), ["L17 app oom.score_adj", "L17 side oom.score_adj"]);
    change(&mut facts, "/members/app/oom/score_adj", json!(970));
    change(&mut facts, "/members/side/oom/score_adj", json!(969));
    assert_eq!(found(&judged(&pod, &facts, &host("v1"))), [""; 0]);
}
