//! Files of several documents, lists and workloads, and Pods as a cluster has them: which Pods come of them.

use super::*;
use crate::diagnostic::yaml;
use std::path::Path;

fn read(text: &str, missing: Missing) -> Manifests {
    let (nodes, faults) = yaml::stream(text, Path::new("x.yaml"), "manifests").expect("YAML");
    parse_documents(&nodes, faults, missing)
}

fn names(found: &Manifests) -> Vec<(&str, &str)> {
    found.pods.iter().map(|pod| (pod.name.as_str(), pod.parsed.pod.name.as_str())).collect()
}

fn faults(found: &Manifests) -> Vec<String> {
    found.faults.iter().map(|fault| format!("{}: {}: {}", fault.at.line, fault.field, fault.message)).collect()
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME}\nspec: {containers: [{name: a, image: b}]}\n";

fn pod(name: &str) -> String {
    POD.replace("NAME", name)
}

#[test]
fn other_documents_are_passed_over_and_said() {
    let text = format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop}}\n---\n{}---\napiVersion: example.org/v2\nkind: Odd\nwhatever: [1]\n---\n{}",
        pod("one"),
        pod("two")
    );
    let found = read(&text, Missing::Refuse);
    assert_eq!(faults(&found), [""; 0]);
    assert_eq!(names(&found), [("one", "one"), ("two", "two")]);
    assert_eq!(found.passed_over, ["Namespace shop", "Odd"]);
}

#[test]
fn a_fault_refuses_its_own_pod_alone() {
    let text = format!("{}---\n{}", pod("bad").replace("image: b", "imag: b"), pod("good"));
    let found = read(&text, Missing::Refuse);
    assert_eq!(names(&found), [("good", "good")]);
    assert_eq!(found.faults.len(), 2, "{:?}", faults(&found));
    // What a Pod takes from may be any Pod's.
    let beside =
        format!("{}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata: {{a: plain}}\n", pod("good"));
    let found = read(&beside, Missing::Refuse);
    assert_eq!((names(&found), faults(&found)), (vec![], vec!["9: data.a: this is not base64".to_owned()]));
}

#[test]
fn lists_are_read_item_by_item() {
    let items = "items:\n- {metadata: {name: one}, spec: {containers: [{name: a, image: b}]}}\n- {metadata: {name: two, namespace: shop, labels: {a: b}}, spec: {containers: [{name: a, imag: b}]}}\n- {metadata: {name: one, namespace: shop, labels: {a: b}}, spec: {containers: [{name: a, image: b}]}}\n";
    let found =
        read(&format!("apiVersion: v1\nkind: PodList\nmetadata: {{resourceVersion: \"5\"}}\n{items}"), Missing::Refuse);
    assert_eq!(names(&found), [("one", "one"), ("one#2", "one")]);
    assert_eq!(found.pods[1].parsed.not_acted_on, ["metadata.labels"]);
    assert_eq!(
        faults(&found),
        [
            "6: items[1].spec.containers[0]: a container has no image",
            "6: items[1].spec.containers[0].imag: a container has no field \"imag\"",
        ]
    );
    // Items of a plain list say their kind themselves.
    let found = read(&format!("apiVersion: v1\nkind: List\n{items}"), Missing::Refuse);
    assert_eq!(faults(&found)[0], "4: items[0]: the manifest has no kind");
}

