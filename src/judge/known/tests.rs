use super::*;
use crate::judge::{Level, Verdict, verdict};

fn check(property: &str, member: &str, at: &str, seen: &str, outcome: Outcome) -> Check {
    let text = str::to_owned;
    Check {
        property: text(property),
        member: text(member),
        at: text(at),
        level: Level::Must,
        expected: String::new(),
        seen: text(seen),
        source: String::new(),
        file: String::new(),
        place: String::new(),
        outcome,
    }
}

fn uts(member: &str, seen: &str) -> Check {
    let held = if seen == "sandbox" { Outcome::Held } else { Outcome::Broken };
    check("N3", member, "namespaces.uts", seen, held)
}

fn entry(members: &[&str], at: &str) -> Known {
    Known {
        file: "known.yaml".into(),
        line: 1,
        property: "N3".to_owned(),
        members: members.iter().map(|name| (*name).to_owned()).collect(),
        at: at.to_owned(),
        seen: "own".to_owned(),
        sometimes: false,
        when: When { runtime: Some("docker".to_owned()), ..When::default() },
        because: "docker cannot".to_owned(),
        source: "https://example".to_owned(),
    }
}

fn context() -> Context {
    let versions = [("docker", "20.10.24+dfsg1"), ("runc", "1.1.5+ds1")];
    Context {
        runtime: "docker".to_owned(),
        oci: Some("runc".to_owned()),
        versions: versions.map(|(part, version)| (part.to_owned(), version.to_owned())).into(),
        settings: [("drops_limits".to_owned(), "true".to_owned())].into(),
        cgroup: "hybrid".to_owned(),
        driver: "cgroupfs".to_owned(),
        kernel: "6.1.0-18-amd64".to_owned(),
        abilities: ["veth".to_owned()].into(),
        networks: [("", "own"), ("beside/", "host")].map(|(pod, of)| (pod.to_owned(), of.to_owned())).into(),
    }
}

fn judged(checks: Vec<Check>, general: &[Known], own: &[Known]) -> (Verdict, usize) {
    let applied = apply_known(checks, general, own, &context());
    (verdict(&applied.checks, &applied.unmet), applied.unmet.len())
}

#[test]
fn exactly_the_differences_that_are_declared_deviate() {
    let both = || vec![uts("app", "own"), uts("side", "own")];
    let all = [entry(&[], "")];
    assert_eq!(judged(both(), &all, &[]), (Verdict::Deviates, 0));
    assert_eq!(judged(both(), &[], &all), (Verdict::Deviates, 0));
    let named = [entry(&["app", "side"], "namespaces")];
    assert_eq!(judged(both(), &[], &named), (Verdict::Deviates, 0));
    let applied = apply_known(both(), &all, &[], &context());
    assert_eq!(applied.checks[0].outcome, Outcome::Known("docker cannot".to_owned()));
}

#[test]
fn what_holds_as_it_is_declared_elsewhere_does_not_make_that_untrue() {
    let unlimited = || check("N3", "free", "namespaces.uts", "own", Outcome::Held);
    assert_eq!(judged(vec![uts("app", "own"), unlimited()], &[entry(&[], "")], &[]), (Verdict::Deviates, 0));
    assert_eq!(judged(vec![unlimited()], &[entry(&[], "")], &[]), (Verdict::Passed, 0));
}

#[test]
fn a_difference_may_name_the_member_that_it_is_seen_at() {
    let path = |member: &str, seen: &str| check("N3", member, "namespaces.uts", seen, Outcome::Broken);
    let all = [Known { seen: "pod/<member>/container".to_owned(), ..entry(&[], "") }];
    let of = |app: &str| judged(vec![path("app", app), path("beside/app", "pod/<app>/container")], &all, &[]);
    assert_eq!(of("pod/<app>/container"), (Verdict::Deviates, 0));
    assert_eq!(of("pod/<side>/container"), (Verdict::Failed, 0));
    let at = "namespaces.uts";
    let fact = [Known { property: String::new(), at: at.to_owned(), ..all[0].clone() }];
    let declared = |seen| declared(&fact, &context(), "app", at, seen).is_some();
    assert!(declared("pod/<app>/container"));
    assert!(!declared("pod/<side>/container"));
}

#[test]
fn a_race_may_be_won() {
    let race = || Known { sometimes: true, ..entry(&[], "") };
    let held = || vec![check("N3", "app", "namespaces.uts", "sandbox", Outcome::Held)];
    for (general, own) in [(vec![race()], Vec::new()), (Vec::new(), vec![race()])] {
        assert_eq!(judged(held(), &general, &own), (Verdict::Passed, 0));
        assert_eq!(judged(vec![uts("app", "own")], &general, &own), (Verdict::Deviates, 0));
        assert_eq!(judged(vec![uts("app", "host")], &general, &own).0, Verdict::Failed);
    }
    assert_eq!(judged(held(), &[entry(&[], "")], &[]).1, 1);
}

#[test]
fn one_more_fails() {
    for extra in [
        uts("sandbox", "own"),
        uts("beside/sandbox", "own"),
        uts("app", "host"),
        check("N1", "app", "namespaces.net", "own", Outcome::Broken),
        check("N3", "app", "steps[0]", "another", Outcome::Broken),
    ] {
        let checks = vec![uts("app", "own"), uts("side", "own"), extra];
        assert_eq!(judged(checks, &[entry(&[], "")], &[]).0, Verdict::Failed);
    }
    // A member or place that the entry does not name.
    assert_eq!(judged(vec![uts("app", "own"), uts("side", "own")], &[entry(&["app"], "")], &[]).0, Verdict::Failed);
    assert_eq!(judged(vec![uts("app", "own")], &[entry(&[], "namespaces.ut")], &[]).0, Verdict::Failed);
}

