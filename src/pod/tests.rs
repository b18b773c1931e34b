//! Manifests as people write them.

use super::*;
use std::path::Path;

/// With every field that is acted on, and most that are not.
const FULL: &str = r#"
apiVersion: v1
kind: Pod
metadata:
  name: web-1.example
  namespace: shop
  uid: 0f4cc6a8-8a4b-4d5c-9a51-0a3a4c9be001
  labels: {app: web}
  annotations: {note: "1"}
spec:
  hostNetwork: yes
  hostIPC: true
  hostPID: true
  shareProcessNamespace: false
  hostname: web
  terminationGracePeriodSeconds: 0
  priorityClassName: system-node-critical
  nodeSelector: {kubernetes.io/os: linux}
  tolerations: [{operator: Exists}]
  restartPolicy: Never
  hostUsers: true
  setHostnameAsFQDN: null
  initContainers: []
  os: {name: linux}
  dnsPolicy: None
  dnsConfig:
    nameservers: [10.0.0.10, "::1"]
    searches: [a.example]
    options: [{name: ndots, value: "5"}, {name: rotate}]
  securityContext:
    runAsUser: 1000
    runAsGroup: 2000
    runAsNonRoot: true
    supplementalGroups: [3000, 4000]
    supplementalGroupsPolicy: Merge
    seccompProfile: {type: Unconfined}
  volumes:
  - name: scratch
  - {name: cache, emptyDir: {sizeLimit: 1Gi}}
  - {name: logs, hostPath: {path: /var/log, type: Directory}}
  containers:
  - name: app
    image: docker.io/library/nginx:1.27
    command: [/bin/run, "$(GREETING)", "$(UNKNOWN)", "$$(GREETING)"]
    args: ["--port=$(PORT)"]
    workingDir: /srv
    env:
    - {name: NAME, value: you}
    - {name: GREETING, value: "hello $(NAME) $(PORT)"}
    - {name: PORT, value: "80"}
    - {name: EMPTY}
    - {name: NAME, value: me}
    ports:
    - {containerPort: 80, hostPort: 80, name: http}
    - {containerPort: 53, protocol: UDP}
    resources:
      limits: {cpu: 500m, memory: 256Mi, ephemeral-storage: 1Gi}
      requests: {cpu: 0.25, memory: 1e8}
    volumeMounts:
    - {name: scratch, mountPath: /tmp}
    - {name: logs, mountPath: /logs, readOnly: true, mountPropagation: None, recursiveReadOnly: Disabled}
    securityContext:
      privileged: false
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      runAsUser: 1
      runAsGroup: 2
      runAsNonRoot: false
      procMount: Default
      capabilities: {add: [NET_ADMIN, sys_time], drop: [ALL]}
    livenessProbe: {httpGet: {path: /, port: http, httpHeaders: [{name: a, value: b}]}, periodSeconds: 5}
    imagePullPolicy: Always
    tty: false
    terminationMessagePath: /dev/termination-log
  - name: sidecar
    image: busybox
    livenessProbe: {exec: {command: [x]}}
status: {phase: Running, anything: [goes]}
"#;

