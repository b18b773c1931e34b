//! One of `spec.containers`.

use super::elsewhere::{Elsewhere, Found, From};
use super::expand::expand;
use super::{
    Container, Port, Propagation, Protocol, RecursiveReadOnly, Resources, VolumeMount, lifecycle, names,
    resource_field, resources, security,
};
use crate::diagnostic::yaml::Cursor;
use std::collections::HashSet;

/// What `terminationMessagePath` is unless a manifest says otherwise.
const USUAL_TERMINATION_LOG: &str = "/dev/termination-log";

/// What the Pod around says.
pub(super) struct Around<'a> {
    /// The image of a container that names none; `None` if it must.
    pub default_image: Option<&'a str>,
    /// `hostNetwork`.
    pub host_network: bool,
    /// Names of the Pod's volumes.
    pub volumes: &'a [String],
    /// Names of those that are paths of the host.
    pub host_paths: &'a [String],
    /// `terminationGracePeriodSeconds`.
    pub grace_seconds: u64,
    /// `os` is there.
    pub os_is_named: bool,
    /// What values are taken from.
    pub elsewhere: &'a Elsewhere<'a>,
}

/// Reads a container whose fields have been checked.
pub(super) fn read(cursor: &Cursor<'_>, around: &Around<'_>, not_acted_on: &mut Vec<String>) -> Container {
    let texts = |name: &str| cursor.get(name).and_then(|list| list.texts()).unwrap_or_default();
    let resources = cursor.get("resources").map(|value| resources::read(&value, not_acted_on)).unwrap_or_default();
    let env = env(cursor, around, &resources);
    let value_of = |name: &str| env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let expanded = |name: &str| texts(name).iter().map(|text| expand(text, value_of)).collect();
    let (command, args) = (expanded("command"), expanded("args"));
    Container {
        name: name(cursor).unwrap_or_default(),
        image: image(cursor, around).unwrap_or_default(),
        command,
        args,
        working_dir: working_dir(cursor),
        ports: ports(cursor, around),
        resources,
        volume_mounts: volume_mounts(cursor, around, &env),
        security: cursor.get("securityContext").map(|value| security::of_container(&value)).unwrap_or_default(),
        termination_log: termination_log(cursor),
        post_start: lifecycle::hook(cursor, "postStart", around.grace_seconds),
        pre_stop: lifecycle::hook(cursor, "preStop", around.grace_seconds),
        stop_signal: lifecycle::stop_signal(cursor, around.os_is_named),
        stays: false,
        target: None,
        env,
    }
}

fn name(cursor: &Cursor<'_>) -> Option<String> {
    let Some(value) = cursor.get("name") else {
        cursor.fault("a container has no name", "add name:");
        return None;
    };
    let name = names::label(&value)?;
    if name == "sandbox" {
        value.fault(
            "the name sandbox is taken",
            "podcheck calls the Pod's pause process sandbox; name the container otherwise",
        );
        return None;
    }
    Some(name)
}

fn image(cursor: &Cursor<'_>, around: &Around<'_>) -> Option<String> {
    match cursor.get("image") {
        Some(value) => {
            let image = value.text()?;
            if image.is_empty() || image.trim() != image {
                value.fault(format!("{image:?} is not the name of an image"), "as in docker.io/library/nginx:1.27");
            }
            Some(image.to_owned())
        }
        None => {
            if around.default_image.is_none() {
                cursor.fault("a container has no image", "add image:");
            }
            around.default_image.map(str::to_owned)
        }
    }
}

fn working_dir(cursor: &Cursor<'_>) -> Option<String> {
    let value = cursor.get("workingDir")?;
    let path = value.text()?;
    if !path.is_empty() && !path.starts_with('/') {
        value.fault(format!("{path:?} is not an absolute path"), "runtimes take an absolute workingDir: begin with /");
    }
    Some(path.to_owned()).filter(|path| !path.is_empty())
}

/// Empty is the usual one.
fn termination_log(cursor: &Cursor<'_>) -> Option<String> {
    let value = cursor.get("terminationMessagePath")?;
    let path = value.text()?;
    if !path.is_empty() && (!path.starts_with('/') || path.contains(':') || path.split('/').any(|part| part == "..")) {
        value.fault(
            format!("{path:?} cannot be a mount path"),
            "a kubelet mounts a file there: expected an absolute path without `..` and `:`",
        );
    }
    Some(path.to_owned()).filter(|path| !["", USUAL_TERMINATION_LOG].contains(&path.as_str()))
}

