//! `spec` of a Pod.

use super::container::{self, Around};
use super::elsewhere::Elsewhere;
use super::volume::{host_paths, volume_names, volumes};
use super::{Container, PodSpec, RestartPolicy, ephemeral, fields, names, network, resources, security};
use crate::diagnostic::yaml::{Cursor, Kind};

/// Reads a spec whose fields have been checked, and refuses what Kubernetes refuses.
pub(super) fn read(
    cursor: &Cursor<'_>,
    default_image: Option<&str>,
    elsewhere: &Elsewhere<'_>,
    not_acted_on: &mut Vec<String>,
) -> PodSpec {
    let truth = |name: &str| cursor.get(name).and_then(|value| value.boolean()).unwrap_or_default();
    let text =
        |name: &str| cursor.get(name).and_then(|value| value.text().map(str::to_owned)).filter(|text| !text.is_empty());
    let volumes = volumes(cursor, elsewhere, not_acted_on);
    let volume_names = volume_names(cursor);
    let host_network = truth("hostNetwork");
    let around = Around {
        default_image,
        host_network,
        volumes: &volume_names,
        host_paths: &host_paths(cursor),
        grace_seconds: grace_period(cursor),
        os_is_named: cursor.get("os").is_some(),
        elsewhere,
    };
    let (dns, dns_added) = network::dns(cursor);
    let set_hostname_as_fqdn = truth("setHostnameAsFQDN");
    let mut spec = PodSpec {
        volumes,
        host_network,
        host_ipc: truth("hostIPC"),
        host_pid: truth("hostPID"),
        share_process_namespace: truth("shareProcessNamespace"),
        own_users: cursor.get("hostUsers").and_then(|value| value.boolean()) == Some(false),
        hostname: text("hostname").and_then(|_| names::label(&cursor.get("hostname")?)),
        restart_policy: restart_policy(cursor),
        termination_grace_period_seconds: around.grace_seconds,
        priority_class_name: text("priorityClassName"),
        subdomain: text("subdomain").and_then(|_| names::label(&cursor.get("subdomain")?)),
        set_hostname_as_fqdn,
        hostname_override: network::hostname_override(cursor, host_network, set_hostname_as_fqdn),
        host_aliases: network::host_aliases(cursor),
        dns,
        dns_added,
        resources: cursor.get("resources").map(|value| resources::of_pod(&value)),
        overhead: cursor.get("overhead").map(|value| resources::overhead(&value)),
        security: cursor.get("securityContext").map(|value| security::of_pod(&value)).unwrap_or_default(),
        init_containers: Vec::new(),
        containers: Vec::new(),
        ephemeral_containers: Vec::new(),
    };
    init_containers(cursor, &around, &mut spec, not_acted_on);
    containers(cursor, &around, &mut spec, not_acted_on);
    ephemeral::read(cursor, &around, &mut spec, not_acted_on);
    if spec.host_pid
        && spec.share_process_namespace
        && let Some(value) = cursor.get("shareProcessNamespace")
    {
        value.fault(
            "shareProcessNamespace excludes hostPID",
            "a Pod has one PID namespace for all, or the host's: remove one of the two",
        );
    }
    if spec.own_users {
        for (name, set) in [("hostNetwork", spec.host_network), ("hostPID", spec.host_pid), ("hostIPC", spec.host_ipc)]
        {
            if set && let Some(value) = cursor.get(name) {
                value.fault(
                    format!("{name} excludes hostUsers: false"),
                    "a Pod with users of its own has these namespaces of its own as well: remove one of the two",
                );
            }
        }
    }
    if let Some(value) = cursor.get("resources") {
        resources::settle(&value, &spec);
    }
    // The host's network comes with the host's name.
    for name in ["hostname", "subdomain", "setHostnameAsFQDN"] {
        if spec.host_network
            && let Some(value) = cursor.get(name)
        {
            fields::note(not_acted_on, value.path());
        }
    }
    spec
}

