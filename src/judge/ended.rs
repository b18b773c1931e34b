//! A container that has ended although its manifest gives it every reason to run: F3; an init container that failed although
//! its program cannot: F1.

use super::{Check, Level, Outcome};

const STATES: &str = "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states";
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

/// The finding that a container has ended against what its manifest has it do.
pub fn ended(member: &str, meant: &Meant, seen: &Seen) -> Check {
    let (property, source, expected) = match meant {
        Meant::Stays(time) => ("F3", STATES, format!("running: its program stays {time}")),
        Meant::Succeeds => ("F1", INIT, "exited with status 0: its program succeeds".to_owned()),
    };
    Check {
        property: property.to_owned(),
        member: member.to_owned(),
        at: "state".to_owned(),
        level: Level::Must,
        expected,
        seen: seen.text(),
        source: source.to_owned(),
        file: String::new(),
        outcome: Outcome::Broken,
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
}