/// `envFrom`, then `env`. Values are expanded with the variables above them; a name that stands twice has its last value.
fn env(cursor: &Cursor<'_>, around: &Around<'_>, resources: &Resources) -> Vec<(String, String)> {
    let mut env: Vec<(String, String)> = env_from(cursor, around);
    for item in cursor.get("env").and_then(|env| env.items()).unwrap_or_default() {
        let Some(name_at) = item.get("name") else {
            item.fault("an environment variable has no name", "add name:");
            continue;
        };
        let Some(name) = name_at.text() else { continue };
        if !is_variable(name) {
            name_at.fault(
                format!("{name:?} is not a name for an environment variable"),
                "expected printable ASCII characters without `=`",
            );
            continue;
        }
        let text = item.get("value").map(|value| value.text());
        let Some(text) = text.unwrap_or(Some("")) else {
            continue;
        };
        let value = match item.get("valueFrom") {
            None => {
                let value_of =
                    |name: &str| env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
                Some(expand(text, value_of))
            }
            Some(from) if !text.is_empty() => {
                from.fault_at_key("a variable has one value", "remove value or valueFrom");
                None
            }
            Some(from) => value_from(&from, around, resources),
        };
        let Some(value) = value else { continue };
        set(&mut env, name, value);
    }
    env
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| (' '..='~').contains(&c) && c != '=')
}

fn set(env: &mut Vec<(String, String)>, name: &str, value: String) {
    match env.iter_mut().find(|(known, _)| known == name) {
        Some(known) => known.1 = value,
        None => env.push((name.to_owned(), value)),
    }
}

/// Every key of the objects named, as far as it can be a variable.
fn env_from(cursor: &Cursor<'_>, around: &Around<'_>) -> Vec<(String, String)> {
    let mut env = Vec::new();
    for item in cursor.get("envFrom").and_then(|env| env.items()).unwrap_or_default() {
        let prefix = item.get("prefix").and_then(|prefix| prefix.text()).unwrap_or_default();
        let (reference, from) = match (item.get("configMapRef"), item.get("secretRef")) {
            (Some(reference), None) => (reference, From::ConfigMap),
            (None, Some(reference)) => (reference, From::Secret),
            _ => {
                item.fault("envFrom takes from one object", "either configMapRef or secretRef");
                continue;
            }
        };
        // Which keys an object has that only the cluster knows nobody can say here.
        let Found::Data(data) = around.elsewhere.object(&reference, "name", from) else { continue };
        for (key, value) in data {
            let name = format!("{prefix}{key}");
            if let (true, Ok(value)) = (is_variable(&name) && !value.contains(&0), String::from_utf8(value.clone())) {
                set(&mut env, &name, value);
            }
        }
    }
    env
}

/// `None` if it is optional and not there: then there is no such variable.
fn value_from(cursor: &Cursor<'_>, around: &Around<'_>, resources: &Resources) -> Option<String> {
    let entries = cursor.entries()?;
    let [(key, source)] = entries.as_slice() else {
        cursor.fault_at_key(
            "a variable has one source",
            "one of fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef",
        );
        return None;
    };
    match *key {
        "fieldRef" => around.elsewhere.field(source, false),
        "configMapKeyRef" => around.elsewhere.key(source, From::ConfigMap),
        "secretKeyRef" => around.elsewhere.key(source, From::Secret),
        "resourceFieldRef" => resource_field::value(source, Some(resources), around.elsewhere),
        _ => None,
    }
}

fn ports(cursor: &Cursor<'_>, around: &Around<'_>) -> Vec<Port> {
    let mut ports = Vec::new();
    let mut port_names = HashSet::new();
    for item in cursor.get("ports").and_then(|ports| ports.items()).unwrap_or_default() {
        if let Some(value) = item.get("name")
            && let Some(name) = value.text()
            && !port_names.insert(name)
        {
            value.fault(
                format!("this container has a port {name:?} already"),
                "each port of a container has a name of its own",
            );
        }
        let Some(value) = item.get("containerPort") else {
            item.fault("a port has no containerPort", "add containerPort:");
            continue;
        };
        let Some(number) = value.integer(1, 65535).and_then(|port| u16::try_from(port).ok()) else {
            continue;
        };
        let protocol = match item.get("protocol").map(|value| value.one_of(&["TCP", "UDP", "SCTP"])) {
            Some(None) => continue,
            Some(Some("UDP")) => Protocol::Udp,
            Some(Some("SCTP")) => Protocol::Sctp,
            _ => Protocol::Tcp,
        };
        if let Some(host) = item.get("hostPort")
            && host.integer(0, 65535).is_some_and(|port| port != 0)
            && !around.host_network
        {
            // CNI's portmap writes them, and so does Docker unless told not to.
            let help =
                "a port of the host needs firewall rules, which podcheck never makes; remove it to judge the rest";
            host.fault_at_key("not implemented yet", help);
        }
        let port = Port { container_port: number, protocol };
        // Elsewhere Kubernetes only warns of a port that stands twice.
        if !ports.contains(&port) {
            ports.push(port);
        } else if around.host_network {
            value.fault(
                format!("this container has the port {number} already"),
                "with hostNetwork all containers share the host's ports",
            );
        }
    }
    ports
}

