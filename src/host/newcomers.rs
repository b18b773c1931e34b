//! Processes that were not there before.

use super::Process;
use std::collections::BTreeSet;
use std::io;

/// The host's processes at a moment, against which later ones are new.
#[derive(Debug)]
pub struct Newcomers {
    before: BTreeSet<i32>,
}

impl Newcomers {
    /// From now on.
    ///
    /// # Errors
    /// /proc cannot be listed.
    pub fn from_now() -> io::Result<Newcomers> {
        Ok(Newcomers { before: pids()? })
    }

    /// The first of them, by pid, that `is` what is looked for. What ends meanwhile is passed over. `anew` looks at
    /// those as well whose pid was there before: in time a pid is given to another process.
    ///
    /// # Errors
    /// /proc cannot be listed, or a process not be held.
    pub fn find(&self, anew: bool, is: impl Fn(&Process) -> bool) -> io::Result<Option<Process>> {
        for pid in pids()?.into_iter().filter(|pid| anew || !self.before.contains(pid)) {
            if let Some(process) = Process::find(pid)?.filter(&is) {
                return Ok(Some(process));
            }
        }
        Ok(None)
    }
}

/// Pids of all processes that there are.
///
/// # Errors
/// /proc cannot be listed, or is not mounted.
pub fn pids() -> io::Result<BTreeSet<i32>> {
    let mut pids = BTreeSet::new();
    for entry in std::fs::read_dir("/proc")? {
        pids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    // We ourselves are there.
    if pids.is_empty() { Err(io::Error::new(io::ErrorKind::NotFound, "/proc is not mounted")) } else { Ok(pids) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_not_new() {
        let newcomers = Newcomers::from_now().expect("/proc is there");
        let own = std::process::id().cast_signed();
        assert!(newcomers.find(false, |process| process.pid() == own).expect("/proc is there").is_none());
        assert!(newcomers.find(true, |process| process.pid() == own).expect("/proc is there").is_some());
        let mut child = std::process::Command::new("/bin/sleep").arg("59.9").spawn().expect("there is a sleep");
        let pid = child.id().cast_signed();
        let found = newcomers.find(false, |process| process.pid() == pid);
        child.kill().expect("it is ours");
        child.wait().expect("it ended");
        assert_eq!(found.expect("/proc is there").map(|process| process.pid()), Some(pid));
    }
}
