//! Steps about a Pod's life.

use super::live::Live;
use crate::case::{Case, Step};
use crate::host;
use crate::judge::{self, Check, StepContext};
use crate::kubelet::Life;
use std::time::{Duration, Instant};

/// What is waited for may take this long, on a machine of ordinary speed.
const WITHIN: Duration = Duration::from_secs(30);

/// Beyond a grace period a runtime may take this long to end a container.
const SLACK: Duration = Duration::from_secs(8);

/// A runtime has written down by then what was printed.
const LOGGED: Duration = Duration::from_secs(5);

/// Does one of these steps and judges it. An error is the runtime's: nothing is said about the Pod then.
pub(super) fn step(case: &Case, live: &mut Live, step: &Step, at: &str) -> Result<Vec<Check>, String> {
    let deadline = Instant::now() + host::scaled(WITHIN);
    match step {
        Step::Restarts { container, count, property } => {
            // One that is not to come back was not started again by the time that its end is seen and acted on.
            live.wait(container, deadline, |life| life.starts > *count)?;
            if *count == 0 {
                live.act(container)?;
            }
            let seen = live.life(container)?.starts.saturating_sub(1);
            let context = context(case, at, container, property);
            Ok(vec![judge::outcome(
                &context,
                &format!("started again {count} times"),
                &seen.to_string(),
                seen == *count,
            )])
        }
        Step::Starts { container, property } => {
            let starts = live.wait(container, deadline, |life| life.starts > 0)?;
            live.await_ready()?;
            let seen = if starts { "started" } else { "not started" };
            Ok(vec![judge::outcome(&context(case, at, container, property), "started", seen, starts)])
        }
        Step::Refused { container, says, property } => {
            let life = live.life(container)?.clone();
            let mut checks = refused(&context(case, at, container, property), &life, says);
            let left = live.empty_cgroups(container)?;
            let seen = if left.is_empty() { "none".to_owned() } else { left.join(", ") };
            let context = StepContext { property: "F9", ..context(case, at, container, property) };
            checks.push(judge::outcome(&context, "no cgroup left of it", &seen, left.is_empty()));
            Ok(checks)
        }
        Step::Stop { container, grace_seconds, at_least_seconds } => {
            let grace = Duration::from_secs(*grace_seconds);
            let least = Duration::from_secs(*at_least_seconds);
            let begun = Instant::now();
            live.stop_container(container, grace)?;
            let took = begun.elapsed();
            let context = context(case, at, container, &None);
            let mut checks = vec![in_time(&context, grace, took)];
            if !least.is_zero() {
                let expected = format!("ended after {} s at the earliest", least.as_secs());
                checks.push(judge::outcome(&context, &expected, &after(took), took >= least));
            }
            Ok(checks)
        }
        Step::Remove { container } => live.remove_container(container).map(|()| Vec::new()),
        Step::Terminate { grace_seconds } => {
            let grace = Duration::from_secs(*grace_seconds);
            let begun = Instant::now();
            live.end_containers(grace)?;
            Ok(vec![in_time(&context(case, at, "", &None), grace, begun.elapsed())])
        }
        Step::File { volume, file, equals, property } => {
            let seen = live.volume_file(volume, file)?;
            let seen = seen.strip_suffix('\n').unwrap_or(&seen);
            let context = context(case, at, "", property);
            Ok(vec![judge::outcome(
                &context,
                &format!("{equals:?} in {volume}/{file}"),
                &format!("{seen:?}"),
                seen == equals,
            )])
        }
        Step::Logs { container, stdout, stderr, property } => {
            let logs = live.await_logs(container, Instant::now() + host::scaled(LOGGED), stdout, stderr)?;
            let context = context(case, at, container, property);
            let check = |stream: &str, wanted: &str, seen: &str| {
                let seen = seen.strip_suffix('\n').unwrap_or(seen);
                judge::outcome(&context, &format!("{stream} {wanted:?}"), &format!("{seen:?}"), seen == wanted)
            };
            let mut checks = vec![check("stdout", stdout, &logs.stdout), check("stderr", stderr, &logs.stderr)];
            if let Some(line) = &logs.malformed {
                checks.push(judge::outcome(&context, "every line in the format of CRI", &format!("{line:?}"), false));
            }
            Ok(checks)
        }
        Step::Resize { container, change, property } => {
            live.resize(&context(case, at, container, property), container, change)
        }
        Step::RestartDaemon { property } => live.restart_daemon(&context(case, at, "", property)),
        Step::Kill { member } => {
            let killed = live.member(member)?.process.signal(nix::sys::signal::Signal::SIGKILL);
            killed.map_err(|error| format!("cannot kill {member}: {error}"))?;
            if live.member(member)?.process.wait_end(deadline) {
                Ok(Vec::new())
            } else {
                Err(format!("{member} does not end"))
            }
        }
        Step::Phase { phase, property } => {
            let seen = live.phase()?;
            Ok(vec![judge::outcome(
                &context(case, at, "", property),
                &format!("phase {phase}"),
                &format!("phase {}", seen.as_str()),
                seen.as_str() == phase,
            )])
        }
        Step::Run { .. } | Step::Look(_) | Step::Ends { .. } => {
            Err(format!("podcheck does not know how to do {at}: it is no step about the life of a Pod"))
        }
    }
}

fn after(took: Duration) -> String {
    format!("after {:.1} s", took.as_secs_f64())
}

/// That a stop took no longer than its grace period and what a runtime needs besides.
fn in_time(context: &StepContext<'_>, grace: Duration, took: Duration) -> Check {
    let expected = format!("ended within {} s, and {} s for the runtime", grace.as_secs(), SLACK.as_secs());
    judge::outcome(context, &expected, &after(took), took <= grace + host::scaled(SLACK))
}

fn context<'a>(case: &'a Case, at: &'a str, member: &'a str, property: &'a Option<String>) -> StepContext<'a> {
    let default = case.shows.first().map_or("", String::as_str);
    StepContext { at, member, property: property.as_deref().unwrap_or(default), source: &case.source }
}

fn refused(context: &StepContext<'_>, life: &Life, says: &[String]) -> Vec<Check> {
    let complaint = life.ends.last().and_then(|end| end.refused.as_deref());
    let seen = complaint.map_or_else(|| "it started".to_owned(), |text| format!("refused: {text}"));
    let mut checks = vec![judge::outcome(context, "refused", &seen, complaint.is_some())];
    for wanted in says {
        let holds = complaint.is_some_and(|text| text.to_lowercase().contains(&wanted.to_lowercase()));
        checks.push(judge::outcome(context, &format!("{wanted:?} in what the runtime says"), &seen, holds));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::builtin;

    #[test]
    fn a_step_that_is_none_of_these_does_not_pass() {
        let cases = builtin().expect("the suite is good");
        let runs = |step: &&Step| matches!(step, Step::Run { .. });
        let (case, step) = cases.iter().find_map(|case| Some((case, case.steps.iter().find(runs)?))).expect("one runs");
        let said = super::step(case, &mut Live::of_nothing(), step, "steps[3]").expect_err("nobody has done it");
        assert!(said.contains("steps[3]"), "{said}");
    }
}
