//! What a member is to be: the plan and the image put together, before anything is done.

use super::capabilities::CapabilitySet;
use super::fault::{Context, Fault};
use super::mounts::{self, Mount, PodFiles, Privilege};
use super::protocol::{Image, StartRequest};
use super::users::{Accounts, User};
use crate::plan::{ContainerPlan, LinuxResources, Scope};
use crate::pod::{AppArmorProfile, SeccompProfile, Sysctl};
use nix::sys::signal::Signal;
use std::path::PathBuf;

/// The sandbox's name, in cgroups and messages.
pub const SANDBOX: &str = "sandbox";

/// What images get that set no PATH. Source: containerd pkg/cri, `defaultUnixEnv`.
const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What containerd covers in a sandbox, for which CRI has no such field. Source: containerd pkg/oci/spec.go, release/1.6.
const SANDBOX_MASKED: [&str; 10] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/sys/firmware",
    "/proc/scsi",
];
const SANDBOX_READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// A process to become: also what exec starts in a container.
#[derive(Clone, Debug)]
pub struct Program {
    /// The command.
    pub argv: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// Ids.
    pub user: User,
    /// Effective, permitted and bounding.
    pub capabilities: CapabilitySet,
    /// no_new_privs.
    pub no_new_privs: bool,
    /// Which filter of system calls it runs under.
    pub seccomp: SeccompProfile,
    /// Its AppArmor profile, where the kernel has AppArmor.
    pub apparmor: Option<AppArmorProfile>,
    /// −1000–1000, raised where the host lets nobody go that low.
    pub oom_score_adj: i32,
}

/// A member to make.
#[derive(Clone, Debug)]
pub struct Spec {
    /// `sandbox` or the container's name.
    pub name: String,
    /// Its init.
    pub program: Program,
    /// The image's root.
    pub image: PathBuf,
    /// A directory of its own that goes with the Pod.
    pub dir: PathBuf,
    /// Directory on the host for what it prints: `<name>.stdout` and `<name>.stderr`.
    pub logs: PathBuf,
    /// Mounts in order.
    pub mounts: Vec<Mount>,
    /// Paths to cover.
    pub masked: Vec<String>,
    /// Paths to make read-only.
    pub read_only_paths: Vec<String>,
    /// Read-only root.
    pub read_only_root: bool,
    /// The host's devices, and every device allowed.
    pub privileged: bool,
    /// A cgroup namespace of its own.
    pub own_cgroup_namespace: bool,
    /// Name to give to its UTS namespace.
    pub hostname: Option<String>,
    /// Sysctls to set in the namespaces that it owns.
    pub sysctls: Vec<Sysctl>,
    /// It is born into a user namespace of the Pod's.
    pub own_users: bool,
    /// Sources of mounts whose owners are the Pod's already.
    pub unmapped: Vec<PathBuf>,
    /// What its cgroup holds it to.
    pub resources: LinuxResources,
    /// Where mounts travel, if they do in this Pod.
    pub shared: Option<PathBuf>,
    /// What it is stopped by.
    pub stop_signal: Signal,
}

