//! S10 and L14: what no manifest can ask of a runtime, so that a process has it from whoever started it.

use super::{Court, Member, Rule, is, must, should, shown};
use crate::judge::look::within;
use serde_json::{Value, json};

const OCI: &str = "https://github.com/opencontainers/runtime-spec/blob/main/config.md#posix-process";
const UMASK: &str = "https://github.com/opencontainers/runc/blob/main/libcontainer/init_linux.go";
const PERSONALITY: &str = "https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#personality";
const CPUSET: &str = "https://kubernetes.io/docs/tasks/administer-cluster/cpu-management-policies/#none-policy";

pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    let name = member.name;
    court.equals(should("S10", UMASK), (name, "inherited.umask"), json!("0022"));
    for (rule, fact) in [
        (should("S10", OCI), "nice"),
        (should("S10", OCI), "policy"),
        (should("S10", OCI), "io_priority"),
        (should("S10", PERSONALITY), "personality"),
        (must("L14", CPUSET), "cpus"),
        (must("L14", CPUSET), "mems"),
    ] {
        as_started(court, rule, name, &within("inherited", fact));
    }
    let words = "those that everything in the Pod is started with";
    court.check(should("S10", OCI), (name, "inherited.limits"), words, |seen| match seen.and_then(Value::as_object) {
        Some(set) if set.is_empty() => Ok(()),
        Some(set) => {
            Err(set.iter().map(|(name, limit)| format!("{name} {}", shown(Some(limit)))).collect::<Vec<_>>().join(", "))
        }
        None => Err(shown(seen)),
    });
}

fn as_started(court: &mut Court<'_>, rule: Rule, member: &str, at: &str) {
    let words = "what everything in the Pod is started with";
    court.check(rule, (member, at), words, |seen| is(seen, &json!("inherited")));
}
