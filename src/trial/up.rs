//! One Pod of a trial while it is up, why one is not, and what became of those that were.

use super::sysctls::Asked;
use crate::facts::Naming;
use crate::host::{self, Run, TrialDir};
use crate::judge::{Check, Remains};
use crate::kubelet::{Kubelet, Life, Now};
use crate::node::CgroupDriver;
use crate::observe::{self, Program, Scope, Subject};
use crate::payload;
use crate::plan::{ContainerPlan, MountPlan, MountSource, Plan};
use crate::pod::{Container, Pod};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A member may take this long from the runtime's word that it runs until it says so itself.
pub(super) const READY: Duration = Duration::from_secs(20);

/// A container's cgroup goes that long after its last process at most.
pub(super) const ENDED: Duration = Duration::from_secs(2);

/// One Pod that is up.
pub(super) struct Up {
    /// Set before its members' names: empty, or `beside/`.
    pub(super) prefix: &'static str,
    /// As its manifest has it, and the steps since.
    pub(super) pod: Pod,
    pub(super) plan: Plan,
    /// Containers that steps have resized, and how often each had been started by then.
    pub(super) resized: BTreeMap<String, u32>,
    /// A resize was refused, perhaps half-way.
    pub(super) resize_refused: bool,
    /// Declared before its directory, so that it is dropped first.
    pub(super) kubelet: Kubelet,
    pub(super) dir: Arc<TrialDir>,
    pub(super) run: Arc<Run>,
    /// Sysctls that it asks for.
    pub(super) sysctls: Asked,
    /// When the host was taken note of, before the Pod was made.
    pub(super) since: Instant,
    /// Container → paths in its root that the manifest names.
    pub(super) paths: BTreeMap<String, Vec<String>>,
    /// Containers that wait until they have been looked at.
    pub(super) held: Vec<String>,
}

/// Paths in each container's root that a manifest names: what is there is found where its image's links lead.
pub(super) fn named_paths(pod: &Pod) -> BTreeMap<String, Vec<String>> {
    let paths = |container: &Container| {
        let mounts = container.volume_mounts.iter().map(|mount| &mount.mount_path);
        mounts.chain(&container.termination_log).chain(&container.working_dir).cloned().collect()
    };
    pod.spec.everyone().map(|container| (container.name.clone(), paths(container))).collect()
}

/// Why a Pod did not come up.
pub(super) enum NotUp {
    /// The runtime cannot make such a Pod on this host: nothing went wrong.
    Cannot(String),
    /// It was asked, and refused with these words; and what podcheck had to take away afterwards.
    Refused {
        /// The runtime's words.
        says: String,
        /// What was there.
        left: Vec<String>,
    },
    /// Something went wrong.
    Failed(String),
}

impl NotUp {
    /// In words.
    pub(super) fn reason(&self) -> &str {
        match self {
            NotUp::Cannot(reason) | NotUp::Failed(reason) | NotUp::Refused { says: reason, .. } => reason,
        }
    }
}

/// What became of Pods that were taken down.
#[derive(Default)]
pub(super) struct Stopped {
    /// What podcheck had to remove, in words.
    pub(super) left: Vec<String>,
    /// All that was there once the runtime said that it had removed them.
    pub(super) remains: Remains,
}

impl Up {
    /// Checks of this Pod, with its prefix before its members' names.
    pub(super) fn named(&self, checks: Vec<Check>) -> impl Iterator<Item = Check> {
        let prefix = self.prefix;
        checks.into_iter().map(move |check| Check { member: format!("{prefix}{}", check.member), ..check })
    }

    /// Waits for the end of containers whose program does not stay, so that they are not looked at on their way; and a
    /// runtime may notice an end a moment after the process has gone.
    pub(super) fn await_early_ends(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + host::scaled(READY);
        loop {
            self.kubelet.look().map_err(|error| error.to_string())?;
            let held = |name: &str| self.kubelet.pod().members().iter().any(|member| member.name == name);
            let mut lives = self.kubelet.lives().iter();
            let open =
                |life: &&Life| life.now == Now::Running && (self.ends_by_itself(&life.name) || !held(&life.name));
            let Some(life) = lives.find(open) else { return Ok(()) };
            if Instant::now() > deadline {
                return Err(format!("{}{} has not ended, or its runtime does not say how", self.prefix, life.name));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The Pod's cgroup from podcheck's base.
    pub(super) fn pod_cgroup(&self) -> String {
        self.dir.cgroup(self.plan.cgroup_parent())
    }

    /// Names of the cgroups directly below it in which nothing runs, and nothing below.
    pub(super) fn empty_cgroups(&self) -> Result<Vec<String>, String> {
        let (pod, hierarchies) = (self.pod_cgroup(), self.dir.hierarchies());
        let mut empty = Vec::new();
        for path in hierarchies.below(&pod).map_err(|error| error.to_string())? {
            let name = path.strip_prefix(&pod).unwrap_or(&path).trim_start_matches('/');
            if !name.contains('/') && hierarchies.procs(&path).map_err(|error| error.to_string())?.is_empty() {
                empty.push(name.to_owned());
            }
        }
        Ok(empty)
    }

    /// What a member is to become before it may be looked at.
    pub(super) fn program_of(&self, member: &str) -> Program<'_> {
        let foreign = Program::Foreign { host: self.kubelet.pod().daemon() };
        let Some(container) = self.plan.containers.iter().find(|c| c.name == member) else { return foreign };
        match self.payload_of(container) {
            Some(program) if program.stays || self.held.iter().any(|held| held == member) => Program::Payload,
            _ => foreign,
        }
    }

    /// The program of podcheck's own that a container runs.
    fn payload_of(&self, container: &ContainerPlan) -> Option<&'static payload::Program> {
        let command = container.stand_in_argv.first().filter(|_| self.runs_payload(container))?;
        payload::find(command)
    }

    /// Whether a container runs a program of podcheck's own that does its work and ends, and nobody has it wait.
    fn ends_by_itself(&self, name: &str) -> bool {
        if self.held.iter().any(|held| held == name) {
            return false;
        }
        let container = self.plan.containers.iter().find(|container| container.name == name);
        container.and_then(|container| self.payload_of(container)).is_some_and(|program| !program.stays)
    }

    /// Whether a container runs podcheck's own image.
    pub(super) fn runs_payload(&self, container: &ContainerPlan) -> bool {
        container.image_is_ours() || self.kubelet.pod().stand_ins().contains(&container.name)
    }
}

/// Its members, to look at.
pub(super) fn subjects(up: &Up) -> Vec<Subject<'_>> {
    let paths = |name: &str| up.paths.get(name).map_or(&[][..], Vec::as_slice);
    let members = up.kubelet.pod().members().iter();
    members.map(|m| Subject { paths: paths(&m.name), ..Subject::new(&m.name, &m.id, &m.process) }).collect()
}

