//! What a case does from inside, in order.

use super::life;
use super::live::Live;
use crate::case::{Case, Step};
use crate::host;
use crate::judge::{self, Check, Outcome, StepContext};
use crate::kubelet::{End, Life};
use crate::observe::OomKills;
use crate::runtime::Reported;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A command in a container may take this long, on a machine of ordinary speed.
const COMMAND: Duration = Duration::from_secs(30);

/// A container whose end is awaited may take this long to end, if the case does not say.
const END: Duration = Duration::from_secs(30);

/// A runtime may take this long from a container's end to its reason, on a machine of ordinary speed.
const REASON: Duration = Duration::from_secs(2);

/// While an end is awaited this often it is looked whether the Pod is over.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the steps and judges each. An error is the runtime's: nothing is said about the Pod then.
pub(super) fn run(case: &Case, live: &mut Live, checks: &mut Vec<Check>) -> Result<(), String> {
    let default = case.shows.first().map_or("", String::as_str);
    let mut kills = BTreeMap::new();
    for container in case.steps.iter().filter_map(oom_killed) {
        kills.insert(container, live.oom_kills(container)?);
    }
    // How many ends of each container steps have seen.
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, step) in case.steps.iter().enumerate() {
        let at = format!("steps[{index}]");
        let before = checks.len();
        match step {
            Step::Run { container, argv, expect, property } => {
                let (output, of_process) = live.exec(container, argv, COMMAND)?;
                // What is wrong with a container's exec is found once.
                checks.extend(of_process.into_iter().filter(|check| !is_found(checks, check)).collect::<Vec<_>>());
                let property = property.as_deref().unwrap_or(default);
                let ran = judge::Ran { exit_code: output.exit_code, stdout: &output.stdout, stderr: &output.stderr };
                let context = StepContext { at: &at, member: container, property, source: &case.source };
                checks.extend(judge::run(&context, expect, &ran));
            }
            Step::Look(expectation) => {
                let facts = live.observe()?.whole;
                let looked = judge::expectations(std::slice::from_ref(expectation), &facts, default, &case.source);
                checks.extend(looked.into_iter().map(|check| Check { at: format!("{at}: {}", check.at), ..check }));
            }
            Step::Ends { container, exit_code, reason, within_seconds, property } => {
                let seen = ends.entry(container.as_str()).or_default();
                let within = within_seconds.map_or(END, Duration::from_secs);
                let mut end = await_end(live, container, *seen, within, kills.get_mut(container.as_str()))?;
                *seen += 1;
                if let (Some(end), Some(judge::OOM_KILLED)) = (&mut end, reason.as_deref())
                    && is_latest(live.life(container)?, *seen)
                {
                    let deadline = Instant::now() + host::scaled(REASON);
                    await_kill(end, deadline, || Ok(live.reported()?.remove(container)))?;
                }
                let property = property.as_deref().unwrap_or(default);
                let oom_kills = kills.get(container.as_str()).and_then(OomKills::counted);
                let ended = judge::Ended {
                    exit_code: end.as_ref().map(|end| end.exit_code),
                    reason: end.as_ref().map_or("", |end| &end.reason),
                    oom_kills,
                };
                let context = StepContext { at: &at, member: container, property, source: &case.source };
                checks.extend(judge::ends(&context, *exit_code, reason.as_deref(), &ended));
            }
            step => checks.extend(life::step(case, live, step, &at)?),
        }
        let place = case.place(case.lines.steps.get(index));
        checks[before..].iter_mut().for_each(|check| check.place.clone_from(&place));
    }
    Ok(())
}

/// Whether the same was found before.
fn is_found(checks: &[Check], check: &Check) -> bool {
    let same = |found: &Check| found == &Check { place: found.place.clone(), ..check.clone() };
    check.outcome == Outcome::Broken && checks.iter().any(same)
}

/// The container whose end for want of memory a step awaits.
fn oom_killed(step: &Step) -> Option<&str> {
    match step {
        Step::Ends { container, reason: Some(reason), .. } if reason == judge::OOM_KILLED => Some(container),
        _ => None,
    }
}

/// Waits for an end of the container that no step has seen: until its init is gone from the kernel and its runtime has
/// noticed. That it never ends is a finding of the step, not an error: then there is none.
fn await_end(
    live: &mut Live,
    container: &str,
    seen: usize,
    within: Duration,
    kills: Option<&mut OomKills>,
) -> Result<Option<End>, String> {
    let deadline = Instant::now() + host::scaled(within);
    if live.life(container)?.ends.len() <= seen && live.member(container).is_ok() {
        while !live.member(container)?.process.wait_end(deadline.min(Instant::now() + LOOK)) {
            if Instant::now() > deadline {
                return Ok(None);
            }
            // A sidecar ends because the others did.
            live.wind_up(container)?;
        }
        // At once: its runtime is about to remove the cgroup that says so.
        kills.into_iter().for_each(|kills| kills.look(true));
    }
    live.wait(container, Instant::now() + host::scaled(END), |life| life.ends.len() > seen)?;
    Ok(live.life(container)?.ends.get(seen).cloned())
}

/// Whether the end of that number, from 1 on, is what the runtime reports now.
fn is_latest(life: &Life, number: usize) -> bool {
    life.has_ended() && life.ends.len() == number
}

/// Asks the runtime again until it knows that the container was killed for want of memory, or the deadline. containerd
/// learns of the exit and of the kill by two events that come in either order, and gives `Error` in between; a kubelet asks
/// anew at every sync.
fn await_kill(
    end: &mut End,
    deadline: Instant,
    mut ask: impl FnMut() -> Result<Option<Reported>, String>,
) -> Result<(), String> {
    if end.reason == judge::OOM_KILLED {
        return Ok(());
    }
    let look = || match ask() {
        Ok(Some(Reported { reason, .. })) if reason == judge::OOM_KILLED => Some(Ok(reason)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    };
    if let Some(reason) = host::poll_until(deadline, look).transpose()? {
        end.reason = reason;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason_after(first: &str, answers: &[&str], within: Duration) -> (String, usize) {
        let mut end = End { exit_code: 137, reason: first.to_owned(), refused: None, at: Instant::now() };
        let mut asked = 0;
        let ask = || {
            let reason = answers.get(asked).or(answers.last()).map(|reason| (*reason).to_owned());
            asked += 1;
            Ok(reason.map(|reason| Reported { exit_code: Some(137), reason, ..Reported::default() }))
        };
        await_kill(&mut end, Instant::now() + within, ask).unwrap();
        (end.reason, asked)
    }

    #[test]
    fn a_kill_that_is_reported_after_the_exit_counts() {
        let long = Duration::from_secs(60);
        assert_eq!(reason_after("OOMKilled", &["Error"], long), ("OOMKilled".to_owned(), 0));
        assert_eq!(reason_after("Error", &["Error", "Error", "OOMKilled"], long), ("OOMKilled".to_owned(), 3));
    }

    #[test]
    fn a_kill_that_is_never_reported_does_not() {
        assert_eq!(reason_after("Error", &["Error"], Duration::from_millis(5)).0, "Error");
        assert_eq!(reason_after("Error", &[], Duration::ZERO).0, "Error");
    }
}
