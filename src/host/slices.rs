//! A Pod's cgroups as slices, which systemd makes and takes away: what a kubelet does with the driver of that name.
//!
//! systemd is asked by its own programs, which are there wherever it is.

use super::cgroup::{Hierarchies, weight_from_shares};
use super::{HostError, places, run_within, scaled};
use crate::plan::{CgroupPlan, LinuxResources, slices};
use std::process::Output;
use std::sync::OnceLock;
use std::time::Duration;

/// systemd's answer takes milliseconds.
const WITHIN: Duration = Duration::from_secs(20);

/// The call by which a kubelet makes a slice, and the form of its arguments: name, mode, properties, further units.
const START: [&str; 6] = [
    "call",
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
    "StartTransientUnit",
    "ssa(sv)a(sa(sv))",
];

/// systemctl's exit status for a unit that is not loaded. Source: systemctl(1), EXIT STATUS, and the LSB's "program is not
/// installed".
const NOT_LOADED: i32 = 5;

/// The slice that is the root of a trial's cgroups, without `.slice`. No dash is in it, which would put it below another.
pub(super) fn root(run: &str, tag: &str) -> String {
    format!("{}{run}_{tag}", places::SLICE)
}

/// The run and the tag in the name of a trial's root slice.
pub(super) fn trial_of(slice: &str) -> Option<(&str, &str)> {
    let (run, tag) = slice.strip_suffix(".slice")?.strip_prefix(places::SLICE)?.split_once('_')?;
    (places::is_id(run) && places::is_id(tag)).then_some((run, tag))
}

/// The path of a cgroup of the plan below a root slice: `/<root>.slice/<root>-kubepods.slice`.
pub(super) fn path(root: &str, below: &str) -> String {
    slices(root, below).iter().map(|slice| format!("/{slice}")).collect()
}

/// Has systemd make the slices of a plan, and waits until they are there.
pub(super) fn start(hierarchies: &Hierarchies, root: &str, cgroups: &[CgroupPlan]) -> Result<(), HostError> {
    let unified = hierarchies.controller("memory").is_some_and(|memory| memory.unified);
    let top = CgroupPlan { path: String::new(), resources: LinuxResources::default() };
    let mut names = Vec::new();
    for cgroup in std::iter::once(&top).chain(cgroups) {
        let name = slices(root, &cgroup.path).pop().unwrap_or_default();
        let properties = properties(&cgroup.resources, unified);
        let mut words = START.map(str::to_owned).to_vec();
        words.extend([name.clone(), "replace".to_owned(), properties.len().to_string()]);
        words.extend(properties.into_iter().flatten());
        words.push("0".to_owned());
        ask("busctl", &words, &format!("have systemd make {name}"))?;
        names.push(name);
    }
    // Joins what was begun and waits for its end.
    let mut words = vec!["start".to_owned()];
    words.extend(names);
    ask("systemctl", &words, &format!("have systemd start {root}.slice"))
}

/// Has systemd end all that is in a root slice, and forget it. No error if there is none.
pub(super) fn stop(root: &str) -> Result<(), HostError> {
    let slice = format!("{root}.slice");
    let words = ["stop", "--", &slice].map(str::to_owned);
    let action = format!("have systemd end {slice}");
    let output = run("systemctl", &words, &action)?;
    match output.status.code() {
        Some(0 | NOT_LOADED) => Ok(()),
        _ => Err(said(&action, &output)),
    }
}

/// Processes and threads that systemd lets a scope have for which nobody says otherwise, as it was told or worked out from the
/// host's own limits; `None` if it cannot be asked, or lets it have any number.
pub fn default_pids() -> Option<u64> {
    static FOUND: OnceLock<Option<u64>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let words = ["show", "--property=DefaultTasksMax", "--value"];
        let output = run_within(&duct::cmd("systemctl", words), scaled(WITHIN)).ok()??;
        String::from_utf8_lossy(&output.stdout).trim().parse().ok()
    })
}

