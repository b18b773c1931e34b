//! containerd through CRI, Kubernetes' own way to ask for a Pod: what a kubelet would send, sent by podcheck.
//!
//! No protobuf compiler takes part: the few messages are written out in `messages`.

mod call_error;
mod client;
mod endpoint;
mod find;
mod guest;
mod handler;
mod images;
mod inability;
mod log;
mod member;
mod messages;
mod pod;
mod refusal;
mod report;
mod translate;

pub use find::{FoundPod, find_pod};

use super::daemon::{Oci, Restart, Tenancy, find_program};
use super::{Runtime, RuntimeError, RuntimeName, Started};
use crate::host::{OciRuntimes, Process, Run, TrialDir};
use crate::node::CgroupDriver;
use crate::plan::Plan;
use client::{Client, QUICK};
use handler::Handler;
use images::Images;
use messages::{RuntimeCondition, StatusRequest};
use pod::{CriPod, Ground};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a containerd listens that came with the system.
pub const SYSTEM_ENDPOINT: &str = "unix:///run/containerd/containerd.sock";

/// containerd, private or running already.
pub struct CriRuntime {
    name: RuntimeName,
    client: Arc<Client>,
    socket: PathBuf,
    handler: String,
    driver: CgroupDriver,
    runtimes: Arc<OciRuntimes>,
    images: Images,
    versions: BTreeMap<String, String>,
    settings: BTreeMap<String, String>,
    /// How its daemon is restarted, if that is a private one.
    restart: Option<Restart>,
}

impl CriRuntime {
    /// Connects to the daemon that the name asks for, starting podcheck's own if it asks for none.
    ///
    /// # Errors
    /// [`RuntimeError::Unavailable`] where it is not installed, does not answer or is not ready for Pods.
    pub fn open(name: &RuntimeName, run: &Arc<Run>, tenancy: Tenancy) -> Result<CriRuntime, RuntimeError> {
        match &name.endpoint {
            None => CriRuntime::private(name, run, tenancy),
            Some(endpoint) => CriRuntime::guest(name, endpoint, run),
        }
    }

    fn private(name: &RuntimeName, run: &Arc<Run>, tenancy: Tenancy) -> Result<CriRuntime, RuntimeError> {
        let daemon = super::daemon::containerd(run, name.oci.as_deref(), tenancy)?;
        let (client, _) = Client::connect(&name.to_string(), &daemon.socket, Some(daemon.log))?;
        ready(&client)?;
        let client = Arc::new(client);
        let driver = name.driver.unwrap_or_default();
        let handler = match driver {
            CgroupDriver::Cgroupfs => daemon.handler,
            CgroupDriver::Systemd => daemon.systemd_handler,
        };
        Ok(CriRuntime {
            name: name.clone(),
            driver,
            images: Images::private(&client)?,
            client,
            socket: daemon.socket,
            handler,
            runtimes: Arc::new(runtimes(Some(daemon.oci))),
            versions: daemon.versions,
            settings: BTreeMap::new(),
            restart: Some(daemon.restart),
        })
    }

    fn guest(name: &RuntimeName, endpoint: &str, run: &Arc<Run>) -> Result<CriRuntime, RuntimeError> {
        let runtime = name.to_string();
        let socket = endpoint::socket(&runtime, endpoint)?;
        let (client, version) = Client::connect(&runtime, &socket, None)?;
        let config = ready(&client)?;
        let unavailable = |reason| RuntimeError::Unavailable { runtime: runtime.clone(), reason };
        let handler = handler::choose(&config, name.oci.as_deref()).map_err(unavailable)?;
        if let Some(wanted) = name.driver.filter(|wanted| *wanted != handler.driver) {
            let Handler { name, driver, .. } = handler;
            return Err(unavailable(format!("the cgroup driver of its handler {name} is {driver}, not {wanted}")));
        }
        let mut versions = BTreeMap::from([(version.runtime_name, version.runtime_version)]);
        // Where its binary is out of our sight, only its version is missing.
        let oci = Oci::resolve(&runtime, Some(&handler.binary)).ok();
        if let Some((oci, version)) = oci.as_ref().and_then(|oci| Some((oci, oci.version(&runtime)?))) {
            versions.insert(oci.label(), version);
        }
        let client = Arc::new(client);
        Ok(CriRuntime {
            name: name.clone(),
            images: Images::guest(&client, &socket, run)?,
            client,
            socket,
            driver: handler.driver,
            // The default is asked for by no name, as a kubelet does for a Pod without a RuntimeClass.
            handler: name.oci.as_ref().map(|_| handler.name).unwrap_or_default(),
            runtimes: Arc::new(runtimes(oci.map(|oci| oci.path))),
            versions,
            settings: settings(&config),
            restart: None,
        })
    }
}

