//! What a started daemon is known by to the other processes of a run, and the lock under which it is started.

use super::log::last_lines;
use crate::host::{Cause, Process};
use crate::runtime::RuntimeError;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

/// The file in a daemon's folder that says it is ready.
const READY: &str = "ready.json";
/// The file that says it could not be started: once a run is often enough.
const FAILED: &str = "failed";

/// A daemon that answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ready {
    /// Its pid.
    pub pid: i32,
    /// When it began, in the kernel's own unit: with it a pid is one process.
    pub began: u64,
    /// Versions of what takes part.
    pub versions: BTreeMap<String, String>,
}

impl Ready {
    /// The note of a daemon.
    pub fn of(process: &Process, versions: BTreeMap<String, String>) -> io::Result<Ready> {
        Ok(Ready { pid: process.pid(), began: process.start_time()?, versions })
    }
}

/// A daemon's folder.
#[derive(Clone, Debug)]
pub(super) struct Home {
    /// Name of the runtime, for errors.
    pub runtime: String,
    /// `<run>/daemons/<name>`.
    pub dir: PathBuf,
}

impl Home {
    /// Its log.
    pub fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// Its folder for temporary files.
    pub fn temporary(&self) -> io::Result<PathBuf> {
        let folder = self.dir.join("tmp");
        match DirBuilder::new().mode(0o700).create(&folder) {
            // Of the same daemon before it was restarted.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(folder),
            made => made.map(|()| folder),
        }
    }

    /// The daemon in this folder, started by `start` if nobody has yet.
    pub fn daemon(
        &self,
        start: impl FnOnce() -> Result<Ready, RuntimeError>,
    ) -> Result<(Process, Ready), RuntimeError> {
        if let Some(found) = self.find()? {
            return Ok(found);
        }
        let _lock = self.lock()?;
        if let Some(found) = self.find()? {
            return Ok(found);
        }
        let ready = start().inspect_err(|error| {
            // If it cannot be noted, the next one tries again.
            let _ = std::fs::write(self.dir.join(FAILED), error.to_string());
        })?;
        self.write(&ready).map_err(|error| self.failed("note its daemon", error))?;
        let process = self.hold(&ready)?;
        Ok((process, ready))
    }

    /// The daemon that was started already, if one was.
    pub(super) fn find(&self) -> Result<Option<(Process, Ready)>, RuntimeError> {
        match std::fs::read_to_string(self.dir.join(FAILED)) {
            Ok(text) => {
                return Err(self.failed("be used", format!("its daemon could not be started before: {text}")));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(self.failed("look for its daemon", error)),
        }
        let text = match std::fs::read_to_string(self.dir.join(READY)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed("look for its daemon", error)),
        };
        let ready: Ready = serde_json::from_str(&text).map_err(|error| self.failed("read its daemon's note", error))?;
        Ok(Some((self.hold(&ready)?, ready)))
    }

    pub(super) fn hold(&self, ready: &Ready) -> Result<Process, RuntimeError> {
        match Process::open(ready.pid) {
            Ok(process) if process.is_alive() && process.start_time().is_ok_and(|began| began == ready.began) => {
                Ok(process)
            }
            _ => Err(self.failed("be used", format!("its daemon has ended{}", last_lines(&self.log())))),
        }
    }

    /// Complete or not at all: others look without the lock.
    pub(super) fn write(&self, ready: &Ready) -> io::Result<()> {
        let half = self.dir.join("ready.json.new");
        std::fs::write(&half, serde_json::to_vec(ready)?)?;
        std::fs::rename(half, self.dir.join(READY))
    }

    fn lock(&self) -> Result<Flock<File>, RuntimeError> {
        let mut path = self.dir.clone().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let fail = |error: io::Error| self.failed(&format!("lock {}", path.display()), error);
        std::fs::create_dir_all(&self.dir).map_err(fail)?;
        let mut file = File::create(&path).map_err(fail)?;
        loop {
            match Flock::lock(file, FlockArg::LockExclusive) {
                Ok(lock) => return Ok(lock),
                Err((again, nix::Error::EINTR)) => file = again,
                Err((_, errno)) => return Err(fail(errno.into())),
            }
        }
    }

    /// An error of the runtime that this daemon is for.
    pub fn failed(&self, action: &str, cause: impl Into<Cause>) -> RuntimeError {
        RuntimeError::Failed { runtime: self.runtime.clone(), action: action.to_owned(), cause: cause.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn home(dir: &Path) -> Home {
        Home { runtime: "containerd".to_owned(), dir: dir.join("containerd") }
    }

    fn own() -> (Process, Ready) {
        let process = Process::open(std::process::id().cast_signed()).expect("we run");
        let ready = Ready::of(&process, BTreeMap::new()).expect("we run");
        (process, ready)
    }

    #[test]
    fn a_daemon_is_started_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = home(dir.path());
        let (own, ready) = own();
        let (process, _) = home.daemon(|| Ok(ready.clone())).expect("started");
        assert_eq!(process.pid(), own.pid());
        let (_, again) = home.daemon(|| panic!("started twice")).expect("found");
        assert_eq!(again, ready);
    }

    #[test]
    fn a_daemon_that_ended_is_an_error_with_its_log() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = home(dir.path());
        std::fs::create_dir_all(&home.dir).expect("made");
        std::fs::write(home.log(), "all is lost\n").expect("written");
        let other = Ready { began: 1, ..own().1 };
        home.write(&other).expect("noted");
        let error = home.daemon(|| panic!("not asked")).expect_err("it is another process").to_string();
        assert!(error.contains("its daemon has ended\n  all is lost"), "{error}");
    }

    #[test]
    fn a_failure_is_remembered() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = home(dir.path());
        assert!(home.daemon(|| Err(home.failed("start", "no memory"))).is_err());
        let error = home.daemon(|| panic!("not asked again")).expect_err("remembered").to_string();
        assert!(error.contains("could not be started before: containerd cannot start: no memory"), "{error}");
    }
}
