//! What goes wrong in the engine: the step and the object, and what the kernel said.

use std::fmt::Display;

/// A step that failed. `action` is an infinitive: `mount proc on /proc of the container app`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("cannot {action}: {detail}")]
pub struct Fault {
    /// What was tried.
    pub action: String,
    /// What the kernel said, and what to do about it where that is known.
    pub detail: String,
}

impl Fault {
    /// A fault from its two halves.
    pub fn new(action: impl Into<String>, detail: impl Display) -> Self {
        Fault { action: action.into(), detail: detail.to_string() }
    }

    /// The same fault, said of a member: `… of the container app`.
    pub fn of(mut self, object: &str) -> Self {
        self.action = format!("{} of {object}", self.action);
        self
    }
}

/// Names the step at the place where an error turns up.
pub trait Context<T> {
    /// `action` is only made if there is an error.
    ///
    /// # Errors
    /// The error of `self`, with its step.
    fn to<A: Into<String>>(self, action: impl FnOnce() -> A) -> Result<T, Fault>;
}

impl<T, E: Display> Context<T> for Result<T, E> {
    fn to<A: Into<String>>(self, action: impl FnOnce() -> A) -> Result<T, Fault> {
        self.map_err(|error| Fault::new(action(), error))
    }
}
