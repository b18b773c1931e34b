//! Known differences: a run deviates only if its findings are exactly the entries that apply.

use super::{Check, Outcome};
use crate::case::{Known, Version, VersionRange, When};
use std::collections::{BTreeMap, BTreeSet};

/// What a run was made with, as far as known differences depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Kind of runtime: `docker`.
    pub runtime: String,
    /// Name of the OCI runtime, if there is one.
    pub oci: Option<String>,
    /// Component → version, as the runtime reports them.
    pub versions: BTreeMap<String, String>,
    /// Setting → value, of a daemon that runs already.
    pub settings: BTreeMap<String, String>,
    /// `v1`, `hybrid` or `v2`.
    pub cgroup: String,
    /// `cgroupfs` or `systemd`.
    pub driver: String,
    /// `uname -r`.
    pub kernel: String,
    /// Abilities that the host has.
    pub abilities: BTreeSet<String>,
    /// What stands before the members of a Pod, `beside/` or nothing → `own` or `host`, whose network it has.
    pub networks: BTreeMap<String, String>,
}

/// Checks after known differences were applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// The same checks, those that are known marked so.
    pub checks: Vec<Check>,
    /// Entries that apply here and are not there: no longer true, to be removed.
    pub unmet: Vec<Known>,
}

/// Marks checks whose finding is a known difference. `general` holds the differences of runtimes as such: one is unmet
/// where its check was made and held. `own` holds the case's: one is unmet where its difference was not seen.
pub fn apply_known(mut checks: Vec<Check>, general: &[Known], own: &[Known], context: &Context) -> Applied {
    let in_a_network = |of: &String| context.networks.values().any(|network| network == of);
    let of_findings = |entry: &&Known| {
        let of_a_pod = entry.when.network.as_ref().is_none_or(in_a_network);
        !entry.property.is_empty() && of_a_pod && applies(&entry.when, context)
    };
    let general: Vec<&Known> = general.iter().filter(of_findings).collect();
    let own: Vec<&Known> = own.iter().filter(of_findings).collect();
    // Decided on the checks as they were made, so that one entry never hides another's absence.
    let unmet_general = general.iter().filter(|entry| no_longer_true(entry, &checks, context));
    let unmet_own = own.iter().filter(|entry| not_seen(entry, &checks, context));
    // Not to have seen a race proves nothing.
    let unmet = unmet_own.chain(unmet_general).filter(|entry| !entry.sometimes).map(|entry| (*entry).clone()).collect();
    for check in &mut checks {
        if let Some(entry) = own.iter().chain(&general).find(|entry| explains(entry, check, context)) {
            check.outcome = Outcome::Known(entry.because.clone());
            check.place = format!("{}:{}", entry.file.display(), entry.line);
        }
    }
    Applied { checks, unmet }
}

/// The entry that says why `seen` may stand as the fact `at` of `member`, where no rule of the contract looks: for what
/// runtimes do by their own choice, and only comparisons show. Such an entry names its fact.
pub fn declared<'a>(known: &'a [Known], context: &Context, member: &str, at: &str, seen: &str) -> Option<&'a Known> {
    known.iter().find(|entry| {
        entry.at == at
            && says(entry, member, seen)
            && names_member(entry, member, context)
            && applies(&entry.when, context)
    })
}

/// Whether an entry is about a member. The sandbox, of the Pod beside as well, only if it is named.
fn names_member(entry: &Known, member: &str, context: &Context) -> bool {
    let prefix = if member.starts_with("beside/") { "beside/" } else { "" };
    if entry.when.network.as_ref().is_some_and(|network| context.networks.get(prefix) != Some(network)) {
        return false;
    }
    let sandbox = member == "sandbox" || member == "beside/sandbox";
    match entry.members.is_empty() {
        true => !sandbox,
        false => entry.members.iter().any(|name| name == member || sandbox && name == "sandbox"),
    }
}

