//! The record of one case on one runtime, the unit of every result.

use crate::judge::{Check, Verdict};
use crate::runtime::Reported;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the result format; grows when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// A run's results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Results {
    /// [`SCHEMA_VERSION`] of whoever wrote it.
    pub schema_version: u32,
    /// Version of podcheck.
    pub podcheck: String,
    /// What the host can do.
    pub host: HostRecord,
    /// Why there are not all records that were asked for: the run was interrupted, or ended at its first failure. Empty if
    /// there are all.
    #[serde(default)]
    pub partial: String,
    /// One for each case and runtime.
    pub records: Vec<Record>,
}

/// The host as far as results depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HostRecord {
    /// `uname -r`.
    pub kernel: String,
    /// `v1`, `hybrid` or `v2`.
    pub cgroup: String,
    /// Ability → whether it is there, with the reason where not.
    pub abilities: BTreeMap<String, AbilityRecord>,
}

/// One ability of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AbilityRecord {
    /// It is there.
    pub present: bool,
    /// Why not, or what shows it.
    pub reason: String,
}

/// One case on one runtime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Record {
    /// `<runtime>::<area>/<case>`.
    pub id: String,
    /// The case.
    pub case: String,
    /// Its sentence; empty for a plain manifest.
    pub about: String,
    /// The runtime as named.
    pub runtime: String,
    /// How it came out.
    pub verdict: Verdict,
    /// Why it was skipped or broke; empty otherwise.
    pub reason: String,
    /// Properties the case shows.
    pub properties: Vec<String>,
    /// How many checks could be made.
    pub checks_run: usize,
    /// Those that did not hold, known ones included, and those that could not be seen.
    pub findings: Vec<Check>,
    /// What was observed; null if nothing was.
    pub facts: serde_json::Value,
    /// What the runtime says of its containers, by name.
    pub reported: BTreeMap<String, Reported>,
    /// Versions of the runtime's parts.
    pub versions: BTreeMap<String, String>,
    /// What known differences depend on of the configuration of a daemon that runs already.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Who makes the cgroups, `cgroupfs` or `systemd`; empty if no runtime was asked.
    #[serde(default)]
    pub cgroup_driver: String,
    /// Containers that ran podcheck's own image instead of their own.
    pub stand_ins: Vec<String>,
    /// Containers whose command was replaced as well: by the idle server, an init container's by `true`.
    pub replaced_commands: Vec<String>,
    /// Containers with a hook that was not run, because podcheck's own image has not what it runs.
    #[serde(default)]
    pub left_out_hooks: Vec<String>,
    /// Fields of the manifest that change nothing podcheck observes.
    pub not_acted_on: Vec<String>,
    /// What only a cluster has and contents of podcheck's own stood in for.
    #[serde(default)]
    pub stood_in: Vec<String>,
    /// What the runtime left behind and podcheck had to remove.
    pub left_behind: Vec<String>,
    /// Folder with the evidence of a failure; empty if none was kept.
    pub evidence: String,
    /// Phase (`up`, `observe`, `steps`, `down`) → milliseconds.
    pub durations_ms: BTreeMap<String, f64>,
}
