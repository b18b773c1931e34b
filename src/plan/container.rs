//! One container's part of the plan.

use super::qos::effective;
use super::{LinuxResources, MountPlan, QosClass, Scope, arithmetic, cgroup, mount, namespaces, stand_in, totals};
use crate::node::Node;
use crate::payload;
use crate::pod::{
    AppArmorProfile, Container, ContainerSecurity, Hook, Later, Pod, PodSecurity, Quantity, SeccompProfile,
    is_own_image,
};

/// A container's part in the Pod's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Role {
    /// Runs to completion before what follows it.
    Init,
    /// An init container that stays (`restartPolicy: Always`).
    Sidecar,
    /// One of `containers`.
    App,
    /// Started once the others are, and never again.
    Ephemeral,
}

/// One container as every runtime is asked for it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ContainerPlan {
    /// Name within the Pod.
    pub name: String,
    /// Its part in the Pod.
    pub role: Role,
    /// Image as the manifest names it.
    pub image: String,
    /// Replaces the image's entry point if not empty.
    pub command: Vec<String>,
    /// Arguments.
    pub args: Vec<String>,
    /// The command or arguments that the stand-in image runs instead, always complete (argv): see [`crate::payload`].
    pub stand_in_argv: Vec<String>,
    /// True if `stand_in_argv` is not what the manifest asked for but podcheck's idle server, or for an init container success.
    pub stand_in_replaces_command: bool,
    /// `NAME`, value; in order. Ends with `CONTAINER_NAME`, which tells a member from its neighbours.
    pub env: Vec<(String, String)>,
    /// Working directory, if set.
    pub working_dir: Option<String>,
    /// uid to run as; `None` leaves the image's.
    pub user: Option<u32>,
    /// uid of podcheck's stand-in where the image decides and may not be root; `None` leaves the stand-in's own. It is set
    /// exactly where a real image must be held to that: see [`ContainerPlan::user`].
    pub non_root_stand_in: Option<u32>,
    /// gid to run as.
    pub group: Option<u32>,
    /// Further groups.
    pub supplemental_groups: Vec<u32>,
    /// All capabilities and devices, nothing masked.
    pub privileged: bool,
    /// Names without `CAP_`.
    pub capabilities_add: Vec<String>,
    /// Names without `CAP_`.
    pub capabilities_drop: Vec<String>,
    /// no_new_privs.
    pub no_new_privs: bool,
    /// The filter of system calls; none for a privileged container.
    pub seccomp: SeccompProfile,
    /// The AppArmor profile; `None` leaves it to the runtime, as where nothing is asked for.
    pub apparmor: Option<AppArmorProfile>,
    /// Read-only root.
    pub read_only_rootfs: bool,
    /// Paths to cover; empty if privileged.
    pub masked_paths: Vec<String>,
    /// Paths to make read-only; empty if privileged.
    pub read_only_paths: Vec<String>,
    /// Mounts a kubelet asks for, in order: volumes, then the managed /etc/hosts and the termination log.
    pub mounts: Vec<MountPlan>,
    /// The container whose PID namespace it is in, where each has one of its own.
    pub target: Option<String>,
    /// The container's cgroup.
    pub resources: LinuxResources,
    /// −1000–1000.
    pub oom_score_adj: i32,
    /// TCP ports that it declares.
    pub ports: Vec<u16>,
    /// Done once it is started; if that fails it is stopped.
    pub post_start: Option<Hook>,
    /// Done before it is stopped, within its grace period.
    pub pre_stop: Option<Hook>,
    /// What it is stopped by, as `SIGUSR1`; `None` leaves the image's, or SIGTERM.
    pub stop_signal: Option<String>,
}

impl ContainerPlan {
    /// Puts what is known now into the variables, the command and its arguments.
    pub(super) fn put_in(&mut self, later: Later, value: &str) {
        self.texts_mut().for_each(|text| later.put_into(text, value));
    }

