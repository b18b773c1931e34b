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
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Between two looks for the process where it should be: a runtime takes 3 to 100 ms to start it.
const PAUSE: Duration = Duration::from_millis(1);

/// Between the first two looks at every process of the host, for one that is elsewhere; the pause doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// Between two of them later.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

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
    let (hierarchies, cgroup) = (up.dir.hierarchies(), up.pod_cgroup());
    let in_pod = || hierarchies.procs_of_one(&cgroup).map_err(|error| error.to_string());
    let over = AtomicBool::new(false);
    let look = || -> Result<Option<Facts>, String> {
        let deadline = Instant::now() + scaled(timeout);
        let Some(process) = find(in_pod, &newcomers, &word, &over, deadline)? else { return Ok(None) };
        let subjects = [(container, &init), (judge::EXEC, &process)];
        let subjects =
            subjects.map(|(name, process)| Subject::new(name, if name == container { &id } else { "" }, process));
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

/// The process that waits under that word: looked for in the Pod's cgroup, where it should be, and now and then everywhere.
fn find(
    in_pod: impl Fn() -> Result<BTreeSet<i32>, String>,
    newcomers: &Newcomers,
    word: &str,
    over: &AtomicBool,
    deadline: Instant,
) -> Result<Option<Process>, String> {
    let cannot = |error: std::io::Error| format!("cannot look for the process of an exec: {error}");
    let waits = |process: &Process| {
        let words = process.read("cmdline").unwrap_or_default();
        let mut words = words.split('\0');
        (words.next(), words.next()) == (Some(payload::HELD), Some(word))
            && process.read("comm").is_ok_and(|comm| comm.trim_end() == payload::ready_comm(payload::HELD))
    };
    let mut everywhere = Everywhere::after(Instant::now());
    while !over.load(Ordering::Relaxed) && Instant::now() < deadline {
        for pid in in_pod()? {
            if let Some(found) = Process::find(pid).map_err(cannot)?.filter(waits) {
                return Ok(Some(found));
            }
        }
        if everywhere.is_due(Instant::now())
            && let Some(found) = newcomers.find(everywhere.since() > ANEW, waits).map_err(cannot)?
        {
            return Ok(Some(found));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(None)
}

/// When every process of the host is looked at: there may be thousands.
struct Everywhere {
    begun: Instant,
    next: Instant,
    pause: Duration,
}

impl Everywhere {
    fn after(begun: Instant) -> Everywhere {
        Everywhere { begun, next: begun + FIRST_PAUSE, pause: FIRST_PAUSE }
    }

    /// Whether it is time, and then not again before the next pause is over.
    fn is_due(&mut self, now: Instant) -> bool {
        let due = now >= self.next;
        if due {
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            self.next = now + self.pause;
        }
        due
    }

    fn since(&self) -> Duration {
        self.begun.elapsed()
    }
}

/// A word that no other exec on this host has.
fn unique(tag: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    format!("{tag}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_host_is_not_searched_every_millisecond() {
        let begun = Instant::now();
        let mut everywhere = Everywhere::after(begun);
        let due = |ms: u64, everywhere: &mut Everywhere| everywhere.is_due(begun + Duration::from_millis(ms));
        let times: Vec<u64> = (0..3000).filter(|ms| due(*ms, &mut everywhere)).collect();
        assert_eq!(times, [20, 60, 140, 300, 620, 1120, 1620, 2120, 2620]);
    }

    #[test]
    fn a_process_is_found_where_it_should_be_without_a_look_at_the_others() {
        // A name of another program, which the kernel gives to whoever runs it.
        let dir = tempfile::tempdir().expect("a folder");
        let (looks, over) = (Cell::new(0), AtomicBool::new(false));
        let script = dir.path().join(payload::ready_comm(payload::HELD));
        std::os::unix::fs::symlink("/bin/sleep", &script).expect("a link");
        let mut command = std::process::Command::new(&script);
        std::os::unix::process::CommandExt::arg0(&mut command, payload::HELD);
        let mut child = command.arg("57.5").spawn().expect("there is a sleep");
        let pid = child.id().cast_signed();
        let in_pod = || {
            looks.set(looks.get() + 1);
            Ok(BTreeSet::from([pid]))
        };
        // It was there before, so that it is no newcomer.
        let newcomers = Newcomers::from_now().expect("/proc is there");
        let found = find(in_pod, &newcomers, "57.5", &over, Instant::now() + Duration::from_secs(60));
        child.kill().expect("it is ours");
        child.wait().expect("it ended");
        assert_eq!(found.expect("can be looked for").map(|process| process.pid()), Some(pid));
        assert!(looks.get() > 0);
    }
}
