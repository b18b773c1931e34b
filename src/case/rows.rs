//! `rows:` repeats a case with the values of each row in place of `${name}`.

use crate::diagnostic::yaml::{Cursor, Entry, Kind, Node};
use std::cell::RefCell;
use std::collections::HashSet;

/// The parts of a case in which `${name}` is replaced.
const PARTS: &[&str] =
    &["about", "pod", "beside", "configMaps", "secrets", "node", "refused", "expect", "steps", "known"];

/// A row's name and the case with its values; faults go to the cursor's collector.
pub(super) fn expand(case: &Cursor<'_>, rows: &Cursor<'_>) -> Vec<(String, Node)> {
    let items = rows.items().unwrap_or_default();
    if items.is_empty() && matches!(rows.node().kind, Kind::List(_)) {
        rows.fault("there are no rows", "add some, or remove rows:");
    }
    let mut names = HashSet::new();
    let mut expanded = Vec::new();
    for row in &items {
        let Some(entries) = row.entries() else {
            continue;
        };
        let Some(name_at) = row.get("row") else {
            row.fault("a row has no name", "add row: NAME");
            continue;
        };
        let Some(name) = super::known::word(&name_at, "") else {
            continue;
        };
        if !names.insert(name.clone()) {
            name_at.fault(format!("there is a row {name:?} already"), "each row has a name of its own");
        }
        let values = Values { row: row.node(), case, used: RefCell::default() };
        let node = values.in_case(case.node());
        for (key, value) in entries.iter().filter(|(key, _)| *key != "row") {
            if !values.used.borrow().contains(*key) {
                value.fault_at_key(
                    format!("nothing uses the value {key}"),
                    format!("write ${{{key}}} where it belongs, or remove it"),
                );
            }
        }
        expanded.push((name, node));
    }
    expanded
}

struct Values<'a> {
    row: &'a Node,
    case: &'a Cursor<'a>,
    used: RefCell<HashSet<String>>,
}

impl Values<'_> {
    fn in_case(&self, case: &Node) -> Node {
        let Kind::Map(entries) = &case.kind else {
            return case.clone();
        };
        let entries = entries.iter().map(|entry| {
            let value =
                if PARTS.contains(&entry.key.as_str()) { self.replaced(&entry.value) } else { entry.value.clone() };
            Entry { value, key: entry.key.clone(), at: entry.at }
        });
        Node { kind: Kind::Map(entries.collect()), ..case.clone() }
    }

    fn replaced(&self, node: &Node) -> Node {
        let kind = match &node.kind {
            Kind::Text(text) => return self.in_text(node, text),
            Kind::List(items) => Kind::List(items.iter().map(|item| self.replaced(item)).collect()),
            Kind::Map(entries) => {
                let replaced = |entry: &Entry| Entry { value: self.replaced(&entry.value), ..entry.clone() };
                Kind::Map(entries.iter().map(replaced).collect())
            }
            _ => return node.clone(),
        };
        Node { at: node.at, kind, written: node.written.clone(), quoted: node.quoted }
    }

    /// A text that is only `${name}` becomes the value with its type, at its own place.
    fn in_text(&self, node: &Node, text: &str) -> Node {
        let alone = text
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'))
            .filter(|name| !name.contains(['$', '{', '}']));
        if let Some(name) = alone {
            return self.value(node, name).map_or_else(|| node.clone(), |value| Node { at: node.at, ..value.clone() });
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else {
                break;
            };
            out.push_str(before);
            match self.value(node, name) {
                Some(value) if matches!(value.kind, Kind::List(_) | Kind::Map(_)) => {
                    let message = format!("{name} is {}, which cannot stand within a text", value.described());
                    self.case.faults().add(node.at, "", message, format!("let \"${{{name}}}\" stand alone"));
                }
                Some(value) => out.push_str(&value.written),
                None => {}
            }
            rest = after;
        }
        out.push_str(rest);
        Node { at: node.at, kind: Kind::Text(out.clone()), written: out, quoted: true }
    }

    fn value(&self, place: &Node, name: &str) -> Option<&Node> {
        self.used.borrow_mut().insert(name.to_owned());
        let Kind::Map(entries) = &self.row.kind else {
            return None;
        };
        let value = entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value);
        if value.is_none() {
            let row = self.row.get("row").map(|row| row.written.clone()).unwrap_or_default();
            let known: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).filter(|key| *key != "row").collect();
            let help = format!("it has {}", known.join(", "));
            self.case.faults().add(place.at, "", format!("the row {row:?} has no value {name:?}"), help);
        }
        value
    }
}
