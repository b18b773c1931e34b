//! The docker command line, pointed at one daemon.

use super::complaint::daemon_refused;
use crate::host::{Cause, scaled};
use crate::runtime::RuntimeError;
use crate::runtime::daemon::{Command, Ended, find_program};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// For what a daemon answers from its books.
pub(super) const QUICK: Duration = Duration::from_secs(30);
/// For what starts or ends processes.
pub(super) const SLOW: Duration = Duration::from_secs(60);

/// A docker command line for one daemon.
#[derive(Debug)]
pub(super) struct Client {
    /// Name of the runtime, for errors.
    pub runtime: String,
    /// `unix://…`.
    pub host: String,
    /// DOCKER_CONFIG: ours, so that a user's proxies do not become environment of containers.
    pub config: PathBuf,
    /// The daemon's log, if it is ours.
    pub log: Option<PathBuf>,
}

impl Client {
    /// Runs `docker ARGS` whatever its exit status; `within` is for a machine of ordinary speed.
    pub fn run(&self, action: &str, args: &[String], within: Duration) -> Result<Ended, RuntimeError> {
        self.command(action, args, scaled(within)).run()
    }

    /// As [`Client::run`], with a deadline that is meant as it stands.
    pub fn run_within(&self, action: &str, args: &[String], deadline: Duration) -> Result<Ended, RuntimeError> {
        self.command(action, args, deadline).run()
    }

    /// Runs `docker ARGS` and gives its standard output.
    pub fn read(&self, action: &str, args: &[String], within: Duration) -> Result<String, RuntimeError> {
        self.command(action, args, scaled(within)).read()
    }

    /// What the daemon said where it refused what `docker run` asked; `None` if it did not refuse.
    ///
    /// # Errors
    /// It is not the daemon who said so, or it is gone.
    pub fn refusal(&self, action: &str, ended: &Ended) -> Result<Option<String>, RuntimeError> {
        if ended.code == 0 {
            return Ok(None);
        }
        if !daemon_refused(ended) {
            return Err(self.failed(action, ended.complaint()));
        }
        let alive = self.read(action, &words(["version", "--format", "{{.Server.Version}}"]), QUICK);
        alive.map(|_| Some(ended.complaint()))
    }

    /// An error of this runtime.
    pub fn failed(&self, action: &str, cause: impl Into<Cause>) -> RuntimeError {
        RuntimeError::Failed { runtime: self.runtime.clone(), action: action.to_owned(), cause: cause.into() }
    }

    /// Its absence, with the reason.
    pub fn unavailable(&self, reason: String) -> RuntimeError {
        RuntimeError::Unavailable { runtime: self.runtime.clone(), reason }
    }

    fn command<'a>(&'a self, action: &'a str, args: &[String], within: Duration) -> Command<'a> {
        let program = find_program("docker").map_or_else(|| OsString::from("docker"), PathBuf::into_os_string);
        let mut argv = vec![program, "--host".into(), OsString::from(&self.host)];
        argv.extend(args.iter().map(OsString::from));
        let env = vec![("DOCKER_CONFIG", self.config.clone().into_os_string())];
        Command { runtime: &self.runtime, action, argv, env, within, log: self.log.as_deref() }
    }
}

/// Words of a command line.
pub(super) fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}
