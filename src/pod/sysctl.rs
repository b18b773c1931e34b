//! `securityContext.sysctls` of a Pod: which names a kubelet lets pass, and on which namespace they act.
//! Sources: Kubernetes pkg/kubelet/sysctl, and component-helpers/node/util/sysctl for the groups.

use super::{PodSpec, Sysctl};
use crate::diagnostic::yaml::Cursor;

/// Those that every node allows.
const SAFE: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

/// Longest name that the API server takes.
const LONGEST: usize = 253;

/// The namespace that a sysctl is a property of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Ipc,
    Net,
}

fn group(name: &str) -> Option<Group> {
    let ipc = ["kernel.shm", "kernel.msg", "fs.mqueue."];
    match name {
        "kernel.sem" => Some(Group::Ipc),
        _ if ipc.iter().any(|prefix| name.starts_with(prefix)) => Some(Group::Ipc),
        _ if name.starts_with("net.") => Some(Group::Net),
        _ => None,
    }
}

/// Reads the list. Names come with dots, as the kernel's own tool has them; a name whose first separator is a slash has
/// the two exchanged, so that `net/ipv4/conf/eth0.1/forwarding` is one of the interface `eth0.1`.
pub(super) fn list(cursor: &Cursor<'_>) -> Vec<Sysctl> {
    let mut sysctls: Vec<Sysctl> = Vec::new();
    for item in cursor.items().unwrap_or_default() {
        let (Some(name_at), Some(value_at)) = (item.get("name"), item.get("value")) else {
            item.fault("a sysctl has a name and a value", "as in {name: net.ipv4.tcp_syncookies, value: \"1\"}");
            continue;
        };
        let (Some(written), Some(value)) = (name_at.text(), value_at.text()) else { continue };
        if !is_name(written) {
            let help = "expected lower-case words with dots between them: kernel.shm_rmid_forced";
            name_at.fault(format!("{written:?} is not the name of a sysctl"), help);
            continue;
        }
        let name = dotted(written);
        if sysctls.iter().any(|known| known.name == name) {
            name_at.fault(format!("the Pod sets {name} already"), "each sysctl stands once");
            continue;
        }
        sysctls.push(Sysctl { name, value: value.to_owned() });
    }
    sysctls
}

/// Refuses what a kubelet refuses: what no namespace has of its own, what the Pod shares with its node, and what is not
/// safe unless the node allows it.
pub(super) fn settle(cursor: &Cursor<'_>, spec: &PodSpec, allowed: &[String]) {
    let place = cursor.get("securityContext").and_then(|security| security.get("sysctls"));
    for item in place.and_then(|list| list.items()).unwrap_or_default() {
        let Some(at) = item.get("name") else { continue };
        let Some(name) = at.text().filter(|name| is_name(name)).map(dotted) else { continue };
        let group = group(&name);
        let (message, help) = match group {
            None => (
                format!("{name} is not a property of a namespace"),
                "a Pod may set kernel.sem, kernel.shm*, kernel.msg*, fs.mqueue.* and net.*: all else is the node's own",
            ),
            Some(Group::Net) if spec.host_network => (
                format!("{name} would be set on the node's network"),
                "a Pod with hostNetwork may set no net.*: remove one of the two",
            ),
            Some(Group::Ipc) if spec.host_ipc => (
                format!("{name} would be set on the node's IPC namespace"),
                "a Pod with hostIPC may set no kernel.* and fs.mqueue.*: remove one of the two",
            ),
            Some(_) if SAFE.contains(&name.as_str()) || allowed.iter().any(|pattern| fits(&name, pattern)) => continue,
            Some(_) => (
                format!("{name} is not among the safe sysctls"),
                "a node refuses the Pod unless it allows it: in a case, node: {allowed_unsafe_sysctls: [...]}",
            ),
        };
        at.fault(message, help);
    }
}

/// Whether a name is what a kubelet's `--allowed-unsafe-sysctls` names: itself, or all that begin with what is before `*`.
fn fits(name: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').map_or(name == pattern, |prefix| name.starts_with(prefix))
}

/// A pattern that may be allowed: it must be of namespaces, as a kubelet checks when it starts.
pub fn is_sysctl_pattern(text: &str) -> bool {
    let bare = text.strip_suffix('*').unwrap_or(text);
    let bare = bare.strip_suffix(['.', '_']).unwrap_or(bare);
    is_name(bare) && group(text.strip_suffix('*').unwrap_or(text)).is_some()
}

fn dotted(name: &str) -> String {
    match name.find(['.', '/']).map(|at| name.as_bytes()[at]) {
        Some(b'/') => name
            .chars()
            .map(|c| match c {
                '/' => '.',
                '.' => '/',
                c => c,
            })
            .collect(),
        _ => name.to_owned(),
    }
}

fn is_name(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part = |part: &str| {
        part.starts_with(ends) && part.ends_with(ends) && part.chars().all(|c| ends(c) || matches!(c, '-' | '_'))
    };
    text.len() <= LONGEST && text.split(['.', '/']).all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_patterns_and_separators() {
        assert!(is_name("net.ipv4.tcp_syncookies") && is_name("net/ipv4/conf/eth0.1/rp_filter"));
        for wrong in ["", "net.", ".net", "Kernel.sem", "kernel..sem", "_a", "a b"] {
            assert!(!is_name(wrong), "{wrong:?}");
        }
        assert_eq!(dotted("net/ipv4/conf/eth0.1/rp_filter"), "net.ipv4.conf.eth0/1.rp_filter");
        assert_eq!(dotted("kernel.shm_rmid_forced"), "kernel.shm_rmid_forced");
        assert!(fits("kernel.msgmax", "kernel.msg*") && fits("net.core.somaxconn", "net.core.somaxconn"));
        assert!(!fits("net.core.somaxconn", "net.core") && !fits("kernel.sem", "kernel.msg*"));
        for pattern in ["kernel.msg*", "net.*", "fs.mqueue.*", "kernel.sem"] {
            assert!(is_sysctl_pattern(pattern), "{pattern}");
        }
        for pattern in ["*", "kernel.*", "vm.swappiness", "kernel.panic"] {
            assert!(!is_sysctl_pattern(pattern), "{pattern}");
        }
    }
}
