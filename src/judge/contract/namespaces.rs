//! N, P and the namespace halves of I4, T3 and U3: which namespace of each kind a member is in.

use super::{Court, Member, Rule, is, must, should};
use serde_json::{Value, json};

const POD_SPEC: &str = "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodSpec";
const SHARED_PID: &str = "https://kubernetes.io/docs/tasks/configure-pod-container/share-process-namespace/";
const EPHEMERAL: &str =
    "https://kubernetes.io/docs/tasks/debug/debug-application/debug-running-pod/#ephemeral-container";
const CRI: &str = "https://github.com/kubernetes/cri-api/blob/master/pkg/apis/runtime/v1/api.proto";
const NAMESPACES: &str = "https://man7.org/linux/man-pages/man7/namespaces.7.html";
const USER: &str = "https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/";

pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    let spec = &court.pod.spec;
    let shared = |host: bool| if host { "host" } else { shared_with_sandbox(member) };
    let net = must(if spec.host_network { "T3" } else { "N1" }, POD_SPEC);
    let ipc = must(if spec.host_ipc { "I4" } else { "N2" }, POD_SPEC);
    let uts = must(if spec.host_network { "U3" } else { "N3" }, POD_SPEC);
    let (network, ipc_kind) = (shared(spec.host_network), shared(spec.host_ipc));
    let target = member.container.and_then(|container| container.target.as_ref()).map(|name| format!("={name}"));
    let (pid_rule, pid) = match (spec.host_pid, spec.share_process_namespace) {
        (true, _) => (must("P4", POD_SPEC), "host"),
        (false, true) => (must("P2", SHARED_PID), shared_with_sandbox(member)),
        (false, false) => match &target {
            Some(target) => (must("P5", EPHEMERAL), target.as_str()),
            None => (must("N5", SHARED_PID), "own"),
        },
    };
    is_in(court, member, "net", network, net);
    is_in(court, member, "ipc", ipc_kind, ipc);
    is_in(court, member, "uts", network, uts);
    is_in(court, member, "pid", pid, pid_rule);
    is_in(court, member, "mnt", "own", must("N4", CRI));
    let user = if spec.own_users { shared_with_sandbox(member) } else { "host" };
    is_in(court, member, "user", user, must("N7", USER));
    if spec.own_users {
        judge_ids(court, member);
    }
    is_in(court, member, "time", "host", should("N8", NAMESPACES));
    let cgroup = cgroup_namespace(court, member);
    is_in(court, member, "cgroup", cgroup, should("N6", CRI));
    judge_own_pid(court, member);
}

/// X1: 65536 ids from 0 on, which are the host's from a multiple of 65536 on, for users and groups alike.
fn judge_ids(court: &mut Court<'_>, member: Member<'_>) {
    for at in ["credentials.uid_map", "credentials.gid_map"] {
        court.equals(must("X1", USER), (member.name, at), json!(["0 <base> 65536"]));
    }
}

/// The sandbox owns what the Pod shares.
fn shared_with_sandbox(member: Member<'_>) -> &'static str {
    if member.container.is_some() { "sandbox" } else { "own" }
}

/// CRI runtimes give a container a cgroup namespace on v2 alone, and only if it is not privileged; the sandbox keeps the
/// host's everywhere.
fn cgroup_namespace(court: &Court<'_>, member: Member<'_>) -> &'static str {
    match member.container {
        Some(container) if court.host.cgroup == "v2" && !container.security.privileged => "own",
        _ => "host",
    }
}

fn is_in(court: &mut Court<'_>, member: Member<'_>, kind: &str, expected: &str, rule: Rule) {
    let words = match expected {
        "host" => format!("the host's {kind} namespace"),
        "sandbox" => format!("the sandbox's {kind} namespace"),
        other if other.starts_with('=') => format!("the {kind} namespace of {}", &other[1..]),
        _ => format!("a {kind} namespace of its own"),
    };
    let at = format!("namespaces.{kind}");
    court.check(rule, (member.name, &at), words, |seen| is(seen, &json!(expected)));
}

/// P1: with a PID namespace of its own a container's init is process 1; in the Pod's only the sandbox is.
fn judge_own_pid(court: &mut Court<'_>, member: Member<'_>) {
    let spec = &court.pod.spec;
    if spec.host_pid {
        return;
    }
    let target = member.container.and_then(|container| container.target.as_ref());
    let first = if spec.share_process_namespace { member.container.is_none() } else { target.is_none() };
    let (rule, words) = match (spec.share_process_namespace, first) {
        (false, false) => (must("P5", EPHEMERAL), "not process 1 of the PID namespace of its target"),
        (false, true) => (must("P1", SHARED_PID), "process 1 of its PID namespace"),
        (true, true) => (must("P2", SHARED_PID), "process 1 of the Pod's PID namespace"),
        (true, false) => (must("P2", SHARED_PID), "not process 1 of the Pod's PID namespace"),
    };
    court.check(rule, (member.name, "is_pid_one"), words, |seen| match seen {
        Some(Value::Bool(seen)) if *seen == first => Ok(()),
        Some(Value::Bool(true)) => Err("process 1".to_owned()),
        Some(Value::Bool(false)) => Err("not process 1".to_owned()),
        other => Err(super::shown(other)),
    });
}
