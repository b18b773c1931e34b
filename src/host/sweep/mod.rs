//! Taking away what a run left: its processes, mounts, interfaces, cgroups and directory, in this order.

mod report;

pub use report::SweepReport;

use super::cgroup::{CgroupRoot, Hierarchies};
use super::lock::RootLock;
use super::run::DAEMONS;
use super::{HostError, ids, link, lock, mounts, places, poll_until, scaled, slices, subnet, volume, why_not_root};
use nix::fcntl::Flock;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Directory of a run with a file for each interface it may have besides its trials'.
pub(super) const INTERFACES: &str = "interfaces";

/// How long the ports of a bridge have to go by themselves.
const PORTS_WITHIN: Duration = Duration::from_secs(2);

/// Removes what runs left that nobody holds any more. Their records say where their cgroups are; those of runs without a
/// record are looked for in `/podcheck` and below `root`.
///
/// # Errors
/// Not root, or /run/podcheck cannot be locked. What would not go stands in the report.
pub fn sweep_unheld(root: &CgroupRoot) -> Result<SweepReport, HostError> {
    if let Some(why) = why_not_root() {
        return Err(HostError::new("sweep", why));
    }
    let hierarchies = Hierarchies::detect()?;
    let root_lock = RootLock::take()?;
    let unheld = claim_unheld(&root_lock, hierarchies, root)?;
    unheld.tops.iter().for_each(|top| hierarchies.remove_top_if_empty(top));
    drop(root_lock);
    Ok(unheld.sweep())
}

/// What was found to be held by nobody; its runs are locked by us.
pub(super) struct Unheld {
    runs: Vec<(String, Flock<File>)>,
    cgroups: Vec<Part>,
    interfaces: Vec<String>,
    /// podcheck's own cgroups that were looked into.
    tops: [String; 2],
    hierarchies: &'static Hierarchies,
}

/// Finds and locks the runs that nobody holds, and lists cgroups and interfaces of runs that have no directory.
pub(super) fn claim_unheld(
    _lock: &RootLock,
    hierarchies: &'static Hierarchies,
    root: &CgroupRoot,
) -> Result<Unheld, HostError> {
    // Before the records that say whose they are.
    let interfaces: Vec<String> =
        link::names().into_iter().filter(|name| places::tag_of_interface(name).is_some()).collect();
    let tops = [CgroupRoot::default().top(), root.top()];
    let mut unheld = Unheld { runs: Vec::new(), cgroups: Vec::new(), interfaces: Vec::new(), tops, hierarchies };
    let mut known = BTreeSet::new();
    for id in run_ids()? {
        known.insert(id.clone());
        let file = places::run_dir(&id).join(places::LOCK);
        let lock = lock::attempt_file(&file).map_err(|e| HostError::os(format!("lock {}", file.display()), e))?;
        unheld.runs.extend(lock.map(|lock| (id, lock)));
    }
    let mut elsewhere = false;
    for part in parts(hierarchies, &unheld.tops).into_iter().filter(|part| !known.contains(&part.run)) {
        // Another podcheck with a /run of its own, in a container say, may share our cgroups.
        if unheld.tops.iter().any(|top| beacon_is_lit(hierarchies, top, &part.run)) {
            elsewhere = true;
        } else {
            unheld.cgroups.push(part);
        }
    }
    if !elsewhere {
        let recorded: BTreeSet<String> =
            known.iter().flat_map(|id| recorded_interfaces(&places::run_dir(id))).collect();
        unheld.interfaces = interfaces.into_iter().filter(|name| !recorded.contains(name)).collect();
    }
    Ok(unheld)
}

