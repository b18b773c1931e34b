//! A Pod on a daemon, from RunPodSandbox to RemovePodSandbox.

use super::client::{Client, QUICK, SLOW};
use super::member::{self, Inits};
use super::messages::{
    ContainerState, ContainerStatus, ContainerStatusRequest, CreateContainerRequest, ExecSyncRequest,
    ListPodSandboxRequest, PodSandboxConfig, PodSandboxFilter, RemovePodSandboxRequest, RunPodSandboxRequest,
    StartContainerRequest, StopContainerRequest, StopPodSandboxRequest,
};
use super::translate::{self, ImageChoice, POD_UID};
use crate::host::{Process, TrialDir, scaled};
use crate::plan::{ContainerPlan, Plan};
use crate::runtime::{ExecOutput, Member, Reported, RunningPod, RuntimeError};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The daemon's share in time when it waits for something of ours: a grace period, a command.
const MARGIN: Duration = Duration::from_secs(20);

/// A Pod that is up, or half up while [`CriPod::start`] works on it.
pub(super) struct CriPod {
    client: Arc<Client>,
    sandbox_id: String,
    /// Name and id, in the plan's order.
    containers: Vec<(String, String)>,
    members: Vec<Member>,
    daemon: Option<Process>,
    stand_ins: Vec<String>,
    address: Option<IpAddr>,
    grace_period: Duration,
    gone: bool,
}

/// Directories of a Pod that its containers have their own part of.
struct Places {
    /// Output, a folder a container.
    logs: PathBuf,
    /// Seccomp profiles.
    profiles: PathBuf,
}

/// What a start takes beside the plan.
pub(super) struct Ground<'a> {
    /// The daemon.
    pub client: &'a Arc<Client>,
    /// Its process, if it is known.
    pub daemon: Option<Process>,
    /// Runtime handler; empty for the daemon's default.
    pub handler: &'a str,
    /// OCI runtimes on this host.
    pub inits: &'a Inits,
    /// The image of each container, in order.
    pub images: Vec<ImageChoice>,
    /// Containers whose image was replaced.
    pub stand_ins: Vec<String>,
}

impl CriPod {
    /// Brings a Pod up.
    ///
    /// # Errors
    /// What the daemon refused. What was half started is gone again.
    pub fn start(ground: Ground<'_>, plan: &Plan, dir: &TrialDir) -> Result<CriPod, RuntimeError> {
        let client = ground.client;
        let logs = dir.dir().join("logs");
        for container in &plan.containers {
            let folder = logs.join(&container.name);
            std::fs::create_dir_all(&folder)
                .map_err(|e| client.failed(format!("create the log folder {}", folder.display()), e))?;
        }
        let root = cgroup_root(dir).map_err(|why| client.failed("place the Pod".to_owned(), why))?;
        let mut config = translate::sandbox(plan, &root, &logs);
        if client.is_v1alpha2() {
            config = translate::for_v1alpha2(config);
        }
        let sandbox_id = run_sandbox(client, &config, ground.handler, plan)?;
        // From here on dropping it takes everything away again, without waiting for anybody.
        let mut pod = CriPod {
            client: Arc::clone(client),
            sandbox_id,
            containers: Vec::new(),
            members: Vec::new(),
            daemon: ground.daemon,
            stand_ins: ground.stand_ins,
            address: None,
            grace_period: Duration::ZERO,
            gone: false,
        };
        let (sandbox, status) = member::sandbox(client, ground.inits, &pod.sandbox_id)?;
        pod.members.push(sandbox);
        pod.address = status.network.and_then(|network| network.ip.parse().ok());
        dir.write_hosts(plan, pod.address).map_err(|e| client.failed("bring the Pod up".to_owned(), e))?;
        let places = Places { logs, profiles: dir.seccomp_profiles() };
        for (container, image) in plan.containers.iter().zip(&ground.images) {
            let sources = dir
                .sources(plan, container)
                .map_err(|e| client.failed(format!("start the container {}", container.name), e))?;
            pod.start_container(plan, container, image, &config, &sources, &places)?;
        }
        for member in &pod.members[1..] {
            member::await_program(client, ground.inits, member)?;
        }
        pod.grace_period = Duration::from_secs(plan.grace_period_seconds);
        Ok(pod)
    }

