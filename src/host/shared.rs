//! Mounts of podcheck's own that daemons must see although they have mount namespaces of their own: volumes in memory,
//! and what is mounted in the place of a subPath.

use super::HostError;
use super::mounts::below;
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MsFlags, mount};
use nix::sys::statvfs::{FsFlags, statvfs};
use std::fs::File;
use std::path::Path;

/// Makes a directory a shared mount of itself, once: what is mounted below it from then on is mounted in every namespace
/// that was made from this one as well.
pub(super) fn share(dir: &Path) -> Result<(), HostError> {
    let failed = |error: std::io::Error| HostError::os(format!("share the mounts below {}", dir.display()), error);
    let directory = File::open(dir).map_err(failed)?;
    let _held = Flock::lock(directory, FlockArg::LockExclusive).map_err(|(_, errno)| failed(errno.into()))?;
    if below(dir)?.iter().any(|point| point == dir) {
        return Ok(());
    }
    let none = None::<&str>;
    mount(Some(dir), dir, none, MsFlags::MS_BIND, none)
        // First its own: the mount that it lies on may be shared with the host's other namespaces.
        .and_then(|()| mount(none, dir, none, MsFlags::MS_PRIVATE, none))
        .and_then(|()| mount(none, dir, none, MsFlags::MS_SHARED, none))
        // Without the restrictions of what it lies on.
        .and_then(|()| mount(none, dir, none, MsFlags::MS_BIND | MsFlags::MS_REMOUNT, none))
        .map_err(|errno| failed(errno.into()))
}

/// Makes it such a mount where it may hold no devices, programs or set-user-id programs, as a usual /run. Volumes on a
/// kubelet's disk may, and a bind of them would be as restricted.
pub(super) fn lift_restrictions(dir: &Path) -> Result<(), HostError> {
    let failed = |errno: nix::Error| HostError::os(format!("look at {}", dir.display()), std::io::Error::from(errno));
    let flags = statvfs(dir).map_err(failed)?.flags();
    if flags.intersects(FsFlags::ST_NOSUID | FsFlags::ST_NODEV | FsFlags::ST_NOEXEC) { share(dir) } else { Ok(()) }
}
