//! A case's own expectations: literal values, written by hand.

use super::look::{self, Question, text};
use super::{Check, Level, Outcome};
use crate::case::{Expectation, FactTest};
use crate::facts::{Facts, Looked};
use serde_json::Value;

/// Judges expectations. Those that name no property get `default_property`; `source` is the case's.
pub fn expectations(list: &[Expectation], facts: &Facts, default_property: &str, source: &str) -> Vec<Check> {
    list.iter().flat_map(|expectation| Judge { facts, default_property, source }.judge(expectation)).collect()
}

struct Judge<'a> {
    facts: &'a Facts,
    default_property: &'a str,
    source: &'a str,
}

impl Judge<'_> {
    fn judge(&self, expectation: &Expectation) -> Vec<Check> {
        match expectation {
            Expectation::Fact { fact, of, test, property } => {
                let property = property.as_deref().unwrap_or(self.default_property);
                self.members(fact, of).iter().map(|member| self.fact(property, member, fact, test)).collect()
            }
            Expectation::Same { kind, of, property } => {
                let property = property.as_deref().unwrap_or(self.default_property);
                of.iter().skip(1).map(|member| self.compare(property, kind, (member, &of[0]), true)).collect()
            }
            Expectation::Differ { kind, of, property } => {
                let property = property.as_deref().unwrap_or(self.default_property);
                let pairs =
                    of.iter().enumerate().flat_map(|(i, member)| of[..i].iter().map(move |other| (member, other)));
                pairs.map(|(member, other)| self.compare(property, kind, (member, other), false)).collect()
            }
            Expectation::Host { kind, of, property } => {
                let property = property.as_deref().unwrap_or(self.default_property);
                let host = FactTest::Equals(Value::from("host"));
                of.iter().map(|member| self.fact(property, member, &place(kind), &host)).collect()
            }
        }
    }

    /// Whom a fact is asked of: those named, the Pod for a fact of its own, otherwise everybody.
    fn members(&self, fact: &str, of: &[String]) -> Vec<String> {
        if !of.is_empty() {
            return of.to_vec();
        }
        if fact.starts_with("pod.") {
            return vec![String::new()];
        }
        self.names().into_iter().map(str::to_owned).collect()
    }

    fn names(&self) -> Vec<&str> {
        let members = self.facts.document.get("members").and_then(Value::as_object);
        members.into_iter().flat_map(|members| members.keys()).map(String::as_str).collect()
    }

    fn question<'q>(&'q self, property: &'q str, member: &'q str, at: &str, expected: String) -> Question<'q> {
        Question { property, member, at: at.to_owned(), level: Level::Must, expected, source: self.source }
    }

    fn fact(&self, property: &str, member: &str, fact: &str, test: &FactTest) -> Check {
        let question = self.question(property, member, fact, wording(test));
        if let Some(stranger) = self.stranger(member) {
            return question.answer(self.facts, stranger, Outcome::Broken);
        }
        let path = look::path(member, fact);
        let (seen, outcome) = match self.facts.lookup(&path) {
            Looked::Unobservable(ability) => {
                (format!("not visible without {ability}"), Outcome::Unobservable(ability.to_owned()))
            }
            Looked::Unknown => (self.unknown(&path), Outcome::Broken),
            Looked::Absent => ("absent".to_owned(), held_if(absence_holds(test))),
            Looked::Value(value) => (text(value), held_if(holds(test, value))),
        };
        question.answer(self.facts, seen, outcome)
    }

    fn compare(&self, property: &str, kind: &str, (member, other): (&str, &str), same: bool) -> Check {
        let words = if same { format!("the {kind} of {other}") } else { format!("another {kind} than {other}'s") };
        let question = self.question(property, member, &place(kind), words);
        if let Some(stranger) = self.stranger(member).or_else(|| self.stranger(other)) {
            return question.answer(self.facts, stranger, Outcome::Broken);
        }
        let identity = |name: &str| self.facts.identity(name, kind);
        let (seen, outcome) = match (identity(member), identity(other)) {
            (Some(a), Some(b)) if a == b => (format!("the {kind} of {other}"), held_if(same)),
            (Some(_), Some(_)) => (format!("another {kind} than {other}'s"), held_if(!same)),
            (None, _) => (format!("{member} has no {kind} to compare"), Outcome::Broken),
            (_, None) => (format!("{other} has no {kind} to compare"), Outcome::Broken),
        };
        question.answer(self.facts, seen, outcome)
    }

    /// What is wrong with a member's name, if it is none.
    fn stranger(&self, member: &str) -> Option<String> {
        let names = self.names();
        if member.is_empty() || names.contains(&member) {
            return None;
        }
        Some(format!("no member of that name{}", nearest(member, names.into_iter())))
    }

    /// That there is no such fact, with the nearest name where it goes wrong.
    fn unknown(&self, path: &str) -> String {
        let mut value = &self.facts.document;
        for key in path.split(['.', '[']) {
            let Some(object) = value.as_object() else { break };
            let Some(inner) = object.get(key.trim_end_matches(']')) else {
                return format!("podcheck has no such fact: {path}{}", nearest(key, object.keys().map(String::as_str)));
            };
            value = inner;
        }
        format!("podcheck has no such fact: {path}")
    }
}

/// `; did you mean net?`, if one is near.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let near = names.map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    match near.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((score, candidate)) if score > 0.7 => format!("; did you mean {candidate}?"),
        _ => String::new(),
    }
}

/// Where the facts have what a comparison is about.
fn place(kind: &str) -> String {
    match kind {
        "address" | "shm" | "root" => kind.to_owned(),
        namespace => format!("namespaces.{namespace}"),
    }
}

fn held_if(holds: bool) -> Outcome {
    if holds { Outcome::Held } else { Outcome::Broken }
}

fn wording(test: &FactTest) -> String {
    let list = |values: &[Value]| values.iter().map(text).collect::<Vec<_>>().join(", ");
    match test {
        FactTest::Equals(Value::Null) | FactTest::Absent => "absent".to_owned(),
        FactTest::Equals(value) => text(value),
        FactTest::Contains(values) => format!("with {}", list(values)),
        FactTest::Lacks(values) => format!("without {}", list(values)),
        FactTest::AtLeast(least) => format!("at least {least}"),
    }
}

/// Only what says so is satisfied by absence: a list that is not there lacks nothing.
fn absence_holds(test: &FactTest) -> bool {
    matches!(test, FactTest::Absent | FactTest::Equals(Value::Null))
}

fn holds(test: &FactTest, seen: &Value) -> bool {
    match test {
        FactTest::Equals(wanted) => seen == wanted,
        FactTest::Contains(values) => values.iter().all(|value| has(seen, value) == Some(true)),
        FactTest::Lacks(values) => values.iter().all(|value| has(seen, value) == Some(false)),
        FactTest::Absent => false,
        FactTest::AtLeast(least) => seen.as_u64().is_some_and(|number| number >= *least),
    }
}

/// Whether a list or text has something in it; `None` for what can have nothing in it.
fn has(seen: &Value, value: &Value) -> Option<bool> {
    match seen {
        Value::Array(items) => Some(items.contains(value)),
        Value::String(seen) => Some(seen.contains(&text(value))),
        Value::Object(map) => Some(map.contains_key(value.as_str()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
