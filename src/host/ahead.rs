//! One trial's place ahead: its directory and the cgroups above any Pod, which a kubelet too has long before the Pod.

use super::cgroup::Hierarchies;
use super::{HostError, mounts, places};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Parents of most Pods' cgroups, as a plan names them.
const PARENTS: [&str; 2] = ["kubepods", "kubepods/burstable"];

/// Where a trial is to be.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) dir: PathBuf,
    pub(super) tag: String,
    pub(super) cgroup_root: String,
    /// Cgroups that are there already, parents first.
    pub(super) cgroups: Vec<String>,
}

/// Makes the places of a run's trials, one of them ahead. While a Pod is up or on its way nothing is made: that begins when
/// a trial has been removed.
#[derive(Debug)]
pub(super) struct Places {
    cgroup_top: String,
    run: String,
    trials: PathBuf,
    hierarchies: &'static Hierarchies,
    next: Mutex<Next>,
}

#[derive(Debug)]
enum Next {
    /// None is made, or was wanted.
    Nothing,
    /// In a thread.
    Making(JoinHandle<Option<Place>>),
    /// None will be made any more.
    Closed,
}

impl Places {
    /// For a run whose other processes, or which itself, may end without a word (`ahead` is false) nothing is made ahead.
    pub(super) fn new(
        cgroup_top: &str,
        run: &str,
        dir: &Path,
        hierarchies: &'static Hierarchies,
        ahead: bool,
    ) -> Arc<Places> {
        let next = Mutex::new(if ahead { Next::Nothing } else { Next::Closed });
        let (cgroup_top, run) = (cgroup_top.to_owned(), run.to_owned());
        Arc::new(Places { cgroup_top, run, trials: dir.join(places::TRIALS), hierarchies, next })
    }

    /// The one that was made ahead, if it is ready, or a new one.
    pub(super) fn take(&self) -> Result<Place, HostError> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*next, Next::Making(thread) if thread.is_finished())
            && let Next::Making(thread) = std::mem::replace(&mut *next, Next::Nothing)
            && let Ok(Some(place)) = thread.join()
        {
            return Ok(place);
        }
        drop(next);
        self.bare()
    }

    /// Begins to make the next one, if none is there.
    pub(super) fn prepare(self: &Arc<Self>) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*next, Next::Nothing) {
            let places = Arc::clone(self);
            let spawned = std::thread::Builder::new().name("next trial".to_owned()).spawn(move || places.furnished());
            // Without it the next trial makes what it needs.
            *next = spawned.map_or(Next::Nothing, Next::Making);
        }
    }

    /// Takes away what was made ahead; nothing more is.
    pub(super) fn close(&self) {
        let next = std::mem::replace(&mut *self.next.lock().unwrap_or_else(PoisonError::into_inner), Next::Closed);
        if let Next::Making(thread) = next
            && let Ok(Some(place)) = thread.join()
        {
            self.take_back(&place);
        }
    }

    /// What will not go here is the supervisor's to sweep, and to tell.
    fn take_back(&self, place: &Place) {
        self.hierarchies.remove_if_empty(&place.cgroups);
        let _ = mounts::remove_dir(&place.dir);
    }

    /// A directory and a name.
    pub(super) fn bare(&self) -> Result<Place, HostError> {
        loop {
            let tag = places::random_id();
            let dir = self.trials.join(&tag);
            match std::fs::create_dir(&dir) {
                Ok(()) => {
                    let cgroup_root = places::cgroup(&self.cgroup_top, &self.run, &tag);
                    return Ok(Place { dir, tag, cgroup_root, cgroups: Vec::new() });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(HostError::os(format!("create {}", dir.display()), error)),
            }
        }
    }

    /// The same with the cgroups above a Pod.
    fn furnished(&self) -> Option<Place> {
        // Why it cannot be made is said to the trial that needs one.
        let mut place = self.bare().ok()?;
        let paths = PARENTS.map(|parent| format!("{}/{parent}", place.cgroup_root));
        for path in std::iter::once(place.cgroup_root.clone()).chain(paths) {
            let made = self.hierarchies.create(&path);
            place.cgroups.push(path);
            if made.is_err() {
                self.take_back(&place);
                return None;
            }
        }
        Some(place)
    }
}
