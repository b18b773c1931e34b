//! What podcheck holds on the host while it runs, and gives back: run and trial directories, cgroups, the supervisor.
//! The bottom layer: it knows plans, but no runtime and no facts.

mod ability;
mod ahead;
pub mod cgroup;
mod deadline;
mod files;
mod huge_pages;
mod ids;
mod link;
mod lock;
mod mounts;
mod newcomers;
mod owner;
mod places;
mod process;
mod program;
mod run;
mod slices;
mod sub_path;
mod subnet;
mod supervisor;
mod sweep;
mod tmpfs;
mod trial;
mod volume;

pub use ability::{Ability, abilities, can};
pub use cgroup::CgroupRoot;
pub use deadline::{check_time_factor, poll_until, scaled};
pub use huge_pages::{huge_page_sizes, limited_huge_page_sizes};
pub use ids::RANGE_LENGTH;
pub use newcomers::{Newcomers, pids};
pub use process::Process;
pub use program::run_within;
pub use run::{DAEMONS, Run};
pub use slices::default_pids;
pub use subnet::Subnet;
pub use supervisor::supervisor_main;
pub use sweep::{SweepReport, sweep_unheld};
pub use trial::TrialDir;

/// First argument that makes podcheck the supervisor of a run.
pub const SUPERVISOR_ROLE: &str = "--podcheck-supervisor";

/// Why this process may not do what podcheck does: `None` for root.
pub fn why_not_root() -> Option<&'static str> {
    (!nix::unistd::geteuid().is_root())
        .then_some("podcheck makes namespaces, mounts and cgroups: run it as root (sudo)")
}

/// What went wrong on the host. `action` is an infinitive: `create the cgroup /podcheck/x`.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}: {detail}")]
pub struct HostError {
    /// What was tried.
    pub action: String,
    /// What the kernel said, and what to do about it where that is known.
    pub detail: String,
    /// The host is as it should be: it is the Pod that asks for what cannot be had.
    pub of_pod: bool,
}

impl HostError {
    /// One with a detail in words.
    pub fn new(action: impl Into<String>, detail: impl Into<String>) -> HostError {
        HostError { action: action.into(), detail: detail.into(), of_pod: false }
    }

    /// One with what the kernel said.
    pub fn os(action: impl Into<String>, error: impl std::fmt::Display) -> HostError {
        HostError { action: action.into(), detail: error.to_string(), of_pod: false }
    }

    /// What a kubelet would refuse a Pod for.
    pub fn of_pod(action: impl Into<String>, detail: impl Into<String>) -> HostError {
        HostError { of_pod: true, ..HostError::new(action, detail) }
    }
}
