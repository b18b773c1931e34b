//! Manifests with faults, held to the exact text of each.

use super::*;
use crate::diagnostic::Diagnostic;
use std::path::Path;

fn parse(text: &str) -> Result<Parsed, Vec<Diagnostic>> {
    parse_manifest(text, Path::new("pod.yaml"))
}

/// The table has the text of faults behind the file's name.
fn shown(text: &str) -> Vec<String> {
    let faults = parse(text).expect_err(text);
    faults.iter().map(|fault| fault.to_string().trim_start_matches("pod.yaml:").to_owned()).collect()
}

/// A manifest with a spec of these lines, from line 5 on.
fn with_spec(spec: &str) -> String {
    let indented: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: foo}}\nspec:\n{indented}")
}

/// A manifest with one container of these lines, from line 9 on.
fn with_container(lines: &str) -> String {
    let indented: String = lines.lines().map(|line| format!("  {line}\n")).collect();
    with_spec(&format!("containers:\n- {{name: a, image: i}}\n- name: b\n  image: i\n{indented}"))
}

type Faulty<'a> = &'a [(&'a str, &'a [&'a str])];

#[test]
fn faults_of_documents() {
    let table: Faulty<'_> = &[
        ("", &["1:1: the file is empty (it should hold one v1 Pod)"]),
        ("\n# nothing\n---\n", &["1:1: the file is empty (it should hold one v1 Pod)"]),
        ("just text", &["1:1: expected a v1 Pod, found text (it begins with `apiVersion: v1` and `kind: Pod`)"]),
        ("- a\n", &["1:1: expected a v1 Pod, found a list (it begins with `apiVersion: v1` and `kind: Pod`)"]),
        (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n",
            &["1:1: the Deployment has no spec (its Pod template is spec.template)"],
        ),
        (
            "apiVersion: v1\nkind: List\nitems: []\n",
            &[
                "1:1: there is no Pod in this file (podcheck judges Pods, and the Pod templates of Deployment, DaemonSet, StatefulSet, ReplicaSet, ReplicationController, Job, CronJob)",
            ],
        ),
        (
            "apiVersion: v1\nkind: pod\nmetadata: {name: x}\n",
            &["2:7: kind: expected \"Pod\", found \"pod\" (kinds are told by their letters' case, too)"],
        ),
        ("apiVersion: v2\nkind: Pod\n", &["1:13: apiVersion: expected \"v1\", found \"v2\" (podcheck takes a v1 Pod)"]),
        ("kind: Pod\n", &["1:1: the manifest has no apiVersion (podcheck takes a v1 Pod: add `apiVersion: v1`)"]),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: b}]}\n---\nkind: Pod\n",
            &["6:1: the manifest has no apiVersion (podcheck takes a v1 Pod: add `apiVersion: v1`)"],
        ),
        (
            "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: b}]}\n",
            &["1:1: the Pod has no name (add metadata: {name: ...})"],
        ),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\ncontainers: []\n",
            &[
                "1:1: the Pod has no spec (add spec: {containers: [...]})",
                "4:1: containers: a v1 Pod has no field \"containers\" (containers is a field of spec; check the indentation)",
            ],
        ),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: web\n",
            &["4:7: spec: expected a map (`key: value`), found text"],
        ),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: Foo_Bar, namspace: x, uid: ../x}\nspec: {containers: [{name: a, image: b}]}\n",
            &[
                "3:18: metadata.name: \"Foo_Bar\" is not a DNS subdomain (expected at most 253 lower-case letters, digits, `-` and `.`, each part beginning and ending with a letter or digit)",
                "3:27: metadata.namspace: metadata has no field \"namspace\" (did you mean namespace?)",
                "3:45: metadata.uid: \"../x\" is not a DNS label (expected at most 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit)",
            ],
        ),
        (
            "apiVersion: v1\nkind: Pod\nkind: Pod\n",
            &[
                "3:1: the key \"kind\" stands here for the second time (each key stands once in a map; remove one of the two)",
            ],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(shown(text), *expected, "{text}");
    }
}

