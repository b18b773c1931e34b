//! Runtimes bring a Pod up and name its processes; they never interpret what those processes look like.
//! That is [`crate::observe`]'s task, which sees only processes, so that every runtime is judged by the same eyes.
//!
//! To add a runtime: one file here and one line in [`open`].

pub mod cri;
pub mod daemon;
pub mod docker;
pub mod engine;
pub mod image;
mod image_user;
mod image_volume;
mod name;
mod version;

pub use daemon::Tenancy;
pub use image_volume::ImageVolume;
pub use name::{Kind, RuntimeName, RuntimeNameError, is_endpoint};

use crate::host::{self, Cause, Process, Run, TrialDir};
use crate::node::CgroupDriver;
use crate::plan::{ContainerPlan, Plan};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Something that makes Pods.
pub trait Runtime: Send + Sync {
    /// As the user named it: `containerd+crun`.
    fn name(&self) -> &RuntimeName;

    /// Versions of what takes part (`containerd`, `runc`, …), for results and known differences.
    fn versions(&self) -> BTreeMap<String, String>;

    /// The process whose namespaces count as the host's; `None` is podcheck itself, or one that is out of sight.
    fn daemon(&self) -> Option<Process>;

    /// What known differences depend on of the configuration of a daemon that is somebody else's: `disable_hugetlb_controller`.
    fn settings(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Who makes the cgroups of its containers, and so of the Pod.
    fn cgroup_driver(&self) -> CgroupDriver {
        CgroupDriver::Cgroupfs
    }

    /// Makes the sandbox and, as [`RunningPod::start_containers`], the containers named by `first`, which nothing orders:
    /// a runtime that can may do both at once. `dir` is prepared already: volumes and the cgroups above the containers
    /// are there.
    ///
    /// # Errors
    /// [`RuntimeError::Refused`] where it would not make the sandbox, else what failed; what was half started is gone again.
    fn start(&self, plan: &Plan, dir: &TrialDir, first: &[&str]) -> Result<Started, RuntimeError>;
}

/// A Pod whose sandbox is up.
pub struct Started {
    /// The Pod.
    pub pod: Box<dyn RunningPod>,
    /// Those of the first containers that did not start.
    pub refused: Vec<Refused>,
}

/// A container that the runtime would not make or could not start. What is left of it goes with
/// [`RunningPod::remove_container`] or with the Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its name.
    pub container: String,
    /// What the runtime or kernel said.
    pub says: String,
}

/// A Pod that is up, driven step by step by [`crate::kubelet`]. Dropping it stops and removes it as well as can be.
pub trait RunningPod: Send {
    /// The sandbox first, named `sandbox`, then the containers that were started, each past its runtime's init, in the order
    /// of their first start. One that ended before it could be held is not among them; one that was started again is only
    /// there as it is now.
    fn members(&self) -> &[Member];

    /// The process whose namespaces count as the host's; `None` is podcheck itself.
    fn daemon(&self) -> Option<&Process>;

    /// Containers whose image was not there and was replaced by podcheck's own.
    fn stand_ins(&self) -> &[String];

    /// What the runtime has mounted for volumes that the images of running containers declare. podcheck's own declare none.
    fn image_volumes(&self) -> &[ImageVolume] {
        &[]
    }

    /// The Pod's address, if it has one of its own.
    fn address(&self) -> Option<std::net::IpAddr>;

    /// Runs a command inside a container by the runtime's own exec and waits for it.
    ///
    /// # Errors
    /// The runtime could not run it, or it took longer than `timeout`, which is for a machine of ordinary speed: times
    /// PODCHECK_TIME_FACTOR here, and by no caller.
    fn exec(&mut self, container: &str, argv: &[String], timeout: Duration) -> Result<ExecOutput, RuntimeError>;

    /// What only the runtime can say of its containers, by name.
    ///
    /// # Errors
    /// The runtime did not answer.
    fn reported(&mut self) -> Result<BTreeMap<String, Reported>, RuntimeError>;

    /// What a container has printed since it was last started, as far as the runtime has written it down by now.
    ///
    /// # Errors
    /// It was never started, or the runtime failed.
    fn logs(&mut self, container: &str) -> Result<Logs, RuntimeError>;

    /// Makes and starts containers of the plan, which nothing orders, and gives those that were refused. One that was there
    /// before was removed before.
    ///
    /// # Errors
    /// The runtime failed, or did not answer.
    fn start_containers(&mut self, dir: &TrialDir, names: &[&str]) -> Result<Vec<Refused>, RuntimeError>;

    /// Has a running container held to the resources of this plan from now on, without starting it again, and to them as well
    /// where it is started again. `Some` is why the runtime refused.
    ///
    /// # Errors
    /// The runtime failed, or did not answer.
    fn resize(&mut self, container: &ContainerPlan) -> Result<Option<String>, RuntimeError>;

    /// Ends the runtime's daemon and starts it again, under its Pod. Returns once it answers.
    ///
    /// # Errors
    /// It has none of its own, or none that came back.
    fn restart_daemon(&mut self) -> Result<(), RuntimeError>;

    /// Stops containers, all at once: the stop signal, `grace`, then SIGKILL. Returns when they have ended. No error for
    /// one that has ended.
    ///
    /// # Errors
    /// What would not end.
    fn stop_containers(&mut self, names: &[&str], grace: Duration) -> Result<(), RuntimeError>;

