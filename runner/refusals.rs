//! Cases whose Pod must be refused, from the command line: the verdict, and whose word it is.

use super::{file, is_here, is_root, podcheck, scratch};

#[test]
fn what_is_not_refused_fails_and_what_is_says_by_whom() {
    if !is_root() {
        return;
    }
    let case = |value: &str| {
        format!(
            "about: A sysctl is refused.\nshows: [B5]\npod:\n  \
             securityContext: {{sysctls: [{{name: net.ipv4.tcp_fin_timeout, value: \"{value}\"}}]}}\n  \
             containers: [{{name: one}}]\nrefused: {{at: create, says: tcp_fin_timeout}}\n"
        )
    };
    let read = "about: A sysctl of the host's is refused.\nshows: [Y3]\npod:\n  hostNetwork: true\n  \
                securityContext: {sysctls: [{name: net.ipv4.tcp_fin_timeout, value: \"30\"}]}\n  \
                containers: [{name: one}]\nrefused: {at: parse, says: would be set on the node's network}\n";
    let folder = scratch();
    let run = |name: &str, text: &str, runtimes: &[&str]| {
        let path = file(folder.path(), name, text);
        let arguments = [&["run", "--format", "json"], runtimes].concat();
        let run = podcheck(&arguments).arg(&path).current_dir(folder.path()).output().expect("podcheck starts");
        let results: serde_json::Value = serde_json::from_slice(&run.stdout).expect("the result is JSON");
        (run.status.code(), results["records"].as_array().expect("records are a list").clone())
    };
    let (status, records) = run("bad.yaml", &case("soon"), &[]);
    assert_eq!((status, &records[0]["verdict"], &records[0]["runtime"]), (Some(0), &"passed".into(), &"engine".into()));
    let (status, records) = run("good.yaml", &case("30"), &[]);
    assert_eq!((status, &records[0]["verdict"]), (Some(1), &"failed".into()));
    assert_eq!(records[0]["findings"][0]["seen"], "it was not refused");
    assert_eq!(records[0]["left_behind"].as_array().map(Vec::len), Some(0));
    let both = ["--runtime", "engine", "--runtime", "docker"];
    let (status, records) = run("read.yaml", read, if is_here("docker") { &both } else { &both[..2] });
    assert_eq!((status, records.len()), (Some(0), 1), "once, whichever runtimes are named");
    assert_eq!((&records[0]["runtime"], &records[0]["verdict"]), (&"podcheck".into(), &"passed".into()));
    let (status, _) = run("not-read.yaml", &read.replace("hostNetwork: true", "hostNetwork: false"), &[]);
    assert_eq!(status, Some(1));
}
