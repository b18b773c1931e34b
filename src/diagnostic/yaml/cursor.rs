//! Reading a tree: a node with its path and the collector of faults.

use super::node::{Kind, Mark, Node};
use crate::diagnostic::{Diagnostic, Location, nearest};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Nobody reads more; and a hostile file should not grow into gigabytes of complaints.
const MOST_FAULTS: usize = 100;

/// Collects the faults of one file.
#[derive(Debug)]
pub struct Faults {
    file: PathBuf,
    lines: Rc<[String]>,
    found: RefCell<Vec<Diagnostic>>,
}

impl Faults {
    /// For the file of that text.
    pub fn new(text: &str, file: &Path) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().map(str::to_owned).collect();
        Faults { file: file.to_owned(), lines, found: RefCell::new(Vec::new()) }
    }

    /// An empty collector for the same file.
    pub fn of_same_file(&self) -> Faults {
        Faults { file: self.file.clone(), lines: Rc::clone(&self.lines), found: RefCell::default() }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Makes a fault without adding it.
    pub fn make(&self, at: Mark, field: &str, message: impl Into<String>, help: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic {
            at: Location { file: self.file.clone(), line: at.line, column: at.column },
            field: field.to_owned(),
            message: message.into(),
            help: help.into(),
            source_line: self.lines.get(at.line.saturating_sub(1)).cloned().unwrap_or_default(),
            width: at.width,
        })
    }

    /// Adds a fault, unless there are a hundred already.
    pub fn add(&self, at: Mark, field: &str, message: impl Into<String>, help: impl Into<String>) {
        let mut found = self.found.borrow_mut();
        if found.len() >= MOST_FAULTS {
            return;
        }
        let fault = self.make(at, field, message, help);
        // Rows and aliases read one place several times.
        if !found.contains(&fault) {
            found.push(*fault);
        }
    }

    /// Whether nothing was found so far.
    pub fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// What was found, in the order of the file.
    pub fn into_vec(self) -> Vec<Diagnostic> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|fault| (fault.at.line, fault.at.column));
        found
    }
}

/// A node that is being read: with its path from the top of the document, and somewhere to put faults.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    node: &'a Node,
    faults: &'a Faults,
    path: String,
    /// The key's place for the value of a key, the value's own otherwise.
    key_at: Mark,
}

impl<'a> Cursor<'a> {
    /// At the top of a document.
    pub fn top(node: &'a Node, faults: &'a Faults) -> Self {
        Cursor { node, faults, path: String::new(), key_at: node.at }
    }

