//! What cannot be seen is neither right nor wrong.

use super::*;
use crate::judge::Outcome;
use serde_json::json;

/// Outcome and words of the check of one property of one member that is nearest to a fact.
fn of(place: &str, value: Value, property: &str) -> (Outcome, String) {
    let mut facts = facts();
    change(&mut facts, &format!("/members/app/{place}"), value);
    let checks = judged(&pod(), &facts, &host("v1"));
    let at = place.split('/').next().unwrap_or(place);
    let check = checks.into_iter().find(|c| c.member == "app" && c.property == property && c.at.starts_with(at));
    check.map(|check| (check.outcome, check.seen)).expect("such a check")
}

#[test]
fn sysctls_without_new_namespaces_hold_nothing() {
    for property in ["T8", "Y2"] {
        let (outcome, _) = of("sysctls", json!({"unobservable": "new-namespaces"}), property);
        assert_eq!(outcome, Outcome::Unobservable("new-namespaces".to_owned()), "{property}");
    }
}

#[test]
fn sysctls_of_the_hosts_namespaces_are_not_looked_at() {
    let mut facts = facts();
    change(&mut facts, "/members/app/namespaces/net", json!("host"));
    let checks = judged(&pod(), &facts, &host("v1"));
    let of = |property: &str| checks.iter().filter(|c| c.member == "app" && c.property == property).count();
    assert_eq!((of("T8"), of("Y2")), (0, 1));
}

#[test]
fn a_control_that_cannot_be_seen_holds_nothing_but_another_that_is_set_is_found() {
    let hidden = json!({"unobservable": "cgroup-in-view"});
    let unseen = Outcome::Unobservable("cgroup-in-view".to_owned());
    let swappiness = || json!({"memory.swappiness": hidden});
    assert_eq!(of("controls", swappiness(), "L18").0, unseen);
    assert_eq!(of("controls", swappiness(), "L5").0, Outcome::Held, "that is about another file");
    let both = json!({"memory.swappiness": hidden, "blkio.weight": "10"});
    assert_eq!(of("controls", both, "L18"), (Outcome::Broken, "blkio.weight = 10".to_owned()));
}

#[test]
fn what_nobody_is_known_to_have_passed_on_holds_nothing() {
    let unknown = json!({"unobservable": "private-daemon"});
    for (fact, property) in [("inherited/nice", "S10"), ("inherited/limits", "S10"), ("inherited/cpus", "L14")] {
        let mut facts = facts();
        change(&mut facts, &format!("/members/app/{fact}"), unknown.clone());
        let checks = judged(&pod(), &facts, &host("v1"));
        let at = fact.replace('/', ".");
        let check = checks.iter().find(|c| c.member == "app" && c.at == at).expect("such a check");
        let expected = (property, Outcome::Unobservable("private-daemon".to_owned()));
        assert_eq!((check.property.as_str(), check.outcome.clone()), expected);
    }
}
