//! `podcheck inspect`: the facts of a Pod that somebody else started.

use super::args::{InspectArgs, InspectFormat};
use super::{Failure, Status, output};
use crate::host::Process;
use crate::report;
use crate::runtime::{Member, cri, docker};
use crate::trial;

pub(super) fn inspect(args: &InspectArgs) -> Result<Status, Failure> {
    let (members, daemon) = if let Some(pod) = &args.cri {
        let (pod, endpoint) = pod.split_once('@').unwrap_or((pod, cri::SYSTEM_ENDPOINT));
        let found = cri::find_pod(endpoint, pod).map_err(Failure::broken)?;
        (found.members, found.daemon)
    } else if !args.docker.is_empty() {
        (docker::find_containers(&args.docker).map_err(Failure::broken)?, None)
    } else {
        (by_pid(&args.pids)?, None)
    };
    let facts = trial::inspect(&members, daemon.as_ref()).map_err(Failure::broken)?;
    match args.format {
        InspectFormat::Pretty => {
            let title = members.first().map_or_else(String::new, |m| format!("{} (pid {})", m.name, m.process.pid()));
            output::print(&report::pod_tree(&title, &facts.document, output::style()));
        }
        InspectFormat::Json => output::print(&format!("{:#}\n", facts.document)),
    }
    Ok(Status::Conforms)
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
            pid.parse().ok().filter(|pid| *pid > 0).ok_or_else(|| {
                Failure::usage(format!("{text:?} is no process: expected PID or NAME=PID, as app=4711"))
            })?;
        if members.iter().any(|member| member.name == name) {
            return Err(Failure::usage(format!("two processes are named {name:?}")));
        }
        let process =
            Process::open(pid).map_err(|error| Failure::usage(format!("cannot look at process {pid}: {error}")))?;
        members.push(Member { name, process, id: String::new() });
    }
    Ok(members)
}
