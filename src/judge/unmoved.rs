//! F8: what a Pod's members were before their daemon was restarted they still are: the same processes in the same namespaces,
//! with the same roots.

use super::look::path;
use super::{Check, StepContext, outcome};
use crate::facts::{Facts, Looked};
use serde_json::Value;

/// What tells one process and its surroundings from all others.
const IDENTITIES: [&str; 10] = ["net", "ipc", "uts", "pid", "mnt", "user", "cgroup", "time", "root", "shm"];

/// Compares every member that ran before with what it is after. What it is held to is compared after the steps.
pub fn unmoved(context: &StepContext<'_>, before: &Facts, after: &Facts) -> Vec<Check> {
    let members = before.document.get("members").and_then(Value::as_object);
    let names = members.into_iter().flat_map(|members| members.keys());
    let mut checks = Vec::new();
    for name in names.filter(|name| runs(before, name)) {
        let context = StepContext { member: name, ..*context };
        let seen = if runs(after, name) { "runs on" } else { "its process has ended" };
        checks.push(outcome(&context, "runs on", seen, runs(after, name)));
        if !runs(after, name) {
            continue;
        }
        for kind in IDENTITIES {
            let (was, is) = (before.identity(name, kind), after.identity(name, kind));
            if was.or(is).is_none() {
                continue;
            }
            let seen = if was == is { format!("the same {kind}") } else { format!("another {kind}") };
            checks.push(outcome(&context, &format!("the same {kind} as before"), &seen, was == is));
        }
    }
    checks
}

fn runs(facts: &Facts, name: &str) -> bool {
    matches!(facts.lookup(&path(name, "state")), Looked::Value(Value::String(state)) if state == "running")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Outcome;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn facts(state: &str, net: &str) -> Facts {
        let identities = BTreeMap::from([("net".to_owned(), net.to_owned()), ("mnt".to_owned(), "7".to_owned())]);
        Facts {
            document: json!({"members": {"app": {"state": state}}}),
            identities: BTreeMap::from([("app".to_owned(), identities)]),
            ..Facts::default()
        }
    }

    fn broken(after: &Facts) -> Vec<String> {
        let context = StepContext { at: "steps[0]", member: "", property: "F8", source: "" };
        let checks = unmoved(&context, &facts("running", "1"), after);
        assert!(checks.iter().all(|check| check.member == "app" && check.property == "F8"));
        checks.into_iter().filter(|check| check.outcome == Outcome::Broken).map(|check| check.seen).collect()
    }

    #[test]
    fn who_has_ended_or_is_elsewhere_is_found() {
        assert_eq!(broken(&facts("running", "1")), Vec::<String>::new());
        assert_eq!(broken(&facts("running", "2")), ["another net"]);
        assert_eq!(broken(&facts("exited", "1")), ["its process has ended"]);
        let gone = Facts { identities: BTreeMap::new(), ..facts("running", "1") };
        assert_eq!(broken(&gone), ["another net", "another mnt"]);
    }
}