#[test]
fn one_fewer_fails() {
    let half = || vec![uts("app", "own"), uts("side", "sandbox")];
    let (all, named) = ([entry(&[], "")], [entry(&["app", "side"], "")]);
    for (general, own) in [(&all[..], &[][..]), (&[], &all), (&named, &[]), (&[], &named)] {
        assert_eq!(judged(half(), general, own), (Verdict::Failed, 1));
    }
    let none = || vec![uts("app", "sandbox"), uts("side", "sandbox")];
    assert_eq!(judged(none(), &all, &[]), (Verdict::Failed, 1));
    assert_eq!(judged(none(), &[], &all), (Verdict::Failed, 1));
}

#[test]
fn a_general_entry_that_is_not_looked_at_is_silent_and_a_cases_own_is_not() {
    let other = || vec![check("N1", "app", "namespaces.net", "sandbox", Outcome::Held)];
    assert_eq!(judged(other(), &[entry(&[], "")], &[]), (Verdict::Passed, 0));
    assert_eq!(judged(other(), &[], &[entry(&[], "")]), (Verdict::Failed, 1));
    assert_eq!(judged(other(), &[], &[entry(&["app"], "")]), (Verdict::Failed, 1));
}

#[test]
fn what_cannot_be_seen_here_neither_meets_nor_misses() {
    let hidden = check("N3", "app", "namespaces.uts", "", Outcome::Unobservable("x".to_owned()));
    let checks = || vec![hidden.clone(), check("N1", "app", "namespaces.net", "sandbox", Outcome::Held)];
    assert_eq!(judged(checks(), &[entry(&[], "")], &[]), (Verdict::Passed, 0));
    assert_eq!(judged(checks(), &[], &[entry(&["app"], "")]), (Verdict::Passed, 0));
}

#[test]
fn nothing_checked_is_broken_whatever_is_known() {
    assert_eq!(judged(Vec::new(), &[], &[]), (Verdict::Broken, 0));
    assert_eq!(
        judged(vec![check("L3", "app", "", "", Outcome::Unobservable("x".to_owned()))], &[], &[]).0,
        Verdict::Broken
    );
}

#[test]
fn every_part_of_a_conjunction_counts() {
    let none = When::default;
    let pair = |part: &str, range: &str| vec![(part.to_owned(), range.to_owned())];
    let some = |text: &str| Some(text.to_owned());
    let table = [
        (none(), true),
        (When { runtime: some("docker"), ..none() }, true),
        (When { runtime: some("containerd"), ..none() }, false),
        (When { oci: some("runc"), ..none() }, true),
        (When { oci: some("crun"), ..none() }, false),
        (When { cgroup: some("hybrid"), ..none() }, true),
        (When { cgroup: some("v2"), ..none() }, false),
        (When { settings: vec![("drops_limits".to_owned(), "true".to_owned())], ..none() }, true),
        (When { settings: vec![("drops_limits".to_owned(), "false".to_owned())], ..none() }, false),
        (When { settings: vec![("other".to_owned(), "true".to_owned())], ..none() }, false),
        (When { driver: some("cgroupfs"), ..none() }, true),
        (When { driver: some("systemd"), ..none() }, false),
        (When { kernel: some(">=6.1 <6.2"), ..none() }, true),
        (When { kernel: some("<5"), ..none() }, false),
        (When { versions: pair("docker", "<23"), ..none() }, true),
        (When { versions: pair("docker", ">=23"), ..none() }, false),
        (When { versions: pair("containerd", "<2"), ..none() }, false),
        (When { versions: pair("docker", "20"), ..none() }, false),
        (When { abilities: vec!["veth".to_owned(), "!swap".to_owned()], ..none() }, true),
        (When { abilities: vec!["!veth".to_owned()], ..none() }, false),
        (When { abilities: vec!["swap".to_owned()], ..none() }, false),
        (When { runtime: some("docker"), cgroup: some("v1"), ..none() }, false),
    ];
    for (when, holds) in table {
        assert_eq!(applies(&when, &context()), holds, "{when:?}");
    }
}

#[test]
fn a_difference_of_a_network_is_that_of_each_pod_in_such_a_network() {
    let of = |network: &str| Known {
        when: When { network: Some(network.to_owned()), ..When::default() },
        ..entry(&[], "namespaces.uts")
    };
    // The Pod is in a network of its own, the one beside it in the host's.
    let own = || vec![uts("app", "own"), uts("beside/app", "sandbox")];
    assert_eq!(judged(own(), &[of("own")], &[]), (Verdict::Deviates, 0));
    assert_eq!(judged(own(), &[of("host")], &[]), (Verdict::Failed, 1));
    let beside = || vec![uts("app", "sandbox"), uts("beside/app", "own")];
    assert_eq!(judged(beside(), &[of("host")], &[]), (Verdict::Deviates, 0));
    assert_eq!(judged(beside(), &[of("own")], &[]), (Verdict::Failed, 1));
    assert!(declared(&[of("own")], &context(), "app", "namespaces.uts", "own").is_some());
    assert!(declared(&[of("own")], &context(), "beside/app", "namespaces.uts", "own").is_none());
    let unknown = Context { networks: BTreeMap::new(), ..context() };
    assert!(declared(&[of("own")], &unknown, "app", "namespaces.uts", "own").is_none());
}
