//! `podcheck compare`: the same cases on every runtime that is here, and where those differ.

use super::args::{CompareArgs, Selection};
use super::perform::{self, Report, Work};
use super::runtimes::Chosen;
use super::{Failure, Status, diff, jobs, output, run};
use crate::case::Case;
use crate::report::{self, Record, Results, Style};
use crate::trial::{self, Settings};

pub(super) fn compare(args: &CompareArgs) -> Result<Status, Failure> {
    let baseline = args.baseline.as_deref().map(diff::read).transpose()?;
    let Selection { paths, filter, strict, .. } = &args.selection;
    let (cases, refused) = jobs::select(paths, filter.as_deref(), *strict)?;
    let mut settings = jobs::settings(&args.selection)?;
    let chosen = Chosen::for_compare(&args.selection);
    chosen.require(&mut settings.required)?;
    let work = Work { jobs: jobs::jobs(cases, &chosen.runtimes), settings, fail_fast: false };
    let compared = Compared { work, chosen, baseline, style: output::style() };
    perform::perform(compared, &args.selection).map(|status| refused.or(status))
}

/// Compares the runtimes with each other, and with an earlier result.
struct Compared {
    work: Work,
    chosen: Chosen,
    baseline: Option<Results>,
    style: Style,
}

impl Report for Compared {
    fn work(&self) -> &Work {
        &self.work
    }

    fn came(&self, _: &Record) -> Result<(), Failure> {
        Ok(())
    }

    fn end(&self, records: Vec<Record>, partial: &str) -> Result<Status, Failure> {
        let Compared { work, chosen, baseline, style } = self;
        let mut status = jobs::status(&records);
        let (mut text, undeclared) = comparison(&records, &work.jobs, &work.settings, *style);
        if let [alone] = chosen.runtimes.as_slice() {
            text.push_str(&format!("Nothing was compared: {alone} is the only runtime.\n"));
        }
        text.push_str(&chosen.absent_text());
        text.push_str(&run::notes(&records));
        text.push_str(&run::partial_text(partial, *style));
        text.push_str(&report::summary(&records, *style));
        let mut differs = undeclared;
        if let Some(baseline) = baseline {
            let (changes, changed) = diff::changes(baseline, &jobs::results(records, partial));
            text.push_str(&format!("\nsince the baseline:\n{changes}"));
            differs |= changed;
        }
        if differs && status == Status::Conforms {
            status = Status::Fails;
        }
        output::print(&text)?;
        Ok(status)
    }
}

/// Each Pod as a tree; runtimes whose trees are the same share one.
fn trees(records: &[&Record], style: Style) -> String {
    let mut grouped: Vec<(Vec<&str>, &serde_json::Value, String)> = Vec::new();
    for record in records.iter().filter(|record| !record.facts.is_null()) {
        let tree = report::pod_tree("", &record.facts, style);
        match grouped.iter_mut().find(|(_, _, known)| *known == tree) {
            Some((runtimes, ..)) => runtimes.push(&record.runtime),
            None => grouped.push((vec![&record.runtime], &record.facts, tree)),
        }
    }
    let mut text = String::new();
    for (runtimes, facts, _) in grouped {
        text.push_str(&report::pod_tree(&format!("on {}", runtimes.join(", ")), facts, style));
        text.push('\n');
    }
    text
}

/// Case by case: headline, each runtime's verdict and tree, the table of differences.
fn comparison(records: &[Record], jobs: &[jobs::Job], settings: &Settings, style: Style) -> (String, bool) {
    let mut cases: Vec<&Case> = Vec::new();
    for job in jobs {
        if !cases.iter().any(|case| case.id == job.case.id) && records.iter().any(|record| record.case == job.case.id) {
            cases.push(&job.case);
        }
    }
    let drawn = cases.len() == 1;
    let mut text = String::new();
    let mut undeclared = false;
    for case in cases {
        let of_case: Vec<&Record> = records.iter().filter(|r| r.case == case.id).collect();
        text.push_str(&format!("{}\n", style.bold(&case.id)));
        if let Some(about) = of_case.first().map(|r| r.about.as_str()).filter(|about| !about.is_empty()) {
            text.push_str(&format!("  {about}\n"));
        }
        text.push('\n');
        for record in &of_case {
            text.push_str(&report::record_text(record, style));
        }
        text.push('\n');
        if drawn {
            text.push_str(&trees(&of_case, style));
        }
        let why = |record: &Record, member: &str, at: &str, seen: &str| {
            trial::declared(settings, case, record, member, at, seen)
        };
        let compared = report::compare(&of_case, &why);
        undeclared |= compared.has_undeclared();
        text.push_str(&compared.text(style));
        text.push('\n');
    }
    (text, undeclared)
}
