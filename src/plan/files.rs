//! The small files a kubelet or a runtime writes for a Pod.

use super::Plan;
use crate::pod::DnsConfig;
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

impl Plan {
    /// The Pod's /etc/hosts as a kubelet writes it.
    ///
    /// With hostNetwork this is only the first line: whoever writes the file appends the node's own. Without an address
    /// the Pod's line is left out. Source: Kubernetes pkg/kubelet/kubelet_pods.go.
    pub fn hosts_file(&self, address: Option<IpAddr>) -> String {
        let Some(hostname) = &self.hostname else {
            return MANAGED_HOST_NETWORK.to_owned();
        };
        let mut text = format!("{MANAGED}{ALWAYS}");
        if let Some(address) = address {
            let _ = writeln!(text, "{address}\t{hostname}");
        }
        text
    }
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
