//! Which namespaces the Pod has.

use crate::pod::{CLUSTER_DOMAIN, Pod, PodSpec};

/// Namespace options as CRI has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Namespaces {
    /// net, and with it uts.
    pub network: Scope,
    /// ipc, and with it /dev/shm.
    pub ipc: Scope,
    /// pid.
    pub pid: Scope,
}

/// Who shares a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Scope {
    /// All of the Pod.
    Pod,
    /// Each container has its own.
    Container,
    /// The host's.
    Node,
}

/// A Pod's own network and ipc and a pid namespace for each container, unless the manifest says otherwise.
pub(super) fn of(spec: &PodSpec) -> Namespaces {
    let node_if = |host: bool| if host { Scope::Node } else { Scope::Pod };
    let pid = match (spec.host_pid, spec.share_process_namespace) {
        (true, _) => Scope::Node,
        (false, true) => Scope::Pod,
        (false, false) => Scope::Container,
    };
    Namespaces { network: node_if(spec.host_network), ipc: node_if(spec.host_ipc), pid }
}

/// Longest name that Linux and DNS take for a host.
const LONGEST_HOSTNAME: usize = 63;

/// Host name of the Pod in the kernel: the short name, the whole one where `setHostnameAsFQDN` asks for it.
/// `None` with hostNetwork, where a runtime must leave the host's UTS namespace alone.
pub(super) fn hostname(pod: &Pod) -> Option<String> {
    if pod.spec.host_network {
        return None;
    }
    let short = short_name(pod);
    Some(match domain(pod) {
        Some(domain) if pod.spec.set_hostname_as_fqdn => format!("{short}.{domain}"),
        _ => short,
    })
}

/// `hostnameOverride`, or the Pod's own choice, or its name, the latter cut to 63 characters and never ending in `-` or `.`
/// after that.
pub(super) fn short_name(pod: &Pod) -> String {
    if let Some(name) = &pod.spec.hostname_override {
        return name.clone();
    }
    let wanted = pod.spec.hostname.as_deref().unwrap_or(&pod.name);
    match wanted.char_indices().nth(LONGEST_HOSTNAME) {
        Some((end, _)) => wanted[..end].trim_end_matches(['-', '.']).to_owned(),
        None => wanted.to_owned(),
    }
}

/// The domain of a Pod with a subdomain.
pub(super) fn domain(pod: &Pod) -> Option<String> {
    let subdomain = pod.spec.subdomain.as_ref().filter(|_| pod.spec.hostname_override.is_none())?;
    Some(format!("{subdomain}.{}.svc.{CLUSTER_DOMAIN}", pod.namespace))
}
