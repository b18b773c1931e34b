//! The contract: what every Pod is held to, by its manifest alone.
//!
//! One small rule a property, with its value written out. Nothing here comes from [`crate::plan`]: a plan that is wrong is
//! to be found, not obeyed and approved.

mod cgroup;
mod devices;
mod files;
mod identity;
mod inherited;
mod instances;
mod limits;
mod mounts;
mod namespaces;
mod network;
mod places;
mod pod_level;
mod privileges;
mod quality;
mod sandbox;
mod surplus;
mod sysctls;
mod untouched;
mod user;
mod volumes;

use super::look::{self, Question};
use super::{Check, Level, Outcome};
use crate::facts::{Facts, Looked};
use crate::node::{CgroupDriver, Node};
use crate::pod::{Container, Pod};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub use mounts::paths_to_probe;

/// Name of the pause process among the members.
const SANDBOX: &str = "sandbox";

/// What the contract has to know of the host: some facts exist only with an ability, some paths only on some kernels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostCaps {
    /// `v1`, `hybrid` or `v2`.
    pub cgroup: String,
    /// Who makes the cgroups of the Pod.
    pub driver: CgroupDriver,
    /// Abilities that the host has (`cap-sys-resource`).
    pub abilities: BTreeSet<String>,
    /// Those of [`paths_to_probe`] that this kernel has: what does not exist cannot be masked.
    pub paths: BTreeSet<String>,
    /// Capabilities that a privileged container can have here: our own bounding set, names without `CAP_`.
    pub capabilities: BTreeSet<String>,
    /// Size of the kernel's pages, in which it keeps limits.
    pub page_bytes: u64,
}

impl HostCaps {
    /// Size of a page; not zero.
    fn page(&self) -> u64 {
        self.page_bytes.max(1)
    }
}

/// Judges facts by the manifest. `stand_ins` are the containers that run podcheck's own image, with the argv they run:
/// only of those is it known what process to expect. `unstarted` are those that no runtime was asked for yet, or that would not
/// start: they need not be there.
pub fn contract(
    pod: &Pod,
    node: &Node,
    facts: &Facts,
    host: &HostCaps,
    stand_ins: &BTreeMap<String, Vec<String>>,
    unstarted: &BTreeSet<String>,
) -> Vec<Check> {
    let pod = &places::resolved(pod, facts);
    let mut court = Court { pod, node, facts, host, stand_ins, unstarted, checks: Vec::new() };
    identity::judge(&mut court);
    for member in court.running() {
        namespaces::judge(&mut court, member);
        cgroup::judge(&mut court, member);
        limits::judge(&mut court, member);
        user::judge(&mut court, member);
        privileges::judge(&mut court, member);
        mounts::judge(&mut court, member);
        network::judge(&mut court, member);
        devices::judge(&mut court, member);
        surplus::judge(&mut court, member);
        sysctls::judge(&mut court, member);
        instances::judge(&mut court, member);
        inherited::judge(&mut court, member);
        untouched::judge(&mut court, member);
        sandbox::judge(&mut court, member);
    }
    mounts::judge_sharing(&mut court);
    files::judge(&mut court);
    network::judge_pod(&mut court);
    sysctls::judge_host(&mut court);
    court.checks
}

/// Judges what podcheck itself made, as a kubelet would: the limits of the Pod's cgroup. It proves nothing about a runtime;
/// a check that does not hold here means that podcheck or the host failed.
pub fn ours(pod: &Pod, node: &Node, facts: &Facts, host: &HostCaps) -> Vec<Check> {
    let (stand_ins, unstarted) = (BTreeMap::new(), BTreeSet::new());
    let mut court = Court { pod, node, facts, host, stand_ins: &stand_ins, unstarted: &unstarted, checks: Vec::new() };
    limits::judge_pod(&mut court);
    court.checks
}

/// Judges what a running container is held to by its resources, which were resized; nothing if it does not run. The second of
/// its name says whether its process was started `anew` since.
pub(super) fn limits_of(
    pod: &Pod,
    node: &Node,
    facts: &Facts,
    host: &HostCaps,
    (name, anew): (&str, bool),
) -> Vec<Check> {
    let (stand_ins, unstarted) = (BTreeMap::new(), BTreeSet::new());
    let mut court = Court { pod, node, facts, host, stand_ins: &stand_ins, unstarted: &unstarted, checks: Vec::new() };
    for member in court.running().into_iter().filter(|member| member.name == name) {
        limits::judge(&mut court, member);
    }
    let follows = |at: &str| limits::RESIZABLE.contains(&at) || anew && at == limits::OOM_SCORE;
    court.checks.retain(|check| follows(&check.at));
    court.checks
}

/// A member that runs: the sandbox, or a container with its manifest.
#[derive(Clone, Copy)]
struct Member<'a> {
    name: &'a str,
    container: Option<&'a Container>,
}

/// A rule: what it is about, how binding, and where that is written.
#[derive(Clone, Copy)]
struct Rule {
    property: &'static str,
    level: Level,
    source: &'static str,
}