    /// The node.
    pub fn node(&self) -> &'a Node {
        self.node
    }

    /// The collector.
    pub fn faults(&self) -> &'a Faults {
        self.faults
    }

    /// At the same node, with another collector.
    pub fn telling<'b>(&self, faults: &'b Faults) -> Cursor<'b>
    where
        'a: 'b,
    {
        Cursor { node: self.node, faults, path: self.path.clone(), key_at: self.key_at }
    }

    /// Dotted path: `spec.containers[1].image`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where the key stands whose value this is.
    pub fn key_at(&self) -> Mark {
        self.key_at
    }

    /// Adds a fault at the value.
    pub fn fault(&self, message: impl Into<String>, help: impl Into<String>) {
        self.faults.add(self.node.at, &self.path, message, help);
    }

    /// Adds a fault at the key.
    pub fn fault_at_key(&self, message: impl Into<String>, help: impl Into<String>) {
        self.faults.add(self.key_at, &self.path, message, help);
    }

    fn wrong_type(&self, wanted: &str, help: String) {
        self.fault(format!("expected {wanted}, found {}", self.node.described()), help);
    }

    fn child(&self, key: &str, node: &'a Node, key_at: Mark) -> Cursor<'a> {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Cursor { node, faults: self.faults, path, key_at }
    }

    /// The value under a key, if this is a map that has it and it is not null.
    pub fn get(&self, key: &str) -> Option<Cursor<'a>> {
        let Kind::Map(entries) = &self.node.kind else {
            return None;
        };
        let entry = entries.iter().find(|entry| entry.key == key)?;
        if matches!(entry.value.kind, Kind::Null) {
            return None;
        }
        Some(self.child(key, &entry.value, entry.at))
    }

    /// Keys and values of a map, null ones included; a fault if it is none.
    pub fn entries(&self) -> Option<Vec<(&'a str, Cursor<'a>)>> {
        let Kind::Map(entries) = &self.node.kind else {
            self.wrong_type("a map (`key: value`)", String::new());
            return None;
        };
        Some(entries.iter().map(|e| (e.key.as_str(), self.child(&e.key, &e.value, e.at))).collect())
    }

    /// Items of a list; a fault if it is none.
    pub fn items(&self) -> Option<Vec<Cursor<'a>>> {
        let Kind::List(items) = &self.node.kind else {
            self.wrong_type("a list (`- item`)", String::new());
            return None;
        };
        let item = |(index, node): (usize, &'a Node)| Cursor {
            node,
            faults: self.faults,
            path: format!("{}[{index}]", self.path),
            key_at: node.at,
        };
        Some(items.iter().enumerate().map(item).collect())
    }

    /// Text; a fault if it is none, to YAML 1.2 or to the older YAML of Kubernetes' own reader (`yes`, `0644`).
    pub fn text(&self) -> Option<&'a str> {
        match &self.node.kind {
            Kind::Text(text) if !self.node.quoted && is_older_yaml(text) => {
                self.fault(
                    format!("Kubernetes reads an unquoted {text} as something other than text"),
                    format!("quote it: \"{text}\""),
                );
                None
            }
            Kind::Text(text) if text.contains('\0') => {
                self.fault("NUL stands in this text", "no name, path, variable or argument can hold it");
                None
            }
            Kind::Text(text) => Some(text),
            Kind::Null => {
                self.wrong_type("text", "write \"\" for an empty one".to_owned());
                None
            }
            Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) => {
                self.wrong_type("text", format!("quote it: \"{}\"", self.node.written));
                None
            }
            _ => {
                self.wrong_type("text", String::new());
                None
            }
        }
    }

    /// A list of texts; faults for what is none.
    pub fn texts(&self) -> Option<Vec<String>> {
        let items = self.items()?;
        let texts: Vec<String> = items.iter().filter_map(Cursor::text).map(str::to_owned).collect();
        (texts.len() == items.len()).then_some(texts)
    }

    /// Text, or a number or truth value as it is written; a fault if it is none.
    pub fn word(&self) -> Option<&'a str> {
        match &self.node.kind {
            Kind::Text(_) | Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) => Some(&self.node.written),
            _ => {
                self.wrong_type("text", String::new());
                None
            }
        }
    }

    /// A list of words; faults for what is none.
    pub fn words(&self) -> Option<Vec<String>> {
        let items = self.items()?;
        let words: Vec<String> = items.iter().filter_map(Cursor::word).map(str::to_owned).collect();
        (words.len() == items.len()).then_some(words)
    }

    /// True or false; a fault if it is neither. Takes `yes`, `no`, `on` and `off` as Kubernetes does.
    pub fn boolean(&self) -> Option<bool> {
        match &self.node.kind {
            Kind::Bool(value) => Some(*value),
            Kind::Text(text) if matches!(text.as_str(), "yes" | "Yes" | "YES" | "on" | "On" | "ON") => Some(true),
            Kind::Text(text) if matches!(text.as_str(), "no" | "No" | "NO" | "off" | "Off" | "OFF") => Some(false),
            _ => {
                self.wrong_type("true or false", String::new());
                None
            }
        }
    }

    /// A whole number within bounds; a fault otherwise.
    pub fn integer(&self, least: i64, most: i64) -> Option<i64> {
        let range = if least == i64::MIN {
            "a whole number".to_owned()
        } else if most == i64::MAX {
            format!("a whole number of at least {least}")
        } else {
            format!("a whole number from {least} to {most}")
        };
        match &self.node.kind {
            Kind::Integer(value) => {
                let fitting = i64::try_from(*value).ok().filter(|value| (least..=most).contains(value));
                if fitting.is_none() {
                    self.fault(format!("{value} is out of range"), format!("expected {range}"));
                }
                fitting
            }
            Kind::Text(text) if text.parse::<i64>().is_ok() => {
                self.wrong_type(&range, "remove the quotes".to_owned());
                None
            }
            _ => {
                self.wrong_type(&range, String::new());
                None
            }
        }
    }

    /// One of a few words; a fault otherwise.
    pub fn one_of(&self, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text()?;
        let found = words.iter().copied().find(|word| *word == text);
        if found.is_none() {
            self.fault(format!("{text:?} is not known here"), suggestion(text, words));
        }
        found
    }

    /// Adds the fault of a key that its map, `owner`, does not have.
    pub fn unknown_key(&self, owner: &str, known: &[&str]) {
        let key = self.path.rsplit('.').next().unwrap_or_default();
        self.fault_at_key(format!("{owner} has no field {key:?}"), suggestion(key, known));
    }
}

/// What YAML 1.1, which Kubernetes' own reader follows here, takes for a truth value or an octal number.
fn is_older_yaml(text: &str) -> bool {
    let truth = ["yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF"];
    let octal = text.strip_prefix(['+', '-']).unwrap_or(text).strip_prefix('0');
    truth.contains(&text) || octal.is_some_and(|digits| digits.bytes().all(|c| (b'0'..=b'7').contains(&c)))
}

/// The nearest of a few words, or all of them.
pub(super) fn suggestion(found: &str, known: &[&str]) -> String {
    match nearest(found, known.iter().copied()) {
        Some(name) => format!("did you mean {name}?"),
        None => {
            let named: Vec<&str> = known.iter().copied().filter(|name| !name.is_empty()).collect();
            match named.as_slice() {
                [only] => format!("expected {only}"),
                _ => format!("expected one of {}", named.join(", ")),
            }
        }
    }
}
