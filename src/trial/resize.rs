//! A container gets other resources while it runs, and every Pod is looked at again after the steps.

use super::host;
use super::live::{Live, Seen};
use crate::judge::{self, Check, Resized, StepContext};
use crate::plan::{self, Plan};
use crate::pod::Resources;

impl Live {
    /// Resizes a container as a kubelet does, and says whether it runs on.
    pub(super) fn resize(
        &mut self,
        context: &StepContext<'_>,
        name: &str,
        change: &Resources,
    ) -> Result<Vec<Check>, String> {
        let node = self.node.clone();
        let starts = self.life(name)?.starts;
        let (up, own_name) = self.find(name)?;
        let mut pod = up.pod.clone();
        let container = pod.spec.container_mut(own_name).ok_or_else(|| format!("no container is named {name}"))?;
        container.resources = container.resources.resized(change);
        let wanted = resized(&up.plan, &plan::plan(&pod, &node, &up.plan.uid), own_name)?;
        let refused = up.kubelet.resize(own_name, &wanted).map_err(|error| error.to_string())?;
        if let Some(says) = refused {
            up.resize_refused = true;
            return Ok(vec![judge::outcome(context, "resized", &format!("refused: {says}"), false)]);
        }
        (up.pod, up.plan) = (pod, wanted);
        up.resized.insert(own_name.to_owned(), starts);
        let runs = self.member(name)?.process.is_alive() && self.life(name)?.starts == starts;
        let state = self.reported()?.remove(name).unwrap_or_default().state;
        let seen = match (runs, state.as_str()) {
            (false, _) => "its process has ended".to_owned(),
            (true, state) => format!("the same process, {state}"),
        };
        Ok(vec![judge::outcome(context, "the same process, running", &seen, seen == "the same process, running")])
    }

    /// What holds every member after the steps, against what held it at `first` and the resizes since.
    pub(super) fn again(&self, first: &Seen, now: &Seen) -> Result<Vec<Check>, String> {
        let mut checks = Vec::new();
        for (up, (first, now)) in self.ups.iter().zip(first.each.iter().zip(&now.each)) {
            let host = host::caps(up.dir.cgroup_driver())?;
            let starts =
                |name: &str| up.kubelet.lives().iter().find(|life| life.name == name).map_or(0, |life| life.starts);
            let containers = up.resized.iter().map(|(name, then)| (name.clone(), starts(name) > *then)).collect();
            let resized = Resized {
                pod: &up.pod,
                node: &self.node,
                host: &host,
                containers: &containers,
                refused: up.resize_refused,
            };
            checks.extend(up.named(judge::again(first, now, &resized)));
        }
        Ok(checks)
    }
}

/// The plan of a Pod of which one container is resized: its own resources, and those of the cgroups above it, are those of
/// `fresh`. What else a new plan would say of the others no kubelet writes.
fn resized(plan: &Plan, fresh: &Plan, name: &str) -> Result<Plan, String> {
    if fresh.qos != plan.qos {
        return Err(format!("resizing {name} would change the Pod's QoS class, which an API server refuses"));
    }
    let mut plan = Plan { cgroups: fresh.cgroups.clone(), ..plan.clone() };
    let fresh = fresh.containers.iter().find(|container| container.name == name);
    let container = plan.containers.iter_mut().find(|container| container.name == name);
    let (container, fresh) = container.zip(fresh).ok_or_else(|| format!("no container is named {name}"))?;
    (container.resources, container.oom_score_adj) = (fresh.resources.clone(), fresh.oom_score_adj);
    Ok(plan)
}
