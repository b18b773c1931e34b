//! Programs that stay: how they say that they are ready, and how they end.
//!
//! The kernel drops signals without a handler that are sent to PID 1 of a PID namespace. A blocked signal is kept even
//! there, so programs that stay block what they answer to and read it from a signalfd: no handler, no race.

use super::fault::{Doing, Fault, Outcome};
use super::operand;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::ffi::{CString, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Signals that a program answers to, in the order they came.
pub(super) struct Signals {
    fd: SignalFd,
}

impl Signals {
    /// Takes SIGTERM, SIGINT and SIGCHLD.
    pub(super) fn take() -> Result<Signals, Fault> {
        Signals::take_these(&[Signal::SIGTERM, Signal::SIGINT, Signal::SIGCHLD])
    }

    /// Takes these signals; SIGCHLD gets its usual meaning back, lest whoever started us had it ignored and the kernel
    /// throws away how children ended.
    pub(super) fn take_these(signals: &[Signal]) -> Result<Signals, Fault> {
        // SAFETY: sets no handler, only the default.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }.doing("reset SIGCHLD")?;
        let mut set = SigSet::empty();
        for &signal in signals {
            set.add(signal);
        }
        set.thread_block().doing("block signals")?;
        let fd = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).doing("open a signalfd")?;
        Ok(Signals { fd })
    }

    /// Gives a forked child the usual answers to signals again.
    pub(super) fn give_back() {
        // Unblocking cannot fail with a valid set; a child that kept them blocked would still end by SIGKILL.
        let _ = SigSet::all().thread_unblock();
    }

    /// A signal that is there already.
    pub(super) fn pending(&self) -> Result<Option<Signal>, Fault> {
        match self.fd.read_signal() {
            Ok(Some(info)) => Ok(i32::try_from(info.ssi_signo).ok().and_then(|n| Signal::try_from(n).ok())),
            Ok(None) | Err(Errno::EINTR) => Ok(None),
            Err(errno) => Err(errno).doing("read the signalfd"),
        }
    }

    /// Waits for the next signal; `None` once it is `until`.
    pub(super) fn next(&self, until: Option<Instant>) -> Result<Option<Signal>, Fault> {
        loop {
            if let Some(signal) = self.pending()? {
                return Ok(Some(signal));
            }
            let timeout = remaining(until);
            if timeout == PollTimeout::ZERO {
                return Ok(None);
            }
            wait_readable(&mut [PollFd::new(self.fd.as_fd(), PollFlags::POLLIN)], timeout)?;
        }
    }

    /// Waits for a child of ours and says how it ended. Orphans that PID 1 was given are reaped on the way. SIGTERM and
    /// SIGINT end the child first; then the answer is the signal.
    pub(super) fn wait_for(&self, child: Pid) -> Result<Ending, Fault> {
        let mut asked_to_end = None;
        loop {
            while let Some((pid, ending)) = reap_one()? {
                if pid == child {
                    return Ok(asked_to_end.map_or(ending, Ending::Signal));
                }
            }
            match self.next(None)? {
                Some(signal @ (Signal::SIGTERM | Signal::SIGINT)) => {
                    asked_to_end = Some(signal);
                    // The child is not reaped yet, so its pid is its own.
                    nix::sys::signal::kill(child, Signal::SIGKILL).doing("end the child")?;
                }
                _ => continue,
            }
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// By itself, with this status.
    Exit(i32),
    /// By a signal.
    Signal(Signal),
}

impl Ending {
    /// `exit: 0`, `signal: KILL`.
    pub(super) fn text(self) -> String {
        match self {
            Ending::Exit(status) => format!("exit: {status}"),
            Ending::Signal(signal) => format!("signal: {}", short(signal)),
        }
    }

    /// As a shell gives it.
    pub(super) fn status(self) -> i32 {
        match self {
            Ending::Exit(status) => status,
            Ending::Signal(signal) => 128 + signal as i32,
        }
    }
}

/// A signal's name without `SIG`.
pub(super) fn short(signal: Signal) -> &'static str {
    signal.as_str().trim_start_matches("SIG")
}

/// Milliseconds until then, at most a minute, rounded up so that nobody spins; without an end a minute.
pub(super) fn remaining(until: Option<Instant>) -> PollTimeout {
    let left = until.map_or(Duration::from_secs(60), |until| until.saturating_duration_since(Instant::now()));
    let millis = left.min(Duration::from_secs(60)).as_micros().div_ceil(1000);
    PollTimeout::try_from(i32::try_from(millis).unwrap_or(60_000)).unwrap_or(PollTimeout::ZERO)
}

/// `poll`, where an interruption is nothing special.
pub(super) fn wait_readable(fds: &mut [PollFd], timeout: PollTimeout) -> Result<(), Fault> {
    match poll(fds, timeout) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno).doing("wait"),
    }
}

