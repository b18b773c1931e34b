//! The corner of the host that one Pod has: a directory and a cgroup root.

use super::ahead::{Place, Places};
use super::cgroup::{Hierarchies, TOP};
use super::volume::{self, VOLUMES};
use super::{HostError, host_path, ids, link, lock, mounts, places, poll_until, scaled, slices, sub_path, subnet};
use crate::node::CgroupDriver;
use crate::plan::{ContainerPlan, LinuxResources, MountPlan, MountSource, Plan, VolumePlan};
use crate::pod::{HostPathType, SeccompProfile};
use nix::mount::{MntFlags, umount2};
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Directory of a trial with a termination log for each container.
const TERMINATION_LOGS: &str = "termination-log";
/// Directory of a trial with the places where subPaths are mounted.
const SUB_PATHS: &str = "sub-paths";
/// The Pod's /etc/hosts.
const HOSTS: &str = "hosts";
/// Directory of a trial with the seccomp profile of each container that has one of the node's.
const SECCOMP: &str = "seccomp";
/// A veth goes with its network namespace, which the kernel takes down in the background after the last process, one
/// namespace after the other.
const INTERFACE_WITHIN: Duration = Duration::from_secs(10);
/// It is mostly a matter of milliseconds, in which this is the pause between two looks.
const INTERFACE_PAUSE: Duration = Duration::from_micros(100);

/// The corner of the host that one Pod has: a directory and a cgroup root.
///
/// Dropping it leaves everything to the run's supervisor; [`TrialDir::remove`] is the orderly end.
#[derive(Debug)]
pub struct TrialDir {
    dir: PathBuf,
    tag: String,
    cgroup_root: String,
    /// The slice that the root is, without `.slice`, where systemd makes the Pod's cgroups.
    slice: Option<String>,
    hierarchies: &'static Hierarchies,
    /// The cgroups that were made ahead or by `prepare`: what else is found below the root is a runtime's.
    cgroups: Mutex<Vec<String>>,
    /// Where the next one is made ready once this one has gone.
    places: Arc<Places>,
    /// Of its Pod, once it has one.
    address: Mutex<Option<Ipv4Addr>>,
    /// The first id of its Pod's range, once it has one.
    ids: Mutex<Option<u32>>,
    /// What podcheck mounted for the Pod: a runtime need not take that away.
    mounted: Mutex<Vec<PathBuf>>,
}

impl TrialDir {
    /// Settles in a place of a run.
    pub(super) fn new(
        places: &Arc<Places>,
        hierarchies: &'static Hierarchies,
        (driver, run): (CgroupDriver, &str),
    ) -> Result<TrialDir, HostError> {
        let (place, slice) = match driver {
            CgroupDriver::Cgroupfs => (places.take()?, None),
            CgroupDriver::Systemd => {
                let bare = places.bare()?;
                let slice = slices::root(run, &bare.tag);
                (Place { cgroup_root: slices::path(&slice, ""), ..bare }, Some(slice))
            }
        };
        let Place { dir, tag, cgroup_root, mut cgroups } = place;
        if cgroups.is_empty() {
            cgroups.push(cgroup_root.clone());
        }
        let (cgroups, address) = (Mutex::new(cgroups), Mutex::default());
        let (mounted, ids, places) = (Mutex::default(), Mutex::default(), Arc::clone(places));
        Ok(TrialDir { dir, tag, cgroup_root, slice, hierarchies, cgroups, address, ids, mounted, places })
    }

