//! Docker, emulating a Pod with its command line.

mod arguments;
mod client;
mod complaint;
mod endpoint;
mod find;
mod images;
mod inspect;
mod leftover;
mod member;
mod pod;
mod resolv;

pub use find::find_containers;

use super::daemon::{self, DockerDaemon, Restart, Tenancy};
use super::version::is_from;
use super::{Runtime, RuntimeError, RuntimeName, Started};
use crate::host::{Process, Run, TrialDir};
use crate::node::CgroupDriver;
use crate::plan::{ContainerPlan, Plan};
use arguments::Common;
use client::Client;
use images::Images;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Docker as a runtime of Pods.
#[derive(Debug)]
pub struct DockerRuntime {
    name: RuntimeName,
    versions: BTreeMap<String, String>,
    daemon: Arc<Daemon>,
}

/// A dockerd and what is known of it; shared with the Pods on it.
#[derive(Debug)]
struct Daemon {
    client: Client,
    /// `None` where the daemon's process is out of sight; another one once it was restarted.
    process: Mutex<Option<Process>>,
    /// How it is restarted, if it is a private one.
    restart: Option<Restart>,
    /// Its name for the OCI runtime; `None` is its default.
    oci_name: Option<String>,
    /// The OCI runtime's binary, if known.
    oci: Option<PathBuf>,
    /// Who makes the cgroups of its containers.
    driver: CgroupDriver,
    /// The lowest oom_score_adj that it may give; `None` is any.
    lowest_oom_score: Option<i32>,
    images: Images,
    /// The run's id.
    run: String,
    /// Where the run's directory is.
    place: String,
}

impl DockerRuntime {
    /// Opens the private Docker of this run, starting it if it is not there yet, or the one at an endpoint.
    ///
    /// # Errors
    /// [`RuntimeError::Unavailable`] where it is not installed, not there or not usable, else what failed.
    pub fn open(name: &RuntimeName, run: &Arc<Run>, tenancy: Tenancy) -> Result<DockerRuntime, RuntimeError> {
        match &name.endpoint {
            Some(endpoint) => endpoint::open(name, endpoint, run),
            None => DockerRuntime::on(name, daemon::dockerd(run, name, tenancy)?, run),
        }
    }

    fn on(name: &RuntimeName, docker: DockerDaemon, run: &Run) -> Result<DockerRuntime, RuntimeError> {
        let client = Client {
            runtime: name.to_string(),
            host: docker.host,
            config: docker.client_config,
            log: Some(docker.log),
        };
        let images = Images::new(&client, true)?;
        let daemon = Daemon {
            lowest_oom_score: lowest_oom_score(&docker.process),
            client,
            process: Mutex::new(Some(docker.process)),
            restart: Some(docker.restart),
            oci_name: Some(docker.oci_name),
            oci: Some(docker.oci),
            driver: name.driver.unwrap_or_default(),
            images,
            run: run.id().to_owned(),
            place: run.place().to_owned(),
        };
        Ok(DockerRuntime { name: name.clone(), versions: docker.versions, daemon: Arc::new(daemon) })
    }
}

impl Runtime for DockerRuntime {
    fn name(&self) -> &RuntimeName {
        &self.name
    }

    fn versions(&self) -> BTreeMap<String, String> {
        self.versions.clone()
    }

    fn daemon(&self) -> Option<Process> {
        self.daemon.process()
    }

    fn cgroup_driver(&self) -> CgroupDriver {
        self.daemon.driver
    }

    fn start(&self, plan: &Plan, dir: &TrialDir, first: &[&str]) -> Result<Started, RuntimeError> {
        if let Some(reason) = self.why_not(plan) {
            return Err(self.daemon.client.unavailable(reason));
        }
        self.daemon.images.provide(&self.daemon.client, dir.dir())?;
        let parent = dir.cgroup(plan.cgroup_parent());
        // Docker takes a path, or with systemd's driver the name of a slice alone.
        let parent = match self.daemon.driver {
            CgroupDriver::Cgroupfs => parent,
            CgroupDriver::Systemd => parent.rsplit('/').next().unwrap_or_default().to_owned(),
        };
        let common = Common {
            tag: dir.id().to_owned(),
            run: self.daemon.run.clone(),
            place: self.daemon.place.clone(),
            oci: self.daemon.oci_name.clone(),
            cgroup_parent: parent,
            profiles: dir.seccomp_profiles(),
            read_only_within: self.makes_read_only_within(),
            lowest_oom_score: self.daemon.lowest_oom_score,
        };
        let (pod, refused) = pod::DockerPod::start(Arc::clone(&self.daemon), common, plan, dir, first)?;
        Ok(Started { pod: Box::new(pod), refused })
    }
}

impl DockerRuntime {
    /// Why this daemon cannot make such a Pod.
    fn why_not(&self, plan: &Plan) -> Option<String> {
        if plan.own_users {
            return Some("Docker remaps users for a whole daemon (userns-remap), not for one Pod".to_owned());
        }
        self.why_not_read_only(plan).or_else(|| self.why_not_all_capabilities(plan))
    }

    /// Docker's read-only mounts are recursive from 25.0 on: <https://github.com/moby/moby/pull/45278>.
    fn makes_read_only_within(&self) -> bool {
        self.versions().get("docker").is_some_and(|version| is_from((25, 0), version))
    }

    fn why_not_read_only(&self, plan: &Plan) -> Option<String> {
        (plan.needs_recursive_read_only() && !self.makes_read_only_within()).then(|| {
            let version = self.versions().remove("docker").unwrap_or_default();
            format!("Docker makes mounts recursively read-only from 25.0 on, this is {version}")
        })
    }

    /// Docker gives a privileged container every capability that the kernel knows, where other runtimes give those that they
    /// have.
    fn why_not_all_capabilities(&self, plan: &Plan) -> Option<String> {
        let all = |c: &ContainerPlan| c.privileged || c.capabilities_add.iter().any(|name| name == "ALL");
        let container = plan.containers.iter().find(|c| all(c))?;
        let status = self.daemon.process()?.read("status").ok()?;
        let last = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap").ok()?.trim().parse().ok()?;
        let lacking = (0..=last).find(|bit| !daemon::has_capability(&status, *bit))?;
        let name = &container.name;
        Some(format!("Docker gives {name} every capability there is, and its daemon here lacks number {lacking}"))
    }
}

impl Daemon {
    /// Its process as it is now.
    fn process(&self) -> Option<Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.again().ok()
    }

    /// Ends it and starts it again.
    fn restart(&self) -> Result<(), RuntimeError> {
        let action = "restart its daemon";
        let restart = self.restart.as_ref().ok_or_else(|| self.client.failed(action, "it is not podcheck's"))?;
        let process = restart.restart()?;
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.images.give_back(&self.client);
    }
}

/// The daemon's own score where it lacks CAP_SYS_RESOURCE: a lower one the kernel refuses to it, and with that the whole
/// container fails. containerd's `restrict_oom_score_adj` goes by the same rule.
fn lowest_oom_score(daemon: &Process) -> Option<i32> {
    let status = daemon.read("status").unwrap_or_default();
    if daemon::has_capability(&status, daemon::CAP_SYS_RESOURCE) {
        return None;
    }
    Some(daemon.read("oom_score_adj").ok().and_then(|score| score.trim().parse().ok()).unwrap_or(0))
}