#[test]
fn faults_of_specs() {
    let table: Faulty<'_> = &[
        ("containers: []", &["5:15: spec.containers: a Pod has at least one container"]),
        ("restartPolicy: Never", &["4:1: spec: a Pod has at least one container (add containers: to the spec)"]),
        (
            "hostnetwork: true\ncontainers: [{name: a, imag: b}]",
            &[
                "5:3: spec.hostnetwork: a Pod's spec has no field \"hostnetwork\" (did you mean hostNetwork?)",
                "6:16: spec.containers[0]: a container has no image (add image:)",
                "6:26: spec.containers[0].imag: a container has no field \"imag\" (did you mean image?)",
            ],
        ),
        (
            "securityContext: {runAsNonRoot: true}\ncontainers:\n- {name: a, image: b}\n- {name: c, image: podcheck}",
            &[
                "8:5: spec.containers[1]: runAsNonRoot excludes an image that runs as root, as podcheck's does (say who it runs as: runAsUser)",
            ],
        ),
        (
            "restartPolicy: never\ninitContainers:\n- {name: a, image: b, livenessProbe: {}, lifecycle: {postStart: {sleep: {seconds: 1}}}}\n- {name: c, image: b, restartPolicy: Never}\ncontainers:\n- {name: a, image: b}\n- {name: d, image: b, restartPolicy: Always}",
            &[
                "5:18: spec.restartPolicy: \"never\" is not known here (did you mean Never?)",
                "7:25: spec.initContainers[0].livenessProbe: an init container that ends has none (remove it, or make it a sidecar: restartPolicy: Always)",
                "7:44: spec.initContainers[0].lifecycle: an init container that ends has none (remove it, or make it a sidecar: restartPolicy: Always)",
                "8:40: spec.initContainers[1].restartPolicy: \"Never\" is not known here (expected Always)",
                "10:12: spec.containers[0].name: the Pod has a container \"a\" already (each container of a Pod has a name of its own)",
                "11:25: spec.containers[1].restartPolicy: not implemented yet (only of init containers so far; remove it to judge the rest)",
            ],
        ),
        (
            "containers:\n- {name: a, image: b, lifecycle: {stopSignal: USR1}}\n- {name: c, image: b, lifecycle: {stopSignal: SIGRTMIN+3}}\n- {name: d, image: b, lifecycle: {stopSignal: SIGUSR1}}\n- {name: e, image: b, lifecycle: {stopSignal: SIGUSR}}\n- {name: f, image: b, lifecycle: {postStart: {}, preStop: {exec: {}}}}\n- {name: g, image: b, lifecycle: {postStart: {sleep: {seconds: 31}}, preStop: {sleep: {seconds: 1}, exec: {command: [x]}}}}\n- {name: h, image: b, lifecycle: {postStart: {sleep: {}}, preStop: {sleep: {seconds: -1}}}}",
            &[
                "6:49: spec.containers[0].lifecycle.stopSignal: \"USR1\" is not known here (Kubernetes writes SIGUSR1)",
                "7:49: spec.containers[1].lifecycle.stopSignal: SIGRTMIN+3 is not implemented yet (real-time signals are not)",
                "8:37: spec.containers[2].lifecycle.stopSignal: a Pod with a stopSignal names its system (add os: {name: linux} to the spec)",
                "9:49: spec.containers[3].lifecycle.stopSignal: \"SIGUSR\" is not known here (did you mean SIGUSR1?)",
                "10:48: spec.containers[4].lifecycle.postStart: a hook does one thing, and postStart names 0 (one of exec and sleep)",
                "10:68: spec.containers[4].lifecycle.preStop.exec: there is no command (as in exec: {command: [touch, /ready]})",
                "11:66: spec.containers[5].lifecycle.postStart.sleep.seconds: 31 s are longer than the Pod's grace period (at most terminationGracePeriodSeconds, which is 30)",
                "11:81: spec.containers[5].lifecycle.preStop: a hook does one thing, and preStop names 2 (one of exec and sleep)",
                "12:56: spec.containers[6].lifecycle.postStart.sleep: sleep says no time (as in sleep: {seconds: 5})",
                "12:88: spec.containers[6].lifecycle.preStop.sleep.seconds: -1 is out of range (expected a whole number of at least 0)",
            ],
        ),
        (
            "containers:\n- {name: a, image: b}\n- {name: a, image: b}\n- {name: sandbox, image: b}\n- {name: A, image: b}\n- {image: b}\n- {name: c}\n- d",
            &[
                "7:12: spec.containers[1].name: the Pod has a container \"a\" already (each container of a Pod has a name of its own)",
                "8:12: spec.containers[2].name: the name sandbox is taken (podcheck calls the Pod's pause process sandbox; name the container otherwise)",
                "9:12: spec.containers[3].name: \"A\" is not a DNS label (expected at most 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit)",
                "10:5: spec.containers[4]: a container has no name (add name:)",
                "11:5: spec.containers[5]: a container has no image (add image:)",
                "12:5: spec.containers[6]: expected a map (`key: value`), found text",
            ],
        ),
        (
            "hostPID: true\nshareProcessNamespace: true\ncontainers: [{name: a, image: b}]",
            &[
                "6:26: spec.shareProcessNamespace: shareProcessNamespace excludes hostPID (a Pod has one PID namespace for all, or the host's: remove one of the two)",
            ],
        ),
        (
            "hostNetwork: 1\nhostname: a.b\nterminationGracePeriodSeconds: -1\ncontainers: {name: a}",
            &[
                "5:16: spec.hostNetwork: expected true or false, found a number",
                "6:13: spec.hostname: \"a.b\" is not a DNS label (expected at most 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit)",
                "7:34: spec.terminationGracePeriodSeconds: -1 is out of range (expected a whole number of at least 0)",
                "8:15: spec.containers: expected a list (`- item`), found a map",
            ],
        ),
        (
            "hostUsers: false\nruntimeClassName: gvisor\nos: {name: windows}\ncontainers: [{name: a, image: b}]",
            &[
                "6:3: spec.runtimeClassName: not implemented yet (it would change what podcheck observes; remove it to judge the rest)",
                "7:8: spec.os.name: not implemented yet (only linux so far: anything else would change what podcheck observes)",
            ],
        ),
        (
            "securityContext: {fsGroup: 5, sysctls: [{name: a}], supplementalGroups: [a], runAsUser: 4294967296, supplementalGroupsPolicy: Strict}\ncontainers: [{name: a, image: b}]",
            &[
                "5:43: spec.securityContext.sysctls[0]: a sysctl has a name and a value (as in {name: net.ipv4.tcp_syncookies, value: \"1\"})",
                "5:50: spec.securityContext.sysctls[0].name: a is not a property of a namespace (a Pod may set kernel.sem, kernel.shm*, kernel.msg*, fs.mqueue.* and net.*: all else is the node's own)",
                "5:76: spec.securityContext.supplementalGroups[0]: expected a whole number from 0 to 2147483647, found text",
                "5:91: spec.securityContext.runAsUser: 4294967296 is out of range (expected a whole number from 0 to 2147483647)",
                "5:103: spec.securityContext.supplementalGroupsPolicy: not implemented yet (only Merge so far: anything else would change what podcheck observes)",
            ],
        ),
        (
            "volumes:\n- name: v\n- name: v\n- {name: w, configMap: {name: x}}\n- {name: x, emptyDir: {}, hostPath: {path: /a}}\n- {name: y, hostPath: {path: /a, type: Dir}}\n- {name: z, hostPath: {path: a/../b}}\n- {name: q, hostPath: {}}\n- {name: r, emptyDir: {medium: Disk}}\n- {name: s, ephemeral: {}}\n- {name: T}\n- {emptyDir: {}}\ncontainers: [{name: a, image: b}]",
            &[
                "7:11: spec.volumes[1].name: the Pod has a volume \"v\" already (each volume of a Pod has a name of its own)",
                "8:33: spec.volumes[2].configMap.name: there is no ConfigMap \"x\" (give it under configMaps: in a case, or as a document in the manifest's file)",
                "9:29: spec.volumes[3].hostPath: a volume has one source (remove the other one)",
                "10:42: spec.volumes[4].hostPath.type: \"Dir\" is not known here (expected one of Directory, DirectoryOrCreate, File, FileOrCreate, Socket, CharDevice, BlockDevice)",
                "11:32: spec.volumes[5].hostPath.path: \"a/../b\" cannot be a hostPath (expected an absolute path without `..`)",
                "12:15: spec.volumes[6].hostPath: a hostPath has no path (add path:)",
                "13:34: spec.volumes[7].emptyDir.medium: \"Disk\" is not known here (expected Memory)",
                "14:15: spec.volumes[8].ephemeral: not implemented yet (only emptyDir, hostPath, configMap, secret, downwardAPI and projected so far)",
                "15:12: spec.volumes[9].name: \"T\" is not a DNS label (expected at most 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit)",
                "16:5: spec.volumes[10]: a volume has no name (add name:)",
            ],
        ),
        (
            "hostNetwork: true\ncontainers:\n- {name: a, image: b, ports: [{containerPort: 80}]}\n- {name: b, image: b, ports: [{containerPort: 80, hostPort: 81}]}",
            &[
                "8:25: spec.containers[1].ports: the container \"a\" has port 80 already (with hostNetwork all containers share the host's ports)",
                "8:63: spec.containers[1].ports[0].hostPort: hostPort 81 is not the containerPort 80 (with hostNetwork the two are the same)",
            ],
        ),
        (
            "dnsPolicy: None\ncontainers: [{name: a, image: b}]",
            &["5:14: spec.dnsPolicy: dnsPolicy None asks for a dnsConfig (add dnsConfig: {nameservers: [...]})"],
        ),
        (
            "dnsConfig: {nameservers: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4]}\ncontainers: [{name: a, image: b}]",
            &["5:3: spec.dnsConfig: 4 nameservers (resolv.conf takes three)"],
        ),
        (
            "dnsPolicy: Nnoe\ncontainers: [{name: a, image: b}]",
            &["5:14: spec.dnsPolicy: \"Nnoe\" is not known here (did you mean None?)"],
        ),
        (
            "dnsPolicy: None\ndnsConfig: {nameservers: [one], options: [{value: \"1\"}]}\ncontainers: [{name: a, image: b}]",
            &[
                "6:29: spec.dnsConfig.nameservers[0]: \"one\" is not an IP address",
                "6:45: spec.dnsConfig.options[0]: a DNS option has no name (add name:)",
            ],
        ),
        (
            "tolerations: [{key: a, efect: NoSchedule}]\ncontainers: [{name: a, image: b}]",
            &["5:26: spec.tolerations[0].efect: a toleration has no field \"efect\" (did you mean effect?)"],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(shown(&with_spec(text)), *expected, "{text}");
    }
}

