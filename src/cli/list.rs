//! `podcheck list`: cases, or properties, the cases that show them and why none does.

use super::args::{ListArgs, ListFormat};
use super::{Failure, Status, jobs, output};
use crate::case::{self, Case, Coverage};
use crate::runtime::Kind;
use serde_json::json;

pub(super) fn list(args: &ListArgs) -> Result<Status, Failure> {
    let (cases, refused) = jobs::select(&args.paths, args.filter.as_deref(), false)?;
    let text = match (args.properties, args.format) {
        (false, ListFormat::Pretty) => by_case(&cases),
        (false, ListFormat::Json) => json_of(&json!({ "cases": cases.iter().map(described).collect::<Vec<_>>() })),
        (true, ListFormat::Pretty) => by_property(&coverage(&cases)?),
        (true, ListFormat::Json) => json_of(&json!({ "properties": coverage(&cases)? })),
    };
    output::print(&text)?;
    Ok(refused.or(Status::Conforms))
}

fn by_case(cases: &[Case]) -> String {
    let width = cases.iter().map(|case| case.id.chars().count()).max().unwrap_or(0);
    let line = |case: &Case| format!("{:<width$}  {:<14}  {}\n", case.id, case.shows.join(" "), case.about);
    cases.iter().map(line).collect()
}

fn described(case: &Case) -> serde_json::Value {
    let Case { id, about, shows, source, requires, .. } = case;
    json!({ "id": id, "about": about, "shows": shows, "source": source, "requires": requires })
}

fn json_of(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn coverage(cases: &[Case]) -> Result<Vec<Coverage>, Failure> {
    let known = case::builtin_known().map_err(jobs::unreadable)?;
    let uncovered = case::builtin_uncovered().map_err(jobs::unreadable)?;
    Ok(case::coverage(cases, &Kind::ALL.map(Kind::as_str), &known, &uncovered))
}

/// One line a property, under the name of its group.
fn by_property(coverage: &[Coverage]) -> String {
    let width = coverage.iter().map(|of| of.title.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    let mut group = "";
    for of in coverage {
        if of.group != group {
            let space = if group.is_empty() { "" } else { "\n" };
            group = of.group;
            text.push_str(&format!("{space}{group}\n"));
        }
        text.push_str(&format!("{:<4} {:<width$}  {}\n", of.id, of.title, shown(of)));
    }
    let shown = coverage.iter().filter(|of| !of.cases.is_empty()).count();
    text.push_str(&format!("\n{shown} of {} properties are shown\n", coverage.len()));
    text
}

fn shown(of: &Coverage) -> String {
    if of.cases.is_empty() {
        return format!("– {}", of.why_not.as_deref().unwrap_or("no case here"));
    }
    let mut on: Vec<&str> = of.known.iter().map(|known| known.on.as_str()).collect();
    on.sort_unstable();
    on.dedup();
    let otherwise = if on.is_empty() { String::new() } else { format!("; known otherwise on {}", on.join(", ")) };
    format!("{} on {}{otherwise}", of.cases.join(" "), of.runtimes.join(" "))
}
