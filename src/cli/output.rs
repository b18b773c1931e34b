//! Printing: standard output for results, standard error for everything else.

use super::{Failure, Status};
use crate::report::Style;
use std::io::{self, IsTerminal, Write};

/// Colours for standard output, where it is a terminal and NO_COLOR is not set.
pub(super) fn style() -> Style {
    Style { colour: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
}

/// Writes to standard output.
///
/// # Errors
/// It was not written as a whole. A reader that went away (`podcheck list | head`) ends the command without a word, and
/// with the status of a program that SIGPIPE ended.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| unwritten(&error))
}

/// Why standard output did not take a text.
pub(super) fn unwritten(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure { status: Status::Unread, message: String::new() },
        _ => Failure::broken(format!("cannot write to standard output: {error}")),
    }
}

/// Writes a line to standard error.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes an error to standard error.
pub(super) fn error(text: &str) {
    note(&format!("podcheck: {text}"));
}
