//! What a sweep removed, for programs and for people.

use crate::host::HostError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a sweep removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepReport {
    /// Runs whose directory was removed.
    pub runs: Vec<String>,
    /// Processes that were killed: `7: sleep 60`.
    pub processes: Vec<String>,
    /// Processes of private daemons, which a run's end kills as a matter of course.
    pub daemons: Vec<String>,
    /// Mount points.
    pub mounts: Vec<String>,
    /// Interfaces.
    pub interfaces: Vec<String>,
    /// Cgroup roots of trials that were never removed, and of runs that nobody knows.
    pub cgroups: Vec<String>,
    /// What was made on the host for a hostPath and stays, because something was written there.
    pub stays: Vec<String>,
    /// Runs that nobody holds and that are left alone, as their record is not seen from here, and what to do about each.
    pub elsewhere: Vec<String>,
    /// What would not go, and why.
    pub failures: Vec<String>,
}

impl SweepReport {
    /// Whether nothing was found that should have gone already: a run without Pods left and its daemons are as they should.
    pub fn is_clean(&self) -> bool {
        self.lists().iter().all(|(_, list)| list.is_empty())
    }

    fn lists(&self) -> [(&'static str, &Vec<String>); 6] {
        [
            ("process", &self.processes),
            ("mount", &self.mounts),
            ("interface", &self.interfaces),
            ("cgroup", &self.cgroups),
            ("stays", &self.stays),
            ("would not go", &self.failures),
        ]
    }

    pub(super) fn merge(&mut self, other: SweepReport) {
        self.runs.extend(other.runs);
        self.processes.extend(other.processes);
        self.daemons.extend(other.daemons);
        self.mounts.extend(other.mounts);
        self.interfaces.extend(other.interfaces);
        self.cgroups.extend(other.cgroups);
        self.stays.extend(other.stays);
        self.elsewhere.extend(other.elsewhere);
        self.failures.extend(other.failures);
    }

    pub(super) fn note<T: Default>(&mut self, result: Result<T, HostError>) -> T {
        result.unwrap_or_else(|error| {
            self.failures.push(error.to_string());
            T::default()
        })
    }
}

impl fmt::Display for SweepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        let others = [("run", &self.runs), ("daemon", &self.daemons), ("left alone", &self.elsewhere)];
        for (kind, list) in others.into_iter().chain(self.lists()) {
            lines.extend(list.iter().map(|what| format!("{kind:<12}  {what}")));
        }
        if lines.is_empty() {
            return f.write_str("nothing was left");
        }
        f.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daemons_are_no_finding_and_processes_are() {
        let mut report = SweepReport { daemons: vec!["7: containerd".to_owned()], ..SweepReport::default() };
        assert!(report.is_clean());
        report.merge(SweepReport { processes: vec!["8: sleep 60".to_owned()], ..SweepReport::default() });
        assert!(!report.is_clean());
        assert_eq!(report.to_string(), "daemon        7: containerd\nprocess       8: sleep 60");
        assert_eq!(SweepReport::default().to_string(), "nothing was left");
    }

    #[test]
    fn what_would_not_go_is_noted() {
        let mut report = SweepReport::default();
        let gone: Vec<String> = report.note(Err(HostError::new("unmount /x", "it is busy")));
        assert!(gone.is_empty());
        assert_eq!(report.failures, ["cannot unmount /x: it is busy"]);
    }
}
