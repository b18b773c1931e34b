//! A Pod on a daemon, from RunPodSandbox to RemovePodSandbox.

use super::call_error::CallError;
use super::client::{Client, QUICK, SLOW};
use super::log;
use super::member;
use super::messages::{
    ContainerStatusRequest, CreateContainerRequest, ExecSyncRequest, ListPodSandboxRequest, PodSandboxConfig,
    PodSandboxFilter, RemoveContainerRequest, RemovePodSandboxRequest, RunPodSandboxRequest, StartContainerRequest,
    StopContainerRequest, StopPodSandboxRequest, UpdateContainerResourcesRequest,
};
use super::refusal::refusal;
use super::report::report;
use super::translate::{self, ImageChoice, POD_UID};
use crate::host::cgroup::{Hierarchies, Mode};
use crate::host::{OciRuntimes, Process, TrialDir, scaled};
use crate::plan::{ContainerPlan, Plan};
use crate::runtime::daemon::Restart;
use crate::runtime::image_volume;
use crate::runtime::{ExecOutput, ImageVolume, Logs, Member, Refused, Reported, RunningPod, RuntimeError, adopt, put};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The daemon's share in time when it waits for something of ours: a grace period, a command.
const MARGIN: Duration = Duration::from_secs(20);

/// A process that is ending is gone by then.
const ENDING: Duration = Duration::from_secs(2);

/// A Pod that is up, or half up while [`CriPod::start`] works on it.
pub(super) struct CriPod {
    client: Arc<Client>,
    runtimes: Arc<OciRuntimes>,
    plan: Plan,
    /// Directory of the sandbox's logs.
    logs: PathBuf,
    /// As the sandbox was made.
    config: PodSandboxConfig,
    /// The image of each of the plan's containers, in order.
    images: Vec<ImageChoice>,
    sandbox_id: String,
    /// Name and id of those that are there, in the order they were made.
    containers: Vec<(String, String)>,
    /// Name and id of those that were removed: nobody else knows that these ids were somebody's.
    removed: BTreeMap<String, String>,
    /// How often each was made.
    attempts: BTreeMap<String, u32>,
    members: Vec<Member>,
    daemon: Option<Process>,
    stand_ins: Vec<String>,
    image_volumes: Vec<ImageVolume>,
    address: Option<IpAddr>,
    /// How its daemon is restarted.
    restart: Option<Restart>,
    /// The host has cgroup v2 alone.
    on_v2: bool,
    gone: bool,
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
    pub runtimes: Arc<OciRuntimes>,
    /// The image of each container, in order.
    pub images: Vec<ImageChoice>,
    /// Containers whose image was replaced.
    pub stand_ins: Vec<String>,
    /// How the daemon is restarted, if it may be.
    pub restart: Option<Restart>,
}

impl CriPod {
    /// Brings the sandbox up, and the first containers as far as they are not refused.
    ///
    /// # Errors
    /// The sandbox was refused, or the daemon failed. What was half started is gone again.
    pub fn start(
        ground: Ground<'_>,
        plan: &Plan,
        dir: &TrialDir,
        first: &[&str],
    ) -> Result<(CriPod, Vec<Refused>), RuntimeError> {
        let client = ground.client;
        let logs = dir.dir().join("logs");
        for container in &plan.containers {
            let folder = logs.join(&container.name);
            std::fs::create_dir_all(&folder)
                .map_err(|e| client.failed(format!("create the log folder {}", folder.display()), e))?;
        }
        let parent = cgroup_parent(dir, plan).map_err(|why| client.failed("place the Pod".to_owned(), why))?;
        let hierarchies = Hierarchies::detect().map_err(|e| client.failed("place the Pod".to_owned(), e))?;
        let on_v2 = hierarchies.mode() == Mode::V2;
        let mut config = translate::sandbox(plan, parent, &logs);
        if client.is_v1alpha2() {
            config = translate::for_v1alpha2(config);
        }
        let sandbox_id = run_sandbox(client, &config, ground.handler, plan)?;
        // From here on dropping it takes everything away again, without waiting for anybody.
        let mut pod = CriPod {
            client: Arc::clone(client),
            runtimes: ground.runtimes,
            plan: plan.clone(),
            logs,
            config,
            images: ground.images,
            sandbox_id,
            containers: Vec::new(),
            removed: BTreeMap::new(),
            attempts: BTreeMap::new(),
            members: Vec::new(),
            daemon: ground.daemon,
            stand_ins: ground.stand_ins,
            image_volumes: Vec::new(),
            address: None,
            restart: ground.restart,
            on_v2,
            gone: false,
        };
        let (sandbox, status) = member::sandbox(client, &pod.runtimes, &pod.sandbox_id)?;
        pod.members.push(sandbox);
        pod.address = status.network.and_then(|network| network.ip.parse().ok());
        pod.plan.put_in_later(pod.address);
        dir.write_hosts(plan, pod.address).map_err(|e| client.failed("bring the Pod up".to_owned(), e))?;
        let refused = pod.start_containers(dir, first)?;
        Ok((pod, refused))
    }

