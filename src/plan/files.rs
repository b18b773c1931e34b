//! The small files a kubelet or a runtime writes for a Pod.

use super::{Plan, namespaces};
use crate::pod::{DnsConfig, HostAlias, Pod};
use std::fmt::Write;
use std::net::IpAddr;

/// First line of the file of a Pod with an address of its own.
const MANAGED: &str = "# Kubernetes-managed hosts file.\n";
/// First line of the file of a Pod on the host's network; the node's own /etc/hosts follows it.
const MANAGED_HOST_NETWORK: &str = "# Kubernetes-managed hosts file (host network).\n";
/// Names that every hosts file has.
const ALWAYS: &str = "127.0.0.1\tlocalhost\n\
    ::1\tlocalhost ip6-localhost ip6-loopback\n\
    fe00::0\tip6-localnet\n\
    fe00::0\tip6-mcastprefix\n\
    fe00::1\tip6-allnodes\n\
    fe00::2\tip6-allrouters\n";

/// Most nameservers that resolv.conf takes; a kubelet leaves out the others.
const MOST_NAMESERVERS: usize = 3;

/// What a manifest asks of /etc/hosts and resolv.conf beyond what every Pod has there.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NetworkFiles {
    /// The Pod's names in /etc/hosts, the whole one first; empty with hostNetwork.
    pub names: Vec<String>,
    /// `hostAliases`.
    pub aliases: Vec<HostAlias>,
    /// What is added to the host's resolv.conf.
    pub dns_added: Option<DnsConfig>,
}

/// Those of a Pod.
pub(super) fn network_files(pod: &Pod) -> NetworkFiles {
    let short = namespaces::short_name(pod);
    let whole = namespaces::domain(pod).map(|domain| format!("{short}.{domain}"));
    let names = if pod.spec.host_network { Vec::new() } else { whole.into_iter().chain([short]).collect() };
    NetworkFiles { names, aliases: pod.spec.host_aliases.clone(), dns_added: pod.spec.dns_added.clone() }
}

impl Plan {
    /// The Pod's /etc/hosts as a kubelet writes it: with hostNetwork the node's own under a heading, else the usual names
    /// and, once its address is known, the Pod's; then the aliases. Source: Kubernetes pkg/kubelet/kubelet_pods.go.
    pub fn hosts_file(&self, address: Option<IpAddr>, nodes: &str) -> String {
        let NetworkFiles { names, aliases, .. } = &self.network_files;
        let mut text = match names.as_slice() {
            [] => format!("{MANAGED_HOST_NETWORK}{nodes}"),
            _ => format!("{MANAGED}{ALWAYS}"),
        };
        if let (Some(address), false) = (address, names.is_empty()) {
            let _ = writeln!(text, "{address}\t{}", names.join("\t"));
        }
        if !aliases.is_empty() {
            text.push_str("\n# Entries added by HostAliases.\n");
        }
        for HostAlias { ip, hostnames } in aliases {
            let _ = writeln!(text, "{ip}\t{}", hostnames.join("\t"));
        }
        text
    }

    /// Completes the plan with the node's resolv.conf, where the manifest adds to that.
    pub fn add_to_resolv_conf(&mut self, nodes: &str) {
        let Some(added) = &self.network_files.dns_added else { return };
        let mut dns = read_resolv_conf(nodes);
        append_new(&mut dns.nameservers, &added.nameservers);
        dns.nameservers.truncate(MOST_NAMESERVERS);
        append_new(&mut dns.searches, &added.searches);
        for option in &added.options {
            let name = |option: &str| option.split(':').next().unwrap_or_default().to_owned();
            match dns.options.iter_mut().find(|known| name(known) == name(option)) {
                Some(known) => known.clone_from(option),
                None => dns.options.push(option.clone()),
            }
        }
        self.resolv_conf = Some(resolv_conf(&dns));
    }
}

fn append_new(list: &mut Vec<String>, more: &[String]) {
    for text in more {
        if !list.contains(text) {
            list.push(text.clone());
        }
    }
}

/// The parts of a resolv.conf. The last `search` counts, `nameserver` adds up.
fn read_resolv_conf(text: &str) -> DnsConfig {
    let mut dns = DnsConfig::default();
    for line in text.lines() {
        let mut words = line.split_whitespace().map(str::to_owned);
        match words.next().as_deref() {
            Some("nameserver") => dns.nameservers.extend(words.take(1)),
            Some("search") => dns.searches = words.collect(),
            Some("options") => dns.options.extend(words),
            _ => {}
        }
    }
    dns
}

/// resolv.conf of a `dnsConfig`, in the order in which CRI runtimes write it.
pub(super) fn resolv_conf(dns: &DnsConfig) -> String {
    let mut text = String::new();
    if !dns.searches.is_empty() {
        let _ = writeln!(text, "search {}", dns.searches.join(" "));
    }
    for server in &dns.nameservers {
        let _ = writeln!(text, "nameserver {server}");
    }
    if !dns.options.is_empty() {
        let _ = writeln!(text, "options {}", dns.options.join(" "));
    }
    text
}
