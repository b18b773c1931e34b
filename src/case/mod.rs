//! Cases: one YAML file each, a Pod and what must hold of it.

mod builtin;
mod coverage;
mod expect;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod hostile;
mod keys;
mod known;
mod life;
mod load;
mod members;
#[cfg(test)]
mod node_faults;
mod properties;
mod read;
mod refusal;
mod resize;
mod rows;
mod schema;
mod signal;
mod steps;
#[cfg(test)]
mod tests;
mod version;

pub use builtin::{builtin, builtin_files, builtin_known, builtin_uncovered};
pub use coverage::{Coverage, Deviation, Uncovered, coverage, coverage_faults, parse_uncovered};
pub use known::parse_known;
pub use load::{Loaded, files, load, load_each};
pub use properties::{PROPERTIES, PropertyInfo, property};
pub use read::parse_case;
pub use refusal::{NOBODY, Refusal, Refuser};
pub use schema::schema;
pub use signal::signal_number;
pub use version::{RangeError, Version, VersionRange};

use crate::pod::{Pod, Resources};
use std::path::PathBuf;

/// A case after parsing. A plain manifest is a case without expectations.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// `<area>/<case>`, from its path below `cases/`, with `[row]` for a row; the file name for a plain manifest.
    pub id: String,
    /// The file as the user named it.
    pub file: PathBuf,
    /// One sentence: the behaviour.
    pub about: String,
    /// Property ids it shows.
    pub shows: Vec<String>,
    /// Link to what asks for the behaviour.
    pub source: String,
    /// Abilities without which it is skipped.
    pub requires: Vec<String>,
    /// Looks at host-wide state, so runs with nothing beside it.
    pub alone: bool,
    /// The Pod.
    pub pod: Pod,
    /// A second Pod, up at the same time; its members are named `beside/<name>`.
    pub beside: Option<Pod>,
    /// `podPidsLimit` of the node the plan pretends.
    pub pod_pids_limit: Option<u64>,
    /// `singleProcessOOMKill` of that node.
    pub single_process_oom_kill: bool,
    /// Milliseconds of a kubelet's first back-off, if not its 10 s.
    pub back_off_ms: Option<u64>,
    /// The Pod must not come up; without a valid manifest `pod` is one without containers.
    pub refused: Option<Refusal>,
    /// An init container while which the Pod is looked at, before what follows it is there.
    pub look_while: Option<String>,
    /// Where in the file it says what it asks for.
    pub lines: Lines,
    /// What must be seen once all is up.
    pub expect: Vec<Expectation>,
    /// What is done from inside, in order.
    pub steps: Vec<Step>,
    /// Differences that are special to this case.
    pub known: Vec<Known>,
    /// Fields of the manifest that change nothing podcheck observes (`spec.tolerations`): said once.
    pub not_acted_on: Vec<String>,
    /// What only a cluster has and something stands in for, in a plain manifest (`Secret db`): said once.
    pub stood_in: Vec<String>,
}

/// Lines of a case's file, from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Of each expectation.
    pub expect: Vec<usize>,
    /// Of each step.
    pub steps: Vec<usize>,
    /// Of the refusal.
    pub refused: Option<usize>,
}

impl Case {
    /// Whether it is a plain manifest, of which nothing is expected but the contract.
    pub fn is_plain(&self) -> bool {
        self.shows.is_empty() && self.expect.is_empty() && self.steps.is_empty() && self.refused.is_none()
    }

    /// A place in its file, as findings name it.
    pub fn place(&self, line: Option<&usize>) -> String {
        line.map(|line| format!("{}:{line}", self.file.display())).unwrap_or_default()
    }

    /// Whether a runtime has a part in it.
    pub fn asks_runtime(&self) -> bool {
        self.refused.as_ref().is_none_or(Refusal::asks_runtime)
    }

    /// Whether a step restarts the runtime's daemon.
    pub fn restarts_daemon(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::RestartDaemon { .. }))
    }
}

/// A literal expectation, written by hand.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// A fact has a value, at each member named (all members if none is).
    Fact {
        /// Dotted path below the member: `limits.memory_bytes`.
        fact: String,
        /// Members.
        of: Vec<String>,
        /// What is asked of it.
        test: FactTest,
        /// Property; the case's first if not given.
        property: Option<String>,
    },
    /// All members named have the same thing.
    Same {
        /// A namespace kind, `address`, `shm` or `root`.
        kind: String,
        /// Members, at least two.
        of: Vec<String>,
        /// Property.
        property: Option<String>,
    },
    /// Every two of the members named have different ones.
    Differ {
        /// As in `Same`.
        kind: String,
        /// Members, at least two.
        of: Vec<String>,
        /// Property.
        property: Option<String>,
    },
    /// The members named are in the host's namespace.
    Host {
        /// A namespace kind.
        kind: String,
        /// Members, at least one.
        of: Vec<String>,
        /// Property.
        property: Option<String>,
    },
}

/// What is asked of a fact.
#[derive(Clone, Debug, PartialEq)]
pub enum FactTest {
    /// It is exactly this.
    Equals(serde_json::Value),
    /// It is a list with all of these in it, or a text with this in it.
    Contains(Vec<serde_json::Value>),
    /// It is a list with none of these in it, or a text without it.
    Lacks(Vec<serde_json::Value>),
    /// It is not there.
    Absent,
    /// It is a number of at least this.
    AtLeast(u64),
}

