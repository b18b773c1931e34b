//! What a kubelet does with a runtime over time, the same for every runtime: order, restarts, resizing, ending.
//!
//! It acts when it is asked to look, and while something is waited for; nothing happens behind anybody's back. So a case sees
//! a container ended for as long as it likes, and a restart when it waits for one.

mod back_off;
mod decide;
mod hooks;
mod life;
mod mounts;
mod phase;
mod resize;

pub use life::{End, Life, Now};
pub use phase::Phase;

use crate::host::{TrialDir, scaled};
use crate::plan::{Plan, Role};
use crate::runtime::{Refused, Reported, RunningPod, Runtime, RuntimeError, Started};
use decide::Todo;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Init containers may take this long altogether, on a machine of ordinary speed.
const INITIALISED: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// How long a kubelet waits before it starts a container again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Before the second restart; doubled for each further one. A kubelet's is 10 s.
    pub back_off: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace { back_off: back_off::BASE }
    }
}

/// A Pod, and who sees to it.
pub struct Kubelet {
    pod: Box<dyn RunningPod>,
    dir: Arc<TrialDir>,
    plan: Plan,
    lives: Vec<Life>,
    /// It is being ended: nothing starts any more.
    ending: bool,
}

impl Kubelet {
    /// Brings a Pod up: the sandbox, the init containers one after the other, then the rest. Returns once every container of
    /// the Pod was started, or never will be; with `hold`, once that one was.
    ///
    /// # Errors
    /// The runtime failed, or the init containers took too long; then nothing is left. A container that ends or is refused is
    /// no error: [`Kubelet::lives`] says so.
    pub fn start(
        runtime: &dyn Runtime,
        plan: &Plan,
        dir: &Arc<TrialDir>,
        pace: Pace,
        hold: Option<&str>,
    ) -> Result<Kubelet, RuntimeError> {
        let mut lives: Vec<Life> = plan.containers.iter().map(|c| Life::new(&c.name, c.role, pace.back_off)).collect();
        let first = match decide::next(&lives, plan.restart_policy, Instant::now()) {
            Todo::Start(first) => first,
            Todo::StopSidecars | Todo::Wait(_) => Vec::new(),
        };
        let first = until_hook(plan, &first);
        let names = first.iter().map(|&at| &plan.containers[at]);
        let (names, unready) = mounts::ready(plan, dir, names);
        let Started { pod, mut refused } = runtime.start(plan, dir, &names)?;
        refused.extend(unready);
        note_started(&mut lives, first, refused);
        let mut kubelet = Kubelet { pod, dir: Arc::clone(dir), plan: plan.clone(), lives, ending: false };
        kubelet.after_start(first)?;
        kubelet.settle(hold)?;
        Ok(kubelet)
    }

