//! The command line: what is asked for.

use crate::error::Error;
use crate::kind::{Kind, Suite};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Runs podcheck's suite in Debian virtual machines under QEMU.
///
/// A machine is KIND: bullseye/v1, bullseye/v2, bookworm/v1, bookworm/v2 or trixie/v2, a Debian suite and a cgroup version.
/// It is made once, booted, and frozen; each run restores it. What is missing is made on the way. Images are built as root.
#[derive(Debug, Parser)]
#[command(name = "runner/vm", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build the images of suites, as the mirror has them now
    Image {
        /// bullseye, bookworm, trixie; all of them if none is named
        #[arg(value_name = "SUITE")]
        suites: Vec<Suite>,
    },
    /// Boot and freeze machines
    Freeze {
        #[command(flatten)]
        machines: Machines,
    },
    /// Run the conformance suite
    Test {
        #[command(flatten)]
        machines: Machines,
        /// Another of podcheck's test targets: faults, command_line, structure
        #[arg(long, value_name = "TARGET", default_value = "conformance")]
        test: String,
        #[command(flatten)]
        limit: Limit,
        /// The harness's own arguments: a filter, --skip TEXT, …
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Run a program of the repository; made to be cargo's runner
    ///
    /// CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="runner/vm exec" sends plain `cargo test` into a machine.
    Exec {
        /// The machine; bookworm/v2, or what PODCHECK_VM_ON says
        #[arg(long, value_name = "KIND")]
        on: Option<Kind>,
        #[command(flatten)]
        limit: Limit,
        /// The program and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// The table of every suite that ran here, the newest of each machine and filter
    Table {
        /// Put it into this file, in the place of the table that is there
        #[arg(long, value_name = "FILE")]
        into: Option<PathBuf>,
        /// Only those that ran with this filter, as engine::, or everything
        #[arg(value_name = "FILTER")]
        what: Vec<String>,
    },
    /// A shell in a machine, which is gone when the shell ends
    Shell {
        /// The machine; bookworm/v2, or what PODCHECK_VM_ON says
        #[arg(long, value_name = "KIND")]
        on: Option<Kind>,
    },
    /// What is in the cache
    List,
    /// Remove from the cache what nobody uses
    Clean {
        /// Frozen machines of these kinds; everything if none is named
        #[arg(value_name = "KIND")]
        kinds: Vec<Kind>,
    },
}

/// How long a job may take.
#[derive(Debug, Args)]
pub struct Limit {
    /// How many minutes what is run in a machine may take
    #[arg(long, value_name = "MINUTES", default_value_t = crate::deadline::JOB.as_secs() / 60)]
    pub minutes: u64,
}

/// Machines of a command.
#[derive(Debug, Args)]
pub struct Machines {
    /// A machine; more than one, or this more than once, if several. bookworm/v2, or what PODCHECK_VM_ON says, if none
    #[arg(long, value_name = "KIND", num_args = 1.., conflicts_with = "all")]
    on: Vec<Kind>,
    /// Every machine that can be
    #[arg(long)]
    all: bool,
}

impl Machines {
    /// Those that were named.
    ///
    /// # Errors
    /// PODCHECK_VM_ON names no machine.
    pub fn kinds(&self) -> Result<Vec<Kind>, Error> {
        if self.all {
            Ok(Kind::ALL.into())
        } else if self.on.is_empty() {
            Ok(vec![kind_or_default(None)?])
        } else {
            Ok(self.on.clone())
        }
    }
}

/// The machine that was named, else the environment's, else bookworm/v2.
///
/// # Errors
/// PODCHECK_VM_ON names none.
pub fn kind_or_default(on: Option<Kind>) -> Result<Kind, Error> {
    match (on, std::env::var("PODCHECK_VM_ON")) {
        (Some(kind), _) => Ok(kind),
        (None, Ok(name)) => name.parse(),
        (None, Err(_)) => "bookworm/v2".parse(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn filters_and_cargos_words_stay_as_they_are() {
        let parse = |words: &str| Arguments::try_parse_from(words.split(' ')).expect("parses").command;
        let Command::Test { machines, arguments, .. } =
            parse("vm test --on bookworm/v1 trixie/v2 -- engine:: --skip x")
        else {
            panic!("another command");
        };
        assert_eq!(machines.kinds().expect("kinds").len(), 2);
        assert_eq!(arguments, ["engine::", "--skip", "x"]);
        let Command::Exec { words, on, .. } = parse("vm exec --on bookworm/v1 /t/conformance-1 --list --on y") else {
            panic!("another command");
        };
        assert_eq!(words, ["/t/conformance-1", "--list", "--on", "y"]);
        assert_eq!(on.map(Kind::slug).as_deref(), Some("bookworm-v1"));
        assert!(Arguments::try_parse_from(["vm", "test", "--on", "trixie/v1"]).is_err());
    }
}
