//! Case files as people write them.

use super::*;
use serde_json::json;
use std::path::Path;

const FULL: &str = r#"
about: A container with ${limit} is held to it.
shows: [L1, L7]
source: https://example.com/
requires: [memory-controller]
alone: true
node: {pod_pids_limit: 10}
pod:
  containers:
  - {name: a, resources: {limits: {memory: "${limit}"}}}
  - {name: b, image: other}
beside:
  metadata: {name: neighbour, labels: {a: b}}
  spec: {containers: [{name: a}]}
expect:
- {fact: limits.memory_bytes, of: [a], equals: "${bytes}"}
- {fact: environment.args, contains: x}
- {fact: credentials.groups, of: [a], lacks: [1, "2"], property: S1}
- {fact: cgroup.elsewhere, of: [b], absent: true}
- {fact: events.oom_kill, of: [a], at_least: 1}
- {same: shm, of: [sandbox, a]}
- {differ: net, of: [a, beside/a]}
- {host: user, of: [b]}
steps:
- {in: a, run: [allocate, 64Mi, 0.6, true], expect: {signal: KILL, stdout_contains: [x, 5], stderr_contains: y}}
- in: beside/a
  run: [echo]
  expect:
    exit: 3
    stdout: |
      one
      two
    stdout_lacks: z
- {in: b, run: ["true"], property: L1}
- {fact: limits.pids, of: [a], equals: null}
- {ends: a, exit: 137, reason: OOMKilled, within: 3s}
known:
- property: N3
  members: [a]
  at: namespaces.uts
  seen: 5
  sometimes: true
  when:
    runtime: docker
    oci: runc
    versions: {runc: "<1.3", docker: ">=20.10 <28"}
    settings: {disable_hugetlb_controller: true}
    cgroup: v1
    driver: systemd
    kernel: ">=5"
    abilities: [swap, "!time-namespace"]
    network: own
  because: it is so
  source: https://example.com/why
rows:
- {row: small, limit: 64Mi, bytes: 67108864}
- {row: large, limit: 1Gi, bytes: 1073741824}
"#;

fn full() -> Vec<Case> {
    let shown = |faults: Vec<crate::diagnostic::Diagnostic>| faults.iter().map(ToString::to_string).collect::<Vec<_>>();
    parse_case(FULL, Path::new("x.yaml"), "limits/memory").map_err(shown).unwrap()
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn rows_are_cases() {
    let cases = full();
    let ids: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids, ["limits/memory[small]", "limits/memory[large]"]);
    assert_eq!(cases[1].about, "A container with 1Gi is held to it.");
    let limits: Vec<_> = cases.iter().map(|case| case.pod.spec.containers[0].resources.memory_limit.unwrap()).collect();
    assert_eq!(limits.iter().map(|limit| limit.value()).collect::<Vec<_>>(), [67_108_864, 1_073_741_824]);
    assert_eq!((cases[0].pod.name.as_str(), cases[1].pod.name.as_str()), ("memory-small", "memory-large"));
}

#[test]
fn fields_of_a_case() {
    let case = full().swap_remove(0);
    assert_eq!((case.shows, case.requires), (names(&["L1", "L7"]), names(&["memory-controller"])));
    assert_eq!((case.source.as_str(), case.alone, case.pod_pids_limit), ("https://example.com/", true, Some(10)));
    let images: Vec<&str> = case.pod.spec.containers.iter().map(|container| container.image.as_str()).collect();
    assert_eq!(images, ["podcheck", "other"]);
    assert_eq!(case.beside.map(|pod| pod.name).as_deref(), Some("neighbour"));
    assert_eq!(case.not_acted_on, ["beside.metadata.labels"]);
}

#[test]
fn expectations() {
    let fact = |fact: &str, of: &[&str], test, property: Option<&str>| Expectation::Fact {
        fact: fact.to_owned(),
        of: names(of),
        test,
        property: property.map(str::to_owned),
    };
    let kind = |kind: &str, of: &[&str]| (kind.to_owned(), names(of), None);
    let ((same, same_of, none), (differ, differ_of, _), (host, host_of, _)) =
        (kind("shm", &["sandbox", "a"]), kind("net", &["a", "beside/a"]), kind("user", &["b"]));
    let all = ["sandbox", "a", "b", "beside/sandbox", "beside/a"];
    let expected = [
        fact("limits.memory_bytes", &["a"], FactTest::Equals(json!(67_108_864)), None),
        fact("environment.args", &all, FactTest::Contains(vec![json!("x")]), None),
        fact("credentials.groups", &["a"], FactTest::Lacks(vec![json!(1), json!("2")]), Some("S1")),
        fact("cgroup.elsewhere", &["b"], FactTest::Absent, None),
        fact("events.oom_kill", &["a"], FactTest::AtLeast(1), None),
        Expectation::Same { kind: same, of: same_of, property: none.clone() },
        Expectation::Differ { kind: differ, of: differ_of, property: none.clone() },
        Expectation::Host { kind: host, of: host_of, property: none },
    ];
    assert_eq!(full()[0].expect, expected);
}

