//! `podcheck inspect`: the facts of a Pod that somebody else started.

use super::args::{InspectArgs, InspectFormat};
use super::{Failure, Status, output};
use crate::host::Process;
use crate::report;
use crate::runtime::{Member, cri, docker, is_endpoint};
use crate::trial;

pub(super) fn inspect(args: &InspectArgs) -> Result<Status, Failure> {
    let (members, daemon) = if let Some(pod) = &args.cri {
        check_target("--cri", pod)?;
        let (pod, endpoint) = pod.split_once('@').unwrap_or((pod, cri::SYSTEM_ENDPOINT));
        let found = cri::find_pod(endpoint, pod).map_err(Failure::broken)?;
        (found.members, found.daemon)
    } else if !args.docker.is_empty() {
        args.docker.iter().try_for_each(|name| check_target("--docker", name))?;
        (docker::find_containers(&args.docker).map_err(Failure::broken)?, None)
    } else {
        (by_pid(&args.pids)?, None)
    };
    check_members(&members)?;
    let facts = trial::inspect(&members, daemon.as_ref()).map_err(Failure::broken)?;
    if members.iter().all(|member| has_ended(&facts.document, &member.name)) {
        let pids: Vec<String> = members.iter().map(|member| member.process.pid().to_string()).collect();
        return Err(Failure::usage(format!("there is nothing to look at: {} has ended", pids.join(", "))));
    }
    match args.format {
        InspectFormat::Pretty => {
            let title = members.first().map_or_else(String::new, |m| format!("{} (pid {})", m.name, m.process.pid()));
            output::print(&report::pod_tree(&title, &facts.document, output::style()))?;
        }
        InspectFormat::Json => output::print(&format!("{:#}\n", facts.document))?,
    }
    Ok(Status::Conforms)
}

/// A target is `NAME` or `NAME@ENDPOINT`.
fn check_target(option: &str, target: &str) -> Result<(), Failure> {
    let (name, endpoint) = target.split_once('@').unwrap_or((target, cri::SYSTEM_ENDPOINT));
    if name.trim().is_empty() || !is_endpoint(endpoint) {
        let usage = "a name, with @ and the address of a socket behind it where wanted, as foo@unix:///run/other.sock";
        return Err(Failure::usage(format!("{option} {target:?} names nothing: expected {usage}")));
    }
    Ok(())
}

/// Whether nothing can be seen of a member any more.
fn has_ended(facts: &serde_json::Value, member: &str) -> bool {
    let state = facts.get("members").and_then(|members| members.get(member)).and_then(|member| member.get("state"));
    state.and_then(serde_json::Value::as_str) != Some("running")
}

/// There is somebody to look at, and each has a name of its own.
fn check_members(members: &[Member]) -> Result<(), Failure> {
    if members.is_empty() {
        return Err(Failure::broken("there is no process to look at"));
    }
    for (index, member) in members.iter().enumerate() {
        if members[..index].iter().any(|other| other.name == member.name) {
            return Err(Failure::usage(format!("two processes are named {:?}", member.name)));
        }
    }
    Ok(())
}

/// `[NAME=]PID`: the first is the sandbox unless named, the others are called by their pid.
fn by_pid(texts: &[String]) -> Result<Vec<Member>, Failure> {
    let mut members: Vec<Member> = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let (name, pid) = match text.split_once('=') {
            Some((name, pid)) => (name.to_owned(), pid),
            None if index == 0 => ("sandbox".to_owned(), text.as_str()),
            None => (text.clone(), text.as_str()),
        };
        let pid: i32 =
            pid.parse().ok().filter(|pid| *pid > 0 && !name.is_empty()).ok_or_else(|| {
                Failure::usage(format!("{text:?} is no process: expected PID or NAME=PID, as app=4711"))
            })?;
        let process =
            Process::open(pid).map_err(|error| Failure::usage(format!("cannot look at process {pid}: {error}")))?;
        members.push(Member { name, process, id: String::new() });
    }
    Ok(members)
}
