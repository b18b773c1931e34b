//! Processes in namespaces and cgroups of their own: `clone3` where it is, `clone` where not.

use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;
use std::os::fd::{AsRawFd, BorrowedFd};

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// What a child returns that does not return.
pub use std::convert::Infallible as Never;

/// `struct clone_args` up to `cgroup` (Linux 5.7).
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Forks this single-threaded process into new namespaces and, where the kernel can, right into a cgroup of v2: a process
/// that joins one later waits for an RCU grace period. The child runs `child`, which is told whether it was born in that
/// cgroup, and never comes back from here. Returns the child's pid as the caller counts it.
///
/// # Errors
/// The kernel's; ENOSYS of `clone3` is never one.
pub fn fork_into(
    namespaces: CloneFlags,
    cgroup: Option<BorrowedFd<'_>>,
    child: impl FnOnce(bool) -> Never,
) -> nix::Result<i32> {
    let namespaces = u64::from(namespaces.bits().cast_unsigned());
    let born_there = cgroup.map(|cgroup| clone3(namespaces | CLONE_INTO_CGROUP, cgroup.as_raw_fd()));
    let (pid, in_cgroup) = match born_there {
        // E2BIG and EINVAL: a clone3 that knows no cgroups. EPERM and EACCES: let joining later say why.
        None | Some(Err(Errno::ENOSYS | Errno::E2BIG | Errno::EINVAL | Errno::EPERM | Errno::EACCES)) => {
            (clone(namespaces)?, false)
        }
        Some(pid) => (pid?, true),
    };
    if pid == 0 {
        child(in_cgroup);
    }
    Ok(pid)
}

fn clone3(flags: u64, cgroup: i32) -> nix::Result<i32> {
    let args = CloneArgs {
        flags,
        exit_signal: libc::SIGCHLD.unsigned_abs().into(),
        cgroup: cgroup.unsigned_abs().into(),
        ..CloneArgs::default()
    };
    // SAFETY: without CLONE_VM this is a fork: the child runs on its own copy of this stack. The Pod's process has one
    // thread, so no lock is held by a thread that the child lacks. `args` lives across the call and its size is given.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<CloneArgs>()) };
    Errno::result(pid).map(|pid| i32::try_from(pid).unwrap_or(-1))
}

fn clone(flags: u64) -> nix::Result<i32> {
    let flags = flags | u64::from(libc::SIGCHLD.unsigned_abs());
    // SAFETY: as in `clone3`; a null stack means the caller's, copied, and no flag asks for the other pointers.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0_usize, 0_usize, 0_usize, 0_usize) };
    Errno::result(pid).map(|pid| i32::try_from(pid).unwrap_or(-1))
}