    /// Eight lower-case letters and digits, unique on this host: for names of interfaces, `pchk<tag>`.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Unique on this host, fit for names of containers: the tag.
    pub fn id(&self) -> &str {
        &self.tag
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The address of its Pod, where [`super::Run::address_for`] keeps it.
    pub(super) fn address(&self) -> &Mutex<Option<Ipv4Addr>> {
        &self.address
    }

    /// The first id of its Pod's range, where [`super::Run::ids_for`] keeps it.
    pub(super) fn ids(&self) -> &Mutex<Option<u32>> {
        &self.ids
    }

    /// Cgroup path, from podcheck's base in each hierarchy, below which the plan's paths lie: `/podcheck/<run>-<tag>`, or
    /// that below another root; with systemd's driver `/podcheck_<run>_<tag>.slice`.
    pub fn cgroup_root(&self) -> &str {
        &self.cgroup_root
    }

    /// What stands before `/podcheck` in it: empty unless it is below another root.
    pub fn cgroup_base(&self) -> &str {
        self.cgroup_root.rsplit_once(&format!("{TOP}/")).map_or("", |(base, _)| base)
    }

    /// The path, in the same sense, of a cgroup of the plan: `/podcheck/<run>-<tag>/kubepods/burstable/pod<uid>`, or the slice
    /// that stands for it.
    pub fn cgroup(&self, below: &str) -> String {
        match &self.slice {
            Some(root) => slices::path(root, below),
            None => format!("{}/{}", self.cgroup_root, below.trim_start_matches('/')),
        }
    }

    /// Who makes the Pod's cgroups.
    pub fn cgroup_driver(&self) -> CgroupDriver {
        if self.slice.is_some() { CgroupDriver::Systemd } else { CgroupDriver::Cgroupfs }
    }

    /// The cgroup hierarchies in which [`TrialDir::cgroup_root`] lies.
    pub fn hierarchies(&self) -> &'static Hierarchies {
        self.hierarchies
    }

    /// Makes volumes, managed files and the cgroups above the containers.
    ///
    /// # Errors
    /// The host refused, or a hostPath is not what its type says.
    pub fn prepare(&self, plan: &Plan) -> Result<(), HostError> {
        check_names(plan)?;
        let logs = self.dir.join(TERMINATION_LOGS);
        lock::private_dir(&logs).map_err(|e| HostError::os(format!("create {}", logs.display()), e))?;
        let mut mounted = self.mounted.lock().unwrap_or_else(PoisonError::into_inner);
        volume::prepare(&self.dir, &plan.volumes, &mut mounted)?;
        drop(mounted);
        for container in &plan.containers {
            write_shared(&logs.join(&container.name), "", 0o666)?;
        }
        self.write_hosts(plan, None)?;
        self.write_profiles(plan)?;
        if let Some(root) = &self.slice {
            slices::start(self.hierarchies, root, &plan.cgroups)?;
        }
        for cgroup in &plan.cgroups {
            let path = self.cgroup(&cgroup.path);
            let mut made = self.cgroups.lock().unwrap_or_else(PoisonError::into_inner);
            if !made.contains(&path) {
                self.hierarchies.create(&path)?;
                made.push(path.clone());
            }
            drop(made);
            self.hierarchies.apply(&path, &cgroup.resources)?;
        }
        Ok(())
    }

    /// Puts another text into a container's termination log, if the old one is all that stands there.
    ///
    /// # Errors
    /// The host refused.
    pub fn change_termination_log(&self, container: &str, old: &str, new: &str) -> Result<(), HostError> {
        let path = self.dir.join(TERMINATION_LOGS).join(container);
        match volume::read_file(&path)? {
            text if text == old => write_shared(&path, new, 0o666),
            _ => Ok(()),
        }
    }

    /// Changes what a cgroup of the plan holds its processes to.
    ///
    /// # Errors
    /// The host refused.
    pub fn limit(&self, path: &str, resources: &LinuxResources) -> Result<(), HostError> {
        self.hierarchies.apply(&self.cgroup(path), resources)
    }

    /// Directory of the containers' seccomp profiles: `<container>.json` for each that has one of the node's.
    pub fn seccomp_profiles(&self) -> PathBuf {
        self.dir.join(SECCOMP)
    }