fn volume_mounts(cursor: &Cursor<'_>, around: &Around<'_>, env: &[(String, String)]) -> Vec<VolumeMount> {
    let privileged =
        cursor.get("securityContext").and_then(|security| security.get("privileged")?.boolean()).unwrap_or_default();
    let mut mounts: Vec<VolumeMount> = Vec::new();
    for item in cursor.get("volumeMounts").and_then(|mounts| mounts.items()).unwrap_or_default() {
        let (Some(name_at), Some(path_at)) = (item.get("name"), item.get("mountPath")) else {
            let missing = if item.get("name").is_none() { "name" } else { "mountPath" };
            item.fault(format!("a volume mount has no {missing}"), format!("add {missing}:"));
            continue;
        };
        let (Some(name), Some(path)) = (name_at.text(), path_at.text()) else {
            continue;
        };
        if !around.volumes.iter().any(|volume| volume == name) {
            let help = match around.volumes {
                [] => "the Pod has no volumes; add it to spec.volumes".to_owned(),
                volumes => format!("the Pod's volumes are {}", volumes.join(", ")),
            };
            name_at.fault(format!("the Pod has no volume {name:?}"), help);
        }
        if !path.starts_with('/') || path.contains(':') || path.split('/').any(|part| part == "..") {
            path_at.fault(format!("{path:?} cannot be a mount path"), "expected an absolute path without `..` and `:`");
        } else if path.trim_end_matches('/').is_empty() {
            path_at.fault("a volume cannot be mounted over the root", "choose a directory below /");
        } else if mounts.iter().any(|mount| mount.mount_path == path) {
            path_at.fault(
                format!("something is mounted at {path} already"),
                "each volume mount of a container has a path of its own",
            );
        }
        let read_only = item.get("readOnly").and_then(|value| value.boolean()).unwrap_or_default();
        let propagation = propagation(&item, privileged);
        if propagation != Propagation::None
            && around.host_paths.iter().any(|volume| volume == name)
            && let Some(value) = item.get("mountPropagation")
        {
            let help = "podcheck keeps mounts from the host: only volumes of the Pod's own pass them on so far";
            value.fault_at_key("not implemented yet", help);
        }
        mounts.push(VolumeMount {
            name: name.to_owned(),
            mount_path: path.to_owned(),
            read_only,
            recursive_read_only: recursive_read_only(&item, read_only, propagation),
            propagation,
            sub_path: sub_path(&item, env),
        });
    }
    mounts
}

fn propagation(item: &Cursor<'_>, privileged: bool) -> Propagation {
    let Some(value) = item.get("mountPropagation") else { return Propagation::None };
    match value.one_of(&["None", "HostToContainer", "Bidirectional"]) {
        Some("HostToContainer") => Propagation::HostToContainer,
        Some("Bidirectional") => {
            if !privileged {
                value.fault(
                    "Bidirectional is for privileged containers",
                    "add securityContext: {privileged: true}, or choose HostToContainer",
                );
            }
            Propagation::Bidirectional
        }
        _ => Propagation::None,
    }
}

/// Refused as the API server refuses it: by itself it makes nothing read-only, and nothing may come in later.
fn recursive_read_only(item: &Cursor<'_>, read_only: bool, propagation: Propagation) -> RecursiveReadOnly {
    let Some(value) = item.get("recursiveReadOnly") else { return RecursiveReadOnly::Disabled };
    let wanted = match value.one_of(&["Disabled", "IfPossible", "Enabled"]) {
        Some("IfPossible") => RecursiveReadOnly::IfPossible,
        Some("Enabled") => RecursiveReadOnly::Enabled,
        _ => return RecursiveReadOnly::Disabled,
    };
    if !read_only {
        value.fault("recursiveReadOnly goes with readOnly: true", "add readOnly: true");
    }
    if propagation != Propagation::None {
        value.fault("recursiveReadOnly excludes mountPropagation", "choose mountPropagation: None");
    }
    wanted
}

/// `subPath` as it is, `subPathExpr` with the container's variables, which must all be there.
fn sub_path(item: &Cursor<'_>, env: &[(String, String)]) -> Option<String> {
    let plain = item.get("subPath").filter(|value| value.text() != Some(""));
    let expression = item.get("subPathExpr").filter(|value| value.text() != Some(""));
    if let (Some(_), Some(value)) = (&plain, &expression) {
        value.fault_at_key("a volume mount has one of subPath and subPathExpr", "remove one of the two");
        return None;
    }
    let value = plain.or_else(|| expression.clone())?;
    let mut text = value.text()?.to_owned();
    if expression.is_some() {
        let missing = std::cell::RefCell::new(Vec::new());
        let value_of = |name: &str| {
            let found = env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            if found.is_none() {
                missing.borrow_mut().push(name.to_owned());
            }
            found
        };
        text = expand(&text, value_of);
        if let Some(name) = missing.into_inner().first() {
            value.fault(format!("the container has no variable {name}"), "a kubelet does not start it then");
            return None;
        }
    }
    if text.contains('\0') {
        let help = "the volumes are made before the Pod has an address; remove this to judge the rest";
        value.fault_at_key("a subPath of the address, the uid or the node's resources is not implemented yet", help);
        return None;
    }
    if text.is_empty() || text.starts_with('/') || text.split('/').any(|part| part == "..") {
        value.fault(format!("{text:?} is no path below a volume"), "expected a relative path without `..`");
        return None;
    }
    Some(text)
}
