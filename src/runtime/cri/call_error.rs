//! A call that failed, with the status that gRPC gave it.

use crate::runtime::RuntimeError;
use tonic::{Code, Status};

/// Why a call to a daemon failed.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.says())]
pub(super) struct CallError {
    /// Name of the runtime.
    pub runtime: String,
    /// What was tried, as an infinitive.
    pub action: String,
    /// The deadline, as it was kept.
    pub seconds: u64,
    /// The daemon's last lines, with a newline before each, if the deadline passed and the daemon is podcheck's own.
    pub log: String,
    /// The daemon's answer, or that of the transport in its place.
    pub status: Status,
}

impl CallError {
    /// Whether the daemon looked at the request and said no, as opposed to a call that never reached it or that it does not know.
    pub fn is_answer(&self) -> bool {
        let unanswered = [Code::Unavailable, Code::Cancelled, Code::Unimplemented, Code::DeadlineExceeded];
        !unanswered.contains(&self.status.code())
    }

    /// Whether the deadline passed.
    pub fn is_overdue(&self) -> bool {
        self.status.code() == Code::DeadlineExceeded
    }

    /// The message and the code, as gRPC's documentation spells it: `sandbox config is nil (InvalidArgument)`.
    pub fn says(&self) -> String {
        format!("{} ({:?})", self.status.message(), self.status.code())
    }
}

impl From<CallError> for RuntimeError {
    fn from(error: CallError) -> RuntimeError {
        if error.is_overdue() {
            let CallError { runtime, action, seconds, log, .. } = error;
            return RuntimeError::Deadline { runtime, action, seconds, log };
        }
        RuntimeError::Failed { runtime: error.runtime.clone(), action: error.action.clone(), cause: error.into() }
    }
}