    fn write_profiles(&self, plan: &Plan) -> Result<(), HostError> {
        let dir = self.seccomp_profiles();
        for container in &plan.containers {
            let SeccompProfile::Localhost(local) = &container.seccomp else { continue };
            let text = serde_json::to_string_pretty(&local.filter)
                .map_err(|e| HostError::new(format!("write the seccomp profile {}", local.name), e.to_string()))?;
            lock::private_dir(&dir).map_err(|e| HostError::os(format!("create {}", dir.display()), e))?;
            write_shared(&dir.join(format!("{}.json", container.name)), &text, 0o600)?;
        }
        Ok(())
    }

    /// The host's paths of the sources of a container's mounts, in order. To be called just before the container is made:
    /// what a subPath leads to then is held from there on, also for one that is made again.
    ///
    /// # Errors
    /// A subPath leads out of its volume, or the host refused.
    pub fn sources(&self, plan: &Plan, container: &ContainerPlan) -> Result<Vec<PathBuf>, HostError> {
        let one = |(index, mount): (usize, &MountPlan)| {
            let source = self.source(plan, &mount.source);
            let Some(sub_path) = &mount.sub_path else {
                if is_untyped(plan, &mount.source) {
                    host_path::make_missing(&self.dir, &source)?;
                }
                return Ok(source);
            };
            let target = self.sub_paths().join(&container.name).join(index.to_string());
            if self.mounted.lock().unwrap_or_else(PoisonError::into_inner).contains(&target) {
                return Ok(target);
            }
            sub_path::mount_on(&source, sub_path, &target).map_err(|mut error| {
                error.action = format!("prepare the container {}: {}", container.name, error.action);
                error
            })?;
            self.mounted.lock().unwrap_or_else(PoisonError::into_inner).push(target.clone());
            Ok(target)
        };
        container.mounts.iter().enumerate().map(one).collect()
    }

    /// Where volumes of the Pod's own are.
    pub fn volumes(&self) -> PathBuf {
        self.dir.join(VOLUMES)
    }

    /// Where subPaths are mounted: the host's mounts below it are only other names for what is in volumes.
    pub fn sub_paths(&self) -> PathBuf {
        self.dir.join(SUB_PATHS)
    }

    /// The host's path of a mount's source; of a volume, whatever the subPath.
    pub fn source(&self, plan: &Plan, source: &MountSource) -> PathBuf {
        match source {
            MountSource::Hosts => self.dir.join(HOSTS),
            MountSource::TerminationLog(container) => self.dir.join(TERMINATION_LOGS).join(container),
            MountSource::Volume(wanted) => {
                let host_path = plan.volumes.iter().find_map(|volume| match volume {
                    VolumePlan::HostPath { name, path, .. } if name == wanted => Some(path.clone()),
                    _ => None,
                });
                host_path.unwrap_or_else(|| self.dir.join(VOLUMES).join(wanted))
            }
        }
    }

    /// Text of a file at the top of a volume; empty if it is not there. A container may have put anything there: no link is
    /// followed, nothing but a file is read, and not all of a long one.
    ///
    /// # Errors
    /// It is something else, or the host refused.
    pub fn volume_file(&self, plan: &Plan, volume: &str, file: &str) -> Result<String, HostError> {
        let path = self.source(plan, &MountSource::Volume(volume.to_owned())).join(file);
        volume::read_file(&path)
    }

    /// Writes the Pod's /etc/hosts as a kubelet does. In place: what is mounted into containers already changes with it.
    ///
    /// # Errors
    /// The host refused.
    pub fn write_hosts(&self, plan: &Plan, address: Option<IpAddr>) -> Result<(), HostError> {
        let host = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
        write_shared(&self.dir.join(HOSTS), &plan.hosts_file(address, &host), 0o644)
    }

