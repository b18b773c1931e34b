//! Processes in the Pod's cgroup that belong to no member.

use super::cgroup::Hierarchy;
use super::error::ObserveError;
use super::observation::{InodeId, Subject};
use super::read::{self, unreadable};
use super::stat::{self, Stat};
use crate::host::Process;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a runtime's helper on its way into or out of a container may be in the Pod's cgroup: `exec` passes through.
const IN_FLIGHT: Duration = Duration::from_millis(50);

/// Command lines of the strays, sorted. A process belongs to a member if it descends from one, or is in a PID namespace
/// of which a member is the init: what `exec` starts descends from the runtime, but ends with that init. `known` are the
/// names of the members' own cgroups.
pub fn strays(
    cgroup: &str,
    subjects: &[Subject<'_>],
    hierarchies: &[Hierarchy],
    known: &BTreeSet<String>,
) -> Result<Vec<String>, ObserveError> {
    let found = || found(cgroup, subjects, hierarchies, known);
    let first = found()?;
    if first.is_empty() {
        return Ok(Vec::new());
    }
    std::thread::sleep(IN_FLIGHT);
    let mut strays: Vec<String> =
        found()?.into_iter().filter(|(who, _)| first.contains_key(who)).map(|(_, line)| line).collect();
    strays.sort();
    Ok(strays)
}

/// Strays at this moment: pid and start → command line.
fn found(
    cgroup: &str,
    subjects: &[Subject<'_>],
    hierarchies: &[Hierarchy],
    known: &BTreeSet<String>,
) -> Result<BTreeMap<(i32, u64), String>, ObserveError> {
    let mut pids = BTreeSet::new();
    for directory in hierarchies.iter().filter(|h| holds_processes(h)).filter_map(|h| h.directory(cgroup)) {
        read::processes_below(&directory, known, &mut pids).map_err(unreadable(directory))?;
    }
    let members: BTreeSet<i32> = subjects.iter().filter(|s| s.process.is_alive()).map(|s| s.process.pid()).collect();
    let inits: BTreeSet<InodeId> = subjects
        .iter()
        .filter(|s| own_pid(s.process) == Some(1))
        .filter_map(|s| read::namespace(s.process, "pid").ok().flatten())
        .collect();
    let mut strays = BTreeMap::new();
    for pid in pids.difference(&members) {
        let Ok(process) = Process::open(*pid) else { continue };
        let Some(stat) = running(&process) else { continue };
        let inside = read::namespace(&process, "pid").ok().flatten().is_some_and(|id| inits.contains(&id));
        if !inside && !descends(&stat, &members) {
            strays.insert((*pid, stat.started), read::command_line(&process, &stat.comm));
        }
    }
    Ok(strays)
}

/// Hierarchies that a runtime puts processes into to limit or to find them. The others only follow.
fn holds_processes(hierarchy: &Hierarchy) -> bool {
    let holds =
        |name: &String| ["memory", "cpu", "pids", "devices"].contains(&name.as_str()) || name.starts_with("name=");
    hierarchy.is_unified() || hierarchy.controllers.iter().any(holds)
}

fn own_pid(process: &Process) -> Option<i32> {
    super::status::parse(&read::text(process, "status").ok()?).ok()?.own_pid
}

fn running(process: &Process) -> Option<Stat> {
    stat::parse(&read::text(process, "stat").ok()?).ok().filter(Stat::is_running)
}

/// A member is among the ancestors.
fn descends(stat: &Stat, members: &BTreeSet<i32>) -> bool {
    let mut parent = stat.parent;
    // A pid that is reused while we climb could make a circle; no tree is this deep.
    for _ in 0..10_000 {
        if members.contains(&parent) {
            return true;
        }
        let above = Process::open(parent).ok().and_then(|p| stat::parse(&read::text(&p, "stat").ok()?).ok());
        match above {
            Some(above) => parent = above.parent,
            None => return false,
        }
    }
    false
}
