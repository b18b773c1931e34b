//! A member's own cgroups: one below the Pod's in every hierarchy that is mounted, v1, hybrid or v2.

use super::devices::Rule;
use super::fault::{Context, Fault};
use crate::host::cgroup::{hand_down_in, took, weight_from_shares};
use crate::host::{kill_listed, listed_in, page_size};
use crate::plan::LinuxResources;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Memory and swap together, v1's.
const MEMSW: &str = "memory.memsw.limit_in_bytes";

/// A hierarchy, and where a Pod is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hierarchy {
    /// v1: its controllers (`cpu`, `cpuacct`) or `name=systemd`. v2: those that are not in v1.
    pub controllers: Vec<String>,
    /// Whether it is v2.
    pub unified: bool,
    /// Where it is mounted; its last part is what the mount is called: `cpu,cpuacct`.
    pub mount_point: PathBuf,
    /// Directory of the Pod's cgroup.
    pub pod: PathBuf,
}

/// The cgroups of one member. Removed when asked, not when dropped: its processes must be gone first.
#[derive(Debug)]
pub struct Leaf {
    dirs: Vec<(Hierarchy, PathBuf)>,
}

impl Leaf {
    /// Makes the cgroup `name` below the Pod's in every hierarchy.
    ///
    /// # Errors
    /// The kernel's; what was made by then is removed again.
    pub fn create(hierarchies: &[Hierarchy], name: &str) -> Result<Leaf, Fault> {
        let mut leaf = Leaf { dirs: Vec::with_capacity(hierarchies.len()) };
        for hierarchy in hierarchies {
            let dir = hierarchy.pod.join(name);
            let made = fs::create_dir(&dir).to(|| format!("make the cgroup {}", dir.display()));
            let made = made.and_then(|()| {
                leaf.dirs.push((hierarchy.clone(), dir.clone()));
                if !hierarchy.unified && hierarchy.has("cpuset") { inherit_cpuset(&dir) } else { Ok(()) }
            });
            if let Err(fault) = made {
                for (_, dir) in &leaf.dirs {
                    // Nobody is in them yet; the fault to tell is the one that came first.
                    let _ = fs::remove_dir(dir);
                }
                return Err(fault);
            }
        }
        Ok(leaf)
    }

    /// Writes the limits of a new cgroup and reads each back.
    ///
    /// # Errors
    /// A controller that is needed and not mounted, a file the kernel would not write, or a value it did not take.
    pub fn limit(&self, resources: &LinuxResources) -> Result<(), Fault> {
        self.set(settings(resources))
    }

    /// The same of a cgroup that has limits and processes.
    ///
    /// # Errors
    /// As [`Leaf::limit`].
    pub fn change(&self, resources: &LinuxResources) -> Result<(), Fault> {
        let now = self.controller("memory").and_then(|dir| fs::read_to_string(dir.join(MEMSW)).ok());
        let now: Option<u64> = now.and_then(|text| text.trim().parse().ok());
        let raised = now.zip(resources.memory_swap_limit_bytes).is_some_and(|(now, both)| both > now);
        let mut settings = settings(resources);
        if raised {
            // v1 lets memory at no time be more than memory and swap together.
            settings.sort_by_key(|setting| setting.v1.as_ref().is_none_or(|(file, _)| *file != MEMSW));
        }
        self.set(settings)
    }

    fn set(&self, settings: Vec<Setting>) -> Result<(), Fault> {
        for setting in settings {
            let version = if self.controller(setting.controller).is_some() { &setting.v1 } else { &setting.v2 };
            let Some((file, value)) = version else {
                continue;
            };
            let dir = self.controller(setting.controller).or_else(|| self.unified());
            let dir = dir
                .ok_or_else(|| format!("the controller {} is not mounted", setting.controller))
                .to(|| format!("set {file}"))?;
            let path = dir.join(file.as_ref());
            if setting.optional && !path.exists() {
                continue;
            }
            write_checked(&path, value, setting.rounds_to_page)?;
        }
        Ok(())
    }

    /// Sets the device rules where v1's controller is; false if it is not, and a program of v2 has to do it.
    ///
    /// # Errors
    /// The kernel's.
    pub fn restrict_devices_v1(&self, rules: &[Rule]) -> Result<bool, Fault> {
        let Some(dir) = self.controller("devices") else {
            return Ok(false);
        };
        write(&dir.join("devices.deny"), "a")?;
        for rule in rules {
            write(&dir.join("devices.allow"), &rule.to_line())?;
        }
        Ok(true)
    }

    /// Moves the calling process in: by `tasks` where there is one, which is ten times as fast as `cgroup.procs`.
    ///
    /// # Errors
    /// The kernel's.
    pub fn join(&self, already_unified: bool) -> Result<(), Fault> {
        for (hierarchy, dir) in &self.dirs {
            match (hierarchy.unified, already_unified) {
                (true, true) => {}
                (true, false) => write(&dir.join("cgroup.procs"), "0")?,
                (false, _) => write(&dir.join("tasks"), "0")?,
            }
        }
        Ok(())
    }

