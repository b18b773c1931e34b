//! Namespaces of other processes, and being born into them.

use super::fault::{Context, Fault};
use nix::fcntl::{OFlag, open};
use nix::sched::{CloneFlags, setns};
use nix::sys::stat::Mode;
use std::os::fd::OwnedFd;

/// Runs `f` with its children born into a PID namespace.
///
/// # Errors
/// The namespace's, or `f`'s.
pub fn with_children_in<T>(namespace: Option<&OwnedFd>, f: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let Some(namespace) = namespace else {
        return f();
    };
    let own = open_namespace(0, "pid")?;
    setns(namespace, CloneFlags::CLONE_NEWPID).to(|| "enter the PID namespace")?;
    let result = f();
    setns(&own, CloneFlags::CLONE_NEWPID).to(|| "leave the PID namespace")?;
    result
}

/// A namespace of a process, or our own for pid 0.
///
/// # Errors
/// The kernel's.
pub fn open_namespace(pid: i32, kind: &str) -> Result<OwnedFd, Fault> {
    let process = if pid == 0 { "self".to_owned() } else { pid.to_string() };
    let path = format!("/proc/{process}/ns/{kind}");
    open(path.as_str(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).to(|| format!("open {path}"))
}