/// Whether `seen` at a member is what an entry says. Its `<member>` stands for each by its own name.
fn says(entry: &Known, member: &str, seen: &str) -> bool {
    let name = member.rsplit('/').next().unwrap_or(member);
    entry.seen.replace("<member>", &format!("<{name}>")) == seen
}

/// Whether an entry is about what a check looked at, however it came out.
fn is_about(entry: &Known, check: &Check, context: &Context) -> bool {
    let below = |at: &str| {
        at.strip_prefix(entry.at.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let is_there = entry.at.is_empty() || below(&check.at);
    entry.property == check.property && is_there && names_member(entry, &check.member, context)
}

/// Whether a check found just the difference of an entry.
fn explains(entry: &Known, check: &Check, context: &Context) -> bool {
    check.outcome == Outcome::Broken && is_about(entry, check, context) && says(entry, &check.member, &check.seen)
}

/// The members that an entry has to be met at: those it names, or those at which something it is about was looked at.
fn members<'a>(entry: &'a Known, checks: &'a [Check], context: &Context) -> BTreeSet<&'a str> {
    if entry.members.is_empty() {
        return checks
            .iter()
            .filter(|check| is_about(entry, check, context))
            .map(|check| check.member.as_str())
            .collect();
    }
    entry.members.iter().map(String::as_str).collect()
}

/// A general entry: at one of its members the check was made and held, and the difference was not seen there.
fn no_longer_true(entry: &Known, checks: &[Check], context: &Context) -> bool {
    members(entry, checks, context).into_iter().any(|member| {
        let mut about = checks.iter().filter(|check| check.member == member && is_about(entry, check, context));
        // One that holds with just what the entry speaks of was asked something else: a limit of a container that has none.
        let held = about.clone().any(|check| check.outcome == Outcome::Held && !says(entry, member, &check.seen));
        held && !about.any(|check| explains(entry, check, context))
    })
}

/// A case's entry: the difference was not seen at one of its members, though this host could show it.
fn not_seen(entry: &Known, checks: &[Check], context: &Context) -> bool {
    let members = members(entry, checks, context);
    members.is_empty()
        || members.into_iter().any(|member| {
            let about: Vec<_> =
                checks.iter().filter(|check| check.member == member && is_about(entry, check, context)).collect();
            let hidden = |check: &&Check| matches!(check.outcome, Outcome::Unobservable(_));
            let all_hidden = !about.is_empty() && about.iter().all(hidden);
            !all_hidden && !about.iter().any(|check| explains(entry, check, context))
        })
}

/// Whether a conjunction holds. What is not known here (a version that was not reported, a range that is none) does not
/// hold, so that a difference is never excused by a doubt.
fn applies(when: &When, context: &Context) -> bool {
    // Of the network it depends which Pod is meant: see `names_member`.
    let When { runtime, oci, versions, settings, cgroup, driver, kernel, abilities, network: _ } = when;
    let is = |wanted: &Option<String>, seen: Option<&str>| wanted.as_deref().is_none_or(|wanted| seen == Some(wanted));
    is(runtime, Some(&context.runtime))
        && is(oci, context.oci.as_deref())
        && is(cgroup, Some(&context.cgroup))
        && settings.iter().all(|(name, value)| context.settings.get(name) == Some(value))
        && is(driver, Some(&context.driver))
        && kernel.as_deref().is_none_or(|range| within(range, &context.kernel))
        && versions.iter().all(|(part, range)| context.versions.get(part).is_some_and(|version| within(range, version)))
        && abilities.iter().all(|ability| match ability.strip_prefix('!') {
            Some(ability) => !context.abilities.contains(ability),
            None => context.abilities.contains(ability),
        })
}

fn within(range: &str, version: &str) -> bool {
    match (range.parse::<VersionRange>(), version.parse::<Version>()) {
        (Ok(range), Ok(version)) => range.contains(&version),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