    /// Its directory of v2.
    pub fn unified(&self) -> Option<&Path> {
        self.dirs.iter().find(|(h, _)| h.unified).map(|(_, dir)| dir.as_path())
    }

    /// Where v2 is mounted on the host.
    pub fn unified_mount(&self) -> Option<&Path> {
        self.dirs.iter().find(|(h, _)| h.unified).map(|(h, _)| h.mount_point.as_path())
    }

    /// Its directory of v2, to be born into.
    ///
    /// # Errors
    /// The kernel's.
    pub fn open_unified(&self) -> Result<Option<OwnedFd>, Fault> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let opened = self.unified().map(|dir| open(dir, flags, Mode::empty()).to(|| format!("open {}", dir.display())));
        opened.transpose()
    }

    /// Its hierarchies and directories.
    pub fn dirs(&self) -> impl Iterator<Item = (&Hierarchy, &Path)> {
        self.dirs.iter().map(|(hierarchy, dir)| (hierarchy, dir.as_path()))
    }

    /// How many processes of it the kernel killed for want of memory; 0 where nobody counts.
    pub fn oom_kills(&self) -> u64 {
        let v1 = self.controller("memory").map(|dir| dir.join("memory.oom_control"));
        let file = v1.or_else(|| self.unified().map(|dir| dir.join("memory.events")));
        let text = file.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        text.lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(|n| n.trim().parse().ok()).unwrap_or(0)
    }

    /// Kills every process in it. True if there was any.
    ///
    /// # Errors
    /// Who is in it cannot be read, or a process not be held or killed.
    pub fn kill(&self) -> Result<bool, Fault> {
        // In the last is who keeps it from being removed, if that one has left the first.
        let dirs = || self.dirs.first().into_iter().chain(self.dirs.get(1..).and_then(<[_]>::last));
        let list = || {
            dirs().try_fold(BTreeSet::new(), |mut all, (_, dir)| {
                all.extend(listed_in(dir)?);
                Ok(all)
            })
        };
        kill_listed(list, |_| {}).to(|| "end the processes of its cgroup")
    }

    /// Removes what is empty. True once nothing is left.
    ///
    /// # Errors
    /// The kernel's, other than that somebody is still in it.
    pub fn remove(&mut self) -> Result<bool, Fault> {
        while let Some((_, dir)) = self.dirs.last() {
            match fs::remove_dir(dir) {
                Ok(()) => {}
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) if e.raw_os_error() == Some(Errno::EBUSY as i32) => return Ok(false),
                Err(e) => {
                    return Err(Fault::new(format!("remove the cgroup {}", dir.display()), e));
                }
            }
            self.dirs.pop();
        }
        Ok(true)
    }

    fn controller(&self, name: &str) -> Option<&Path> {
        self.dirs.iter().find(|(h, _)| !h.unified && h.has(name)).map(|(_, dir)| dir.as_path())
    }
}

impl Hierarchy {
    /// Lets the Pod's cgroup offer its members the controllers that limit them: on v2 no cgroup does by itself.
    ///
    /// # Errors
    /// The kernel's.
    pub fn hand_down(&self) -> Result<(), Fault> {
        if self.unified && !self.controllers.is_empty() {
            hand_down_in(&self.pod).map_err(|e| Fault::new(e.action, e.cause))?;
        }
        Ok(())
    }

    /// What its mount is called.
    pub fn name(&self) -> Cow<'_, str> {
        self.mount_point.file_name().unwrap_or_default().to_string_lossy()
    }

    fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|c| c == controller)
    }
}