/// Name, type and value of what a slice is held to, as a kubelet tells systemd: what systemd does not know of it would write
/// over. The values are rounded where systemd has a coarser unit; afterwards the exact ones are written into the files.
/// Source: opencontainers/cgroups, systemd/v1.go and systemd/v2.go, `genV1ResourcesProperties` and `genV2ResourcesProperties`.
fn properties(resources: &LinuxResources, unified: bool) -> Vec<[String; 3]> {
    let mut all: Vec<[String; 3]> = Vec::new();
    let mut add = |name: &str, kind: &str, value: String| all.push([name.to_owned(), kind.to_owned(), value]);
    add("Description", "s", "cgroup of a Pod of podcheck".to_owned());
    add("DefaultDependencies", "b", "false".to_owned());
    for accounting in ["MemoryAccounting", "CPUAccounting", "TasksAccounting"] {
        add(accounting, "b", "true".to_owned());
    }
    if let Some(bytes) = resources.memory_limit_bytes {
        add(if unified { "MemoryMax" } else { "MemoryLimit" }, "t", bytes.to_string());
    }
    if let Some(shares) = resources.cpu_shares {
        let shares = shares.clamp(2, 262_144);
        let (name, value) = if unified { ("CPUWeight", weight_from_shares(shares)) } else { ("CPUShares", shares) };
        add(name, "t", value.to_string());
    }
    if let Some(quota) = resources.cpu_quota_usec {
        let period = resources.cpu_period_usec.unwrap_or(100_000).max(1);
        // Per second, and up to whole hundredths of one: systemd has no finer unit.
        let per_second = quota.saturating_mul(1_000_000).div_euclid(period).next_multiple_of(10_000);
        add("CPUQuotaPerSecUSec", "t", per_second.to_string());
    }
    if let Some(pids) = resources.pids_limit {
        add("TasksMax", "t", pids.to_string());
    }
    all
}

/// Runs one of systemd's programs, which is to succeed.
fn ask(program: &str, words: &[String], action: &str) -> Result<(), HostError> {
    let output = run(program, words, action)?;
    if output.status.success() { Ok(()) } else { Err(said(action, &output)) }
}

/// Runs one of systemd's programs, whatever its exit status.
fn run(program: &str, words: &[String], action: &str) -> Result<Output, HostError> {
    let within = scaled(WITHIN);
    match run_within(&duct::cmd(program, words), within) {
        Ok(Some(output)) => Ok(output),
        Ok(None) => Err(HostError::new(action, format!("{program} did not end within {} s", within.as_secs()))),
        Err(error) => Err(HostError::os(action, error)),
    }
}

/// The error of a program that failed: what it printed.
fn said(action: &str, output: &Output) -> HostError {
    HostError::new(action, String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trials_slice_is_told_from_others() {
        let root = root("abcd1234", "efgh5678");
        assert_eq!(trial_of(&format!("{root}.slice")), Some(("abcd1234", "efgh5678")));
        for other in ["podcheck.slice", "podcheck_abcd1234.slice", "podcheck_abcd1234_x.slice", "user.slice", &root] {
            assert_eq!(trial_of(other), None, "{other}");
        }
        assert_eq!(
            path(&root, "kubepods/pod1-2"),
            format!("/{root}.slice/{root}-kubepods.slice/{root}-kubepods-pod1_2.slice")
        );
    }

    #[test]
    fn systemd_is_told_in_its_own_units() {
        let resources = LinuxResources {
            cpu_shares: Some(512),
            cpu_quota_usec: Some(12_300),
            cpu_period_usec: Some(100_000),
            memory_limit_bytes: Some(4096),
            pids_limit: Some(7),
            ..LinuxResources::default()
        };
        let told = |unified| -> Vec<String> {
            properties(&resources, unified).iter().skip(5).map(|property| property.join(" ")).collect()
        };
        assert_eq!(told(true), ["MemoryMax t 4096", "CPUWeight t 20", "CPUQuotaPerSecUSec t 130000", "TasksMax t 7"]);
        assert_eq!(
            told(false),
            ["MemoryLimit t 4096", "CPUShares t 512", "CPUQuotaPerSecUSec t 130000", "TasksMax t 7"]
        );
    }
}
