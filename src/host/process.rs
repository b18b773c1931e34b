//! A process held by its directory in /proc, which never comes to mean another process as a pid does.

use super::poll_until;
use nix::fcntl::{OFlag, openat};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

/// A process, held by an open descriptor of `/proc/<pid>`.
///
/// Once the process is reaped, reads through it fail with ESRCH even if the pid is given to another process: that is what
/// a pidfd offers too, but this works on Linux 4.19 and reads files.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    dir: OwnedFd,
}

impl Process {
    /// Holds a process by its pid in our PID namespace.
    ///
    /// # Errors
    /// There is none of that pid.
    pub fn open(pid: i32) -> io::Result<Process> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_RDONLY;
        let dir = nix::fcntl::open(format!("/proc/{pid}").as_str(), flags, Mode::empty())?;
        Ok(Process { pid, dir })
    }

    /// A process that is there in a folder alone, with files that stand for those of `/proc/<pid>`.
    #[cfg(test)]
    pub(crate) fn in_folder(pid: i32, folder: &std::path::Path) -> io::Result<Process> {
        Ok(Process { pid, dir: File::open(folder)?.into() })
    }

    /// The same process, held once more.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn again(&self) -> io::Result<Process> {
        Ok(Process { pid: self.pid, dir: self.dir.try_clone()? })
    }

    /// Its pid in our PID namespace. To show and to match, never to signal.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether it runs: a zombie does not, unless it is only the first of threads that do.
    pub fn is_alive(&self) -> bool {
        self.read("stat").is_ok_and(|stat| runs(&stat))
    }

    /// Whether it is on its way out, or gone: the kernel then shows it in the root of every v1 hierarchy, and it still counts as
    /// running for a moment.
    pub fn is_ending(&self) -> bool {
        self.read("stat").map_or(true, |stat| is_ending(&stat))
    }

    /// Waits for its end and says whether that came before `deadline`: at once where the kernel has pidfds, else by looking.
    pub fn wait_end(&self, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if !self.is_alive() || left.is_zero() {
                return !self.is_alive();
            }
            let Ok(Some(fd)) = self.pidfd() else {
                return poll_until(deadline, || (!self.is_alive()).then_some(())).is_some();
            };
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            if poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], timeout) == Ok(1) {
                return true;
            }
        }
    }

    /// When it started, in clock ticks since boot: with the pid, what tells it from any other process.
    ///
    /// # Errors
    /// As [`Process::read`].
    pub fn start_time(&self) -> io::Result<u64> {
        let stat = self.read("stat")?;
        start_time_in(&stat)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/<pid>/stat has no start time"))
    }

    /// The pid of its parent.
    ///
    /// # Errors
    /// As [`Process::read`].
    pub fn parent(&self) -> io::Result<i32> {
        let stat = self.read("stat")?;
        let parent = fields(&stat).nth(1).and_then(|f| f.parse().ok());
        parent.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/<pid>/stat has no parent"))
    }

    /// Its command line, or its name in brackets if it has none, for people.
    pub fn describe(&self) -> String {
        let command = self.read("cmdline").unwrap_or_default().replace('\0', " ");
        if command.trim().is_empty() {
            format!("[{}]", self.read("comm").unwrap_or_default().trim())
        } else {
            command.trim().to_owned()
        }
    }

    /// Sends it a signal, and never another process: through the held descriptor where the kernel can (5.1), else by pid
    /// after looking that it is still there.
    ///
    /// # Errors
    /// ESRCH if it is gone; EPERM.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        if let Some(signal) = rustix::process::Signal::from_named_raw(signal as i32) {
            match rustix::process::pidfd_send_signal(&self.dir, signal) {
                Err(rustix::io::Errno::NOSYS) => {}
                other => return Ok(other?),
            }
        }
        if !self.is_alive() {
            return Err(nix::Error::ESRCH.into());
        }
        Ok(nix::sys::signal::kill(Pid::from_raw(self.pid), signal)?)
    }

    /// A pidfd, readable once it has ended; `None` where the kernel has none (before 5.3).
    ///
    /// # Errors
    /// ESRCH if it is gone.
    pub fn pidfd(&self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = rustix::process::Pid::from_raw(self.pid) else {
            return Err(nix::Error::ESRCH.into());
        };
        match rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
            // Still the one that is held: then it was so when the pidfd was made, too.
            Ok(fd) if self.read("stat").is_ok() => Ok(Some(fd)),
            Ok(_) => Err(nix::Error::ESRCH.into()),
            Err(rustix::io::Errno::NOSYS) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// A file below `/proc/<pid>`, as text (what is no UTF-8 is replaced).
    ///
    /// # Errors
    /// ESRCH once the process is gone; whatever the kernel says otherwise.
    pub fn read(&self, name: &str) -> io::Result<String> {
        let mut bytes = Vec::new();
        File::from(self.open_at(name, OFlag::O_RDONLY)?).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Opens a file below `/proc/<pid>`.
    ///
    /// # Errors
    /// As [`Process::read`].
    pub fn open_at(&self, name: &str, flags: OFlag) -> io::Result<OwnedFd> {
        Ok(openat(&self.dir, name, flags | OFlag::O_CLOEXEC, Mode::empty())?)
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

/// The fields of `/proc/<pid>/stat` after the name, which may itself hold blanks and brackets: state, parent, …
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace()
}

fn runs(stat: &str) -> bool {
    match fields(stat).next() {
        None | Some("X") => false,
        // Field 20 of proc_pid_stat(5): its threads.
        Some("Z") => fields(stat).nth(17).and_then(|f| f.parse::<u32>().ok()).is_some_and(|threads| threads > 1),
        Some(_) => true,
    }
}

/// PF_EXITING among the flags of proc_pid_stat(5), field 9.
fn is_ending(stat: &str) -> bool {
    const EXITING: u64 = 0x4;
    fields(stat).nth(6).and_then(|f| f.parse::<u64>().ok()).is_none_or(|flags| flags & EXITING != 0)
}

fn start_time_in(stat: &str) -> Option<u64> {
    // Field 22 of proc_pid_stat(5); the state is field 3.
    fields(stat).nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn stat_of_a_process_with_an_evil_name() {
        let stat = "7 (a) Z 1 (b) S 3 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9001 10 11";
        assert_eq!(fields(stat).next(), Some("S"));
        assert_eq!(start_time_in(stat), Some(9001));
        assert_eq!(start_time_in("7 (cut"), None);
        assert!(runs(stat) && !runs("7 (cut"));
        assert!(!is_ending(stat) && is_ending("7 (cut"));
        assert!(is_ending(&stat.replace(" 4194560 ", " 4194564 ")));
        assert!(!runs(&stat.replace(") S", ") Z")));
        assert!(runs(&stat.replace(") S", ") Z").replace(" 20 0 1 ", " 20 0 3 ")));
    }

    #[test]
    fn an_end_is_awaited_no_longer_than_the_deadline() {
        let own = Process::open(std::process::id().cast_signed()).expect("/proc is there");
        let begun = Instant::now();
        assert!(!own.wait_end(begun + Duration::from_millis(20)));
        assert!(begun.elapsed() >= Duration::from_millis(20));
        let mut child = std::process::Command::new("/bin/sleep").arg("0.05").spawn().expect("there is a sleep");
        let held = Process::open(child.id().cast_signed()).expect("it is not reaped");
        assert!(held.wait_end(Instant::now() + Duration::from_secs(60)));
        child.wait().expect("it ended");
        assert!(held.wait_end(Instant::now()));
    }

    #[test]
    fn this_process_is_alive_and_has_a_start() {
        let own = Process::open(std::process::id().cast_signed()).expect("/proc is there");
        assert!(own.is_alive());
        assert_eq!(own.start_time().ok(), own.start_time().ok());
        assert!(own.start_time().is_ok_and(|t| t > 0));
        assert!(!own.describe().is_empty());
        assert!(Process::open(-1).is_err());
    }
}