/// One value and the file it goes to, in either version.
struct Setting {
    controller: &'static str,
    v1: Option<(Cow<'static, str>, String)>,
    v2: Option<(Cow<'static, str>, String)>,
    rounds_to_page: bool,
    /// Kernels without swap accounting lack the file, and cgroups that hugetlb was not handed down to.
    optional: bool,
}

fn settings(resources: &LinuxResources) -> Vec<Setting> {
    let named = |file: Option<(&'static str, String)>| file.map(|(name, value)| (Cow::Borrowed(name), value));
    let plain = |controller, v1: Option<(&'static str, String)>, v2: Option<(&'static str, String)>| Setting {
        controller,
        v1: named(v1),
        v2: named(v2),
        rounds_to_page: controller == "memory",
        optional: false,
    };
    let mut settings = Vec::new();
    if let Some(limit) = resources.memory_limit_bytes {
        let limit = limit.to_string();
        settings.push(plain("memory", Some(("memory.limit_in_bytes", limit.clone())), Some(("memory.max", limit))));
    }
    if let Some(both) = resources.memory_swap_limit_bytes {
        let swap = both.saturating_sub(resources.memory_limit_bytes.unwrap_or(0)).to_string();
        let (v1, v2) = ((MEMSW, both.to_string()), ("memory.swap.max", swap));
        settings.push(Setting { optional: true, ..plain("memory", Some(v1), Some(v2)) });
    }
    if resources.oom_group {
        settings.push(plain("memory", None, Some(("memory.oom.group", "1".to_owned()))));
    }
    if let Some(shares) = resources.cpu_shares {
        let shares = shares.clamp(2, 262_144);
        let weight = weight_from_shares(shares).to_string();
        settings.push(plain("cpu", Some(("cpu.shares", shares.to_string())), Some(("cpu.weight", weight))));
    }
    let (quota, period) = (resources.cpu_quota_usec, resources.cpu_period_usec);
    if quota.is_some() || period.is_some() {
        let period = period.unwrap_or(100_000);
        let max = format!("{} {period}", quota.map_or_else(|| "max".to_owned(), |q| q.to_string()));
        settings.push(plain("cpu", Some(("cpu.cfs_period_us", period.to_string())), Some(("cpu.max", max))));
    }
    if let Some(quota) = quota {
        settings.push(plain("cpu", Some(("cpu.cfs_quota_us", quota.to_string())), None));
    }
    if let Some(pids) = resources.pids_limit {
        let pids = ("pids.max", pids.to_string());
        settings.push(plain("pids", Some(pids.clone()), Some(pids)));
    }
    settings.extend(resources.huge_page_limits.iter().map(|(size, limit)| Setting {
        controller: "hugetlb",
        v1: Some((format!("hugetlb.{size}.limit_in_bytes").into(), limit.to_string())),
        v2: Some((format!("hugetlb.{size}.max").into(), limit.to_string())),
        rounds_to_page: false,
        optional: true,
    }));
    settings
}

/// A new v1 cpuset is empty and takes no process until it has what its parent has, unless that told it to copy.
fn inherit_cpuset(dir: &Path) -> Result<(), Fault> {
    let Some(parent) = dir.parent() else {
        return Ok(());
    };
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if fs::read_to_string(dir.join(file)).is_ok_and(|text| !text.trim().is_empty()) {
            continue;
        }
        let from = parent.join(file);
        let value = fs::read_to_string(&from).to(|| format!("read {}", from.display()))?;
        write(&dir.join(file), value.trim())?;
    }
    Ok(())
}

fn write_checked(path: &Path, value: &str, rounds_to_page: bool) -> Result<(), Fault> {
    write(path, value)?;
    let taken = fs::read_to_string(path).to(|| format!("read {} back", path.display()))?;
    let taken = taken.trim();
    if took(value, taken, if rounds_to_page { page_size() } else { 1 }) {
        Ok(())
    } else {
        Err(Fault::new(format!("set {} to {value}", path.display()), format!("the kernel took {taken}")))
    }
}

fn write(path: &Path, value: &str) -> Result<(), Fault> {
    fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, value.as_bytes()))
        .to(|| format!("write {value:?} to {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod::HugePageSize;

    #[test]
    fn whoever_has_been_given_the_pid_of_a_process_that_has_ended_is_not_killed() {
        let mut child = std::process::Command::new("/bin/sleep").arg("56.4").spawn().expect("there is a sleep");
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("cgroup.procs");
        nix::unistd::mkfifo(&file, Mode::S_IRWXU).expect("a pipe");
        let listed = child.id().to_string();
        // Who reads first finds it in the cgroup, who reads after that does not.
        std::thread::spawn(move || {
            for text in [listed, String::new()] {
                fs::write(&file, text).expect("somebody reads");
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        });
        let hierarchy =
            Hierarchy { controllers: Vec::new(), unified: true, mount_point: PathBuf::new(), pod: PathBuf::new() };
        let killed = Leaf { dirs: vec![(hierarchy, dir.path().to_owned())] }.kill();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let spared = child.try_wait().expect("it is ours").is_none();
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        assert!(spared && !killed.expect("it can be read"));
    }

    #[test]
    fn each_limit_has_its_file_in_both_versions() {
        let resources = LinuxResources {
            cpu_shares: Some(512),
            cpu_quota_usec: Some(50_000),
            cpu_period_usec: Some(100_000),
            memory_limit_bytes: Some(8 << 20),
            memory_swap_limit_bytes: Some(8 << 20),
            pids_limit: Some(7),
            oom_group: true,
            huge_page_limits: [(HugePageSize::new(2 << 20).expect("a size"), 4 << 20)].into(),
        };
        let all = settings(&resources);
        let v2: Vec<_> = all.iter().filter_map(|s| s.v2.as_ref()).map(|(f, v)| format!("{f}={v}")).collect();
        let expected = [
            "memory.max=8388608",
            "memory.swap.max=0",
            "memory.oom.group=1",
            "cpu.weight=20",
            "cpu.max=50000 100000",
            "pids.max=7",
            "hugetlb.2MB.max=4194304",
        ];
        assert_eq!(v2, expected);
        let v1: Vec<_> = all.iter().filter_map(|s| s.v1.as_ref()).map(|(f, _)| f.as_ref()).collect();
        assert_eq!((v1.len(), v1[6]), (7, "hugetlb.2MB.limit_in_bytes"));
        assert!(settings(&LinuxResources::default()).is_empty());
    }
}