impl Spec {
    /// The Pod's pause process, as containerd 1.6 makes it.
    ///
    /// # Errors
    /// The image's user is unknown.
    pub fn sandbox(request: &StartRequest, files: &PodFiles) -> Result<Spec, Fault> {
        let plan = &request.plan;
        let image = &request.pause;
        let asked = user_text(plan.sandbox.user, plan.sandbox.group, &image.user);
        let accounts = Accounts::read(&image.root)?;
        // containerd 1.6 gives a sandbox no groups beyond that of a user somebody named.
        let user = accounts.user(&asked, &[]).map_err(|f| f.of("the sandbox"))?;
        let groups = if asked.is_empty() { Vec::new() } else { user.groups.clone() };
        let program = Program {
            argv: argv((&[], &[]), image),
            env: environment(image, None, &[]),
            cwd: working_dir(None, image),
            user: User { groups, ..user },
            capabilities: CapabilitySet::default_set(),
            no_new_privs: true,
            // A kubelet confines pause whatever the containers ask for, but for a privileged Pod's.
            seccomp: match plan.sandbox.privileged {
                true => SeccompProfile::Unconfined,
                false => SeccompProfile::RuntimeDefault,
            },
            apparmor: None,
            oom_score_adj: plan.sandbox.oom_score_adj,
        };
        Ok(Spec {
            name: SANDBOX.to_owned(),
            program,
            image: image.root.clone(),
            dir: request.dir.join(SANDBOX),
            logs: request.logs.clone(),
            mounts: mounts::of_sandbox(files, plan.sandbox.privileged),
            masked: SANDBOX_MASKED.map(str::to_owned).to_vec(),
            read_only_paths: SANDBOX_READ_ONLY.map(str::to_owned).to_vec(),
            read_only_root: true,
            privileged: false,
            own_cgroup_namespace: false,
            hostname: plan.hostname.clone().filter(|_| plan.namespaces.network != Scope::Node),
            own_users: plan.own_users,
            unmapped: vec![files.shm.clone()],
            sysctls: plan.sandbox.sysctls.clone(),
            resources: plan.sandbox.resources.clone(),
            shared: None,
            stop_signal: Signal::SIGTERM,
        })
    }

    /// A container. `pure_v2` says that the host has cgroup v2 alone, `host_name` what /etc/hostname says.
    ///
    /// # Errors
    /// A user or capability that is unknown.
    pub fn container(request: &StartRequest, index: usize, files: &PodFiles, host: &Host) -> Result<Spec, Fault> {
        let missing = || Fault::new("find a container's image", format!("the request has none of number {index}"));
        let plan = request.plan.containers.get(index).ok_or_else(missing)?;
        let image = request.images.get(index).ok_or_else(missing)?;
        let sources = request.sources.get(&plan.name).ok_or_else(missing)?;
        let asked = mounts::asked(&plan.mounts, sources);
        let privilege = Privilege { member: plan.privileged, pod: request.plan.sandbox.privileged };
        let program = program(plan, image, host).map_err(|fault| fault.of(&format!("the container {}", plan.name)))?;
        Ok(Spec {
            name: plan.name.clone(),
            program,
            image: image.root.clone(),
            dir: request.dir.join("containers").join(&plan.name),
            logs: request.logs.clone(),
            mounts: mounts::of_container(asked, plan.read_only_rootfs, privilege, files),
            masked: plan.masked_paths.clone(),
            read_only_paths: plan.read_only_paths.clone(),
            read_only_root: plan.read_only_rootfs,
            privileged: plan.privileged,
            own_cgroup_namespace: host.pure_v2 && !plan.privileged,
            hostname: None,
            own_users: request.plan.own_users,
            unmapped: vec![files.shm.clone()],
            sysctls: Vec::new(),
            resources: plan.resources.clone(),
            shared: request.shared.clone(),
            stop_signal: stop_signal(plan)?,
        })
    }

    /// For messages: `the sandbox`, `the container app`.
    pub fn object(&self) -> String {
        if self.name == SANDBOX { "the sandbox".to_owned() } else { format!("the container {}", self.name) }
    }
}

/// What a container's spec takes from the host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Only cgroup v2 is mounted.
    pub pure_v2: bool,
    /// Name in the Pod's UTS namespace.
    pub name: String,
    /// What this process may hand on.
    pub capabilities: CapabilitySet,
}

fn program(plan: &ContainerPlan, image: &Image, host: &Host) -> Result<Program, Fault> {
    let accounts = Accounts::read(&image.root)?;
    let user = accounts
        .user(&user_text(plan.user.or(plan.non_root_stand_in), plan.group, &image.user), &plan.supplemental_groups)?;
    let capabilities = match plan.privileged {
        true => host.capabilities,
        false => {
            let default = CapabilitySet::default_set();
            default.adjusted(&plan.capabilities_add, &plan.capabilities_drop, host.capabilities)?
        }
    };
    let argv = argv(plan.asked_of_our_image(), image);
    if argv.is_empty() {
        return Err("neither the manifest nor the image names a command").to(|| "find the command");
    }
    Ok(Program {
        argv,
        env: environment(image, Some(&host.name), &plan.env),
        cwd: working_dir(plan.working_dir.as_deref(), image),
        user,
        capabilities,
        no_new_privs: plan.no_new_privs,
        seccomp: plan.seccomp.clone(),
        apparmor: plan.apparmor.clone(),
        oom_score_adj: plan.oom_score_adj,
    })
}

