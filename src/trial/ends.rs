//! Containers that have ended though no step of the case awaits it: a finding where the manifest has them run, else an error,
//! since what has ended shows nothing of a Pod.

use super::brief;
use super::live::Live;
use super::up::Up;
use crate::case::{Case, Step};
use crate::facts::Facts;
use crate::host;
use crate::judge::{self, Check, EndSeen, Meant};
use crate::kubelet::{End, Life};
use crate::payload::{self, Lasting};
use crate::plan::{self, ContainerPlan, Role};
use crate::pod::RestartPolicy;
use serde_json::Value;
use std::time::{Duration, Instant};

/// A runtime may take this long from a container's end to saying how it ended, on a machine of ordinary speed.
const REPORTED: Duration = Duration::from_secs(2);

/// A runtime has written down by then what a container printed before it ended.
const LOGGED: Duration = Duration::from_millis(500);

/// Of a log so many lines are shown.
const LINES: usize = 3;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Judges what ended before the first observation. An error is a container of which nothing can be said.
pub(super) fn judge(case: &Case, live: &mut Live, facts: &Facts) -> Result<Vec<Check>, String> {
    let names: Vec<String> = live.lives()?.into_iter().map(|(name, _)| name).collect();
    let mut checks = Vec::new();
    for name in names.iter().filter(|name| !is_awaited(case, name)) {
        let life = live.life(name)?.clone();
        if let Some(End { refused: Some(says), .. }) = life.ends.last() {
            return Err(format!("{name} did not start: {says}"));
        }
        if !life.has_ended() && !is_gone(facts, name) {
            continue;
        }
        let life = reported(live, name)?;
        if life.role == Role::Init && life.is_complete() {
            continue;
        }
        let seen = EndSeen { exit: end_of(&life), log: last_lines(live, name)? };
        let since = live.since;
        let (up, own_name) = live.find(name)?;
        match meant(up, own_name, since) {
            Some(meant) => checks.push(judge::ended(name, &meant, &seen)),
            None if case.is_plain() && may_end_so(up, own_name, &life) => {
                checks.extend(by_end(up, own_name, name, &seen))
            }
            None => return Err(nothing_said(name, life.role, &seen)),
        }
    }
    Ok(checks)
}

/// Whether a container of a plain manifest may have ended as it has: its program is one of podcheck's that ends, or it is one
/// of somebody else's and the Pod's policy leaves it at that.
fn may_end_so(up: &Up, name: &str, life: &Life) -> bool {
    let Some(container) = up.plan.containers.iter().find(|container| container.name == name) else { return false };
    match (life.role, up.plan.restart_policy) {
        (Role::Init | Role::Sidecar, _) if !up.runs_payload(container) => false,
        (Role::Init, _) => false,
        _ if up.runs_payload(container) => payload::is_brief(&container.stand_in_argv),
        (_, RestartPolicy::Never) => life.has_ended(),
        (_, RestartPolicy::OnFailure) => life.is_complete(),
        (_, RestartPolicy::Always) => false,
    }
}

/// Judges a container of a plain manifest by its end alone. That one of podcheck's programs did not wait to be looked at is a
/// finding.
fn by_end(up: &Up, own_name: &str, name: &str, seen: &EndSeen) -> Vec<Check> {
    let Some(container) = up.plan.containers.iter().find(|container| container.name == own_name) else {
        return Vec::new();
    };
    if !up.runs_payload(container) {
        // What signals it sends itself is its own affair.
        let by_itself = seen.exit.as_ref().is_some_and(|(code, _)| *code < 128);
        return by_itself.then(|| judge::ended_by_itself(name, None, seen)).into_iter().collect();
    }
    let waits = up.held.iter().any(|held| held == own_name) && !brief::may_be_starved(container, seen);
    let of_sleep = payload::lasting(&container.stand_in_argv) != Lasting::Ends;
    let end = if of_sleep { None } else { brief::end(name, container, seen) };
    waits.then(|| judge::did_not_wait(name, seen)).into_iter().chain(end).collect()
}

/// Programs of the payload that end others, or have the kernel do so.
const ENDING: [&str; 5] = ["allocate", "fill", "huge", "kill", "pkill"];

/// Judges what has ended while steps were done, none of which ends anything.
pub(super) fn during(case: &Case, live: &mut Live) -> Result<Vec<Check>, String> {
    if case.steps.iter().any(may_end) {
        return Ok(Vec::new());
    }
    let mut checks = Vec::new();
    for (name, life) in live.lives()?.into_iter().filter(|(_, life)| life.has_started()) {
        if live.member(&name).is_ok_and(|member| member.process.is_alive()) {
            continue;
        }
        let life = if life.has_ended() { life } else { reported(live, &name)? };
        let seen = EndSeen { exit: end_of(&life), log: last_lines(live, &name)? };
        let since = live.since;
        let (up, own_name) = live.find(&name)?;
        let meant = meant(up, own_name, since).filter(|meant| matches!(meant, Meant::Stays(_)));
        checks.extend(meant.map(|meant| judge::ended(&name, &meant, &seen)));
    }
    Ok(checks)
}

