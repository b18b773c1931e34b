//! Findings as a person counts them: a fact that is wrong is one, however many rules and expectations find that, and so
//! are sets of which each is wrong in the same way.

use crate::judge::{Check, Level, Outcome};

/// A fact, or some that are parts of the same, that is not as it should be.
#[derive(Debug)]
pub(super) struct Fact<'a> {
    /// Whose it is; empty for the Pod's.
    pub(super) member: &'a str,
    /// Its path, and those of its like.
    paths: Vec<&'a str>,
    /// What asks for another value.
    pub(super) asks: Vec<Ask<'a>>,
}

/// What was asked of a fact, by all who asked for just that.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    /// How binding.
    pub(super) level: Level,
    /// What was asked for.
    pub(super) expected: &'a str,
    /// What was seen.
    pub(super) seen: &'a str,
    checks: Vec<&'a Check>,
}

impl<'a> Ask<'a> {
    fn of(check: &'a Check) -> Ask<'a> {
        Ask { level: check.level, expected: &check.expected, seen: &check.seen, checks: vec![check] }
    }

    /// Whether it asks for the same and sees the same.
    fn is_like(&self, other: &Ask<'_>) -> bool {
        (self.level, self.expected, self.seen) == (other.level, other.expected, other.seen)
    }

    /// The same for the same reasons.
    fn is_equal(&self, other: &Ask<'_>) -> bool {
        let why = |check: &&'a Check| (check.property.as_str(), check.source.as_str());
        let same = |check: &&Check| self.checks.iter().map(why).any(|known| known == (&check.property, &check.source));
        self.is_like(other) && other.checks.iter().all(same)
    }
}

impl<'a> Fact<'a> {
    /// Where it is: `credentials.capabilities.bounding .permitted`.
    pub(super) fn places(&self) -> String {
        let parent = self.paths.first().and_then(|path| parent(path)).unwrap_or_default();
        let rest = self.paths.iter().skip(1).map(|path| path.strip_prefix(parent).unwrap_or(path));
        self.paths.iter().take(1).copied().chain(rest).collect::<Vec<_>>().join(" ")
    }

    /// Ids of the properties that are not held.
    pub(super) fn properties(&self) -> Vec<&'a str> {
        self.all(|check| &check.property)
    }

    /// What the checks have, each once, as far as it is there.
    pub(super) fn all(&self, of: impl Fn(&'a Check) -> &'a String) -> Vec<&'a str> {
        let mut list: Vec<&str> = Vec::new();
        for text in self.asks.iter().flat_map(|ask| &ask.checks).map(|check| of(check).as_str()) {
            if !text.is_empty() && !list.contains(&text) {
                list.push(text);
            }
        }
        list
    }

    fn add(&mut self, ask: Ask<'a>) {
        match self.asks.iter_mut().find(|known| known.is_like(&ask)) {
            Some(known) => known.checks.extend(ask.checks),
            None => self.asks.push(ask),
        }
    }

    /// Whether all that is wrong with another part of the same is wrong with this one: a step is a part of nothing.
    fn covers(&self, other: &Fact<'_>) -> bool {
        let of = |fact: &Fact<'_>| fact.paths.first().and_then(|path| parent(path)).map(str::to_owned);
        let same_place = of(self).is_some() && of(self) == of(other) && of(self).as_deref() != Some("steps");
        let covered = |ask: &Ask<'_>| self.asks.iter().any(|known| known.is_equal(ask));
        self.member == other.member && same_place && other.asks.iter().all(covered)
    }
}

/// The findings of a record, in the order of their first checks.
pub(super) fn broken(findings: &[Check]) -> Vec<Fact<'_>> {
    let mut facts: Vec<Fact<'_>> = Vec::new();
    for check in findings.iter().filter(|check| check.outcome == Outcome::Broken) {
        match facts.iter_mut().find(|fact| fact.member == check.member && fact.paths == [check.at.as_str()]) {
            Some(fact) => fact.add(Ask::of(check)),
            None => facts.push(Fact { member: &check.member, paths: vec![&check.at], asks: vec![Ask::of(check)] }),
        }
    }
    let mut together: Vec<Fact<'_>> = Vec::new();
    for fact in facts {
        match together.iter_mut().find(|known| known.covers(&fact)) {
            Some(known) => {
                known.paths.extend(fact.paths);
                fact.asks.into_iter().for_each(|ask| known.add(ask));
            }
            None => together.push(fact),
        }
    }
    together
}

/// The path of what a fact is part of.
pub(super) fn parent(path: &str) -> Option<&str> {
    let end = path.rfind(if path.ends_with(']') { '[' } else { '.' })?;
    Some(&path[..end])
}

#[cfg(test)]
mod tests;
