//! Ending every process of a cgroup and of those below it.

use super::{Hierarchies, walk, write_file};
use crate::host::kill::{kill_listed, listed_in};
use crate::host::{HostError, Process, poll_until, scaled};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long killed processes may take to be gone: one may be writing out a large core or unmapping much memory.
const GONE_WITHIN: Duration = Duration::from_secs(10);

impl Hierarchies {
    /// Pids of the processes in a cgroup and below it, in any hierarchy, each once. Zombies may be among them.
    ///
    /// # Errors
    /// The cgroup is there and cannot be read.
    pub fn procs(&self, path: &str) -> Result<BTreeSet<i32>, HostError> {
        self.listed(path).map_err(|e| HostError::os(format!("list the processes of the cgroup {path}"), e))
    }

    /// The same by one hierarchy alone that every runtime uses: cheap, and right for a process that is where its runtime has put it.
    ///
    /// # Errors
    /// As [`Hierarchies::procs`].
    pub fn procs_of_one(&self, path: &str) -> Result<BTreeSet<i32>, HostError> {
        let used = ["memory", "pids", "cpu"].into_iter().find_map(|name| self.controller(name));
        let listed = used.or(self.list.first()).map(|first| listed_below(&first.dir(path))).transpose();
        let pids = listed.map_err(|e| HostError::os(format!("list the processes of the cgroup {path}"), e))?;
        Ok(pids.unwrap_or_default())
    }

    fn listed(&self, path: &str) -> std::io::Result<BTreeSet<i32>> {
        let mut pids = BTreeSet::new();
        for hierarchy in &self.list {
            pids.extend(listed_below(&hierarchy.dir(path))?);
        }
        Ok(pids)
    }

    /// Kills every process in a cgroup and below it and waits until they are gone. Returns what they were: `7: sleep 60`.
    ///
    /// # Errors
    /// Some are still there past the deadline.
    pub fn kill(&self, path: &str) -> Result<Vec<String>, HostError> {
        let mut killed: Vec<(i32, String)> = Vec::new();
        let mut rounds = 0;
        // An error may pass, as one for want of descriptors does.
        let mut last = None;
        let gone = poll_until(Instant::now() + scaled(GONE_WITHIN), || {
            let alive = self.signal_all(path, &mut killed);
            if rounds == 1 && !matches!(alive, Ok(false)) {
                self.hold_back(path);
            }
            rounds += 1;
            let all_gone = matches!(alive, Ok(false));
            last = alive.err();
            all_gone.then_some(())
        });
        let killed: Vec<String> = killed.into_iter().map(|(pid, what)| format!("{pid}: {what}")).collect();
        match (gone, last) {
            (Some(()), _) => Ok(killed),
            (None, Some(error)) => Err(error),
            (None, None) => Err(HostError::new(format!("end the processes of the cgroup {path}"), killed.join(", "))),
        }
    }

    /// One round of SIGKILL; true if anything was still alive.
    fn signal_all(&self, path: &str, killed: &mut Vec<(i32, String)>) -> Result<bool, HostError> {
        let note = |process: &Process| {
            if !killed.iter().any(|(known, _)| *known == process.pid()) {
                killed.push((process.pid(), process.describe()));
            }
        };
        let alive = kill_listed(|| self.listed(path), note);
        let alive = alive.map_err(|e| HostError::os(format!("end the processes of the cgroup {path}"), e))?;
        if alive {
            self.thaw(path)?;
        }
        Ok(alive)
    }

    /// SIGKILL does not reach what a v1 freezer holds until it is thawed.
    fn thaw(&self, path: &str) -> Result<(), HostError> {
        let Some(hierarchy) = self.controller("freezer").filter(|h| !h.unified) else {
            return Ok(());
        };
        let top = hierarchy.dir(path);
        for dir in walk(&top).map_err(|e| HostError::os(format!("list the cgroups below {}", top.display()), e))? {
            let file = dir.join("freezer.state");
            if std::fs::read_to_string(&file).is_ok_and(|state| state.trim() != "THAWED") {
                // If it cannot be written the processes stay, which the deadline reports.
                let _ = write_file(&file, "THAWED");
            }
        }
        Ok(())
    }

    /// Against what forks faster than it is killed: no new process, and the kernel's own kill where it has one (5.14).
    fn hold_back(&self, path: &str) {
        if let Some(hierarchy) = self.controller("pids") {
            let _ = write_file(&hierarchy.dir(path).join("pids.max"), "0");
        }
        if let Some(hierarchy) = self.unified() {
            let _ = write_file(&hierarchy.dir(path).join("cgroup.kill"), "1");
        }
    }
}

/// Pids of the processes in a cgroup of one hierarchy and below it.
fn listed_below(dir: &Path) -> std::io::Result<BTreeSet<i32>> {
    let mut pids = BTreeSet::new();
    for dir in walk(dir)? {
        pids.extend(listed_in(&dir)?);
    }
    Ok(pids)
}
