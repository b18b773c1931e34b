//! Starting a daemon by the launcher, and waiting until it answers.

use super::command::search_path;
use super::launch::{LAUNCH_ROLE, Launch, MountNamespace};
use super::log::last_lines;
use super::ready::{Home, Ready};
use crate::host::{Cause, Process, Run, poll_until, scaled};
use crate::runtime::RuntimeError;
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How long a daemon may take until it answers.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// The file in a daemon's folder with its command line.
const ARGV: &str = "argv.json";

/// What is done here, in errors.
const START: &str = "start its daemon";

/// A daemon to start.
pub(super) struct Start<'a> {
    /// Its folder.
    pub home: &'a Home,
    /// The run it is of.
    pub run: &'a Run,
    /// Its cgroup, from [`clear`].
    pub cgroup: &'a str,
    /// The daemon and its arguments.
    pub argv: Vec<String>,
    /// Its mount namespace.
    pub mounts: MountNamespace,
    /// Its socket: until it is there, asking is no use.
    pub socket: &'a Path,
}

/// Makes a daemon's folder anew and gives its cgroup. An attempt that was killed half way may have left a daemon in both.
pub(super) fn clear(home: &Home, run: &Run, name: &str) -> Result<String, RuntimeError> {
    let failed = |cause: Cause| home.failed(START, cause);
    let cgroup = run.daemon_cgroup(name).map_err(|error| failed(error.into()))?;
    run.hierarchies().kill(&cgroup).map_err(|error| failed(error.into()))?;
    std::fs::remove_dir_all(&home.dir).map_err(|error| failed(error.into()))?;
    std::fs::create_dir(&home.dir).map_err(|error| failed(error.into()))?;
    Ok(cgroup)
}

/// How a daemon was started.
pub(super) fn argv(home: &Home) -> Result<Vec<String>, RuntimeError> {
    let read = std::fs::read(home.dir.join(ARGV)).and_then(|text| Ok(serde_json::from_slice(&text)?));
    read.map_err(|error| home.failed("read how its daemon was started", error))
}

impl Start<'_> {
    /// Starts it, waits until `ask` gets an answer, lets `finish` do the rest. Nothing of it runs after an error.
    pub fn until_ready(
        self,
        ask: impl Fn() -> Result<BTreeMap<String, String>, RuntimeError>,
        finish: impl FnOnce() -> Result<(), RuntimeError>,
    ) -> Result<Ready, RuntimeError> {
        let started = self.launch().and_then(|process| {
            let versions = self.wait(&process, ask)?;
            finish()?;
            Ready::of(&process, versions).map_err(|error| self.failed(START, error))
        });
        started.inspect_err(|_| {
            // The first error is the one to report; what would not die is the supervisor's.
            let _ = self.run.hierarchies().kill(self.cgroup);
        })
    }

    fn launch(&self) -> Result<Process, RuntimeError> {
        let noted = serde_json::to_vec(&self.argv).map_err(std::io::Error::from);
        let noted = noted.and_then(|text| std::fs::write(self.home.dir.join(ARGV), text));
        noted.map_err(|error| self.failed("note how its daemon is started", error))?;
        if !crate::has_handed_over() {
            return Err(self.failed(START, "podcheck::hand_over() is not the first line of this program's main"));
        }
        let launch = Launch {
            argv: self.argv.clone(),
            temporary: self.home.temporary().map_err(|error| self.failed(START, error))?,
            path: search_path().to_string_lossy().into_owned(),
            log: self.home.log(),
            cgroup_procs: self.run.hierarchies().procs_files(self.cgroup),
            mounts: self.mounts.clone(),
        };
        let told = serde_json::to_string(&launch).map_err(|error| self.failed(START, error))?;
        let output = std::process::Command::new("/proc/self/exe")
            .args([LAUNCH_ROLE, &told])
            .env_clear()
            .stdin(Stdio::null())
            .output()
            .map_err(|error| self.failed(START, error))?;
        if !output.status.success() {
            return Err(self.failed(START, String::from_utf8_lossy(&output.stderr).trim()));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let pid = text.trim().parse().map_err(|_| self.failed(START, format!("no pid: {text:?}")))?;
        Process::open(pid).map_err(|error| self.failed(START, format!("{error}{}", last_lines(&self.home.log()))))
    }

    fn wait(
        &self,
        process: &Process,
        ask: impl Fn() -> Result<BTreeMap<String, String>, RuntimeError>,
    ) -> Result<BTreeMap<String, String>, RuntimeError> {
        let within = scaled(READY_WITHIN);
        let mut refused = String::new();
        let answer = poll_until(Instant::now() + within, || {
            if !process.is_alive() {
                return Some(Err(self.failed(START, format!("it ended at once{}", last_lines(&self.home.log())))));
            }
            if !self.socket.exists() {
                return None;
            }
            match ask() {
                Ok(versions) => Some(Ok(versions)),
                Err(error) => {
                    refused = format!("\n  {error}");
                    None
                }
            }
        });
        answer.unwrap_or_else(|| {
            // Whoever reads a stack in the log sees where it hangs; the kill by its cgroup follows.
            let _ = process.signal(Signal::SIGTERM);
            Err(RuntimeError::Deadline {
                runtime: self.home.runtime.clone(),
                action: "get an answer from its daemon".to_owned(),
                seconds: within.as_secs(),
                log: refused + &last_lines(&self.home.log()),
            })
        })
    }

    fn failed(&self, action: &str, cause: impl Into<Cause>) -> RuntimeError {
        self.home.failed(action, cause)
    }
}
