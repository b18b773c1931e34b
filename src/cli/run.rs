//! `podcheck run`: judges cases on runtimes.

use super::args::{Format, RunArgs};
use super::output::{self, Sink};
use super::runtimes::Chosen;
use super::{Failure, Status, jobs};
use crate::report::{self, Record, Results};
use crate::trial::Runtimes;
use std::sync::Arc;

pub(super) fn run(args: &RunArgs) -> Result<Status, Failure> {
    let cases = jobs::select(&args.selection.paths, args.selection.filter.as_deref())?;
    if cases.is_empty() {
        return Err(Failure { status: Status::Nothing, message: "no case matches".to_owned() });
    }
    let mut settings = jobs::settings(&args.selection)?;
    let chosen = Chosen::for_run(&args.selection);
    let jobs = jobs::jobs(cases, &chosen.runtimes);
    if args.keep {
        if jobs.len() != 1 {
            let message = format!("--keep takes one case on one runtime, this is {}: choose with --filter", jobs.len());
            return Err(Failure::usage(message));
        }
        settings.keep = Some(wait_for_enter);
    }
    let sink = Sink::open(args.output.as_deref())?;
    chosen.require(&mut settings.required)?;
    let style = output::style();
    let pretty_now = args.format == Format::Pretty && sink.is_stdout();
    let run = jobs::begin(&args.selection)?;
    let opened = Runtimes::new(Arc::clone(&run));
    let records = jobs::execute(&jobs, &opened, &settings, jobs::width(&args.selection), args.fail_fast, &|record| {
        if pretty_now {
            output::print(&report::record_text(record, style));
        }
    });
    drop(opened);
    let status = jobs::end(&run, jobs::status(&records))?;
    if pretty_now {
        output::print(&footer(&records, style));
    } else {
        sink.write(&render(args.format, &jobs::results(records))?)?;
    }
    Ok(status)
}

/// What was accepted without effect, once for all records, and the counts.
fn footer(records: &[Record], style: report::Style) -> String {
    let mut text = notes(records);
    text.push_str(&report::summary(records, style));
    text
}

/// Stand-ins and fields without effect, each named once.
pub(super) fn notes(records: &[Record]) -> String {
    let collect = |list: fn(&Record) -> &Vec<String>| {
        let mut names: Vec<&str> = records.iter().flat_map(list).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    };
    let mut text = String::new();
    let mut say = |what: &str, names: String| {
        if !names.is_empty() {
            text.push_str(&format!("note: {what}: {names}\n"));
        }
    };
    say("ran podcheck's own image, theirs is not on this machine", collect(|r| &r.stand_ins));
    let instead = "ran podcheck's idle server (init containers: `true`) instead of their own command";
    say(instead, collect(|r| &r.replaced_commands));
    say("left out hooks that podcheck's own image cannot run", collect(|r| &r.left_out_hooks));
    say("accepted, changes nothing that podcheck observes", collect(|r| &r.not_acted_on));
    text
}

fn render(format: Format, results: &Results) -> Result<String, Failure> {
    Ok(match format {
        Format::Json => report::json(results),
        Format::Junit => report::junit(results).map_err(Failure::broken)?,
        Format::Pretty => {
            let style = report::Style::default();
            let records: String = results.records.iter().map(|record| report::record_text(record, style)).collect();
            records + &footer(&results.records, style)
        }
    })
}

/// `--keep`: says where the Pod is and leaves it up until Enter or the end of standard input.
fn wait_for_enter(pod: &str) {
    output::note(&format!("{pod}\npress Enter to stop the Pod"));
    let _ = std::io::stdin().read_line(&mut String::new());
}
