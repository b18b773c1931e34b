//! Records as a person reads them.

use super::findings::{self, Fact};
use super::{Record, Style};
use crate::judge::{Check, Level, Outcome, Verdict};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One record: a headline, and below it what did not hold.
pub fn record_text(record: &Record, style: Style) -> String {
    let mut text =
        format!("{}  {}  {}\n", verdict_word(record.verdict, style), record.id, style.faint(&effort(record)));
    if !record.reason.is_empty() {
        let _ = writeln!(text, "    {}", record.reason);
    }
    for fact in findings::broken(&record.findings) {
        broken(&mut text, &fact, style);
    }
    for (check, members) in alike(&record.findings) {
        noted(&mut text, check, &members, style);
    }
    for left in &record.left_behind {
        let _ = writeln!(text, "    {} left behind: {left}", style.notable("note"));
    }
    if !record.evidence.is_empty() {
        let _ = writeln!(text, "    evidence: {}", record.evidence);
    }
    text
}

/// The verdict as a word of its own width.
fn verdict_word(verdict: Verdict, style: Style) -> String {
    match verdict {
        Verdict::Passed => style.good("conforms "),
        Verdict::Deviates => style.notable("deviates "),
        Verdict::Failed => style.bad("FAILS    "),
        Verdict::Skipped => style.notable("skipped  "),
        Verdict::Broken => style.bad("BROKEN   "),
    }
}

fn effort(record: &Record) -> String {
    let mut words = Vec::new();
    if record.checks_run > 0 {
        words.push(format!("{} checks", record.checks_run));
    }
    for phase in ["up", "down"] {
        if let Some(ms) = record.durations_ms.get(phase) {
            words.push(format!("{phase} {ms:.1} ms"));
        }
    }
    if !record.stand_ins.is_empty() {
        words.push("stand-in processes".to_owned());
    }
    words.join(" · ")
}

/// Findings that are known or cannot be seen, together for all members where they are the same.
fn alike(findings: &[Check]) -> Vec<(&Check, Vec<&str>)> {
    let mut groups: Vec<(&Check, Vec<&str>)> = Vec::new();
    for check in findings.iter().filter(|check| check.outcome != Outcome::Broken) {
        let same = |known: &Check| {
            (&known.property, &known.at, &known.seen, &known.outcome)
                == (&check.property, &check.at, &check.seen, &check.outcome)
        };
        match groups.iter_mut().find(|(known, _)| same(known)) {
            Some((_, members)) => members.push(&check.member),
            None => groups.push((check, vec![&check.member])),
        }
    }
    groups
}

/// One fact that is not as it should be: what was asked, what was seen, where, and why it matters, so that it can be acted
/// on as it stands.
fn broken(text: &mut String, fact: &Fact<'_>, style: Style) {
    let mark = style.bad(&format!("✗ {}", fact.properties().join(" ")));
    let _ = writeln!(text, "    {mark} {}", at(&[fact.member], &fact.places()));
    for (index, ask) in fact.asks.iter().enumerate() {
        let _ = writeln!(text, "        {} be {}", level_word(ask.level), ask.expected);
        // What is seen stands once below all that asks for another thing.
        if fact.asks.get(index + 1).is_none_or(|next| next.seen != ask.seen) {
            let _ = writeln!(text, "        is      {}", ask.seen);
        }
    }
    let mut lines = |word: &str, list: Vec<&str>| {
        for line in list {
            let _ = writeln!(text, "        {}", style.faint(&format!("{word} {line}")));
        }
    };
    lines("asked for in", fact.all(|check| &check.place));
    lines("read from", fact.all(|check| &check.file));
    lines("see", fact.all(|check| &check.source));
}

/// One finding that is no failure, on a line.
fn noted(text: &mut String, check: &Check, members: &[&str], style: Style) {
    let place = at(members, &check.at);
    match &check.outcome {
        Outcome::Held | Outcome::Broken => {}
        Outcome::Known(because) => {
            let declared = if check.place.is_empty() { String::new() } else { format!(" ({})", check.place) };
            let line = format!("≈ {} {place} is {}: known, {because}{declared}", check.property, check.seen);
            let _ = writeln!(text, "    {}", style.notable(&line));
        }
        Outcome::Unobservable(ability) => {
            let line = format!("? {} {place} cannot be seen here: no {ability}", check.property);
            let _ = writeln!(text, "    {}", style.faint(&line));
        }
    }
}

fn at(members: &[&str], place: &str) -> String {
    match members {
        [""] => place.to_owned(),
        members => format!("{}: {place}", members.join(" ")),
    }
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Must => "MUST   ",
        Level::Should => "SHOULD ",
    }
}

/// The last line of a run: how many of each verdict.
pub fn summary(records: &[Record], style: Style) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for record in records {
        let word = match record.verdict {
            Verdict::Passed => "conform",
            Verdict::Deviates => "deviate as known",
            Verdict::Failed => "fail",
            Verdict::Skipped => "skipped",
            Verdict::Broken => "broken",
        };
        *counts.entry(word).or_default() += 1;
    }
    let checks: usize = records.iter().map(|r| r.checks_run).sum();
    let mut words = Vec::new();
    for word in ["conform", "deviate as known", "fail", "broken", "skipped"] {
        if let Some(count) = counts.get(word) {
            let part = format!("{count} {word}");
            words.push(if matches!(word, "fail" | "broken") { style.bad(&part) } else { part });
        }
    }
    format!("{} · {checks} checks\n", if words.is_empty() { "nothing was run".to_owned() } else { words.join(", ") })
}
