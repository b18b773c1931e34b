//! Private daemons: a containerd and a dockerd of podcheck's own, started when first needed, once a run.
//!
//! Everything of them lies in the run's folder and in cgroups of the run; they live in a mount namespace where the
//! folders that every containerd and dockerd shares are theirs alone, and on a bridge that podcheck made. No sysctl and
//! no firewall rule is changed. They end with the run: its supervisor sweeps them by their cgroups.

mod command;
mod config;
mod containerd;
mod dockerd;
mod launch;
mod log;
mod mounts;
mod network;
mod oci;
mod packages;
mod ready;
mod restart;
mod start;

pub use containerd::{ContainerdDaemon, containerd};
pub use dockerd::{DockerDaemon, dockerd};
pub use launch::{LAUNCH_ROLE, main as launch_main};
pub use restart::Restart;

pub(crate) use command::{Command, Ended, find_program};
pub(crate) use log::last_lines;
pub(crate) use oci::Oci;

use super::{Kind, RuntimeName};

/// Which of the run's private daemons a runtime is opened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tenancy {
    /// The one that cases share.
    Shared,
    /// One beside it that is restarted under its Pods, and has one Pod at a time.
    Apart,
}

impl Tenancy {
    /// What follows in the daemon's name.
    fn suffix(self) -> &'static str {
        match self {
            Tenancy::Shared => "",
            Tenancy::Apart => "-apart",
        }
    }
}

/// Says without starting anything why a runtime's daemon cannot be had here; `None` if it probably can.
pub fn why_unavailable(name: &RuntimeName) -> Option<String> {
    let private = name.endpoint.is_none();
    let missing = match (name.kind, private) {
        (Kind::Engine, _) => return None,
        (Kind::Containerd, true) => packages::containerd_missing(),
        (Kind::Docker, true) => packages::docker_missing(),
        (Kind::Containerd, false) => None,
        (Kind::Docker, false) => packages::docker_client_missing(),
    };
    let socket = || name.endpoint.as_deref().and_then(no_socket);
    let oci = || private.then(|| Oci::missing(name.oci.as_deref())).flatten();
    missing.or_else(socket).or_else(oci)
}

/// Why there is no daemon at an endpoint that is a path of this host.
fn no_socket(endpoint: &str) -> Option<String> {
    let path = endpoint.strip_prefix("unix://").or_else(|| endpoint.starts_with('/').then_some(endpoint))?;
    (!std::path::Path::new(path).exists()).then(|| format!("there is no {path}: no daemon listens there"))
}

/// The capability to give a process a lower oom_score_adj than it has.
pub(crate) const CAP_SYS_RESOURCE: u32 = 24;

/// Whether daemons started by this process may lower oom_score_adj.
fn may_lower_oom_score() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| has_capability(&status, CAP_SYS_RESOURCE))
}

/// Whether the effective capabilities in a text of `/proc/<pid>/status` hold one.
pub(crate) fn has_capability(status: &str, bit: u32) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> bit & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_from_the_mask() {
        assert!(has_capability("Name:\tx\nCapEff:\t000001ffffffffff\n", 24));
        assert!(!has_capability("Name:\tx\nCapEff:\t000001fffeffffff\n", 24));
        assert!(!has_capability("Name:\tx\n", 24));
    }

    #[test]
    fn an_endpoint_without_a_daemon_is_unavailable() {
        assert_eq!(
            no_socket("unix:///nowhere.sock").as_deref(),
            Some("there is no /nowhere.sock: no daemon listens there")
        );
        assert_eq!(no_socket("tcp://127.0.0.1:2375"), None);
    }
}
