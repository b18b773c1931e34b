//! A Pod drawn as a tree: who shares which namespace, and what each cgroup holds its process to.

use super::{Style, value_text};
use serde_json::Value;
use std::fmt::Write as _;

/// Namespace kinds in the order of the drawing: those a Pod shares first.
const KINDS: [&str; 8] = ["net", "ipc", "uts", "pid", "mnt", "cgroup", "user", "time"];

/// Draws the facts of a Pod. `title` stands at the root.
pub fn pod_tree(title: &str, facts: &Value, style: Style) -> String {
    let members = members(facts);
    // One that has ended has no namespaces and no cgroup any more.
    let (members, ended): (Vec<_>, Vec<_>) =
        members.into_iter().partition(|(_, member)| !member["namespaces"].is_null());
    let mut text = format!("  {}\n", style.bold(title));
    text.push_str("  ├─ namespaces\n");
    for (index, kind) in KINDS.iter().enumerate() {
        let branch = if index + 1 == KINDS.len() { "└─" } else { "├─" };
        let _ = writeln!(text, "  │  {branch} {kind:<7}{}", groups(&members, kind));
    }
    let parents: Vec<String> = members.iter().map(|(_, m)| parent(&cgroup(m))).collect();
    let common = parents.first().cloned().unwrap_or_default();
    let name_width = members.iter().chain(&ended).map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let _ = writeln!(text, "  └─ {}", if common.is_empty() { "cgroups" } else { &common });
    for (index, (name, member)) in members.iter().enumerate() {
        let branch = if index + 1 == members.len() + ended.len() { "└─" } else { "├─" };
        let elsewhere = if parents[index] == common { String::new() } else { format!("in {}  ", cgroup(member)) };
        let _ = writeln!(text, "     {branch} {name:<name_width$}  {elsewhere}{}", held_to(member).trim_end());
    }
    for (index, (name, member)) in ended.iter().enumerate() {
        let branch = if index + 1 == ended.len() { "└─" } else { "├─" };
        let _ = writeln!(text, "     {branch} {name:<name_width$}  {}", value_text(&member["state"]));
    }
    text
}

fn members(facts: &Value) -> Vec<(&str, &Value)> {
    let Some(map) = facts.get("members").and_then(Value::as_object) else { return Vec::new() };
    let mut members: Vec<(&str, &Value)> = map.iter().map(|(name, member)| (name.as_str(), member)).collect();
    members.sort_by_key(|(name, _)| (name.contains('/'), *name != "sandbox"));
    members
}

/// `sandbox app sidecar · own: other`: members that share stand together, those that do not are set apart by a bar.
fn groups(members: &[(&str, &Value)], kind: &str) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, member) in members {
        let relation = value_text(member.pointer(&format!("/namespaces/{kind}")).unwrap_or(&Value::Null));
        let key = match relation.as_str() {
            "own" => (*name).to_owned(),
            "sandbox" => match name.split_once('/') {
                Some((pod, _)) => format!("{pod}/sandbox"),
                None => "sandbox".to_owned(),
            },
            other => other.strip_prefix('=').unwrap_or(other).to_owned(),
        };
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, names)) => names.push(name),
            None => groups.push((key, vec![name])),
        }
    }
    let names = |(key, names): &(String, Vec<&str>)| match key.as_str() {
        "host" => format!("host's: {}", names.join(" ")),
        _ => names.join(" "),
    };
    if let [only] = groups.as_slice() {
        return match only.0.as_str() {
            "host" => "the host's".to_owned(),
            _ => format!("{}   (shared)", names(only)),
        };
    }
    groups.iter().map(names).collect::<Vec<_>>().join(" │ ")
}

fn cgroup(member: &Value) -> String {
    member.pointer("/cgroup/path").map(value_text).unwrap_or_default()
}

fn parent(path: &str) -> String {
    path.rsplit_once('/').map_or(String::new(), |(parent, _)| parent.to_owned())
}

/// The limits that are set, the cpu share and the oom score, in a few words.
fn held_to(member: &Value) -> String {
    let number = |path: &str| member.pointer(path).and_then(Value::as_u64);
    let mut words = String::new();
    if let Some(bytes) = number("/limits/memory_bytes") {
        let _ = write!(words, "memory {}  ", bytes_text(bytes));
    }
    if let (Some(quota), Some(period)) = (number("/limits/cpu_quota_usec"), number("/limits/cpu_period_usec")) {
        let _ = write!(words, "cpu {quota}/{period} µs  ");
    }
    if let Some(pids) = number("/limits/pids") {
        let _ = write!(words, "pids {pids}  ");
    }
    for (size, limit) in member.pointer("/limits/huge_pages").and_then(Value::as_object).into_iter().flatten() {
        if let Some(bytes) = limit.as_u64().filter(|bytes| *bytes > 0) {
            let _ = write!(words, "huge pages {} of {size}  ", bytes_text(bytes));
        }
    }
    if let Some(share) = member.pointer("/limits/cpu_share").and_then(Value::as_object) {
        for (name, value) in share {
            let _ = write!(words, "{name} {}  ", value_text(value));
        }
    }
    if let Some(score) = member.pointer("/oom/score_adj").filter(|score| score.is_number()) {
        let _ = write!(words, "oom_score_adj {score}");
    }
    words
}

/// Bytes in the largest unit that shows them exactly.
fn bytes_text(bytes: u64) -> String {
    for (unit, size) in [("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)] {
        if bytes > 0 && bytes.is_multiple_of(size) {
            return format!("{}{unit}", bytes / size);
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sharing_and_limits_are_seen_at_one_glance() {
        let member = |pid: &str, memory: Value| {
            json!({
                "namespaces": {"net": "sandbox", "pid": pid, "user": "host"},
                "cgroup": {"path": "kubepods/burstable/pod<uid>/<x>"},
                "limits": {"memory_bytes": memory, "cpu_quota_usec": "max", "cpu_share": {"cpu.shares": 2},
                    "huge_pages": {"1GB": 0, "2MB": 4_194_304}},
                "oom": {"score_adj": 968},
            })
        };
        let facts =
            json!({"members": {"app": member("own", json!(268435456)), "sandbox": member("own", json!("max"))}});
        let text = pod_tree("foo", &facts, Style::default());
        assert!(text.contains("net    sandbox app   (shared)"), "{text}");
        assert!(text.contains("pid    sandbox │ app"), "{text}");
        assert!(text.contains("user   the host's"), "{text}");
        assert!(
            text.contains("└─ app      memory 256Mi  huge pages 4Mi of 2MB  cpu.shares 2  oom_score_adj 968"),
            "{text}"
        );
    }

    #[test]
    fn one_that_has_ended_is_in_no_namespace_and_no_cgroup() {
        let app = json!({"namespaces": {"net": "sandbox"}, "cgroup": {"path": "kubepods/pod<uid>/<x>"}});
        let facts = json!({"members": {"app": app, "first": {"state": "exited", "namespaces": null, "cgroup": null}}});
        let text = pod_tree("foo", &facts, Style::default());
        assert!(text.contains("net    app   (shared)"), "{text}");
        assert!(text.ends_with("  └─ kubepods/pod<uid>\n     ├─ app    \n     └─ first  exited\n"), "{text}");
    }

    #[test]
    fn only_exact_units_are_used() {
        assert_eq!(bytes_text(96 << 20), "96Mi");
        assert_eq!(bytes_text(10_000_001), "10000001");
        assert_eq!(bytes_text(0), "0");
    }
}
