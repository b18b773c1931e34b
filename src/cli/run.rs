//! `podcheck run`: judges cases on runtimes.

use super::args::{Format, RunArgs, Selection};
use super::perform::{self, Report, Work};
use super::runtimes::Chosen;
use super::sink::Sink;
use super::{Failure, Status, jobs, output};
use crate::report::{self, Record, Results, Style};

pub(super) fn run(args: &RunArgs) -> Result<Status, Failure> {
    let Selection { paths, filter, strict, .. } = &args.selection;
    if args.keep && paths.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::usage("--keep waits for Enter on standard input: give the manifest as a file"));
    }
    let (cases, refused) = jobs::select(paths, filter.as_deref(), *strict)?;
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
    let work = Work { jobs, settings, fail_fast: args.fail_fast };
    let judged = Judged { work, format: args.format, sink, style: output::style() };
    perform::perform(judged, &args.selection).map(|status| refused.or(status))
}

/// Judges the work and writes the result in a format to a sink.
struct Judged {
    work: Work,
    format: Format,
    sink: Sink,
    style: Style,
}

impl Judged {
    /// Whether a person reads along.
    fn pretty_now(&self) -> bool {
        self.format == Format::Pretty && self.sink.is_stdout()
    }
}

impl Report for Judged {
    fn work(&self) -> &Work {
        &self.work
    }

    fn came(&self, record: &Record) -> Result<(), Failure> {
        if self.pretty_now() { output::print(&report::record_text(record, self.style)) } else { Ok(()) }
    }

    fn end(&self, records: Vec<Record>, partial: &str) -> Result<Status, Failure> {
        let status = jobs::status(&records);
        if self.pretty_now() {
            output::print(&footer(&records, partial, self.style))?;
        } else if let Some(file) = self.sink.file().filter(|_| records.is_empty()) {
            output::note(&format!("podcheck: no case was finished, {} is left as it was", file.display()));
        } else {
            self.sink.write(&render(self.format, &jobs::results(records, partial))?)?;
        }
        Ok(status)
    }
}

/// What was accepted without effect, once for all records, why some are missing, and the counts.
fn footer(records: &[Record], partial: &str, style: Style) -> String {
    notes(records) + &partial_text(partial, style) + &report::summary(records, style)
}

/// A line that says why records are missing; nothing if none is.
pub(super) fn partial_text(partial: &str, style: Style) -> String {
    if partial.is_empty() { String::new() } else { format!("{}\n", style.bad(&format!("partial: {partial}"))) }
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
    say("used contents of podcheck's own for what only a cluster has", collect(|r| &r.stood_in));
    say("accepted, changes nothing that podcheck observes", collect(|r| &r.not_acted_on));
    text
}

fn render(format: Format, results: &Results) -> Result<String, Failure> {
    Ok(match format {
        Format::Json => report::json(results),
        Format::Junit => report::junit(results).map_err(Failure::broken)?,
        Format::Pretty => {
            let style = Style::default();
            let records: String = results.records.iter().map(|record| report::record_text(record, style)).collect();
            records + &footer(&results.records, &results.partial, style)
        }
    })
}

/// `--keep`: says where the Pod is and leaves it up until Enter or the end of standard input.
fn wait_for_enter(pod: &str) {
    output::note(&format!("{pod}\npress Enter to stop the Pod"));
    let _ = std::io::stdin().read_line(&mut String::new());
}
