//! `docker run`, for a sandbox and for a container of a plan, and `docker update`.
//!
//! This is the emulation people know: a sandbox whose network and IPC namespaces the containers join, and a common
//! cgroup parent. What Docker cannot be asked for is not here: it has no way to join a UTS namespace, and its lists of
//! masked and read-only paths are its own.

use super::images::Choice;
use super::leftover::{PLACE, RUN};
use crate::plan::{ContainerPlan, LinuxResources, MountPlan, Plan, Scope};
use crate::pod::{AppArmorProfile, Propagation, RecursiveReadOnly, SeccompProfile};
use std::path::{Path, PathBuf};

/// What is the same for every process of a Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Common {
    /// The trial's tag: names begin with it.
    pub tag: String,
    /// The run, as a label: by it a person knows whose a left-over is.
    pub run: String,
    /// Where the run's directory is, as a label: see [`crate::host::Run::place`].
    pub place: String,
    /// The OCI runtime by the daemon's name for it; `None` is its default.
    pub oci: Option<String>,
    /// The Pod's cgroup.
    pub cgroup_parent: String,
    /// The lowest oom_score_adj that the daemon may give; `None` is any.
    pub lowest_oom_score: Option<i32>,
    /// Directory of the containers' seccomp profiles.
    pub profiles: PathBuf,
    /// Whether the daemon makes read-only what is mounted within a read-only mount, unless it is told not to.
    pub read_only_within: bool,
}

impl Common {
    /// Name of the Docker container of a member.
    pub fn container_name(&self, member: &str) -> String {
        format!("{}-{member}", self.tag)
    }

    fn begin(&self, member: &str, resources: &LinuxResources, oom_score_adj: i32) -> Arguments {
        let mut arguments = Arguments(vec!["run".to_owned(), "--detach".to_owned()]);
        arguments.option("name", &self.container_name(member));
        arguments.option("label", &format!("{RUN}={}", self.run));
        arguments.option("label", &format!("{PLACE}={}", self.place));
        if let Some(oci) = &self.oci {
            arguments.option("runtime", oci);
        }
        // A kubelet runs probes itself and lets an image's health check be.
        arguments.flag("no-healthcheck");
        arguments.option("cgroup-parent", &self.cgroup_parent);
        arguments.resources(resources);
        let score = self.lowest_oom_score.map_or(oom_score_adj, |lowest| oom_score_adj.max(lowest));
        arguments.option("oom-score-adj", &score.to_string());
        arguments
    }

    /// `docker update`: other resources for a container that runs.
    pub fn update(&self, container: &ContainerPlan) -> Vec<String> {
        let mut arguments = Arguments(vec!["update".to_owned()]);
        arguments.resources(&container.resources);
        arguments.0.push(self.container_name(&container.name));
        arguments.0
    }

    /// The sandbox: namespaces for others to join.
    pub fn sandbox(&self, plan: &Plan, image: &str) -> Vec<String> {
        let sandbox = &plan.sandbox;
        let mut arguments = self.begin("sandbox", &sandbox.resources, sandbox.oom_score_adj);
        if plan.namespaces.network == Scope::Node {
            arguments.host_network();
        } else if let Some(hostname) = &plan.hostname {
            arguments.option("hostname", hostname);
        }
        arguments.option("ipc", if plan.namespaces.ipc == Scope::Node { "host" } else { "shareable" });
        if plan.namespaces.pid == Scope::Node {
            arguments.option("pid", "host");
        }
        if sandbox.privileged {
            arguments.flag("privileged");
        }
        for sysctl in &sandbox.sysctls {
            arguments.option("sysctl", &format!("{}={}", sysctl.name, sysctl.value));
        }
        // Without the Pod's supplemental groups: containerd too gives them to containers alone, whatever CRI asks.
        // Source: containerd pkg/cri/server/sandbox_run_linux.go, release/1.6.
        arguments.user(sandbox.user, sandbox.group, &[]);
        arguments.0.push(image.to_owned());
        arguments.0
    }

    /// A container that joins the sandbox. `sources` are the host's paths of its mounts, in order.
    pub fn container(
        &self,
        plan: &Plan,
        container: &ContainerPlan,
        choice: &Choice,
        sources: &[PathBuf],
    ) -> Vec<String> {
        let mut arguments = self.begin(&container.name, &container.resources, container.oom_score_adj);
        let sandbox = format!("container:{}", self.container_name("sandbox"));
        match plan.namespaces.network {
            Scope::Node => arguments.host_network(),
            _ => arguments.option("network", &sandbox),
        }
        match plan.namespaces.ipc {
            Scope::Node => arguments.option("ipc", "host"),
            Scope::Pod => arguments.option("ipc", &sandbox),
            Scope::Container => arguments.option("ipc", "private"),
        }
        match (plan.namespaces.pid, &container.target) {
            (Scope::Node, _) => arguments.option("pid", "host"),
            (Scope::Pod, _) => arguments.option("pid", &sandbox),
            (Scope::Container, Some(target)) => {
                arguments.option("pid", &format!("container:{}", self.container_name(target)));
            }
            (Scope::Container, None) => {}
        }
        arguments.security(container, &self.profiles);
        arguments.user(choice.user.asked(container), container.group, &container.supplemental_groups);
        for (name, value) in &container.env {
            arguments.option("env", &format!("{name}={value}"));
        }
        if let Some(dir) = &container.working_dir {
            arguments.option("workdir", dir);
        }
        if let Some(signal) = &container.stop_signal {
            arguments.option("stop-signal", signal);
        }
        for (mount, source) in container.mounts.iter().zip(sources) {
            arguments.option("mount", &bind(source, mount, self.read_only_within));
        }
        arguments.program(container, choice);
        arguments.0
    }
}

