//! Expectations: `fact`, `same`, `differ`, `host`.

use super::keys::{DIFFER, FACT, HOST, Keys, SAME};
use super::members::Members;
use super::{Expectation, FactTest, property};
use crate::diagnostic::yaml::{Cursor, Kind};

/// Kinds of namespaces.
pub(super) const NAMESPACES: &[&str] = &["net", "ipc", "uts", "pid", "mnt", "user", "cgroup", "time"];
/// What members can have the same or different of.
pub(super) const IDENTITIES: &[&str] =
    &["net", "ipc", "uts", "pid", "mnt", "user", "cgroup", "time", "address", "shm", "root", "ids"];
const TESTS: &[&str] = &["equals", "contains", "lacks", "absent", "at_least"];

/// Whether a map is an expectation rather than another step.
pub(super) fn is_expectation(cursor: &Cursor<'_>) -> bool {
    ["fact", "same", "differ", "host"].iter().any(|key| cursor.get(key).is_some())
}

/// Reads a list of expectations.
pub(super) fn list(cursor: &Cursor<'_>, members: &Members) -> Vec<Expectation> {
    cursor.items().unwrap_or_default().iter().filter_map(|item| one(item, members)).collect()
}

/// Reads one expectation; `None` only together with a fault.
pub(super) fn one(cursor: &Cursor<'_>, members: &Members) -> Option<Expectation> {
    if cursor.get("fact").is_some() {
        return fact(cursor, members);
    }
    if let Some(value) = cursor.get("same") {
        let (kind, of, property) = identity(cursor, &SAME, &value, IDENTITIES, members, 2)?;
        return Some(Expectation::Same { kind, of, property });
    }
    if let Some(value) = cursor.get("differ") {
        let (kind, of, property) = identity(cursor, &DIFFER, &value, IDENTITIES, members, 2)?;
        return Some(Expectation::Differ { kind, of, property });
    }
    if let Some(value) = cursor.get("host") {
        let (kind, of, property) = identity(cursor, &HOST, &value, NAMESPACES, members, 1)?;
        return Some(Expectation::Host { kind, of, property });
    }
    if cursor.entries().is_some() {
        cursor.fault("this expects nothing", "expected a map with one of fact, same, differ, host");
    }
    None
}

fn identity(
    cursor: &Cursor<'_>,
    keys: &Keys,
    kind: &Cursor<'_>,
    kinds: &'static [&'static str],
    members: &Members,
    least: usize,
) -> Option<(String, Vec<String>, Option<String>)> {
    keys.check(cursor);
    let kind = kind.one_of(kinds);
    let of = cursor.get("of").and_then(|of| members.list(&of, least));
    let property = property_of(cursor);
    Some((kind?.to_owned(), of?, property))
}

fn fact(cursor: &Cursor<'_>, members: &Members) -> Option<Expectation> {
    FACT.check(cursor);
    let value = cursor.get("fact")?;
    let fact = value.text();
    if let Some(text) = fact
        && (text.is_empty() || text.chars().any(char::is_whitespace) || text.split('.').any(str::is_empty))
    {
        value.fault(format!("{text:?} is not the path of a fact"), "as in limits.memory_bytes");
        return None;
    }
    let of = match cursor.get("of") {
        Some(of) => members.list(&of, 1),
        // The Pod's own belong to no member.
        None if fact.is_some_and(|fact| fact.starts_with("pod.")) => Some(Vec::new()),
        None => Some(members.all()),
    };
    let property = property_of(cursor);
    let test = test(cursor);
    Some(Expectation::Fact { fact: fact?.to_owned(), of: of?, test: test?, property })
}

/// Exactly one of the tests. `equals: null` is one.
fn test(cursor: &Cursor<'_>) -> Option<FactTest> {
    let entries = cursor.entries()?;
    let tests: Vec<_> = entries.into_iter().filter(|(key, _)| TESTS.contains(key)).collect();
    let [(key, value)] = tests.as_slice() else {
        match tests.get(1) {
            Some((key, second)) => {
                second.fault_at_key(format!("{key} is a second test"), "write one expectation for each")
            }
            None => cursor.fault("nothing is asked of the fact", format!("add one of {}", TESTS.join(", "))),
        }
        return None;
    };
    match *key {
        "equals" => Some(FactTest::Equals(value.node().to_json())),
        "contains" => values(value).map(FactTest::Contains),
        "lacks" => values(value).map(FactTest::Lacks),
        "at_least" => value.integer(0, i64::MAX).and_then(|least| u64::try_from(least).ok()).map(FactTest::AtLeast),
        _ => {
            if !value.boolean()? {
                value.fault("absent takes only true", "for a fact that is there, ask what it equals or contains");
                return None;
            }
            Some(FactTest::Absent)
        }
    }
}

/// One value or a list of them.
fn values(cursor: &Cursor<'_>) -> Option<Vec<serde_json::Value>> {
    match &cursor.node().kind {
        Kind::List(items) if !items.is_empty() => Some(items.iter().map(|item| item.to_json()).collect()),
        Kind::List(_) | Kind::Null => {
            cursor.fault("nothing is named", "expected a value or a list of values");
            None
        }
        _ => Some(vec![cursor.node().to_json()]),
    }
}

/// The `property` of an expectation or step, if it has one; a fault if it is unknown.
pub(super) fn property_of(cursor: &Cursor<'_>) -> Option<String> {
    property_id(&cursor.get("property")?)
}

/// A property id; a fault if it is unknown.
pub(super) fn property_id(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.text()?;
    if property(text).is_some() {
        return Some(text.to_owned());
    }
    let upper = text.to_uppercase();
    let help = match property(&upper) {
        Some(info) => format!("did you mean {}?", info.id),
        None => {
            let letter: String = upper.chars().take(1).collect();
            let ids: Vec<_> = super::PROPERTIES.iter().filter(|info| info.id.starts_with(&letter)).collect();
            match (ids.first(), ids.last()) {
                (Some(first), Some(last)) if !letter.is_empty() => {
                    format!("there are {} to {}", first.id, last.id)
                }
                _ => "expected the id of a property, as in N3".to_owned(),
            }
        }
    };
    cursor.fault(format!("no property is called {text:?}"), help);
    None
}
