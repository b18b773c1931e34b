//! External commands with a deadline, in a clean environment, and their standard error kept for the message.

use crate::host::{Cause, run_within};
use crate::runtime::RuntimeError;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Folders where Debian and administrators put what a runtime needs, behind those of our own PATH.
const FOLDERS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// PATH of the daemons and of the commands that talk to them: ours, and the system's folders, which a user's may lack.
pub(crate) fn search_path() -> OsString {
    let mut folders: Vec<PathBuf> = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect())
        .unwrap_or_default();
    for folder in FOLDERS.map(PathBuf::from) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    // Joining fails only on a folder with a colon in it, which split_paths cannot have given.
    std::env::join_paths(folders).unwrap_or_default()
}

/// The absolute path of a program found in [`search_path`].
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&search_path()).map(|folder| folder.join(name)).find(|path| is_executable(path))
}

/// Whether a path is a file that may be executed.
pub(crate) fn is_executable(path: &Path) -> bool {
    path.is_file() && nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok()
}

/// One external command, on behalf of a runtime.
#[derive(Clone, Debug)]
pub(crate) struct Command<'a> {
    /// Name of the runtime, for errors.
    pub runtime: &'a str,
    /// What it does, as an infinitive, for errors.
    pub action: &'a str,
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// Its environment beside PATH.
    pub env: Vec<(&'static str, OsString)>,
    /// How long it may take.
    pub within: Duration,
    /// The log of the daemon that it talks to, shown when the deadline passes.
    pub log: Option<&'a Path>,
}

/// How an external command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Its exit status, 128 + signal if it was killed.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Command<'_> {
    /// Runs it and waits, whatever its exit status.
    ///
    /// # Errors
    /// It could not be started, or the deadline passed; then it was killed.
    pub fn run(&self) -> Result<Ended, RuntimeError> {
        let Some((program, args)) = self.argv.split_first() else {
            return Err(self.failed("no command was given"));
        };
        let mut env = vec![("PATH", search_path())];
        env.extend(self.env.iter().cloned());
        let ran = run_within(&duct::cmd(program, args).full_env(env), self.within);
        let output = ran.map_err(|error| self.failed(format!("{}: {error}", program.display())))?;
        let output = output.ok_or_else(|| RuntimeError::Deadline {
            runtime: self.runtime.to_owned(),
            action: self.action.to_owned(),
            seconds: self.within.as_secs(),
            log: self.log.map(super::log::last_lines).unwrap_or_default(),
        })?;
        Ok(Ended {
            code: exit_code(output.status),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs it, waits and gives its standard output.
    ///
    /// # Errors
    /// As [`Command::run`], and an exit status that is not 0.
    pub fn read(&self) -> Result<String, RuntimeError> {
        let ended = self.run()?;
        if ended.code == 0 { Ok(ended.stdout) } else { Err(self.failed(ended.complaint())) }
    }

    /// The error of this command.
    pub fn failed(&self, cause: impl Into<Cause>) -> RuntimeError {
        RuntimeError::Failed { runtime: self.runtime.to_owned(), action: self.action.to_owned(), cause: cause.into() }
    }
}

impl Ended {
    /// What the command said of its failure, without the advice that docker adds.
    pub fn complaint(&self) -> String {
        let said: Vec<&str> = self.complaint_lines().collect();
        if said.is_empty() { format!("exit status {}", self.code) } else { said.join("; ") }
    }

    /// The lines of [`Ended::complaint`].
    pub fn complaint_lines(&self) -> impl Iterator<Item = &str> {
        self.stderr
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("Run 'docker") && !line.starts_with("See 'docker"))
            .filter(|line| !line.starts_with("WARNING: "))
    }
}

/// Exit status as a shell gives it.
fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(argv: &[&str], within: Duration) -> Command<'static> {
        let argv = argv.iter().map(OsString::from).collect();
        Command { runtime: "docker", action: "try it", argv, env: vec![("KEY", "value".into())], within, log: None }
    }

    #[test]
    fn the_environment_is_path_and_what_was_given() {
        let text = command(&["env"], Duration::from_secs(10)).read().expect("env runs");
        let mut names: Vec<&str> = text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, ["KEY", "PATH"]);
    }

    #[test]
    fn a_failure_carries_standard_error() {
        let error = command(&["sh", "-c", "echo no such thing >&2; exit 3"], Duration::from_secs(10)).read();
        assert_eq!(error.expect_err("exit 3").to_string(), "docker cannot try it: no such thing");
    }

    #[test]
    fn past_its_deadline_a_command_is_killed() {
        // One that lives on is waited for without end.
        let error = command(&["sleep", "infinity"], Duration::from_millis(100)).run().expect_err("too slow");
        assert!(matches!(error, RuntimeError::Deadline { .. }), "{error}");
    }

    #[test]
    fn advice_is_no_complaint() {
        let stderr = "WARNING: IPv4 forwarding is disabled. Networking will not work.\ndocker: Error: no\n\nRun 'docker run --help' for more\n";
        let ended = Ended { code: 125, stdout: String::new(), stderr: stderr.to_owned() };
        assert_eq!(ended.complaint(), "docker: Error: no");
    }
}