/// Name of the host where facts name it.
const HOST: &str = "<host>";

const fn must(property: &'static str, source: &'static str) -> Rule {
    Rule { property, level: Level::Must, source }
}

const fn should(property: &'static str, source: &'static str) -> Rule {
    Rule { property, level: Level::Should, source }
}

/// Everything that rules look at, and the checks they have made so far.
struct Court<'a> {
    pod: &'a Pod,
    node: &'a Node,
    facts: &'a Facts,
    host: &'a HostCaps,
    stand_ins: &'a BTreeMap<String, Vec<String>>,
    unstarted: &'a BTreeSet<String>,
    checks: Vec<Check>,
}

impl<'a> Court<'a> {
    /// The sandbox and the manifest's containers, in order, as far as they run.
    fn running(&self) -> Vec<Member<'a>> {
        let sandbox = Member { name: SANDBOX, container: None };
        let containers = self.pod.spec.everyone().map(|c| Member { name: &c.name, container: Some(c) });
        std::iter::once(sandbox).chain(containers).filter(|member| self.runs(member.name)).collect()
    }

    fn runs(&self, member: &str) -> bool {
        matches!(self.look(member, "state"), Looked::Value(Value::String(state)) if state == "running")
    }

    fn look(&self, member: &str, at: &str) -> Looked<'a> {
        self.facts.lookup(&look::path(member, at))
    }

    /// Makes a check: `test` is given the value, `None` if it is absent, and returns what is wrong as it was seen.
    fn check(
        &mut self,
        rule: Rule,
        (member, at): (&str, &str),
        expected: impl Into<String>,
        test: impl FnOnce(Option<&Value>) -> Result<(), String>,
    ) {
        self.check_as(rule, (member, at), at, expected, test);
    }

    /// As [`Court::check`], where the finding is to name a place within the fact looked at.
    fn check_as(
        &mut self,
        rule: Rule,
        (member, at): (&str, &str),
        place: &str,
        expected: impl Into<String>,
        test: impl FnOnce(Option<&Value>) -> Result<(), String>,
    ) {
        let question = self.question(rule, member, place, expected);
        let (seen, outcome) = match self.look(member, at) {
            Looked::Unobservable(ability) => {
                (format!("not visible without {ability}"), Outcome::Unobservable(ability.to_owned()))
            }
            // Never a pass: either the rule or the observer has the wrong name for it.
            Looked::Unknown => (format!("podcheck has no such fact: {}", look::path(member, at)), Outcome::Broken),
            Looked::Absent => tested(None, test),
            Looked::Value(value) => tested(Some(value), test),
        };
        self.checks.push(question.answer(self.facts, seen, outcome));
    }

    /// Makes a check of something that is no single fact.
    fn found(
        &mut self,
        rule: Rule,
        (member, at): (&str, &str),
        expected: impl Into<String>,
        result: Result<String, String>,
    ) {
        let question = self.question(rule, member, at, expected);
        let (seen, outcome) = match result {
            Ok(seen) => (seen, Outcome::Held),
            Err(seen) => (seen, Outcome::Broken),
        };
        self.checks.push(question.answer(self.facts, seen, outcome));
    }

    fn question<'q>(&self, rule: Rule, member: &'q str, at: &str, expected: impl Into<String>) -> Question<'q> {
        let Rule { property, level, source } = rule;
        Question { property, member, at: at.to_owned(), level, expected: expected.into(), source }
    }

    /// The fact is exactly this.
    fn equals(&mut self, rule: Rule, (member, at): (&str, &str), expected: Value) {
        let words = look::text(&expected);
        self.check(rule, (member, at), words, |seen| is(seen, &expected));
    }

    /// An identity of a member, if the facts have it.
    fn identity(&self, member: &str, kind: &str) -> Option<&'a str> {
        self.facts.identity(member, kind)
    }
}

fn tested(seen: Option<&Value>, test: impl FnOnce(Option<&Value>) -> Result<(), String>) -> (String, Outcome) {
    match test(seen) {
        Ok(()) => (shown(seen), Outcome::Held),
        Err(seen) => (seen, Outcome::Broken),
    }
}

/// A value or its absence, as findings print it.
fn shown(seen: Option<&Value>) -> String {
    seen.map_or_else(|| "absent".to_owned(), look::text)
}

/// Exactly this value.
fn is(seen: Option<&Value>, expected: &Value) -> Result<(), String> {
    is_one_of(seen, std::slice::from_ref(expected))
}

/// One of these values.
fn is_one_of(seen: Option<&Value>, allowed: &[Value]) -> Result<(), String> {
    if seen.is_some_and(|seen| allowed.contains(seen)) { Ok(()) } else { Err(shown(seen)) }
}

/// The texts of a list; nothing if it is none.
fn texts(seen: Option<&Value>) -> Option<Vec<&str>> {
    seen?.as_array()?.iter().map(Value::as_str).collect()
}

#[cfg(test)]
mod tests;