    fn start_container(
        &mut self,
        plan: &Plan,
        container: &ContainerPlan,
        image: &ImageChoice,
        sandbox: &PodSandboxConfig,
        sources: &[PathBuf],
        places: &Places,
    ) -> Result<(), RuntimeError> {
        let name = &container.name;
        let request = CreateContainerRequest {
            pod_sandbox_id: self.sandbox_id.clone(),
            config: Some(translate::with_profiles(
                translate::container(plan, container, image, sources),
                container,
                &places.profiles,
                self.client.is_v1alpha2(),
            )),
            sandbox_config: Some(sandbox.clone()),
        };
        let id = self.client.call(request, &format!("create the container {name}"), SLOW)?.container_id;
        self.containers.push((name.clone(), id.clone()));
        let request = StartContainerRequest { container_id: id.clone() };
        self.client.call(request, &format!("start the container {name}"), SLOW)?;
        match member::container(&self.client, name, &id)? {
            Ok(member) => self.members.push(member),
            Err(status) => {
                return Err(self
                    .client
                    .failed(format!("keep the container {name} up"), ended(&status, &places.logs.join(name))));
            }
        }
        Ok(())
    }

    fn container_id(&self, container: &str) -> Result<&str, RuntimeError> {
        let found = self.containers.iter().find(|(name, _)| name == container);
        found.map(|(_, id)| id.as_str()).ok_or_else(|| {
            self.client.failed(format!("find the container {container}"), "the Pod has none of that name")
        })
    }

    fn take_away(&self) -> Result<(), RuntimeError> {
        let seconds = i64::try_from(self.grace_period.as_secs()).unwrap_or(i64::MAX);
        let stops = self.containers.iter().map(|(name, id)| {
            (StopContainerRequest { container_id: id.clone(), timeout: seconds }, format!("stop the container {name}"))
        });
        let stopped = self.client.call_all(stops.collect(), self.grace_period.saturating_add(MARGIN));
        // Whatever failed so far, removing the sandbox is asked to end what is left; the first complaint is the one to tell.
        let removed = remove_sandbox(&self.client, &self.sandbox_id);
        stopped.into_iter().map(|outcome| outcome.map(drop)).chain([removed]).collect()
    }
}

impl RunningPod for CriPod {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn daemon(&self) -> Option<&Process> {
        self.daemon.as_ref()
    }

    fn stand_ins(&self) -> &[String] {
        &self.stand_ins
    }

    fn address(&self) -> Option<IpAddr> {
        self.address
    }

    fn exec(&mut self, container: &str, argv: &[String], timeout: Duration) -> Result<ExecOutput, RuntimeError> {
        let action = format!("run {} in {container}", argv.join(" "));
        // CRI counts whole seconds, and 0 means for ever.
        let seconds = scaled(timeout).as_secs_f64().ceil().max(1.0) as i64;
        let request = ExecSyncRequest {
            container_id: self.container_id(container)?.to_owned(),
            cmd: argv.to_vec(),
            timeout: seconds,
        };
        let answer =
            self.client.call(request, &action, timeout.saturating_add(MARGIN)).map_err(|error| match error {
                // The daemon's own deadline comes first: ours is there in case it hangs.
                RuntimeError::Deadline { runtime, action, log, .. } => {
                    RuntimeError::Deadline { runtime, action, seconds: seconds.unsigned_abs(), log }
                }
                other => other,
            })?;
        Ok(ExecOutput {
            exit_code: answer.exit_code,
            stdout: String::from_utf8_lossy(&answer.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&answer.stderr).into_owned(),
        })
    }

    fn reported(&mut self) -> Result<BTreeMap<String, Reported>, RuntimeError> {
        let mut reported = BTreeMap::new();
        for (name, id) in &self.containers {
            let request = ContainerStatusRequest { container_id: id.clone(), verbose: false };
            let answer = self.client.call(request, &format!("ask for the status of {name}"), QUICK)?;
            reported.insert(name.clone(), report(&answer.status.unwrap_or_default()));
        }
        Ok(reported)
    }

    fn stop(&mut self) -> Result<(), RuntimeError> {
        if !self.gone {
            self.take_away()?;
            self.gone = true;
        }
        Ok(())
    }
}

impl Drop for CriPod {
    fn drop(&mut self) {
        // Nobody is left to be told; what stays is found by the trial's own end and by sweep.
        let _ = self.stop();
    }
}

