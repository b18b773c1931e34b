//! Making cgroups and removing them, in every hierarchy at once.

use super::{Hierarchies, Hierarchy, enable, walk, write_file};
use crate::host::{HostError, poll_until, scaled};
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long an emptied cgroup may take to be removable: the kernel lets go of a dead process's a little after its end.
const REMOVE_WITHIN: Duration = Duration::from_secs(5);

impl Hierarchies {
    /// Makes a cgroup, and what is missing above it, in every hierarchy. No error if it is there.
    ///
    /// # Errors
    /// The kernel refused, or on v2 the controllers cannot be handed down to it.
    pub fn create(&self, path: &str) -> Result<(), HostError> {
        self.list.iter().try_for_each(|h| h.create(path))
    }

    /// Makes podcheck's own cgroup and sets what all below it inherits, whoever made it. Under the root's lock.
    pub(in crate::host) fn set_up_top(&self, top: &str) -> Result<(), HostError> {
        self.list.iter().try_for_each(|hierarchy| hierarchy.set_up_top(top))
    }

    /// Whether it is there in any hierarchy.
    pub fn exists(&self, path: &str) -> bool {
        self.list.iter().any(|h| h.dir(path).is_dir())
    }

    /// Paths of the cgroups below `path`, in any hierarchy, each once and parents first; not `path` itself.
    ///
    /// # Errors
    /// It cannot be listed.
    pub fn below(&self, path: &str) -> Result<Vec<String>, HostError> {
        let mut all = Vec::new();
        for hierarchy in &self.list {
            let top = hierarchy.dir(path);
            let dirs = walk(&top).map_err(|e| HostError::os(format!("list the cgroups below {}", top.display()), e))?;
            for dir in dirs.into_iter().skip(1) {
                let Ok(rest) = dir.strip_prefix(&top) else {
                    continue;
                };
                let child = format!("{}/{}", path.trim_end_matches('/'), rest.display());
                if !all.contains(&child) {
                    all.push(child);
                }
            }
        }
        Ok(all)
    }

    /// Removes a cgroup and all below it in every hierarchy, waiting a little for what is on its way out. No error if it
    /// is not there. Nothing may run in it: see [`Hierarchies::kill`].
    ///
    /// # Errors
    /// Something still runs in it.
    pub fn remove(&self, path: &str) -> Result<(), HostError> {
        let deadline = Instant::now() + scaled(REMOVE_WITHIN);
        for hierarchy in &self.list {
            let top = hierarchy.dir(path);
            let mut last = None;
            let gone = poll_until(deadline, || {
                last = remove_tree(&top).err();
                last.is_none().then_some(())
            });
            if let (None, Some(error)) = (gone, last) {
                return Err(HostError::os(format!("remove the cgroup {}", top.display()), error));
            }
        }
        Ok(())
    }

    /// Removes exactly these cgroups, children first, in every hierarchy; false if one has something in it.
    ///
    /// The quick way for a tree that should be empty: nothing is listed or read.
    pub(in crate::host) fn remove_if_empty(&self, paths: &[String]) -> bool {
        let gone = |dir: &Path| match std::fs::remove_dir(dir) {
            Err(error) => error.kind() == ErrorKind::NotFound,
            Ok(()) => true,
        };
        self.list.iter().all(|hierarchy| paths.iter().rev().all(|path| gone(&hierarchy.dir(path))))
    }

    /// Removes podcheck's own cgroup where it is empty: the last run to end does.
    pub(in crate::host) fn remove_top_if_empty(&self, top: &str) {
        for hierarchy in &self.list {
            let dir = hierarchy.dir(top);
            // Not empty: another run's business.
            let _ = std::fs::remove_dir(&dir);
            if dir.try_exists().is_ok_and(|there| !there) {
                enable::give_back(hierarchy, top);
            }
        }
    }
}

impl Hierarchy {
    /// Makes a cgroup, and what is missing above it, in this hierarchy alone.
    ///
    /// # Errors
    /// As [`Hierarchies::create`].
    pub fn create(&self, path: &str) -> Result<(), HostError> {
        let path = path.trim_matches('/');
        let parent = path.rsplit_once('/').map(|(parent, _)| format!("/{parent}"));
        let dir = self.dir(path);
        // On v2 a parent that is there may still have to be told to offer its children what it has.
        let mut made = match &parent {
            Some(parent) if enable::needed(self) && self.dir(parent).is_dir() => {
                enable::hand_down(self, parent)?;
                std::fs::create_dir(&dir)
            }
            _ => std::fs::create_dir(&dir),
        };
        if let (Err(ErrorKind::NotFound), Some(parent)) = (made.as_ref().map_err(std::io::Error::kind), &parent) {
            self.create(parent)?;
            enable::hand_down(self, parent)?;
            made = std::fs::create_dir(&dir);
        }
        match made {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(HostError::os(format!("create the cgroup {}", dir.display()), error))
            }
            _ => Ok(()),
        }
    }

    /// Makes podcheck's own cgroup, in one that is there, and sets what every cgroup of ours inherits from it.
    fn set_up_top(&self, top: &str) -> Result<(), HostError> {
        let dir = &self.dir(top);
        match std::fs::create_dir(dir) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(HostError::os(format!("create the cgroup {}", dir.display()), error));
            }
            _ => {}
        }
        if self.unified {
            return enable::hand_down_to_top(self, top);
        }
        if self.controllers.iter().any(|c| c == "cpuset") {
            self.inherit_cpuset(dir)?;
        }
        if self.controllers.iter().any(|c| c == "memory") {
            // Before Linux 5.11 a limit holds for what is below only with this; systemd sets it at the root, others do not.
            let file = dir.join("memory.use_hierarchy");
            if std::fs::read_to_string(&file).is_ok_and(|text| text.trim() == "0") {
                write_file(&file, "1").map_err(|e| HostError::os(format!("set {}", file.display()), e))?;
            }
        }
        Ok(())
    }

    /// A new v1 cpuset has neither cpus nor memory nodes and takes no process; its children copy their parent's once told.
    fn inherit_cpuset(&self, dir: &Path) -> Result<(), HostError> {
        for name in ["cpuset.cpus", "cpuset.mems"] {
            let file = dir.join(name);
            let present = std::fs::read_to_string(&file).unwrap_or_default();
            if !present.trim().is_empty() {
                continue;
            }
            let from = dir.parent().unwrap_or(dir).join(name);
            let value =
                std::fs::read_to_string(&from).map_err(|e| HostError::os(format!("read {}", from.display()), e))?;
            write_file(&file, value.trim()).map_err(|e| HostError::os(format!("set {}", file.display()), e))?;
        }
        let file = dir.join("cgroup.clone_children");
        write_file(&file, "1").map_err(|e| HostError::os(format!("set {}", file.display()), e))
    }
}

/// Removes a cgroup's directories, children first.
fn remove_tree(top: &Path) -> std::io::Result<()> {
    // Often there is nothing below any more.
    match std::fs::remove_dir(top) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(_) => {}
    }
    for dir in walk(top)?.into_iter().rev() {
        match std::fs::remove_dir(&dir) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