#[test]
fn workloads_are_judged_by_their_template() {
    let template = "{metadata: {labels: {app: web}, annotations: {n: x}}, spec: {restartPolicy: POLICY, containers: [{name: a, image: b, env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['app']\"}}}]}]}}";
    let read_one = |version: &str, kind: &str, spec: &str, policy: &str| {
        let text = format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: web, namespace: shop}}\nspec: {}\n",
            spec.replace("TEMPLATE", template).replace("POLICY", policy)
        );
        read(&text, Missing::Refuse)
    };
    let (always, never) = ("Always", "Never");
    let plain = "{replicas: 3, template: TEMPLATE}";
    let table = [
        ("apps/v1", "Deployment", plain, always, never, "web-pchck"),
        ("apps/v1", "DaemonSet", plain, always, never, "web-pchck"),
        ("apps/v1", "ReplicaSet", plain, always, never, "web-pchck"),
        ("apps/v1", "StatefulSet", "{serviceName: db, template: TEMPLATE}", always, never, "web-0"),
        ("v1", "ReplicationController", plain, always, never, "web-pchck"),
        ("batch/v1", "Job", "{completions: 2, template: TEMPLATE}", never, always, "web-pchck"),
        ("batch/v1", "CronJob", "{schedule: x, jobTemplate: {spec: {template: TEMPLATE}}}", never, always, "web-pchck"),
    ];
    for (version, kind, spec, policy, other, name) in table {
        let found = read_one(version, kind, spec, policy);
        assert_eq!(faults(&found), [""; 0], "{kind}");
        assert_eq!(names(&found), [(format!("{kind}/web").as_str(), name)]);
        assert_eq!(found.pods[0].template_of, format!("{kind} web"));
        let pod = &found.pods[0].parsed.pod;
        assert_eq!((pod.namespace.as_str(), pod.spec.containers[0].env[0].1.as_str()), ("shop", "web"));
        let names = (pod.spec.hostname.as_deref(), pod.spec.subdomain.as_deref());
        assert_eq!(names, if kind == "StatefulSet" { (Some("web-0"), Some("db")) } else { (None, None) });
        assert_eq!(read_one(version, kind, spec, other).faults.len(), 1, "{kind} {other}");
        assert_eq!(
            faults(&read_one("apps/v1beta1", kind, spec, policy)),
            ["1: apiVersion: \"apps/v1beta1\" is not known here"]
        );
        assert_eq!(read_one(version, kind, "{template: 5, jobTemplate: {}}", policy).faults.len(), 1, "{kind}");
    }
    let claims = "{volumeClaimTemplates: [{metadata: {name: data}}], template: TEMPLATE}";
    assert_eq!(
        faults(&read_one("apps/v1", "StatefulSet", claims, always)),
        ["4: spec.volumeClaimTemplates: not implemented yet"]
    );
}

#[test]
fn an_indexed_job_tells_its_pods_apart() {
    let text = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: sort}\nspec:\n  completionMode: Indexed\n  template: {spec: {restartPolicy: Never, containers: [{name: a, image: b, env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.annotations['batch.kubernetes.io/job-completion-index']\"}}}]}]}}\n";
    let found = read(text, Missing::Refuse);
    assert_eq!(faults(&found), [""; 0]);
    let spec = &found.pods[0].parsed.pod.spec;
    let env: Vec<(&str, &str)> = spec.containers[0].env.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!((spec.hostname.as_deref(), env), (Some("sort-0"), vec![("A", "0"), ("JOB_COMPLETION_INDEX", "0")]));
}

#[test]
fn each_namespace_has_objects_of_its_own() {
    let map = |namespace: &str, colour: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{namespace}}}\ndata: {{colour: {colour}}}\n---\n")
    };
    let pod = |namespace: &str| {
        let env = "env: [{name: X, valueFrom: {configMapKeyRef: {name: m, key: colour}}}]";
        pod("p").replace("name: p", &format!("name: p{namespace}")).replace("image: b", &format!("image: b, {env}"))
    };
    let (shop, yard) = (", namespace: shop", ", namespace: yard");
    let colours = |text: &str| -> Vec<String> {
        let found = read(text, Missing::StandIn);
        assert_eq!(faults(&found), [""; 0]);
        found.pods.iter().map(|pod| pod.parsed.pod.spec.containers[0].env[0].1.clone()).collect()
    };
    let maps = map(shop, "red") + &map(yard, "blue") + &map(", namespace: default", "grey");
    assert_eq!(colours(&format!("{maps}{}---\n{}---\n{}", pod(shop), pod(yard), pod(""))), ["red", "blue", "grey"]);
    // One that does not say its namespace goes where the file is applied to.
    assert_eq!(
        colours(&format!("{}{}{}---\n{}", map("", "any"), map(yard, "blue"), pod(shop), pod(yard))),
        ["any", "blue"]
    );
    assert_eq!(colours(&format!("{}{}", map(shop, "red"), pod(yard))), ["stand-in"]);
    let twice = read(&format!("{}{}{}", map(shop, "red"), map(shop, "blue"), pod(shop)), Missing::Refuse);
    assert_eq!(faults(&twice), ["8: metadata.name: \"m\" stands twice"]);
}

#[test]
fn a_name_may_be_generated() {
    let text = |name: &str| pod("").replace("name: }", &format!("generateName: {name}}}"));
    assert_eq!(names(&read(&text("web-"), Missing::Refuse)), [("web-pchck", "web-pchck")]);
    let long = "x".repeat(70);
    assert_eq!(read(&text(&long), Missing::Refuse).pods[0].name.len(), 63);
    assert_eq!(
        faults(&read(&text("Web-"), Missing::Refuse)),
        ["3: metadata.generateName: \"Web-\" is not the beginning of a DNS subdomain"]
    );
}

