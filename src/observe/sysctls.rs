//! Sysctls of network and IPC namespaces: which differ from those of a namespace that is new.
//!
//! What a new one has depends on the kernel and on the host, so it is asked of one made for that.

use super::read::host_text;
use nix::sched::{CloneFlags, unshare};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Name → value, fields apart by one space.
pub type Sysctls = BTreeMap<&'static str, String>;

/// Of a network namespace: what a manifest may ask for, and what runtimes set of their own accord.
pub const NET: &[&str] = &[
    "net.core.somaxconn",
    "net.ipv4.ip_forward",
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

/// Of an IPC namespace.
pub const IPC: &[&str] = &[
    "fs.mqueue.msg_max",
    "fs.mqueue.msgsize_max",
    "fs.mqueue.queues_max",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shm_rmid_forced",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
];

/// Those of the calling thread's namespace; what this kernel lacks is missing.
pub fn here(names: &'static [&'static str]) -> Sysctls {
    let value = |name: &&'static str| {
        let text = host_text(&format!("/proc/sys/{}", name.replace('.', "/"))).ok()??;
        Some((*name, text.split_whitespace().collect::<Vec<_>>().join(" ")))
    };
    names.iter().filter_map(value).collect()
}

/// Those of new namespaces, of both kinds together; none where they cannot be made.
pub fn fresh() -> &'static Sysctls {
    static FRESH: OnceLock<Sysctls> = OnceLock::new();
    FRESH.get_or_init(|| {
        let make = || {
            unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWIPC).ok()?;
            let mut all = here(NET);
            all.extend(here(IPC));
            Some(all)
        };
        std::thread::scope(|scope| scope.spawn(make).join()).ok().flatten().unwrap_or_default()
    })
}

/// What of `seen` is not as in a new namespace.
pub fn set(seen: Sysctls) -> Sysctls {
    differing(seen, fresh())
}

fn differing(seen: Sysctls, fresh: &Sysctls) -> Sysctls {
    seen.into_iter().filter(|(name, value)| fresh.get(name).is_some_and(|fresh| fresh != value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_from_a_new_namespace_is_set() {
        let fresh = Sysctls::from([("kernel.sem", "1 2".to_owned()), ("net.ipv4.ip_forward", "0".to_owned())]);
        let mut seen = fresh.clone();
        assert_eq!(differing(seen.clone(), &fresh), Sysctls::new());
        seen.insert("net.ipv4.ip_forward", "1".to_owned());
        // A new namespace could not be asked for it: nothing is said.
        seen.insert("kernel.shmall", "1".to_owned());
        assert_eq!(differing(seen, &fresh), Sysctls::from([("net.ipv4.ip_forward", "1".to_owned())]));
    }

    #[test]
    fn ours_are_read_by_name() {
        assert!(here(IPC).contains_key("kernel.sem"));
    }
}
