//! Programs about processes, as the PID namespace shows them in /proc.

use super::fault::{Doing, Fault, Outcome, exactly, print};
use super::operand;
use super::stay::Signals;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::ffi::OsString;
use std::fmt::Write;
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;

/// A process as `ps` prints it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    pid: i32,
    parent: i32,
    state: char,
    uid: u32,
    /// Arguments joined by spaces; the name in brackets where there are none (kernel threads, zombies).
    command: String,
}

/// Every process that /proc shows, by pid; one that ends meanwhile is left out.
fn all() -> Result<Vec<Seen>, Fault> {
    let mut seen = Vec::new();
    for entry in fs::read_dir("/proc").doing("list /proc")? {
        let name = entry.doing("list /proc")?.file_name();
        if let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) {
            seen.extend(look_at(pid));
        }
    }
    seen.sort_by_key(|process| process.pid);
    Ok(seen)
}

fn look_at(pid: i32) -> Option<Seen> {
    let uid = fs::metadata(format!("/proc/{pid}")).ok()?.uid();
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let (comm, state, parent) = parse_stat(&String::from_utf8_lossy(&stat))?;
    Some(Seen { pid, parent, state, uid, command: command(&arguments, &comm) })
}

/// Name, state and parent of `pid (name) state parent …`; the name may hold anything, parentheses too.
fn parse_stat(stat: &str) -> Option<(String, char, i32)> {
    let (_, rest) = stat.split_once('(')?;
    let (comm, rest) = rest.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    Some((comm.to_owned(), fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn command(arguments: &[u8], comm: &str) -> String {
    let text = String::from_utf8_lossy(arguments);
    match text.trim_end_matches('\0') {
        "" => format!("[{comm}]"),
        words => words.replace('\0', " ").replace('\n', "\\n"),
    }
}

/// `ps`: people's options are accepted, for it shows everything anyway.
pub(super) fn ps(args: &[OsString]) -> Outcome {
    if let Some(other) = args.iter().find(|arg| !matches!(arg.to_str(), Some("aux" | "ax" | "-e" | "-ef" | "-A"))) {
        return Err(Fault::usage(format!("{} is no option", other.display())));
    }
    let mut lines = "PID PPID STATE UID COMMAND\n".to_owned();
    for Seen { pid, parent, state, uid, command } in all()? {
        let _ = writeln!(lines, "{pid} {parent} {state} {uid} {command}");
    }
    print(lines).map(|()| 0)
}

/// `pgrep TEXT`: pids of other processes whose command line holds the text; 1 if there are none.
pub(super) fn pgrep(args: &[OsString]) -> Outcome {
    let [text] = exactly(args)?;
    let (text, own) = (operand::text(text)?, nix::unistd::getpid().as_raw());
    let mut lines = String::new();
    for process in all()?.iter().filter(|process| process.pid != own && process.command.contains(text)) {
        let _ = writeln!(lines, "{}", process.pid);
    }
    print(&lines)?;
    Ok(i32::from(lines.is_empty()))
}

/// `pkill [-SIGNAL] TEXT`: signals other processes whose command line holds the text; 1 if there are none.
pub(super) fn pkill(args: &[OsString]) -> Outcome {
    let (signal, text) = match args {
        [text] => (Some(Signal::SIGTERM), text),
        [signal, text] => (parse_signal(operand::text(signal)?)?, text),
        _ => return Err(Fault::usage("a text is wanted")),
    };
    let (text, own) = (operand::text(text)?, nix::unistd::getpid().as_raw());
    let mut found = false;
    for process in all()?.iter().filter(|process| process.pid != own && process.command.contains(text)) {
        let signalled = nix::sys::signal::kill(Pid::from_raw(process.pid), signal);
        signalled.doing(format!("signal process {}", process.pid))?;
        found = true;
    }
    Ok(i32::from(!found))
}

/// `kill [-SIGNAL] PID`; `-0` only asks whether it may be signalled.
pub(super) fn kill(args: &[OsString]) -> Outcome {
    let (signal, pid) = match args {
        [pid] => (Some(Signal::SIGTERM), pid),
        [signal, pid] => (parse_signal(operand::text(signal)?)?, pid),
        _ => return Err(Fault::usage("a pid is wanted")),
    };
    let pid: i32 = operand::number(pid)?;
    if pid < 1 {
        return Err(Fault::usage("groups of processes are not signalled"));
    }
    nix::sys::signal::kill(Pid::from_raw(pid), signal).doing(format!("signal process {pid}")).map(|()| 0)
}

/// `-TERM`, `-SIGTERM`, `-15`, `-0`.
fn parse_signal(option: &str) -> Result<Option<Signal>, Fault> {
    let wrong = || Fault::usage(format!("{option} is no signal"));
    let name = option.strip_prefix('-').ok_or_else(wrong)?;
    match name.parse::<i32>() {
        Ok(0) => Ok(None),
        Ok(number) => Signal::try_from(number).map(Some).map_err(|_| wrong()),
        Err(_) => {
            let name = format!("SIG{}", name.strip_prefix("SIG").unwrap_or(name));
            name.parse().map(Some).map_err(|_| wrong())
        }
    }
}

/// `exe-write PID`: opens the file that a process runs for writing, and writes nothing. That the kernel refuses it since the file
/// runs (ETXTBSY) is printed as `refused`, and so is EROFS: before Linux 5.15 an overlay did not know which of its files run.
pub(super) fn exe_write(args: &[OsString]) -> Outcome {
    let [pid] = exactly(args)?;
    let path = match operand::text(pid)? {
        "self" => "/proc/self/exe".to_owned(),
        _ => format!("/proc/{}/exe", operand::number::<u32>(pid)?),
    };
    match OpenOptions::new().write(true).open(&path) {
        Err(error) if matches!(error.kind(), ErrorKind::ExecutableFileBusy | ErrorKind::ReadOnlyFilesystem) => {
            print(b"refused\n").map(|()| 1)
        }
        opened => opened.doing(format!("open {path} for writing")).map(|_| 0),
    }
}

/// `exit STATUS`
pub(super) fn exit(args: &[OsString]) -> Outcome {
    let [status] = exactly(args)?;
    operand::number::<u8>(status).map(i32::from)
}

/// `stubborn D`: stays for D whatever signal asks it to end, but SIGKILL.
pub(super) fn stubborn(args: &[OsString]) -> Outcome {
    let [limit] = exactly(args)?;
    let until = super::stay::after(operand::duration(limit)?);
    use Signal::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    let signals = Signals::take_these(&[SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2])?;
    super::stay::ready("stubborn")?;
    while super::stay::stay(&signals, until)?.is_some() {}
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_runs_is_not_opened_for_writing() {
        assert_eq!(exe_write(&["self".into()]).ok(), Some(1));
    }

    #[test]
    fn a_name_may_hold_parentheses() {
        assert_eq!(parse_stat("7 (a) b (c)) S 1 7 7 0"), Some(("a) b (c)".to_owned(), 'S', 1)));
        for text in ["", "7 (x", "7 (x)", "7 (x) S", "7 (x) S y"] {
            assert_eq!(parse_stat(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_process_without_arguments_shows_its_name() {
        assert_eq!(command(b"/bin/sleep\x001d\0", "sleep+ready"), "/bin/sleep 1d");
        assert_eq!(command(b"", "kthreadd"), "[kthreadd]");
    }

    #[test]
    fn signals_are_named_or_numbered() {
        for text in ["-TERM", "-SIGTERM", "-15"] {
            assert_eq!(parse_signal(text).ok(), Some(Some(Signal::SIGTERM)), "{text}");
        }
        assert_eq!(parse_signal("-0").ok(), Some(None));
        for text in ["", "-", "TERM", "-FOO", "-99"] {
            assert!(parse_signal(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn this_process_is_seen() {
        let own = nix::unistd::getpid().as_raw();
        let seen = look_at(own).expect("it runs");
        assert_eq!((seen.pid, seen.parent), (own, nix::unistd::getppid().as_raw()));
    }
}
