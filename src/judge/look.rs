//! Looking facts up, and turning what was found into a check.

use super::{Check, Level, Outcome};
use crate::facts::Facts;
use serde_json::Value;

/// What is asked of a fact, before it is looked at.
pub(super) struct Question<'a> {
    /// Id of the property.
    pub(super) property: &'a str,
    /// Member; empty for the Pod.
    pub(super) member: &'a str,
    /// Path below the member, or from the document's root if there is none.
    pub(super) at: String,
    /// How binding.
    pub(super) level: Level,
    /// What is expected, for people.
    pub(super) expected: String,
    /// Why.
    pub(super) source: &'a str,
}

impl Question<'_> {
    /// The check, with what was seen.
    pub(super) fn answer(self, facts: &Facts, seen: String, outcome: Outcome) -> Check {
        let file = facts.source(&path(self.member, &self.at)).unwrap_or_default().to_owned();
        let Question { property, member, at, level, expected, source } = self;
        let (property, member, source) = (property.to_owned(), member.to_owned(), source.to_owned());
        Check { property, member, at, level, expected, seen, source, file, place: String::new(), outcome }
    }
}

/// Full path of a fact.
pub(super) fn path(member: &str, at: &str) -> String {
    if member.is_empty() { at.to_owned() } else { format!("members.{member}.{at}") }
}

/// A place within a map of facts: `mounts[/etc/hosts]`, `environment.env.HOME`.
pub(super) fn within(map: &str, key: &str) -> String {
    let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if plain { format!("{map}.{key}") } else { format!("{map}[{key}]") }
}

/// A value as findings print it: text as it stands, lists with commas, the rest as JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
