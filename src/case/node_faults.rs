//! What a Pod asks of its node and a case does not give, held to the text of each fault.

use super::parse_case;
use crate::diagnostic::Diagnostic;
use std::path::Path;

/// Faults of a case with this at its top level, and this as its Pod's securityContext.
fn faults(top: &str, security: &str) -> Vec<String> {
    let text =
        format!("about: A Pod.\nshows: [S7]\n{top}pod:\n  securityContext: {security}\n  containers: [{{name: a}}]\n");
    let Err(faults) = parse_case(&text, Path::new("case.yaml"), "area/case") else { return Vec::new() };
    faults.iter().map(without_place).collect()
}

fn without_place(fault: &Diagnostic) -> String {
    let text = fault.to_string();
    text.splitn(3, ':').nth(2).and_then(|rest| rest.split_once(": ")).map(|(_, rest)| rest.to_owned()).unwrap_or(text)
}

const LOCAL: &str = "{seccompProfile: {type: Localhost, localhostProfile: a.json}}";

#[test]
fn a_profile_of_the_node_is_given_by_the_case() {
    assert_eq!(faults("seccomp_profiles: {a.json: {defaultAction: SCMP_ACT_ALLOW}}\n", LOCAL), [""; 0]);
    assert_eq!(
        faults("", LOCAL),
        [
            "pod.securityContext.seccompProfile.localhostProfile: the case gives no seccomp profile \"a.json\" (add it under seccomp_profiles: of the case)"
        ]
    );
    assert_eq!(
        faults("seccomp_profiles: {b.json: {defaultAction: SCMP_ACT_ALLOW}}\n", LOCAL),
        [
            "pod.securityContext.seccompProfile.localhostProfile: the case gives no seccomp profile \"a.json\" (did you mean b.json?)"
        ]
    );
    let manifest = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\nspec:\n  securityContext: {LOCAL}\n  containers: [{{name: a, image: b}}]\n"
    );
    let faults = parse_case(&manifest, Path::new("pod.yaml"), "pod").expect_err("nobody knows the node");
    assert_eq!(
        without_place(&faults[0]),
        "spec.securityContext.seccompProfile.localhostProfile: podcheck does not have this profile (it lies on a node: put the Pod into a case, with the profile under seccomp_profiles:)"
    );
}

#[test]
fn a_profile_is_named_where_it_must_be_and_nowhere_else() {
    let table = [
        (
            "{seccompProfile: {type: RuntimeDefault, localhostProfile: x}}",
            "pod.securityContext.seccompProfile.localhostProfile: localhostProfile goes with type: Localhost alone (remove it, or change the type)",
        ),
        (
            "{seccompProfile: {type: Localhost}}",
            "pod.securityContext.seccompProfile: a Localhost profile has no name (add localhostProfile:)",
        ),
        (
            "{seccompProfile: {}}",
            "pod.securityContext.seccompProfile: a profile has no type (add type: RuntimeDefault, Unconfined or Localhost)",
        ),
        (
            "{seccompProfile: {type: Localhost, localhostProfile: ../x}}",
            "pod.securityContext.seccompProfile.localhostProfile: \"../x\" cannot be a localhostProfile (expected a path below the node's directory of profiles, without `..`)",
        ),
        (
            "{appArmorProfile: {type: Confined}}",
            "pod.securityContext.appArmorProfile.type: \"Confined\" is not known here (did you mean Unconfined?)",
        ),
    ];
    for (security, expected) in table {
        assert_eq!(faults("", security), [expected], "{security}");
    }
}

