//! Which place of which file a finding is about, and whose case it is.

use super::{MANIFEST, file, is_root, podcheck, scratch, text};

const CASE: &str = "about: A lamp.
shows: [L1]
pod:
  containers: [{name: lamp, resources: {limits: {memory: 64Mi}}}]
expect:
- {fact: limits.memory_bytes, of: [lamp], equals: 1}
- {fact: uts.hostname, of: [lamp], equals: lamp}
steps:
- {in: lamp, run: [cat, /nothing]}
known:
- property: L1
  at: uts.hostname
  seen: fault-yaml
  because: it is the name of its file
  source: https://example.com/
";

const REFUSED: &str = "about: A lamp.
shows: [B1]
pod: {containers: [{name: lamp}]}
refused: {at: create, says: nothing}
";

#[test]
fn what_a_case_asks_for_or_declares_is_found_with_its_line() {
    if !is_root() {
        return;
    }
    let folder = scratch();
    let path = file(folder.path(), "fault.yaml", CASE).display().to_string();
    let run = |path: &str, format: &str| {
        podcheck(&["run", path, "--format", format]).current_dir(folder.path()).output().expect("podcheck starts")
    };
    let pretty = run(&path, "pretty");
    let said = text(&pretty.stdout);
    assert_eq!(pretty.status.code(), Some(1), "{said}{}", text(&pretty.stderr));
    for place in ["asked for in {}:6\n", "asked for in {}:9\n", "known, it is the name of its file ({}:11)\n"] {
        assert!(said.contains(&place.replace("{}", &path)), "{place} is not in {said}");
    }
    let results: serde_json::Value = serde_json::from_slice(&run(&path, "json").stdout).expect("the result is JSON");
    let findings = results["records"][0]["findings"].as_array().expect("a list").iter();
    let places: Vec<_> = findings.map(|finding| finding["place"].as_str().unwrap_or_default()).collect();
    assert!([6, 9, 11].iter().all(|line| places.contains(&format!("{path}:{line}").as_str())), "{places:?}");
    assert!(text(&run(&path, "junit").stdout).contains(&format!("{path}:6")));
    let path = file(folder.path(), "refused.yaml", REFUSED).display().to_string();
    let said = text(&run(&path, "pretty").stdout);
    assert!(said.contains(&format!("asked for in {path}:4\n")), "{said}");
}

#[test]
fn two_files_of_one_name_are_two_cases() {
    let folder = scratch();
    for name in ["bad", "mix"] {
        std::fs::create_dir(folder.path().join(name)).expect("the temporary folder is writable");
        file(&folder.path().join(name), "good.yaml", MANIFEST);
    }
    let list = podcheck(&["list", "bad/good.yaml", "mix/good.yaml", "./bad/good.yaml", "--format", "json"])
        .current_dir(folder.path())
        .output()
        .expect("podcheck starts");
    let cases: serde_json::Value = serde_json::from_slice(&list.stdout).expect("a list is JSON");
    let ids: Vec<_> = cases["cases"].as_array().expect("a list").iter().map(|case| case["id"].clone()).collect();
    assert_eq!(ids, ["bad/good.yaml", "mix/good.yaml"]);
}