impl Unheld {
    /// Removes it.
    pub(super) fn sweep(self) -> SweepReport {
        let mut report = SweepReport::default();
        for (id, held) in &self.runs {
            let swept = sweep_run(id, held, None);
            let swept = report.note(swept);
            report.merge(swept);
            // Told by its own name, not as a cgroup or directory of no meaning.
            report.runs.push(id.clone());
        }
        for part in &self.cgroups {
            let killed = self.hierarchies.kill(&part.path);
            let killed = report.note(killed);
            report.processes.extend(killed);
            let removed = part.remove(self.hierarchies);
            report.note(removed);
            report.cgroups.push(part.path.clone());
        }
        for name in &self.interfaces {
            delete_interface(name, &mut report);
        }
        // Under the lock: a run that is just beginning makes its cgroup under it, too.
        if !self.cgroups.is_empty()
            && let Ok(_root) = RootLock::take()
        {
            self.tops.iter().for_each(|top| self.hierarchies.remove_top_if_empty(top));
        }
        report
    }
}

/// Removes everything of one run. `held` is its lock; it is kept until all is gone, and its file goes last of all. If
/// something would not go the directory stays, for the next sweep to find.
pub(super) fn sweep_run(id: &str, held: &Flock<File>, root: Option<&RootLock>) -> Result<SweepReport, HostError> {
    let _ = held;
    let hierarchies = Hierarchies::detect()?;
    let dir = places::run_dir(id);
    let top = places::cgroup_top(&dir);
    let mut report = SweepReport::default();
    let mut parts: Vec<Part> =
        parts(hierarchies, std::slice::from_ref(&top)).into_iter().filter(|part| part.run == id).collect();
    // Daemons first: nothing they look after is then started again or tidied up under our hands.
    parts.sort_by_key(|part| part.name != DAEMONS);
    for part in &parts {
        let killed = hierarchies.kill(&part.path);
        let killed = report.note(killed);
        if part.name == DAEMONS { report.daemons.extend(killed) } else { report.processes.extend(killed) }
    }
    // That of the trials is podcheck's own, and says which interfaces and paths there are to take back: it goes last.
    let trials = dir.join(places::TRIALS);
    let unmounted = mounts::unmount_below_but(&dir, &trials);
    report.mounts = report.note(unmounted).iter().map(|p| p.display().to_string()).collect();
    let restored = hierarchies.restore_options(&dir);
    report.note(restored);
    for name in recorded_interfaces(&dir) {
        delete_interface(&name, &mut report);
    }
    for trial in names_in(&trials) {
        let stays = volume::take_back(&trials.join(trial));
        report.stays.extend(stays.iter().map(|p| p.display().to_string()));
    }
    for part in &parts {
        let removed = part.remove(hierarchies);
        report.note(removed);
        if part.name != DAEMONS {
            report.cgroups.push(part.path.clone());
        }
    }
    if report.failures.is_empty() {
        let unmounted = mounts::unmount_below(&dir);
        report.note(unmounted);
        let removed = remove_dirs(id, &dir, hierarchies, &top, root);
        report.note(removed);
    }
    Ok(report)
}

/// Deletes an interface, and first what hangs on it if it is a bridge: a daemon's veths, whose names are not ours.
fn delete_interface(name: &str, report: &mut SweepReport) {
    // They go with their network namespaces, a little after the processes.
    let deadline = Instant::now() + scaled(PORTS_WITHIN);
    poll_until(deadline, || link::ports(name).is_empty().then_some(()));
    for port in link::ports(name) {
        let deleted = link::delete(&port);
        if report.note(deleted) {
            report.interfaces.push(port);
        }
    }
    let deleted = link::delete(name);
    if report.note(deleted) {
        report.interfaces.push(name.to_owned());
    }
}