/// One thing done from inside or looked at again.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Runs a command in a container.
    Run {
        /// The container.
        container: String,
        /// The command.
        argv: Vec<String>,
        /// What must come of it.
        expect: RunExpect,
        /// Property; the case's first if not given.
        property: Option<String>,
    },
    /// Looks at a fact again, read afresh.
    Look(Expectation),
    /// Waits until the container was started that often again.
    Restarts {
        /// The container.
        container: String,
        /// How often.
        count: u32,
        /// Property; the case's first if not given.
        property: Option<String>,
    },
    /// Waits until the container runs that did not yet.
    Starts {
        /// The container.
        container: String,
        /// Property; the case's first if not given.
        property: Option<String>,
    },
    /// The runtime would not start the container, and nothing of it is left running.
    Refused {
        /// The container.
        container: String,
        /// In what the runtime says of it, whatever the case of its letters.
        says: Vec<String>,
        /// Property; the case's first if not given.
        property: Option<String>,
    },
    /// Stops one container and waits for its end.
    Stop {
        /// The container.
        container: String,
        /// Seconds between the stop signal and SIGKILL.
        grace_seconds: u64,
        /// Seconds that it takes at least.
        at_least_seconds: u64,
    },
    /// Removes a container that has ended, or that was removed before.
    Remove {
        /// The container.
        container: String,
    },
    /// Ends the Pod's containers as when it is deleted: apps, then sidecars, the last first. The sandbox stays.
    Terminate {
        /// Seconds for all of them.
        grace_seconds: u64,
    },
    /// Compares a file of a volume, as the host sees it.
    File {
        /// The volume, one that is made for the Pod.
        volume: String,
        /// Its name, at the top of the volume.
        file: String,
        /// Its content without the last newline.
        equals: String,
        /// Property; the case's first if not given.
        property: Option<String>,
    },
    /// Compares what the runtime has written down of what a container printed since its last start.
    Logs {
        /// The container.
        container: String,
        /// Standard output without the last newline is exactly this.
        stdout: String,
        /// The same of standard error.
        stderr: String,
        /// Property; the case's first if not given.
        property: Option<String>,
    },
    /// Gives a running container other resources, as a kubelet does, and looks that it runs on.
    Resize {
        /// The container.
        container: String,
        /// What changes; what it does not say stays.
        change: Resources,
        /// Property; the case's first if not given.
        property: Option<String>,
    },
    /// Restarts the runtime's daemon, on daemons of the case's own.
    RestartDaemon {
        /// Property; the case's first if not given.
        property: Option<String>,
    },
    /// Kills the init of a member with SIGKILL, from the host.
    Kill {
        /// `sandbox` or the container.
        member: String,
    },
    /// The Pod's phase.
    Phase {
        /// `Pending`, `Running`, `Succeeded`, `Failed`.
        phase: String,
        /// Property; the case's first if not given.
        property: Option<String>,
    },
    /// Waits until the container's init has ended and compares what the runtime reports, and the kernel where it left a trace.
    Ends {
        /// The container.
        container: String,
        /// Exit status, 128 + signal for a killed one.
        exit_code: i32,
        /// `OOMKilled`, `Error`, `Completed`; `None` asks for none.
        reason: Option<String>,
        /// How many seconds it is waited for, on a machine of ordinary speed; `None` for the usual time.
        within_seconds: Option<u64>,
        /// Property; the case's first if not given.
        property: Option<String>,
    },
}

/// What must come of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunExpect {
    /// Exit status; a signal stands here as 128 + its number.
    pub exit_code: i32,
    /// Standard output without the last newline is exactly this.
    pub stdout: Option<String>,
    /// Standard output has each of these in it.
    pub stdout_contains: Vec<String>,
    /// Standard output has none of these in it.
    pub stdout_lacks: Vec<String>,
    /// Standard error has each of these in it.
    pub stderr_contains: Vec<String>,
}

/// A difference that is known, exact, and has a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Where it is declared, for messages.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Property id; empty for a fact that no rule asks for, and only a comparison shows.
    pub property: String,
    /// Members it is seen at; empty for every container, `sandbox` only if named.
    pub members: Vec<String>,
    /// Only at this fact or step; empty for any of the property.
    pub at: String,
    /// What is seen there instead, as findings print it; `present` for a fact that others do not have. `<member>` stands for
    /// each by its own name.
    pub seen: String,
    /// It is a race, which the runtime wins at times: not to see it proves nothing.
    pub sometimes: bool,
    /// When it applies.
    pub when: When,
    /// Why it is so.
    pub because: String,
    /// A link that shows it.
    pub source: String,
}

/// A conjunction; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// Kind of runtime: `docker`.
    pub runtime: Option<String>,
    /// OCI runtime by name: `crun`.
    pub oci: Option<String>,
    /// Component → version range, as `<1.4`, `>=1.6 <2`.
    pub versions: Vec<(String, String)>,
    /// Setting → value, of a daemon that runs already: `disable_hugetlb_controller`, `true`.
    pub settings: Vec<(String, String)>,
    /// `v1`, `hybrid` or `v2`.
    pub cgroup: Option<String>,
    /// Cgroup driver: `cgroupfs` or `systemd`.
    pub driver: Option<String>,
    /// Kernel version range.
    pub kernel: Option<String>,
    /// Abilities the host has, or with `!` in front has not.
    pub abilities: Vec<String>,
    /// Whose network the Pod has: `own` or `host`.
    pub network: Option<String>,
}
