//! What cgroup versions and kernels truly change stands in a snapshot as the rule that it satisfied. Raw values stay where
//! no rule holds, and in results always.

use podcheck::judge::{Outcome as CheckOutcome, paths_to_probe};
use podcheck::pod::{Container, Pod};
use podcheck::trial::Outcome;
use serde_json::{Map, Value, json};
use std::path::Path;

/// Rules that stand in the place of the one fact that they look at.
const OF_ONE_FACT: [&str; 4] = ["L3", "L11", "L17", "N6"];
const CGROUPS: &str = "/sys/fs/cgroup";

/// The facts, with what cgroup and runtime versions truly change replaced by the rule that it satisfied, or by the ability
/// without which that could not be seen.
pub fn by_rule(outcome: &Outcome, pod: &Pod) -> Value {
    let mut document = outcome.record.facts.clone();
    for check in outcome.checks.iter().filter(|check| OF_ONE_FACT.contains(&check.property.as_str())) {
        let stands = match &check.outcome {
            CheckOutcome::Held => Value::String(check.property.clone()),
            CheckOutcome::Unobservable(ability) => json!({"unobservable": ability}),
            CheckOutcome::Broken | CheckOutcome::Known(_) => continue,
        };
        let Some(member) = document.get_mut("members").and_then(|m| m.get_mut(&check.member)) else { continue };
        let pointer = format!("/{}", check.at.replace('.', "/"));
        if let Some(fact) = member.pointer_mut(&pointer) {
            *fact = stands;
        }
    }
    for (name, member) in members(&mut document) {
        let held = |property: &str| {
            let of_it = |check: &&podcheck::judge::Check| check.property == property && check.member == *name;
            outcome.checks.iter().find(of_it).map(|check| matches!(check.outcome, CheckOutcome::Held))
        };
        cgroup_mounts(member, held("M8"));
        all_capabilities(member, outcome, (name, pod.spec.container(name)));
        // v2 alone has it, or not every host can limit it, and where it is it is judged: worth a word only if not as asked.
        let wrong = |limit: &str| {
            let at = format!("limits.{limit}");
            let broken = |c: &&podcheck::judge::Check| c.member == *name && c.outcome == CheckOutcome::Broken;
            outcome.checks.iter().filter(broken).any(|check| check.at.starts_with(&at))
        };
        for limit in ["oom_group", "huge_pages"].into_iter().filter(|limit| !wrong(limit)) {
            without(member, limit);
        }
        if held("I5") != Some(false) {
            queues(member);
        }
        least_share(member);
        one_path(member);
        inherited(member);
    }
    document
}

/// Takes from the recorded document what only one of the two kernels has for a runtime to cover. Whether all is covered that
/// this kernel has, is the contract's question.
pub fn take_kernel_paths(document: &mut Value, recorded: &Value) {
    for (name, member) in members(document) {
        let of_it = recorded.get("members").and_then(|m| m.get(name)).and_then(|m| m.get("mounts"));
        let mounts = member.get_mut("mounts").and_then(Value::as_object_mut);
        let (Some(recorded), Some(mounts)) = (of_it.and_then(Value::as_object), mounts) else { continue };
        for path in paths_to_probe() {
            match recorded.get(path) {
                Some(fact) if !Path::new(path).exists() => {
                    mounts.insert(path.to_owned(), fact.clone());
                }
                // What has nothing covered is compared whole: a privileged container's.
                None if paths_to_probe().any(|path| recorded.contains_key(path)) => {
                    mounts.remove(path);
                }
                _ => {}
            }
        }
        mounts.sort_keys();
    }
}

fn members(document: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    document.get_mut("members").and_then(Value::as_object_mut).into_iter().flatten()
}

/// v1 has a mount a controller in a tmpfs, v2 has one: what both can be is read-only (M8), or writable for the privileged.
fn cgroup_mounts(member: &mut Value, held: Option<bool>) {
    let Some(mounts) = member.get_mut("mounts").and_then(Value::as_object_mut) else { return };
    let below = |target: &String| target.strip_prefix(CGROUPS).is_some_and(|r| r.is_empty() || r.starts_with('/'));
    let is_cgroup = |mount: &&Value| mount["type"].as_str().is_some_and(|kind| kind.starts_with("cgroup"));
    let writable = |mount: &Value| mount["options"].as_array().is_some_and(|o| o.iter().any(|word| word == "rw"));
    let there: Vec<&Value> = mounts.iter().filter(|(t, _)| below(t)).map(|(_, m)| m).filter(is_cgroup).collect();
    let stands = match held {
        Some(true) => "M8",
        None if !there.is_empty() && there.into_iter().all(writable) => "rw",
        _ => return,
    };
    mounts.retain(|target, _| !below(target));
    mounts.insert(CGROUPS.to_owned(), json!(stands));
    mounts.sort_keys();
}

/// A container that is privileged (S5), or asks for all but some capabilities (S3), has what podcheck itself may have, which is
/// not the same everywhere.
fn all_capabilities(member: &mut Value, outcome: &Outcome, (name, container): (&str, Option<&Container>)) {
    let asks_all = container.is_some_and(|c| c.security.capabilities_add.iter().any(|name| name == "ALL"));
    for set in ["effective", "permitted", "bounding"] {
        let at = format!("credentials.capabilities.{set}");
        let held = |property: &str, at: &str| {
            let mut of_it =
                outcome.checks.iter().filter(|c| c.property == property && c.member == name && c.at == at).peekable();
            of_it.peek().is_some() && of_it.all(|check| check.outcome == CheckOutcome::Held)
        };
        let rule = if held("S5", "credentials.capabilities.bounding") {
            "S5"
        } else if asks_all && held("S3", &at) {
            "S3"
        } else {
            continue;
        };
        if let Some(names) = member.pointer_mut(&format!("/credentials/capabilities/{set}")) {
            *names = json!(rule);
        }
    }
}

/// Takes a limit out.
fn without(member: &mut Value, limit: &str) {
    if let Some(limits) = member.get_mut("limits").and_then(Value::as_object_mut) {
        limits.remove(limit);
    }
}

/// The queues of the host's IPC namespace are told from a Pod's own only where the host has them mounted, too (I5).
fn queues(member: &mut Value) {
    if member.pointer("/namespaces/ipc").is_some_and(|ipc| ipc == "host")
        && let Some(of) = member.pointer_mut("/instances/~1dev~1mqueue")
    {
        *of = json!("I5");
    }
}

/// The least share there is, which no manifest asks for by a number: a sandbox's, of which no rule is held.
fn least_share(member: &mut Value) {
    if let Some(share) = member.pointer_mut("/limits/cpu_share")
        && (*share == json!({"cpu.shares": 2}) || *share == json!({"cpu.weight": 1}))
    {
        *share = json!("L11");
    }
}

/// What was inherited is worth a word only where it was not.
fn inherited(member: &mut Value) {
    if let Some(inherited) = member.get_mut("inherited").and_then(Value::as_object_mut) {
        inherited.retain(|_, value| *value != json!("inherited") && *value != json!({}));
    }
}

/// A hybrid host's path in v2 is worth a word only where it is another one.
fn one_path(member: &mut Value) {
    let Some(cgroup) = member.get_mut("cgroup").and_then(Value::as_object_mut) else { return };
    if unified_says_nothing(cgroup) {
        cgroup.remove("unified");
    }
}

fn unified_says_nothing(cgroup: &Map<String, Value>) -> bool {
    cgroup.get("unified").is_none_or(|unified| unified.is_null() || Some(unified) == cgroup.get("path"))
}