/// The last step, under the root's lock: the directory, the subnets and, with the last run, podcheck's own cgroup.
fn remove_dirs(
    id: &str,
    dir: &Path,
    hierarchies: &Hierarchies,
    cgroup_top: &str,
    root: Option<&RootLock>,
) -> Result<(), HostError> {
    let entries = names_in(dir).into_iter().filter(|name| name != places::LOCK);
    for path in entries.map(|name| dir.join(name)) {
        if path.is_dir() {
            mounts::remove_dir(&path)?;
        } else {
            // Gone, or the directory below will not go, which is then said.
            let _ = std::fs::remove_file(&path);
        }
    }
    let _root = match root {
        Some(_) => None,
        None => Some(RootLock::take()?),
    };
    mounts::remove_dir(dir)?;
    subnet::release(id);
    ids::release(id);
    hierarchies.remove_top_if_empty(cgroup_top);
    Ok(())
}

/// A lock that shows across containers that a run is held: on the cgroup of its daemons.
pub(super) fn light_beacon(id: &str) -> Result<Option<Flock<File>>, HostError> {
    let Some(dir) = beacon(Hierarchies::detect()?, &places::cgroup_top(&places::run_dir(id)), id) else {
        return Ok(None);
    };
    let failed = |e: std::io::Error| HostError::os(format!("lock {}", dir.display()), e);
    lock::attempt(File::open(&dir).map_err(failed)?).map_err(failed)
}

fn beacon_is_lit(hierarchies: &Hierarchies, top: &str, id: &str) -> bool {
    beacon(hierarchies, top, id)
        .and_then(|dir| File::open(dir).ok())
        .is_some_and(|file| matches!(lock::attempt(file), Ok(None)))
}

fn beacon(hierarchies: &Hierarchies, top: &str, id: &str) -> Option<PathBuf> {
    hierarchies.list().first().map(|h| h.dir(&places::cgroup(top, id, DAEMONS)))
}

/// A cgroup that is a part of a run.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    path: String,
    run: String,
    /// A trial's tag, or [`DAEMONS`].
    name: String,
    /// The slice that it is, without `.slice`.
    slice: Option<String>,
}

impl Part {
    /// Takes it away, once nothing runs in it any more.
    fn remove(&self, hierarchies: &Hierarchies) -> Result<(), HostError> {
        self.slice.as_deref().map_or(Ok(()), slices::stop)?;
        hierarchies.remove(&self.path)
    }
}

/// The parts of runs that are in one of `tops`, and those that are slices, in any hierarchy.
fn parts(hierarchies: &Hierarchies, tops: &[String]) -> BTreeSet<Part> {
    let names = |path: &str| -> BTreeSet<String> {
        let dirs = hierarchies.list().iter().map(|hierarchy| hierarchy.dir(path));
        let entries = dirs.flat_map(|dir| std::fs::read_dir(dir).into_iter().flatten().flatten());
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        folders.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    };
    let in_top = |(top, name): (&String, String)| {
        let (run, part) = name.split_once('-').filter(|(run, _)| places::is_id(run))?;
        Some(Part { path: format!("{top}/{name}"), run: run.to_owned(), name: part.to_owned(), slice: None })
    };
    let slice = |name: String| {
        let (run, tag) = slices::trial_of(&name)?;
        let root = slices::root(run, tag);
        Some(Part { path: slices::path(&root, ""), run: run.to_owned(), name: tag.to_owned(), slice: Some(root) })
    };
    let in_tops = tops.iter().flat_map(|top| names(top).into_iter().map(move |name| (top, name))).filter_map(in_top);
    in_tops.chain(names("").into_iter().filter_map(slice)).collect()
}

fn run_ids() -> Result<Vec<String>, HostError> {
    Ok(names_in(Path::new(places::ROOT)).into_iter().filter(|name| places::is_id(name)).collect())
}

/// Interfaces that a run's records name: its trials' and those noted one by one.
fn recorded_interfaces(dir: &Path) -> Vec<String> {
    let trials = names_in(&dir.join(places::TRIALS)).into_iter().map(|tag| places::interface(&tag));
    trials.chain(names_in(&dir.join(INTERFACES))).collect()
}

fn names_in(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|e| e.file_name().into_string().ok()).collect()
}