    /// Puts in what the node gives to Pods.
    pub(super) fn put_in_node(mut self, node: &Node) -> ContainerPlan {
        self.texts_mut().for_each(|text| node.put_into(text));
        self
    }

    fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let words = self.command.iter_mut().chain(&mut self.args).chain(&mut self.stand_in_argv);
        words.chain(self.env.iter_mut().map(|(_, value)| value))
    }

    /// Whether the manifest asks for podcheck's own image, which is no stand-in then.
    pub fn image_is_ours(&self) -> bool {
        is_own_image(&self.image)
    }

    /// Command and arguments that a runtime is asked for where podcheck's image runs. Where the manifest asks for that image the
    /// runtime puts these and the image's own together, as it must for any image; a stand-in is told all of it.
    pub fn asked_of_our_image(&self) -> (&[String], &[String]) {
        match (self.image_is_ours(), self.command.is_empty()) {
            (false, _) => (&self.stand_in_argv, &[]),
            (true, false) => (&self.command, &self.args),
            (true, true) if stand_in::is_bare(&self.image) => (&[], &self.args),
            // After the entry point, which is the image's.
            (true, true) => (&[], self.stand_in_argv.get(1..).unwrap_or_default()),
        }
    }

    /// Whether a hook can be run where podcheck's image stands in for the container's: a command that the stand-in lacks
    /// would only fail.
    pub fn stand_in_runs(&self, hook: &Hook) -> bool {
        match hook {
            Hook::Exec(command) => command.first().is_some_and(|program| payload::has(program)),
            Hook::Sleep(_) => true,
        }
    }
}

/// Tells a container from its neighbours, in its environment.
const CONTAINER_NAME: &str = "CONTAINER_NAME";

/// Paths that Kubernetes covers. It lists `/sys/devices/system/cpu/cpu<N>/thermal_throttle` as well for each processor
/// that its host has: left out, because a plan must not depend on the host.
/// Source: Kubernetes pkg/securitycontext/util.go.
const MASKED_PATHS: [&str; 12] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];

/// Paths that Kubernetes makes read-only.
const READ_ONLY_PATHS: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// A container of a Pod.
pub(super) fn of(pod: &Pod, qos: QosClass, node: &Node, container: &Container) -> ContainerPlan {
    let security = &container.security;
    let role = role(pod, container);
    let (stand_in_argv, stand_in_replaces_command) = stand_in::argv(pod, container, role);
    let non_root_stand_in = non_root_stand_in(&pod.spec.security, container);
    let (user, group) = user_and_group(&pod.spec.security, security);
    let user = user.filter(|_| non_root_stand_in.is_none());
    let unless_privileged = |paths: &[&str]| match security.privileged || security.unmasked {
        true => Vec::new(),
        false => paths.iter().map(|path| (*path).to_owned()).collect(),
    };
    ContainerPlan {
        name: container.name.clone(),
        role,
        image: container.image.clone(),
        command: container.command.clone(),
        args: container.args.clone(),
        stand_in_argv,
        stand_in_replaces_command,
        env: environment(container),
        working_dir: container.working_dir.clone(),
        user,
        non_root_stand_in,
        group,
        supplemental_groups: supplemental_groups(&pod.spec.security),
        privileged: security.privileged,
        capabilities_add: security.capabilities_add.clone(),
        capabilities_drop: security.capabilities_drop.clone(),
        // The API server refuses `false` together with privileged, so no exception is needed here.
        no_new_privs: security.allow_privilege_escalation == Some(false),
        seccomp: seccomp(&pod.spec.security, security),
        apparmor: security.apparmor.clone().or_else(|| pod.spec.security.apparmor.clone()),
        read_only_rootfs: security.read_only_root_filesystem,
        masked_paths: unless_privileged(&MASKED_PATHS),
        read_only_paths: unless_privileged(&READ_ONLY_PATHS),
        mounts: mount::of_container(pod, container),
        // As a kubelet has it: a Pod with one PID namespace for all, or the host's, leaves nothing to choose.
        target: container.target.clone().filter(|_| namespaces::of(&pod.spec).pid == Scope::Container),
        resources: cgroup::of_container(pod, &container.resources, node),
        oom_score_adj: oom_score_adj(pod, qos, node, container),
        ports: stand_in::tcp_ports(container),
        post_start: container.post_start.clone(),
        pre_stop: container.pre_stop.clone(),
        stop_signal: container.stop_signal.clone(),
    }
}

