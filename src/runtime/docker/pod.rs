//! A Pod on Docker.

use super::Daemon;
use super::arguments::Common;
use super::client::{Client, QUICK, SLOW, words};
use super::images::Images;
use super::inspect::{Inspected, inspect};
use super::{member, resolv};
use crate::host::{HostError, Process, TrialDir, scaled};
use crate::plan::{ContainerPlan, Plan, Scope};
use crate::runtime::daemon::Ended;
use crate::runtime::{ExecOutput, Member, Reported, RunningPod, RuntimeError};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The sandbox's name among the members.
const SANDBOX: &str = "sandbox";

/// A Pod that is up, or on its way there or back.
pub(super) struct DockerPod {
    daemon: Arc<Daemon>,
    common: Common,
    grace_period: Duration,
    members: Vec<Member>,
    /// Names of the plan's containers that were asked for, the sandbox not among them.
    containers: Vec<String>,
    stand_ins: Vec<String>,
    address: Option<IpAddr>,
    stopped: bool,
}

impl DockerPod {
    /// Brings it up. After an error nothing of it is left: dropping it removes what was started.
    pub fn start(daemon: Arc<Daemon>, common: Common, plan: &Plan, dir: &TrialDir) -> Result<DockerPod, RuntimeError> {
        let mut pod = DockerPod {
            daemon,
            common,
            grace_period: Duration::from_secs(plan.grace_period_seconds),
            members: Vec::new(),
            containers: Vec::new(),
            stand_ins: Vec::new(),
            address: None,
            stopped: false,
        };
        match pod.bring_up(plan, dir) {
            Ok(()) => Ok(pod),
            Err(error) => {
                pod.grace_period = Duration::ZERO;
                Err(error)
            }
        }
    }

    fn bring_up(&mut self, plan: &Plan, dir: &TrialDir) -> Result<(), RuntimeError> {
        let action = "start the sandbox";
        self.client().read(action, &self.common.sandbox(plan, &self.daemon.images.pause), SLOW)?;
        let sandbox = self.inspect(action, &[SANDBOX.to_owned()])?;
        if plan.namespaces.network != Scope::Node {
            self.address = sandbox.first().and_then(Inspected::address);
        }
        resolv::write(self.client(), plan, &sandbox)?;
        dir.write_hosts(plan, self.address).map_err(|error| self.client().failed(action, &error.to_string()))?;
        self.hold(SANDBOX, sandbox.first())?;
        for container in &plan.containers {
            self.start_container(plan, container, dir)?;
        }
        let containers = self.inspect("look at the containers", &self.containers)?;
        if plan.namespaces.network == Scope::Node {
            // On the host's network each has a file of its own.
            resolv::write(self.client(), plan, &containers)?;
        }
        for name in self.containers.clone() {
            let named = self.common.container_name(&name);
            self.hold(&name, containers.iter().find(|container| container.name() == named))?;
        }
        Ok(())
    }

    fn start_container(&mut self, plan: &Plan, container: &ContainerPlan, dir: &TrialDir) -> Result<(), RuntimeError> {
        let choice = self.daemon.images.choose(self.client(), container)?;
        if Images::stands_in(container, &choice) {
            self.stand_ins.push(container.name.clone());
        }
        let failed = |error: HostError| self.client().failed("start the container", &error.to_string());
        let sources = dir.sources(plan, container).map_err(failed)?;
        let arguments = self.common.container(plan, container, &choice, &sources);
        self.containers.push(container.name.clone());
        self.client().read(&format!("start the container {}", container.name), &arguments, SLOW).map(|_| ())
    }

    /// Holds a member's process, once it is the member's own program.
    fn hold(&mut self, name: &str, found: Option<&Inspected>) -> Result<(), RuntimeError> {
        let action = format!("hold the process of {name}");
        let found = found.ok_or_else(|| self.client().failed(&action, "the daemon does not know it"))?;
        if found.state.pid <= 0 {
            return Err(self.client().failed(&action, &self.how_it_ended(name, found)));
        }
        let member = member::hold(name, found, self.daemon.oci.as_deref());
        self.members.push(member.map_err(|why| self.client().failed(&action, &why))?);
        Ok(())
    }