#[test]
fn a_profile_is_read_strictly() {
    let table = [
        ("{}", "seccomp_profiles.a.json: a seccomp profile has no defaultAction (as in defaultAction: SCMP_ACT_ALLOW)"),
        (
            "{defaultAction: ALLOW}",
            "seccomp_profiles.a.json.defaultAction: \"ALLOW\" is not known here (expected SCMP_ACT_ALLOW, SCMP_ACT_ERRNO, SCMP_ACT_LOG, SCMP_ACT_TRAP, SCMP_ACT_KILL, SCMP_ACT_KILL_THREAD, SCMP_ACT_KILL_PROCESS)",
        ),
        (
            "{defaultAction: SCMP_ACT_ALLOW, defaultErrnoRet: 1}",
            "seccomp_profiles.a.json.defaultErrnoRet: defaultErrnoRet goes with SCMP_ACT_ERRNO alone (remove it, or change the action)",
        ),
        (
            "{defaultAction: SCMP_ACT_ALLOW, archMap: []}",
            "seccomp_profiles.a.json.archMap: a seccomp profile has no field \"archMap\" (expected one of defaultAction, defaultErrnoRet, architectures, syscalls)",
        ),
        (
            "{defaultAction: SCMP_ACT_ALLOW, syscalls: [{names: [read], action: SCMP_ACT_LOG, args: [{index: 6, op: SCMP_CMP_EQ}]}]}",
            "seccomp_profiles.a.json.syscalls[0].args[0].index: 6 is out of range (expected a whole number from 0 to 5)",
        ),
    ];
    for (profile, expected) in table {
        assert_eq!(faults(&format!("seccomp_profiles: {{a.json: {profile}}}\n"), "{}"), [expected], "{profile}");
    }
}

#[test]
fn a_sysctl_is_of_the_pods_own_namespaces_and_safe_or_allowed() {
    let one = |name: &str| format!("{{sysctls: [{{name: {name}, value: \"1\"}}]}}");
    let table = [
        (
            "",
            "vm.swappiness",
            "vm.swappiness is not a property of a namespace (a Pod may set kernel.sem, kernel.shm*, kernel.msg*, fs.mqueue.* and net.*: all else is the node's own)",
        ),
        (
            "",
            "net.core.somaxconn",
            "net.core.somaxconn is not among the safe sysctls (a node refuses the Pod unless it allows it: in a case, node: {allowed_unsafe_sysctls: [...]})",
        ),
        (
            "node: {allowed_unsafe_sysctls: [\"kernel.msg*\"]}\n",
            "kernel/shmmax",
            "kernel.shmmax is not among the safe sysctls (a node refuses the Pod unless it allows it: in a case, node: {allowed_unsafe_sysctls: [...]})",
        ),
        (
            "",
            "Net.Ipv4",
            "\"Net.Ipv4\" is not the name of a sysctl (expected lower-case words with dots between them: kernel.shm_rmid_forced)",
        ),
    ];
    for (top, name, expected) in table {
        assert_eq!(faults(top, &one(name)), [format!("pod.securityContext.sysctls[0].name: {expected}")], "{name}");
    }
    assert_eq!(faults("node: {allowed_unsafe_sysctls: [net.core.somaxconn]}\n", &one("net.core.somaxconn")), [""; 0]);
    assert_eq!(faults("", &one("net.ipv4.tcp_syncookies")), [""; 0]);
    assert_eq!(
        faults("node: {allowed_unsafe_sysctls: [\"vm.*\"]}\n", "{}"),
        [
            "node.allowed_unsafe_sysctls[0]: \"vm.*\" names no sysctl that a namespace has of its own (as in net.core.somaxconn or kernel.msg*)"
        ]
    );
    let twice =
        "{sysctls: [{name: kernel.shm_rmid_forced, value: \"1\"}, {name: kernel/shm_rmid_forced, value: \"0\"}]}";
    assert_eq!(
        faults("", twice),
        ["pod.securityContext.sysctls[1].name: the Pod sets kernel.shm_rmid_forced already (each sysctl stands once)"]
    );
}

