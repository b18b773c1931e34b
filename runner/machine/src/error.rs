//! What can go wrong, and the exit status it ends with.

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

/// Why no result came of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Wrong usage, or something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// A tool, a file or the virtual machine failed.
    #[error("{0}")]
    Failed(String),
    /// A phase took longer than it may.
    #[error("{phase} took longer than {} s{detail}", .limit.as_secs())]
    Late {
        /// What was waited for.
        phase: String,
        /// How long it may take.
        limit: Duration,
        /// What was seen last, as it follows the number of seconds; may be empty.
        detail: String,
    },
    /// A signal asked for the end.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// Wrong usage.
    pub fn usage(message: impl Into<String>) -> Error {
        Error::Usage(message.into())
    }

    /// A failure, with what was tried and why it did not work.
    pub fn failed(what: impl Display, why: impl Display) -> Error {
        Error::Failed(format!("{what}: {why}"))
    }

    /// For `map_err`: a failure to do something with a file.
    pub fn at<E: Display>(doing: &str, path: &Path) -> impl FnOnce(E) -> Error {
        let what = format!("{doing} {}", path.display());
        move |why| Error::failed(what, why)
    }

    /// The exit status: 2 wrong usage, 130 interrupted, 3 everything else, as podcheck itself has it.
    pub fn status(&self) -> u8 {
        match self {
            Error::Usage(_) => 2,
            Error::Failed(_) | Error::Late { .. } => 3,
            Error::Interrupted => 130,
        }
    }
}
