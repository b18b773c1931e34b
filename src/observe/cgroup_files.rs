//! Which file of which hierarchy says what of a cgroup.

use super::cgroup::Hierarchy;
use super::controls::{CONTROLS, Control};
use super::error::{Malformed, ObserveError};
use super::huge_pages;
use super::limits::{self, CpuShare, Limit};
use super::member::Reader;
use super::observation::{CgroupSeen, Seen};
use super::read::{Evidence, KernelDir, senseless, unreadable};
use super::strays;
use super::words::{keyed, number};
use std::collections::BTreeMap;
use std::io;

/// Where a controller's files of a cgroup are.
enum Place<'a> {
    V1(&'a Dir<'a>),
    V2(&'a Dir<'a>),
    /// The controller is there, the cgroup is not where it can be seen.
    OutOfView,
    /// The host has no such controller.
    Missing,
}

/// A cgroup's directory in one hierarchy.
struct Dir<'a> {
    path: String,
    at: At<'a>,
    is_root: bool,
}

/// What its files are opened by.
enum At<'a> {
    Own(KernelDir),
    /// The Pod's directory, and the rest of the way.
    BelowPod(&'a KernelDir, String),
}

impl Dir<'_> {
    fn text(&self, file: &str) -> io::Result<Option<String>> {
        match &self.at {
            At::Own(dir) => dir.text(file),
            At::BelowPod(dir, prefix) => dir.text(&[prefix, file].concat()),
        }
    }
}

/// The Pod's cgroup in one hierarchy. Opened once for all members: most of a path is the way to it.
pub struct PodDir {
    /// Its path from the root of the hierarchy.
    cgroup: String,
    pub dir: KernelDir,
    pub path: String,
}

impl PodDir {
    /// Opens it; `None` if it cannot be seen, is not there, or nothing is read in that hierarchy.
    pub fn open(hierarchy: &Hierarchy, cgroup: &str) -> Result<Option<PodDir>, ObserveError> {
        let is_read = |name: &String| CONTROLLERS.contains(&name.as_str());
        if !hierarchy.controllers.iter().any(is_read) && !strays::holds_processes(hierarchy) {
            return Ok(None);
        }
        let Some(path) = hierarchy.directory(cgroup) else { return Ok(None) };
        let dir = KernelDir::open(&path).map_err(unreadable(&path))?;
        Ok(dir.map(|dir| PodDir { cgroup: cgroup.to_owned(), dir, path }))
    }

    /// The rest of the way to a cgroup that is this one or below it.
    fn rest(&self, cgroup: &str) -> Option<String> {
        match cgroup.strip_prefix(self.cgroup.as_str())? {
            "" => Some(String::new()),
            rest => rest.strip_prefix('/').map(|rest| format!("{rest}/")),
        }
    }
}

/// Controllers whose files are read.
const CONTROLLERS: [&str; 7] = ["memory", "cpu", "pids", "hugetlb", "devices", "blkio", "io"];

impl Reader<'_> {
    /// The hierarchy has that controller: on one host a controller is in one hierarchy only.
    fn has(&self, hierarchy: &Hierarchy, controller: &str) -> bool {
        if hierarchy.is_unified() {
            self.controllers.contains(controller)
        } else {
            hierarchy.controllers.iter().any(|name| name == controller)
        }
    }

    /// Reads the cgroup that `path_of` names in each hierarchy, and of the controls those that are `wanted`.
    pub fn cgroup(
        &self,
        path_of: impl Fn(&Hierarchy) -> Option<String>,
        owner: &str,
        wanted: impl Fn(&Control) -> bool,
        evidence: &mut Evidence,
    ) -> Result<CgroupSeen, ObserveError> {
        let mut dirs = Vec::new();
        for (index, hierarchy) in self.hierarchies.iter().enumerate() {
            if !CONTROLLERS.iter().any(|name| self.has(hierarchy, name)) {
                continue;
            }
            let cgroup = path_of(hierarchy);
            let is_root = cgroup.as_deref() == Some("/");
            let pod = self.pod.get(index).and_then(Option::as_ref);
            let below = pod.zip(cgroup.as_deref()).and_then(|(pod, cgroup)| Some((&pod.dir, pod.rest(cgroup)?)));
            let path: Option<String> = cgroup.as_deref().and_then(|cgroup| hierarchy.directory(cgroup));
            let dir = match (path, below) {
                (Some(path), Some((pod, rest))) => Some(Dir { path, at: At::BelowPod(pod, rest), is_root }),
                (Some(path), None) => {
                    let dir = KernelDir::open(&path).map_err(unreadable(&path))?;
                    dir.map(|dir| Dir { path, at: At::Own(dir), is_root })
                }
                (None, _) => None,
            };
            dirs.push((hierarchy, dir));
        }
        let mut files = Files { reader: self, dirs: &dirs, owner, evidence, seen: CgroupSeen::default() };
        files.memory()?;
        files.cpu()?;
        files.pids()?;
        files.huge_pages()?;
        files.devices()?;
        files.controls(wanted)?;
        Ok(files.seen)
    }
}

