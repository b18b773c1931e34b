//! Steps about a Pod's life: what starts again, what is stopped or killed, and what would not start.

use super::Step;
use super::expect::property_of;
use super::keys::{FILE, KILL, LOGS, PHASE, REFUSED, REMOVE, RESTART, RESTARTS, STARTS, STOP, TERMINATE};
use super::members::Members;
use super::resize;
use super::steps::text_or_list;
use crate::diagnostic::yaml::Cursor;

/// Reads such a step; the inner `None` comes together with a fault, the outer one if it is another.
pub(super) fn one(cursor: &Cursor<'_>, members: &Members) -> Option<Option<Step>> {
    if let Some(value) = cursor.get("restarts") {
        RESTARTS.check(cursor);
        let count = cursor.get("count").and_then(|value| value.integer(0, 100)).and_then(|n| u32::try_from(n).ok());
        let both = members.container(&value).zip(count);
        let property = property_of(cursor);
        return Some(both.map(|(container, count)| Step::Restarts { container, count, property }));
    }
    if let Some(value) = cursor.get("starts") {
        STARTS.check(cursor);
        let container = members.container(&value);
        let property = property_of(cursor);
        return Some(container.map(|container| Step::Starts { container, property }));
    }
    if let Some(value) = cursor.get("refused") {
        REFUSED.check(cursor);
        let says = cursor.get("says").map(|value| text_or_list(&value)).unwrap_or_default();
        let property = property_of(cursor);
        return Some(members.container(&value).map(|container| Step::Refused { container, says, property }));
    }
    if let Some(value) = cursor.get("stop") {
        STOP.check(cursor);
        let grace = cursor.get("grace").and_then(|value| seconds(&value));
        let container = members.container(&value);
        let at_least_seconds = cursor.get("at_least").map_or(Some(0), |value| seconds(&value));
        let step = at_least_seconds.and_then(|at_least_seconds| {
            let (container, grace_seconds) = container.zip(grace)?;
            Some(Step::Stop { container, grace_seconds, at_least_seconds })
        });
        return Some(step);
    }
    if let Some(value) = cursor.get("remove") {
        REMOVE.check(cursor);
        return Some(members.container(&value).map(|container| Step::Remove { container }));
    }
    if let Some(value) = cursor.get("terminate") {
        TERMINATE.check(cursor);
        return Some(seconds(&value).map(|grace_seconds| Step::Terminate { grace_seconds }));
    }
    if let Some(value) = cursor.get("volume") {
        return Some(file(cursor, &value, members));
    }
    if let Some(value) = cursor.get("logs") {
        LOGS.check(cursor);
        let container = members.container(&value);
        let text = |name: &str| cursor.get(name).and_then(|value| unended(&value));
        let (stdout, stderr, property) = (text("stdout"), text("stderr"), property_of(cursor));
        let step = |container| Some(Step::Logs { container, stdout: stdout?, stderr: stderr?, property });
        return Some(container.and_then(step));
    }
    if let Some(value) = cursor.get("resize") {
        return Some(resize::one(cursor, &value, members));
    }
    if let Some(value) = cursor.get("restart") {
        RESTART.check(cursor);
        let property = property_of(cursor);
        return Some(value.one_of(&["daemon"]).map(|_| Step::RestartDaemon { property }));
    }
    if let Some(value) = cursor.get("kill") {
        KILL.check(cursor);
        return Some(members.one(&value).map(|member| Step::Kill { member }));
    }
    if let Some(value) = cursor.get("phase") {
        PHASE.check(cursor);
        let phase = value.one_of(&["Pending", "Running", "Succeeded", "Failed"]);
        let property = property_of(cursor);
        return Some(phase.map(|phase| Step::Phase { phase: phase.to_owned(), property }));
    }
    None
}

fn file(cursor: &Cursor<'_>, volume: &Cursor<'_>, members: &Members) -> Option<Step> {
    FILE.check(cursor);
    let volume = members.volume(volume);
    let file = cursor.get("file").and_then(|value| {
        let path = value.text()?;
        let inside = !path.contains('/') && !matches!(path, "" | "." | "..");
        if !inside {
            value.fault(format!("{path:?} is not the name of a file"), "one at the top of the volume, as in notes");
        }
        inside.then(|| path.to_owned())
    });
    let equals = cursor.get("equals").and_then(|value| unended(&value));
    let property = property_of(cursor);
    Some(Step::File { volume: volume?, file: file?, equals: equals?, property })
}

/// A text without its last newline, as which a block of text has one.
fn unended(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.word()?;
    Some(text.strip_suffix('\n').unwrap_or(text).to_owned())
}

/// `2s`: whole seconds, as a grace period has.
pub(super) fn seconds(cursor: &Cursor<'_>) -> Option<u64> {
    let text = cursor.text()?;
    let seconds = text.strip_suffix('s').and_then(|number| number.parse().ok()).filter(|seconds| *seconds <= 60);
    if seconds.is_none() {
        cursor.fault(format!("{text:?} is no time"), "expected whole seconds up to 60s, as in 2s");
    }
    seconds
}

/// `50ms`.
pub(super) fn milliseconds(cursor: &Cursor<'_>) -> Option<u64> {
    let text = cursor.text()?;
    let number = text.strip_suffix("ms").and_then(|number| number.parse().ok()).filter(|ms| *ms <= 10_000);
    if number.is_none() {
        cursor.fault(format!("{text:?} is no back-off"), "expected milliseconds up to 10000ms, as in 50ms");
    }
    number
}