/// The container's own choice before the Pod's. A kubelet takes the uid of the image where neither says; the plan does not
/// know images, so a group that comes without a user goes with uid 0, as in an image without `USER`.
fn user_and_group(pod: &PodSecurity, container: &ContainerSecurity) -> (Option<u32>, Option<u32>) {
    let group = container.run_as_group.or(pod.run_as_group);
    let user = container.run_as_user.or(pod.run_as_user);
    (user.or(group.map(|_| 0)), group)
}

/// The stand-in's user where `runAsNonRoot` stands without a user: one that its image has an account for.
const NON_ROOT: u32 = 65532;

/// A kubelet takes the image's user then, and does not start a container whose image runs as root.
fn non_root_stand_in(pod: &PodSecurity, container: &Container) -> Option<u32> {
    let security = &container.security;
    let by_image = security.run_as_user.or(pod.run_as_user).is_none() && !is_own_image(&container.image);
    (by_image && security.run_as_non_root.or(pod.run_as_non_root) == Some(true)).then_some(NON_ROOT)
}

/// The container's own profile before the Pod's. A kubelet passes it on for a privileged container too, and the runtimes
/// ignore it there. Source: containerd pkg/cri/server/container_create_linux.go, `generateSeccompSpecOpts`.
fn seccomp(pod: &PodSecurity, container: &ContainerSecurity) -> SeccompProfile {
    match container.privileged {
        true => SeccompProfile::Unconfined,
        false => container.seccomp.clone().or_else(|| pod.seccomp.clone()).unwrap_or_default(),
    }
}

/// The group of the Pod's volumes, then the supplemental ones.
pub(super) fn supplemental_groups(security: &PodSecurity) -> Vec<u32> {
    security.fs_group.iter().chain(&security.supplemental_groups).copied().collect()
}

/// The manifest's variables, then the container's name. A runtime adds HOSTNAME, and a kubelet the addresses of a
/// cluster's services, of which there are none here.
fn environment(container: &Container) -> Vec<(String, String)> {
    let mut env = container.env.clone();
    // Someone's own variable of that name is theirs.
    if !env.iter().any(|(name, _)| name == CONTAINER_NAME) {
        env.push((CONTAINER_NAME.to_owned(), container.name.clone()));
    }
    env
}

fn role(pod: &Pod, container: &Container) -> Role {
    let is_in = |list: &[Container]| list.iter().any(|other| other.name == container.name);
    match () {
        () if is_in(&pod.spec.ephemeral_containers) => Role::Ephemeral,
        () if !is_in(&pod.spec.init_containers) => Role::App,
        () if container.stays => Role::Sidecar,
        () => Role::Init,
    }
}

/// A sidecar is killed no sooner than the container with the smallest request that it serves.
/// Source: Kubernetes pkg/kubelet/qos/policy.go.
fn oom_score_adj(pod: &Pod, qos: QosClass, node: &Node, container: &Container) -> i32 {
    let critical = pod.spec.priority_class_name.as_deref() == Some("system-node-critical");
    let request =
        |c: &Container| effective(c.resources.memory_request, c.resources.memory_limit).map_or(0, Quantity::value);
    let mut asked = request(container);
    if container.stays {
        asked = asked.max(pod.spec.containers.iter().map(request).min().unwrap_or(0));
    }
    let asked = asked.saturating_add(totals::unclaimed_memory(pod));
    arithmetic::oom_score_adj(qos, critical, asked, node.memory_bytes)
}