/// Whether a step may bring a container's end about: the one that it is about, or any other.
fn may_end(step: &Step) -> bool {
    match step {
        Step::Run { argv, .. } => {
            argv.first().and_then(|command| payload::find(command)).is_none_or(|program| ENDING.contains(&program.name))
        }
        Step::Look(_)
        | Step::Starts { .. }
        | Step::Refused { .. }
        | Step::File { .. }
        | Step::Logs { .. }
        | Step::Phase { .. }
        | Step::Resize { .. } => false,
        _ => true,
    }
}

/// Whether a step of the case is about the end of a container.
fn is_awaited(case: &Case, name: &str) -> bool {
    case.steps.iter().any(|step| match step {
        Step::Ends { container, .. } | Step::Restarts { container, .. } | Step::Refused { container, .. } => {
            container == name
        }
        _ => false,
    })
}

fn is_gone(facts: &Facts, name: &str) -> bool {
    let state = facts.document.get("members").and_then(|members| members.get(name)?.get("state"));
    state.and_then(Value::as_str) == Some("exited")
}

/// The life of a container whose process has gone, once its runtime has noticed.
fn reported(live: &mut Live, name: &str) -> Result<Life, String> {
    let deadline = Instant::now() + host::scaled(REPORTED);
    loop {
        // Takes note of what has ended.
        live.lives()?;
        let life = live.life(name)?;
        if life.has_ended() || Instant::now() > deadline {
            return Ok(life.clone());
        }
        std::thread::sleep(PAUSE);
    }
}

fn end_of(life: &Life) -> Option<(i32, String)> {
    let end = life.ends.last().filter(|_| life.has_ended())?;
    Some((end.exit_code, end.reason.clone()))
}

/// The last lines that a container has printed: errors, or else its output.
fn last_lines(live: &mut Live, name: &str) -> Result<Vec<String>, String> {
    let (up, own_name) = live.find(name)?;
    let deadline = Instant::now() + host::scaled(LOGGED);
    loop {
        // What a finding shows beside the end: without it there is still the end.
        let Ok(logs) = up.kubelet.pod_mut().logs(own_name) else { return Ok(Vec::new()) };
        let text = if logs.stderr.trim().is_empty() { logs.stdout } else { logs.stderr };
        let lines: Vec<String> = text.trim_end().lines().map(str::to_owned).collect();
        if !lines.is_empty() || Instant::now() > deadline {
            return Ok(lines[lines.len().saturating_sub(LINES)..].to_vec());
        }
        std::thread::sleep(PAUSE);
    }
}

fn nothing_said(name: &str, role: Role, seen: &EndSeen) -> String {
    let text = seen.text();
    match (role, &seen.exit) {
        (Role::Init, _) => format!("the init container {name} failed: it {text}"),
        (_, Some((code, _))) => {
            let step = format!("steps: [{{ends: {name}, exit: {code}}}]");
            format!("{name} ended before it could be looked at: it {text}; if it shall, a case says so: {step}")
        }
        _ => format!("{name} ended before it could be looked at: it {text}"),
    }
}

/// What the manifest has a container do, where that is known: the program is podcheck's own, and nothing that the manifest
/// asks for ends it or makes it fail.
fn meant(up: &Up, name: &str, since: Instant) -> Option<Meant> {
    let container = up.plan.containers.iter().find(|container| container.name == name)?;
    // A hook that fails ends its container.
    if !up.runs_payload(container) || container.post_start.is_some() {
        return None;
    }
    if container.role == Role::Init {
        return succeeds(container).then_some(Meant::Succeeds);
    }
    match payload::lasting(&container.stand_in_argv) {
        Lasting::Ever(ports) => {
            let manifest = up.pod.spec.container(name)?;
            let listens = ports.iter().all(|port| plan::can_listen(&up.pod, manifest, *port));
            listens.then(|| Meant::Stays("until it is stopped".to_owned()))
        }
        Lasting::For(time) if time > since.elapsed() => Some(Meant::Stays(format!("for {} s", time.as_secs_f64()))),
        Lasting::For(_) | Lasting::Ends | Lasting::Unknown => None,
    }
}

fn succeeds(container: &ContainerPlan) -> bool {
    let [command] = &container.stand_in_argv[..] else { return false };
    payload::find(command).is_some_and(|program| program.name == "true")
}
