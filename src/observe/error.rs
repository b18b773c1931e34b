//! Why something could not be observed.

use std::io;

/// Kernel text that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found:?}")]
pub struct Malformed {
    /// What should have been there.
    pub expected: String,
    /// The line or word that was.
    pub found: String,
}

impl Malformed {
    /// What was expected, and the text that was found in its place.
    pub fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Malformed { expected: expected.into(), found: found.into() }
    }
}

/// Why a Pod could not be observed.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// A file could not be read.
    #[error("cannot read {file}: {cause}")]
    Read {
        /// The file.
        file: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// A file was read and made no sense.
    #[error("{file} makes no sense: {cause}")]
    Malformed {
        /// The file.
        file: String,
        /// Where it stopped making sense.
        cause: Malformed,
    },
    /// A namespace could not be looked at from within.
    #[error("cannot {action} in the namespaces of {member}: {cause}")]
    Enter {
        /// An infinitive: `list the interfaces`.
        action: &'static str,
        /// The member.
        member: String,
        /// What the kernel said.
        cause: io::Error,
    },
    /// A member became another program while it was looked at, twice.
    #[error("{member} (pid {pid}) keeps becoming another program while it is looked at")]
    Unsteady {
        /// The member.
        member: String,
        /// Its pid.
        pid: i32,
    },
}
