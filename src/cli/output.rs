//! Printing: standard output for results, standard error for everything else.

use crate::report::Style;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::Path;

use super::Failure;

/// Colours for standard output, where it is a terminal and NO_COLOR is not set.
pub(super) fn style() -> Style {
    Style { colour: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
}

/// Writes to standard output. A reader that went away (`podcheck list | head`) is no failure.
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a line to standard error.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes an error to standard error.
pub(super) fn error(text: &str) {
    note(&format!("podcheck: {text}"));
}

/// Where a result goes, opened before anything runs: an hour's result is not lost for a misspelt folder.
pub(super) enum Sink {
    Stdout,
    File(File, String),
}

impl Sink {
    /// Standard output, or the file.
    pub(super) fn open(path: Option<&Path>) -> Result<Sink, Failure> {
        let Some(path) = path else { return Ok(Sink::Stdout) };
        match File::create(path) {
            Ok(file) => Ok(Sink::File(file, path.display().to_string())),
            Err(error) => Err(Failure::usage(format!("cannot write the result to {}: {error}", path.display()))),
        }
    }

    /// Whether results go to standard output.
    pub(super) fn is_stdout(&self) -> bool {
        matches!(self, Sink::Stdout)
    }

    /// Writes the whole result.
    pub(super) fn write(self, text: &str) -> Result<(), Failure> {
        match self {
            Sink::Stdout => print(text),
            Sink::File(mut file, path) => file
                .write_all(text.as_bytes())
                .map_err(|error| Failure::broken(format!("cannot write the result to {path}: {error}")))?,
        }
        Ok(())
    }
}
