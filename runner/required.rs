//! What a run must have: the runtimes that are named on its command line, and what `--require` and PODCHECK_REQUIRE ask for.

use super::{is_root, output, podcheck, text};

/// Runs with these arguments must end with status 3 and say each of these texts on standard error.
fn must_miss(args: &[&str], require: &str, says: &[&str]) {
    let mut command = podcheck(args);
    if !require.is_empty() {
        command.env("PODCHECK_REQUIRE", require);
    }
    let ended = command.output().expect("podcheck starts");
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{args:?}: {}{said}", text(&ended.stdout));
    for wanted in says {
        assert!(said.contains(wanted), "{args:?}: no {wanted:?} in {said}");
    }
}

#[test]
fn a_runtime_that_is_named_and_missing_is_no_skip() {
    if !is_root() {
        return;
    }
    for command in ["run", "compare"] {
        let one = [command, "--filter", "limits/oom-score", "-r", "engine", "-r"];
        for (name, reason) in [
            ("containerd+/nonexistent/runc", "/nonexistent/runc is no file that can be executed"),
            ("containerd+nosuchrunc", "nosuchrunc"),
            ("containerd@unix:///nosuch.sock", "there is no /nosuch.sock"),
            ("docker@unix:///nosuch.sock", "/nosuch.sock"),
        ] {
            must_miss(&[&one[..], &[name]].concat(), "", &[name, reason]);
        }
    }
    // A case that asks no runtime is no reason to leave out what was named.
    must_miss(
        &["run", "--filter", "bad-input/", "-r", "docker@unix:///nosuch.sock", "--fail-fast"],
        "",
        &["docker@unix:///nosuch.sock"],
    );
}

#[test]
fn what_is_required_must_be_part_of_the_run() {
    if !is_root() {
        return;
    }
    let run = ["run", "--filter", "limits/oom-score"];
    must_miss(&run, "engine,docker", &["docker is required", "--runtime"]);
    must_miss(&[&run[..], &["--require", "engine,docker"]].concat(), "", &["docker is required", "--runtime"]);
    must_miss(&[&run[..], &["--require", "docker"]].concat(), "containerd", &["docker is", "containerd is"]);
    must_miss(&[&run[..], &["-r", "docker"]].concat(), "engine", &["engine is required"]);
    let compare = ["compare", "--filter", "limits/oom-score"];
    must_miss(&[&compare[..], &["-r", "engine"]].concat(), "containerd+crun", &["containerd+crun is required"]);
    // A runtime that was not named is looked for, and only what is required may not be missing.
    must_miss(&[&compare[..], &["--require", "docker@unix:///nosuch.sock"]].concat(), "", &["/nosuch.sock"]);
    let met = podcheck(&run).args(["--require", "engine"]).output().expect("podcheck starts");
    assert_eq!(met.status.code(), Some(0), "{}", text(&met.stderr));
}

#[test]
fn what_names_nothing_is_wrong_usage() {
    for name in [
        "containerd+./x",
        "containerd+../runc",
        "docker+a b",
        "docker+bin/runc",
        "containerd+-runc",
        "containerd@run/containerd.sock",
        "docker@tcp://127.0.0.1:2375",
        "containerd@unix://",
    ] {
        for arguments in [["run", "-r", name], ["compare", "-r", name], ["run", "--require", name]] {
            let bad = output(&arguments);
            let said = text(&bad.stderr);
            assert_eq!(bad.status.code(), Some(2), "{arguments:?}: {said}");
            assert!(said.contains(name), "{arguments:?}: {said}");
        }
    }
    let word = podcheck(&["run", "--filter", "limits/oom-score"]).env("PODCHECK_REQUIRE", "enigne").output();
    let word = word.expect("podcheck starts");
    assert_eq!(word.status.code(), Some(2), "{}", text(&word.stderr));
    assert!(text(&word.stderr).contains("PODCHECK_REQUIRE"), "{}", text(&word.stderr));
}
