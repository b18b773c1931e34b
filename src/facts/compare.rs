//! Two documents side by side.

use super::lookup::unobservable;
use super::{Facts, path};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// One fact that two documents do not agree on.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The fact.
    pub path: String,
    /// The first document's; null if it has none.
    pub left: Value,
    /// The second document's; null if it has none.
    pub right: Value,
    /// The abilities without which the two cannot be compared: neither the same nor different.
    pub incomparable: Option<String>,
}

impl Facts {
    /// The document without what may change from one run to the next, or is podcheck's own doing: what snapshots hold
    /// and runtimes are compared by.
    pub fn stable(&self) -> Value {
        let mut document = self.document.clone();
        for pod in ["pod", "beside"] {
            if let Some(pod) = document.get_mut(pod).and_then(Value::as_object_mut) {
                pod.retain(|key, _| key != "events" && key != "cgroup");
            }
        }
        let members = document.get_mut("members").and_then(Value::as_object_mut);
        for member in members.into_iter().flat_map(|members| members.values_mut()).filter_map(Value::as_object_mut) {
            member.retain(|key, _| key != "events");
            if let Some(cgroup) = member.get_mut("cgroup").and_then(Value::as_object_mut) {
                // What it stands for is the path, whoever named it.
                cgroup.remove("scope");
            }
            if let Some(mounts) = member.get_mut("mounts").and_then(Value::as_object_mut) {
                drop_hosts_own(mounts);
            }
        }
        document
    }
}

/// Leaves out what the host has mounted within a volume: see `DROPPED`.
fn drop_hosts_own(mounts: &mut Map<String, Value>) {
    let source = |mount: &Value| mount.get("source").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_volume = |mount: &Value| source(mount).starts_with("volume:");
    let volumes: Vec<String> =
        mounts.iter().filter(|(_, mount)| is_volume(mount)).map(|(target, _)| format!("{target}/")).collect();
    // Another volume, or a file of the Pod's own, may be mounted within one, too: that the manifest says.
    let pods = |mount: &Value| {
        is_volume(mount) || ["hosts", "hostname", "resolv.conf", "termination-log"].contains(&source(mount).as_str())
    };
    mounts.retain(|target, mount| pods(mount) || !volumes.iter().any(|volume| target.starts_with(volume)));
}

/// Where two documents differ, sorted by path. Maps are compared key by key, lists and values whole; what only one has is
/// one difference, not one for each of its parts.
pub fn differences(left: &Value, right: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", left, right, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn compare(path: &str, left: &Value, right: &Value, found: &mut Vec<Difference>) {
    let abilities: BTreeSet<&str> = [left, right].into_iter().filter_map(unobservable).collect();
    let incomparable = (!abilities.is_empty()).then(|| abilities.into_iter().collect::<Vec<_>>().join(", "));
    match (left, right) {
        (Value::Object(a), Value::Object(b)) if incomparable.is_none() => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let value = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                compare(&path::join(path, key), &value(a), &value(b), found);
            }
        }
        _ if left == right && incomparable.is_none() => {}
        _ => found.push(Difference { path: path.to_owned(), left: left.clone(), right: right.clone(), incomparable }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_named_by_their_leaves() {
        let left = json!({"members": {"b": {"uts": {"hostname": "x"}}, "a": {"mounts": {"/x/y": {"type": "bind"}, "/z": {"type": "proc"}}}}});
        let right = json!({"members": {"b": {"uts": {"hostname": "y"}}, "a": {"mounts": {"/z": {"type": "tmpfs"}}}}});
        let found = differences(&left, &right);
        let paths: Vec<&str> = found.iter().map(|d| d.path.as_str()).collect();
        assert_eq!(paths, ["members.a.mounts[/x/y]", "members.a.mounts[/z].type", "members.b.uts.hostname"]);
        assert_eq!((&found[0].left, &found[0].right), (&json!({"type": "bind"}), &Value::Null));
        assert!(found.iter().all(|d| d.incomparable.is_none()));
        assert_eq!(differences(&left, &left), []);
    }

    #[test]
    fn what_cannot_be_seen_is_never_equal() {
        let left = json!({"devices": {"unobservable": "devices-list"}, "limit": 1});
        let found = differences(&left, &left);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), found[0].incomparable.as_deref()), ("devices", Some("devices-list")));
        assert_eq!(differences(&left, &json!({"devices": ["a"], "limit": 1})).len(), 1);
    }

    #[test]
    fn live_counts_and_what_podcheck_made_are_not_stable() {
        let document = json!({
            "pod": {"strays": [], "cgroup": {"pids": 1}, "events": {"oom_kill": 1}},
            "members": {"app": {"state": "running", "events": {"oom_kill": 1}}},
        });
        let facts = Facts { document, ..Facts::default() };
        assert_eq!(facts.stable(), json!({"pod": {"strays": []}, "members": {"app": {"state": "running"}}}));
    }
}
