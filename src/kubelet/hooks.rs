//! What a manifest has done in a container once it is started and before it is stopped.
//! Source: Kubernetes pkg/kubelet/kuberuntime (`startContainer`, `killContainer`) and pkg/kubelet/lifecycle/handlers.go.

use super::Kubelet;
use super::life::Now;
use crate::pod::Hook;
use crate::runtime::RuntimeError;
use std::time::{Duration, Instant};

/// A hook after the start may take this long on a machine of ordinary speed; a kubelet would wait for ever.
const STARTED: Duration = Duration::from_secs(60);
/// However long its hook took, a container has this time after its stop signal.
const LEAST: Duration = Duration::from_secs(2);
/// Between two looks at a container that a hook waits beside.
const PAUSE: Duration = Duration::from_millis(10);

impl Kubelet {
    /// Does what is to be done in containers that have just been started. One where that fails is stopped.
    pub(super) fn after_start(&mut self, which: &[usize]) -> Result<(), RuntimeError> {
        for &at in which {
            let Some(container) = self.plan.containers.get(at) else { continue };
            let (name, hook) = (container.name.clone(), container.post_start.clone());
            let Some(hook) = hook.filter(|hook| self.runs(&name, hook)) else { continue };
            if !self.lives.get(at).is_some_and(|life| life.now == Now::Running) || self.do_hook(&name, &hook, STARTED) {
                continue;
            }
            self.stop_named(&[&name], self.grace())?;
            self.look()?;
        }
        Ok(())
    }

    /// Stops containers, each after what is to be done before that, all within `grace`: those with nothing to be done first,
    /// the others one after the other.
    pub(super) fn stop_named(&mut self, names: &[&str], grace: Duration) -> Result<(), RuntimeError> {
        let end = Instant::now() + grace;
        let hook_of = |name: &str| {
            let container = self.plan.containers.iter().find(|container| container.name == name)?;
            container.pre_stop.clone().filter(|hook| !grace.is_zero() && self.is_up(name) && self.runs(name, hook))
        };
        let hooks: Vec<(&str, Option<Hook>)> = names.iter().map(|name| (*name, hook_of(name))).collect();
        let plain: Vec<&str> = hooks.iter().filter(|(_, hook)| hook.is_none()).map(|(name, _)| *name).collect();
        if !plain.is_empty() {
            self.pod.stop_containers(&plain, grace)?;
        }
        for (name, hook) in hooks {
            let Some(hook) = hook else { continue };
            // What came of it does not matter: the container is stopped either way.
            let _ = self.do_hook(name, &hook, end.saturating_duration_since(Instant::now()));
            let left = end.saturating_duration_since(Instant::now()).max(LEAST);
            self.pod.stop_containers(&[name], super::whole_seconds(left))?;
        }
        Ok(())
    }

    /// Whether a hook fits the container's image, and not only the one that the manifest names.
    fn runs(&self, name: &str, hook: &Hook) -> bool {
        let stands_in = self.pod.stand_ins().iter().any(|other| other == name);
        let container = self.plan.containers.iter().find(|container| container.name == name);
        !stands_in || container.is_some_and(|container| container.stand_in_runs(hook))
    }

    fn is_up(&self, name: &str) -> bool {
        self.pod.members().iter().any(|member| member.name == name && member.process.is_alive())
    }

    /// Whether it was done, and well.
    fn do_hook(&mut self, name: &str, hook: &Hook, within: Duration) -> bool {
        match hook {
            Hook::Exec(command) => self.pod.exec(name, command, within).is_ok_and(|output| output.exit_code == 0),
            Hook::Sleep(seconds) => {
                let end = Instant::now() + within.min(Duration::from_secs(*seconds));
                while Instant::now() < end && self.is_up(name) {
                    std::thread::sleep(PAUSE);
                }
                true
            }
        }
    }
}
