//! What few volume mounts ask for: that mounts made later travel, or that what is mounted within is read-only as well.

use super::paths::{Missing, Root, handle};
use crate::host::mount_points;
use crate::plan::MountPlan;
use crate::pod::{Propagation, RecursiveReadOnly};
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sys::statfs::statfs;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

/// Of a bind mount; the default does nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Travel {
    propagation: Propagation,
    recursive_read_only: RecursiveReadOnly,
}

impl Travel {
    /// What a mount of the plan asks for.
    pub fn of(mount: &MountPlan) -> Travel {
        Travel { propagation: mount.propagation, recursive_read_only: mount.recursive_read_only }
    }

    /// Does it to what is mounted on `target`. A copy of what is shared is shared, unless somebody says otherwise.
    ///
    /// # Errors
    /// The kernel's.
    pub fn apply(self, root: &Root, target: &Path, sources_are_shared: bool) -> nix::Result<()> {
        if self == Travel::default() && !sources_are_shared {
            return Ok(());
        }
        let mounted = root.resolve(target, Missing::Refuse)?;
        let kind = match self.propagation {
            Propagation::None => MsFlags::MS_PRIVATE,
            Propagation::HostToContainer => MsFlags::MS_SLAVE,
            Propagation::Bidirectional => MsFlags::MS_SHARED,
        };
        mount(None::<&str>, &handle(&mounted), None::<&str>, kind | MsFlags::MS_REC, None::<&str>)?;
        match self.recursive_read_only {
            RecursiveReadOnly::Disabled => Ok(()),
            RecursiveReadOnly::Enabled | RecursiveReadOnly::IfPossible => match make_all_read_only(&mounted) {
                Err(Errno::ENOSYS) => make_each_read_only(&mounted),
                other => other,
            },
        }
    }
}

/// In one call, since Linux 5.12.
fn make_all_read_only(mounted: &OwnedFd) -> nix::Result<()> {
    let attributes = libc::mount_attr { attr_set: libc::MOUNT_ATTR_RDONLY, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let flags = AtFlags::AT_EMPTY_PATH.bits() | libc::AT_RECURSIVE;
    // SAFETY: the descriptor is open, the path is a string that lives on, the attributes are of the size that is named.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mounted.as_raw_fd(),
            c"".as_ptr(),
            flags,
            std::ptr::from_ref(&attributes),
            size_of::<libc::mount_attr>(),
        )
    };
    Errno::result(done).map(drop)
}

/// One mount after the other: nobody else is in this namespace, so none is added meanwhile.
fn make_each_read_only(mounted: &OwnedFd) -> nix::Result<()> {
    let top = fs::read_link(handle(mounted)).map_err(errno)?;
    let table = fs::read_to_string("/proc/self/mountinfo").map_err(errno)?;
    for target in mount_points(&table).iter().filter(|target| target.starts_with(&top)) {
        let kept = MsFlags::from_bits_truncate(statfs(target)?.flags().bits());
        let kept = kept & (MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC);
        let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | kept;
        mount(None::<&str>, target, None::<&str>, flags, None::<&str>)?;
    }
    Ok(())
}

fn errno(error: std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// Makes every mount of this namespace private but those at and below `shared`, through which mounts travel.
///
/// # Errors
/// The kernel's.
pub fn private_elsewhere(shared: &Path) -> nix::Result<()> {
    let table = fs::read_to_string("/proc/self/mountinfo").map_err(errno)?;
    for target in mount_points(&table).iter().filter(|target| !target.starts_with(shared)) {
        match mount(None::<&str>, target, None::<&str>, MsFlags::MS_PRIVATE, None::<&str>) {
            // Covered by another mount.
            Err(Errno::EINVAL | Errno::ENOENT) => {}
            other => other?,
        }
    }
    Ok(())
}
