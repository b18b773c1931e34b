//! The supervisor: podcheck re-executed, which outlives whoever started it just long enough to take a run's things away.
//!
//! It is started from `/proc/self/exe`, which stays the file that is running even when that is rebuilt or deleted. It
//! speaks by one socket, its standard input: `ready`, once it holds the run's lock; then `end` is asked of it, and it
//! answers with a report.

use super::beacon::Beacon;
use super::owner::Owner;
use super::process::is_gone;
use super::sweep::{self, SweepReport};
use super::{HostError, Process, SUPERVISOR_ROLE, lock, places, scaled};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

const READY: &str = "ready\n";
const END: &[u8] = b"end\n";
/// How long it may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// How long it may take to sweep: as many deadlines of its own as a run of many Pods could need.
const SWEPT_WITHIN: Duration = Duration::from_secs(60);
/// How often it looks for its owner where the kernel has no pidfds (before 5.3).
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The supervisor as the process that started it sees it.
#[derive(Debug)]
pub(super) struct Supervisor {
    child: Child,
    stream: UnixStream,
}

impl Supervisor {
    /// Starts one for the run in `dir` and waits until it holds the run's lock.
    pub(super) fn start(dir: &Path, owner: &Owner) -> Result<Supervisor, HostError> {
        let failed = |e: std::io::Error| HostError::os("start the run's supervisor", e);
        let log = dir.join("supervisor.log");
        let log_file = File::create(&log).map_err(failed)?;
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let mut command = Command::new("/proc/self/exe");
        command.arg0("podcheck").arg(SUPERVISOR_ROLE).arg(dir);
        command.args([owner.pid.to_string(), owner.start.to_string()]);
        command.arg(if owner.is_self() { "with-starter" } else { "without-starter" });
        command.current_dir("/").env_clear();
        for name in ["PODCHECK_TIME_FACTOR", "RUST_BACKTRACE"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.stdin(OwnedFd::from(theirs)).stderr(log_file.try_clone().map_err(failed)?).stdout(log_file);
        let child = command.spawn().map_err(failed)?;
        drop(command);
        let mut supervisor = Supervisor { child, stream: ours };
        match supervisor.line(READY_WITHIN) {
            Ok(line) if line == READY => Ok(supervisor),
            other => {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                let why = other.map_or_else(|e| e.to_string(), |line| format!("it answered {line:?}"));
                // By its handle: it is our child and not reaped yet.
                let _ = supervisor.child.kill();
                let _ = supervisor.child.wait();
                Err(HostError::new("start the run's supervisor", format!("{why} {}", said.trim())))
            }
        }
    }

    /// Has it sweep the run and waits for that; `None` if it is gone, killed by somebody.
    pub(super) fn end(mut self) -> Result<Option<SweepReport>, HostError> {
        let failed = |e: std::io::Error| HostError::os("end the run by its supervisor", e);
        let answer = self.stream.write_all(END).and_then(|()| self.line(SWEPT_WITHIN));
        let line = match answer {
            Ok(line) if line.is_empty() => None,
            Ok(line) => Some(line),
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => None,
            Err(error) => return Err(failed(error)),
        };
        self.child.wait().map_err(failed)?;
        let Some(line) = line else { return Ok(None) };
        serde_json::from_str(&line)
            .map(Some)
            .map_err(|e| HostError::new("end the run by its supervisor", format!("it answered {line:?}: {e}")))
    }

    fn line(&mut self, within: Duration) -> std::io::Result<String> {
        self.stream.set_read_timeout(Some(scaled(within)))?;
        let mut line = String::new();
        BufReader::new(&self.stream).read_line(&mut line)?;
        Ok(line)
    }
}

/// Main of the supervisor.
pub fn supervisor_main() -> i32 {
    match supervise() {
        Ok(()) => 0,
        Err(error) => {
            // Standard error is the run's log, and what the starter shows of it.
            eprintln!("{error}");
            1
        }
    }
}

fn supervise() -> Result<(), HostError> {
    let failed = |errno: nix::Error| HostError::os("become a supervisor", errno);
    // A session of its own: Ctrl-C and the end of the terminal are the owner's business.
    nix::unistd::setsid().map_err(failed)?;
    close_inherited();
    let args: Vec<String> = std::env::args().skip(2).collect();
    let [dir, pid, start, starter] = args.as_slice() else {
        return Err(HostError::new("become a supervisor", "podcheck starts it, nobody else".to_owned()));
    };
    let dir = Path::new(dir);
    let id = dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let held = lock::attempt_file(&dir.join(places::LOCK))
        .map_err(|e| HostError::os("lock the run", e))?
        .ok_or_else(|| HostError::new("lock the run", "another supervisor has it".to_owned()))?;
    // Until all is swept: what is being taken away is not to be taken for nobody's.
    let _beacon = Beacon::light(&id)?;
    let stream = std::io::stdin().as_fd().try_clone_to_owned().map_err(|e| HostError::os("become a supervisor", e))?;
    let mut stream = UnixStream::from(stream);
    let watch = Watch::new(pid, start, starter == "with-starter")?;
    // The starter may be gone already, which the watch finds next.
    let _ = stream.write_all(READY.as_bytes());
    watch.until_the_end(&mut stream)?;
    let report = sweep::sweep_run(&id, &held, None)?;
    let text = serde_json::to_string(&report).map_err(|e| HostError::new("report", e.to_string()))?;
    // Nobody may be left to listen.
    let _ = stream.write_all(format!("{text}\n").as_bytes());
    Ok(())
}

/// Descriptors that our starter's other libraries left open across exec.
fn close_inherited() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    let fds: Vec<i32> = entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    for fd in fds.into_iter().filter(|fd| *fd > 2) {
        // The directory that was just read is among them and closed already.
        let _ = nix::unistd::close(fd);
    }
}