fn restart_policy(cursor: &Cursor<'_>) -> RestartPolicy {
    let policy = cursor.get("restartPolicy").and_then(|value| value.one_of(&["Always", "OnFailure", "Never"]));
    match policy {
        Some("OnFailure") => RestartPolicy::OnFailure,
        Some("Never") => RestartPolicy::Never,
        _ => RestartPolicy::Always,
    }
}

fn grace_period(cursor: &Cursor<'_>) -> u64 {
    let seconds = cursor.get("terminationGracePeriodSeconds").and_then(|value| value.integer(0, i64::MAX));
    seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(30)
}

fn containers(cursor: &Cursor<'_>, around: &Around<'_>, spec: &mut PodSpec, not_acted_on: &mut Vec<String>) {
    let Some(list) = cursor.get("containers") else {
        cursor.fault_at_key("a Pod has at least one container", "add containers: to the spec");
        return;
    };
    let items = list.items().unwrap_or_default();
    if items.is_empty() && matches!(list.node().kind, Kind::List(_)) {
        list.fault("a Pod has at least one container", "");
    }
    for item in items.iter().filter(|item| matches!(item.node().kind, Kind::Map(_))) {
        let container = one(item, around, spec, not_acted_on);
        if let Some(value) = item.get("restartPolicy") {
            value.fault_at_key("not implemented yet", "only of init containers so far; remove it to judge the rest");
        }
        if spec.host_network {
            ports_of_the_host(item, &container, &spec.containers);
        }
        spec.containers.push(container);
    }
}

fn init_containers(cursor: &Cursor<'_>, around: &Around<'_>, spec: &mut PodSpec, not_acted_on: &mut Vec<String>) {
    let items = cursor.get("initContainers").and_then(|list| list.items()).unwrap_or_default();
    for item in items.iter().filter(|item| matches!(item.node().kind, Kind::Map(_))) {
        let mut container = one(item, around, spec, not_acted_on);
        container.stays = item.get("restartPolicy").is_some_and(|value| value.one_of(&["Always"]).is_some());
        let only_sidecars = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"];
        for value in only_sidecars.iter().filter(|_| !container.stays).filter_map(|name| item.get(name)) {
            value.fault_at_key(
                "an init container that ends has none",
                "remove it, or make it a sidecar: restartPolicy: Always",
            );
        }
        spec.init_containers.push(container);
    }
}

/// A container of any kind, whose name no other has.
pub(super) fn one(item: &Cursor<'_>, around: &Around<'_>, spec: &PodSpec, not_acted_on: &mut Vec<String>) -> Container {
    let container = container::read(item, around, not_acted_on);
    if let Some(name) = item.get("name")
        && !container.name.is_empty()
        && spec.container(&container.name).is_some()
    {
        name.fault(
            format!("the Pod has a container {:?} already", container.name),
            "each container of a Pod has a name of its own",
        );
    }
    security::non_root(item, &spec.security, &container);
    container
}

/// In the host's network a port is the host's anyway, has to be the same, and can be declared by one container only. As
/// Kubernetes has it this is for `containers` alone: init containers start one after the other.
/// Source: Kubernetes pkg/apis/core/validation/validation.go (`validatePodHostNetworkDeps`, `checkHostPortConflicts`).
fn ports_of_the_host(item: &Cursor<'_>, container: &Container, others: &[Container]) {
    for port in item.get("ports").and_then(|ports| ports.items()).unwrap_or_default() {
        let number = |name: &str| match port.node().get(name).map(|node| &node.kind) {
            Some(Kind::Integer(number)) => Some(*number),
            _ => None,
        };
        if let (Some(inside), Some(outside)) = (number("containerPort"), number("hostPort"))
            && outside != 0
            && inside != outside
            && let Some(value) = port.get("hostPort")
        {
            value.fault(
                format!("hostPort {outside} is not the containerPort {inside}"),
                "with hostNetwork the two are the same",
            );
        }
    }
    for port in &container.ports {
        let Some(other) = others.iter().find(|other| other.ports.contains(port)) else { continue };
        if let Some(ports) = item.get("ports") {
            let message = format!("the container {:?} has port {} already", other.name, port.container_port);
            ports.fault_at_key(message, "with hostNetwork all containers share the host's ports");
        }
    }
}
