use super::{Comparison, Why, compare, split_member};
use crate::report::{Record, Style};
use serde_json::{Value, json};

#[test]
fn a_path_names_its_member() {
    assert_eq!(split_member("members.app.namespaces.uts"), ("app", "namespaces.uts"));
    assert_eq!(split_member("members[beside/app].uts.hostname"), ("beside/app", "uts.hostname"));
    assert_eq!(split_member("members.app"), ("app", ""));
    assert_eq!(split_member("pod.network.up"), ("", "pod.network.up"));
}

fn record(runtime: &str, app: Value) -> Record {
    let record = json!({
        "id": format!("{runtime}::a/b"), "case": "a/b", "about": "", "runtime": runtime, "verdict": "passed", "reason": "",
        "properties": [], "checks_run": 1, "findings": [], "facts": {"members": {"app": app}}, "reported": {},
        "versions": {}, "stand_ins": [], "replaced_commands": [], "not_acted_on": [], "left_behind": [], "evidence": "",
        "durations_ms": {},
    });
    serde_json::from_value(record).expect("a record")
}

/// Compares in every order; `known` is runtime, place and what is seen there.
fn in_every_order(records: &[Record], known: &[(&str, &str, &str)]) -> Vec<Comparison> {
    let declared = |record: &Record, _: &str, at: &str, seen: &str| {
        let entry = known.iter().find(|entry| **entry == (record.runtime.as_str(), at, seen));
        let why = |line| Why { reason: "one reason".to_owned(), file: "known.yaml".to_owned(), line };
        entry.map(|entry| why(known.iter().position(|known| known == entry).unwrap_or_default() + 5))
    };
    let orders: &[&[usize]] = match records.len() {
        2 => &[&[0, 1], &[1, 0]],
        _ => &[&[0, 1, 2], &[0, 2, 1], &[1, 0, 2], &[1, 2, 0], &[2, 0, 1], &[2, 1, 0]],
    };
    let ordered = |order: &&[usize]| order.iter().map(|index| &records[*index]).collect::<Vec<_>>();
    orders.iter().map(|order| compare(&ordered(order), &declared)).collect()
}

fn undeclared(comparisons: &[Comparison]) -> Vec<bool> {
    comparisons.iter().map(Comparison::has_undeclared).collect()
}

#[test]
fn a_declared_difference_is_declared_whichever_runtime_comes_first() {
    let records = [record("runc", json!({"oom": {"score_adj": 5}})), record("crun", json!({"oom": {"score_adj": 1}}))];
    let compared = in_every_order(&records, &[("crun", "oom.score_adj", "1")]);
    assert_eq!(undeclared(&compared), [false, false]);
    for comparison in &compared {
        let declared = &comparison.rows[0].declared;
        assert!(declared.contains_key("crun"), "{comparison:?}");
        let text = comparison.text(Style::default());
        assert!(text.ends_with("  [1] one reason, declared in known.yaml:5\n"), "{text}");
    }
    assert_eq!(undeclared(&in_every_order(&records, &[])), [true, true]);
    assert_eq!(undeclared(&in_every_order(&records, &[("crun", "oom.score_adj", "2")])), [true, true]);
}

#[test]
fn a_fact_that_only_one_has_is_declared_from_both_sides() {
    let records = [
        record("runc", json!({"mounts": {}})),
        record("docker", json!({"mounts": {"/x": {"type": "bind"}}})),
        record("crun", json!({"mounts": {"/x": {"type": "tmpfs"}}})),
    ];
    let both = [("docker", "mounts[/x]", "present"), ("crun", "mounts[/x]", "present")];
    let compared = in_every_order(&records, &both);
    assert_eq!(undeclared(&compared), [false; 6]);
    assert!(compared.iter().all(|one| one.text(Style::default()).contains("declared in known.yaml:5,6\n")));
    assert_eq!(undeclared(&in_every_order(&records, &both[..1])), [true; 6]);
    let lacks = [record("runc", json!({"mounts": {"/x": {"type": "bind"}}})), record("docker", json!({"mounts": {}}))];
    assert_eq!(undeclared(&in_every_order(&lacks, &[("docker", "mounts[/x]", "absent")])), [false, false]);
}

#[test]
fn what_is_declared_of_one_does_not_excuse_another() {
    let records = [
        record("runc", json!({"uts": "sandbox"})),
        record("docker", json!({"uts": "own"})),
        record("crun", json!({"uts": "host"})),
    ];
    let compared = in_every_order(&records, &[("docker", "uts", "own")]);
    assert_eq!(undeclared(&compared), [true; 6]);
    for comparison in &compared {
        let row = &comparison.rows[0];
        assert!(row.undeclared.contains(&"crun".to_owned()) != (comparison.runtimes[0] == "crun"), "{row:?}");
        assert!(!row.undeclared.contains(&"docker".to_owned()), "{row:?}");
    }
}
