//! One run of podcheck, and who owns it.

use super::ahead::Places;
use super::beacon;
use super::cgroup::{CgroupRoot, Hierarchies};
use super::owner::Owner;
use super::supervisor::Supervisor;
use super::sweep::{self, SweepReport};
use super::{
    HostError, TrialDir, cgroup, check_time_factor, link, listing, lock, mounts, places, record, tmpfs, why_not_root,
};
use crate::node::CgroupDriver;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// One run of podcheck: everything of it that is on the host hangs below its directory and its cgroup.
///
/// The process that owns it ends it by [`Run::end`], or by dropping it, or by ending however; the run's supervisor then
/// takes everything away. Processes of one nextest run share one run, which ends with nextest.
#[derive(Debug)]
pub struct Run {
    dir: PathBuf,
    id: String,
    /// Where /run is, which is another directory in a container.
    place: String,
    /// podcheck's own cgroup, in which those of the run's parts are.
    cgroup_top: String,
    hierarchies: &'static Hierarchies,
    places: Arc<Places>,
    /// `None` once ended, and where another process or nextest ends the run.
    supervisor: Mutex<Option<Supervisor>>,
}

impl Run {
    /// Joins the run this process belongs to (one nextest run is one run) or begins one, with its supervisor, and sweeps
    /// what nobody holds any more. Its cgroups are below the root that `PODCHECK_CGROUP_ROOT` names.
    ///
    /// # Errors
    /// Not root, `hand_over` missing in main, or the host refused.
    pub fn begin() -> Result<Arc<Run>, HostError> {
        Run::begin_below(&CgroupRoot::from_env()?)
    }

    /// As [`Run::begin`], with its cgroups below another. A run that is joined keeps those that it has.
    ///
    /// # Errors
    /// As [`Run::begin`], or nothing can be made there.
    pub fn begin_below(root: &CgroupRoot) -> Result<Arc<Run>, HostError> {
        check_caller()?;
        let hierarchies = Hierarchies::detect()?;
        hierarchies.check_root(root)?;
        let top = root.top();
        let owner = Owner::find()?;
        let place = record::place().map_err(|e| HostError::os("find out where /run is", e))?;
        let root_lock = lock::RootLock::take()?;
        let id = owner.run_id().unwrap_or_else(places::random_id);
        let dir = places::run_dir(&id);
        let lock_file = dir.join(places::LOCK);
        let run = |cgroup_top: String, supervisor: Option<Supervisor>| {
            let places = Places::new(&cgroup_top, &id, &dir, hierarchies, supervisor.is_some());
            Arc::new(Run {
                dir: dir.clone(),
                id: id.clone(),
                place: place.clone(),
                cgroup_top,
                hierarchies,
                places,
                supervisor: Mutex::new(supervisor),
            })
        };
        let failed = |e: std::io::Error| HostError::os(format!("lock {}", lock_file.display()), e);
        if lock_file.try_exists().map_err(failed)? {
            let hidden = |why: String| HostError::new(format!("go on with the run {id}"), why);
            match lock::attempt_file(&lock_file).map_err(failed)? {
                None if record::shows_trials(&dir)? => return Ok(run(places::cgroup_top(&dir)?, None)),
                None => return Err(hidden("it began in another mount namespace than this process is in".to_owned())),
                // Its supervisor is gone, but not its owner.
                Some(held) => match record::why_hidden(&dir)? {
                    None => drop(sweep::sweep_run(&id, &held, Some(&root_lock))?),
                    Some(why) => return Err(hidden(why)),
                },
            }
        }
        let unheld = sweep::claim_unheld(&root_lock, hierarchies, root)?;
        let daemons = places::cgroup(&top, &id, DAEMONS);
        let started = make_dirs(&dir, &top)
            .and_then(|()| hierarchies.set_up_top(&top))
            .and_then(|()| beacon::make_and_lock_cgroups(hierarchies, &top, &id))
            .and_then(|locks| {
                hierarchies.record_options(&dir)?;
                tmpfs::mount_for_trials(&dir.join(places::TRIALS))?;
                let supervisor = Supervisor::start(&dir, &owner);
                // It has locked them too by now.
                drop(locks);
                supervisor
            })
            .inspect_err(|_| {
                // What would not go here either is the next start's business.
                let _ = hierarchies.remove(&daemons).and_then(|()| mounts::unmount_below(&dir));
                let _ = mounts::remove_dir(&dir);
                hierarchies.remove_top_if_empty(&top);
            });
        drop(root_lock);
        let supervisor = started?;
        // What another run left does not keep this one from going on; `podcheck sweep` says what would not go.
        drop(unheld.sweep());
        Ok(run(top, owner.is_self().then_some(supervisor)))
    }

    /// Eight characters, unique on this host.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `/run/podcheck/<id>`: daemons' and trials' directories lie below.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the directories of runs are, in words without blanks: tells one /run from another, also after the host has booted again.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether a run of this host, with the place of its directory, is known to be over.
    pub fn is_over(&self, run: &str, place: &str) -> bool {
        record::is_over(&self.place, run, place)
    }

