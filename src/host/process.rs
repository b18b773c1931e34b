//! A process held by its directory in /proc, which never comes to mean another process as a pid does.

use super::poll_until;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};
use nix::unistd::Pid;
use procfs::process::Stat;
use procfs::{FromRead, ProcError};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

/// PF_EXITING of the kernel's include/linux/sched.h.
const EXITING: u32 = 0x4;

/// A process, held by an open descriptor of `/proc/<pid>`. procfs holds one by O_PATH, through which no signal can be sent.
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

    /// The same; `None` if there is none of that pid.
    ///
    /// # Errors
    /// Any other: there may be one.
    pub fn find(pid: i32) -> io::Result<Option<Process>> {
        match Process::open(pid) {
            // Nothing at all is in /proc where it is not mounted.
            Err(error) if is_gone(&error) => match statfs("/proc")?.filesystem_type() {
                PROC_SUPER_MAGIC => Ok(None),
                _ => Err(error),
            },
            opened => opened.map(Some),
        }
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

    /// Whether it runs, or that cannot be known. A zombie does not run, unless it is only the first of threads that do.
    pub fn is_alive(&self) -> bool {
        self.stat().map_or_else(|error| !is_gone(&error), |stat| runs(&stat))
    }

    /// Whether it is known to be on its way out, or gone: the kernel then shows it in the root of every v1 hierarchy, and it still
    /// counts as running for a moment.
    pub fn is_ending(&self) -> bool {
        self.stat().map_or_else(|error| is_gone(&error), |stat| stat.flags & EXITING != 0)
    }

    fn stat(&self) -> io::Result<Stat> {
        let file = File::from(self.open_at("stat", OFlag::O_RDONLY)?);
        Stat::from_read(file).map_err(|error| match error {
            ProcError::Io(error, _) => error,
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        })
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
        Ok(self.stat()?.starttime)
    }

    /// The pid of its parent.
    ///
    /// # Errors
    /// As [`Process::read`].
    pub fn parent(&self) -> io::Result<i32> {
        Ok(self.stat()?.ppid)
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
            Ok(fd) => self.stat().map(|_| Some(fd)),
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

/// Whether an error of a file below `/proc/<pid>` says that the process is gone, and nothing else.
pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error().map(Errno::from_raw), Some(Errno::ENOENT | Errno::ESRCH))
}

fn runs(stat: &Stat) -> bool {
    match stat.state {
        'X' => false,
        'Z' => stat.num_threads > 1,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn stat_of_a_process_with_an_evil_name() {
        let stat = |text: &str| Stat::from_read(text.as_bytes());
        let text = "7 (a) Z 1 (b) S 3 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9001 10 11 12 13 14 15 16 17 18 19 20 21 22 0 0 17 0";
        let found = stat(text).expect("it is whole");
        assert_eq!((found.state, found.ppid, found.starttime), ('S', 3, 9001));
        assert!(runs(&found) && found.flags & EXITING == 0);
        assert!(!runs(&stat(&text.replace(") S", ") Z")).expect("it is whole")));
        assert!(runs(&stat(&text.replace(") S", ") Z").replace(" 20 0 1 ", " 20 0 3 ")).expect("it is whole")));
        assert!(stat("7 (cut").is_err());
    }

    /// What a process is taken for when nothing more can be opened.
    #[test]
    fn a_process_that_cannot_be_asked_is_not_known_to_be_dead() {
        let role = "PODCHECK_TEST_WITHOUT_DESCRIPTORS";
        if std::env::var_os(role).is_none() {
            let own = std::env::current_exe().expect("a test has a file");
            let name = "host::process::tests::a_process_that_cannot_be_asked_is_not_known_to_be_dead";
            let mut child = std::process::Command::new(own);
            let output = child.args(["--exact", name]).env(role, "1").output().expect("it starts");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            return;
        }
        let own = Process::open(std::process::id().cast_signed()).expect("/proc is there");
        let mut child = std::process::Command::new("/bin/sleep").arg("59.3").spawn().expect("there is a sleep");
        let dead = Process::open(child.id().cast_signed()).expect("it is not reaped");
        let resource = nix::sys::resource::Resource::RLIMIT_NOFILE;
        let (_, hard) = nix::sys::resource::getrlimit(resource).expect("it has a limit");
        nix::sys::resource::setrlimit(resource, 0, hard).expect("a limit can be lowered");
        let error = own.read("stat").expect_err("no descriptor is left");
        assert_eq!(error.raw_os_error(), Some(nix::libc::EMFILE));
        let alive = (own.is_alive(), own.is_ending(), own.wait_end(Instant::now()));
        let found = Process::find(own.pid()).map(|found| found.is_some());
        let sent = own.pidfd().map(drop);
        nix::sys::resource::setrlimit(resource, 64, hard).expect("and raised again");
        child.kill().expect("it is ours");
        child.wait().expect("it ended");
        assert_eq!(alive, (true, false, false));
        assert!(found.is_err() && sent.is_err_and(|error| error.raw_os_error() == Some(nix::libc::EMFILE)));
        assert!(!dead.is_alive() && dead.is_ending() && dead.wait_end(Instant::now()));
        assert!(Process::find(dead.pid()).expect("can be looked for").is_none());
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
