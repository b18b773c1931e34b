//! Taking away what a run left: its processes, mounts, interfaces, cgroups and directory, in this order.

mod report;

pub use report::SweepReport;

use super::cgroup::{CgroupRoot, Hierarchies};
use super::listing::names_in;
use super::lock::RootLock;
use super::run::DAEMONS;
use super::why_not_root;
use super::{
    HostError, beacon, host_path, ids, link, lock, mounts, places, poll_until, record, scaled, slices, subnet,
};
use nix::fcntl::Flock;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
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
    /// Runs that are left alone, and why.
    elsewhere: Vec<String>,
    /// Keeps a run with another /run from being begun anew among these cgroups.
    _claims: Vec<Flock<File>>,
    /// podcheck's own cgroups that were looked into.
    tops: [String; 2],
    hierarchies: &'static Hierarchies,
}

/// Finds and locks the runs that nobody holds, and lists cgroups and interfaces of runs that have no directory.
///
/// What a run's record names is that run's. What no record names is nobody's only if the records of all runs are seen whole.
pub(super) fn claim_unheld(
    _lock: &RootLock,
    hierarchies: &'static Hierarchies,
    root: &CgroupRoot,
) -> Result<Unheld, HostError> {
    // Before the records that say whose they are.
    let interfaces: Vec<String> =
        link::names()?.into_iter().filter(|name| places::tag_of_interface(name).is_some()).collect();
    let tops = [CgroupRoot::default().top(), root.top()];
    let mut unheld = Unheld {
        runs: Vec::new(),
        cgroups: Vec::new(),
        interfaces: Vec::new(),
        elsewhere: Vec::new(),
        _claims: Vec::new(),
        tops,
        hierarchies,
    };
    let known = run_ids()?;
    let mut all_seen = true;
    for id in &known {
        all_seen &= unheld.claim_run(id)?;
    }
    // Another podcheck with a /run of its own, in a container say, may share our network or our cgroups.
    all_seen &= beacon::in_our_network().is_ok_and(|held| held.is_subset(&known));
    for part in parts(hierarchies, &unheld.tops)?.into_iter().filter(|part| !known.contains(&part.run)) {
        let claims: Option<Vec<_>> = unheld.tops.iter().map(|top| beacon::claim(hierarchies, top, &part.run)).collect();
        match claims {
            Some(claims) => {
                unheld._claims.extend(claims.into_iter().flatten());
                unheld.cgroups.push(part);
            }
            None => all_seen = false,
        }
    }
    if all_seen {
        let mut recorded = BTreeSet::new();
        for id in &known {
            recorded.extend(recorded_interfaces(&places::run_dir(id))?);
        }
        unheld.interfaces = interfaces.into_iter().filter(|name| !recorded.contains(name)).collect();
    }
    Ok(unheld)
}

impl Unheld {
    /// Locks a run that nobody holds, and takes it among those to be swept; false if its record is not seen whole from here.
    fn claim_run(&mut self, id: &str) -> Result<bool, HostError> {
        let dir = places::run_dir(id);
        let file = dir.join(places::LOCK);
        let failed = |e: std::io::Error| HostError::os(format!("lock {}", file.display()), e);
        let Some(lock) = lock::attempt_file(&file).map_err(failed)? else {
            return record::shows_trials(&dir);
        };
        // The lock's file may have been removed by hand.
        let Some(claims) = beacon::claim(self.hierarchies, &places::cgroup_top(&dir)?, id) else {
            return record::shows_trials(&dir);
        };
        if let Some(why) = record::why_hidden(&dir)? {
            self.elsewhere.push(format!("run {id}: {why}"));
            return Ok(false);
        }
        self._claims.extend(claims);
        self.runs.push((id.to_owned(), lock));
        Ok(true)
    }

    /// Removes it.
    pub(super) fn sweep(self) -> SweepReport {
        let mut report = SweepReport { elsewhere: self.elsewhere, ..SweepReport::default() };
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
    let top = places::cgroup_top(&dir)?;
    let mut report = SweepReport::default();
    let mut parts: Vec<Part> =
        parts(hierarchies, std::slice::from_ref(&top))?.into_iter().filter(|part| part.run == id).collect();
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
    let recorded = recorded_interfaces(&dir);
    for name in report.note(recorded) {
        delete_interface(&name, &mut report);
    }
    let left = names_in(&trials);
    for trial in report.note(left) {
        let stays = host_path::take_back(&trials.join(trial));
        let stays = report.note(stays);
        report.stays.extend(stays.iter().map(|p| p.display().to_string()));
    }
    // Theirs last: the locks that say that the run is held are on it.
    for part in parts.iter().rev() {
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
    poll_until(deadline, || link::ports(name).is_ok_and(|ports| ports.is_empty()).then_some(()));
    let ports = link::ports(name);
    for port in report.note(ports) {
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
    let entries = names_in(dir)?.into_iter().filter(|name| name != places::LOCK);
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
    /// The one that a directory of podcheck's own cgroup is.
    fn in_top(top: &str, name: &str) -> Option<Part> {
        let (run, part) = name.split_once('-').filter(|(run, _)| places::is_id(run))?;
        Some(Part { path: format!("{top}/{name}"), run: run.to_owned(), name: part.to_owned(), slice: None })
    }

    /// The one that a slice at the top of systemd's tree is.
    fn of_slice(name: &str) -> Option<Part> {
        let (run, tag) = slices::trial_of(name)?;
        let root = slices::root(run, tag);
        Some(Part { path: slices::path(&root, ""), run: run.to_owned(), name: tag.to_owned(), slice: Some(root) })
    }

    /// Takes it away, once nothing runs in it any more.
    fn remove(&self, hierarchies: &Hierarchies) -> Result<(), HostError> {
        self.slice.as_deref().map_or(Ok(()), slices::stop)?;
        hierarchies.remove(&self.path)
    }
}

/// The parts of runs that are in one of `tops`, and those that are slices, in any hierarchy.
fn parts(hierarchies: &Hierarchies, tops: &[String]) -> Result<BTreeSet<Part>, HostError> {
    let mut parts = BTreeSet::new();
    for hierarchy in hierarchies.list() {
        for top in tops {
            parts.extend(names_in(&hierarchy.dir(top))?.into_iter().filter_map(|name| Part::in_top(top, &name)));
        }
        parts.extend(names_in(&hierarchy.dir(""))?.into_iter().filter_map(|name| Part::of_slice(&name)));
    }
    Ok(parts)
}

fn run_ids() -> Result<BTreeSet<String>, HostError> {
    Ok(names_in(Path::new(places::ROOT))?.into_iter().filter(|name| places::is_id(name)).collect())
}

/// Interfaces that a run's records name: its trials' and those noted one by one.
fn recorded_interfaces(dir: &Path) -> Result<Vec<String>, HostError> {
    let trials = names_in(&dir.join(places::TRIALS))?.into_iter().map(|tag| places::interface(&tag));
    Ok(trials.chain(names_in(&dir.join(INTERFACES))?).collect())
}