    /// Makes and starts a container; gives what the daemon said if it refused.
    fn start_container(&mut self, dir: &TrialDir, name: &str) -> Result<Option<String>, RuntimeError> {
        let action = format!("create the container {name}");
        let at = self.plan.containers.iter().position(|container| container.name == name);
        let found = at.and_then(|at| Some((self.plan.containers.get(at)?, self.images.get(at)?)));
        let Some((container, image)) = found else {
            return Err(self.client.failed(action, "the plan has none of that name"));
        };
        if let Some(says) = image.user.why_not_started(container) {
            return Ok(Some(says));
        }
        let sources = match self.restart {
            Some(_) => dir.sources_for_private(&self.plan, container),
            None => dir.sources(&self.plan, container),
        };
        let sources = sources.map_err(|e| self.client.failed(action.clone(), e))?;
        let target = container.target.as_deref().map(|name| self.container_id(name)).transpose()?.map(str::to_owned);
        let attempt = self.attempts.entry(name.to_owned()).and_modify(|attempt| *attempt += 1).or_default();
        let config = translate::with_profiles(
            translate::container(&self.plan, container, image, &sources, *attempt, self.on_v2),
            container,
            &dir.seccomp_profiles(),
            self.client.is_v1alpha2(),
        );
        let request = CreateContainerRequest {
            pod_sandbox_id: self.sandbox_id.clone(),
            config: Some(match target {
                Some(id) => translate::with_target(config, &id),
                None => config,
            }),
            sandbox_config: Some(self.config.clone()),
        };
        let id = match refusal(&self.client, self.client.call(request, &action, SLOW))? {
            Ok(answer) => answer.container_id,
            Err(says) => return Ok(Some(says)),
        };
        self.containers.push((name.to_owned(), id.clone()));
        let request = StartContainerRequest { container_id: id.clone() };
        let started = self.client.call(request, &format!("start the container {name}"), SLOW);
        if let Err(says) = refusal(&self.client, started)? {
            return Ok(Some(says));
        }
        self.members.retain(|member| member.name != name);
        if let Ok(member) = member::container(&self.client, name, &id)? {
            put(&mut self.members, member);
        }
        Ok(None)
    }

    /// Asks what the daemon has mounted for the volumes that a container's image declares.
    fn note_image_volumes(&mut self, name: &str) -> Result<(), RuntimeError> {
        self.image_volumes.retain(|volume| volume.container != name);
        let at = self.plan.containers.iter().position(|container| container.name == name);
        let Some(image) = at.and_then(|at| self.images.get(at)).filter(|image| !image.volumes.is_empty()) else {
            return Ok(());
        };
        let id = self.container_id(name)?;
        let request = ContainerStatusRequest { container_id: id.to_owned(), verbose: true };
        let answer = self.client.call(request, &format!("ask for the mounts of {name}"), QUICK)?;
        let mounts = member::own_mounts(&answer.info, id);
        let mounts = mounts.iter().map(|(target, source)| (target.as_str(), source.as_str()));
        self.image_volumes.extend(image_volume::of_container(name, &image.volumes, mounts));
        Ok(())
    }

    fn container_id(&self, container: &str) -> Result<&str, RuntimeError> {
        let found = self.containers.iter().find(|(name, _)| name == container);
        found.map(|(_, id)| id.as_str()).ok_or_else(|| {
            self.client.failed(format!("find the container {container}"), "the Pod has none of that name")
        })
    }

    fn take_away(&self, grace: Duration) -> Result<(), RuntimeError> {
        let stopped = self.stop_some(grace, |_| true);
        // Whatever failed so far, removing the sandbox is asked to end what is left; the first complaint is the one to tell.
        let removed = remove_sandbox(&self.client, &self.sandbox_id);
        stopped.and(removed)
    }

