//! Processes in the Pod's cgroup that belong to no member.

use super::cgroup::Hierarchy;
use super::error::ObserveError;
use super::member::Reader;
use super::observation::{InodeId, MemberSeen, Subject};
use super::read::{self, unreadable};
use super::stat::{self, Stat};
use crate::host::Process;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
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
    let first = foreign(first, subjects, members, &Process::find)?;
    if first.is_empty() {
        return Ok(Vec::new());
    }
    std::thread::sleep(IN_FLIGHT);
    let again = foreign(&processes(reader, subjects)?, subjects, members, &Process::find)?;
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
    open: Open<'_>,
) -> Result<BTreeMap<(i32, u64), String>, ObserveError> {
    let seen = || members.iter().filter_map(|(_, _, seen)| seen.as_ref());
    let inits: BTreeSet<InodeId> =
        seen().filter(|seen| seen.own_pid == Some(1)).filter_map(|seen| seen.namespaces.get("pid").copied()).collect();
    let known: BTreeSet<i32> = seen().map(|seen| seen.pid).collect();
    let mut strays = BTreeMap::new();
    if pids.is_subset(&known) {
        return Ok(strays);
    }
    // One that has ended since is nobody's parent any more.
    let alive: BTreeSet<i32> = subjects.iter().filter(|s| s.process.is_alive()).map(|s| s.process.pid()).collect();
    for pid in pids.difference(&alive) {
        let failed = unreadable(format!("/proc/{pid}"));
        let stray = stray(*pid, &inits, &alive, open).map_err(failed)?;
        strays.extend(stray.map(|(started, line)| ((*pid, started), line)));
    }
    Ok(strays)
}

/// When a process started and its command line, if it runs and belongs to nobody.
fn stray(
    pid: i32,
    inits: &BTreeSet<InodeId>,
    members: &BTreeSet<i32>,
    open: Open<'_>,
) -> io::Result<Option<(u64, String)>> {
    let Some(process) = open(pid)? else { return Ok(None) };
    let Some(stat) = stat_of(&process)?.filter(|stat| stat.is_running() && !stat.exiting) else { return Ok(None) };
    let inside = read::namespace(&process, "pid")?.is_some_and(|id| inits.contains(&id));
    if inside || descends(&stat, members, open)? {
        return Ok(None);
    }
    Ok(Some((stat.started, read::command_line(&process, &stat.comm))))
}

/// How a process is looked at; `None` if there is none of that pid.
type Open<'a> = &'a dyn Fn(i32) -> io::Result<Option<Process>>;

/// Hierarchies that a runtime puts processes into to limit or to find them. The others only follow.
pub fn holds_processes(hierarchy: &Hierarchy) -> bool {
    let holds =
        |name: &String| ["memory", "cpu", "pids", "devices"].contains(&name.as_str()) || name.starts_with("name=");
    hierarchy.is_unified() || hierarchy.controllers.iter().any(holds)
}

/// `None` if it has gone.
fn stat_of(process: &Process) -> io::Result<Option<Stat>> {
    let Some(text) = read::if_there(read::text(process, "stat"))? else { return Ok(None) };
    stat::parse(&text).map(Some).map_err(io::Error::other)
}

/// A member is among the ancestors.
fn descends(stat: &Stat, members: &BTreeSet<i32>, open: Open<'_>) -> io::Result<bool> {
    let mut parent = stat.parent;
    // A pid that is reused while we climb could make a circle; no tree is this deep.
    for _ in 0..10_000 {
        if members.contains(&parent) {
            return Ok(true);
        }
        let above = open(parent)?.map(|process| stat_of(&process)).transpose()?.flatten();
        match above {
            Some(above) => parent = above.parent,
            None => return Ok(false),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    /// A process whose files are in a folder, and which is in the PID namespace of that inode.
    fn fake(folder: &Path, pid: i32, parent: i32) {
        let own = folder.join(pid.to_string());
        std::fs::create_dir_all(own.join("ns")).expect("made");
        let stat = stat::SLEEP.replace(" 8895 8917 ", &format!(" {parent} 8917 "));
        std::fs::write(own.join("stat"), stat).expect("written");
        std::fs::write(own.join("cmdline"), "sleep\x001\x00").expect("written");
        symlink("pid:[77]", own.join("ns/pid")).expect("made");
    }

    #[test]
    fn one_that_cannot_be_looked_at_does_not_belong_to_a_member() {
        let folder = tempfile::tempdir().expect("a folder");
        fake(folder.path(), 7, 6);
        fake(folder.path(), 6, 1);
        let open = |pid: i32| read::if_there(Process::in_folder(pid, &folder.path().join(pid.to_string())));
        let (inits, nobody) = (BTreeSet::new(), BTreeSet::new());
        let seen = |members: &BTreeSet<i32>, open: Open<'_>| stray(7, &inits, members, open);
        assert_eq!(seen(&nobody, &open).expect("seen"), Some((1_216_471, "sleep 1".to_owned())));
        assert_eq!(seen(&[6].into(), &open).expect("seen"), None, "it is a member's child");
        assert_eq!(seen(&nobody, &|_| Ok(None)).expect("seen"), None, "it has ended");
        assert!(seen(&nobody, &|_| Err(nix::Error::EMFILE.into())).is_err(), "no descriptor was left");
        // Whose child it is cannot be told: it is not said to be a stray either.
        let above = |pid: i32| if pid == 6 { Err(nix::Error::ENOMEM.into()) } else { open(pid) };
        assert!(seen(&nobody, &above).is_err());
        std::fs::write(folder.path().join("7/stat"), "").expect("written");
        assert!(seen(&nobody, &open).is_err(), "its state is empty");
        std::fs::remove_file(folder.path().join("7/stat")).expect("there");
        assert_eq!(seen(&nobody, &open).expect("seen"), None, "it is gone");
        std::fs::create_dir(folder.path().join("7/stat")).expect("made");
        assert!(seen(&nobody, &open).is_err(), "its state cannot be read");
    }
}
