//! `podcheck list`: cases, or properties and the cases that show them.

use super::args::ListArgs;
use super::{Failure, Status, jobs, output};
use crate::case::{Case, PROPERTIES};

pub(super) fn list(args: &ListArgs) -> Result<Status, Failure> {
    let cases = jobs::select(&args.paths, args.filter.as_deref())?;
    if cases.is_empty() {
        return Err(Failure { status: Status::Nothing, message: "no case matches".to_owned() });
    }
    output::print(&if args.properties { by_property(&cases) } else { by_case(&cases) });
    Ok(Status::Conforms)
}

fn by_case(cases: &[Case]) -> String {
    let width = cases.iter().map(|case| case.id.chars().count()).max().unwrap_or(0);
    let line = |case: &Case| format!("{:<width$}  {:<14}  {}\n", case.id, case.shows.join(" "), case.about);
    cases.iter().map(line).collect()
}

fn by_property(cases: &[Case]) -> String {
    let mut text = String::new();
    for property in PROPERTIES {
        let shown: Vec<&str> = cases
            .iter()
            .filter(|case| case.shows.iter().any(|id| id == property.id))
            .map(|case| case.id.as_str())
            .collect();
        let shown = if shown.is_empty() { "no case".to_owned() } else { shown.join(" ") };
        text.push_str(&format!("{:<4} {}\n       {shown}\n", property.id, property.title));
    }
    text
}
