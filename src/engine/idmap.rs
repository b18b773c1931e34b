//! Mounts whose owners are seen through a user namespace (Linux 5.12), held by descriptors until somebody attaches them.

use super::fault::{Context, Fault};
use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::libc;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `struct mount_attr`.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// A copy of the mount tree at `path`, attached nowhere: its files belong to the ids that `users` maps theirs to, and it is
/// read-only if asked.
///
/// # Errors
/// The kernel's; EINVAL of a file system that cannot be mapped so.
pub fn detached(path: &Path, users: Option<&OwnedFd>, read_only: bool) -> Result<OwnedFd, Fault> {
    let action = || format!("map the owners of {}", path.display());
    let name = CString::new(path.as_os_str().as_bytes()).to(action)?;
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_RECURSIVE.unsigned_abs();
    // SAFETY: the path lives across the call; the other arguments are plain numbers.
    let tree = unsafe { libc::syscall(libc::SYS_open_tree, AT_FDCWD.as_raw_fd(), name.as_ptr(), flags) };
    let tree = Errno::result(tree).to(action)?;
    // SAFETY: the kernel just made this descriptor, and nobody else owns it.
    let tree = unsafe { OwnedFd::from_raw_fd(i32::try_from(tree).unwrap_or(-1)) };
    if let Some(users) = users {
        let user_namespace = users.as_raw_fd().unsigned_abs().into();
        let attributes = Attributes { set: libc::MOUNT_ATTR_IDMAP, user_namespace, ..Attributes::default() };
        set(&tree, &attributes, libc::AT_RECURSIVE).to(action)?;
    }
    if read_only {
        // The mount itself alone, as a plain read-only bind is.
        let attributes = Attributes { set: libc::MOUNT_ATTR_RDONLY, ..Attributes::default() };
        set(&tree, &attributes, 0).to(action)?;
    }
    Ok(tree)
}

fn set(tree: &OwnedFd, attributes: &Attributes, recursive: i32) -> nix::Result<()> {
    let (tree, flags, length) = (tree.as_raw_fd(), libc::AT_EMPTY_PATH | recursive, size_of::<Attributes>());
    // SAFETY: an empty path lives for ever; the kernel reads the attributes, whose size is given, during the call.
    let done = unsafe {
        libc::syscall(libc::SYS_mount_setattr, tree, c"".as_ptr(), flags, std::ptr::from_ref(attributes), length)
    };
    Errno::result(done).map(drop)
}

/// Attaches what [`detached`] made on top of what `target` holds.
///
/// # Errors
/// The kernel's.
pub fn attach(tree: &OwnedFd, target: BorrowedFd<'_>) -> nix::Result<()> {
    const EMPTY_PATHS: u32 = libc::MOVE_MOUNT_F_EMPTY_PATH | libc::MOVE_MOUNT_T_EMPTY_PATH;
    let (tree, target) = (tree.as_fd().as_raw_fd(), target.as_raw_fd());
    // SAFETY: empty paths live for ever; the other arguments are plain numbers.
    let moved = unsafe { libc::syscall(libc::SYS_move_mount, tree, c"".as_ptr(), target, c"".as_ptr(), EMPTY_PATHS) };
    Errno::result(moved).map(drop)
}
