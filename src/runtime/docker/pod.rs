//! A Pod on Docker.

use super::Daemon;
use super::arguments::Common;
use super::client::{Client, SLOW, words};
use super::images::Images;
use super::inspect::{Inspected, inspect};
use super::{complaint, member, resolv};
use crate::host::{Process, TrialDir, poll_until, scaled};
use crate::plan::{ContainerPlan, Plan, Scope};
use crate::runtime::daemon::Ended;
use crate::runtime::image_volume;
use crate::runtime::{ExecOutput, ImageVolume, Logs, Member, Refused, Reported, RunningPod, RuntimeError, adopt, put};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The sandbox's name among the members.
const SANDBOX: &str = "sandbox";

/// The daemon knows by then that a process has ended.
const ENDING: Duration = Duration::from_secs(2);

/// A Pod that is up, or on its way there or back.
pub(super) struct DockerPod {
    daemon: Arc<Daemon>,
    /// The daemon's process.
    process: Option<Process>,
    common: Common,
    plan: Plan,
    members: Vec<Member>,
    /// Names of the plan's containers that were asked for, the sandbox not among them.
    containers: Vec<String>,
    /// Those of them that the daemon refused before it made anything of that name.
    unmade: Vec<String>,
    stand_ins: Vec<String>,
    /// Container → paths of the volumes that its image declares.
    declared: BTreeMap<String, Vec<String>>,
    image_volumes: Vec<ImageVolume>,
    address: Option<IpAddr>,
    stopped: bool,
}

impl DockerPod {
    /// Brings the sandbox up, and the first containers as far as they are not refused. After an error nothing of it is left:
    /// dropping it removes what was started.
    pub fn start(
        daemon: Arc<Daemon>,
        common: Common,
        plan: &Plan,
        dir: &TrialDir,
        first: &[&str],
    ) -> Result<(DockerPod, Vec<Refused>), RuntimeError> {
        let mut pod = DockerPod {
            process: daemon.process(),
            daemon,
            common,
            plan: plan.clone(),
            members: Vec::new(),
            containers: Vec::new(),
            unmade: Vec::new(),
            stand_ins: Vec::new(),
            declared: BTreeMap::new(),
            image_volumes: Vec::new(),
            address: None,
            stopped: false,
        };
        pod.start_sandbox(dir)?;
        let refused = pod.start_containers(dir, first)?;
        Ok((pod, refused))
    }

    fn start_sandbox(&mut self, dir: &TrialDir) -> Result<(), RuntimeError> {
        let action = "start the sandbox";
        let arguments = self.common.sandbox(&self.plan, &self.daemon.images.pause);
        if let Some(says) = self.client().refusal(action, &self.client().run(action, &arguments, SLOW)?)? {
            return Err(RuntimeError::Refused {
                runtime: self.client().runtime.clone(),
                action: action.to_owned(),
                says,
            });
        }
        let sandbox = self.inspect(action, &[SANDBOX.to_owned()])?;
        if self.plan.namespaces.network != Scope::Node {
            self.address = sandbox.first().and_then(Inspected::address);
        }
        self.plan.put_in_later(self.address);
        resolv::write(self.client(), &self.plan, &sandbox)?;
        dir.write_hosts(&self.plan, self.address).map_err(|error| self.client().failed(action, error))?;
        self.hold(SANDBOX, sandbox.first()).map(|_| ())
    }

