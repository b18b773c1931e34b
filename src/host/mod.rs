//! What podcheck holds on the host while it runs, and gives back: run and trial directories, cgroups, the supervisor.
//! The bottom layer: it knows plans, but no runtime and no facts.

mod ability;
mod ahead;
mod beacon;
pub mod cgroup;
mod deadline;
mod error;
mod files;
mod host_files;
mod host_path;
mod huge_pages;
mod ids;
mod kill;
mod link;
mod listing;
mod lock;
mod mounts;
mod newcomers;
mod oci_init;
mod owner;
mod places;
mod process;
mod program;
mod record;
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
pub use cgroup::{CgroupRoot, page_size};
pub use deadline::{check_time_factor, poll_until, scaled};
pub use error::{Cause, HostError};
pub use huge_pages::{huge_page_sizes, limited_huge_page_sizes};
pub use ids::RANGE_LENGTH;
pub use kill::{kill_listed, listed_in};
pub use mounts::mount_points;
pub use newcomers::{Newcomers, pids};
pub use oci_init::OciRuntimes;
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