/// Reaps one child that has ended, if there is one.
fn reap_one() -> Result<Option<(Pid, Ending)>, Fault> {
    loop {
        return match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, status)) => Ok(Some((pid, Ending::Exit(status)))),
            Ok(WaitStatus::Signaled(pid, signal, _)) => Ok(Some((pid, Ending::Signal(signal)))),
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => Ok(None),
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(errno) => Err(errno).doing("wait for children"),
        };
    }
}

/// Reaps every child that has ended: as PID 1 a program is given the container's orphans.
pub(super) fn reap() -> Result<(), Fault> {
    while reap_one()?.is_some() {}
    Ok(())
}

/// Says that the program may be looked at, in `/proc/<pid>/comm`.
pub(super) fn ready(program: &str) -> Result<(), Fault> {
    let name = CString::new(super::ready_comm(program)).map_err(|_| Fault::Other("a name with a NUL".to_owned()))?;
    nix::sys::prctl::set_name(&name).doing("set the process's name")
}

/// Stays until SIGTERM or SIGINT, or `until`; reaps meanwhile.
pub(super) fn stay(signals: &Signals, until: Option<Instant>) -> Result<Option<Signal>, Fault> {
    loop {
        match signals.next(until)? {
            Some(Signal::SIGCHLD) => reap()?,
            other => return Ok(other),
        }
    }
}

/// The moment after `duration`; `None` is never.
pub(super) fn after(duration: Option<Duration>) -> Option<Instant> {
    duration.and_then(|duration| Instant::now().checked_add(duration))
}

/// `sleep D…`: ends with 143 on SIGTERM, also as PID 1 (where a plain sleep would ignore it).
pub(super) fn sleep(args: &[OsString]) -> Outcome {
    if args.is_empty() {
        return Err(Fault::usage("a duration is wanted"));
    }
    let until = after(operand::durations(args)?);
    let signals = Signals::take()?;
    ready("sleep")?;
    Ok(stay(&signals, until)?.map_or(0, |signal| 128 + signal as i32))
}

/// `pause`: PID 1 of a sandbox: reaps, and ends with 0 on SIGTERM or SIGINT.
pub(super) fn pause(args: &[OsString]) -> Outcome {
    super::fault::exactly::<0>(args)?;
    let signals = Signals::take()?;
    ready("pause")?;
    stay(&signals, None)?;
    Ok(0)
}

/// `signal-wait D`: prints the name of the first signal that comes.
pub(super) fn signal_wait(args: &[OsString]) -> Outcome {
    let [limit] = super::fault::exactly(args)?;
    let until = after(operand::duration(limit)?);
    use Signal::{SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
    let signals = Signals::take_these(&[SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH])?;
    ready("signal-wait")?;
    match signals.next(until)? {
        Some(signal) => super::fault::print(format!("{}\n", short(signal))).map(|()| 0),
        None => Err(Fault::Other("no signal came".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_told_as_a_shell_tells_it() {
        assert_eq!((Ending::Exit(3).text().as_str(), Ending::Exit(3).status()), ("exit: 3", 3));
        let killed = Ending::Signal(Signal::SIGKILL);
        assert_eq!((killed.text().as_str(), killed.status()), ("signal: KILL", 137));
    }

    #[test]
    fn what_is_past_does_not_wait_and_what_is_far_waits_a_minute_at_a_time() {
        assert_eq!(remaining(Some(Instant::now())), PollTimeout::ZERO);
        assert_eq!(remaining(None).as_millis(), Some(60_000));
        assert_eq!(remaining(after(Some(Duration::from_secs(3650 * 86400)))).as_millis(), Some(60_000));
        assert_eq!(after(None), None);
    }
}