    /// Runs a container; gives why it was refused if it was.
    fn start_container(&mut self, dir: &TrialDir, name: &str) -> Result<Option<Refused>, RuntimeError> {
        let action = format!("start the container {name}");
        let container = self.plan.containers.iter().find(|container| container.name == name);
        let container = container.ok_or_else(|| self.client().failed(&action, "the plan has none of that name"))?;
        let sources = match self.daemon.restart {
            Some(_) => dir.sources_for_private(&self.plan, container),
            None => dir.sources(&self.plan, container),
        };
        let sources = sources.map_err(|error| self.client().failed(&action, error))?;
        let choice = self.daemon.images.choose(self.client(), container)?;
        let stands_in = Images::stands_in(container, &choice);
        self.declared.insert(name.to_owned(), choice.volumes.clone());
        let arguments = self.common.container(&self.plan, container, &choice, &sources);
        if stands_in && !self.stand_ins.iter().any(|other| other == name) {
            self.stand_ins.push(name.to_owned());
        }
        if !self.containers.iter().any(|other| other == name) {
            self.containers.push(name.to_owned());
        }
        if let Some(says) = choice.user.why_not_started(container) {
            self.unmade.push(name.to_owned());
            return Ok(Some(Refused { container: name.to_owned(), says }));
        }
        let ended = self.client().run(&action, &arguments, SLOW)?;
        let says = self.client().refusal(&action, &ended)?;
        self.unmade.retain(|other| other != name);
        if says.is_some() && self.inspect(&action, &[name.to_owned()]).is_err() {
            self.unmade.push(name.to_owned());
        }
        Ok(says.map(|says| Refused { container: name.to_owned(), says }))
    }

    /// Holds a member's process, once it is the member's own program; false if it has ended already.
    fn hold(&mut self, name: &str, found: Option<&Inspected>) -> Result<bool, RuntimeError> {
        let action = format!("hold the process of {name}");
        let found = found.ok_or_else(|| self.client().failed(&action, "the daemon does not know it"))?;
        if found.has_exited() {
            return Ok(false);
        }
        match member::hold(name, found, self.daemon.oci.as_deref()) {
            Ok(member) => put(&mut self.members, member),
            Err(why) => {
                // It may have ended since the daemon was asked, which knows of it a moment later.
                let exited = poll_until(Instant::now() + scaled(ENDING), || {
                    let now = self.inspect(&action, &[name.to_owned()]);
                    now.is_ok_and(|now| now.first().is_some_and(Inspected::has_exited)).then_some(())
                });
                return exited.map(|()| false).ok_or_else(|| self.client().failed(&action, why));
            }
        }
        Ok(true)
    }

    fn inspect(&self, action: &str, members: &[String]) -> Result<Vec<Inspected>, RuntimeError> {
        if members.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = members.iter().map(|member| self.common.container_name(member)).collect();
        inspect(self.client(), action, &names)
    }

    fn client(&self) -> &Client {
        &self.daemon.client
    }

    /// The outcome of a removal. No error if what was to be removed is not there.
    fn gone(&self, action: &str, ended: &Ended) -> Result<(), RuntimeError> {
        if ended.code == 0 || complaint::found_nothing(ended) {
            return Ok(());
        }
        Err(self.client().failed(action, ended.complaint()))
    }

    /// Removes the containers and the sandbox, whatever they do. No error if they are gone.
    fn remove(&self) -> Result<(), RuntimeError> {
        let mut arguments = words(["rm", "--force", "--volumes"]);
        arguments.extend(self.containers.iter().map(|name| self.common.container_name(name)));
        // Last: the others are in its namespaces.
        arguments.push(self.common.container_name(SANDBOX));
        let action = "remove the Pod";
        let ended = self.client().run(action, &arguments, SLOW)?;
        self.gone(action, &ended)
    }
}

impl RunningPod for DockerPod {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn daemon(&self) -> Option<&Process> {
        self.process.as_ref()
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
        let mut arguments = words(["exec", &self.common.container_name(container)]);
        arguments.extend_from_slice(argv);
        let action = format!("run {} in {container}", argv.join(" "));
        let ended = self.client().run(&action, &arguments, timeout)?;
        if let Some(reason) = complaint::not_run(&ended) {
            return Err(self.client().failed(&action, reason));
        }
        Ok(ExecOutput { exit_code: ended.code, stdout: ended.stdout, stderr: ended.stderr })
    }

    fn reported(&mut self) -> Result<BTreeMap<String, Reported>, RuntimeError> {
        let made = self.containers.iter().filter(|name| !self.unmade.contains(name));
        let found = self.inspect("report on the containers", &made.cloned().collect::<Vec<_>>())?;
        let of = |name: &String| {
            let named = self.common.container_name(name);
            let found = found.iter().find(|container| container.name() == named)?;
            Some((name.clone(), found.reported()))
        };
        Ok(self.containers.iter().filter_map(of).collect())
    }