/// One cgroup being read.
struct Files<'a, 'e> {
    reader: &'a Reader<'a>,
    dirs: &'a [(&'a Hierarchy, Option<Dir<'a>>)],
    owner: &'a str,
    evidence: &'e mut Evidence,
    seen: CgroupSeen,
}

impl<'a> Files<'a, '_> {
    fn place(&self, controller: &str) -> Place<'a> {
        match self.dirs.iter().find(|(hierarchy, _)| self.reader.has(hierarchy, controller)) {
            Some((hierarchy, Some(dir))) if hierarchy.is_unified() => Place::V2(dir),
            Some((_, Some(dir))) => Place::V1(dir),
            Some((_, None)) => Place::OutOfView,
            None => Place::Missing,
        }
    }

    /// Whether the controller is in the v2 hierarchy.
    fn is_unified(&self, controller: &str) -> bool {
        self.dirs.iter().any(|(hierarchy, _)| hierarchy.is_unified() && self.reader.has(hierarchy, controller))
    }

    /// Reads the file that shows `fact`; `missing` is what it means that there is none, except in a root cgroup, which
    /// holds nobody to anything.
    fn value<T>(
        &mut self,
        fact: &'static str,
        dir: &Dir<'_>,
        file: &str,
        missing: Seen<T>,
        parse: impl FnOnce(&str) -> Result<T, Malformed>,
    ) -> Result<Seen<T>, ObserveError> {
        let path = [&dir.path, "/", file].concat();
        let text = dir.text(file).map_err(unreadable(&path))?;
        self.seen.files.insert(fact, path.clone());
        let Some(text) = text else { return Ok(if dir.is_root { Seen::Absent } else { missing }) };
        // A file with a count may be one of the controls as well: it is read once.
        if let Some(control) = CONTROLS.iter().find(|control| control.file == file && !dir.is_root) {
            self.seen.controls.insert(control.file, Seen::Value(control.value(&text)));
            self.seen.files.insert(control.file, path.clone());
        }
        let value = parse(&text).map(Seen::Value).map_err(senseless(path));
        self.evidence.keep(self.owner, &["cgroup/", file].concat(), text);
        value
    }

    fn memory(&mut self) -> Result<(), ObserveError> {
        match self.place("memory") {
            Place::V1(dir) => {
                let none = Seen::Unobservable("swap-accounting");
                self.seen.limits.memory_bytes =
                    self.value("memory_bytes", dir, "memory.limit_in_bytes", Seen::Absent, limits::v1_bytes)?;
                self.seen.limits.memory_swap_bytes =
                    self.value("memory_swap_bytes", dir, "memory.memsw.limit_in_bytes", none, limits::v1_bytes)?;
                self.seen.events.oom_kill = self.count("oom_kill", dir, "memory.oom_control", "oom_kill")?;
            }
            Place::V2(dir) => {
                let none = Seen::Unobservable("swap-accounting");
                let memory = self.value("memory_bytes", dir, "memory.max", Seen::Absent, limits::or_max)?;
                let swap = self.value("memory_swap_bytes", dir, "memory.swap.max", none, limits::or_max)?;
                self.seen.limits.memory_swap_bytes = match (memory, swap) {
                    (Seen::Value(memory), Seen::Value(swap)) => Seen::Value(limits::together(memory, swap)),
                    (Seen::Value(_), swap) => swap,
                    (memory, _) => memory,
                };
                self.seen.limits.memory_bytes = memory;
                self.seen.limits.oom_group = self.value("oom_group", dir, "memory.oom.group", Seen::Absent, number)?;
                self.seen.events.oom_kill = self.count("oom_kill", dir, "memory.events", "oom_kill")?;
            }
            Place::OutOfView => self.no_memory("cgroup-in-view"),
            Place::Missing => self.no_memory("memory-controller"),
        }
        Ok(())
    }

    fn cpu(&mut self) -> Result<(), ObserveError> {
        match self.place("cpu") {
            Place::V1(dir) => {
                let none = "cpu-bandwidth";
                let limits = (
                    self.value("cpu_quota_usec", dir, "cpu.cfs_quota_us", Seen::Unobservable(none), limits::v1_quota)?,
                    self.value("cpu_period_usec", dir, "cpu.cfs_period_us", Seen::Unobservable(none), number)?,
                    self.value("cpu_share", dir, "cpu.shares", Seen::Absent, |t| number(t).map(CpuShare::Shares))?,
                );
                self.set_cpu(limits);
                self.seen.events.nr_throttled = self.count("nr_throttled", dir, "cpu.stat", "nr_throttled")?;
            }
            Place::V2(dir) => {
                let max = self.value("cpu_quota_usec", dir, "cpu.max", Seen::Absent, limits::cpu_max)?;
                self.seen.files.insert("cpu_period_usec", format!("{}/cpu.max", dir.path));
                let share =
                    self.value("cpu_share", dir, "cpu.weight", Seen::Absent, |t| number(t).map(CpuShare::Weight))?;
                self.set_cpu((max.map(|(quota, _)| quota), max.map(|(_, period)| period), share));
                self.seen.events.nr_throttled = self.count("nr_throttled", dir, "cpu.stat", "nr_throttled")?;
            }
            Place::OutOfView => self.no_cpu("cgroup-in-view"),
            Place::Missing => self.no_cpu("cpu-controller"),
        }
        Ok(())
    }

    fn pids(&mut self) -> Result<(), ObserveError> {
        match self.place("pids") {
            Place::V1(dir) | Place::V2(dir) => {
                self.seen.limits.pids = self.value("pids", dir, "pids.max", Seen::Absent, limits::or_max)?;
                self.seen.events.pids_max = self.count("pids_max", dir, "pids.events", "max")?;
            }
            Place::OutOfView => self.no_pids("cgroup-in-view"),
            Place::Missing => self.no_pids("pids-controller"),
        }
        Ok(())
    }

    fn huge_pages(&mut self) -> Result<(), ObserveError> {
        // Where nobody handed the controller down, its files are missing.
        const NONE: &str = "huge-page-limits";
        let (dir, unified) = match self.place("hugetlb") {
            Place::V1(dir) => (dir, false),
            Place::V2(dir) => (dir, true),
            Place::OutOfView => {
                self.seen.limits.huge_pages = Seen::Unobservable("cgroup-in-view");
                return Ok(());
            }
            Place::Missing => {
                self.seen.limits.huge_pages = Seen::Unobservable(NONE);
                return Ok(());
            }
        };
        let mut limits = BTreeMap::new();
        for size in huge_pages::all() {
            let file = if unified { &size.v2 } else { &size.v1 };
            let parse = |text: &str| match unified {
                true => limits::or_max(text),
                false => limits::v1_of_at_most(text, size.v1_no_limit),
            };
            match self.value(&size.fact, dir, file, Seen::Unobservable(NONE), parse)? {
                Seen::Value(limit) => limits.insert(size.name.as_str(), limit),
                unseen => {
                    self.seen.limits.huge_pages = unseen.map(|_| BTreeMap::new());
                    return Ok(());
                }
            };
        }
        // Which sizes there are is read elsewhere: of none nothing is known.
        self.seen.limits.huge_pages = if limits.is_empty() { Seen::Unobservable(NONE) } else { Seen::Value(limits) };
        Ok(())
    }

    fn devices(&mut self) -> Result<(), ObserveError> {
        self.seen.devices = match self.place("devices") {
            Place::V1(dir) => self.value("devices", dir, "devices.list", Seen::Absent, |text| {
                Ok(text.lines().map(str::to_owned).collect())
            })?,
            Place::OutOfView => Seen::Unobservable("cgroup-in-view"),
            // v2 keeps its rules in a BPF program, which can be felt but not read.
            Place::V2(_) | Place::Missing => Seen::Unobservable("devices-list"),
        };
        Ok(())
    }

    fn controls(&mut self, wanted: impl Fn(&Control) -> bool) -> Result<(), ObserveError> {
        for control in CONTROLS.iter().filter(|control| wanted(control)) {
            if self.seen.controls.contains_key(control.file) {
                continue;
            }
            let dir = match self.place(control.controller) {
                Place::V1(dir) if !control.unified && !dir.is_root => dir,
                Place::V2(dir) if control.unified && !dir.is_root => dir,
                Place::OutOfView if self.is_unified(control.controller) == control.unified => {
                    self.seen.controls.insert(control.file, Seen::Unobservable("cgroup-in-view"));
                    continue;
                }
                _ => continue,
            };
            let path = [&dir.path, "/", control.file].concat();
            if let Some(text) = dir.text(control.file).map_err(unreadable(&path))? {
                self.seen.controls.insert(control.file, Seen::Value(control.value(&text)));
                self.seen.files.insert(control.file, path);
            }
        }
        Ok(())
    }

    fn count(&mut self, fact: &'static str, dir: &Dir<'_>, file: &str, key: &str) -> Result<Seen<u64>, ObserveError> {
        let counted = self.value(fact, dir, file, Seen::Absent, |text| keyed(text, key))?;
        Ok(match counted {
            Seen::Value(Some(count)) => Seen::Value(count),
            Seen::Unobservable(ability) => Seen::Unobservable(ability),
            Seen::Value(None) | Seen::Absent => Seen::Absent,
        })
    }

    fn set_cpu(&mut self, (quota, period, share): (Seen<Limit>, Seen<u64>, Seen<CpuShare>)) {
        let limits = &mut self.seen.limits;
        (limits.cpu_quota_usec, limits.cpu_period_usec, limits.cpu_share) = (quota, period, share);
    }

    fn no_memory(&mut self, ability: &'static str) {
        self.seen.limits.memory_bytes = Seen::Unobservable(ability);
        self.seen.limits.memory_swap_bytes = Seen::Unobservable(ability);
        self.seen.limits.oom_group = Seen::Unobservable(ability);
        self.seen.events.oom_kill = Seen::Unobservable(ability);
    }

    fn no_cpu(&mut self, ability: &'static str) {
        self.set_cpu((Seen::Unobservable(ability), Seen::Unobservable(ability), Seen::Unobservable(ability)));
        self.seen.events.nr_throttled = Seen::Unobservable(ability);
    }

    fn no_pids(&mut self, ability: &'static str) {
        self.seen.limits.pids = Seen::Unobservable(ability);
        self.seen.events.pids_max = Seen::Unobservable(ability);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_cgroup_out_of_view_is_not_an_untouched_one() {
        let hierarchy = |name: &str, root: &str| Hierarchy {
            controllers: vec![name.to_owned()],
            mount_point: "/nowhere".to_owned(),
            root: root.to_owned(),
        };
        // What is mounted of memory is a cgroup beside the member's.
        let hierarchies = [hierarchy("memory", "/another"), hierarchy("blkio", "/")];
        let (host, controllers) = (Default::default(), BTreeSet::new());
        let reader = Reader { host: &host, hierarchies: &hierarchies, controllers: &controllers, pod: Vec::new() };
        let of = |hierarchy: &Hierarchy| Some(if hierarchy.root == "/" { "/" } else { "/pod/app" }.to_owned());
        let seen = reader.cgroup(of, "app", |_| true, &mut Evidence::default()).expect("nothing to read");
        let unseen = Seen::Unobservable("cgroup-in-view");
        assert_eq!(seen.controls.get("memory.swappiness"), Some(&unseen));
        assert!(
            !seen.controls.contains_key("memory.high") && !seen.controls.contains_key("cpu.idle"),
            "not this version's"
        );
        assert_eq!(seen.limits.memory_bytes, Seen::Unobservable("cgroup-in-view"));
        assert_eq!(seen.limits.huge_pages, Seen::Unobservable("huge-page-limits"));
    }
}