fn full() -> Parsed {
    let shown = |faults: Vec<crate::diagnostic::Diagnostic>| faults.iter().map(ToString::to_string).collect::<Vec<_>>();
    parse_manifest(FULL, Path::new("full.yaml")).map_err(shown).unwrap()
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn fields_of_the_pod() {
    let Pod { name, namespace, uid, labels, spec } = full().pod;
    assert_eq!((name.as_str(), namespace.as_str()), ("web-1.example", "shop"));
    assert_eq!(uid.as_deref(), Some("0f4cc6a8-8a4b-4d5c-9a51-0a3a4c9be001"));
    assert_eq!(labels.into_iter().collect::<Vec<_>>(), [("app".to_owned(), "web".to_owned())]);
    assert_eq!(
        (spec.host_network, spec.host_ipc, spec.host_pid, spec.share_process_namespace),
        (true, true, true, false)
    );
    assert_eq!((spec.hostname.as_deref(), spec.termination_grace_period_seconds), (Some("web"), 0));
    assert_eq!(spec.priority_class_name.as_deref(), Some("system-node-critical"));
    let dns = DnsConfig {
        nameservers: texts(&["10.0.0.10", "::1"]),
        searches: texts(&["a.example"]),
        options: texts(&["ndots:5", "rotate"]),
    };
    assert_eq!(spec.dns, Some(dns));
    let security = PodSecurity {
        run_as_user: Some(1000),
        run_as_group: Some(2000),
        run_as_non_root: Some(true),
        supplemental_groups: vec![3000, 4000],
        sysctls: Vec::new(),
        seccomp: Some(SeccompProfile::Unconfined),
        apparmor: None,
        fs_group: None,
    };
    assert_eq!(spec.security, security);
    let host_path = VolumeSource::HostPath { path: "/var/log".into(), kind: HostPathType::Directory };
    let sources: Vec<_> = spec.volumes.into_iter().map(|volume| (volume.name, volume.source)).collect();
    let expected = [("scratch", VolumeSource::EmptyDir), ("cache", VolumeSource::EmptyDir), ("logs", host_path)];
    assert_eq!(sources, expected.map(|(name, source)| (name.to_owned(), source)));
}

#[test]
fn fields_of_a_container() {
    let app = full().pod.spec.containers.swap_remove(0);
    assert_eq!((app.name.as_str(), app.image.as_str()), ("app", "docker.io/library/nginx:1.27"));
    assert_eq!(app.command, ["/bin/run", "hello you $(PORT)", "$(UNKNOWN)", "$(GREETING)"]);
    assert_eq!(app.args, ["--port=80"]);
    assert_eq!(app.working_dir.as_deref(), Some("/srv"));
    let env = [("NAME", "me"), ("GREETING", "hello you $(PORT)"), ("PORT", "80"), ("EMPTY", "")];
    assert_eq!(app.env, env.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let ports = [(80, Protocol::Tcp), (53, Protocol::Udp)];
    assert_eq!(app.ports, ports.map(|(container_port, protocol)| Port { container_port, protocol }));
    let resources = Resources {
        cpu_limit: Some(Quantity { milli: 500 }),
        cpu_request: Some(Quantity { milli: 250 }),
        memory_limit: Some(Quantity { milli: 256 * 1024 * 1024 * 1000 }),
        memory_request: Some(Quantity { milli: 100_000_000_000 }),
        ..Resources::default()
    };
    assert_eq!(app.resources, resources);
    let mounts = [("scratch", "/tmp", false), ("logs", "/logs", true)];
    let mounts = mounts.map(|(name, path, read_only)| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only,
        ..VolumeMount::default()
    });
    assert_eq!(app.volume_mounts, mounts);
    let security = ContainerSecurity {
        privileged: false,
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: true,
        run_as_user: Some(1),
        run_as_group: Some(2),
        run_as_non_root: Some(false),
        capabilities_add: texts(&["NET_ADMIN", "SYS_TIME"]),
        capabilities_drop: texts(&["ALL"]),
        ..Default::default()
    };
    assert_eq!(app.security, security);
}

#[test]
fn what_is_not_acted_on_is_named_once() {
    let named = [
        "metadata.labels",
        "metadata.annotations",
        "spec.nodeSelector",
        "spec.tolerations",
        "spec.containers[].ports[].name",
        "spec.containers[].livenessProbe",
        "spec.containers[].imagePullPolicy",
        "status",
        "spec.volumes[].emptyDir.sizeLimit",
        "spec.containers[].resources.limits.ephemeral-storage",
        "spec.hostname",
    ];
    assert_eq!(full().not_acted_on, named);
}

#[test]
fn a_small_pod_has_defaults() {
    let text = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [{"name": "a", "image": "b"}]}}"#;
    let parsed = parse_manifest(text, Path::new("x.json")).unwrap();
    assert!(parsed.not_acted_on.is_empty());
    let spec = parsed.pod.spec;
    assert_eq!((parsed.pod.namespace.as_str(), spec.termination_grace_period_seconds), ("default", 30));
    let container = Container { name: "a".to_owned(), image: "b".to_owned(), ..Container::default() };
    let expected = PodSpec { containers: vec![container], termination_grace_period_seconds: 30, ..PodSpec::default() };
    assert_eq!(spec, expected);
}
