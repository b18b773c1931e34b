//! Snapshots guard change; they never turn a finding green.
//!
//! `snapshots/` holds one file a case, the engine's facts. Any other runtime's facts are compared with that file after its
//! known differences are taken away: no difference, no file; a difference is `<case>@<runtime>.snap`. A stale file fails.

mod rules;
mod yaml;

use podcheck::case::Case;
use podcheck::facts;
use podcheck::report::{seen_text, side_text};
use podcheck::runtime::{Kind, RuntimeName};
use podcheck::trial::{self, Outcome, Settings};
use serde_json::Value;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Holds the facts of an outcome against the snapshots.
pub fn check(settings: &Settings, case: &Case, outcome: &Outcome) -> Result<(), String> {
    if outcome.facts.is_none() {
        return Ok(());
    }
    let runtime: RuntimeName = outcome.record.runtime.parse().map_err(|error| format!("{error}"))?;
    let mut document = rules::by_rule(outcome, &case.pod);
    let file = folder().join(format!("{}.snap", file_stem(&outcome.record.case, None)));
    let recorded = recorded(&file)?;
    if let Some(recorded) = &recorded {
        rules::take_kernel_paths(&mut document, recorded);
    }
    if runtime.kind == Kind::Engine {
        if let Some(recorded) = &recorded {
            take_unobservable(&mut document, recorded);
        }
        return assert(&file_stem(&outcome.record.case, None), &yaml::checked(&document)?);
    }
    let beyond_engine = case.restarts_daemon() || case.requires.iter().any(|ability| ability == "systemd-driver");
    if recorded.is_none() && beyond_engine {
        // It has no daemon and no driver, so there is nothing to compare with: the case's expectations and the contract judge.
        return Ok(());
    }
    let reference = recorded.ok_or_else(|| format!("no snapshot {}: run the engine first\n", file.display()))?;
    let undeclared = undeclared((settings, case), outcome, &reference, &document);
    let stem = file_stem(&outcome.record.case, Some(&runtime));
    if undeclared.is_empty() {
        let file = folder().join(format!("{stem}.snap"));
        if file.exists() {
            return Err(format!("{} is stale: {runtime} no longer differs, remove the file\n", file.display()));
        }
        return Ok(());
    }
    assert(&stem, &undeclared)
}

/// Fails if a snapshot belongs to no case and runtime.
pub fn none_is_stale(cases: &[std::sync::Arc<Case>], runtimes: &[RuntimeName]) -> Result<(), String> {
    let mut wanted: BTreeSet<String> = cases.iter().map(|case| file_stem(&case.id, None)).collect();
    for case in cases {
        wanted.extend(runtimes.iter().map(|runtime| file_stem(&case.id, Some(runtime))));
    }
    let mut stale = Vec::new();
    for entry in std::fs::read_dir(folder()).map_err(|error| format!("{}: {error}", folder().display()))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.strip_suffix(".snap").is_some_and(|stem| !wanted.contains(stem)) {
            stale.push(name);
        }
    }
    if stale.is_empty() {
        Ok(())
    } else {
        Err(format!("no case has these snapshots, remove them: {}", stale.join(", ")))
    }
}

/// Takes from the recorded document what one of the two could not observe: that is neither the same nor different.
fn take_unobservable(document: &mut Value, recorded: &Value) {
    let unobservable = |value: &Value| value.get("unobservable").is_some();
    if unobservable(document) || unobservable(recorded) {
        *document = recorded.clone();
    } else if let (Value::Object(document), Value::Object(recorded)) = (document, recorded) {
        for (key, value) in document.iter_mut() {
            if let Some(recorded) = recorded.get(key) {
                take_unobservable(value, recorded);
            }
        }
    }
}

/// What differs from the engine's snapshot without being declared, a line each.
fn undeclared((settings, case): (&Settings, &Case), outcome: &Outcome, reference: &Value, document: &Value) -> String {
    let mut text = String::new();
    for difference in facts::differences(reference, document) {
        let (member, at) = podcheck::report::split_member(&difference.path);
        if difference.incomparable.is_some() {
            continue;
        }
        let (shown, seen) = (side_text(&difference.right), seen_text(&difference.left, &difference.right));
        if trial::declared(settings, case, &outcome.record, member, at, &seen).is_none() {
            let line = format!("{}: {} → {shown}", difference.path, side_text(&difference.left));
            text.push_str(&line.replace(char::is_control, " "));
            text.push('\n');
        }
    }
    text
}

/// Compares with insta, quietly, and says what differs in our own words. INSTA_FORCE_PASS is not heard: a difference is an
/// error here however insta ends.
fn assert(stem: &str, text: &str) -> Result<(), String> {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let asserted = settings.bind(|| catch_unwind(AssertUnwindSafe(|| insta::assert_snapshot!(stem, text))));
    let file = folder().join(format!("{stem}.snap"));
    let recorded = std::fs::read_to_string(&file).unwrap_or_default();
    if asserted.is_ok() && body(&recorded).trim_end() == text.trim_end() {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(body(&recorded), text);
    let diff = diff.unified_diff().header("snapshot", "seen").to_string();
    Err(format!("{} differs; `cargo insta review` shows and accepts it:\n{diff}", file.display()))
}

/// The document of a snapshot file; `None` if there is no such file yet.
fn recorded(file: &Path) -> Result<Option<Value>, String> {
    match std::fs::read_to_string(file) {
        Ok(text) => serde_yaml::from_str(body(&text)).map(Some).map_err(|error| format!("{}: {error}", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", file.display())),
    }
}

/// The text of a snapshot file below its header.
fn body(text: &str) -> &str {
    text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")).map_or("", |(_, body)| body)
}

/// `namespaces/shared` on docker is `namespaces.shared@docker`.
fn file_stem(case: &str, runtime: Option<&RuntimeName>) -> String {
    let case = case.replace('/', ".");
    match runtime {
        None => case,
        Some(runtime) => format!("{case}@{}", runtime.to_string().replace(['/', ':'], ".")),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots")
}