#[test]
fn a_sysctl_of_a_namespace_that_is_the_nodes_is_refused() {
    let text = |field: &str, name: &str| {
        format!(
            "about: A Pod.\nshows: [Y3]\npod:\n  {field}: true\n  securityContext: {{sysctls: [{{name: {name}, value: \"1\"}}]}}\n  containers: [{{name: a}}]\n"
        )
    };
    let faults = |field: &str, name: &str| {
        let parsed = parse_case(&text(field, name), Path::new("case.yaml"), "area/case");
        parsed.err().unwrap_or_default().iter().map(without_place).collect::<Vec<_>>()
    };
    assert_eq!(
        faults("hostNetwork", "net.ipv4.tcp_syncookies"),
        [
            "pod.securityContext.sysctls[0].name: net.ipv4.tcp_syncookies would be set on the node's network (a Pod with hostNetwork may set no net.*: remove one of the two)"
        ]
    );
    assert_eq!(
        faults("hostIPC", "kernel.shm_rmid_forced"),
        [
            "pod.securityContext.sysctls[0].name: kernel.shm_rmid_forced would be set on the node's IPC namespace (a Pod with hostIPC may set no kernel.* and fs.mqueue.*: remove one of the two)"
        ]
    );
    assert_eq!(faults("hostNetwork", "kernel.shm_rmid_forced"), [""; 0]);
    assert_eq!(faults("hostIPC", "net.ipv4.tcp_syncookies"), [""; 0]);
}

#[test]
fn users_of_its_own_exclude_the_hosts_namespaces() {
    for name in ["hostNetwork", "hostPID", "hostIPC"] {
        let text = format!(
            "about: A Pod.\nshows: [X4]\npod:\n  hostUsers: false\n  {name}: true\n  containers: [{{name: a}}]\n"
        );
        let faults = parse_case(&text, Path::new("case.yaml"), "area/case").expect_err(name);
        let faults: Vec<String> = faults.iter().map(without_place).collect();
        let help = "a Pod with users of its own has these namespaces of its own as well: remove one of the two";
        assert_eq!(faults, [format!("pod.{name}: {name} excludes hostUsers: false ({help})")]);
        let allowed = text.replace("hostUsers: false", "hostUsers: true");
        assert!(parse_case(&allowed, Path::new("case.yaml"), "area/case").is_ok(), "{name}");
    }
}

#[test]
fn a_pod_has_at_least_what_its_containers_have() {
    let of = |resources: &str| {
        let text = format!(
            "about: A Pod.\nshows: [L21]\npod:\n  resources: {resources}\n  containers: [{{name: a, resources: {{limits: {{cpu: 1, memory: 64Mi}}}}}}, {{name: b, resources: {{requests: {{cpu: 500m}}}}}}]\n"
        );
        let parsed = parse_case(&text, Path::new("case.yaml"), "area/case");
        parsed.err().unwrap_or_default().iter().map(without_place).collect::<Vec<_>>()
    };
    assert_eq!(of("{requests: {cpu: 1500m, memory: 64Mi}, limits: {cpu: 2, memory: 64Mi}}"), [""; 0]);
    assert_eq!(
        of("{requests: {cpu: 1499m}}"),
        [
            "pod.resources.requests.cpu: the containers request more cpu than the Pod's 1499m (a Pod's request is at least the sum of its containers')"
        ]
    );
    assert_eq!(
        of("{limits: {memory: 32Mi}}"),
        [
            "pod.resources.limits.memory: the container \"a\" has a higher memory limit than the Pod's 32Mi (no container's limit is above the Pod's)"
        ]
    );
    assert_eq!(
        of("{limits: {ephemeral-storage: 1Gi}}"),
        [
            "pod.resources.limits.ephemeral-storage: a Pod as a whole has no resource \"ephemeral-storage\" (expected cpu or memory)"
        ]
    );
}

/// Faults of a case with these lines of its Pod.
fn of_pod(pod: &str) -> Vec<String> {
    let text = format!("about: A Pod.\nshows: [S9]\npod:\n  {}\n", pod.replace('\n', "\n  "));
    let parsed = parse_case(&text, Path::new("case.yaml"), "area/case");
    parsed.err().unwrap_or_default().iter().map(without_place).collect()
}

/// A Pod whose container of that kind has this beside its name.
fn with(kind: &str, rest: &str) -> String {
    let others = if kind == "containers" { "" } else { "containers: [{name: other}]\n" };
    format!("{others}{kind}: [{{name: a, {rest}}}]")
}

const KINDS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

