//! Ending every process of a cgroup and of those below it.

use super::{Hierarchies, walk, write_file};
use crate::host::{HostError, Process, poll_until, scaled};
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long killed processes may take to be gone: one may be writing out a large core or unmapping much memory.
const GONE_WITHIN: Duration = Duration::from_secs(10);

impl Hierarchies {
    /// Pids of the processes in a cgroup and below it, in any hierarchy, each once. Zombies may be among them.
    pub fn procs(&self, path: &str) -> Vec<i32> {
        let mut pids = BTreeSet::new();
        for hierarchy in &self.list {
            for dir in walk(&hierarchy.dir(path)) {
                let text = std::fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
                // 0 is a process of a PID namespace that we do not see into.
                pids.extend(text.lines().filter_map(|l| l.parse::<i32>().ok()).filter(|pid| *pid > 0));
            }
        }
        pids.into_iter().collect()
    }

    /// Kills every process in a cgroup and below it and waits until they are gone. Returns what they were: `7: sleep 60`.
    ///
    /// # Errors
    /// Some are still there past the deadline.
    pub fn kill(&self, path: &str) -> Result<Vec<String>, HostError> {
        let mut killed: Vec<(i32, String)> = Vec::new();
        let mut rounds = 0;
        let gone = poll_until(Instant::now() + scaled(GONE_WITHIN), || {
            let alive = self.signal_all(path, &mut killed);
            if alive && rounds == 1 {
                self.hold_back(path);
            }
            rounds += 1;
            (!alive).then_some(())
        });
        let killed: Vec<String> = killed.into_iter().map(|(pid, what)| format!("{pid}: {what}")).collect();
        match gone {
            Some(()) => Ok(killed),
            None => Err(HostError::new(format!("end the processes of the cgroup {path}"), killed.join(", "))),
        }
    }

    /// One round of SIGKILL; true if anything was still alive.
    fn signal_all(&self, path: &str, killed: &mut Vec<(i32, String)>) -> bool {
        let pids = self.procs(path);
        let mut alive = false;
        for pid in pids {
            let Ok(process) = Process::open(pid) else {
                continue;
            };
            if !process.is_alive() || pid == std::process::id().cast_signed() {
                continue;
            }
            // Between the listing and the handle the pid may have come to mean another process: ask the handle.
            if !self.holds(path, &process) {
                continue;
            }
            alive = true;
            if !killed.iter().any(|(known, _)| *known == pid) {
                killed.push((pid, process.describe()));
            }
            // It may have ended since, and who may not be signalled shows at the deadline.
            let _ = process.signal(Signal::SIGKILL);
        }
        if alive {
            self.thaw(path);
        }
        alive
    }

    /// Whether a process is in that cgroup or below it, in any hierarchy.
    fn holds(&self, path: &str, process: &Process) -> bool {
        let text = process.read("cgroup").unwrap_or_default();
        let memberships = super::detect::memberships(&text);
        self.list.iter().any(|hierarchy| {
            let top = hierarchy.kernel_path(path);
            memberships.iter().any(|m| {
                m.names == hierarchy.names
                    && m.path.strip_prefix(&top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        })
    }

    /// SIGKILL does not reach what a v1 freezer holds until it is thawed.
    fn thaw(&self, path: &str) {
        let Some(hierarchy) = self.controller("freezer").filter(|h| !h.unified) else {
            return;
        };
        for dir in walk(&hierarchy.dir(path)) {
            let file = dir.join("freezer.state");
            if std::fs::read_to_string(&file).is_ok_and(|state| state.trim() != "THAWED") {
                // If it cannot be written the processes stay, which the deadline reports.
                let _ = write_file(&file, "THAWED");
            }
        }
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