impl Runtime for CriRuntime {
    fn name(&self) -> &RuntimeName {
        &self.name
    }

    fn versions(&self) -> BTreeMap<String, String> {
        self.versions.clone()
    }

    fn settings(&self) -> BTreeMap<String, String> {
        self.settings.clone()
    }

    fn daemon(&self) -> Option<Process> {
        endpoint::daemon(&self.socket)
    }

    fn cgroup_driver(&self) -> CgroupDriver {
        self.driver
    }

    fn start(&self, plan: &Plan, dir: &TrialDir, first: &[&str]) -> Result<Started, RuntimeError> {
        if plan.own_users {
            let reason = self.why_no_user_namespaces()?;
            return Err(RuntimeError::Unavailable { runtime: self.name.to_string(), reason });
        }
        let version = self.versions.get("containerd").map(String::as_str).unwrap_or_default();
        if let Some(reason) = inability::of_containerd(version, plan) {
            return Err(RuntimeError::Unavailable { runtime: self.client.runtime().to_owned(), reason });
        }
        let choices = self.images.choose(plan)?;
        let ground = Ground {
            client: &self.client,
            daemon: self.daemon(),
            handler: &self.handler,
            runtimes: Arc::clone(&self.runtimes),
            images: choices.images,
            stand_ins: choices.stand_ins,
            restart: self.restart.clone(),
        };
        let (pod, refused) = CriPod::start(ground, plan, dir, first)?;
        Ok(Started { pod: Box::new(pod), refused })
    }
}

impl CriRuntime {
    /// Why it can make no Pod with users of its own, by what its handler says of itself.
    fn why_no_user_namespaces(&self) -> Result<String, RuntimeError> {
        let status = self.client.call(StatusRequest { verbose: false }, "ask for its features", QUICK)?;
        let handler = status.runtime_handlers.iter().find(|handler| handler.name == self.handler);
        let can = handler.and_then(|handler| handler.features).is_some_and(|features| features.user_namespaces);
        let versions: Vec<String> = self.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let versions = versions.join(", ");
        Ok(match can {
            true => format!("podcheck does not ask a daemon for user namespaces yet, which {versions} can make"),
            false => format!(
                "hostUsers: false takes a daemon whose handler has user namespaces, and {versions} says of none"
            ),
        })
    }
}

/// What a daemon tells of its configuration that is another than podcheck's private one has.
fn settings(config: &serde_json::Value) -> BTreeMap<String, String> {
    // Name in the answer, name in the configuration.
    let told = config["disableHugetlbController"].as_bool();
    told.map(|told| ("disable_hugetlb_controller".to_owned(), told.to_string())).into_iter().collect()
}

/// The binaries of the OCI runtimes that Pods on this host may pass through.
fn runtimes(oci: Option<PathBuf>) -> OciRuntimes {
    OciRuntimes::at(["runc", "crun", "youki"].into_iter().filter_map(find_program).chain(oci))
}

/// Asks whether the daemon is ready for Pods and gives its configuration.
fn ready(client: &Client) -> Result<serde_json::Value, RuntimeError> {
    let status = client.call(StatusRequest { verbose: true }, "ask for its status", QUICK)?;
    let conditions = status.status.unwrap_or_default().conditions;
    // Newer daemons have further conditions, deprecated settings among them, that keep no Pod from running.
    let needed = |condition: &&RuntimeCondition| matches!(condition.kind.as_str(), "RuntimeReady" | "NetworkReady");
    if let Some(unmet) = conditions.iter().filter(needed).find(|condition| !condition.status) {
        let reason = format!("its daemon says {}: no ({}: {})", unmet.kind, unmet.reason, unmet.message);
        return Err(RuntimeError::Unavailable { runtime: client.runtime().to_owned(), reason });
    }
    let config = status.info.get("config").and_then(|config| serde_json::from_str(config).ok());
    Ok(config.unwrap_or_default())
}
