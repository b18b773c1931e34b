//! The command line; only here is anything printed.

mod args;
mod compare;
mod diff;
mod doctor;
mod inspect;
mod interrupt;
mod jobs;
mod list;
mod output;
mod perform;
mod run;
mod runtimes;
mod schema;
mod sink;
mod sweep;

use args::{Cli, Command};
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

/// How a command ended, as its exit status says it. The first that applies holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Everything conforms; known deviations included.
    Conforms = 0,
    /// A failure, or a difference nobody declared.
    Fails = 1,
    /// Wrong usage, or a case that cannot be read.
    Usage = 2,
    /// A runtime or the host failed, or something required is missing.
    Broken = 3,
    /// Nothing was executed.
    Nothing = 4,
    /// Whoever read standard output went away: as of a program that SIGPIPE ended.
    Unread = 128 + 13,
}

/// Why a command could not do its work: what to print, and the status to end with.
#[derive(Debug)]
pub(crate) struct Failure {
    status: Status,
    message: String,
}

impl Failure {
    fn usage(message: impl ToString) -> Failure {
        Failure { status: Status::Usage, message: message.to_string() }
    }

    fn broken(message: impl ToString) -> Failure {
        Failure { status: Status::Broken, message: message.to_string() }
    }

    /// Says why on standard error; nothing if there is nothing to say.
    fn say(&self) {
        if !self.message.is_empty() {
            output::error(&self.message);
        }
    }
}

/// Main of the command line.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            return ExitCode::from(explain(&error) as u8);
        }
    };
    let ended = crate::host::check_time_factor().map_err(Failure::usage).and_then(|()| match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Diff(args) => diff::diff(&args),
        Command::Inspect(args) => inspect::inspect(&args),
        Command::List(args) => list::list(&args),
        Command::Doctor => doctor::doctor(),
        Command::Sweep(args) => sweep::sweep(&args),
        Command::Schema(args) => schema::schema(&args),
    });
    let status = ended.unwrap_or_else(|failure| {
        failure.say();
        failure.status
    });
    ExitCode::from(status as u8)
}

/// Prints what was asked for with `--help` or `--version`, or what is wrong with the arguments.
fn explain(error: &clap::Error) -> Status {
    if error.use_stderr() {
        let _ = error.print();
        return Status::Usage;
    }
    match error.print().and_then(|()| std::io::stdout().flush()) {
        Ok(()) => Status::Conforms,
        Err(error) => {
            let failure = output::unwritten(&error);
            failure.say();
            failure.status
        }
    }
}
