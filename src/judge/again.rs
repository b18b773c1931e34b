//! L22: what holds a member at first holds it to the end: a limit that was undone since is found. L20: where a step has
//! resized a container since, that one is held to its new resources, and nobody else.

use super::look::{self, Question, text};
use super::{Check, HostCaps, Level, Outcome, contract};
use crate::facts::{Facts, Looked, unobservable};
use crate::node::Node;
use crate::pod::Pod;
use serde_json::Value;
use std::collections::BTreeMap;

const RESOURCES: &str = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/";
const CGROUPS: &str = "https://man7.org/linux/man-pages/man7/cgroups.7.html";
const OOM: &str =
    "https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#node-out-of-memory-behavior";
const DEVICES: &str = "https://docs.kernel.org/admin-guide/cgroup-v1/devices.html";

/// Of each member.
const LASTING: [Rule; 12] = [
    ("L1", "limits.memory_bytes", RESOURCES),
    ("L3", "limits.memory_swap_bytes", RESOURCES),
    ("L8", "limits.cpu_quota_usec", RESOURCES),
    ("L8", "limits.cpu_period_usec", RESOURCES),
    ("L11", "limits.cpu_share", RESOURCES),
    ("L15", "limits.pids", RESOURCES),
    ("L16", "limits.huge_pages", RESOURCES),
    ("L17", "oom.score_adj", OOM),
    ("L18", "controls", RESOURCES),
    ("S5", "security.devices", DEVICES),
    ("C3", "cgroup.path", CGROUPS),
    ("C5", "cgroup.elsewhere", CGROUPS),
];

/// Of the Pod as a whole: a runtime has no business there.
const LASTING_OF_POD: [Rule; 5] = [
    ("L10", "pod.cgroup.memory_bytes", RESOURCES),
    ("L10", "pod.cgroup.cpu_quota_usec", RESOURCES),
    ("L10", "pod.cgroup.cpu_share", RESOURCES),
    ("L15", "pod.cgroup.pids", RESOURCES),
    ("L16", "pod.cgroup.huge_pages", RESOURCES),
];

/// What steps have changed of a Pod.
#[derive(Clone, Copy, Debug)]
pub struct Resized<'a> {
    /// As its manifest would be now.
    pub pod: &'a Pod,
    /// The machine that the plan pretends.
    pub node: &'a Node,
    /// What the contract has to know of the host.
    pub host: &'a HostCaps,
    /// The containers whose resources are others now, and whether each was started again since.
    pub containers: &'a BTreeMap<String, bool>,
    /// A resize was refused half-way: of the Pod's own cgroup, which podcheck had written by then, nothing is said.
    pub refused: bool,
}

impl Resized<'_> {
    /// What the contract says of what these containers, and with them the Pod, are held to now.
    fn checks(&self, now: &Facts) -> Vec<Check> {
        let of =
            |(name, anew): (&String, &bool)| contract::limits_of(self.pod, self.node, now, self.host, (name, *anew));
        let own = self.containers.iter().flat_map(of);
        let of_pod = match self.containers.is_empty() || self.refused {
            true => Vec::new(),
            false => contract::ours(self.pod, self.node, now, self.host),
        };
        let again = |check: Check| Check { property: "L20".to_owned(), at: again_at(&check.at), ..check };
        own.chain(of_pod).map(again).collect()
    }
}

/// Compares what every member that runs was held to at `first` with what it is held to `now`. Findings are at `again.…`.
pub fn again(first: &Facts, now: &Facts, resized: &Resized<'_>) -> Vec<Check> {
    let runs = |facts: &Facts, name: &str| {
        let state = facts.lookup(&look::path(name, "state"));
        matches!(state, Looked::Value(Value::String(state)) if state == "running")
    };
    let members = first.document.get("members").and_then(Value::as_object);
    let names = members.into_iter().flat_map(|members| members.keys());
    let names = names.filter(|name| runs(first, name) && runs(now, name));
    let of_members = names.flat_map(|name| LASTING.iter().map(move |rule| (name.as_str(), *rule)));
    let of_pod = LASTING_OF_POD.iter().filter(|_| !resized.refused).map(|rule| ("", *rule));
    let mut checks = resized.checks(now);
    let anew = |name: &str, fact: &str| checks.iter().any(|check| check.member == name && check.at == again_at(fact));
    let lasting: Vec<(&str, Rule)> =
        of_members.chain(of_pod).filter(|(name, (_, fact, _))| !anew(name, fact)).collect();
    checks.extend(lasting.into_iter().filter_map(|(name, rule)| compare(first, now, name, rule)));
    checks
}

/// Property, fact, and why it lasts.
type Rule = (&'static str, &'static str, &'static str);

/// Where a finding of a fact is.
fn again_at(fact: &str) -> String {
    format!("again.{fact}")
}

/// Whether a map has a part that cannot be seen: that it is the same as before says nothing.
fn is_unseen_within(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.values().any(|part| unobservable(part).is_some()))
}

