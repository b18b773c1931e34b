//! The Pod's names and where it asks for others': hostAliases, dnsPolicy, dnsConfig, subdomain and their like.

use super::elsewhere::Metadata;
use super::{DnsConfig, HostAlias, PodSpec, names};
use crate::diagnostic::yaml::{Cursor, Kind};

/// Longest host name that the kernel takes.
const LONGEST: usize = 64;
/// The domain of the cluster that the plan's node pretends to be in.
pub const CLUSTER_DOMAIN: &str = "cluster.local";

/// `dnsConfig`, for `dnsPolicy: None` alone and for the others as what is added to the node's.
pub(super) fn dns(cursor: &Cursor<'_>) -> (Option<DnsConfig>, Option<DnsConfig>) {
    let policies = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
    let policy = match cursor.get("dnsPolicy").map(|value| value.one_of(&policies)) {
        Some(None) => return (None, None),
        Some(Some(policy)) => policy,
        None => "ClusterFirst",
    };
    let Some(config) = cursor.get("dnsConfig") else {
        if policy == "None"
            && let Some(value) = cursor.get("dnsPolicy")
        {
            value.fault("dnsPolicy None asks for a dnsConfig", "add dnsConfig: {nameservers: [...]}");
        }
        return (None, None);
    };
    let texts = |name: &str| config.get(name).and_then(|list| list.texts()).unwrap_or_default();
    let dns =
        DnsConfig { nameservers: texts("nameservers"), searches: texts("searches"), options: dns_options(&config) };
    let alone = policy == "None";
    if (alone && dns.nameservers.is_empty()) || dns.nameservers.len() > 3 {
        let help = if alone { "dnsPolicy None takes one to three" } else { "resolv.conf takes three" };
        config.fault_at_key(format!("{} nameservers", dns.nameservers.len()), help);
    }
    for item in config.get("nameservers").and_then(|list| list.items()).unwrap_or_default() {
        address(&item);
    }
    match (alone, dns == DnsConfig::default()) {
        (true, _) => (Some(dns), None),
        (false, true) => (None, None),
        (false, false) => (None, Some(dns)),
    }
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

/// A fault if text is no IP address; what is no text is somebody else's fault.
fn address(item: &Cursor<'_>) {
    if let Kind::Text(text) = &item.node().kind
        && text.parse::<std::net::IpAddr>().is_err()
    {
        item.fault(format!("{text:?} is not an IP address"), "");
    }
}

/// `hostAliases`.
pub(super) fn host_aliases(cursor: &Cursor<'_>) -> Vec<HostAlias> {
    let mut aliases = Vec::new();
    for item in cursor.get("hostAliases").and_then(|list| list.items()).unwrap_or_default() {
        let Some(ip) = item.get("ip") else {
            item.fault("a host alias has no ip", "add ip:");
            continue;
        };
        address(&ip);
        let hostnames = item.get("hostnames").and_then(|list| list.items()).unwrap_or_default();
        let hostnames = hostnames.iter().filter_map(names::subdomain).collect();
        aliases.extend(ip.text().map(|ip| HostAlias { ip: ip.to_owned(), hostnames }));
    }
    aliases
}

/// `hostnameOverride`: the name in the kernel, and nothing else.
pub(super) fn hostname_override(cursor: &Cursor<'_>, host_network: bool, as_fqdn: bool) -> Option<String> {
    let value = cursor.get("hostnameOverride")?;
    let name = names::subdomain(&value)?;
    if name.len() > LONGEST {
        value.fault(format!("{} characters", name.len()), format!("the kernel takes {LONGEST}"));
    }
    if host_network {
        value.fault_at_key("hostnameOverride excludes hostNetwork", "the host's name comes with its network");
    }
    if as_fqdn {
        value.fault_at_key("hostnameOverride excludes setHostnameAsFQDN", "remove one of the two");
    }
    Some(name)
}

/// A fault where a kubelet would not make the sandbox: a whole name that the kernel does not take.
pub(super) fn fqdn(cursor: &Cursor<'_>, spec: &PodSpec, metadata: &Metadata) {
    let (Some(subdomain), true, false) = (&spec.subdomain, spec.set_hostname_as_fqdn, spec.host_network) else {
        return;
    };
    let name: String = spec.hostname.as_deref().unwrap_or(&metadata.name).chars().take(63).collect();
    let whole = format!("{name}.{subdomain}.{}.svc.{CLUSTER_DOMAIN}", metadata.namespace);
    if whole.len() > LONGEST
        && let Some(value) = cursor.get("setHostnameAsFQDN")
    {
        value.fault_at_key(
            format!("the whole name {whole} has {} characters", whole.len()),
            format!("the kernel takes {LONGEST}; a kubelet would not start this Pod"),
        );
    }
}