    /// Removes a container that has ended or was refused. No error if there is none of that name.
    ///
    /// # Errors
    /// What would not go.
    fn remove_container(&mut self, name: &str) -> Result<(), RuntimeError>;

    /// Stops what still runs (the stop signal, `grace`, SIGKILL) and removes the Pod. A second call does nothing.
    ///
    /// # Errors
    /// What would not go.
    fn stop(&mut self, grace: Duration) -> Result<(), RuntimeError>;
}

/// Takes a container's new resources over into a plan, for when it is started again.
fn adopt(plan: &mut Plan, changed: &ContainerPlan) {
    for container in plan.containers.iter_mut().filter(|container| container.name == changed.name) {
        container.resources = changed.resources.clone();
        container.oom_score_adj = changed.oom_score_adj;
    }
}

/// Makes a member known, in the place of an earlier one of its name.
fn put(members: &mut Vec<Member>, member: Member) {
    match members.iter_mut().find(|other| other.name == member.name) {
        Some(other) => *other = member,
        None => members.push(member),
    }
}

/// The sandbox or a container of a running Pod.
#[derive(Debug)]
pub struct Member {
    /// `sandbox` or the container's name.
    pub name: String,
    /// Its init, held from the moment it was known.
    pub process: Process,
    /// The runtime's id of it, as it may stand in cgroup paths and mount sources; empty if it has none.
    pub id: String,
}

/// The end of a command run by exec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecOutput {
    /// Exit status as a shell gives it: 128 + signal for a killed one.
    pub exit_code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// What a container has printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logs {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// A line of the runtime's log that is not in the format that it has to be.
    pub malformed: Option<String>,
}

/// What a runtime says of one container.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Reported {
    /// `running`, `exited` or `created`; `waiting` for one that was not started yet, `refused` for one that would not start.
    pub state: String,
    /// Exit status, once exited.
    pub exit_code: Option<i32>,
    /// `Completed`, `Error`, `OOMKilled`; empty while running.
    pub reason: String,
    /// How often it was started again.
    #[serde(default)]
    pub restarts: u32,
}

/// Why a runtime could not do something.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A step failed. `action` is an infinitive: `start the container ledger`.
    #[error("{runtime} cannot {action}: {cause}")]
    Failed {
        /// Name of the runtime.
        runtime: String,
        /// What was tried.
        action: String,
        /// What the runtime or kernel said. It is part of the message.
        cause: Cause,
    },
    /// It looked at the Pod that it was asked for, would not make it, and goes on. Nothing of that Pod is left to it.
    #[error("{runtime} cannot {action}: {says}")]
    Refused {
        /// Name of the runtime.
        runtime: String,
        /// What was asked.
        action: String,
        /// What the runtime or kernel said.
        says: String,
    },
    /// A call took longer than its deadline.
    #[error("{runtime} did not {action} within {seconds} s{log}")]
    Deadline {
        /// Name of the runtime.
        runtime: String,
        /// What was tried.
        action: String,
        /// The deadline.
        seconds: u64,
        /// The daemon's last lines, with a newline before each; empty if there is none.
        log: String,
    },
    /// The runtime is not on this machine.
    #[error("{runtime} is not available: {reason}")]
    Unavailable {
        /// Name of the runtime.
        runtime: String,
        /// What is missing and how to get it.
        reason: String,
    },
}

/// Opens the runtime of that name, starting podcheck's private daemon if it needs one.
///
/// # Errors
/// [`RuntimeError::Unavailable`] where it is not installed or may not be used, else what failed.
pub fn open(name: &RuntimeName, run: &Arc<Run>, tenancy: Tenancy) -> Result<Box<dyn Runtime>, RuntimeError> {
    if let Some(reason) = no_systemd(name) {
        return Err(RuntimeError::Unavailable { runtime: name.to_string(), reason: reason.to_owned() });
    }
    Ok(match name.kind {
        Kind::Engine => Box::new(engine::EngineRuntime::open(run)?),
        Kind::Docker => Box::new(docker::DockerRuntime::open(name, run, tenancy)?),
        Kind::Containerd => Box::new(cri::CriRuntime::open(name, run, tenancy)?),
    })
}

/// Why the daemon of a runtime cannot be restarted under a Pod; `None` if it can.
pub fn why_not_restarted(name: &RuntimeName) -> Option<String> {
    match (name.kind, &name.endpoint) {
        (Kind::Engine, _) => {
            Some("the engine has no daemon: a Pod has a process of its own, with which it goes".to_owned())
        }
        (_, Some(endpoint)) => {
            Some(format!("the daemon at {endpoint} is somebody else's, who may not want it restarted"))
        }
        (_, None) => None,
    }
}

/// Why there is nobody to make the slices that a name asks for.
fn no_systemd(name: &RuntimeName) -> Option<&'static str> {
    (name.driver == Some(CgroupDriver::Systemd) && !host::can("systemd"))
        .then_some("the cgroup driver systemd takes a host that systemd runs: there is no /run/systemd/system")
}

/// Says cheaply, without starting anything, why a runtime cannot be opened here; `None` if it probably can.
pub fn why_unavailable(name: &RuntimeName) -> Option<String> {
    if let Some(why) = host::why_not_root() {
        return Some(why.to_owned());
    }
    no_systemd(name).map(str::to_owned).or_else(|| daemon::why_unavailable(name))
}
