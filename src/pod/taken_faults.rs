//! What a Pod takes from elsewhere, and how it mounts it: good files, and the faults of bad ones.

use super::*;
use std::path::Path;

/// Two documents that a Pod takes from, and the Pod with this spec.
fn parsed(spec: &str) -> Result<PodSpec, Vec<String>> {
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: map}}\ndata: {{colour: red, shape: round}}\nbinaryData: {{raw: /w==}}\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {{name: foo, labels: {{a: b}}}}\nspec:\n  {}\n---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\ndata: {{code: MTIz, both: eA==}}\nstringData: {{both: plain}}\n",
        spec.trim().replace('\n', "\n  ")
    );
    let parsed = parse_manifest(&text, Path::new("x.yaml"));
    parsed
        .map(|parsed| parsed.pod.spec)
        .map_err(|all| all.iter().map(|f| format!("{}: {}", f.field, f.message)).collect())
}

#[test]
fn a_pod_takes_from_documents_beside_it() {
    let spec = "volumes:\n- {name: all, configMap: {name: map, defaultMode: 0400}}\n- {name: one, secret: {secretName: keys, items: [{key: code, path: a/b}]}}\n\
        containers:\n- name: a\n  image: b\n  envFrom: [{secretRef: {name: keys}}, {prefix: M_, configMapRef: {name: map}}]\n  \
        env: [{name: X, value: \"$(M_colour) $(code)\"}, {name: both, valueFrom: {configMapKeyRef: {name: map, key: shape}}}]\n  \
        volumeMounts: [{name: all, mountPath: /m, subPathExpr: \"$(M_shape)\"}]";
    let spec = parsed(spec).expect("all is well");
    let file = |path: &str, content: &[u8], mode| VolumeFile {
        path: path.to_owned(),
        content: content.to_vec(),
        mode,
        owner: None,
    };
    let all = vec![file("colour", b"red", 0o400), file("raw", &[255], 0o400), file("shape", b"round", 0o400)];
    assert_eq!(spec.volumes[0].source, VolumeSource::Files { memory: false, files: all });
    assert_eq!(spec.volumes[1].source, VolumeSource::Files { memory: true, files: vec![file("a/b", b"123", 0o644)] });
    let pairs: Vec<(&str, &str)> = spec.containers[0].env.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    // What is not text is no variable.
    assert_eq!(
        pairs,
        [("both", "round"), ("code", "123"), ("M_colour", "red"), ("M_shape", "round"), ("X", "red 123")]
    );
    assert_eq!(spec.containers[0].volume_mounts[0].sub_path.as_deref(), Some("round"));
}

