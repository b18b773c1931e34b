//! Steps: commands run inside, facts looked at again, ends waited for.

use super::expect::{self, property_of};
use super::keys::{ENDS, RUN, RUN_EXPECT};
use super::life::seconds;
use super::members::Members;
use super::{RunExpect, Step, life, signal};
use crate::diagnostic::yaml::{Cursor, Kind};

/// Reads a list of steps.
pub(super) fn list(cursor: &Cursor<'_>, members: &Members) -> Vec<Step> {
    cursor.items().unwrap_or_default().iter().filter_map(|item| one(item, members)).collect()
}

fn one(cursor: &Cursor<'_>, members: &Members) -> Option<Step> {
    if cursor.get("in").is_some() || cursor.get("run").is_some() {
        return run(cursor, members);
    }
    if cursor.get("ends").is_some() {
        return ends(cursor, members);
    }
    if let Some(step) = life::one(cursor, members) {
        return step;
    }
    if expect::is_expectation(cursor) {
        return expect::one(cursor, members).map(Step::Look);
    }
    if cursor.entries().is_some() {
        cursor.fault(
            "this step does nothing",
            "expected a map with `in` and `run`, or one of fact, same, differ, host, ends, starts, restarts, refused, stop, remove, terminate, volume, logs, resize, restart, kill, phase",
        );
    }
    None
}

fn run(cursor: &Cursor<'_>, members: &Members) -> Option<Step> {
    RUN.check(cursor);
    let container = cursor.get("in").and_then(|value| members.container(&value));
    let argv = cursor.get("run").and_then(|value| {
        let argv = value.words()?;
        if argv.first().is_none_or(String::is_empty) {
            value.fault("there is no command", "as in run: [allocate, 64Mi]");
        }
        Some(argv)
    });
    let expect = match cursor.get("expect") {
        Some(expect) => run_expect(&expect),
        None => Some(RunExpect::default()),
    };
    let property = property_of(cursor);
    Some(Step::Run { container: container?, argv: argv?, expect: expect?, property })
}

fn run_expect(cursor: &Cursor<'_>) -> Option<RunExpect> {
    if !RUN_EXPECT.check(cursor) {
        return None;
    }
    let texts = |name: &str| cursor.get(name).map(|value| text_or_list(&value)).unwrap_or_default();
    Some(RunExpect {
        exit_code: exit_code(cursor)?.unwrap_or_default(),
        stdout: cursor.get("stdout").and_then(|value| {
            // A block of text ends with a newline, which is not compared.
            let text = value.word()?;
            Some(text.strip_suffix('\n').unwrap_or(text).to_owned())
        }),
        stdout_contains: texts("stdout_contains"),
        stdout_lacks: texts("stdout_lacks"),
        stderr_contains: texts("stderr_contains"),
    })
}

/// `exit: N` or `signal: NAME`; `Some(None)` if neither is there, `None` together with a fault.
fn exit_code(cursor: &Cursor<'_>) -> Option<Option<i32>> {
    match (cursor.get("exit"), cursor.get("signal")) {
        (Some(exit), None) => exit.integer(0, 255).and_then(|code| i32::try_from(code).ok()).map(Some),
        (None, Some(value)) => {
            let name = value.text()?;
            if let Some(bare) = name.strip_prefix("SIG").filter(|bare| signal::signal_number(bare).is_some()) {
                value.fault(
                    format!("{name:?} is not known here"),
                    format!("signals are named without SIG: write {bare}"),
                );
                return None;
            }
            value.one_of(signal::names()).and_then(signal::signal_number).map(|number| Some(128 + number))
        }
        (Some(_), Some(signal)) => {
            signal.fault_at_key("exit and signal exclude each other", "signal: KILL is exit: 137");
            None
        }
        (None, None) => Some(None),
    }
}

pub(super) fn text_or_list(cursor: &Cursor<'_>) -> Vec<String> {
    match cursor.node().kind {
        Kind::List(_) => {
            let texts = cursor.words().unwrap_or_default();
            if texts.iter().any(String::is_empty) {
                cursor.fault("an empty text is in every output", "name some text");
            }
            texts
        }
        _ => {
            let text = cursor.word();
            if text == Some("") {
                cursor.fault("an empty text is in every output", "name some text");
            }
            text.map(str::to_owned).into_iter().collect()
        }
    }
}

fn ends(cursor: &Cursor<'_>, members: &Members) -> Option<Step> {
    ENDS.check(cursor);
    let container = cursor.get("ends").and_then(|value| members.container(&value));
    let code = exit_code(cursor);
    if code == Some(None) {
        cursor.fault("the end of a container has no exit", "add exit: N or signal: NAME");
    }
    let reason = cursor.get("reason").and_then(|value| value.one_of(&["Completed", "Error", "OOMKilled"]));
    let within_seconds = cursor.get("within").map_or(Some(None), |value| seconds(&value).map(Some));
    Some(Step::Ends {
        container: container?,
        exit_code: code??,
        reason: reason.map(str::to_owned),
        within_seconds: within_seconds?,
        property: property_of(cursor),
    })
}
