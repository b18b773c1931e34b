//! A container that has ended although its manifest gives it every reason to run: F3; an init container that failed although
//! its program cannot: F1.

use super::{Check, Level, Outcome};

const STATES: &str = "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states";
const LOG: &str = "https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/";
const INIT: &str = "https://kubernetes.io/docs/concepts/workloads/pods/init-containers/";

/// Characters of a log's line that a finding shows.
const LONGEST_LINE: usize = 200;

/// What the manifest has a container's program do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant {
    /// It stays that long, in words: `until it is stopped`.
    Stays(String),
    /// It is an init container's, and succeeds.
    Succeeds,
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Exit status and reason, if the runtime says so.
    pub exit: Option<(i32, String)>,
    /// The last lines that it has printed.
    pub log: Vec<String>,
}

impl Seen {
    /// In words: `exited with status 1 (Error); its log ends: serve: listen on port 80: EACCES`.
    pub fn text(&self) -> String {
        let how = match &self.exit {
            Some((code, reason)) if reason.is_empty() => format!("exited with status {code}"),
            Some((code, reason)) => format!("exited with status {code} ({reason})"),
            None => "exited, and its runtime does not say how".to_owned(),
        };
        let lines: Vec<String> = self.log.iter().map(|line| short(line)).collect();
        if lines.is_empty() {
            format!("{how}; its log is empty")
        } else {
            format!("{how}; its log ends: {}", lines.join(" | "))
        }
    }
}

fn short(line: &str) -> String {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Exit statuses from here on are those of killed processes.
const BY_SIGNAL: i32 = 128;

/// Judges the end of a container whose program does its work and ends: by itself, with this status where it is known, and for
/// the reason that goes with it.
pub fn ended_by_itself(member: &str, status: Option<i32>, seen: &Seen) -> Check {
    let by_itself = |code: i32| status.map_or((0..BY_SIGNAL).contains(&code), |status| status == code);
    let holds = seen
        .exit
        .as_ref()
        .is_some_and(|(code, reason)| by_itself(*code) && reason == if *code == 0 { "Completed" } else { "Error" });
    let expected = match status {
        Some(status) => format!("its program ends with status {status}, and the reason that goes with it"),
        None => "its program ends by itself, and the reason goes with its status".to_owned(),
    };
    check(("F3", STATES), (member, "end"), expected, seen, holds)
}

/// Judges that a container waited to be looked at: it had no termination log that said so.
pub fn did_not_wait(member: &str, seen: &Seen) -> Check {
    let expected = "its program finds in its termination log that it is to wait".to_owned();
    check(("M12", LOG), (member, "state"), expected, seen, false)
}

/// The finding that a container has ended against what its manifest has it do.
pub fn ended(member: &str, meant: &Meant, seen: &Seen) -> Check {
    let (property, source, expected) = match meant {
        Meant::Stays(time) => ("F3", STATES, format!("running: its program stays {time}")),
        Meant::Succeeds => ("F1", INIT, "exited with status 0: its program succeeds".to_owned()),
    };
    check((property, source), (member, "state"), expected, seen, false)
}

fn check(rule: (&str, &str), (member, at): (&str, &str), expected: String, seen: &Seen, holds: bool) -> Check {
    Check {
        property: rule.0.to_owned(),
        member: member.to_owned(),
        at: at.to_owned(),
        level: Level::Must,
        expected,
        seen: seen.text(),
        source: rule.1.to_owned(),
        file: String::new(),
        place: String::new(),
        outcome: if holds { Outcome::Held } else { Outcome::Broken },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_shown_with_status_reason_and_log() {
        let lines = |list: &[&str]| list.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let seen = Seen { exit: Some((1, "Error".to_owned())), log: lines(&["starting", "serve: no"]) };
        assert_eq!(seen.text(), "exited with status 1 (Error); its log ends: starting | serve: no");
        let silent = Seen { exit: Some((137, String::new())), log: Vec::new() };
        assert_eq!(silent.text(), "exited with status 137; its log is empty");
        assert_eq!(Seen::default().text(), "exited, and its runtime does not say how; its log is empty");
        let long = Seen { exit: None, log: vec!["é".repeat(300)] };
        assert!(long.text().ends_with("é…") && long.text().chars().count() < 270);
    }

    #[test]
    fn an_end_against_the_manifest_is_a_finding() {
        let seen = Seen { exit: Some((2, "Error".to_owned())), log: Vec::new() };
        let check = ended("app", &Meant::Stays("until it is stopped".to_owned()), &seen);
        assert_eq!((check.property.as_str(), check.member.as_str(), &check.outcome), ("F3", "app", &Outcome::Broken));
        assert_eq!(check.expected, "running: its program stays until it is stopped");
        assert_eq!(ended("first", &Meant::Succeeds, &seen).property, "F1");
    }

    #[test]
    fn a_program_that_ends_does_so_by_itself() {
        for (status, exit, holds) in [
            (None, Some((0, "Completed")), true),
            (None, Some((1, "Error")), true),
            (None, Some((0, "Error")), false),
            (None, Some((1, "Completed")), false),
            (None, Some((137, "Error")), false),
            (None, None, false),
            (Some(0), Some((0, "Completed")), true),
            (Some(0), Some((1, "Error")), false),
            (Some(7), Some((7, "Error")), true),
        ] {
            let seen = Seen { exit: exit.map(|(code, reason)| (code, reason.to_owned())), log: Vec::new() };
            let outcome = ended_by_itself("job", status, &seen).outcome;
            assert_eq!(outcome == Outcome::Held, holds, "{status:?} {exit:?}");
        }
    }
}