/// Reads it from the kernel.
pub(super) fn observe_up(up: &Up, inherits: bool) -> Result<observe::Observation, String> {
    let subjects = subjects(up);
    let cgroup = up.pod_cgroup();
    let scope = Scope { host: up.kubelet.pod().daemon(), pod_cgroup: Some(&cgroup), inherits, since: Some(up.since) };
    let mut observation = observe::pod(&subjects, &scope).map_err(|error| error.to_string())?;
    // One that ended before it could be held has ended all the same.
    let unseen = |life: &&Life| life.has_ended() && !subjects.iter().any(|m| m.name == life.name);
    for life in up.kubelet.lives().iter().filter(unseen) {
        observation.members.push((life.name.clone(), String::new(), None));
    }
    Ok(observation)
}

/// The names that stand in the document for what belongs to this host alone.
pub(super) fn naming(up: &Up) -> Naming {
    let mut naming = Naming {
        cgroup_root: up.dir.cgroup_root().to_owned(),
        cgroup_base: up.dir.cgroup_base().to_owned(),
        default_pids: match up.dir.cgroup_driver() {
            CgroupDriver::Cgroupfs => None,
            CgroupDriver::Systemd => host::default_pids(),
        },
        daemons: format!("{}-{}", up.run.id(), host::DAEMONS),
        pod_uid: up.plan.uid.clone(),
        paths: Vec::new(),
        asked: asked(&up.plan),
        sets_hostname: sets_hostname(&up.pod),
        given: up.pod.spec.dns.iter().map(|_| "/etc/resolv.conf".to_owned()).collect(),
        amended: up.pod.spec.dns_added.iter().map(|_| "/etc/resolv.conf".to_owned()).collect(),
        volumes: Some(up.dir.volumes().display().to_string()),
        aliases: Some(up.dir.sub_paths().display().to_string()),
        texts: vec![(up.dir.tag().to_owned(), "<trial>".to_owned()), (up.run.id().to_owned(), "<run>".to_owned())],
    };
    let mut name = |source: MountSource| {
        let (path, class) = (up.dir.source(&up.plan, &source), class(&source));
        // A hostPath may be a link: what is mounted is what it leads to.
        if let Ok(real) = path.canonicalize()
            && real != path
        {
            naming.paths.push((real.display().to_string(), class.clone()));
        }
        naming.paths.push((path.display().to_string(), class));
    };
    for volume in &up.plan.volumes {
        name(MountSource::Volume(volume.name().to_owned()));
    }
    name(MountSource::Hosts);
    for container in &up.plan.containers {
        name(MountSource::TerminationLog(container.name.clone()));
    }
    for volume in up.kubelet.pod().image_volumes() {
        let paths = std::iter::once(volume.source.clone()).chain(volume.source.canonicalize());
        naming.paths.extend(paths.map(|path| (path.display().to_string(), IMAGE_VOLUME.to_owned())));
        let asked = (IMAGE_VOLUME.to_owned(), volume.target.clone());
        naming.asked.entry(volume.container.clone()).or_default().push(asked);
    }
    naming
}

/// What a volume that an image declares is called in facts.
const IMAGE_VOLUME: &str = "image-volume";

/// What a source of mounts is called in facts.
fn class(source: &MountSource) -> String {
    match source {
        MountSource::Volume(name) => format!("volume:{name}"),
        MountSource::Hosts => "hosts".to_owned(),
        MountSource::TerminationLog(_) => "termination-log".to_owned(),
    }
}

/// Containers whose variable HOSTNAME is the manifest's.
fn sets_hostname(pod: &Pod) -> BTreeSet<String> {
    let sets = |container: &&Container| container.env.iter().any(|(name, _)| name == "HOSTNAME");
    pod.spec.everyone().filter(sets).map(|container| container.name.clone()).collect()
}

/// Container → the class of each mount that is asked for, and its path.
fn asked(plan: &Plan) -> BTreeMap<String, Vec<(String, String)>> {
    let asked = |mount: &MountPlan| (class(&mount.source), mount.target.clone());
    let of = |container: &ContainerPlan| container.mounts.iter().map(asked).collect();
    plan.containers.iter().map(|container| (container.name.clone(), of(container))).collect()
}