#[test]
fn faults_of_containers() {
    let table: Faulty<'_> = &[
        (
            "resources: {limits: {memory: 256MB, cpu: -1, mem: 3, vendor/gpu: 1, memoryy: 1}, requests: {memory: [1]}}",
            &[
                "9:34: spec.containers[1].resources.limits.memory: \"256MB\" is not a quantity (write 256M, or 256Mi for the binary unit)",
                "9:46: spec.containers[1].resources.limits.cpu: -1 is negative (a resource is zero or more)",
                "9:50: spec.containers[1].resources.limits.mem: no resource is called \"mem\" (expected cpu, memory or ephemeral-storage)",
                "9:58: spec.containers[1].resources.limits.vendor/gpu: not implemented yet (only cpu, memory, huge pages of containers and ephemeral-storage so far; remove it to judge the rest)",
                "9:73: spec.containers[1].resources.limits.memoryy: no resource is called \"memoryy\" (did you mean memory?)",
                "9:105: spec.containers[1].resources.requests.memory: expected a quantity, found a list (as in 256Mi or 1G for memory, 500m or 0.5 for cpu)",
            ],
        ),
        (
            "resources: {limits: {hugepages-2Mi: 3Mi, hugepages-3Mi: 3Mi, hugepages-1Gi: 1Gi, hugepages-1024Mi: 1Gi, hugepages-: 0}, requests: {hugepages-1Gi: 2Gi, hugepages-64Ki: 64Ki}}",
            &[
                "9:5: spec.containers[1].resources: huge pages without cpu or memory (who asks for huge pages asks for one of these, too)",
                "9:41: spec.containers[1].resources.limits.hugepages-2Mi: 3Mi is not a whole number of pages of 2MB (huge pages are given whole)",
                "9:46: spec.containers[1].resources.limits.hugepages-3Mi: \"hugepages-3Mi\" names no size of huge pages (a power of two, as in hugepages-2Mi or hugepages-1Gi)",
                "9:86: spec.containers[1].resources.limits.hugepages-1024Mi: huge pages of 1GB have a limit already (leave one of the two out)",
                "9:109: spec.containers[1].resources.limits.hugepages-: \"hugepages-\" names no size of huge pages (a power of two, as in hugepages-2Mi or hugepages-1Gi)",
                "9:151: spec.containers[1].resources.requests.hugepages-1Gi: the request 2Gi is not the limit 1Gi (huge pages are not overcommitted: a request is the limit, or is left out)",
                "9:156: spec.containers[1].resources.requests.hugepages-64Ki: huge pages are requested without a limit (write the same under limits)",
            ],
        ),
        (
            "resources: {limits: {memory: 128Mi}, requests: {memory: 256Mi}}",
            &[
                "9:61: spec.containers[1].resources.requests.memory: the request 256Mi is larger than the limit 128Mi (a request may be at most the limit)",
            ],
        ),
        (
            "resources: {limits: {cpu: 500m}, requests: {cpu: 0.6, memory: 1Q}}",
            &[
                "9:54: spec.containers[1].resources.requests.cpu: the request 0.6 is larger than the limit 500m (a request may be at most the limit)",
                "9:67: spec.containers[1].resources.requests.memory: \"1Q\" is not a quantity (as in 256Mi or 1G for memory, 500m or 0.5 for cpu)",
            ],
        ),
        (
            "resources: {limit: {memory: 128Mi}}",
            &["9:17: spec.containers[1].resources.limit: resources has no field \"limit\" (did you mean limits?)"],
        ),
        (
            "volumeMounts:\n- {name: data, mountPath: /d}\n- {name: data, mountPath: d}\n- {name: data, mountPath: /d}\n- {name: data, mountPath: /}\n- {name: x}",
            &[
                "10:14: spec.containers[1].volumeMounts[0].name: the Pod has no volume \"data\" (the Pod has no volumes; add it to spec.volumes)",
                "11:14: spec.containers[1].volumeMounts[1].name: the Pod has no volume \"data\" (the Pod has no volumes; add it to spec.volumes)",
                "11:31: spec.containers[1].volumeMounts[1].mountPath: \"d\" cannot be a mount path (expected an absolute path without `..` and `:`)",
                "12:14: spec.containers[1].volumeMounts[2].name: the Pod has no volume \"data\" (the Pod has no volumes; add it to spec.volumes)",
                "12:31: spec.containers[1].volumeMounts[2].mountPath: something is mounted at /d already (each volume mount of a container has a path of its own)",
                "13:14: spec.containers[1].volumeMounts[3].name: the Pod has no volume \"data\" (the Pod has no volumes; add it to spec.volumes)",
                "13:31: spec.containers[1].volumeMounts[3].mountPath: a volume cannot be mounted over the root (choose a directory below /)",
                "14:7: spec.containers[1].volumeMounts[4]: a volume mount has no mountPath (add mountPath:)",
            ],
        ),
        (
            "ports:\n- {containerPort: 0}\n- {containerPort: http}\n- {containerPort: \"80\"}\n- {containerPort: 70000}\n- {containerPort: 80, protocol: tcp, name: a}\n- {containerPort: 80, hostPort: 80, name: a}\n- {}",
            &[
                "10:23: spec.containers[1].ports[0].containerPort: 0 is out of range (expected a whole number from 1 to 65535)",
                "11:23: spec.containers[1].ports[1].containerPort: expected a whole number from 1 to 65535, found text",
                "12:23: spec.containers[1].ports[2].containerPort: expected a whole number from 1 to 65535, found text (remove the quotes)",
                "13:23: spec.containers[1].ports[3].containerPort: 70000 is out of range (expected a whole number from 1 to 65535)",
                "14:37: spec.containers[1].ports[4].protocol: \"tcp\" is not known here (did you mean TCP?)",
                "15:27: spec.containers[1].ports[5].hostPort: not implemented yet (a port of the host needs firewall rules, which podcheck never makes; remove it to judge the rest)",
                "15:47: spec.containers[1].ports[5].name: this container has a port \"a\" already (each port of a container has a name of its own)",
                "16:7: spec.containers[1].ports[6]: a port has no containerPort (add containerPort:)",
            ],
        ),
        (
            "securityContext: {privileged: true, allowPrivilegeEscalation: false}",
            &[
                "9:67: spec.containers[1].securityContext.allowPrivilegeEscalation: a privileged container cannot do without privilege escalation (remove one of privileged: true and allowPrivilegeEscalation: false)",
            ],
        ),
        (
            "securityContext:\n  capabilities: {add: [CAP_NET_ADMIN, NET_ADMINN, FOO, 5]}\n  runAsUser: -1",
            &[
                "10:28: spec.containers[1].securityContext.capabilities.add[0]: \"CAP_NET_ADMIN\" is not a capability (Kubernetes' names have no CAP_: write NET_ADMIN)",
                "10:43: spec.containers[1].securityContext.capabilities.add[1]: \"NET_ADMINN\" is not a capability (did you mean NET_ADMIN?)",
                "10:55: spec.containers[1].securityContext.capabilities.add[2]: \"FOO\" is not a capability (expected a name as in capabilities(7), without CAP_: NET_ADMIN)",
                "10:60: spec.containers[1].securityContext.capabilities.add[3]: expected text, found a number (quote it: \"5\")",
                "11:18: spec.containers[1].securityContext.runAsUser: -1 is out of range (expected a whole number from 0 to 2147483647)",
            ],
        ),
        (
            "securityContext: {runAsNonRoot: true, runAsUser: 0}",
            &[
                "9:5: spec.containers[1].securityContext: runAsNonRoot excludes runAsUser: 0 (the kubelet would not start this container)",
            ],
        ),
        (
            "securityContext:\n  seccompProfile: {type: RuntimeDefautl}\n  procMount: Unmasket\n  seLinuxOptions: {level: s0}",
            &[
                "10:30: spec.containers[1].securityContext.seccompProfile.type: \"RuntimeDefautl\" is not known here (did you mean RuntimeDefault?)",
                "11:18: spec.containers[1].securityContext.procMount: \"Unmasket\" is not known here (did you mean Unmasked?)",
                "12:7: spec.containers[1].securityContext.seLinuxOptions: not implemented yet (it would change what podcheck observes; remove it to judge the rest)",
            ],
        ),
        (
            "env:\n- {name: A, value: 5}\n- {name: B, value: yes}\n- {name: C, value: 0644}\n- {name: a=b}\n- {value: x}\n- {name: D, valueFrom: {fieldRef: {fieldPath: x}}}",
            &[
                "10:24: spec.containers[1].env[0].value: expected text, found a number (quote it: \"5\")",
                "11:24: spec.containers[1].env[1].value: Kubernetes reads an unquoted yes as something other than text (quote it: \"yes\")",
                "12:24: spec.containers[1].env[2].value: Kubernetes reads an unquoted 0644 as something other than text (quote it: \"0644\")",
                "13:14: spec.containers[1].env[3].name: \"a=b\" is not a name for an environment variable (expected printable ASCII characters without `=`)",
                "14:7: spec.containers[1].env[4]: an environment variable has no name (add name:)",
                "15:51: spec.containers[1].env[5].valueFrom.fieldRef.fieldPath: \"x\" is no field that a Pod gives (as in metadata.name, metadata.namespace, metadata.labels['KEY'])",
            ],
        ),
        (
            "args: [1, true, ok]\ncommand: sleep 5\nworkingDir: tmp\nstdin: true\nterminationMessagePath: x\nlifecycle: {preStop: {httpGet: {port: 80}}}",
            &[
                "9:12: spec.containers[1].args[0]: expected text, found a number (quote it: \"1\")",
                "9:15: spec.containers[1].args[1]: expected text, found true or false (quote it: \"true\")",
                "10:14: spec.containers[1].command: expected a list (`- item`), found text",
                "11:17: spec.containers[1].workingDir: \"tmp\" is not an absolute path (runtimes take an absolute workingDir: begin with /)",
                "12:5: spec.containers[1].stdin: not implemented yet (only false so far: anything else would change what podcheck observes)",
                "13:29: spec.containers[1].terminationMessagePath: \"x\" cannot be a mount path (a kubelet mounts a file there: expected an absolute path without `..` and `:`)",
                "14:27: spec.containers[1].lifecycle.preStop.httpGet: not implemented yet (it would change what podcheck observes; remove it to judge the rest)",
            ],
        ),
        (
            "livenessProbe: {httpGett: {port: 80}}\nhostNetwork: true\nreadinessProbe: {periodSeconds: often}",
            &[
                "9:21: spec.containers[1].livenessProbe.httpGett: a probe has no field \"httpGett\" (did you mean httpGet?)",
                "10:5: spec.containers[1].hostNetwork: a container has no field \"hostNetwork\" (hostNetwork is a field of spec; check the indentation)",
                "11:37: spec.containers[1].readinessProbe.periodSeconds: expected a whole number, found text",
            ],
        ),
        (
            "image: ''",
            &[
                "9:5: the key \"image\" stands here for the second time (each key stands once in a map; remove one of the two)",
            ],
        ),
        (
            "containerPort: 80",
            &[
                "9:5: spec.containers[1].containerPort: a container has no field \"containerPort\" (it has name, image, command, args, workingDir, env, envFrom, ports, resources, volumeMounts, securityContext, restartPolicy, lifecycle, terminationMessagePath and others of Kubernetes' Pod reference)",
            ],
        ),
        (
            "name: c",
            &[
                "9:5: the key \"name\" stands here for the second time (each key stands once in a map; remove one of the two)",
            ],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(shown(&with_container(text)), *expected, "{text}");
    }
}

#[test]
fn a_misspelt_key_is_a_fault_also_where_nothing_is_acted_on() {
    let affinity = "containers: [{name: a, image: i}]\naffinity:\n  nodeAffinity:\n    \
                    requiredDuringSchedulingIgnoredDuringExecution:\n      nodeSelectorTerms:\n      - matchExpresions: []";
    assert_eq!(
        shown(&with_spec(affinity)),
        [
            "10:11: spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpresions: a node selector's term has no field \"matchExpresions\" (did you mean matchExpressions?)"
        ]
    );
    let spread = "containers: [{name: a, image: i}]\ntopologySpreadConstraints: [{maxSkw: 1}]";
    assert!(shown(&with_spec(spread))[0].contains("did you mean maxSkew?"));
    assert!(shown(&with_container("restartPolicyRules: [{acton: Restart}]"))[0].contains("did you mean action?"));
}