    /// Takes everything of the trial away, killing what still runs in its cgroups. Returns what was still running,
    /// mounted or made, which a runtime should have removed; and what of a hostPath stays because the Pod wrote there.
    ///
    /// # Errors
    /// What would not go.
    pub fn remove(&self) -> Result<Vec<String>, HostError> {
        let mut left = self.remove_cgroups()?;
        for point in self.mounted.lock().unwrap_or_else(PoisonError::into_inner).drain(..).rev() {
            // What would not go the next step finds, and says.
            let _ = umount2(&point, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW);
        }
        if let Some(run) = self.dir.ancestors().nth(2) {
            self.hierarchies.restore_options(run)?;
        }
        for point in mounts::unmount_below(&self.dir)? {
            left.push(format!("mount {}", point.display()));
        }
        left.extend(host_path::take_back(&self.dir)?.into_iter().map(|p| format!("hostPath {} (stays)", p.display())));
        // Late, since it goes by itself meanwhile, but before its address may be another Pod's.
        let interface = places::interface(&self.tag);
        if interface_stays(&interface) && link::delete(&interface)? {
            left.push(format!("interface {interface}"));
        }
        subnet::release_of_trial(self);
        ids::release_of_trial(self);
        mounts::remove_dir(&self.dir)?;
        if self.slice.is_none() {
            self.places.prepare();
        }
        Ok(left)
    }

    /// Ends what runs in the trial's cgroups and removes them; returns what should not have been there.
    fn remove_cgroups(&self) -> Result<Vec<String>, HostError> {
        let made = self.cgroups.lock().unwrap_or_else(PoisonError::into_inner);
        // systemd's are not to be taken from under it.
        if self.slice.is_none() && self.hierarchies.remove_if_empty(&made) {
            return Ok(Vec::new());
        }
        let killed = self.hierarchies.kill(&self.cgroup_root)?;
        let mut left: Vec<String> = killed.into_iter().map(|process| format!("process {process}")).collect();
        let foreign = self.hierarchies.below(&self.cgroup_root)?.into_iter().filter(|path| !made.contains(path));
        let below =
            |path: String| path.strip_prefix(&self.cgroup_root).unwrap_or(&path).trim_start_matches('/').to_owned();
        left.extend(foreign.map(|path| format!("cgroup {}", below(path))));
        if let Some(root) = &self.slice {
            slices::stop(root)?;
        }
        self.hierarchies.remove(&self.cgroup_root)?;
        Ok(left)
    }
}

/// Whether a mount is of a hostPath without a type.
fn is_untyped(plan: &Plan, source: &MountSource) -> bool {
    let MountSource::Volume(wanted) = source else { return false };
    plan.volumes
        .iter()
        .any(|volume| matches!(volume, VolumePlan::HostPath { name, kind: HostPathType::Unset, .. } if name == wanted))
}

/// Waits for an interface to go with its network namespace; true if it does not.
fn interface_stays(name: &str) -> bool {
    // Any other error says nothing of it.
    let gone = || nix::net::if_::if_nametoindex(name) == Err(nix::Error::ENODEV);
    let (now, soon) = (Instant::now(), Duration::from_millis(50));
    while now.elapsed() < soon {
        if gone() {
            return false;
        }
        std::thread::sleep(INTERFACE_PAUSE);
    }
    poll_until(now + scaled(INTERFACE_WITHIN), || gone().then_some(())).is_none()
}

/// Names become file names.
fn check_names(plan: &Plan) -> Result<(), HostError> {
    let volumes = plan.volumes.iter().map(VolumePlan::name);
    for name in volumes.chain(plan.containers.iter().map(|c| c.name.as_str())) {
        if name.is_empty() || name.contains('/') || name == "." || name == ".." {
            return Err(HostError::new(format!("prepare {name:?}"), "it is no name for a file".to_owned()));
        }
    }
    Ok(())
}

/// Writes a file that users of containers read or write, whatever the umask.
fn write_shared(path: &Path, text: &str, mode: u32) -> Result<(), HostError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        file.write_all(text.as_bytes())?;
        // Not cut off before: ext4 takes that for a file being replaced, and writes it to the disk at once.
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if file.metadata()?.len() > length {
            file.set_len(length)?;
        }
        file.set_permissions(Permissions::from_mode(mode))
    };
    write().map_err(|e| HostError::os(format!("write {}", path.display()), e))
}
