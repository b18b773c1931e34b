//! The start of a daemon, in a single-threaded podcheck of its own: cgroup, session and mount namespace, then the daemon.
//!
//! Here a daemon becomes private: flags alone leave it /run/containerd, /run/docker, /run/netns and /var/lib/cni of the
//! host, so these are other folders in its mount namespace. Nothing of that reaches the host's.

use super::mounts;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// First argument that makes podcheck the launcher of a daemon; the second is a `Launch`.
pub const LAUNCH_ROLE: &str = "--podcheck-launch";

/// What the launcher is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Launch {
    /// The daemon and its arguments.
    pub argv: Vec<String>,
    /// Its PATH.
    pub path: String,
    /// Its folder for temporary files, and that of everything it starts: `runc-process…` there holds the environment of an exec.
    /// This and PATH are all of its environment.
    pub temporary: PathBuf,
    /// Its output is appended here.
    pub log: PathBuf,
    /// The `cgroup.procs` files of its cgroup.
    pub cgroup_procs: Vec<PathBuf>,
    /// Its mount namespace.
    pub mounts: MountNamespace,
}

/// The mount namespace of a daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum MountNamespace {
    /// A new one, which sees what the host mounts but not the other way round.
    Own {
        /// Folders of ours that take the place of folders of the host.
        binds: Vec<Bind>,
        /// Mount points to hide.
        hide: Vec<PathBuf>,
        /// A mount point of ours whose mounts containers pass on to each other.
        shared: PathBuf,
        /// A folder of ours for the host's files, as they are without `binds` and `hide`.
        host_files: PathBuf,
    },
    /// That of another daemon, by its file.
    Of(PathBuf),
}

/// A folder of ours in the place of one of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bind {
    /// Ours.
    pub source: PathBuf,
    /// The host's, which need not exist.
    pub target: PathBuf,
    /// What is mounted below it is seen by namespaces cloned from this one.
    pub shared: bool,
}

/// Main of the launcher: prints the daemon's pid, or says on standard error what failed.
pub fn main() -> i32 {
    let text = std::env::args().nth(2).unwrap_or_default();
    let launched = serde_json::from_str::<Launch>(&text)
        .map_err(|error| Failure::new("read what to launch", error.into()))
        .and_then(|launch| launch.run());
    let told = match launched {
        Ok(pid) => writeln!(io::stdout(), "{pid}").map(|()| 0),
        Err(failure) => writeln!(io::stderr(), "cannot {}: {}", failure.action, failure.error).map(|()| 1),
    };
    // Without anybody to tell, nobody takes the daemon over either.
    told.unwrap_or(1)
}

/// A step of the launcher that failed.
#[derive(Debug)]
pub(super) struct Failure {
    action: String,
    error: io::Error,
}

impl Failure {
    /// `action` is an infinitive.
    pub fn new(action: impl Into<String>, error: io::Error) -> Failure {
        Failure { action: action.into(), error }
    }
}

impl Launch {
    fn run(&self) -> Result<u32, Failure> {
        close_inherited().map_err(|error| Failure::new("close inherited descriptors", error))?;
        let log = self.open_log()?;
        for file in &self.cgroup_procs {
            join(file).map_err(|error| Failure::new(format!("join the cgroup {}", file.display()), error))?;
        }
        nix::unistd::setsid().map_err(|errno| Failure::new("begin a session", errno.into()))?;
        match &self.mounts {
            MountNamespace::Own { binds, hide, shared, host_files } => {
                mounts::enter_own(binds, hide, shared, host_files)?;
            }
            MountNamespace::Of(file) => mounts::enter(file)?,
        }
        self.spawn(log)
    }

    fn open_log(&self) -> Result<File, Failure> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.log)
            .map_err(|error| Failure::new(format!("open {}", self.log.display()), error))
    }

    /// The daemon is a child that outlives the launcher, and so becomes one of PID 1: whoever asked for it may end first.
    fn spawn(&self, log: File) -> Result<u32, Failure> {
        let Some((program, args)) = self.argv.split_first() else {
            return Err(Failure::new("start a daemon", io::Error::other("no command was given")));
        };
        let action = || format!("start {program}");
        let errors = log.try_clone().map_err(|error| Failure::new(action(), error))?;
        let child = Command::new(program)
            .args(args)
            .env_clear()
            .env("PATH", &self.path)
            .env("TMPDIR", &self.temporary)
            // Which runc's callers and crun take before it.
            .env("XDG_RUNTIME_DIR", &self.temporary)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(|error| Failure::new(action(), error))?;
        Ok(child.id())
    }
}

fn join(procs: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(procs)?.write_all(b"0")
}

/// A daemon lives longer than who started it: it may not hold that one's pipes and locks.
fn close_inherited() -> io::Result<()> {
    let mut open = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        if let Some(fd) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) {
            open.push(fd);
        }
    }
    for fd in open.into_iter().filter(|fd| *fd > 2) {
        match nix::unistd::close(fd) {
            // The listing's own descriptor is in the list and closed by now.
            Ok(()) | Err(nix::Error::EBADF) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_survives_the_command_line() {
        let launch = Launch {
            argv: vec!["containerd".into(), "-c".into(), "/run/a b/config.toml".into()],
            path: "/usr/bin".into(),
            temporary: "/run/tmp".into(),
            log: "/run/log".into(),
            cgroup_procs: vec!["/sys/fs/cgroup/x/cgroup.procs".into()],
            mounts: MountNamespace::Own {
                binds: vec![Bind { source: "/a".into(), target: "/run/netns".into(), shared: true }],
                hide: vec!["/sys/fs/cgroup/unified".into()],
                shared: "/run/x/trials".into(),
                host_files: "/run/x/host".into(),
            },
        };
        let text = serde_json::to_string(&launch).expect("serializes");
        assert_eq!(serde_json::from_str::<Launch>(&text).expect("parses"), launch);
    }
}
