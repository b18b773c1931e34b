//! A daemon that ends and starts once more under its Pods, in the mount namespace that it had: on a host it would be the
//! host's.

use super::launch::MountNamespace;
use super::ready::Home;
use super::start::{Start, argv};
use crate::host::{Cause, Process, Run, scaled};
use crate::runtime::RuntimeError;
use nix::sys::signal::Signal;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A daemon that was told to end has ended by then.
const ENDED_WITHIN: Duration = Duration::from_secs(30);

const ACTION: &str = "restart its daemon";

/// How a private daemon is restarted.
#[derive(Clone, Debug)]
pub struct Restart {
    pub(super) home: Home,
    pub(super) run: Arc<Run>,
    pub(super) cgroup: String,
    pub(super) socket: PathBuf,
    /// Gets an answer from it.
    pub(super) ask: fn(&Home) -> Result<(), RuntimeError>,
}

impl Restart {
    /// Ends the daemon as an operator would and starts it again; gives its new process.
    ///
    /// # Errors
    /// It would not end, or did not come back.
    pub fn restart(&self) -> Result<Process, RuntimeError> {
        let failed = |cause: Cause| self.home.failed(ACTION, cause);
        let (process, ready) = self.home.find()?.ok_or_else(|| failed("it was never started".into()))?;
        // Held, so that it is there without the daemon even if no shim is in it.
        let mounts = File::open(format!("/proc/{}/ns/mnt", process.pid())).map_err(|error| failed(error.into()))?;
        process.signal(Signal::SIGTERM).map_err(|error| failed(error.into()))?;
        if !process.wait_end(Instant::now() + scaled(ENDED_WITHIN)) {
            return Err(failed("it does not end".into()));
        }
        let start = Start {
            home: &self.home,
            run: &self.run,
            cgroup: &self.cgroup,
            argv: argv(&self.home)?,
            mounts: MountNamespace::Of(format!("/proc/{}/fd/{}", std::process::id(), mounts.as_raw_fd()).into()),
            socket: &self.socket,
        };
        let ready = start.until_ready(|| (self.ask)(&self.home).map(|()| ready.versions.clone()), || Ok(()))?;
        self.home.write(&ready).map_err(|error| failed(error.into()))?;
        self.home.hold(&ready)
    }
}