    /// Goes on until every container was started once, none of them again.
    fn settle(&mut self, hold: Option<&str>) -> Result<(), RuntimeError> {
        let deadline = Instant::now() + scaled(INITIALISED);
        let up = |kubelet: &Kubelet| {
            let mut lives = kubelet.lives.iter();
            let mut last = kubelet.lives.iter().filter(|life| matches!(life.role, Role::App | Role::Ephemeral));
            last.all(|life| life.starts > 0)
                || phase::is_over(&kubelet.lives, kubelet.plan.restart_policy)
                || kubelet.phase() == Phase::Failed
                || hold.is_some_and(|hold| lives.any(|life| life.name == hold && life.starts > 0))
        };
        while !up(self) {
            if Instant::now() > deadline {
                return Err(self.overdue());
            }
            if let Some(error) = self.hopeless() {
                return Err(error);
            }
            self.look()?;
            if !self.act()? {
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }

    /// The init containers took too long; why the one that was tried last did not get through.
    fn overdue(&mut self) -> RuntimeError {
        let open = self.lives.iter().find(|life| life.role == Role::Init && !life.is_complete());
        let name = open.map_or_else(|| "an init container".to_owned(), |life| life.name.clone());
        RuntimeError::Deadline {
            runtime: "the Pod".to_owned(),
            action: format!("get past {name}"),
            seconds: scaled(INITIALISED).as_secs(),
            log: open.and_then(last_end).map_or_else(String::new, |why| format!(": {why}")),
        }
    }

    /// Why nothing comes of waiting any longer: an init container was refused as before when it was tried again.
    fn hopeless(&self) -> Option<RuntimeError> {
        let life = self.lives.iter().find(|life| life.role == Role::Init && is_refused_again(life))?;
        Some(RuntimeError::Failed {
            runtime: "the Pod".to_owned(),
            action: format!("get past {}", life.name),
            cause: last_end(life)?.into(),
        })
    }

    /// Does what is to be done by what was seen; false if there is nothing to do now.
    ///
    /// # Errors
    /// The runtime failed.
    pub fn act(&mut self) -> Result<bool, RuntimeError> {
        if self.ending {
            return Ok(false);
        }
        match decide::next(&self.lives, self.plan.restart_policy, Instant::now()) {
            Todo::Wait(_) => Ok(false),
            Todo::Start(which) => self.start_again(&which).map(|()| true),
            Todo::StopSidecars => self.stop_sidecars(self.grace()).map(|()| true),
        }
    }

    /// Ends the sidecars if the Pod's work is over; starts nothing.
    ///
    /// # Errors
    /// The runtime failed.
    pub fn wind_up(&mut self) -> Result<(), RuntimeError> {
        self.look()?;
        let over =
            !self.ending && decide::next(&self.lives, self.plan.restart_policy, Instant::now()) == Todo::StopSidecars;
        if over { self.stop_sidecars(self.grace()) } else { Ok(()) }
    }

    /// Takes note of containers that have ended. Where all held processes live there is nothing to ask the runtime.
    ///
    /// # Errors
    /// The runtime did not answer.
    pub fn look(&mut self) -> Result<(), RuntimeError> {
        let lives = |life: &Life| {
            let held = self.pod.members().iter().find(|member| member.name == life.name);
            held.is_some_and(|member| member.process.is_alive())
        };
        if self.lives.iter().all(|life| life.now != Now::Running || lives(life)) {
            return Ok(());
        }
        let reported = self.pod.reported()?;
        for life in self.lives.iter_mut().filter(|life| life.now == Now::Running) {
            if let Some(Reported { exit_code: Some(code), reason, .. }) = reported.get(&life.name) {
                life.ended(*code, reason.clone());
            }
        }
        Ok(())
    }

    fn start_again(&mut self, which: &[usize]) -> Result<(), RuntimeError> {
        let which = until_hook(&self.plan, which);
        for &at in which {
            let life = &mut self.lives[at];
            if life.starts > 0 {
                life.back_off_again();
                self.pod.remove_container(&life.name)?;
            }
        }
        let containers = which.iter().map(|&at| &self.plan.containers[at]);
        let (names, mut refused) = mounts::ready(&self.plan, &self.dir, containers);
        if !names.is_empty() {
            refused.extend(self.pod.start_containers(&self.dir, &names)?);
        }
        note_started(&mut self.lives, which, refused);
        self.after_start(which)
    }

    /// Acts until `done` or the deadline, and says whether it came to be.
    ///
    /// # Errors
    /// The runtime failed.
    pub fn wait(&mut self, deadline: Instant, done: impl Fn(&Kubelet) -> bool) -> Result<bool, RuntimeError> {
        loop {
            self.look()?;
            if done(self) {
                return Ok(true);
            }
            if Instant::now() > deadline {
                return Ok(false);
            }
            if !self.act()? {
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// The Pod's phase.
    pub fn phase(&self) -> Phase {
        phase::of(&self.lives, self.plan.restart_policy)
    }

    /// Each container's life so far, in the plan's order.
    pub fn lives(&self) -> &[Life] {
        &self.lives
    }

    /// The Pod as the runtime has it.
    pub fn pod(&self) -> &dyn RunningPod {
        self.pod.as_ref()
    }

    /// The Pod as the runtime has it, to run commands in it.
    pub fn pod_mut(&mut self) -> &mut dyn RunningPod {
        self.pod.as_mut()
    }

    /// What the runtime says of its containers, and what only a kubelet knows.
    ///
    /// # Errors
    /// The runtime did not answer.
    pub fn reported(&mut self) -> Result<BTreeMap<String, Reported>, RuntimeError> {
        let mut reported = self.pod.reported()?;
        for life in &self.lives {
            let status = reported.entry(life.name.clone()).or_default();
            status.restarts = life.starts.saturating_sub(1);
            match (life.now, life.ends.last()) {
                (Now::Waiting, _) => "waiting".clone_into(&mut status.state),
                (Now::Ended, Some(End { refused: Some(_), .. })) => "refused".clone_into(&mut status.state),
                _ => {}
            }
        }
        Ok(reported)
    }

    fn grace(&self) -> Duration {
        Duration::from_secs(self.plan.grace_period_seconds)
    }

    /// Ends one container, as a kubelet does whose Pod lives on.
    ///
    /// # Errors
    /// What would not go.
    pub fn stop_container(&mut self, name: &str, grace: Duration) -> Result<(), RuntimeError> {
        self.stop_named(&[name], grace)
    }

    /// Removes a container that has ended; one that is not there is no error.
    ///
    /// # Errors
    /// What would not go.
    pub fn remove_container(&mut self, name: &str) -> Result<(), RuntimeError> {
        self.pod.remove_container(name)
    }

    /// And ephemeral containers that are left: one after the other, the last first.
    fn stop_sidecars(&mut self, grace: Duration) -> Result<(), RuntimeError> {
        let end = Instant::now() + grace;
        let up = self.lives.iter().rev().filter(|life| life.attends() && life.now == Now::Running);
        let up: Vec<String> = up.map(|life| life.name.clone()).collect();
        for name in up {
            let left = end.saturating_duration_since(Instant::now());
            self.stop_named(&[&name], whole_seconds(left))?;
        }
        self.look()
    }

    /// Ends the Pod within its grace period: its containers, then the sidecars in reverse order, then the sandbox. A second
    /// call does nothing.
    ///
    /// # Errors
    /// What would not go.
    pub fn stop(&mut self) -> Result<(), RuntimeError> {
        let grace = self.grace();
        let sidecar = |life: &Life| life.role == Role::Sidecar && life.now == Now::Running;
        let hooks = self.plan.containers.iter().any(|container| container.pre_stop.is_some());
        if !hooks && !self.lives.iter().any(sidecar) {
            // Nothing is ordered, so the runtime does it all at once.
            return self.pod.stop(grace);
        }
        let stopped = self.end_containers(grace);
        let removed = self.pod.stop(Duration::ZERO);
        stopped.and(removed)
    }

    /// Ends what runs, as for a Pod that is deleted: its containers, then the sidecars in reverse order, all within `grace`.
    /// The sandbox stays, and nothing is started again.
    ///
    /// # Errors
    /// What would not end.
    pub fn end_containers(&mut self, grace: Duration) -> Result<(), RuntimeError> {
        self.ending = true;
        let end = Instant::now() + grace;
        let others = self.lives.iter().filter(|l| l.role != Role::Sidecar && l.now == Now::Running);
        let others: Vec<String> = others.map(|life| life.name.clone()).collect();
        let stopped = self.stop_named(&others.iter().map(String::as_str).collect::<Vec<_>>(), grace);
        let left = whole_seconds(end.saturating_duration_since(Instant::now()));
        stopped.and_then(|()| self.stop_sidecars(left))
    }
}

/// How a container ended last, or what was said against it.
fn last_end(life: &Life) -> Option<String> {
    let End { exit_code, reason, refused, .. } = life.ends.last()?;
    Some(match refused {
        Some(says) => format!("it did not start: {says}"),
        None => format!("it ended with exit status {exit_code} ({reason})"),
    })
}

/// Whether the last two tries of a container were refused with the same words.
fn is_refused_again(life: &Life) -> bool {
    match &life.ends[..] {
        [.., End { refused: Some(before), .. }, End { refused: Some(now), .. }] => before == now,
        _ => false,
    }
}

/// As many as may be started at once: what a container has done after its start is done before the next one starts.
fn until_hook<'a>(plan: &Plan, which: &'a [usize]) -> &'a [usize] {
    let hook = |at: &usize| plan.containers.get(*at).is_some_and(|container| container.post_start.is_some());
    let end = which.iter().position(hook).map_or(which.len(), |at| at + 1);
    which.get(..end).unwrap_or(which)
}

/// Runtimes count whole seconds.
fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX))
}

fn note_started(lives: &mut [Life], which: &[usize], refused: Vec<Refused>) {
    for &at in which {
        let life = &mut lives[at];
        let says = refused.iter().find(|refused| refused.container == life.name).map(|refused| refused.says.clone());
        life.started(says);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_init_container_that_is_refused_twice_with_the_same_words_is_given_up() {
        let mut life = Life::new("first", Role::Init, Duration::ZERO);
        assert_eq!((last_end(&life), is_refused_again(&life)), (None, false));
        life.started(Some("no such path".to_owned()));
        assert_eq!(last_end(&life).as_deref(), Some("it did not start: no such path"));
        assert!(!is_refused_again(&life));
        life.started(Some("another".to_owned()));
        assert!(!is_refused_again(&life));
        life.started(Some("another".to_owned()));
        assert!(is_refused_again(&life));
        life.started(None);
        life.ended(3, "Error".to_owned());
        assert!(!is_refused_again(&life));
        assert_eq!(last_end(&life).as_deref(), Some("it ended with exit status 3 (Error)"));
    }
}
