use super::*;
use crate::report::{Record, Style, record_text};
use serde_json::json;

fn check(property: &str, at: &str, level: Level, expected: &str, seen: &str) -> Check {
    Check {
        property: property.to_owned(),
        member: "app".to_owned(),
        at: at.to_owned(),
        level,
        expected: expected.to_owned(),
        seen: seen.to_owned(),
        source: format!("https://example.com/{property}"),
        file: String::new(),
        place: String::new(),
        outcome: Outcome::Broken,
    }
}

fn printed(findings: &[Check]) -> String {
    let record = json!({
        "id": "engine::a/b", "case": "a/b", "about": "", "runtime": "engine", "verdict": "failed", "reason": "",
        "properties": [], "checks_run": 1, "findings": findings, "facts": null, "reported": {}, "versions": {},
        "stand_ins": [], "replaced_commands": [], "not_acted_on": [], "left_behind": [], "evidence": "",
        "durations_ms": {},
    });
    record_text(&serde_json::from_value::<Record>(record).expect("a record"), Style::default())
}

#[test]
fn what_a_rule_and_a_case_find_of_one_fact_is_shown_once() {
    let rule = check("L1", "limits.memory_bytes", Level::Must, "1024", "max");
    let own =
        Check { place: "fault.yaml:6".to_owned(), ..check("L7", "limits.memory_bytes", Level::Must, "1024", "max") };
    let text = printed(&[rule, own]);
    assert_eq!(text.matches('✗').count(), 1, "{text}");
    assert!(
        text.contains("✗ L1 L7 app: limits.memory_bytes\n        MUST    be 1024\n        is      max\n"),
        "{text}"
    );
    assert!(text.contains("asked for in fault.yaml:6\n"), "{text}");
    assert!(text.contains("see https://example.com/L1") && text.contains("see https://example.com/L7"), "{text}");
}

#[test]
fn one_that_is_asked_for_two_things_is_shown_once_with_both() {
    let rule = check("L1", "limits.memory_bytes", Level::Must, "1024", "max");
    let text = printed(&[rule.clone(), Check { expected: "1".to_owned(), property: "L7".to_owned(), ..rule }]);
    assert!(text.contains("        MUST    be 1024\n        MUST    be 1\n        is      max\n"), "{text}");
}

#[test]
fn a_capability_that_every_set_lacks_is_shown_once() {
    let sets = ["bounding", "permitted", "effective"].map(|set| format!("credentials.capabilities.{set}"));
    let all = sets.iter().map(|set| check("S3", set, Level::Should, "CHOWN, KILL", "without KILL"));
    let asked = check("S3", &sets[0], Level::Must, "KILL among them", "CHOWN");
    let all: Vec<Check> = std::iter::once(asked).chain(all).collect();
    let text = printed(&all);
    assert_eq!(text.matches('✗').count(), 1, "{text}");
    assert!(text.contains("✗ S3 app: credentials.capabilities.bounding .permitted .effective\n"), "{text}");
    let other = Check { seen: "without CHOWN, KILL".to_owned(), ..all[3].clone() };
    let text = printed(&[&all[..3], &[other]].concat());
    assert_eq!(text.matches('✗').count(), 2, "{text}");
}

#[test]
fn another_member_another_property_and_another_step_are_findings_of_their_own() {
    let first = check("L1", "limits.memory_bytes", Level::Must, "1024", "max");
    let others = [
        Check { member: "other".to_owned(), ..first.clone() },
        Check { at: "limits.memory_swap_bytes".to_owned(), property: "L3".to_owned(), ..first.clone() },
        Check { at: "steps[0]".to_owned(), ..first.clone() },
        Check { at: "steps[1]".to_owned(), ..first.clone() },
    ];
    let text = printed(&[&[first][..], &others].concat());
    assert_eq!(text.matches('✗').count(), 5, "{text}");
}

#[test]
fn a_known_difference_names_where_it_is_declared() {
    let known = Check {
        outcome: Outcome::Known("it cannot".to_owned()),
        place: "cases/known.yaml:5".to_owned(),
        ..check("N3", "namespaces.uts", Level::Must, "sandbox", "own")
    };
    let text = printed(&[known]);
    assert!(text.contains("known, it cannot (cases/known.yaml:5)\n"), "{text}");
}