#[test]
fn steps() {
    let run = |container: &str, argv: &[&str], expect, property: Option<&str>| Step::Run {
        container: container.to_owned(),
        argv: names(argv),
        expect,
        property: property.map(str::to_owned),
    };
    let killed = RunExpect {
        exit_code: 137,
        stdout_contains: names(&["x", "5"]),
        stderr_contains: names(&["y"]),
        ..RunExpect::default()
    };
    let said = RunExpect {
        exit_code: 3,
        stdout: Some("one\ntwo".to_owned()),
        stdout_lacks: names(&["z"]),
        ..RunExpect::default()
    };
    let look = Expectation::Fact {
        fact: "limits.pids".to_owned(),
        of: names(&["a"]),
        test: FactTest::Equals(json!(null)),
        property: None,
    };
    let expected = [
        run("a", &["allocate", "64Mi", "0.6", "true"], killed, None),
        run("beside/a", &["echo"], said, None),
        run("b", &["true"], RunExpect::default(), Some("L1")),
        Step::Look(look),
        Step::Ends {
            container: "a".to_owned(),
            exit_code: 137,
            reason: Some("OOMKilled".to_owned()),
            within_seconds: Some(3),
            property: None,
        },
    ];
    assert_eq!(full()[0].steps, expected);
}

#[test]
fn known_differences() {
    let text = |text: &str| Some(text.to_owned());
    let expected = Known {
        file: "x.yaml".into(),
        line: 38,
        property: "N3".to_owned(),
        members: names(&["a"]),
        at: "namespaces.uts".to_owned(),
        seen: "5".to_owned(),
        sometimes: true,
        when: When {
            runtime: text("docker"),
            oci: text("runc"),
            versions: [("runc", "<1.3"), ("docker", ">=20.10 <28")].map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec(),
            settings: vec![("disable_hugetlb_controller".to_owned(), "true".to_owned())],
            cgroup: text("v1"),
            driver: text("systemd"),
            kernel: text(">=5"),
            abilities: names(&["swap", "!time-namespace"]),
            network: text("own"),
        },
        because: "it is so".to_owned(),
        source: "https://example.com/why".to_owned(),
    };
    assert_eq!(full()[0].known, [expected]);
}

#[test]
fn known_differences_of_runtimes() {
    let parse = |text: &str| parse_known(text, Path::new("known.yaml"));
    assert_eq!(parse("[]"), Ok(Vec::new()));
    let known = parse("- {property: N3, seen: own, when: {runtime: docker}, because: b, source: https://x}\n").unwrap();
    assert_eq!((known[0].line, known[0].members.len(), known[0].at.as_str()), (1, 0, ""));
    let everybody = parse("- {property: N3, members: all, seen: own, because: b, source: https://x}\n").unwrap();
    assert_eq!(everybody.iter().map(|known| known.members.join(" ")).collect::<Vec<_>>(), ["sandbox", ""]);
    let several = parse(
        "- {property: [N3, N4], at: [w, x], seen: own, because: b, source: https://x}\n\
         - {fact: [y, z], seen: own, because: b, source: https://x}\n",
    );
    let places: Vec<_> = several.unwrap().into_iter().map(|known| (known.property, known.at)).collect();
    let expected = [("N3", "w"), ("N3", "x"), ("N4", "w"), ("N4", "x"), ("", "y"), ("", "z")];
    assert_eq!(places, expected.map(|(property, at)| (property.to_owned(), at.to_owned())));
    for (text, expected) in [
        ("", "known.yaml:1:1: the file is empty (it should hold one list of known differences, possibly [])"),
        ("property: N3", "known.yaml:1:1: expected a list (`- item`), found a map"),
        (
            "- {property: N3, seen: own, becuase: x, source: https://x}",
            "known.yaml:1:3: [0]: a known difference has no because (add because:)",
        ),
        (
            "- {property: N3, members: app, seen: own, because: b, source: https://x}",
            "known.yaml:1:27: [0].members: expected a list (`- item`), found text",
        ),
        (
            "- {property: [], seen: own, because: b, source: https://x}",
            "known.yaml:1:14: [0].property: nothing is named (expected one or a list of some)",
        ),
        (
            "- {property: [N3, N99], seen: own, because: b, source: https://x}",
            "known.yaml:1:19: [0].property[1]: no property is called \"N99\" (there are N1 to N10)",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err()[0].to_string(), expected);
    }
}

#[test]
fn a_manifest_is_a_case_without_expectations() {
    let text =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: b}], priority: 5}\n";
    let cases = parse_case(text, Path::new("x.yaml"), "x.yaml").unwrap();
    assert_eq!((cases.len(), cases[0].about.as_str(), cases[0].pod.name.as_str()), (1, "", "x"));
    assert_eq!(cases[0].not_acted_on, ["spec.priority"]);
    assert!(cases[0].expect.is_empty() && cases[0].steps.is_empty());
}