    /// The cgroup hierarchies of this host.
    pub fn hierarchies(&self) -> &'static Hierarchies {
        self.hierarchies
    }

    /// The cgroup of a private daemon, made if it is not there: what runs in it ends with the run.
    ///
    /// # Errors
    /// The host refused.
    pub fn daemon_cgroup(&self, name: &str) -> Result<String, HostError> {
        let path = format!("{}/{name}", places::cgroup(&self.cgroup_top, &self.id, DAEMONS));
        self.hierarchies.create(&path)?;
        Ok(path)
    }

    /// Pids of what runs in the cgroups of the run's daemons: they themselves, and their helpers.
    ///
    /// # Errors
    /// The host refused.
    pub fn daemon_processes(&self) -> Result<BTreeSet<i32>, HostError> {
        self.hierarchies.procs(&places::cgroup(&self.cgroup_top, &self.id, DAEMONS))
    }

    /// Names of the interfaces that are ports of the run's bridges.
    ///
    /// # Errors
    /// The host refused.
    pub fn bridge_ports(&self) -> Result<Vec<String>, HostError> {
        let mut ports = Vec::new();
        for bridge in listing::names_in(&self.dir.join(sweep::INTERFACES))? {
            ports.extend(link::ports(&bridge)?);
        }
        Ok(ports)
    }

    /// Notes an interface (`pchk…`) that is to go with the run. To be called before it is made.
    ///
    /// # Errors
    /// The name is none of podcheck's, or the host refused.
    pub fn record_interface(&self, name: &str) -> Result<(), HostError> {
        let action = || format!("record the interface {name}");
        if places::tag_of_interface(name).is_none() {
            return Err(HostError::new(
                action(),
                "its name must be pchk or pchkb and eight letters and digits".to_owned(),
            ));
        }
        std::fs::write(self.dir.join(sweep::INTERFACES).join(name), "").map_err(|e| HostError::os(action(), e))
    }

    /// Where its trials are: what is mounted below is seen in mount namespaces that are made from this one.
    pub fn trials(&self) -> PathBuf {
        self.dir.join(places::TRIALS)
    }

    /// Where a private daemon sees the host's files as they are outside its mount namespace: empty but in there.
    pub fn host_files(&self) -> PathBuf {
        self.dir.join(places::HOST_FILES)
    }

    /// A fresh place for one trial, whose Pod's cgroups are to be made by that driver.
    ///
    /// # Errors
    /// The host refused, or slices are asked for in a run whose cgroups are below another root.
    pub fn trial(&self, driver: CgroupDriver) -> Result<TrialDir, HostError> {
        if driver == CgroupDriver::Systemd && self.cgroup_top != cgroup::TOP {
            let why = "systemd's are at the top of its own tree: only cgroupfs goes together with another root";
            return Err(HostError::new(format!("place slices below {}", self.cgroup_top), why));
        }
        TrialDir::new(&self.places, self.hierarchies, (driver, &self.id))
    }

    /// Ends the run in order and waits until everything of it is gone. Returns what had to be removed although it should
    /// have gone by then: nothing where another process ends the run, or it has ended.
    ///
    /// # Errors
    /// The supervisor did not answer.
    pub fn end(&self) -> Result<SweepReport, HostError> {
        self.places.close();
        let supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(supervisor) = supervisor else { return Ok(SweepReport::default()) };
        if let Some(report) = supervisor.end()? {
            return Ok(report);
        }
        // The supervisor was killed: what it would have done is done here, unless another podcheck is at it already.
        let file = self.dir.join(places::LOCK);
        if file.try_exists().is_ok_and(|there| !there) {
            return Ok(SweepReport::default());
        }
        let held = lock::attempt_file(&file).map_err(|e| HostError::os(format!("lock {}", file.display()), e))?;
        held.map_or_else(|| Ok(SweepReport::default()), |held| sweep::sweep_run(&self.id, &held, None))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Nobody is left to tell; what would not go is the next start's business.
        let _ = self.end();
    }
}

/// The part of a run's cgroups that holds its private daemons: `<run>-daemons`.
pub const DAEMONS: &str = "daemons";

fn check_caller() -> Result<(), HostError> {
    let refused = |detail: &str| Err(HostError::new("begin a run", detail.to_owned()));
    if !crate::has_handed_over() {
        return refused("podcheck::hand_over() is missing as the first line of this program's main");
    }
    if let Some(why) = why_not_root() {
        return refused(why);
    }
    check_time_factor()
}

fn make_dirs(dir: &Path, cgroup_top: &str) -> Result<(), HostError> {
    let parts = [places::TRIALS, sweep::INTERFACES, "daemons"].map(|part| dir.join(part));
    for path in std::iter::once(dir.to_owned()).chain(parts) {
        lock::private_dir(&path).map_err(|e| HostError::os(format!("create {}", path.display()), e))?;
    }
    places::record_cgroup_top(dir, cgroup_top)
        .and_then(|()| record::note(dir))
        .map_err(|e| HostError::os(format!("write to {}", dir.display()), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_hand_over_nothing_is_begun() {
        // The test harness's main is not ours: a supervisor started from here would run these tests again.
        let error = Run::begin().map(|_| ()).expect_err("is refused").to_string();
        assert!(error.contains("hand_over()"), "{error}");
    }
}
