//! Which cases show which property, and why no case shows one: the suite's coverage.

use super::expect::property_id;
use super::keys::UNCOVERED;
use super::known::filled;
use super::{Case, Known, NOBODY, PROPERTIES, When};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::yaml::{self, Cursor};
use serde::Serialize;
use std::path::Path;

/// Why no case shows a property: an entry of `uncovered.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncovered {
    /// Id of the property.
    pub property: String,
    /// Why.
    pub because: String,
}

/// Parses `uncovered.yaml`: a list, possibly empty, of properties without a case, each once and with a reason.
///
/// # Errors
/// All of its faults.
pub fn parse_uncovered(text: &str, file: &Path) -> Result<Vec<Uncovered>, Vec<Diagnostic>> {
    let (node, faults) = yaml::only_document(text, file, "one list of properties without a case, possibly []")?;
    let mut found: Vec<Uncovered> = Vec::new();
    for item in Cursor::top(&node, &faults).items().unwrap_or_default() {
        let Some(entry) = one(&item) else { continue };
        if found.iter().any(|known| known.property == entry.property) {
            item.fault(format!("{} stands here twice", entry.property), "give one reason");
        }
        found.push(entry);
    }
    if faults.is_empty() { Ok(found) } else { Err(faults.into_vec()) }
}

fn one(cursor: &Cursor<'_>) -> Option<Uncovered> {
    if !UNCOVERED.check(cursor) {
        return None;
    }
    let property = cursor.get("property").and_then(|value| property_id(&value));
    let because = cursor.get("because").and_then(|value| filled(&value));
    Some(Uncovered { property: property?, because: because? })
}

/// What the suite has to show for one property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Stable id.
    pub id: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// The part of a Pod it belongs to.
    pub group: &'static str,
    /// Ids of the cases that show it, a case with rows once.
    pub cases: Vec<String>,
    /// The runtimes that these run on, and `podcheck` for those that it shows without one; none without a case.
    pub runtimes: Vec<String>,
    /// Where it is known to be otherwise.
    pub known: Vec<Deviation>,
    /// Why no case shows it, if there is a reason.
    pub why_not: Option<String>,
}

/// A known difference, as far as coverage goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deviation {
    /// On what: `docker <28`; `any` if on everything.
    pub on: String,
    /// Why it is so.
    pub because: String,
    /// A link that shows it.
    pub source: String,
}

/// The coverage of every property, in the order of the catalogue. Each case that asks a runtime runs on each of `runtimes`.
pub fn coverage(cases: &[Case], runtimes: &[&str], known: &[Known], uncovered: &[Uncovered]) -> Vec<Coverage> {
    let of_cases = || cases.iter().flat_map(|case| &case.known);
    let one = |info: &super::PropertyInfo| {
        let shows = |case: &&Case| case.shows.iter().any(|id| id == info.id);
        let mut ids: Vec<String> = cases.iter().filter(shows).map(|case| without_row(&case.id).to_owned()).collect();
        ids.dedup();
        let mut otherwise: Vec<Deviation> = Vec::new();
        for known in known.iter().chain(of_cases()).filter(|known| known.property == info.id) {
            let found = Deviation { on: on(&known.when), because: known.because.clone(), source: known.source.clone() };
            if !otherwise.contains(&found) {
                otherwise.push(found);
            }
        }
        let why_not = uncovered.iter().find(|entry| entry.property == info.id).map(|entry| entry.because.clone());
        let any = |asks: bool| cases.iter().filter(shows).any(|case| case.asks_runtime() == asks);
        let alone = any(false).then_some(NOBODY).into_iter();
        let on = alone.chain(runtimes.iter().copied().filter(|_| any(true))).map(str::to_owned).collect();
        Coverage {
            id: info.id,
            title: info.title,
            group: info.group,
            cases: ids,
            runtimes: on,
            known: otherwise,
            why_not,
        }
    };
    PROPERTIES.iter().map(one).collect()
}

