//! The mounts of the host, read again only when the kernel says that they have changed.

use super::cgroup::{Hierarchy, hierarchies};
use super::error::ObserveError;
use super::mountinfo::{self, Mount};
use super::read::{self, senseless, unreadable};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

const FILE: &str = "/proc/self/mountinfo";

/// The host's mounts at one time.
#[derive(Clone, Debug)]
pub struct HostMounts {
    /// As the kernel prints them.
    pub text: Arc<str>,
    /// The same, parsed.
    pub mounts: Arc<[Mount]>,
    /// The cgroup hierarchies among them.
    pub hierarchies: Arc<[Hierarchy]>,
}

/// The mounts that podcheck sees.
///
/// # Errors
/// The file cannot be read or makes no sense.
pub fn host_mounts() -> Result<HostMounts, ObserveError> {
    static WATCHED: Mutex<Option<Watched>> = Mutex::new(None);
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    // Whatever goes wrong, the next one begins anew.
    let mut current = match watched.take() {
        Some(current) => current,
        None => Watched { file: File::open(FILE).map_err(unreadable(FILE))?, seen: None },
    };
    let seen = current.look()?;
    *watched = Some(current);
    Ok(seen)
}

/// A mount table that is held open: the kernel then tells a change of what this takes from it (what is mounted where, and
/// each mount's own options). It does not tell of options that a file system as such is given from another mount namespace.
struct Watched {
    file: File,
    seen: Option<HostMounts>,
}

impl Watched {
    fn look(&mut self) -> Result<HostMounts, ObserveError> {
        // Asked before reading: a change that comes between the two is told the next time.
        let changed = has_changed(&self.file).map_err(|errno| unreadable(FILE)(errno.into()))?;
        if let Some(seen) = self.seen.as_ref().filter(|_| !changed) {
            return Ok(seen.clone());
        }
        let text = read::again(&mut self.file).map_err(unreadable(FILE))?;
        let mounts = mountinfo::parse(&text).map_err(senseless(FILE))?;
        let hierarchies = hierarchies(&mounts).into();
        Ok(self.seen.insert(HostMounts { text: text.into(), mounts: mounts.into(), hierarchies }).clone())
    }
}

/// Whether the mount table has changed since it was opened or last asked.
fn has_changed(table: &File) -> nix::Result<bool> {
    let mut fds = [PollFd::new(table.as_fd(), PollFlags::POLLPRI)];
    poll(&mut fds, PollTimeout::ZERO)?;
    Ok(fds[0].any().unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_changed_is_not_parsed_again() {
        let table = || Watched { file: File::open(FILE).expect("mountinfo"), seen: None };
        let (mut first, mut second) = (table(), table());
        let one = first.look().expect("mounts");
        assert!(one.mounts.iter().any(|mount| mount.target == "/"));
        // Whatever is mounted by others meanwhile is seen by both.
        for _ in 0..100 {
            let (again, other) = (first.look().expect("mounts"), second.look().expect("mounts"));
            if Arc::ptr_eq(&again.mounts, &one.mounts) && again.mounts == other.mounts {
                return;
            }
        }
        panic!("the mount table is read each time, or not when it should be");
    }
}
