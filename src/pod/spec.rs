//! `spec` of a Pod.

use super::container::{self, Around};
use super::{Container, DnsConfig, HostPathType, PodSpec, Volume, VolumeSource, fields, names, resources, security};
use crate::diagnostic::yaml::{Cursor, Kind};
use std::path::PathBuf;

/// Reads a spec whose fields have been checked, and refuses what Kubernetes refuses.
pub(super) fn read(cursor: &Cursor<'_>, default_image: Option<&str>, not_acted_on: &mut Vec<String>) -> PodSpec {
    let truth = |name: &str| cursor.get(name).and_then(|value| value.boolean()).unwrap_or_default();
    let text =
        |name: &str| cursor.get(name).and_then(|value| value.text().map(str::to_owned)).filter(|text| !text.is_empty());
    let volumes = volumes(cursor);
    let volume_names = volume_names(cursor);
    let host_network = truth("hostNetwork");
    let around = Around { default_image, host_network, volumes: &volume_names };
    let mut spec = PodSpec {
        volumes,
        host_network,
        host_ipc: truth("hostIPC"),
        host_pid: truth("hostPID"),
        share_process_namespace: truth("shareProcessNamespace"),
        own_users: cursor.get("hostUsers").and_then(|value| value.boolean()) == Some(false),
        hostname: text("hostname").and_then(|_| names::label(&cursor.get("hostname")?)),
        termination_grace_period_seconds: grace_period(cursor),
        priority_class_name: text("priorityClassName"),
        dns: dns(cursor),
        resources: cursor.get("resources").map(|value| resources::of_pod(&value)),
        overhead: cursor.get("overhead").map(|value| resources::overhead(&value)),
        security: cursor.get("securityContext").map(|value| security::of_pod(&value)).unwrap_or_default(),
        containers: Vec::new(),
    };
    containers(cursor, &around, &mut spec, not_acted_on);
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
    if spec.host_network
        && let Some(value) = cursor.get("hostname")
    {
        fields::note(not_acted_on, value.path());
    }
    spec
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
        let container = container::read(item, around, not_acted_on);
        if let Some(name) = item.get("name")
            && !container.name.is_empty()
            && spec.containers.iter().any(|other| other.name == container.name)
        {
            name.fault(
                format!("the Pod has a container {:?} already", container.name),
                "each container of a Pod has a name of its own",
            );
        }
        if spec.host_network {
            ports_of_the_host(item, &container, &spec.containers);
        }
        security::non_root(item, &spec.security, &container.security);
        spec.containers.push(container);
    }
}

/// In the host's network a port can be declared by one container only, as Kubernetes has it.
fn ports_of_the_host(item: &Cursor<'_>, container: &Container, others: &[Container]) {
    for port in &container.ports {
        let Some(other) = others.iter().find(|other| other.ports.contains(port)) else { continue };
        if let Some(ports) = item.get("ports") {
            let message = format!("the container {:?} has port {} already", other.name, port.container_port);
            ports.fault_at_key(message, "with hostNetwork all containers share the host's ports");
        }
    }
}

/// Names of the volumes, of those with faults too: what mounts them is not at fault.
fn volume_names(cursor: &Cursor<'_>) -> Vec<String> {
    let items = cursor.get("volumes").and_then(|volumes| volumes.items()).unwrap_or_default();
    items.iter().filter_map(|item| item.node().get("name")).map(|name| name.written.clone()).collect()
}

fn volumes(cursor: &Cursor<'_>) -> Vec<Volume> {
    let mut volumes: Vec<Volume> = Vec::new();
    for item in cursor.get("volumes").and_then(|volumes| volumes.items()).unwrap_or_default() {
        let Kind::Map(_) = item.node().kind else {
            continue;
        };
        let Some(name_at) = item.get("name") else {
            item.fault("a volume has no name", "add name:");
            continue;
        };
        let Some(name) = names::label(&name_at) else {
            continue;
        };
        if volumes.iter().any(|volume| volume.name == name) {
            name_at
                .fault(format!("the Pod has a volume {name:?} already"), "each volume of a Pod has a name of its own");
        }
        if let Some(source) = volume_source(&item) {
            volumes.push(Volume { name, source });
        }
    }
    volumes
}

