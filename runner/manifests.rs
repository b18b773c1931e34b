//! Manifests as people and clusters have them: several in a file, workloads, standard input, a refused one among others.

use super::{MANIFEST, file, is_root, output, podcheck, scratch, text};
use std::io::Write;
use std::process::Stdio;

const DEPLOYMENT: &str = "apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: till
        image: registry.example/till:1
        resources: {limits: {memory: 64Mi}}
        env:
        - {name: PIN, valueFrom: {secretKeyRef: {name: safe, key: pin}}}
        - {name: CPUS, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
        volumeMounts: [{name: token, mountPath: /token}]
      volumes:
      - name: token
        projected: {sources: [{serviceAccountToken: {path: token}}]}
";

#[test]
fn a_refused_file_does_not_stop_the_others() {
    let folder = scratch();
    let good = file(folder.path(), "good.yaml", MANIFEST).display().to_string();
    let bad = file(folder.path(), "bad.yaml", &MANIFEST.replace("image: nginx:1.27, ", "")).display().to_string();
    let missing = folder.path().join("missing.yaml").display().to_string();
    let listed = output(&["list", &bad, &good, &missing]);
    let (out, complaint) = (text(&listed.stdout), text(&listed.stderr));
    assert_eq!(listed.status.code(), Some(2), "{complaint}");
    assert!(out.starts_with("good.yaml") && out.lines().count() == 1, "{out}");
    assert!(complaint.contains("bad.yaml:7:5") && complaint.contains("there is no such file"), "{complaint}");
    if is_root() {
        let judged = podcheck(&["run", &bad, &good]).current_dir(folder.path()).output().expect("podcheck starts");
        let out = text(&judged.stdout);
        assert_eq!(judged.status.code(), Some(2), "{out}");
        assert!(out.contains("engine::good.yaml") && out.contains("1 conform"), "{out}");
    }
}

#[test]
fn a_workload_comes_from_standard_input_and_is_judged_by_its_template() {
    if !is_root() {
        return;
    }
    let folder = scratch();
    let given = |arguments: &[&str]| {
        let mut command = podcheck(arguments);
        let command = command.current_dir(folder.path()).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("podcheck starts");
        // podcheck may be gone already: it need not read what it refuses to.
        let _ = child.stdin.take().expect("a pipe").write_all(DEPLOYMENT.as_bytes());
        child.wait_with_output().expect("podcheck ends")
    };
    let judged = given(&["run", "-", "--format", "json"]);
    assert_eq!(judged.status.code(), Some(0), "{}{}", text(&judged.stdout), text(&judged.stderr));
    let results: serde_json::Value = serde_json::from_slice(&judged.stdout).expect("the result is JSON");
    let record = &results["records"][0];
    assert_eq!(record["id"], "engine::stdin[Deployment/shop]");
    assert_eq!(record["about"], "The Pod template of Deployment shop.");
    assert_eq!(record["stood_in"], serde_json::json!(["token of the service account", "Secret safe"]));
    assert!(record["not_acted_on"].to_string().contains("Service shop"), "{record}");
    let env = &record["facts"]["members"]["till"]["environment"]["env"];
    assert_eq!((&env["PIN"], &env["CPUS"]), (&"stand-in".into(), &"4".into()));
    let strict = given(&["run", "-", "--strict"]);
    let complaint = text(&strict.stderr);
    assert_eq!(strict.status.code(), Some(2), "{complaint}");
    assert!(complaint.contains("there is no Secret \"safe\"") && complaint.contains("<stdin>:18:"), "{complaint}");
    let kept = given(&["run", "-", "--keep"]);
    assert!(text(&kept.stderr).contains("--keep waits for Enter on standard input"), "{}", text(&kept.stderr));
}
