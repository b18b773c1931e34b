//! The file system of a run's trials: whatever /run is, Pods meet the same one.

use super::HostError;
use nix::mount::{MsFlags, mount};
use std::path::Path;

/// Mounts a tmpfs of the run's own for its trials.
///
/// Whether a host has its /run in memory or on a disk, and with which restrictions, is then no matter: a volume may hold
/// devices and programs as on a kubelet's disk, and no small file costs a search for an inode. What is mounted below, volumes
/// in memory and what subPaths lead to, is seen in every mount namespace that is made from here on: daemons have theirs.
pub(super) fn mount_for_trials(dir: &Path) -> Result<(), HostError> {
    let none = None::<&str>;
    mount(Some("podcheck"), dir, Some("tmpfs"), MsFlags::empty(), Some("mode=700"))
        // First its own: the mount that it lies on may be shared with the host's other namespaces.
        .and_then(|()| mount(none, dir, none, MsFlags::MS_PRIVATE, none))
        .and_then(|()| mount(none, dir, none, MsFlags::MS_SHARED, none))
        .map_err(|errno| HostError::os(format!("mount a tmpfs on {}", dir.display()), std::io::Error::from(errno)))
}