/// `None` where it could be seen at neither time.
fn compare(first: &Facts, now: &Facts, member: &str, (property, fact, source): Rule) -> Option<Check> {
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
        (Looked::Value(before), Looked::Value(after)) if before == after && is_unseen_within(before) => return None,
        (Looked::Value(before), Looked::Value(after)) if before == after => Outcome::Held,
        (Looked::Absent, Looked::Absent) => Outcome::Held,
        _ => Outcome::Broken,
    };
    let expected = format!("still {}", words(&before));
    let question = Question { property, member, at: again_at(fact), level: Level::Must, expected, source };
    let file = now.source(&path).unwrap_or_default().to_owned();
    Some(Check { file, ..question.answer(now, words(&after), outcome) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod::{Container, PodSpec, Quantity, Resources};
    use serde_json::json;

    fn facts(memory: Value, state: &str) -> Facts {
        let member =
            json!({"state": state, "limits": {"memory_bytes": memory, "pids": {"unobservable": "pids-controller"}}});
        Facts { document: json!({"members": {"app": member}}), ..Facts::default() }
    }

    /// A Pod whose containers may use 8192 bytes each.
    fn pod() -> Pod {
        let memory_limit = Some(Quantity { milli: 8_192_000 });
        let resources = Resources { memory_limit, ..Resources::default() };
        let container =
            |name: &str| Container { name: name.to_owned(), resources: resources.clone(), ..Default::default() };
        let spec = PodSpec { containers: vec![container("app"), container("side")], ..PodSpec::default() };
        Pod { name: "foo".to_owned(), namespace: String::new(), uid: None, labels: Default::default(), spec }
    }

    fn judged(first: &Facts, now: &Facts, resized: &[&str]) -> Vec<Check> {
        let containers = resized.iter().map(|name| ((*name).to_owned(), false)).collect();
        let (host, node) = (HostCaps { cgroup: "v1".to_owned(), ..HostCaps::default() }, Node::default());
        again(first, now, &Resized { pod: &pod(), node: &node, host: &host, containers: &containers, refused: false })
    }

    fn of_memory(first: Value, now: Value) -> Vec<Check> {
        let checks = judged(&facts(first, "running"), &facts(now, "running"), &[]);
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
    fn controls_that_can_be_seen_at_neither_time_are_not_as_they_were() {
        let seen = |controls: Value| {
            let document = json!({"members": {"app": {"state": "running", "controls": controls}}});
            Facts { document, ..Facts::default() }
        };
        let of = |first: Value, now: Value| {
            let checks = judged(&seen(first), &seen(now), &[]);
            checks.into_iter().find(|check| check.at == "again.controls").map(|check| check.outcome)
        };
        let hidden = || json!({"memory.swappiness": {"unobservable": "cgroup-in-view"}});
        assert_eq!(of(json!({}), json!({})), Some(Outcome::Held));
        assert_eq!(of(hidden(), hidden()), None);
        assert_eq!(of(json!({}), hidden()), Some(Outcome::Broken));
    }

    #[test]
    fn who_has_ended_is_held_to_nothing() {
        let checks = judged(&facts(json!(4096), "running"), &facts(Value::Null, "exited"), &[]);
        assert!(checks.iter().all(|check| check.member.is_empty()), "{checks:?}");
    }

    #[test]
    fn who_was_resized_is_held_to_its_new_limit_and_a_neighbour_to_its_old_one() {
        let two = |app: u64, side: u64, pod: u64| {
            let member = |bytes: u64, share: u64| {
                json!({"state": "running", "oom": {"score_adj": 999}, "limits": {
                    "memory_bytes": bytes, "memory_swap_bytes": bytes, "cpu_quota_usec": "max", "cpu_period_usec": 100_000,
                    "cpu_share": {"cpu.shares": share}, "pids": "max",
                }})
            };
            let document = json!({
                "members": {"app": member(app, 2), "side": member(side, 2)},
                "pod": {"cgroup": {
                    "memory_bytes": pod, "cpu_quota_usec": "max", "cpu_share": {"cpu.shares": 2}, "pids": "max",
                }},
            });
            Facts { document, ..Facts::default() }
        };
        let broken = |now: &Facts, resized: &[&str]| {
            let checks = judged(&two(4096, 8192, 12288), now, resized);
            let broken = checks.into_iter().filter(|check| check.outcome == Outcome::Broken);
            broken.map(|c| format!("{} {} {}: {} for {}", c.property, c.member, c.at, c.seen, c.expected)).collect()
        };
        let none: Vec<String> = Vec::new();
        assert_eq!(broken(&two(8192, 8192, 16384), &["app"]), none);
        let swap = "again.limits.memory_swap_bytes";
        let all: Vec<String> = broken(&two(4096, 8192, 16384), &["app"]);
        assert_eq!(all[0], "L20 app again.limits.memory_bytes: 4096 for 8192");
        assert!(all[1].starts_with(&format!("L20 app {swap}: 4096 for 8192")), "{all:?}");
        let neighbour = broken(&two(8192, 4096, 16384), &["app"]);
        assert_eq!(neighbour[0], "L1 side again.limits.memory_bytes: 4096 for still 8192");
        let of_pod = broken(&two(8192, 8192, 12288), &["app"]);
        assert_eq!(of_pod, ["L20  again.pod.cgroup.memory_bytes: 12288 for 16384"]);
        let unasked = broken(&two(8192, 8192, 12288), &[]);
        assert_eq!(unasked[0], "L1 app again.limits.memory_bytes: 8192 for still 4096");
    }
}