/// What the supervisor waits for.
struct Watch {
    owner: Option<Process>,
    pidfd: Option<OwnedFd>,
    signals: SignalFd,
    with_starter: bool,
}

impl Watch {
    fn new(pid: &str, start: &str, with_starter: bool) -> Result<Watch, HostError> {
        let failed = |errno: nix::Error| HostError::os("watch the owner of the run", errno);
        let mut set = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
            set.add(signal);
        }
        set.thread_block().map_err(failed)?;
        let signals = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map_err(failed)?;
        let owner = hold_owner(pid, start).map_err(|e| HostError::os("watch the owner of the run", e))?;
        // Without one it is looked at again and again.
        let pidfd = owner.as_ref().and_then(|owner| owner.pidfd().ok().flatten());
        Ok(Watch { owner, pidfd, signals, with_starter })
    }

    /// Returns when the owner is gone, or asks for the end, or a SIGTERM does.
    fn until_the_end(mut self, stream: &mut UnixStream) -> Result<(), HostError> {
        let mut listening = true;
        loop {
            if !self.owner.as_ref().is_some_and(Process::is_alive) {
                return Ok(());
            }
            let (mut asked, mut signalled) = (false, false);
            {
                let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
                if listening {
                    fds.push(PollFd::new(stream.as_fd(), PollFlags::POLLIN));
                }
                if let Some(pidfd) = &self.pidfd {
                    fds.push(PollFd::new(pidfd.as_fd(), PollFlags::POLLIN));
                }
                let timeout = if self.pidfd.is_some() { PollTimeout::NONE } else { look_every() };
                if !matches!(poll(&mut fds, timeout), Ok(_) | Err(nix::Error::EINTR)) {
                    // The kernel is short of memory. Whoever leaves now takes a live run for a dead one.
                    std::thread::sleep(LOOK_EVERY);
                    continue;
                }
                signalled |= fds[0].any() == Some(true);
                asked |= listening && fds[1].any() == Some(true);
            }
            if signalled && self.terminated() {
                return Ok(());
            }
            if asked {
                match ask(stream) {
                    Asked::End => return Ok(()),
                    Asked::Gone if self.with_starter => return Ok(()),
                    Asked::Gone => listening = false,
                    Asked::Nothing => {}
                }
            }
        }
    }

    /// Whether one of the signals that came is SIGTERM; the others are the terminal's.
    fn terminated(&mut self) -> bool {
        let mut terminated = false;
        while let Ok(Some(signal)) = self.signals.read_signal() {
            terminated |= signal.ssi_signo == Signal::SIGTERM as u32;
        }
        terminated
    }
}

/// The owner of a run by its pid and its start; `None` if it is gone.
fn hold_owner(pid: &str, start: &str) -> std::io::Result<Option<Process>> {
    let invalid = |e: std::num::ParseIntError| std::io::Error::new(ErrorKind::InvalidInput, e);
    let (pid, start) = (pid.parse::<i32>().map_err(invalid)?, start.parse::<u64>().map_err(invalid)?);
    let Some(process) = Process::find(pid)? else { return Ok(None) };
    match process.start_time() {
        Err(error) if is_gone(&error) => Ok(None),
        began => Ok((began? == start).then_some(process)),
    }
}

fn look_every() -> PollTimeout {
    PollTimeout::try_from(LOOK_EVERY).unwrap_or(PollTimeout::ZERO)
}

enum Asked {
    End,
    Gone,
    Nothing,
}

fn ask(stream: &mut UnixStream) -> Asked {
    let mut text = [0; 16];
    match stream.read(&mut text) {
        Ok(0) => Asked::Gone,
        Ok(length) if text[..length] == *END => Asked::End,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Asked::Gone,
        _ => Asked::Nothing,
    }
}