    fn logs(&mut self, container: &str) -> Result<Logs, RuntimeError> {
        let action = format!("read the log of {container}");
        let ended = self.client().run(&action, &words(["logs", &self.common.container_name(container)]), SLOW)?;
        match ended.code {
            0 => Ok(Logs { stdout: ended.stdout, stderr: ended.stderr, malformed: None }),
            _ => Err(self.client().failed(&action, ended.complaint())),
        }
    }

    fn start_containers(&mut self, dir: &TrialDir, names: &[&str]) -> Result<Vec<Refused>, RuntimeError> {
        let mut refused = Vec::new();
        let mut started = Vec::new();
        for name in names {
            match self.start_container(dir, name)? {
                Some(why) => refused.push(why),
                None => started.push((*name).to_owned()),
            }
        }
        let found = self.inspect("look at the containers", &started)?;
        if self.plan.namespaces.network == Scope::Node {
            // On the host's network each has a file of its own.
            resolv::write(self.client(), &self.plan, &found)?;
        }
        for name in started {
            let named = self.common.container_name(&name);
            self.members.retain(|member| member.name != name);
            let found = found.iter().find(|container| container.name() == named);
            self.hold(&name, found)?;
            self.image_volumes.retain(|volume| volume.container != name);
            let declared = self.declared.get(&name).map_or(&[][..], Vec::as_slice);
            let mounts = found.into_iter().flat_map(Inspected::volumes);
            self.image_volumes.extend(image_volume::of_container(&name, declared, mounts));
        }
        Ok(refused)
    }

    fn resize(&mut self, container: &ContainerPlan) -> Result<Option<String>, RuntimeError> {
        let action = format!("resize the container {}", container.name);
        let ended = self.client().run(&action, &self.common.update(container), SLOW)?;
        let refused = self.client().refusal(&action, &ended)?;
        if refused.is_none() {
            adopt(&mut self.plan, container);
        }
        Ok(refused)
    }

    fn restart_daemon(&mut self) -> Result<(), RuntimeError> {
        self.daemon.restart()?;
        self.process = self.daemon.process();
        Ok(())
    }

    fn stop_containers(&mut self, names: &[&str], grace: Duration) -> Result<(), RuntimeError> {
        let action = format!("stop {}", names.join(", "));
        let mut arguments = words(["stop", "-t", &grace.as_secs().to_string()]);
        arguments.extend(names.iter().map(|name| self.common.container_name(name)));
        let ended = self.client().run_within(&action, &arguments, grace + scaled(SLOW))?;
        if ended.code == 0 { Ok(()) } else { Err(self.client().failed(&action, ended.complaint())) }
    }

    fn remove_container(&mut self, name: &str) -> Result<(), RuntimeError> {
        self.members.retain(|member| member.name != name);
        let arguments = words(["rm", "--force", "--volumes", &self.common.container_name(name)]);
        let action = format!("remove the container {name}");
        let ended = self.client().run(&action, &arguments, SLOW)?;
        self.gone(&action, &ended)?;
        self.containers.retain(|other| other != name);
        Ok(())
    }

    fn stop(&mut self, grace: Duration) -> Result<(), RuntimeError> {
        if self.stopped {
            return Ok(());
        }
        if !grace.is_zero() && !self.containers.is_empty() {
            // What is not there or will not stop, the removal below reports.
            let mut arguments = words(["stop", "-t", &grace.as_secs().to_string()]);
            arguments.extend(self.containers.iter().map(|name| self.common.container_name(name)));
            let _ = self.client().run_within("stop the containers", &arguments, grace + scaled(SLOW))?;
        }
        self.remove()?;
        self.stopped = true;
        Ok(())
    }
}

impl Drop for DockerPod {
    fn drop(&mut self) {
        // Nobody is left to tell; the run's supervisor ends what would not go.
        let _ = self.stop(Duration::ZERO);
    }
}
