//! The one way to kill: processes that a cgroup lists, and never another that was given the pid of one.

use super::Process;
use super::process::is_gone;
use nix::errno::Errno;
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// As many are held at once: each takes a descriptor.
const HELD: usize = 64;

/// One round of SIGKILL to the processes that `list` names by their pids; `killed` is told of each. True if any was still
/// there. We ourselves are passed over.
///
/// A process is held before the list is asked once more: if its pid is in it still, it is the process that was listed, or has
/// ended, and then nobody gets the signal.
///
/// # Errors
/// The first of the list's, or that a process could not be held or signalled: it may be there. The others are killed all the same.
pub fn kill_listed(list: impl Fn() -> io::Result<BTreeSet<i32>>, mut killed: impl FnMut(&Process)) -> io::Result<bool> {
    let own = std::process::id().cast_signed();
    let pids: Vec<i32> = list()?.into_iter().filter(|pid| *pid != own).collect();
    let (mut any, mut first) = (false, Ok(()));
    for some in pids.chunks(HELD) {
        let mut held = Vec::new();
        for pid in some {
            match Process::find(*pid) {
                Ok(process) => held.extend(process.filter(Process::is_alive)),
                Err(error) => first = first.and(Err(error)),
            }
        }
        if held.is_empty() {
            continue;
        }
        let still = list()?;
        for process in held.iter().filter(|process| still.contains(&process.pid())) {
            any = true;
            killed(process);
            match process.signal(Signal::SIGKILL) {
                Err(error) if !is_gone(&error) => first = first.and(Err(error)),
                _ => {}
            }
        }
    }
    first.map(|()| any)
}

/// Pids of the processes in one cgroup, by its directory; none if it is not there.
///
/// # Errors
/// It is there and cannot be read.
pub fn listed_in(cgroup: &Path) -> io::Result<BTreeSet<i32>> {
    match std::fs::read_to_string(cgroup.join("cgroup.procs")) {
        // 0 is a process of a PID namespace that we do not see into.
        Ok(text) => Ok(text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0).collect()),
        Err(error) => match error.raw_os_error().map(Errno::from_raw) {
            // Removed, also while it was read. A threaded cgroup's processes are listed by one above it.
            Some(Errno::ENOENT | Errno::ENODEV | Errno::EOPNOTSUPP) => Ok(BTreeSet::new()),
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::process::{Child, Command};

    fn sleep() -> Child {
        Command::new("/bin/sleep").arg("58.6").spawn().expect("there is a sleep")
    }

    #[test]
    fn a_pid_that_is_no_longer_listed_is_somebody_elses() {
        let (mut ours, mut other) = (sleep(), sleep());
        let pids = [&ours, &other].map(|child| child.id().cast_signed());
        let asked = Cell::new(0);
        // The second one's pid was given to another process after the list was read.
        let list = || {
            asked.set(asked.get() + 1);
            Ok(if asked.get() == 1 { BTreeSet::from(pids) } else { BTreeSet::from([pids[0]]) })
        };
        let mut killed = Vec::new();
        assert!(kill_listed(list, |process| killed.push(process.pid())).expect("both are ours"));
        let ended = ours.wait().expect("it is ours");
        let spared = other.try_wait().expect("it is ours");
        other.kill().expect("it is ours");
        other.wait().expect("it is ours");
        assert_eq!(killed, [pids[0]]);
        assert!(!ended.success() && spared.is_none());
        // Neither a zombie nor who is not there counts, and we are not killed.
        let own = std::process::id().cast_signed();
        assert!(
            !kill_listed(|| Ok(BTreeSet::from([own, pids[0], pids[1]])), |_| panic!("none")).expect("none is there")
        );
    }

    #[test]
    fn a_cgroup_that_is_not_there_has_no_processes_and_one_that_cannot_be_read_is_an_error() {
        assert!(listed_in(Path::new("/sys/fs/cgroup/no-such")).expect("is not there").is_empty());
        // A directory where the file should be.
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir.path().join("cgroup.procs")).expect("is made");
        assert!(listed_in(dir.path()).is_err());
    }
}