/// What is wrong with a suite's coverage: a property is shown by a case or has a reason why not, never both and never
/// neither.
pub fn coverage_faults(coverage: &[Coverage]) -> Vec<String> {
    let fault = |of: &Coverage| match (of.cases.first(), &of.why_not) {
        (Some(case), Some(_)) => Some(format!("{} is shown by {case}: remove it from cases/uncovered.yaml", of.id)),
        (None, None) => Some(format!(
            "no case shows {} ({}): add one, or the reason why not to cases/uncovered.yaml",
            of.id, of.title
        )),
        _ => None,
    };
    coverage.iter().filter_map(fault).collect()
}

/// The id of a case without that of its row.
fn without_row(id: &str) -> &str {
    id.split_once('[').map_or(id, |(case, _)| case)
}

/// A condition in a few words.
fn on(when: &When) -> String {
    let When { runtime, oci, versions, settings, cgroup, driver, kernel, abilities, network } = when;
    let mut words: Vec<String> = runtime.iter().chain(oci).cloned().collect();
    for (part, range) in versions {
        if words.contains(part) { words.push(range.clone()) } else { words.push(format!("{part} {range}")) }
    }
    words.extend(settings.iter().map(|(name, value)| format!("{name} = {value}")));
    words.extend(cgroup.iter().map(|mode| format!("cgroup {mode}")));
    words.extend(driver.iter().map(|driver| format!("driver {driver}")));
    words.extend(kernel.iter().map(|range| format!("Linux {range}")));
    words.extend(abilities.iter().cloned());
    words.extend(network.iter().map(|of| format!("network {of}")));
    if words.is_empty() { "any".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::super::{builtin, builtin_known, builtin_uncovered};
    use super::*;

    fn of<'a>(coverage: &'a [Coverage], id: &str) -> &'a Coverage {
        coverage.iter().find(|coverage| coverage.id == id).expect("an id of the catalogue")
    }

    /// The coverage of the suite that is built in.
    fn own() -> Vec<Coverage> {
        let (cases, known) = (builtin().expect("cases"), builtin_known().expect("known differences"));
        coverage(&cases, &["engine", "docker"], &known, &builtin_uncovered().expect("reasons"))
    }

    #[test]
    fn every_property_has_a_case_or_a_reason_and_not_both() {
        let faults = coverage_faults(&own());
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn a_property_without_a_case_or_reason_and_one_with_both_are_found() {
        let excused = |id: &str| Uncovered { property: id.to_owned(), because: "why".to_owned() };
        let cases: Vec<Case> = builtin().expect("cases").into_iter().filter(|case| case.id == "uts/hostname").collect();
        let all: Vec<Uncovered> =
            PROPERTIES.iter().filter(|info| info.id != "B9").map(|info| excused(info.id)).collect();
        let coverage = coverage(&cases, &["engine"], &[], &all);
        assert_eq!(
            coverage_faults(&coverage),
            [
                "U1 is shown by uts/hostname: remove it from cases/uncovered.yaml",
                "no case shows B9 (a request without metadata): add one, or the reason why not to cases/uncovered.yaml",
            ]
        );
        assert_eq!(of(&coverage, "U1").runtimes, ["engine"]);
        assert!(of(&coverage, "U2").runtimes.is_empty());
    }

    #[test]
    fn rows_are_one_case_and_known_differences_are_said() {
        let own = own();
        assert_eq!(of(&own, "Q1").cases, ["qos/classes", "qos/mixed", "qos/pod-resources"]);
        assert!(of(&own, "N3").known.iter().any(|known| known.on == "docker"));
        assert!(of(&own, "M6").known.iter().any(|known| known.on == "docker <28"));
    }

    #[test]
    fn reasons_are_read_strictly() {
        let parse = |text: &str| {
            let faults = parse_uncovered(text, Path::new("uncovered.yaml")).err().unwrap_or_default();
            faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(parse("[{property: P3, because: CRI-O only}]"), "");
        assert_eq!(parse("[]"), "");
        for (text, said) in [
            ("[{property: P99, because: x}]", "no property is called \"P99\""),
            ("[{property: P3}]", "has no because"),
            ("[{property: P3, because: ' '}]", "nothing stands here"),
            ("[{property: P3, reason: x}]", "reason"),
            ("[{property: P3, because: x}, {property: P3, because: y}]", "P3 stands here twice"),
        ] {
            assert!(parse(text).contains(said), "{text}: {}", parse(text));
        }
    }
}
