//! The Pod of a trial while it is up, and the one beside it where the case has two.

use super::beside::{merge, prefixed};
use super::remains::{self, Trace};
use super::sysctls::Asked;
use super::up::{ENDED, NotUp, READY, Stopped, Up, named_paths, naming, observe_up, subjects};
use super::{brief, exec};
use crate::case::Case;
use crate::facts::{self, Facts};
use crate::host::{self, Process, Run};
use crate::judge::{self, Check, Outcome as CheckOutcome};
use crate::kubelet::{Kubelet, Life, Pace, Phase};
use crate::node::Node;
use crate::observe::{self, OomKills, Readiness};
use crate::plan;
use crate::pod::Pod;
use crate::report::Record;
use crate::runtime::{ExecOutput, Logs, Member, Reported, Runtime, RuntimeError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// All Pods of a trial.
pub(super) struct Live {
    pub(super) ups: Vec<Up>,
    /// The machine the plan pretends.
    pub(super) node: Node,
    evidence: BTreeMap<String, String>,
    /// No container has run for longer.
    pub(super) since: Instant,
    /// The runtime's daemon is a private one, whose limits its containers inherit.
    pub(super) private: bool,
}

/// What was read of all Pods of a trial.
pub(super) struct Seen {
    /// As one document, members of the Pod beside under their prefix.
    pub(super) whole: Facts,
    /// Each Pod's own.
    pub(super) each: Vec<Facts>,
}

impl Live {
    /// Of no Pod.
    #[cfg(test)]
    pub(super) fn of_nothing() -> Live {
        let (evidence, since) = (BTreeMap::new(), Instant::now());
        Live { ups: Vec::new(), node: Node::default(), evidence, since, private: false }
    }

    /// Brings the case's Pod up, and the one beside it.
    pub(super) fn start(case: &Case, runtime: &dyn Runtime, run: &Arc<Run>, node: &Node) -> Result<Live, NotUp> {
        let mut live = Live {
            ups: Vec::new(),
            node: node.clone(),
            evidence: BTreeMap::new(),
            since: Instant::now(),
            private: false,
        };
        live.bring_up("", case, &case.pod, runtime, run, node)?;
        if let Some(pod) = &case.beside
            && let Err(error) = live.bring_up("beside/", case, pod, runtime, run, node)
        {
            let _ = live.stop();
            return Err(error);
        }
        Ok(live)
    }

    fn bring_up(
        &mut self,
        prefix: &'static str,
        case: &Case,
        pod: &Pod,
        runtime: &dyn Runtime,
        run: &Arc<Run>,
        node: &Node,
    ) -> Result<(), NotUp> {
        let since = observe::note_host().map_err(|error| NotUp::Failed(error.to_string()))?;
        let sysctls = Asked::before(pod).map_err(NotUp::Failed)?;
        let uid = pod.uid.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let mut plan = plan::plan(pod, node, &uid);
        let pace = case.back_off_ms.map_or_else(Pace::default, |ms| Pace { back_off: Duration::from_millis(ms) });
        let hold = case.look_while.as_deref().filter(|_| prefix.is_empty());
        if plan.network_files.dns_added.is_some() {
            let text = std::fs::read_to_string("/etc/resolv.conf");
            plan.add_to_resolv_conf(
                &text.map_err(|error| NotUp::Failed(format!("cannot read /etc/resolv.conf: {error}")))?,
            );
        }
        let dir = Arc::new(run.trial(runtime.cgroup_driver()).map_err(|error| NotUp::Failed(error.to_string()))?);
        let held = if case.is_plain() { brief::names(&plan) } else { Vec::new() };
        let prepared = dir.prepare(&plan).and_then(|()| brief::hold(&dir, &held));
        let started = prepared.map_err(|error| NotUp::Failed(error.to_string())).and_then(|()| {
            Kubelet::start(runtime, &plan, &dir, pace, hold).map_err(|error| match error {
                RuntimeError::Unavailable { reason, .. } => NotUp::Cannot(reason),
                error @ RuntimeError::Refused { .. } => NotUp::Refused { says: error.to_string(), left: Vec::new() },
                error => NotUp::Failed(error.to_string()),
            })
        });
        match started {
            Ok(kubelet) => {
                let (pod, run, resized) = (pod.clone(), Arc::clone(run), BTreeMap::new());
                let (resize_refused, paths) = (false, named_paths(&pod));
                let mut up =
                    Up { prefix, pod, plan, resized, resize_refused, kubelet, dir, run, sysctls, since, paths, held };
                brief::let_others_go(&mut up).map_err(NotUp::Failed)?;
                self.ups.push(up);
                Ok(())
            }
            Err(error) => match (dir.remove(), error) {
                (Ok(left), NotUp::Refused { says, .. }) => Err(NotUp::Refused { says, left }),
                (Ok(_), error) => Err(error),
                (Err(rest), error) => Err(NotUp::Failed(format!("{}; and {rest}", error.reason()))),
            },
        }
    }

    /// What the runtime made of images and commands.
    pub(super) fn describe(&self, record: &mut Record) {
        for up in &self.ups {
            for name in up.kubelet.pod().stand_ins() {
                let shown = format!("{}{name}", up.prefix);
                record.stand_ins.push(shown.clone());
                let Some(container) = up.plan.containers.iter().find(|c| c.name == *name) else { continue };
                let mut hooks = container.post_start.iter().chain(&container.pre_stop);
                if hooks.any(|hook| !container.stand_in_runs(hook)) {
                    record.left_out_hooks.push(shown.clone());
                }
                if container.stand_in_replaces_command {
                    record.replaced_commands.push(shown);
                }
            }
        }
    }

    /// Waits until every member has left its runtime's init and, where it is our payload, says that it is ready, and until
    /// what ended before it could be held is known to have ended.
    pub(super) fn await_ready(&mut self) -> Result<(), String> {
        for up in &mut self.ups {
            up.await_early_ends()?;
            for member in up.kubelet.pod().members() {
                let program = up.program_of(&member.name);
                let ready = || match observe::is_ready(&member.process, program) {
                    Readiness::Starting => None,
                    Readiness::Ready | Readiness::Gone => Some(()),
                };
                if host::poll_until(Instant::now() + host::scaled(READY), ready).is_none() {
                    let seconds = host::scaled(READY).as_secs();
                    return Err(format!("{}{} was not ready within {seconds} s", up.prefix, member.name));
                }
            }
        }
        Ok(())
    }

    /// Reads all Pods from the kernel.
    pub(super) fn observe(&mut self) -> Result<Seen, String> {
        let mut each = Vec::new();
        for up in &self.ups {
            let observation = observe_up(up, self.private)?;
            for (name, text) in &observation.evidence {
                self.evidence.insert(format!("{}{name}", up.prefix), text.clone());
            }
            up.sysctls.refuse_changes(&observation.host.changed)?;
            let mut facts = facts::normalise(&observation, &naming(up));
            up.sysctls.add(&mut facts, &subjects(up))?;
            each.push(facts);
        }
        let mut whole = each.first().cloned().ok_or("no Pod is up")?;
        for (up, facts) in self.ups.iter().zip(&each).skip(1) {
            merge(&mut whole, facts.clone(), up.prefix);
        }
        Ok(Seen { whole, each })
    }

    /// The contract, of each Pod by its own manifest. What podcheck itself made, as a kubelet would, proves nothing about
    /// a runtime: if that is not as it should be, the error says so.
    pub(super) fn contract(&self, node: &Node, seen: &Seen) -> Result<Vec<Check>, String> {
        let mut checks = Vec::new();
        for (up, facts) in self.ups.iter().zip(&seen.each) {
            let host = super::host::caps(up.dir.cgroup_driver())?;
            let ours = judge::ours(&up.pod, node, facts, &host);
            if let Some(wrong) = ours.iter().find(|check| check.outcome == CheckOutcome::Broken) {
                let Check { property, at, expected, seen, .. } = wrong;
                return Err(format!("podcheck's own {at} ({property}) is {seen} and should be {expected}"));
            }
            let unstarted = up.kubelet.lives().iter().filter(|life| !life.has_started());
            let unstarted = unstarted.map(|life| life.name.clone()).collect();
            let argv = up.plan.containers.iter().filter(|c| up.runs_payload(c));
            let argv: BTreeMap<String, Vec<String>> = argv.map(|c| (c.name.clone(), c.stand_in_argv.clone())).collect();
            let judged = judge::contract(&up.pod, node, facts, &host, &argv, &unstarted);
            checks.extend(up.named(judged));
        }
        Ok(checks)
    }

    /// Runs a command in a container, `beside/NAME` for the Pod beside, and judges the process that it ran in.
    pub(super) fn exec(
        &mut self,
        container: &str,
        argv: &[String],
        timeout: Duration,
    ) -> Result<(ExecOutput, Vec<Check>), String> {
        let (up, name) = self.find(container)?;
        let (output, seen) = exec::exec(up, name, argv, timeout)?;
        let checks = seen.map(|facts| judge::exec(&up.pod.spec, &facts, name, container));
        Ok((output, checks.unwrap_or_default()))
    }

    /// The member of that name.
    pub(super) fn member(&mut self, name: &str) -> Result<&Member, String> {
        let (up, own_name) = self.find(name)?;
        up.kubelet
            .pod()
            .members()
            .iter()
            .find(|m| m.name == own_name)
            .ok_or_else(|| format!("no member is named {name}"))
    }

    /// What the kernel killed for want of memory in a container, to be asked for while it lives.
    pub(super) fn oom_kills(&mut self, name: &str) -> Result<OomKills, String> {
        let (up, own_name) = self.find(name)?;
        let (own, others): (Vec<&Member>, _) = up.kubelet.pod().members().iter().partition(|m| m.name == own_name);
        let own = own.first().ok_or_else(|| format!("no member is named {name}"))?;
        let others: Vec<&Process> = others.iter().map(|member| &member.process).collect();
        Ok(OomKills::of(&own.process, &others, &up.pod_cgroup()))
    }

    /// What became of a container so far.
    pub(super) fn life(&mut self, name: &str) -> Result<&Life, String> {
        let (up, own_name) = self.find(name)?;
        let life = up.kubelet.lives().iter().find(|life| life.name == own_name);
        life.ok_or_else(|| format!("no container is named {name}"))
    }

    /// Cgroups in that of a container's Pod in which nothing runs and, as far as can be told, nothing did: more than there are
    /// containers that have ended.
    pub(super) fn empty_cgroups(&mut self, name: &str) -> Result<Vec<String>, String> {
        let (up, _) = self.find(name)?;
        up.kubelet.look().map_err(|error| error.to_string())?;
        let ended = up.kubelet.lives().iter().filter(|life| life.has_ended()).count();
        let none = || up.empty_cgroups().ok().filter(|left| left.len() <= ended);
        let gone = host::poll_until(Instant::now() + host::scaled(ENDED), none).is_some();
        Ok(if gone { Vec::new() } else { up.empty_cgroups()? })
    }

    /// Every container, under its prefix, and what became of it so far.
    pub(super) fn lives(&mut self) -> Result<Vec<(String, Life)>, String> {
        let mut lives = Vec::new();
        for up in &mut self.ups {
            up.kubelet.look().map_err(|error| error.to_string())?;
            lives.extend(up.kubelet.lives().iter().map(|life| (format!("{}{}", up.prefix, life.name), life.clone())));
        }
        Ok(lives)
    }

    /// Lets the Pod of a container go on until `done` of it or the deadline, and says whether it came to be.
    pub(super) fn wait(&mut self, name: &str, deadline: Instant, done: impl Fn(&Life) -> bool) -> Result<bool, String> {
        let (up, own_name) = self.find(name)?;
        let done = |kubelet: &Kubelet| kubelet.lives().iter().any(|life| life.name == own_name && done(life));
        up.kubelet.wait(deadline, done).map_err(|error| error.to_string())
    }

    /// Lets the Pod of a container do what is to be done now.
    pub(super) fn act(&mut self, name: &str) -> Result<(), String> {
        let (up, _) = self.find(name)?;
        up.kubelet.look().and_then(|()| up.kubelet.act()).map(drop).map_err(|error| error.to_string())
    }

    /// Lets the Pod of a container end its sidecars if their time has come.
    pub(super) fn wind_up(&mut self, name: &str) -> Result<(), String> {
        let (up, _) = self.find(name)?;
        up.kubelet.wind_up().map_err(|error| error.to_string())
    }

    /// Stops one container, as a kubelet does.
    pub(super) fn stop_container(&mut self, name: &str, grace: Duration) -> Result<(), String> {
        let (up, own_name) = self.find(name)?;
        up.kubelet.stop_container(own_name, grace).map_err(|error| error.to_string())
    }

    /// Removes a container that has ended, if it is there.
    pub(super) fn remove_container(&mut self, name: &str) -> Result<(), String> {
        let (up, own_name) = self.find(name)?;
        up.kubelet.remove_container(own_name).map_err(|error| error.to_string())
    }

    /// Ends the containers of the case's Pod, as when it is deleted.
    pub(super) fn end_containers(&mut self, grace: Duration) -> Result<(), String> {
        let up = self.ups.first_mut().ok_or("no Pod is up")?;
        up.kubelet.end_containers(grace).map_err(|error| error.to_string())
    }

    /// Text of a file in a volume of the case's Pod; empty if it is not there.
    pub(super) fn volume_file(&self, volume: &str, file: &str) -> Result<String, String> {
        let up = self.ups.first().ok_or("no Pod is up")?;
        up.dir.volume_file(&up.plan, volume, file).map_err(|error| error.to_string())
    }

    /// The log of a container, once it is this or at the deadline.
    pub(super) fn await_logs(
        &mut self,
        name: &str,
        deadline: Instant,
        stdout: &str,
        stderr: &str,
    ) -> Result<Logs, String> {
        let (up, own_name) = self.find(name)?;
        loop {
            let logs = up.kubelet.pod_mut().logs(own_name).map_err(|error| error.to_string())?;
            let there = logs.stdout.trim_end_matches('\n') == stdout && logs.stderr.trim_end_matches('\n') == stderr;
            if there || Instant::now() > deadline {
                return Ok(logs);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Phase of the case's Pod.
    pub(super) fn phase(&mut self) -> Result<Phase, String> {
        let up = self.ups.first_mut().ok_or("no Pod is up")?;
        up.kubelet.look().map_err(|error| error.to_string())?;
        Ok(up.kubelet.phase())
    }

    /// What the runtimes say of their containers.
    pub(super) fn reported(&mut self) -> Result<BTreeMap<String, Reported>, String> {
        let mut all = BTreeMap::new();
        for up in &mut self.ups {
            let reported = up.kubelet.reported().map_err(|error| error.to_string())?;
            all.extend(reported.into_iter().map(|(name, status)| (format!("{}{name}", up.prefix), status)));
        }
        Ok(all)
    }

    /// Pids and cgroup of each member, for `--keep`.
    pub(super) fn whereabouts(&self) -> String {
        let mut text = String::new();
        for up in &self.ups {
            text.push_str(&format!("Pod {} in {}, cgroup {}", up.plan.name, up.dir.dir().display(), up.pod_cgroup()));
            for member in up.kubelet.pod().members() {
                text.push_str(&format!("\n  {}{}: pid {}", up.prefix, member.name, member.process.pid()));
            }
        }
        text
    }

    /// The raw text that the last observation read, by file.
    pub(super) fn evidence(&self) -> BTreeMap<String, String> {
        self.evidence.clone()
    }

    /// Takes everything down, and looks for what is left. What would not go is an error.
    pub(super) fn stop(mut self) -> Result<Stopped, String> {
        let mut stopped = Stopped::default();
        let mut errors = Vec::new();
        for mut up in self.ups.drain(..).rev() {
            let trace = Trace::of(&up);
            if let Err(error) = up.kubelet.stop() {
                errors.push(error.to_string());
            }
            drop(up.kubelet);
            match trace.and_then(Trace::follow) {
                Ok(remains) => stopped.remains.append(prefixed(remains, up.prefix)),
                Err(error) => errors.push(error),
            }
            match up.dir.remove() {
                Ok(left) => {
                    stopped.remains.append(remains::of_left(&left));
                    stopped.left.extend(left);
                }
                Err(error) => errors.push(error.to_string()),
            }
        }
        if errors.is_empty() { Ok(stopped) } else { Err(errors.join("; ")) }
    }

    /// The Pod that a member is of, and its name in that.
    pub(super) fn find<'a>(&mut self, name: &'a str) -> Result<(&mut Up, &'a str), String> {
        let (prefix, own_name) = match name.strip_prefix("beside/") {
            Some(own_name) => ("beside/", own_name),
            None => ("", name),
        };
        let up =
            self.ups.iter_mut().find(|up| up.prefix == prefix).ok_or_else(|| format!("no Pod has a member {name}"))?;
        Ok((up, own_name))
    }
}
