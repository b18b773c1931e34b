//! The minimal pod engine: system calls, nothing else.
//!
//! The harness has many threads and must not fork and carry on, so each Pod has a process of its own: podcheck, executed
//! again from a sealed copy of itself. That process has one thread, is the parent of the Pod's members, answers
//! [`protocol::Request`]s, and takes the Pod down when its socket closes, for whatever reason.

mod capabilities;
mod cgroup;
mod clone;
mod container;
mod device_program;
mod devices;
mod exec;
mod fault;
mod idmap;
mod member;
mod mounts;
mod namespace;
mod netlink;
mod network;
mod paths;
mod pod;
mod program;
mod rootfs;
mod seccomp;
mod seccomp_default;
mod seccomp_filter;
mod serve;
mod start;
mod sysctls;
mod travel;
mod user_namespace;
mod users;

pub mod protocol;

pub use cgroup::Hierarchy;
pub use fault::Fault;
pub use seccomp::deny_newer_than_4_19;
pub use serve::FLOOR_4_19;

/// First argument that makes podcheck the engine's single-threaded pod process.
pub const ROLE: &str = "--podcheck-engine";

/// Main of that process.
pub fn main() -> i32 {
    serve::main()
}