/// The trial's cgroup root as a runtime is told it: one path, from where each hierarchy is mounted.
fn cgroup_root(dir: &TrialDir) -> Result<String, String> {
    let paths = dir.hierarchies().list().iter().map(|hierarchy| {
        let full = hierarchy.dir(dir.cgroup_root());
        let path = full.strip_prefix(&hierarchy.mount_point).unwrap_or(&full).to_owned();
        format!("/{}", path.display())
    });
    let paths: BTreeSet<String> = paths.collect();
    match paths.len() {
        1 => Ok(paths.into_iter().next().unwrap_or_default()),
        _ => Err(format!(
            "podcheck is in different cgroups of different controllers ({}), and CRI knows but one path for all",
            paths.into_iter().collect::<Vec<_>>().join(", ")
        )),
    }
}

/// Runs the sandbox and gives its id.
fn run_sandbox(client: &Client, config: &PodSandboxConfig, handler: &str, plan: &Plan) -> Result<String, RuntimeError> {
    let request = RunPodSandboxRequest { config: Some(config.clone()), runtime_handler: handler.to_owned() };
    let outcome = client.call(request, "run the sandbox", SLOW);
    if let Err(RuntimeError::Deadline { .. }) = outcome {
        // It may come up after all, and without its id only the label leads to it. The deadline is the error to tell.
        let filter = PodSandboxFilter { label_selector: BTreeMap::from([(POD_UID.to_owned(), plan.uid.clone())]) };
        let late = client.call(ListPodSandboxRequest { filter: Some(filter) }, "list sandboxes", QUICK);
        for sandbox in late.map(|list| list.items).unwrap_or_default() {
            let _ = remove_sandbox(client, &sandbox.id);
        }
    }
    outcome.map(|answer| answer.pod_sandbox_id)
}

/// Stops and removes a sandbox and whatever is in it. No error if it is gone.
fn remove_sandbox(client: &Client, id: &str) -> Result<(), RuntimeError> {
    let stopped = client.call(StopPodSandboxRequest { pod_sandbox_id: id.to_owned() }, "stop the sandbox", SLOW);
    let removed = client.call(RemovePodSandboxRequest { pod_sandbox_id: id.to_owned() }, "remove the sandbox", SLOW);
    stopped.and(removed).map(drop)
}

/// A status in podcheck's words.
fn report(status: &ContainerStatus) -> Reported {
    let state = match status.state() {
        ContainerState::Created => "created",
        ContainerState::Running => "running",
        ContainerState::Exited => "exited",
        ContainerState::Unknown => "unknown",
    };
    let exited = status.state() == ContainerState::Exited;
    Reported {
        state: state.to_owned(),
        exit_code: exited.then_some(status.exit_code),
        reason: if exited { status.reason.clone() } else { String::new() },
    }
}

/// How a container ended that should be up, with its last output.
fn ended(status: &ContainerStatus, logs: &Path) -> String {
    let output = std::fs::read_to_string(logs.join("0.log")).unwrap_or_default();
    let lines: Vec<&str> = output.lines().collect();
    let tail: String = lines[lines.len().saturating_sub(5)..].iter().map(|line| format!("\n    {line}")).collect();
    let reason = [&status.reason, &status.message].map(String::as_str).into_iter().filter(|s| !s.is_empty());
    let reason = reason.collect::<Vec<_>>().join(": ");
    format!("it ended at once with exit status {} ({reason}){tail}", status.exit_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: ContainerState, exit_code: i32, reason: &str) -> ContainerStatus {
        ContainerStatus { state: state.into(), exit_code, reason: reason.to_owned(), message: String::new() }
    }

    #[test]
    fn only_an_exited_container_has_an_exit_status_and_a_reason() {
        let running = report(&status(ContainerState::Running, 0, ""));
        assert_eq!(running, Reported { state: "running".to_owned(), exit_code: None, reason: String::new() });
        let killed = report(&status(ContainerState::Exited, 137, "OOMKilled"));
        assert_eq!(
            killed,
            Reported { state: "exited".to_owned(), exit_code: Some(137), reason: "OOMKilled".to_owned() }
        );
        assert_eq!(report(&status(ContainerState::Created, 0, "")).state, "created");
    }

    #[test]
    fn an_early_end_is_told_with_the_last_output() -> std::io::Result<()> {
        let logs = tempfile::tempdir()?;
        std::fs::write(logs.path().join("0.log"), "t stdout F one\nt stderr F two\n")?;
        let text = ended(&status(ContainerState::Exited, 2, "Error"), logs.path());
        assert_eq!(text, "it ended at once with exit status 2 (Error)\n    t stdout F one\n    t stderr F two");
        Ok(())
    }
}
