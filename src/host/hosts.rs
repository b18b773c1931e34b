//! The managed /etc/hosts of a Pod. Source: Kubernetes pkg/kubelet/kubelet_pods.go, `managedHostsFileContent`.

use crate::plan::{Plan, Scope};
use std::net::IpAddr;

/// What a kubelet writes: for a Pod in the host's network the host's own file under a heading, else the usual names and,
/// once its address is known, the Pod's.
pub(super) fn text(plan: &Plan, address: Option<IpAddr>, host: &str) -> String {
    managed(plan.namespaces.network, plan.hostname.as_deref(), address, host)
}

fn managed(network: Scope, hostname: Option<&str>, address: Option<IpAddr>, host: &str) -> String {
    if network == Scope::Node {
        return format!("# Kubernetes-managed hosts file (host network).\n{host}");
    }
    let mut text = "# Kubernetes-managed hosts file.\n\
                    127.0.0.1\tlocalhost\n\
                    ::1\tlocalhost ip6-localhost ip6-loopback\n\
                    fe00::0\tip6-localnet\n\
                    fe00::0\tip6-mcastprefix\n\
                    fe00::1\tip6-allnodes\n\
                    fe00::2\tip6-allrouters\n"
        .to_owned();
    if let (Some(address), Some(hostname)) = (address, hostname) {
        text.push_str(&format!("{address}\t{hostname}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_pod_of_its_own_network_gets_its_own_line() {
        let address = Some(IpAddr::from(Ipv4Addr::new(10, 213, 4, 2)));
        let text = managed(Scope::Pod, Some("web"), address, "192.0.2.1 elsewhere\n");
        assert!(text.starts_with("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n"));
        assert!(text.ends_with("fe00::2\tip6-allrouters\n10.213.4.2\tweb\n"));
        assert_eq!(managed(Scope::Pod, Some("web"), None, "").lines().count(), 7);
    }

    #[test]
    fn a_pod_in_the_hosts_network_gets_the_hosts_file() {
        let text = managed(Scope::Node, None, None, "192.0.2.1 elsewhere\n");
        assert_eq!(text, "# Kubernetes-managed hosts file (host network).\n192.0.2.1 elsewhere\n");
    }
}
