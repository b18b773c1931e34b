//! M11 and I5: whose the kernel's file systems are that a member has mounted. One of another namespace has the same type
//! and flags, and shows other processes, devices of another network, queues of other programs.

use super::places::takes_over;
use super::{Court, Member, SANDBOX, is, must, shown};
use crate::facts::Looked;
use crate::judge::look::within;
use serde_json::{Value, json};

const PROC: &str = "https://man7.org/linux/man-pages/man7/pid_namespaces.7.html";
const SYSFS: &str = "https://man7.org/linux/man-pages/man7/network_namespaces.7.html";
const DEVPTS: &str = "https://docs.kernel.org/filesystems/devpts.html";
const DEV: &str = "https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-devices";
const MQUEUE: &str = "https://man7.org/linux/man-pages/man7/ipc_namespaces.7.html";

pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    let left_alone =
        |target: &str| !member.container.is_some_and(|container| takes_over(court.facts, container, target));
    if left_alone("/proc") {
        judge_proc(court, member.name);
    }
    if member.container.is_none() {
        return;
    }
    for (target, source) in [("/dev", DEV), ("/dev/pts", DEVPTS)] {
        if left_alone(target) {
            let at = (member.name, "instances");
            court.check_as(must("M11", source), at, &within("instances", target), "one of its own", |seen| {
                is(seen.and_then(|all| all.get(target)), &json!("own"))
            });
        }
    }
    let (network, ipc) = (court.pod.spec.host_network, court.pod.spec.host_ipc);
    for (target, property, source, of_host) in [("/sys", "M11", SYSFS, network), ("/dev/mqueue", "I5", MQUEUE, ipc)] {
        if left_alone(target) {
            judge_shared(court, member, target, must(property, source), of_host);
        }
    }
}

/// /proc shows the processes of the PID namespace that the member is in.
fn judge_proc(court: &mut Court<'_>, member: &str) {
    let own = match court.look(member, "namespaces.pid") {
        Looked::Value(own) => own.clone(),
        _ => Value::Null,
    };
    let words = "the processes of its own PID namespace";
    court.check_as(must("M11", PROC), (member, "instances"), "instances[/proc]", words, |seen| {
        match seen.and_then(|all| all.get("/proc")) {
            Some(shown) if *shown == own => Ok(()),
            Some(Value::String(other)) => Err(format!("those of the namespace {other}")),
            other => Err(shown(other)),
        }
    });
}

/// The instance of a namespace that the Pod shares: the sandbox's, or where that has none mounted that of the first container
/// that has.
fn judge_shared(court: &mut Court<'_>, member: Member<'_>, target: &'static str, rule: super::Rule, of_host: bool) {
    let of_sandbox = match court.look(SANDBOX, "instances") {
        Looked::Value(all) => all.get(target).is_some(),
        _ => false,
    };
    let words = if of_host { "the host's" } else { "the Pod's" };
    let running = court.running();
    let mut containers = running.iter().filter_map(|member| member.container);
    let first = containers.find(|container| !takes_over(court.facts, container, target)).map(|c| c.name.as_str());
    let of_first = first.map(|first| format!("={first}"));
    court.check_as(rule, (member.name, "instances"), &within("instances", target), words, |seen| {
        let seen = seen.and_then(|all| all.get(target));
        let holds = match seen.and_then(Value::as_str) {
            // A host that has none mounted itself cannot be compared with: then the Pod's have to be the same.
            Some("host") => of_host,
            Some("sandbox") => true,
            Some("own") => !of_sandbox && first == Some(member.name),
            Some(other) => !of_sandbox && of_first.as_deref() == Some(other),
            None => false,
        };
        if holds { Ok(()) } else { Err(shown(seen)) }
    });
}
