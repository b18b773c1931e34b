//! What members are compared with on this host, and since when each of it is as it is: a host that changes while a Pod is up
//! is no fault of the Pod's.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

/// Text by name, with all that it was before.
#[derive(Debug, Default)]
pub struct History(BTreeMap<String, Vec<(Instant, String)>>);

/// Something of the host that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What it is.
    pub what: String,
    /// What it was, at first and in between.
    pub was: Vec<String>,
    /// What it is now.
    pub is: String,
}

impl History {
    /// One that has seen nothing.
    pub const fn new() -> History {
        History(BTreeMap::new())
    }

    /// Takes note of what something is now.
    pub fn note(&mut self, what: &str, text: &str) {
        let seen = self.0.entry(what.to_owned()).or_default();
        if seen.last().is_none_or(|(_, last)| last != text) {
            seen.push((Instant::now(), text.to_owned()));
        }
    }

    /// What something was when it was last looked at.
    pub fn latest(&self, what: &str) -> Option<&str> {
        self.0.get(what)?.last().map(|(_, text)| text.as_str())
    }

    /// What was seen to change at `since` or later. What is seen for the first time has not changed.
    pub fn changes(&self, since: Instant) -> Vec<Changed> {
        let changed = |(what, seen): (&String, &Vec<(Instant, String)>)| {
            let first = seen.iter().rposition(|(at, _)| *at < since).unwrap_or(0);
            let [was @ .., (_, is)] = &seen[first..] else { return None };
            let was: Vec<String> = was.iter().map(|(_, text)| text.clone()).collect();
            (!was.is_empty()).then(|| Changed { what: what.clone(), was, is: is.clone() })
        };
        self.0.iter().filter_map(changed).collect()
    }
}

impl Changed {
    /// Whether it is what new namespaces have of a sysctl.
    pub fn is_of_sysctl(&self, name: &str) -> bool {
        self.what == super::sysctls::of_new(name)
    }
}

/// `net.ipv4.ip_forward of new namespaces was 0, is 1`.
impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} was {}, is {}",
            self.what,
            self.was.iter().map(|text| shown(text)).collect::<Vec<_>>().join(", then "),
            shown(&self.is)
        )
    }
}

/// A short text as it stands, a long one or none in quotes.
fn shown(text: &str) -> String {
    const MOST: usize = 200;
    let cut = &text[..text.floor_char_boundary(MOST)];
    match text {
        "" => "empty".to_owned(),
        _ if cut.len() < text.len() => format!("{cut:?}…"),
        _ if text.contains(char::is_control) => format!("{text:?}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(history: &History, since: Instant) -> Vec<String> {
        history.changes(since).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_changes_while_a_pod_is_up_is_told_and_what_changed_before_is_not() {
        let mut history = History::default();
        let before = Instant::now();
        history.note("somaxconn", "128");
        history.note("/etc/hosts", "a\n");
        history.note("somaxconn", "128");
        assert_eq!(said(&history, before), [""; 0]);
        history.note("somaxconn", "256");
        assert_eq!(said(&history, before), ["somaxconn was 128, is 256"]);
        history.note("somaxconn", "128");
        assert_eq!(said(&history, before), ["somaxconn was 128, then 256, is 128"]);
        let after = Instant::now();
        assert_eq!(said(&history, after), [""; 0]);
        history.note("/etc/hosts", "");
        assert_eq!(said(&history, after), ["/etc/hosts was \"a\\n\", is empty"]);
        assert_eq!(history.latest("somaxconn"), Some("128"));
        assert_eq!(history.latest("nothing"), None);
    }

    #[test]
    fn a_long_text_is_cut() {
        let long = "é".repeat(500);
        assert!(shown(&long).ends_with('…') && shown(&long).len() < 250);
    }
}