#[test]
fn faults_of_what_is_taken_and_mounted() {
    let container = |rest: &str| {
        format!(
            "volumes: [{{name: v}}, {{name: h, hostPath: {{path: /x}}}}]\ncontainers: [{{name: a, image: b, {rest}}}]"
        )
    };
    let table = [
        ("env: [{name: X, valueFrom: {configMapKeyRef: {name: map, key: size}}}]", "it has no key \"size\""),
        ("env: [{name: X, valueFrom: {secretKeyRef: {name: map, key: size}}}]", "there is no Secret \"map\""),
        ("env: [{name: X, valueFrom: {configMapKeyRef: {name: map, key: raw}}}]", "\"raw\" is not text"),
        (
            "env: [{name: X, valueFrom: {resourceFieldRef: {resource: limits.ephemeral-storage}}}]",
            "limits.ephemeral-storage is not implemented yet",
        ),
        (
            "env: [{name: X, valueFrom: {resourceFieldRef: {containerName: other, resource: limits.cpu}}}]",
            "the Pod has no container \"other\"",
        ),
        ("env: [{name: X, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}]", "status.hostIP is not implemented yet"),
        (
            "env: [{name: X, valueFrom: {fieldRef: {fieldPath: status.podIP}}}], volumeMounts: [{name: v, mountPath: /m, subPathExpr: $(X)}]",
            "a subPath of the address, the uid or the node's resources is not implemented yet",
        ),
        ("env: [{name: X, value: \"a\\0b\"}]", "NUL stands in this text"),
        ("env: [{name: X, value: y, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]", "a variable has one value"),
        ("envFrom: [{configMapRef: {name: none}}]", "there is no ConfigMap \"none\""),
        ("volumeMounts: [{name: v, mountPath: /m, subPath: ../x}]", "\"../x\" is no path below a volume"),
        ("volumeMounts: [{name: v, mountPath: /m, subPath: /x}]", "\"/x\" is no path below a volume"),
        ("volumeMounts: [{name: v, mountPath: /m, subPathExpr: $(NO)}]", "the container has no variable NO"),
        (
            "volumeMounts: [{name: v, mountPath: /m, subPath: a, subPathExpr: b}]",
            "a volume mount has one of subPath and subPathExpr",
        ),
        (
            "volumeMounts: [{name: v, mountPath: /m, mountPropagation: Bidirectional}]",
            "Bidirectional is for privileged containers",
        ),
        ("volumeMounts: [{name: h, mountPath: /m, mountPropagation: HostToContainer}]", "not implemented yet"),
        (
            "volumeMounts: [{name: v, mountPath: /m, recursiveReadOnly: Enabled}]",
            "recursiveReadOnly goes with readOnly: true",
        ),
        (
            "volumeMounts: [{name: v, mountPath: /m, readOnly: true, recursiveReadOnly: Enabled, mountPropagation: HostToContainer}]",
            "recursiveReadOnly excludes mountPropagation",
        ),
    ];
    for (rest, wanted) in table {
        let faults = parsed(&container(rest)).expect_err(rest);
        assert!(faults.len() == 1 && faults[0].ends_with(&format!(": {wanted}")), "{rest}: {faults:?}");
    }
}

#[test]
fn faults_of_names() {
    let container = "containers: [{name: a, image: b}]";
    let long = "a".repeat(40);
    let table = [
        (format!("hostAliases: [{{ip: pier}}]\n{container}"), "\"pier\" is not an IP address"),
        (format!("hostAliases: [{{hostnames: [a]}}]\n{container}"), "a host alias has no ip"),
        (format!("hostNetwork: true\nhostnameOverride: x\n{container}"), "hostnameOverride excludes hostNetwork"),
        (
            format!("setHostnameAsFQDN: true\nhostnameOverride: x\n{container}"),
            "hostnameOverride excludes setHostnameAsFQDN",
        ),
        (format!("hostnameOverride: {long}.{long}\n{container}"), "81 characters"),
        (
            format!("hostname: {long}\nsubdomain: s\nsetHostnameAsFQDN: true\n{container}"),
            "the whole name aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.s.default.svc.cluster.local has 68 characters",
        ),
    ];
    for (spec, wanted) in table {
        let faults = parsed(&spec).expect_err(&spec);
        assert!(faults.len() == 1 && faults[0].ends_with(wanted), "{spec}: {faults:?}");
    }
}

#[test]
fn faults_of_documents_beside_a_pod() {
    let with = |document: &str| {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\nspec: {{containers: [{{name: a, image: b}}]}}\n---\n{document}\n"
        );
        let faults = parse_manifest(&text, Path::new("x.yaml")).expect_err(document);
        faults.iter().map(|fault| fault.message.clone()).collect::<Vec<_>>().join("; ")
    };
    for (document, wanted) in [
        ("a: b", "the document has no kind"),
        ("kind: Service", "the document has no apiVersion"),
        ("apiVersion: v1\nkind: LimitRange", "a LimitRange is not implemented yet"),
        ("kind: ConfigMap\nmetadata: {name: x}", "the document has no apiVersion"),
        ("apiVersion: v1\nkind: ConfigMap", "the document has no name"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndate: {}", "a ConfigMap has no field \"date\""),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: 1}", "expected text, found a number"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a/b: c}", "\"a/b\" cannot be a key"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: plain}", "this is not base64"),
    ] {
        assert_eq!(with(document), wanted, "{document}");
    }
}
