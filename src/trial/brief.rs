//! Containers of a plain manifest whose program does its work and ends: they wait until they have been looked at, and then
//! are judged by their end.

use super::live::Live;
use super::up::Up;
use crate::host::{self, HostError, TrialDir};
use crate::judge::{self, Check, EndSeen};
use crate::payload::{self, HOLD, Lasting};
use crate::plan::{ContainerPlan, MountSource, Plan, Role};
use std::time::{Duration, Instant};

/// A program that was let go may take this long to end, on a machine of ordinary speed.
const WITHIN: Duration = Duration::from_secs(20);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Names of the containers that are to wait: an init container is waited for by others, and what a hook runs would wait, too.
pub(super) fn names(plan: &Plan) -> Vec<String> {
    let waits = |container: &&ContainerPlan| {
        let log = |mount: &_| matches!(mount, MountSource::TerminationLog(_));
        container.role != Role::Init
            && container.post_start.is_none()
            && container.mounts.iter().any(|mount| log(&mount.source))
            && payload::is_brief(&container.stand_in_argv)
    };
    plan.containers.iter().filter(waits).map(|container| container.name.clone()).collect()
}

/// Has them wait, once they are started.
pub(super) fn hold(dir: &TrialDir, names: &[String]) -> Result<(), HostError> {
    names.iter().try_for_each(|name| dir.change_termination_log(name, "", HOLD))
}

/// Those that run an image of somebody else's do not wait.
pub(super) fn let_others_go(up: &mut Up) -> Result<(), String> {
    let ours = |name: &String| up.plan.containers.iter().any(|c| c.name == *name && up.runs_payload(c));
    let (held, others): (Vec<String>, Vec<String>) = up.held.iter().cloned().partition(ours);
    up.held = held;
    others.iter().try_for_each(|name| let_go(up, name))
}

fn let_go(up: &Up, name: &str) -> Result<(), String> {
    up.dir.change_termination_log(name, HOLD, "").map_err(|error| error.to_string())
}

/// Lets every container go that waits, and judges how each ends whose program does.
pub(super) fn judge(live: &mut Live) -> Result<Vec<Check>, String> {
    let mut waiting = Vec::new();
    for up in &live.ups {
        for name in &up.held {
            // One that did not wait has been judged by its end.
            let is_up = up.kubelet.pod().members().iter().any(|m| m.name == *name && m.process.is_alive());
            let_go(up, name)?;
            let container = up.plan.containers.iter().find(|container| container.name == *name);
            let container = container.filter(|c| is_up && payload::lasting(&c.stand_in_argv) == Lasting::Ends);
            waiting.extend(container.map(|container| (format!("{}{name}", up.prefix), container.clone())));
        }
    }
    let deadline = Instant::now() + host::scaled(WITHIN);
    let mut checks = Vec::new();
    for (name, container) in waiting {
        let life = loop {
            // Takes note of what has ended.
            live.lives()?;
            let life = live.life(&name)?.clone();
            if life.has_ended() || Instant::now() > deadline {
                break life;
            }
            std::thread::sleep(PAUSE);
        };
        let exit = life.ends.last().filter(|_| life.has_ended()).map(|end| (end.exit_code, end.reason.clone()));
        checks.extend(end(&name, &container, &EndSeen { exit, log: Vec::new() }));
    }
    Ok(checks)
}

/// Judges the end of a program that ends; nothing can be said of one that the kernel may have killed for want of memory.
pub(super) fn end(name: &str, container: &ContainerPlan, seen: &EndSeen) -> Option<Check> {
    if may_be_starved(container, seen) {
        return None;
    }
    let status = payload::exit_status(&container.stand_in_argv);
    Some(judge::ended_by_itself(name, status, seen))
}

/// Whether a container was killed that is held to a limit of memory.
pub(super) fn may_be_starved(container: &ContainerPlan, seen: &EndSeen) -> bool {
    const KILLED: i32 = 128 + 9;
    let killed = seen.exit.as_ref().is_some_and(|(code, _)| *code == KILLED);
    killed && container.resources.memory_limit_bytes.is_some()
}