/// A command line in the making.
struct Arguments(Vec<String>);

impl Arguments {
    /// One word with its value, so that no value is taken for an option.
    fn option(&mut self, name: &str, value: &str) {
        self.0.push(format!("--{name}={value}"));
    }

    fn flag(&mut self, name: &str) {
        self.0.push(format!("--{name}"));
    }

    /// A kubelet gives a Pod on the host's network the host's UTS namespace, too; Docker does so when asked.
    fn host_network(&mut self) {
        self.option("network", "host");
        self.option("uts", "host");
    }

    fn resources(&mut self, resources: &LinuxResources) {
        let swap = match (resources.memory_limit_bytes, resources.memory_swap_limit_bytes) {
            (_, Some(swap)) => Some(swap.to_string()),
            // Left alone, Docker would allow as much swap as memory.
            (Some(_), None) => Some("-1".to_owned()),
            (None, None) => None,
        };
        let number = |value: Option<u64>| value.map(|value| value.to_string());
        let options = [
            ("cpu-shares", number(resources.cpu_shares)),
            ("cpu-period", number(resources.cpu_period_usec)),
            ("cpu-quota", number(resources.cpu_quota_usec)),
            ("memory", number(resources.memory_limit_bytes)),
            ("memory-swap", swap),
            ("pids-limit", number(resources.pids_limit)),
        ];
        for (name, value) in options {
            if let Some(value) = value {
                self.option(name, &value);
            }
        }
    }

    fn security(&mut self, container: &ContainerPlan, profiles: &Path) {
        if container.privileged {
            self.flag("privileged");
        }
        for name in &container.capabilities_add {
            self.option("cap-add", name);
        }
        for name in &container.capabilities_drop {
            self.option("cap-drop", name);
        }
        if container.no_new_privs {
            self.option("security-opt", "no-new-privileges");
        }
        self.profiles(container, profiles);
        if !container.privileged && container.masked_paths.is_empty() && container.read_only_paths.is_empty() {
            self.option("security-opt", "systempaths=unconfined");
        }
        if container.read_only_rootfs {
            self.flag("read-only");
        }
    }

    fn profiles(&mut self, container: &ContainerPlan, profiles: &Path) {
        match &container.seccomp {
            // Docker's own default.
            SeccompProfile::RuntimeDefault => {}
            SeccompProfile::Localhost(_) => {
                let file = profiles.join(format!("{}.json", container.name));
                self.option("security-opt", &format!("seccomp={}", file.display()));
            }
            // Where a kubelet asks for no profile, that means none in CRI.
            SeccompProfile::Unconfined => self.option("security-opt", "seccomp=unconfined"),
        }
        match &container.apparmor {
            None | Some(AppArmorProfile::RuntimeDefault) => {}
            Some(AppArmorProfile::Unconfined) => self.option("security-opt", "apparmor=unconfined"),
            Some(AppArmorProfile::Localhost(name)) => self.option("security-opt", &format!("apparmor={name}")),
        }
    }

    fn user(&mut self, user: Option<u32>, group: Option<u32>, supplemental: &[u32]) {
        match (user, group) {
            (Some(user), Some(group)) => self.option("user", &format!("{user}:{group}")),
            (Some(user), None) => self.option("user", &user.to_string()),
            (None, _) => {}
        }
        for group in supplemental {
            self.option("group-add", &group.to_string());
        }
    }

    /// Entry point, image, arguments.
    fn program(&mut self, container: &ContainerPlan, choice: &Choice) {
        let (command, args) = match choice.ours {
            true => container.asked_of_our_image(),
            false => (container.command.as_slice(), container.args.as_slice()),
        };
        let (entry_point, rest) = command.split_first().map_or((None, command), |(first, rest)| (Some(first), rest));
        if let Some(entry_point) = entry_point {
            self.option("entrypoint", entry_point);
        }
        self.0.push(choice.reference.clone());
        self.0.extend(rest.iter().chain(args).cloned());
    }
}

/// The value of `--mount`: comma-separated fields, quoted as in a CSV file.
fn bind(source: &Path, mount: &MountPlan, read_only_within: bool) -> String {
    let mut fields =
        vec!["type=bind".to_owned(), format!("source={}", source.display()), format!("target={}", mount.target)];
    if mount.read_only {
        fields.push("readonly".to_owned());
        match mount.recursive_read_only {
            RecursiveReadOnly::Disabled if read_only_within => fields.push("bind-recursive=writable".to_owned()),
            // Which Docker has only for mounts that nothing is passed on to; Kubernetes as well.
            RecursiveReadOnly::Enabled => {
                fields.extend(["bind-recursive=readonly", "bind-propagation=rprivate"].map(str::to_owned));
            }
            RecursiveReadOnly::Disabled | RecursiveReadOnly::IfPossible => {}
        }
    }
    match mount.propagation {
        Propagation::None => {}
        Propagation::HostToContainer => fields.push("bind-propagation=rslave".to_owned()),
        Propagation::Bidirectional => fields.push("bind-propagation=rshared".to_owned()),
    }
    let quoted = fields.into_iter().map(|field| {
        if field.contains([',', '"', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    });
    quoted.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
#[path = "arguments_tests.rs"]
mod tests;