/// podcheck's images name no signal of their own.
fn stop_signal(plan: &ContainerPlan) -> Result<Signal, Fault> {
    let name = plan.stop_signal.as_deref().unwrap_or("SIGTERM");
    name.parse().to(|| format!("find the signal {name}"))
}

fn user_text(user: Option<u32>, group: Option<u32>, image: &str) -> String {
    match (user, group) {
        (Some(user), Some(group)) => format!("{user}:{group}"),
        (Some(user), None) => user.to_string(),
        (None, Some(group)) => format!("{}:{group}", image.split(':').next().filter(|u| !u.is_empty()).unwrap_or("0")),
        (None, None) => image.to_owned(),
    }
}

/// A command takes the place of both the image's entry point and its arguments, arguments that of its arguments alone.
/// Source: Kubernetes' table of `command` and `args`.
fn argv((command, args): (&[String], &[String]), image: &Image) -> Vec<String> {
    let (program, rest) = match (command.is_empty(), args.is_empty()) {
        (true, true) => (image.entrypoint.as_slice(), image.cmd.as_slice()),
        (true, false) => (image.entrypoint.as_slice(), args),
        (false, _) => (command, args),
    };
    program.iter().chain(rest).cloned().collect()
}

fn working_dir(asked: Option<&str>, image: &Image) -> String {
    let image = if image.working_dir.is_empty() { "/" } else { &image.working_dir };
    asked.filter(|dir| !dir.is_empty()).unwrap_or(image).to_owned()
}

/// PATH, HOSTNAME, the image's, the plan's, each name once with its last value.
fn environment(image: &Image, hostname: Option<&str>, plan: &[(String, String)]) -> Vec<String> {
    let mut env: Vec<String> = Vec::new();
    let mut set = |entry: String| {
        let name = entry.split('=').next().unwrap_or_default();
        let same = |e: &String| e.split('=').next() == Some(name);
        match env.iter().position(same) {
            Some(at) => env[at] = entry,
            None => env.push(entry),
        }
    };
    set(DEFAULT_PATH.to_owned());
    hostname.into_iter().for_each(|name| set(format!("HOSTNAME={name}")));
    image.env.iter().for_each(|entry| set(entry.clone()));
    plan.iter().for_each(|(name, value)| set(format!("{name}={value}")));
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_replaces_all_of_the_image_s_and_arguments_its_arguments() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let image = Image { entrypoint: words("serve --name"), cmd: words("image"), ..Image::default() };
        let run = |command: &str, args: &str| argv((&words(command), &words(args)), &image).join(" ");
        assert_eq!(run("", ""), "serve --name image");
        assert_eq!(run("", "x y"), "serve --name x y");
        assert_eq!(run("sleep", ""), "sleep");
        assert_eq!(run("sleep 1", "2"), "sleep 1 2");
    }

    #[test]
    fn the_last_value_of_a_variable_wins() {
        let image = Image { env: vec!["PATH=/bin".to_owned(), "A=1".to_owned()], ..Image::default() };
        let plan = [("A".to_owned(), "2=3".to_owned()), ("HOSTNAME".to_owned(), "mine".to_owned())];
        let env = environment(&image, Some("pod"), &plan);
        assert_eq!(env, ["PATH=/bin", "HOSTNAME=mine", "A=2=3"]);
    }

    #[test]
    fn manifests_come_before_images() {
        assert_eq!(user_text(Some(5), None, "7:8"), "5");
        assert_eq!(user_text(Some(5), Some(6), ""), "5:6");
        assert_eq!(user_text(None, None, "nobody"), "nobody");
        let image = Image { working_dir: "/srv".to_owned(), ..Image::default() };
        assert_eq!(working_dir(None, &image), "/srv");
        assert_eq!(working_dir(Some("/x"), &image), "/x");
        assert_eq!(working_dir(None, &Image::default()), "/");
    }
}