/// A volume that says nothing is an emptyDir, as the API server has it.
fn volume_source(item: &Cursor<'_>) -> Option<VolumeSource> {
    let entries = item.entries()?;
    let sources: Vec<_> =
        entries.iter().filter(|(key, value)| *key != "name" && !matches!(value.node().kind, Kind::Null)).collect();
    if let Some((_, second)) = sources.get(1) {
        second.fault_at_key("a volume has one source", "remove the other one");
        return None;
    }
    match sources.first() {
        None => Some(VolumeSource::EmptyDir),
        Some((key, _)) if *key == "emptyDir" => Some(VolumeSource::EmptyDir),
        Some((key, value)) if *key == "hostPath" => host_path(value),
        Some((_, value)) => {
            // The check of the fields takes an empty value for an unset one.
            if value.node().is_empty() {
                value.fault_at_key("not implemented yet", "only emptyDir and hostPath so far");
            }
            None
        }
    }
}

fn host_path(cursor: &Cursor<'_>) -> Option<VolumeSource> {
    let kinds = ["", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket", "CharDevice", "BlockDevice"];
    let kind = match cursor.get("type") {
        None => HostPathType::Unset,
        Some(value) => match value.one_of(&kinds)? {
            "Directory" => HostPathType::Directory,
            "DirectoryOrCreate" => HostPathType::DirectoryOrCreate,
            "File" => HostPathType::File,
            "FileOrCreate" => HostPathType::FileOrCreate,
            "Socket" => HostPathType::Socket,
            "CharDevice" => HostPathType::CharDevice,
            "BlockDevice" => HostPathType::BlockDevice,
            _ => HostPathType::Unset,
        },
    };
    let Some(value) = cursor.get("path") else {
        cursor.fault_at_key("a hostPath has no path", "add path:");
        return None;
    };
    let path = value.text()?;
    if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
        value.fault(format!("{path:?} cannot be a hostPath"), "expected an absolute path without `..`");
        return None;
    }
    Some(VolumeSource::HostPath { path: PathBuf::from(path), kind })
}

fn dns(cursor: &Cursor<'_>) -> Option<DnsConfig> {
    let policies = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
    let policy = match cursor.get("dnsPolicy") {
        Some(value) => value.one_of(&policies)?,
        None => "ClusterFirst",
    };
    let Some(config) = cursor.get("dnsConfig") else {
        if policy == "None"
            && let Some(value) = cursor.get("dnsPolicy")
        {
            value.fault("dnsPolicy None asks for a dnsConfig", "add dnsConfig: {nameservers: [...]}");
        }
        return None;
    };
    if policy != "None" {
        if !config.node().is_empty() {
            config.fault_at_key("not implemented yet", "only together with dnsPolicy: None so far");
        }
        return None;
    }
    let texts = |name: &str| config.get(name).and_then(|list| list.texts()).unwrap_or_default();
    let dns =
        DnsConfig { nameservers: texts("nameservers"), searches: texts("searches"), options: dns_options(&config) };
    if dns.nameservers.is_empty() || dns.nameservers.len() > 3 {
        config.fault_at_key(format!("{} nameservers", dns.nameservers.len()), "dnsPolicy None takes one to three");
    }
    for item in config.get("nameservers").and_then(|list| list.items()).unwrap_or_default() {
        if let Kind::Text(text) = &item.node().kind
            && text.parse::<std::net::IpAddr>().is_err()
        {
            item.fault(format!("{text:?} is not an IP address"), "");
        }
    }
    Some(dns)
}

fn dns_options(config: &Cursor<'_>) -> Vec<String> {
    let mut options = Vec::new();
    for item in config.get("options").and_then(|list| list.items()).unwrap_or_default() {
        let name = item.get("name").and_then(|name| name.text());
        let value = item.get("value").and_then(|value| value.text());
        match (name, value) {
            (None, _) => item.fault("a DNS option has no name", "add name:"),
            (Some(name), None) => options.push(name.to_owned()),
            (Some(name), Some(value)) => options.push(format!("{name}:{value}")),
        }
    }
    options
}
