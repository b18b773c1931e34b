//! L22: what holds a member at first holds it to the end: a limit that was undone since is found.

use super::look::{self, Question, text};
use super::{Check, Level, Outcome};
use crate::facts::{Facts, Looked};
use serde_json::Value;

const RESOURCES: &str = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/";
const CGROUPS: &str = "https://man7.org/linux/man-pages/man7/cgroups.7.html";
const OOM: &str =
    "https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#node-out-of-memory-behavior";
const DEVICES: &str = "https://docs.kernel.org/admin-guide/cgroup-v1/devices.html";

/// Property, fact, and why it lasts.
const LASTING: [(&str, &str, &str); 11] = [
    ("L1", "limits.memory_bytes", RESOURCES),
    ("L3", "limits.memory_swap_bytes", RESOURCES),
    ("L8", "limits.cpu_quota_usec", RESOURCES),
    ("L8", "limits.cpu_period_usec", RESOURCES),
    ("L11", "limits.cpu_share", RESOURCES),
    ("L15", "limits.pids", RESOURCES),
    ("L17", "oom.score_adj", OOM),
    ("L18", "controls", RESOURCES),
    ("S5", "security.devices", DEVICES),
    ("C3", "cgroup.path", CGROUPS),
    ("C5", "cgroup.elsewhere", CGROUPS),
];

/// Of the Pod as a whole: a runtime has no business there.
const LASTING_OF_POD: [(&str, &str, &str); 4] = [
    ("L10", "pod.cgroup.memory_bytes", RESOURCES),
    ("L10", "pod.cgroup.cpu_quota_usec", RESOURCES),
    ("L10", "pod.cgroup.cpu_share", RESOURCES),
    ("L15", "pod.cgroup.pids", RESOURCES),
];

/// Compares what every member that runs was held to at `first` with what it is held to `now`. Findings are at `again.…`.
pub fn again(first: &Facts, now: &Facts) -> Vec<Check> {
    let runs = |facts: &Facts, name: &str| {
        let state = facts.lookup(&look::path(name, "state"));
        matches!(state, Looked::Value(Value::String(state)) if state == "running")
    };
    let members = first.document.get("members").and_then(Value::as_object);
    let names = members.into_iter().flat_map(|members| members.keys());
    let names = names.filter(|name| runs(first, name) && runs(now, name));
    let of_members = names.flat_map(|name| LASTING.iter().map(move |rule| (name.as_str(), *rule)));
    let of_pod = LASTING_OF_POD.iter().map(|rule| ("", *rule));
    of_members.chain(of_pod).filter_map(|(name, rule)| compare(first, now, name, rule)).collect()
}

/// `None` where it could be seen at neither time.
fn compare(first: &Facts, now: &Facts, member: &str, (property, fact, source): (&str, &str, &str)) -> Option<Check> {
    let path = look::path(member, fact);
    let (before, after) = (first.lookup(&path), now.lookup(&path));
    let words = |looked: &Looked<'_>| match looked {
        Looked::Value(value) => text(value),
        Looked::Absent => "none".to_owned(),
        Looked::Unobservable(ability) => format!("not visible without {ability}"),
        Looked::Unknown => format!("podcheck has no such fact: {fact}"),
    };
    let outcome = match (&before, &after) {
        (Looked::Unobservable(_), Looked::Unobservable(_)) => return None,
        (Looked::Value(before), Looked::Value(after)) if before == after => Outcome::Held,
        (Looked::Absent, Looked::Absent) => Outcome::Held,
        _ => Outcome::Broken,
    };
    let expected = format!("still {}", words(&before));
    let question = Question { property, member, at: format!("again.{fact}"), level: Level::Must, expected, source };
    let file = now.source(&path).unwrap_or_default().to_owned();
    Some(Check { file, ..question.answer(now, words(&after), outcome) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(memory: Value, state: &str) -> Facts {
        let member =
            json!({"state": state, "limits": {"memory_bytes": memory, "pids": {"unobservable": "pids-controller"}}});
        Facts { document: json!({"members": {"app": member}}), ..Facts::default() }
    }

    fn of_memory(first: Value, now: Value) -> Vec<Check> {
        let checks = again(&facts(first, "running"), &facts(now, "running"));
        assert!(checks.iter().all(|check| check.at != "again.limits.pids"));
        checks.into_iter().filter(|check| check.at == "again.limits.memory_bytes").collect()
    }

    #[test]
    fn a_limit_that_was_undone_is_found_and_one_that_lasts_is_not() {
        let undone = of_memory(json!(4096), json!("max"));
        assert_eq!((undone[0].outcome.clone(), undone[0].seen.as_str()), (Outcome::Broken, "max"));
        assert_eq!(undone[0].expected, "still 4096");
        assert_eq!(of_memory(json!(4096), json!(4096))[0].outcome, Outcome::Held);
        let hidden = of_memory(json!(4096), json!({"unobservable": "memory-controller"}));
        assert_eq!(hidden[0].outcome, Outcome::Broken);
    }

    #[test]
    fn who_has_ended_is_held_to_nothing() {
        let checks = again(&facts(json!(4096), "running"), &facts(Value::Null, "exited"));
        assert!(checks.iter().all(|check| check.member.is_empty()), "{checks:?}");
    }
}
