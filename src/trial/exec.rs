//! Runs a command in a container by the runtime's own exec. Where the container has the payload, the command's process is
//! held before it begins, looked at from the host beside the container's init, and let go.

use super::up::{Up, naming};
use crate::facts::{self, Facts};
use crate::host::{Newcomers, Process, scaled};
use crate::judge;
use crate::observe::{self, Scope, Subject};
use crate::payload;
use crate::runtime::ExecOutput;
use nix::sys::signal::Signal;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Between two looks for the process: a runtime takes 3 to 100 ms to start it.
const PAUSE: Duration = Duration::from_millis(1);

/// After which pids that were there before are looked at again: they may have gone to another process.
const ANEW: Duration = Duration::from_secs(2);

/// How a command ended, and what was seen of its process and its container's init; `None` where the container lacks the
/// payload.
pub(super) type Ran = (ExecOutput, Option<Facts>);

/// Runs it. An error is the runtime's or podcheck's own.
pub(super) fn exec(up: &mut Up, container: &str, argv: &[String], timeout: Duration) -> Result<Ran, String> {
    let of_plan = up.plan.containers.iter().find(|c| c.name == container);
    if !of_plan.is_some_and(|c| up.runs_payload(c)) {
        let output = up.kubelet.pod_mut().exec(container, argv, timeout).map_err(|error| error.to_string())?;
        return Ok((output, None));
    }
    let member = up.kubelet.pod().members().iter().find(|member| member.name == container);
    let member = member.ok_or_else(|| format!("{container} does not run"))?;
    let cannot = |error: std::io::Error| format!("cannot hold the processes of {container}: {error}");
    let init = member.process.again().map_err(cannot)?;
    let daemon = up.kubelet.pod().daemon().map(Process::again).transpose().map_err(cannot)?;
    let id = member.id.clone();
    let naming = naming(up);
    let word = unique(up.dir.tag());
    let held = [payload::HELD.to_owned(), word.clone()].into_iter().chain(argv.iter().cloned()).collect::<Vec<_>>();
    let newcomers = Newcomers::from_now().map_err(cannot)?;
    let over = AtomicBool::new(false);
    let look = || -> Result<Option<Facts>, String> {
        let Some(process) = find(&newcomers, &word, &over, Instant::now() + scaled(timeout)) else { return Ok(None) };
        let subjects = [(container, &init), (judge::EXEC, &process)];
        let subjects =
            subjects.map(|(name, process)| Subject { name, id: if name == container { &id } else { "" }, process });
        let scope = Scope { host: daemon.as_ref(), pod_cgroup: None, inherits: false, since: None };
        let seen = observe::beside(&subjects, &scope);
        let let_go = process.signal(Signal::SIGUSR1);
        let seen = seen.map_err(|error| error.to_string())?;
        let_go.map_err(|error| format!("cannot let {} go: {error}", process.describe()))?;
        Ok(Some(facts::normalise(&seen, &naming)))
    };
    let (output, seen) = std::thread::scope(|scope| {
        let looking = scope.spawn(look);
        let output = up.kubelet.pod_mut().exec(container, &held, timeout);
        over.store(true, Ordering::Relaxed);
        (output, looking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let output = output.map_err(|error| error.to_string())?;
    match seen? {
        Some(facts) => Ok((output, Some(facts))),
        None => {
            let said = output.stderr.trim();
            Err(format!(
                "{} in {container} was never seen from the host: exit {}: {said}",
                argv.join(" "),
                output.exit_code
            ))
        }
    }
}

/// The process that waits under that word.
fn find(newcomers: &Newcomers, word: &str, over: &AtomicBool, deadline: Instant) -> Option<Process> {
    let begun = Instant::now();
    let waits = |process: &Process| {
        let words = process.read("cmdline").unwrap_or_default();
        let mut words = words.split('\0');
        (words.next(), words.next()) == (Some(payload::HELD), Some(word))
            && process.read("comm").is_ok_and(|comm| comm.trim_end() == payload::ready_comm(payload::HELD))
    };
    while !over.load(Ordering::Relaxed) && Instant::now() < deadline {
        if let Some(found) = newcomers.find(begun.elapsed() > ANEW, waits) {
            return Some(found);
        }
        std::thread::sleep(PAUSE);
    }
    None
}

/// A word that no other exec on this host has.
fn unique(tag: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    format!("{tag}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
