//! `podcheck diff`: what changed between two results.

use super::args::DiffArgs;
use super::{Failure, Status, output};
use crate::report::{Record, Results, SCHEMA_VERSION, side_text, value_text};
use std::fmt::Write as _;
use std::path::Path;

pub(super) fn diff(args: &DiffArgs) -> Result<Status, Failure> {
    let (old, new) = (read(&args.old)?, read(&args.new)?);
    let (text, changed) = changes(&old, &new);
    output::print(&text)?;
    Ok(if changed { Status::Fails } else { Status::Conforms })
}

/// Reads a result file.
pub(super) fn read(path: &Path) -> Result<Results, Failure> {
    let shown = path.display();
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
    let results: Results = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("{shown}: {error}; expected the result of `podcheck run --format json`"))
    })?;
    if results.schema_version != SCHEMA_VERSION {
        let version = results.schema_version;
        return Err(Failure::usage(format!(
            "{shown} has schema version {version}, this podcheck reads {SCHEMA_VERSION}"
        )));
    }
    Ok(results)
}

/// Verdicts, facts and versions that are not the same, and whether there are any.
pub(super) fn changes(old: &Results, new: &Results) -> (String, bool) {
    let mut text = String::new();
    for (which, results) in [("earlier", old), ("later", new)].iter().filter(|(_, of)| !of.partial.is_empty()) {
        let _ = writeln!(text, "the {which} result is partial, {}\n", results.partial);
    }
    let (mut compared, mut differing) = (0, 0);
    for record in &new.records {
        match old.records.iter().find(|r| r.id == record.id) {
            Some(before) => {
                compared += 1;
                let change = change(before, record);
                if !change.is_empty() {
                    differing += 1;
                    let _ = writeln!(text, "{}\n{change}", record.id);
                }
            }
            None => {
                differing += 1;
                let _ = writeln!(text, "{}\n    only in the later result\n", record.id);
            }
        }
    }
    for record in old.records.iter().filter(|r| !new.records.iter().any(|n| n.id == r.id)) {
        differing += 1;
        let _ = writeln!(text, "{}\n    only in the earlier result\n", record.id);
    }
    let _ = writeln!(text, "{compared} records in both, {differing} changed");
    (text, differing > 0)
}

fn change(old: &Record, new: &Record) -> String {
    let mut text = String::new();
    if old.verdict != new.verdict {
        let word = |record: &Record| value_text(&serde_json::to_value(record.verdict).unwrap_or_default());
        let _ = writeln!(text, "    verdict: {} → {}", word(old), word(new));
    }
    // What neither result could observe is no change.
    let observed = |d: &crate::facts::Difference| d.incomparable.is_none() || d.left != d.right;
    for difference in crate::facts::differences(&old.facts, &new.facts).into_iter().filter(observed) {
        let (left, right) = (side_text(&difference.left), side_text(&difference.right));
        let note =
            difference.incomparable.map_or_else(String::new, |ability| format!(", not comparable without {ability}"));
        let _ = writeln!(text, "    {}: {left} → {right}{note}", difference.path);
    }
    if !text.is_empty() && old.versions != new.versions {
        let names: std::collections::BTreeSet<&String> = old.versions.keys().chain(new.versions.keys()).collect();
        let version =
            |record: &Record, name: &String| record.versions.get(name).cloned().unwrap_or_else(|| "none".to_owned());
        for name in names.into_iter().filter(|name| old.versions.get(*name) != new.versions.get(*name)) {
            let _ = writeln!(text, "    ({name} {} → {})", version(old, name), version(new, name));
        }
    }
    text
}
