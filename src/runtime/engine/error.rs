//! What goes wrong between the harness and a Pod's process, in the words of every runtime.

use crate::engine::Fault;
use crate::engine::protocol::Reply;
use crate::host::HostError;
use crate::runtime::{Kind, RuntimeError};
use std::fmt::Display;
use std::time::Duration;

pub(super) fn failed(action: &str, detail: impl Display) -> RuntimeError {
    RuntimeError::Failed {
        runtime: Kind::Engine.as_str().to_owned(),
        action: action.to_owned(),
        detail: detail.to_string(),
    }
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
    failed(&error.action, error.detail)
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
