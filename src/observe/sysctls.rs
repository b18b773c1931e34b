//! Sysctls of network and IPC namespaces: which differ from those of a namespace that is new.
//!
//! What a new one has depends on the kernel and on the host, so it is asked of one made for that.

use super::read::KernelDir;
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
    let mut all = Sysctls::new();
    // One directory after another: most of a path is the way to it.
    for of_one in names.chunk_by(|one, other| split(one).0 == split(other).0) {
        let Some(dir) = of_one.first().and_then(|name| directory(split(name).0)) else { continue };
        for name in of_one {
            let Ok(Some(text)) = dir.text(split(name).1) else { continue };
            all.insert(name, text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    all
}

/// `net.ipv4` and `tcp_rmem`.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

fn directory(of: &str) -> Option<KernelDir> {
    KernelDir::open(&format!("/proc/sys/{}", of.replace('.', "/"))).ok().flatten()
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
