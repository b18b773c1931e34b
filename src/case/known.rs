//! Known differences: of a case, and of runtimes as such in `known.yaml`.

use super::expect::property_id;
use super::keys::{KNOWN, WHEN};
use super::members::Members;
use super::{Known, VersionRange, When};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::yaml::{self, Cursor, Kind};
use std::path::Path;

/// Parses `known.yaml`: a list, possibly empty, of differences.
///
/// # Errors
/// All of its faults.
pub fn parse_known(text: &str, file: &Path) -> Result<Vec<Known>, Vec<Diagnostic>> {
    let (node, faults) = yaml::only_document(text, file, "one list of known differences, possibly []")?;
    let known = list(&Cursor::top(&node, &faults), None);
    if faults.is_empty() { Ok(known) } else { Err(faults.into_vec()) }
}

/// Reads a list; members are those of a case, or any.
pub(super) fn list(cursor: &Cursor<'_>, members: Option<&Members>) -> Vec<Known> {
    let mut all = Vec::new();
    for item in &cursor.items().unwrap_or_default() {
        for known in entry(item, members).unwrap_or_default() {
            if members.is_none() && item.get("members").is_some_and(|value| is_everybody(&value)) {
                all.push(Known { members: vec!["sandbox".to_owned()], ..known.clone() });
            }
            all.push(known);
        }
    }
    all
}

/// Of `known.yaml`, where nobody is named: every container, and the sandbox as well.
fn is_everybody(members: &Cursor<'_>) -> bool {
    matches!(&members.node().kind, Kind::Text(text) if text == "all")
}

/// The differences of an entry, one for each property and place that it names.
fn entry(cursor: &Cursor<'_>, members: Option<&Members>) -> Option<Vec<Known>> {
    if !KNOWN.check(cursor) {
        return None;
    }
    let text = |name: &str| cursor.get(name).and_then(|value| filled(&value));
    let property = cursor.get("property").map(|value| each(&value, property_id));
    let fact = cursor.get("fact").map(|value| each(&value, filled));
    let at = cursor.get("at").map_or_else(|| Some(vec![String::new()]), |value| each(&value, filled));
    let (properties, places) = match (property, fact) {
        (Some(properties), None) => (properties, at),
        (None, Some(facts)) => (Some(vec![String::new()]), facts),
        _ => {
            let help = "a `property` for what a finding says, a `fact` for what only a comparison shows";
            cursor.fault("expected either `property` or `fact`", help);
            return None;
        }
    };
    let named = cursor.get("members").map(|value| match members {
        Some(members) => members.list(&value, 1),
        None if is_everybody(&value) => Some(Vec::new()),
        None => value.texts(),
    });
    // Findings print numbers and truth values as they are written.
    let seen = cursor.get("seen").and_then(|value| said(&value, value.word()?));
    let when = cursor.get("when").map(|value| when(&value)).unwrap_or_default();
    let source = cursor.get("source").and_then(|value| link(&value));
    let because = text("because");
    let known = Known {
        file: cursor.faults().file().to_owned(),
        line: cursor.node().at.line,
        property: String::new(),
        members: named.unwrap_or_else(|| Some(Vec::new()))?,
        at: String::new(),
        seen: seen?,
        sometimes: cursor.get("sometimes").and_then(|value| value.boolean()).unwrap_or_default(),
        when,
        because: because?,
        source: source?,
    };
    let (properties, places) = (properties?, places?);
    let pairs = properties.iter().flat_map(|property| places.iter().map(move |at| (property.clone(), at.clone())));
    Some(pairs.map(|(property, at)| Known { property, at, ..known.clone() }).collect())
}

/// What is read of a value, or of each in a list of them.
fn each(cursor: &Cursor<'_>, read: impl Fn(&Cursor<'_>) -> Option<String>) -> Option<Vec<String>> {
    if !matches!(cursor.node().kind, Kind::List(_)) {
        return read(cursor).map(|value| vec![value]);
    }
    let items = cursor.items()?;
    if items.is_empty() {
        cursor.fault("nothing is named", "expected one or a list of some");
        return None;
    }
    // What cannot be read has a fault, and then nothing of the file is taken.
    Some(items.iter().filter_map(read).collect())
}

fn when(cursor: &Cursor<'_>) -> When {
    WHEN.check(cursor);
    let word = |name: &str| cursor.get(name).and_then(|value| word(&value, ""));
    let mut versions = Vec::new();
    for (name, value) in cursor.get("versions").and_then(|map| map.entries()).unwrap_or_default() {
        versions.extend(range(&value).map(|range| (name.to_owned(), range)));
    }
    let settings = cursor.get("settings").and_then(|map| map.entries()).unwrap_or_default().into_iter();
    let settings = settings.filter_map(|(name, value)| Some((name.to_owned(), value.word()?.to_owned()))).collect();
    let abilities = cursor.get("abilities").and_then(|list| list.items()).unwrap_or_default();
    When {
        runtime: word("runtime"),
        oci: word("oci"),
        versions,
        settings,
        cgroup: cursor.get("cgroup").and_then(|value| value.one_of(&["v1", "hybrid", "v2"])).map(str::to_owned),
        driver: cursor.get("driver").and_then(|value| value.one_of(&["cgroupfs", "systemd"])).map(str::to_owned),
        network: cursor.get("network").and_then(|value| value.one_of(&["own", "host"])).map(str::to_owned),
        kernel: cursor.get("kernel").and_then(|value| range(&value)),
        abilities: abilities.iter().filter_map(|ability| self::word(ability, "!")).collect(),
    }
}

fn range(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.text()?;
    if text.parse::<VersionRange>().is_err() {
        cursor.fault(format!("{text:?} is not a range of versions"), "as in \"<1.3\" or \">=1.6 <2\"");
        return None;
    }
    Some(text.to_owned())
}

/// A name of lower-case letters, digits and `-`, with or without a sign before it.
pub(super) fn word(cursor: &Cursor<'_>, sign: &str) -> Option<String> {
    let text = cursor.text()?;
    let name = text.strip_prefix(sign).unwrap_or(text);
    if name.is_empty() || !name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-') {
        cursor.fault(format!("{text:?} is not a name"), "expected lower-case letters, digits and `-`");
        return None;
    }
    Some(text.to_owned())
}

/// A text that says something.
pub(super) fn filled(cursor: &Cursor<'_>) -> Option<String> {
    said(cursor, cursor.text()?)
}

/// A text unless it says nothing.
fn said(cursor: &Cursor<'_>, text: &str) -> Option<String> {
    if text.trim().is_empty() {
        cursor.fault("nothing stands here", "expected text");
        return None;
    }
    Some(text.to_owned())
}

/// A link.
pub(super) fn link(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.text()?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if rest.is_none_or(str::is_empty) || text.chars().any(char::is_whitespace) {
        cursor.fault(format!("{text:?} is not a link"), "expected one that begins with https://");
        return None;
    }
    Some(text.to_owned())
}
