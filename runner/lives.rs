//! Plain manifests whose containers end, or lack something of the host's, from the command line.

use super::{file, is_here, is_root, podcheck, scratch, text};
use std::path::Path;

/// Runs a manifest on every runtime that is here; verdicts and what was printed.
fn verdicts(folder: &Path, manifest: &str) -> (Option<i32>, Vec<serde_json::Value>) {
    let path = file(folder, "pod.yaml", manifest);
    let mut command = podcheck(&["run", "--format", "json"]);
    for runtime in ["engine", "containerd", "docker"].into_iter().filter(|name| is_here(name)) {
        command.args(["--runtime", runtime]);
    }
    let run = command.arg(&path).current_dir(folder).output().expect("podcheck starts");
    let results: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", text(&run.stdout), text(&run.stderr));
    });
    (run.status.code(), results["records"].as_array().expect("records are a list").clone())
}

fn pod(spec: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: plain}}\nspec: {spec}\n")
}

#[test]
fn a_pod_that_ends_is_looked_at_before_and_judged_by_its_end() {
    if !is_root() {
        return;
    }
    let folder = scratch();
    for spec in [
        "{restartPolicy: Never, containers: [{name: job, image: busybox, command: [cat, /etc/hosts]}]}",
        "{restartPolicy: OnFailure, containers: [{name: job, image: busybox, command: [\"false\"]}]}",
        "{containers: [{name: job, image: busybox, command: [sleep, \"0\"]}]}",
    ] {
        let (status, records) = verdicts(folder.path(), &pod(spec));
        assert_eq!(status, Some(0), "{spec}: {records:#?}");
        for record in &records {
            let whole = record["facts"]["members"]["job"]["limits"]["cpu_period_usec"].is_number();
            assert!(whole, "{}: the container was looked at: {spec}", record["runtime"]);
            assert!(record["checks_run"].as_u64() > Some(100), "{record:#?}");
        }
    }
}

#[test]
fn a_missing_host_path_is_made_and_taken_away_again() {
    if !is_root() {
        return;
    }
    let folder = scratch();
    let missing = folder.path().join("deep/er");
    let volume = format!("volumes: [{{name: v, hostPath: {{path: {}}}}}]", missing.display());
    let mount = "volumeMounts: [{name: v, mountPath: /v}]";
    for spec in [
        format!("{{{volume}, containers: [{{name: c, image: busybox, command: [sleep, 1d], {mount}}}]}}"),
        format!(
            "{{{volume}, initContainers: [{{name: i, image: busybox, {mount}}}], containers: [{{name: c, image: b}}]}}"
        ),
    ] {
        let (status, records) = verdicts(folder.path(), &pod(&spec));
        assert_eq!(status, Some(0), "{spec}: {records:#?}");
        assert!(!folder.path().join("deep").exists(), "nothing of it is left: {spec}");
    }
}