    fn stop_some(&self, grace: Duration, meant: impl Fn(&str) -> bool) -> Result<(), RuntimeError> {
        let seconds = i64::try_from(grace.as_secs()).unwrap_or(i64::MAX);
        let stops = self.containers.iter().filter(|(name, _)| meant(name)).map(|(name, id)| {
            (StopContainerRequest { container_id: id.clone(), timeout: seconds }, format!("stop the container {name}"))
        });
        let stopped = self.client.call_all(stops.collect(), grace.saturating_add(MARGIN));
        stopped.into_iter().try_for_each(|outcome| outcome.map(drop).map_err(RuntimeError::from))
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

    fn image_volumes(&self) -> &[ImageVolume] {
        &self.image_volumes
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
        let answer = self.client.call(request, &action, timeout.saturating_add(MARGIN));
        // The daemon's own deadline comes first: ours is there in case it hangs.
        let answer = answer.map_err(|error| CallError { seconds: seconds.unsigned_abs(), ..error })?;
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

    fn logs(&mut self, container: &str) -> Result<Logs, RuntimeError> {
        let attempt = self.attempts.get(container).copied().unwrap_or_default();
        let path = self.logs.join(translate::log_path(container, attempt));
        let read = std::fs::read(&path).map_err(|e| self.client.failed(format!("read {}", path.display()), e))?;
        Ok(log::read(&String::from_utf8_lossy(&read)))
    }

    fn start_containers(&mut self, dir: &TrialDir, names: &[&str]) -> Result<Vec<Refused>, RuntimeError> {
        let mut refused = Vec::new();
        for name in names {
            if let Some(says) = self.start_container(dir, name)? {
                refused.push(Refused { container: (*name).to_owned(), says });
            }
        }
        let mut ended = Vec::new();
        for member in self.members.iter().filter(|member| names.contains(&member.name.as_str())) {
            if let Err(error) = member::await_program(&self.client, &self.runtimes, member) {
                // It may have ended; on its way out it is neither alive nor gone.
                if !member.process.wait_end(Instant::now() + scaled(ENDING)) {
                    return Err(error);
                }
                ended.push(member.name.clone());
            }
        }
        self.members.retain(|member| !ended.contains(&member.name));
        for name in names.iter().filter(|name| !refused.iter().any(|other| other.container == **name)) {
            self.note_image_volumes(name)?;
        }
        Ok(refused)
    }

    fn resize(&mut self, container: &ContainerPlan) -> Result<Option<String>, RuntimeError> {
        let request = UpdateContainerResourcesRequest {
            container_id: self.container_id(&container.name)?.to_owned(),
            linux: Some(translate::resources(&container.resources, container.oom_score_adj, self.on_v2)),
        };
        let action = format!("resize the container {}", container.name);
        let refused = refusal(&self.client, self.client.call(request, &action, SLOW))?.err();
        if refused.is_none() {
            adopt(&mut self.plan, container);
        }
        Ok(refused)
    }

    fn restart_daemon(&mut self) -> Result<(), RuntimeError> {
        let action = "restart its daemon";
        let restart =
            self.restart.as_ref().ok_or_else(|| self.client.failed(action.to_owned(), "it is not podcheck's"))?;
        self.daemon = Some(restart.restart()?);
        self.client.await_answer()
    }

    fn stop_containers(&mut self, names: &[&str], grace: Duration) -> Result<(), RuntimeError> {
        self.stop_some(grace, |name| names.contains(&name))
    }

    fn remove_container(&mut self, name: &str) -> Result<(), RuntimeError> {
        self.members.retain(|member| member.name != name);
        // Asked again for what it has removed, a daemon is to say that all is well.
        let there = self.containers.iter().find(|(other, _)| other == name).map(|(_, id)| id);
        if let Some(id) = there.or_else(|| self.removed.get(name)).cloned() {
            let request = RemoveContainerRequest { container_id: id.clone() };
            self.client.call(request, &format!("remove the container {name}"), SLOW)?;
            self.removed.insert(name.to_owned(), id);
        }
        self.containers.retain(|(other, _)| other != name);
        Ok(())
    }

    fn stop(&mut self, grace: Duration) -> Result<(), RuntimeError> {
        if !self.gone {
            self.take_away(grace)?;
            self.gone = true;
        }
        Ok(())
    }
}

impl Drop for CriPod {
    fn drop(&mut self) {
        // Nobody is left to be told; what stays is found by the trial's own end and by sweep.
        let _ = self.stop(Duration::ZERO);
    }
}

/// The Pod's cgroup as a runtime is told it: one path, from where each hierarchy is mounted.
fn cgroup_parent(dir: &TrialDir, plan: &Plan) -> Result<String, String> {
    let parent = dir.cgroup(plan.cgroup_parent());
    let paths = dir.hierarchies().list().iter().map(|hierarchy| {
        let full = hierarchy.dir(&parent);
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
    let action = "run the sandbox";
    let outcome = client.call(request, action, SLOW);
    if outcome.as_ref().is_err_and(CallError::is_overdue) {
        // It may come up after all, and without its id only the label leads to it. The deadline is the error to tell.
        let filter = PodSandboxFilter { label_selector: BTreeMap::from([(POD_UID.to_owned(), plan.uid.clone())]) };
        let late = client.call(ListPodSandboxRequest { filter: Some(filter) }, "list sandboxes", QUICK);
        for sandbox in late.map(|list| list.items).unwrap_or_default() {
            let _ = remove_sandbox(client, &sandbox.id);
        }
    }
    refusal(client, outcome)?.map(|answer| answer.pod_sandbox_id).map_err(|says| RuntimeError::Refused {
        runtime: client.runtime().to_owned(),
        action: action.to_owned(),
        says,
    })
}

/// Stops and removes a sandbox and whatever is in it. No error if it is gone.
fn remove_sandbox(client: &Client, id: &str) -> Result<(), RuntimeError> {
    let stopped = client.call(StopPodSandboxRequest { pod_sandbox_id: id.to_owned() }, "stop the sandbox", SLOW);
    let removed = client.call(RemovePodSandboxRequest { pod_sandbox_id: id.to_owned() }, "remove the sandbox", SLOW);
    Ok(stopped.and(removed).map(drop)?)
}
