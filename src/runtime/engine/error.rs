//! What goes wrong between the harness and a Pod's process, in the words of every runtime.

use crate::engine::Fault;
use crate::engine::protocol::Reply;
use crate::host::{Cause, HostError};
use crate::runtime::{Kind, RuntimeError};
use std::time::Duration;

pub(super) fn failed(action: &str, cause: impl Into<Cause>) -> RuntimeError {
    RuntimeError::Failed { runtime: Kind::Engine.as_str().to_owned(), action: action.to_owned(), cause: cause.into() }
}

/// The fault says more exactly what was tried than the request did.
pub(super) fn refused(action: &str, fault: Fault) -> RuntimeError {
    RuntimeError::Refused {
        runtime: Kind::Engine.as_str().to_owned(),
        action: if fault.action.is_empty() { action.to_owned() } else { fault.action },
        says: fault.detail,
    }
}

/// Once a Pod is there, what its process could not do failed.
pub(super) fn failure(error: RuntimeError) -> RuntimeError {
    match error {
        RuntimeError::Refused { action, says, .. } => failed(&action, says),
        other => other,
    }
}

pub(super) fn host_failed(error: HostError) -> RuntimeError {
    failed(&error.action, error.cause)
}

pub(super) fn unexpected(action: &str, reply: &Reply) -> RuntimeError {
    failed(action, format!("it answered {reply:?}"))
}

pub(super) fn deadline(action: &str, patience: Duration) -> RuntimeError {
    RuntimeError::Deadline {
        runtime: Kind::Engine.as_str().to_owned(),
        action: action.to_owned(),
        seconds: patience.as_secs(),
        log: String::new(),
    }
}