    fn how_it_ended(&self, name: &str, found: &Inspected) -> String {
        let name = self.common.container_name(name);
        let logs = self.client().run("read its output", &words(["logs", "--tail=5", &name]), QUICK);
        let said = logs.map(|logs| format!("{}{}", logs.stdout, logs.stderr)).unwrap_or_default();
        let said: String = said.lines().map(|line| format!("\n  {line}")).collect();
        format!("it is {} already, with exit status {}{said}", found.state.status, found.state.exit_code)
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

    /// Removes the containers and the sandbox, whatever they do. No error if they are gone.
    fn remove(&self) -> Result<(), RuntimeError> {
        let mut arguments = words(["rm", "--force", "--volumes"]);
        arguments.extend(self.containers.iter().map(|name| self.common.container_name(name)));
        // Last: the others are in its namespaces.
        arguments.push(self.common.container_name(SANDBOX));
        let action = "remove the Pod";
        let ended = self.client().run(action, &arguments, SLOW)?;
        let failed = |line: &&str| !line.trim().is_empty() && !line.contains("No such container");
        match ended.stderr.lines().find(failed) {
            Some(_) if ended.code != 0 => Err(self.client().failed(action, &ended.complaint())),
            _ => Ok(()),
        }
    }
}

impl RunningPod for DockerPod {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn daemon(&self) -> Option<&Process> {
        self.daemon.process.as_ref()
    }

    fn stand_ins(&self) -> &[String] {
        &self.stand_ins
    }

    fn address(&self) -> Option<IpAddr> {
        self.address
    }

    fn exec(&mut self, container: &str, argv: &[String], timeout: Duration) -> Result<ExecOutput, RuntimeError> {
        let mut arguments = words(["exec", &self.common.container_name(container)]);
        arguments.extend_from_slice(argv);
        let action = format!("run {} in {container}", argv.join(" "));
        let ended = self.client().run(&action, &arguments, timeout)?;
        if let Some(reason) = not_run(&ended) {
            return Err(self.client().failed(&action, &reason));
        }
        Ok(ExecOutput { exit_code: ended.code, stdout: ended.stdout, stderr: ended.stderr })
    }

    fn reported(&mut self) -> Result<BTreeMap<String, Reported>, RuntimeError> {
        let found = self.inspect("report on the containers", &self.containers)?;
        let of = |name: &String| {
            let named = self.common.container_name(name);
            let found = found.iter().find(|container| container.name() == named)?;
            Some((name.clone(), found.reported()))
        };
        Ok(self.containers.iter().filter_map(of).collect())
    }

    fn stop(&mut self) -> Result<(), RuntimeError> {
        if self.stopped {
            return Ok(());
        }
        if !self.grace_period.is_zero() && !self.containers.is_empty() {
            let mut arguments = words(["stop", "-t", &self.grace_period.as_secs().to_string()]);
            arguments.extend(self.containers.iter().map(|name| self.common.container_name(name)));
            // What is not there or will not stop, the removal below reports.
            let deadline = self.grace_period + scaled(SLOW);
            let _ = self.client().run_within("stop the containers", &arguments, deadline)?;
        }
        self.remove()?;
        self.stopped = true;
        Ok(())
    }
}

impl Drop for DockerPod {
    fn drop(&mut self) {
        // Nobody is left to tell; the run's supervisor ends what would not go.
        let _ = self.stop();
    }
}

/// Why `docker exec` did not run the command at all; `None` if the exit status is the command's own.
fn not_run(ended: &Ended) -> Option<String> {
    let daemons = |line: &str| line.starts_with("Error response from daemon:") || line.starts_with("Error: No such");
    match ended.code {
        1 if ended.stderr.lines().any(daemons) => Some(ended.complaint()),
        // Some versions say so where the command would have written.
        126 | 127 => [&ended.stderr, &ended.stdout]
            .into_iter()
            .find(|text| text.starts_with("OCI runtime exec failed"))
            .map(|text| text.trim().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: i32, stdout: &str, stderr: &str) -> Ended {
        Ended { code, stdout: stdout.to_owned(), stderr: stderr.to_owned() }
    }

    #[test]
    fn a_command_that_failed_is_told_from_one_that_never_ran() {
        assert_eq!(not_run(&ended(1, "", "touch: open /data/x: EROFS\n")), None);
        assert_eq!(not_run(&ended(127, "", "sh: nonesuch: not found\n")), None);
        let gone = "Error response from daemon: Container 1 is not running\n";
        assert_eq!(not_run(&ended(1, "", gone)).as_deref(), Some(gone.trim()));
        let missing = "OCI runtime exec failed: exec failed: executable file not found in $PATH: unknown\r\n";
        assert_eq!(not_run(&ended(126, missing, "")).as_deref(), Some(missing.trim()));
    }
}
