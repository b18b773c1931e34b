//! What a daemon refuses, told from what it could not do because it is not there any more.

use super::client::Client;
use crate::runtime::RuntimeError;

/// What a daemon said when it refused. That it did not answer is an error, and so is what is heard of one that is gone.
pub(super) fn refusal<T>(client: &Client, outcome: Result<T, RuntimeError>) -> Result<Result<T, String>, RuntimeError> {
    match outcome {
        Ok(answer) => Ok(Ok(answer)),
        Err(RuntimeError::Failed { detail, .. }) if is_answer(&detail) => client.is_there().map(|()| Err(detail)),
        Err(error) => Err(error),
    }
}

/// Whether a failed call was answered, by the code at its end.
fn is_answer(detail: &str) -> bool {
    !["(Unavailable)", "(Cancelled)", "(Unimplemented)"].iter().any(|code| detail.ends_with(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_did_not_answer_refused_nothing() {
        assert!(is_answer("failed to create containerd task: write sysctl: invalid argument (Unknown)"));
        assert!(is_answer("sandbox config is nil (InvalidArgument)"));
        assert!(!is_answer("connection refused (Unavailable)"));
        assert!(!is_answer("operation was canceled (Cancelled)"));
    }
}