#[test]
fn an_unmasked_proc_takes_users_of_its_own() {
    for kind in KINDS {
        let pod = with(kind, "securityContext: {procMount: Unmasked}");
        let fault = format!(
            "pod.{kind}[0].securityContext.procMount: procMount: Unmasked takes a Pod with users of its own (what /proc shows of the host is covered from who shares the host's users: add hostUsers: false)"
        );
        assert_eq!(of_pod(&pod), [fault]);
        assert_eq!(of_pod(&format!("hostUsers: false\n{pod}")), [""; 0], "{kind}");
    }
}

#[test]
fn a_profile_of_the_node_is_looked_up_for_every_kind_of_container() {
    for kind in KINDS {
        let pod = with(kind, "securityContext: {seccompProfile: {type: Localhost, localhostProfile: p.json}}");
        let fault = format!(
            "pod.{kind}[0].securityContext.seccompProfile.localhostProfile: the case gives no seccomp profile \"p.json\" (add it under seccomp_profiles: of the case)"
        );
        assert_eq!(of_pod(&pod), [fault]);
    }
}

#[test]
fn a_pods_request_covers_its_init_containers_too() {
    let of = |init: &str| {
        of_pod(&format!(
            "resources: {{requests: {{cpu: 500m}}, limits: {{cpu: 1}}}}\ninitContainers: {init}\ncontainers: [{{name: a, resources: {{requests: {{cpu: 400m}}}}}}]"
        ))
    };
    let too_small = [
        "pod.resources.requests.cpu: the containers request more cpu than the Pod's 500m (a Pod's request is at least the sum of its containers')",
    ];
    assert_eq!(of("[{name: i, resources: {requests: {cpu: 500m}}}]"), [""; 0]);
    assert_eq!(of("[{name: i, resources: {requests: {cpu: 501m}}}]"), too_small);
    assert_eq!(of("[{name: s, restartPolicy: Always, resources: {requests: {cpu: 100m}}}]"), [""; 0]);
    assert_eq!(of("[{name: s, restartPolicy: Always, resources: {requests: {cpu: 101m}}}]"), too_small);
    let beside = "[{name: s, restartPolicy: Always, resources: {requests: {cpu: 100m}}}, {name: i, resources: {requests: {cpu: CPU}}}]";
    assert_eq!(of(&beside.replace("CPU", "400m")), [""; 0]);
    assert_eq!(of(&beside.replace("CPU", "401m")), too_small);
    // Only the limits of `containers` are held against the Pod's.
    assert_eq!(of("[{name: i, resources: {limits: {cpu: 2}, requests: {cpu: 1m}}}]"), [""; 0]);
}

#[test]
fn ports_of_the_hosts_network() {
    let of = |pod: &str| of_pod(&format!("hostNetwork: true\n{pod}"));
    let app = "containers: [{name: a, ports: [{containerPort: 80}]}]";
    for kind in ["containers", "initContainers"] {
        let twice = with(kind, "ports: [{containerPort: 80}, {containerPort: 80, name: other}]");
        let fault = format!(
            "pod.{kind}[0].ports[1].containerPort: this container has the port 80 already (with hostNetwork all containers share the host's ports)"
        );
        assert_eq!(of(&twice), [fault]);
        assert_eq!(of_pod(&twice), [""; 0]);
        assert_eq!(of(&with(kind, "ports: [{containerPort: 80}, {containerPort: 80, protocol: UDP}]")), [""; 0]);
    }
    // Init containers end before the next one starts, so that an API server compares none with another.
    assert_eq!(
        of(&format!("initContainers: [{{name: i, ports: [{{containerPort: 80, hostPort: 81}}]}}]\n{app}")),
        [""; 0]
    );
    assert_eq!(of(&format!("initContainers: [{{name: i, ports: [{{containerPort: 80}}]}}]\n{app}")), [""; 0]);
}

#[test]
fn a_file_shows_the_resources_of_an_init_container() {
    let pod = "volumes: [{name: v, downwardAPI: {items: [{path: f, resourceFieldRef: {containerName: i, resource: limits.cpu}}]}}]\ninitContainers: [{name: i, resources: {limits: {cpu: 2}}}]\ncontainers: [{name: a}]";
    assert_eq!(of_pod(pod), [""; 0]);
}
