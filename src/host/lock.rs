//! Locks by flock(2): they end with their holder, however that ends.

use super::places::{ROOT, subnets_dir};
use super::{HostError, poll_until, scaled};
use nix::fcntl::{Flock, FlockArg};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// Longer than anybody holds the root: begin() and the end of a sweep do so for milliseconds.
const ROOT_WITHIN: Duration = Duration::from_secs(30);

/// The right to add and to list runs, held on `/run/podcheck` itself, which goes with the last of them.
#[derive(Debug)]
pub(super) struct RootLock(Option<Flock<File>>);

impl RootLock {
    /// Waits for it, making the directory where it is not there.
    pub(super) fn take() -> Result<RootLock, HostError> {
        let deadline = Instant::now() + scaled(ROOT_WITHIN);
        let found = poll_until(deadline, || Self::attempt().transpose());
        found.unwrap_or_else(|| Err(HostError::new(format!("lock {ROOT}"), "another podcheck holds it".to_owned())))
    }

    fn attempt() -> Result<Option<RootLock>, HostError> {
        let failed = |e: std::io::Error| HostError::os(format!("lock {ROOT}"), e);
        private_dir(Path::new(ROOT)).map_err(failed)?;
        let file = match File::open(ROOT) {
            Ok(file) => file,
            // Its last user removed it in between.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let Some(lock) = attempt(file).map_err(failed)? else {
            return Ok(None);
        };
        // A lock on a directory that was removed meanwhile is worth nothing.
        let ours = lock.metadata().map_err(failed)?;
        let there = std::fs::symlink_metadata(ROOT).ok().map(|m| (m.dev(), m.ino()));
        Ok((there == Some((ours.dev(), ours.ino()))).then_some(RootLock(Some(lock))))
    }
}

impl Drop for RootLock {
    fn drop(&mut self) {
        // Both only go when they are empty.
        let _ = std::fs::remove_dir(subnets_dir());
        let _ = std::fs::remove_dir(ROOT);
        drop(self.0.take());
    }
}

/// Makes a directory that only root may enter; no error if it is there.
pub(super) fn private_dir(dir: &Path) -> std::io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Locks an open file or directory if nobody else has it locked.
pub(super) fn attempt(file: File) -> std::io::Result<Option<Flock<File>>> {
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::Error::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno.into()),
    }
}

/// Locks the file at `path`, making it where it is not there; `None` if somebody else has it locked.
pub(super) fn attempt_file(path: &Path) -> std::io::Result<Option<Flock<File>>> {
    attempt(OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?)
}
