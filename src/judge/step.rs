//! What came of a step, against what a case says must come of it.

use super::{Check, Level, Outcome};
use crate::case::RunExpect;

/// What a check of a step belongs to.
#[derive(Clone, Copy, Debug)]
pub struct StepContext<'a> {
    /// Where: `steps[1]`.
    pub at: &'a str,
    /// The container.
    pub member: &'a str,
    /// Property that is shown.
    pub property: &'a str,
    /// The case's source.
    pub source: &'a str,
}

impl StepContext<'_> {
    fn check(&self, expected: String, seen: String, holds: bool) -> Check {
        Check {
            property: self.property.to_owned(),
            member: self.member.to_owned(),
            at: self.at.to_owned(),
            level: Level::Must,
            expected,
            seen,
            source: self.source.to_owned(),
            file: String::new(),
            place: String::new(),
            outcome: if holds { Outcome::Held } else { Outcome::Broken },
        }
    }
}

/// A command that ended.
#[derive(Clone, Copy, Debug)]
pub struct Ran<'a> {
    /// Exit status, 128 + signal for a killed one.
    pub exit_code: i32,
    /// Standard output.
    pub stdout: &'a str,
    /// Standard error.
    pub stderr: &'a str,
}

/// The reason of a container whose process was killed for want of memory.
pub const OOM_KILLED: &str = "OOMKilled";

/// A container whose init has ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// Exit status that the runtime reports.
    pub exit_code: Option<i32>,
    /// Reason that the runtime reports; empty for none.
    pub reason: &'a str,
    /// How many processes the kernel killed in its cgroup for want of memory, where that can still be read.
    pub oom_kills: Option<u64>,
}

/// A check of something that was waited for or done: what was expected and what was seen, for people.
pub fn outcome(context: &StepContext<'_>, expected: &str, seen: &str, holds: bool) -> Check {
    context.check(expected.to_owned(), seen.to_owned(), holds)
}

/// Judges a command run in a container.
pub fn run(context: &StepContext<'_>, expect: &RunExpect, ran: &Ran<'_>) -> Vec<Check> {
    let mut checks = vec![judge_exit(context, expect, ran)];
    let (stdout, stderr) = (ran.stdout.strip_suffix('\n').unwrap_or(ran.stdout), ran.stderr.trim_end());
    if let Some(wanted) = &expect.stdout {
        checks.push(context.check(format!("output {wanted:?}"), format!("output {}", short(stdout)), stdout == wanted));
    }
    for wanted in &expect.stdout_contains {
        let holds = stdout.contains(wanted);
        checks.push(context.check(format!("{wanted:?} in its output"), format!("output {}", short(stdout)), holds));
    }
    for unwanted in &expect.stdout_lacks {
        let holds = !stdout.contains(unwanted);
        checks.push(context.check(
            format!("no {unwanted:?} in its output"),
            format!("output {}", short(stdout)),
            holds,
        ));
    }
    for wanted in &expect.stderr_contains {
        let seen = format!("error output {}", short(stderr));
        checks.push(context.check(format!("{wanted:?} in its error output"), seen, stderr.contains(wanted)));
    }
    checks
}

fn judge_exit(context: &StepContext<'_>, expect: &RunExpect, ran: &Ran<'_>) -> Check {
    let holds = ran.exit_code == expect.exit_code;
    let mut seen = format!("exit {}", ran.exit_code);
    if !holds && let Some(last) = ran.stderr.trim_end().lines().last() {
        seen = format!("{seen}: {last}");
    }
    context.check(format!("exit {}", expect.exit_code), seen, holds)
}

/// A text as findings quote it, cut where it is long.
fn short(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Judges how a container ended.
pub fn ends(context: &StepContext<'_>, exit_code: i32, reason: Option<&str>, ended: &Ended<'_>) -> Vec<Check> {
    let seen = ended.exit_code.map_or_else(|| "no exit status".to_owned(), |code| format!("exit {code}"));
    let mut checks = vec![context.check(format!("exit {exit_code}"), seen, ended.exit_code == Some(exit_code))];
    if let Some(reason) = reason {
        let seen = if ended.reason.is_empty() { "no reason" } else { ended.reason };
        checks.push(context.check(format!("reason {reason}"), seen.to_owned(), ended.reason == reason));
        // A runtime may say so of anything that ended with 137; the kernel knows.
        if reason == OOM_KILLED {
            checks.push(judge_kills(context, ended.oom_kills));
        }
    }
    checks
}

fn judge_kills(context: &StepContext<'_>, kills: Option<u64>) -> Check {
    let seen =
        kills.map_or_else(|| "no count of them".to_owned(), |kills| format!("{kills} killed for want of memory"));
    let check = context.check("at least 1 killed for want of memory".to_owned(), seen, kills >= Some(1));
    match kills {
        Some(_) => check,
        None => Check { outcome: Outcome::Unobservable("memory-events".to_owned()), ..check },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: StepContext<'_> = StepContext { at: "steps[0]", member: "app", property: "L7", source: "" };

    fn broken(checks: &[Check]) -> Vec<&str> {
        checks.iter().filter(|c| c.outcome == Outcome::Broken).map(|c| c.seen.as_str()).collect()
    }

    #[test]
    fn a_command_is_judged_by_everything_that_is_said_of_it() {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let expect = RunExpect {
            exit_code: 0,
            stdout: Some("one\ntwo".to_owned()),
            stdout_contains: texts(&["one"]),
            stdout_lacks: texts(&["three"]),
            stderr_contains: texts(&["EPERM"]),
        };
        let good = Ran { exit_code: 0, stdout: "one\ntwo\n", stderr: "x: open: EPERM\n" };
        let checks = run(&CONTEXT, &expect, &good);
        assert_eq!((checks.len(), broken(&checks).len()), (5, 0));
        let bad = Ran { exit_code: 1, stdout: "three", stderr: "x: no\nx: open: EACCES\n" };
        let checks = run(&CONTEXT, &expect, &bad);
        assert_eq!(
            broken(&checks),
            [
                "exit 1: x: open: EACCES",
                "output \"three\"",
                "output \"three\"",
                "output \"three\"",
                "error output \"x: no\\nx: open: EACCES\""
            ]
        );
    }

    #[test]
    fn an_end_is_judged_by_status_reason_and_the_kernels_count() {
        let killed = Ended { exit_code: Some(137), reason: "OOMKilled", oom_kills: Some(1) };
        assert_eq!(ends(&CONTEXT, 137, Some("OOMKilled"), &killed).len(), 3);
        assert!(broken(&ends(&CONTEXT, 137, Some("OOMKilled"), &killed)).is_empty());
        let claimed = Ended { oom_kills: Some(0), ..killed };
        assert_eq!(broken(&ends(&CONTEXT, 137, Some("OOMKilled"), &claimed)), ["0 killed for want of memory"]);
        let gone = ends(&CONTEXT, 137, Some("OOMKilled"), &Ended { oom_kills: None, ..killed });
        assert_eq!(gone[2].outcome, Outcome::Unobservable("memory-events".to_owned()));
        let other = Ended { exit_code: None, reason: "", oom_kills: None };
        assert_eq!(broken(&ends(&CONTEXT, 0, Some("Completed"), &other)), ["no exit status", "no reason"]);
        assert!(broken(&ends(&CONTEXT, 137, None, &killed)).is_empty());
    }
}
