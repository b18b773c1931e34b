//! Processes in the Pod's cgroup that belong to no member.

use super::cgroup::Hierarchy;
use super::error::ObserveError;
use super::member::Reader;
use super::observation::{InodeId, MemberSeen, Subject};
use super::read::{self, unreadable};
use super::stat::{self, Stat};
use crate::host::Process;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a runtime's helper on its way into or out of a container may be in the Pod's cgroup: `exec` passes through.
const IN_FLIGHT: Duration = Duration::from_millis(50);

/// Command lines of the strays, sorted. A process belongs to a member if it descends from one, or is in a PID namespace
/// of which a member is the init: what `exec` starts descends from the runtime, but ends with that init. `first` are the
/// processes that [`processes`] found.
pub fn strays(
    first: &BTreeSet<i32>,
    reader: &Reader<'_>,
    subjects: &[Subject<'_>],
    members: &[(String, String, Option<MemberSeen>)],
) -> Result<Vec<String>, ObserveError> {
    let first = foreign(first, subjects, members);
    if first.is_empty() {
        return Ok(Vec::new());
    }
    std::thread::sleep(IN_FLIGHT);
    let again = foreign(&processes(reader, subjects)?, subjects, members);
    let mut strays: Vec<String> =
        again.into_iter().filter(|(who, _)| first.contains_key(who)).map(|(_, line)| line).collect();
    strays.sort();
    Ok(strays)
}

/// Pids of the processes in or below the Pod's cgroup, in any hierarchy that says so.
pub fn processes(reader: &Reader<'_>, subjects: &[Subject<'_>]) -> Result<BTreeSet<i32>, ObserveError> {
    // As runtimes call a member's cgroup.
    let known: BTreeSet<&str> = subjects.iter().map(|s| if s.id.is_empty() { s.name } else { s.id }).collect();
    let mut pids = BTreeSet::new();
    for (hierarchy, pod) in reader.hierarchies.iter().zip(&reader.pod) {
        if let Some(pod) = pod.as_ref().filter(|_| holds_processes(hierarchy)) {
            pod.dir.processes(&known, &mut pids).map_err(unreadable(pod.path.clone()))?;
        }
    }
    Ok(pids)
}

/// Those of them that belong to no member: pid and start → command line.
fn foreign(
    pids: &BTreeSet<i32>,
    subjects: &[Subject<'_>],
    members: &[(String, String, Option<MemberSeen>)],
) -> BTreeMap<(i32, u64), String> {
    let seen = || members.iter().filter_map(|(_, _, seen)| seen.as_ref());
    let inits: BTreeSet<InodeId> =
        seen().filter(|seen| seen.own_pid == Some(1)).filter_map(|seen| seen.namespaces.get("pid").copied()).collect();
    let known: BTreeSet<i32> = seen().map(|seen| seen.pid).collect();
    let mut strays = BTreeMap::new();
    if pids.is_subset(&known) {
        return strays;
    }
    // One that has ended since is nobody's parent any more.
    let alive: BTreeSet<i32> = subjects.iter().filter(|s| s.process.is_alive()).map(|s| s.process.pid()).collect();
    for pid in pids.difference(&alive) {
        let Ok(process) = Process::open(*pid) else { continue };
        let Some(stat) = running(&process) else { continue };
        let inside = read::namespace(&process, "pid").ok().flatten().is_some_and(|id| inits.contains(&id));
        if !inside && !descends(&stat, &alive) {
            strays.insert((*pid, stat.started), read::command_line(&process, &stat.comm));
        }
    }
    strays
}

/// Hierarchies that a runtime puts processes into to limit or to find them. The others only follow.
pub fn holds_processes(hierarchy: &Hierarchy) -> bool {
    let holds =
        |name: &String| ["memory", "cpu", "pids", "devices"].contains(&name.as_str()) || name.starts_with("name=");
    hierarchy.is_unified() || hierarchy.controllers.iter().any(holds)
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
