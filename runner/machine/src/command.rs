//! The host's tools: which are missing, and running one with a deadline, ended if this program is.

use crate::deadline::Deadline;
use crate::error::Error;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Program, and the Debian package it is in.
const TOOLS: &[(&str, &str)] = &[
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("mmdebstrap", "mmdebstrap"),
    ("mke2fs", "e2fsprogs"),
    ("xz", "xz-utils"),
    ("dpkg-deb", "dpkg"),
    ("setpriv", "util-linux"),
    ("unshare", "util-linux"),
];

/// Programs that only start another, and the words of theirs that are no options.
const WRAPPERS: [&str; 4] = ["setpriv", "KILL", "unshare", "private"];

/// Refuses to begin where a tool is missing.
///
/// # Errors
/// Names those that are, and the one command that installs them.
pub fn require_tools() -> Result<(), Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // mke2fs is in /usr/sbin, which not every user's PATH has.
    let folders: Vec<_> = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).collect();
    match missing(|program| folders.iter().any(|folder| folder.join(program).is_file())) {
        Some(message) => Err(Error::usage(message)),
        None => Ok(()),
    }
}

fn missing(here: impl Fn(&str) -> bool) -> Option<String> {
    let missing: Vec<_> = TOOLS.iter().filter(|(program, _)| !here(program)).collect();
    let mut packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    let programs: Vec<&str> = missing.iter().map(|(program, _)| *program).collect();
    (!missing.is_empty()).then(|| {
        format!(
            "missing: {}; install what a virtual machine needs with\n    sudo apt-get install --no-install-recommends {}\n\
             or sudo runner/provision.sh vm",
            programs.join(", "),
            packages.join(" ")
        )
    })
}

/// The command under a parent-death signal: it is killed as soon as this program has gone, however it went.
pub fn dies_with_us(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", program]).stdin(Stdio::null());
    command
}

/// The command in mount and process namespaces of its own: whatever ends it, nothing that it started or mounted stays.
pub fn on_its_own(program: &str) -> Command {
    let mut command = dies_with_us("unshare");
    command.args(["--mount", "--propagation", "private", "--mount-proc", "--pid", "--fork", "--kill-child", program]);
    command
}

/// A child process, killed and reaped when this is dropped.
pub struct Reaped(pub Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs to the end, with its output appended to `log`.
///
/// # Errors
/// It cannot be started, is late, is interrupted, or fails; then with the log's last lines.
pub fn run(command: &mut Command, limit: Duration, log: &Path) -> Result<(), Error> {
    let name = describe(command);
    let file = File::options().create(true).append(true).open(log).map_err(Error::at("open", log))?;
    let error_file = file.try_clone().map_err(Error::at("open", log))?;
    command.stdin(Stdio::null()).stdout(file).stderr(error_file);
    let mut child = Reaped(command.spawn().map_err(|why| Error::failed(format!("start {name}"), why))?);
    let status = wait(&mut child, &Deadline::start(name.clone(), limit))?;
    if status.success() {
        return Ok(());
    }
    let text = std::fs::read(log).unwrap_or_default();
    Err(Error::failed(format!("{name} failed, {status}"), format!("its last lines:\n{}", tail(&text, 15))))
}

/// Waits for the end of a child.
///
/// # Errors
/// It is late, or a signal asked for the end.
pub fn wait(child: &mut Reaped, deadline: &Deadline) -> Result<ExitStatus, Error> {
    deadline.poll(|| child.0.try_wait().map_err(|why| Error::failed("wait for a child", why)))
}

/// Runs to the end and returns what it printed.
///
/// # Errors
/// It cannot be started, or fails.
pub fn output(command: &mut Command) -> Result<String, Error> {
    let name = describe(command);
    let output = command.stdin(Stdio::null()).output().map_err(|why| Error::failed(format!("start {name}"), why))?;
    if !output.status.success() {
        return Err(Error::failed(format!("{name} failed, {}", output.status), tail(&output.stderr, 15)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The last lines of some output.
pub fn tail(text: &[u8], lines: usize) -> String {
    let text = String::from_utf8_lossy(text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// The program's name, without the wrappers that this module puts before it.
fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(|word| word.to_string_lossy());
    let wrapped = words.skip_while(|word| WRAPPERS.contains(&word.as_ref()) || word.starts_with("--"));
    wrapped.map(|word| word.into_owned()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_tools_are_named_with_one_command() {
        assert_eq!(missing(|_| true), None);
        let message = missing(|program| program != "setpriv" && program != "unshare" && program != "xz").expect("some");
        assert!(message.starts_with("missing: xz, setpriv, unshare; "), "{message}");
        assert!(message.contains("--no-install-recommends xz-utils util-linux\n"), "{message}");
    }

    #[test]
    fn wrappers_are_not_named() {
        assert_eq!(describe(&dies_with_us("qemu")), "qemu");
        assert_eq!(describe(on_its_own("mmdebstrap").arg("trixie")), "mmdebstrap");
        assert_eq!(describe(Command::new("mke2fs").arg("-q")), "mke2fs");
    }

    #[test]
    fn a_failure_shows_the_last_lines() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let log = folder.path().join("log");
        let error = run(Command::new("sh").args(["-c", "echo why; exit 7"]), Duration::from_secs(10), &log);
        let message = error.expect_err("it fails").to_string();
        assert!(message.contains("exit status: 7") && message.ends_with("why"), "{message}");
        assert!(run(&mut Command::new("true"), Duration::from_secs(10), &log).is_ok());
    }
}