/// As `kubectl get pod -o json` prints it, but for its names.
const OF_A_CLUSTER: &str = r#"{"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": [
 {"apiVersion": "v1", "kind": "Pod",
  "metadata": {"creationTimestamp": "2026-01-02T03:04:05Z", "generateName": "till-", "generation": 1, "name": "till-x2vq7",
    "managedFields": [{"manager": "kubectl", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {".": {}}}}],
    "namespace": "shop", "ownerReferences": [{"apiVersion": "apps/v1", "blockOwnerDeletion": true, "controller": true,
      "kind": "ReplicaSet", "name": "till", "uid": "6a1f3a70-3a3c-4c53-9a53-0b8f0cf6e001"}],
    "resourceVersion": "77", "uid": "6a1f3a70-3a3c-4c53-9a53-0b8f0cf6e002"},
  "spec": {"containers": [{"image": "till:1", "imagePullPolicy": "IfNotPresent", "name": "till", "resources": {},
      "env": [{"name": "PIN", "valueFrom": {"secretKeyRef": {"key": "pin", "name": "safe"}}},
        {"name": "HINT", "valueFrom": {"configMapKeyRef": {"key": "hint", "name": "hints", "optional": true}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}}}],
      "envFrom": [{"secretRef": {"name": "more"}}], "securityContext": {"runAsUser": 1000},
      "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
      "volumeMounts": [{"mountPath": "/etc/till.conf", "name": "conf", "subPath": "till.conf"},
        {"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": "kube-api-access-9xz2c", "readOnly": true}]}],
    "ephemeralContainers": [{"image": "tools", "imagePullPolicy": "Always", "name": "debugger-8xzrl", "resources": {},
      "stdin": false, "targetContainerName": "till", "terminationMessagePath": "/dev/termination-log"}],
    "dnsPolicy": "ClusterFirst", "enableServiceLinks": true, "nodeName": "rack-7", "preemptionPolicy": "PreemptLowerPriority",
    "priority": 0, "restartPolicy": "Always", "schedulerName": "default-scheduler", "securityContext": {},
    "serviceAccount": "default", "serviceAccountName": "default", "terminationGracePeriodSeconds": 30,
    "tolerations": [{"effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300}],
    "volumes": [{"configMap": {"defaultMode": 420, "name": "conf"}, "name": "conf"},
      {"name": "kube-api-access-9xz2c", "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
        {"downwardAPI": {"items": [{"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}]}}]}}]},
  "status": {"phase": "Running", "podIP": "10.1.2.3", "qosClass": "BestEffort"}}]}"#;

#[test]
fn a_pod_as_a_cluster_has_it() {
    let found = read(OF_A_CLUSTER, Missing::StandIn);
    assert_eq!(faults(&found), [""; 0]);
    assert_eq!(names(&found), [("till-x2vq7", "till-x2vq7")]);
    let Parsed { pod, stood_in, .. } = &found.pods[0].parsed;
    assert_eq!(
        *stood_in,
        ["ConfigMap conf", "token of the service account", "ConfigMap kube-root-ca.crt", "Secret more", "Secret safe"]
    );
    let env: Vec<(&str, &str)> = pod.spec.containers[0].env.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(env, [("PIN", "stand-in"), ("NODE", "rack-7")]);
    let files = |volume: usize| match &pod.spec.volumes[volume].source {
        VolumeSource::Files { files, .. } => files.clone(),
        other => panic!("{other:?}"),
    };
    let file = |path: &str, content: &str| VolumeFile {
        path: path.to_owned(),
        content: content.as_bytes().to_vec(),
        mode: 0o644,
        owner: None,
    };
    // What a container mounts alone is a file.
    assert_eq!(files(0), [file("till.conf", "stand-in")]);
    // A token is its only user's alone.
    let token = VolumeFile { mode: 0o600, owner: Some(1000), ..file("token", "stand-in") };
    assert_eq!(files(1), [token, file("ca.crt", "stand-in"), file("namespace", "shop")]);
}

#[test]
fn a_list_may_have_the_pods_of_a_whole_cluster() {
    let start = OF_A_CLUSTER.find(" {\"apiVersion\"").expect("a Pod");
    let pod = OF_A_CLUSTER[start..].strip_suffix("]}").expect("the end of the list");
    let text = format!("{}{}]}}", &OF_A_CLUSTER[..start], vec![pod; 500].join(",\n"));
    assert!(text.len() > 1 << 20, "{}", text.len());
    let found = read(&text, Missing::StandIn);
    assert_eq!((found.pods.len(), faults(&found)), (500, vec![]));
    assert_eq!(found.pods[499].name, "till-x2vq7#500");
}

#[test]
fn nothing_stands_in_where_that_is_refused() {
    let found = read(OF_A_CLUSTER, Missing::Refuse);
    let messages: Vec<&str> = found.faults.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "there is no Secret \"safe\"",
            "there is no Secret \"more\"",
            "there is no ConfigMap \"conf\"",
            "there is no token here",
            "there is no ConfigMap \"kube-root-ca.crt\"",
        ]
    );
    assert!(found.pods.is_empty());
}

#[test]
fn what_the_downward_api_gives() {
    let text = |spec: &str, env: &str| {
        let env: String = env
            .split(' ')
            .map(|path| format!("{{name: X, valueFrom: {{fieldRef: {{fieldPath: {path}}}}}}}, "))
            .collect();
        pod("p").replace("spec: {", &format!("spec: {{{spec}")).replace("image: b", &format!("image: b, env: [{env}]"))
    };
    let value = |spec: &str, path: &str| {
        let found = read(&text(spec, path), Missing::StandIn);
        assert_eq!(faults(&found), [""; 0], "{path}");
        let Parsed { pod, stood_in, .. } = &found.pods[0].parsed;
        (pod.spec.containers[0].env[0].1.clone(), stood_in.join(", "))
    };
    let pair = |value: &str, stood_in: &str| (value.to_owned(), stood_in.to_owned());
    assert_eq!(value("", "spec.nodeName"), pair("podcheck-node", "the name of the node"));
    assert_eq!(value("nodeName: rack, ", "spec.nodeName"), pair("rack", ""));
    for path in ["status.hostIP", "status.hostIPs"] {
        assert_eq!(value("", path), pair("192.0.2.1", "the address of the node"));
    }
    for path in ["status.podIP", "status.podIPs"] {
        assert_eq!(value("", path), pair("\0address\0", ""));
        assert_eq!(value("hostNetwork: true, ", path), pair("192.0.2.1", "the address of the node"));
    }
    assert_eq!(
        read(&text("", "spec.nodeName"), Missing::Refuse).faults[0].message,
        "spec.nodeName is not implemented yet"
    );
    let as_file = "volumes: [{name: v, downwardAPI: {items: [{path: uid, fieldRef: {fieldPath: metadata.uid}}]}}], ";
    let found = read(&text(as_file, "metadata.name"), Missing::Refuse);
    assert_eq!(faults(&found), [""; 0]);
}

#[test]
fn what_a_container_may_use() {
    let value = |spec: &str, resources: &str, reference: &str| {
        let text = pod("p").replace("spec: {", &format!("spec: {{{spec}")).replace(
            "image: b",
            &format!(
                "image: b, resources: {resources}, env: [{{name: X, valueFrom: {{resourceFieldRef: {reference}}}}}]"
            ),
        );
        let found = read(&text, Missing::Refuse);
        assert_eq!(faults(&found), [""; 0], "{reference}");
        found.pods[0].parsed.pod.spec.containers[0].env[0].1.clone()
    };
    let own = "{limits: {cpu: 1500m, memory: 64Mi}}";
    assert_eq!(value("", own, "{containerName: a, resource: limits.cpu}"), "2");
    assert_eq!(value("", own, "{resource: requests.memory, divisor: 1Mi}"), "64");
    let init = "initContainers: [{name: i, image: c, resources: {limits: {cpu: 3}}}], ";
    assert_eq!(value(init, own, "{containerName: i, resource: limits.cpu, divisor: 1m}"), "3000");
    assert_eq!(value("", "{}", "{resource: limits.cpu}"), "\0cpu/1000\0");
    assert_eq!(value("", "{}", "{resource: limits.memory, divisor: 1Mi}"), "\0memory/1048576000\0");
    assert_eq!(value("", "{}", "{resource: requests.cpu}"), "0");
    assert_eq!(value("resources: {limits: {cpu: 2}}, ", "{}", "{resource: limits.cpu}"), "2");
}

#[test]
fn a_field_of_a_newer_api_is_said_to_be_one() {
    let text = pod("p").replace("spec: {", "spec: {volumes: [{name: v, emptyDir: {mode: 0700}}], ");
    assert_eq!(
        faults(&read(&text, Missing::Refuse)),
        ["4: spec.volumes[0].emptyDir.mode: `emptyDir.mode` is of Kubernetes 1.37"]
    );
}
