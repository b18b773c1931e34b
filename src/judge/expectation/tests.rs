use super::*;
use serde_json::json;

fn facts() -> Facts {
    let member = |limit: Value| {
        json!({"state": "running", "namespaces": {"net": "host", "uts": "own"}, "limits": {"memory_bytes": limit, "pids": null},
            "credentials": {"groups": [1, 2]}, "events": {"oom_kill": 2}, "security": {"devices": {"unobservable": "devices-list"}},
            "mounts": {"/etc/hosts": {"options": ["ro"]}}, "uts": {"hostname": "foobar"}})
    };
    let document =
        json!({"members": {"app": member(json!(4096)), "side": member(json!("max"))}, "pod": {"strays": []}});
    let mut facts = Facts { document, ..Facts::default() };
    for (member, identity) in [("app", "1"), ("side", "1")] {
        let kinds = [("net".to_owned(), identity.to_owned()), ("uts".to_owned(), member.to_owned())];
        facts.identities.insert(member.to_owned(), kinds.into());
    }
    facts
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn fact(fact: &str, of: &[&str], test: FactTest) -> Vec<Check> {
    let expectation = Expectation::Fact { fact: fact.to_owned(), of: names(of), test, property: None };
    expectations(&[expectation], &facts(), "L1", "https://example")
}

fn outcomes(checks: &[Check]) -> Vec<(&str, bool)> {
    checks.iter().map(|check| (check.member.as_str(), check.outcome == Outcome::Held)).collect()
}

#[test]
fn a_fact_is_asked_of_each_member_named_or_of_all() {
    let equals = |value: Value| FactTest::Equals(value);
    assert_eq!(outcomes(&fact("limits.memory_bytes", &["app"], equals(json!(4096)))), [("app", true)]);
    let all = fact("limits.memory_bytes", &[], equals(json!(4096)));
    assert_eq!(outcomes(&all), [("app", true), ("side", false)]);
    assert_eq!((all[1].seen.as_str(), all[1].property.as_str()), ("max", "L1"));
    assert_eq!(outcomes(&fact("pod.strays", &[], equals(json!([])))), [("", true)]);
    assert_eq!(outcomes(&fact("mounts[/etc/hosts].options", &["app"], equals(json!(["ro"])))), [("app", true)]);
}

#[test]
fn each_test_holds_and_does_not() {
    let table = [
        ("credentials.groups", FactTest::Contains(vec![json!(1), json!(2)]), true),
        ("credentials.groups", FactTest::Contains(vec![json!(1), json!(3)]), false),
        ("credentials.groups", FactTest::Lacks(vec![json!(3)]), true),
        ("credentials.groups", FactTest::Lacks(vec![json!(2), json!(3)]), false),
        ("uts.hostname", FactTest::Contains(vec![json!("bar")]), true),
        ("uts.hostname", FactTest::Lacks(vec![json!("bar")]), false),
        ("limits.pids", FactTest::Absent, true),
        ("limits.memory_bytes", FactTest::Absent, false),
        ("mounts[/nowhere]", FactTest::Absent, true),
        ("mounts[/etc/hosts]", FactTest::Absent, false),
        ("limits.pids", FactTest::Equals(Value::Null), true),
        ("limits.pids", FactTest::Lacks(vec![json!(1)]), false),
        ("limits.memory_bytes", FactTest::Lacks(vec![json!(1)]), false),
        ("events.oom_kill", FactTest::AtLeast(2), true),
        ("events.oom_kill", FactTest::AtLeast(3), false),
        ("limits.pids", FactTest::AtLeast(0), false),
        ("uts.hostname", FactTest::AtLeast(0), false),
    ];
    for (path, test, holds) in table {
        assert_eq!(outcomes(&fact(path, &["app"], test.clone())), [("app", holds)], "{path} {test:?}");
    }
}

#[test]
fn what_cannot_be_seen_or_does_not_exist_never_holds() {
    for test in
        [FactTest::Absent, FactTest::Equals(Value::Null), FactTest::Lacks(Vec::new()), FactTest::Contains(Vec::new())]
    {
        let hidden = fact("security.devices", &["app"], test.clone());
        assert_eq!(hidden[0].outcome, Outcome::Unobservable("devices-list".to_owned()));
        let misspelt = fact("limits.memory_byte", &["app"], test.clone());
        assert_eq!(misspelt[0].outcome, Outcome::Broken);
        assert!(misspelt[0].seen.ends_with("did you mean memory_bytes?"), "{}", misspelt[0].seen);
        let stranger = fact("limits.memory_bytes", &["apq"], test);
        assert_eq!(stranger[0].outcome, Outcome::Broken);
        assert_eq!(stranger[0].seen, "no member of that name; did you mean app?");
    }
}

#[test]
fn members_are_compared_by_what_they_are_in() {
    let (of, property) = (names(&["app", "side"]), Some("N1".to_owned()));
    let same = |kind: &str| Expectation::Same { kind: kind.to_owned(), of: of.clone(), property: property.clone() };
    let differ = |kind: &str| Expectation::Differ { kind: kind.to_owned(), of: of.clone(), property: property.clone() };
    let host = |kind: &str| Expectation::Host { kind: kind.to_owned(), of: of.clone(), property: property.clone() };
    let table = [
        (same("net"), vec![("side", true)]),
        (same("uts"), vec![("side", false)]),
        (differ("net"), vec![("side", false)]),
        (differ("uts"), vec![("side", true)]),
        (host("net"), vec![("app", true), ("side", true)]),
        (host("uts"), vec![("app", false), ("side", false)]),
        // Nothing to compare is neither the same nor different.
        (same("shm"), vec![("side", false)]),
        (differ("shm"), vec![("side", false)]),
    ];
    for (expectation, wanted) in table {
        let checks = expectations(std::slice::from_ref(&expectation), &facts(), "L1", "");
        assert_eq!(outcomes(&checks), wanted, "{expectation:?}");
        assert!(checks.iter().all(|check| check.property == "N1"));
    }
}
