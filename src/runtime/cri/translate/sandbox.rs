//! The sandbox.

use super::{labels, namespace_options};
use crate::plan::Plan;
use crate::runtime::cri::messages::{
    DnsConfig, Int64Value, LinuxPodSandboxConfig, LinuxSandboxSecurityContext, PodSandboxConfig, PodSandboxMetadata,
    ProfileType, SecurityProfile,
};
use std::path::Path;

/// The label by which a Pod's sandboxes are found again.
pub(in crate::runtime::cri) const POD_UID: &str = "io.kubernetes.pod.uid";

/// The sandbox of a plan. `cgroup_parent` is the Pod's cgroup, `logs` a directory for the containers' output.
pub(in crate::runtime::cri) fn sandbox(plan: &Plan, cgroup_parent: String, logs: &Path) -> PodSandboxConfig {
    let security = LinuxSandboxSecurityContext {
        namespace_options: Some(namespace_options(&plan.namespaces)),
        run_as_user: plan.sandbox.user.map(|id| Int64Value { value: id.into() }),
        run_as_group: plan.sandbox.group.map(|id| Int64Value { value: id.into() }),
        supplemental_groups: plan.sandbox.supplemental_groups.iter().map(|&id| id.into()).collect(),
        privileged: plan.sandbox.privileged,
        seccomp_profile_path: String::new(),
        // A kubelet confines pause whatever the containers ask for: kuberuntime_sandbox.go, issue 84623.
        seccomp: Some(SecurityProfile { profile_type: ProfileType::RuntimeDefault.into(), ..Default::default() }),
    };
    PodSandboxConfig {
        metadata: Some(PodSandboxMetadata {
            name: plan.name.clone(),
            uid: plan.uid.clone(),
            namespace: plan.namespace.clone(),
            attempt: 0,
        }),
        // With the host's network the name is the host's, and runc refuses to set another.
        hostname: plan.hostname.clone().unwrap_or_default(),
        log_directory: logs.display().to_string(),
        // Unset, the daemon copies the host's resolv.conf.
        dns_config: plan.resolv_conf.as_deref().map(dns_config),
        labels: labels(plan),
        linux: Some(LinuxPodSandboxConfig {
            cgroup_parent,
            security_context: Some(security),
            sysctls: plan.sandbox.sysctls.iter().map(|s| (s.name.clone(), s.value.clone())).collect(),
        }),
    }
}

/// The same for a daemon that has only v1alpha2: containerd 1.4 does not read the field that says which seccomp profile
/// pause gets, but an older one, which the kubelets of its time set, too. A container's unset means unconfined in both.
pub(in crate::runtime::cri) fn for_v1alpha2(mut config: PodSandboxConfig) -> PodSandboxConfig {
    if let Some(security) = config.linux.as_mut().and_then(|linux| linux.security_context.as_mut()) {
        security.seccomp_profile_path = "runtime/default".to_owned();
    }
    config
}

/// resolv.conf in parts. As in resolv.conf, the last `search` counts, `nameserver` and `options` add up.
fn dns_config(resolv_conf: &str) -> DnsConfig {
    let mut dns = DnsConfig::default();
    for line in resolv_conf.lines() {
        let mut words = line.split_whitespace();
        let keyword = words.next().unwrap_or_default();
        let values = words.map(str::to_owned);
        match keyword {
            "nameserver" => dns.servers.extend(values.take(1)),
            "search" => dns.searches = values.collect(),
            "options" => dns.options.extend(values),
            _ => {}
        }
    }
    dns
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::plan::{Namespaces, Scope};

    #[test]
    fn the_sandbox_of_an_ordinary_pod() {
        let plan = samples::plan();
        let parent = format!("/podcheck/abcdefgh-ijklmnop/{}", plan.cgroup_parent());
        let config = sandbox(&plan, parent, Path::new("/run/podcheck/x/logs"));
        let expected = r#"PodSandboxConfig {
    metadata: Some(
        PodSandboxMetadata {
            name: "foo",
            uid: "0d9c8f6e-5a3b-4c1d-8e7f-112233445566",
            namespace: "default",
            attempt: 0,
        },
    ),
    hostname: "foo",
    log_directory: "/run/podcheck/x/logs",
    dns_config: None,
    labels: {
        "io.kubernetes.pod.name": "foo",
        "io.kubernetes.pod.namespace": "default",
        "io.kubernetes.pod.uid": "0d9c8f6e-5a3b-4c1d-8e7f-112233445566",
    },
    linux: Some(
        LinuxPodSandboxConfig {
            cgroup_parent: "/podcheck/abcdefgh-ijklmnop/kubepods/burstable/pod0d9c8f6e-5a3b-4c1d-8e7f-112233445566",
            security_context: Some(
                LinuxSandboxSecurityContext {
                    namespace_options: Some(
                        NamespaceOption {
                            network: Pod,
                            pid: Container,
                            ipc: Pod,
                            target_id: "",
                        },
                    ),
                    run_as_user: None,
                    supplemental_groups: [],
                    privileged: false,
                    seccomp_profile_path: "",
                    run_as_group: None,
                    seccomp: Some(
                        SecurityProfile {
                            profile_type: RuntimeDefault,
                            localhost_ref: "",
                        },
                    ),
                },
            ),
            sysctls: {},
        },
    ),
}"#;
        assert_eq!(format!("{config:#?}"), expected);
    }

    #[test]
    fn an_old_daemon_gets_the_old_field_as_well() {
        let config = sandbox(&samples::plan(), "/podcheck/a-b".to_owned(), Path::new("/l"));
        let security = for_v1alpha2(config).linux.and_then(|linux| linux.security_context).unwrap_or_default();
        assert_eq!(security.seccomp_profile_path, "runtime/default");
        assert!(security.seccomp.is_some());
    }

    #[test]
    fn host_namespaces_and_users_are_passed_on() {
        let mut plan = samples::plan();
        plan.hostname = None;
        plan.namespaces = Namespaces { network: Scope::Node, ipc: Scope::Node, pid: Scope::Pod };
        plan.sandbox.privileged = true;
        plan.sandbox.user = Some(1000);
        plan.sandbox.group = Some(2000);
        plan.sandbox.supplemental_groups = vec![3000, u32::MAX];
        let config = sandbox(&plan, "/kubepods".to_owned(), Path::new("/l"));
        assert_eq!(config.hostname, "");
        let linux = config.linux.unwrap_or_default();
        assert_eq!(linux.cgroup_parent, "/kubepods");
        let security = linux.security_context.unwrap_or_default();
        assert_eq!(security.namespace_options.map(|n| (n.network, n.pid, n.ipc)), Some((2, 0, 2)));
        assert!(security.privileged);
        assert_eq!(security.run_as_user.map(|v| v.value), Some(1000));
        assert_eq!(security.run_as_group.map(|v| v.value), Some(2000));
        assert_eq!(security.supplemental_groups, [3000, 4_294_967_295]);
    }

    #[test]
    fn a_resolv_conf_of_the_manifest_is_sent_in_parts() {
        let text = "# ours\nsearch old\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch a.example b.example\noptions ndots:5 rotate\n";
        let dns = dns_config(text);
        assert_eq!(dns.servers, ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(dns.searches, ["a.example", "b.example"]);
        assert_eq!(dns.options, ["ndots:5", "rotate"]);
    }
}
