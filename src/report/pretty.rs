//! Records as a person reads them.

use super::{Record, Style};
use crate::judge::{Check, Outcome, Verdict};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One record: a headline, and below it what did not hold.
pub fn record_text(record: &Record, style: Style) -> String {
    let mut text =
        format!("{}  {}  {}\n", verdict_word(record.verdict, style), record.id, style.faint(&effort(record)));
    if !record.reason.is_empty() {
        let _ = writeln!(text, "    {}", record.reason);
    }
    for (check, members) in alike(&record.findings) {
        finding(&mut text, check, &members, style);
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

/// Findings, those that are known or cannot be seen together for all members where they are the same.
fn alike(findings: &[Check]) -> Vec<(&Check, Vec<&str>)> {
    let mut groups: Vec<(&Check, Vec<&str>)> = Vec::new();
    for check in findings {
        let same = |known: &Check| {
            check.outcome != Outcome::Broken
                && (&known.property, &known.at, &known.seen, &known.outcome)
                    == (&check.property, &check.at, &check.seen, &check.outcome)
        };
        match groups.iter_mut().find(|(known, _)| same(known)) {
            Some((_, members)) => members.push(&check.member),
            None => groups.push((check, vec![&check.member])),
        }
    }
    groups
}

/// One finding: what was asked, what was seen, where, and why it matters, so that it can be acted on as it stands.
fn finding(text: &mut String, check: &Check, members: &[&str], style: Style) {
    let place = match members {
        [""] => check.at.clone(),
        members => format!("{}: {}", members.join(" "), check.at),
    };
    match &check.outcome {
        Outcome::Held => {}
        Outcome::Broken => {
            let _ = writeln!(text, "    {} {place}", style.bad(&format!("✗ {}", check.property)));
            let _ = writeln!(text, "        {} be {}", check_level(check), check.expected);
            let _ = writeln!(text, "        is      {}", check.seen);
            if !check.file.is_empty() {
                let _ = writeln!(text, "        {}", style.faint(&format!("read from {}", check.file)));
            }
            if !check.source.is_empty() {
                let _ = writeln!(text, "        {}", style.faint(&format!("see {}", check.source)));
            }
        }
        Outcome::Known(because) => {
            let line = format!("≈ {} {place} is {}: known, {because}", check.property, check.seen);
            let _ = writeln!(text, "    {}", style.notable(&line));
        }
        Outcome::Unobservable(ability) => {
            let line = format!("? {} {place} cannot be seen here: no {ability}", check.property);
            let _ = writeln!(text, "    {}", style.faint(&line));
        }
    }
}

fn check_level(check: &Check) -> &'static str {
    match check.level {
        crate::judge::Level::Must => "MUST   ",
        crate::judge::Level::Should => "SHOULD ",
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
