//! What a daemon refuses, told from what it could not do because it is not there any more.

use super::call_error::CallError;
use super::client::Client;
use crate::runtime::RuntimeError;

/// What a daemon said when it refused. That it did not answer is an error, and so is what is heard of one that is gone.
pub(super) fn refusal<T>(client: &Client, outcome: Result<T, CallError>) -> Result<Result<T, String>, RuntimeError> {
    match outcome {
        Ok(answer) => Ok(Ok(answer)),
        Err(error) if error.is_answer() => client.is_there().map(|()| Err(error.says())),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Status;

    fn failed(status: Status) -> CallError {
        let (runtime, action) = ("containerd".to_owned(), "run the sandbox".to_owned());
        CallError { runtime, action, seconds: 60, log: String::new(), status }
    }

    #[test]
    fn who_did_not_answer_refused_nothing() {
        for answered in [Status::unknown("write sysctl: invalid argument"), Status::invalid_argument("config is nil")] {
            assert!(failed(answered).is_answer());
        }
        for other in [Status::unavailable("x"), Status::cancelled("x"), Status::unimplemented("x")] {
            assert!(!failed(other).is_answer());
        }
        assert!(!failed(Status::deadline_exceeded("x")).is_answer());
    }

    #[test]
    fn words_of_a_message_are_no_code() {
        // A message may end as a code does.
        let error = failed(Status::unknown("exec: connection to the registry failed (Unavailable)"));
        assert!(error.is_answer());
        assert_eq!(error.says(), "exec: connection to the registry failed (Unavailable) (Unknown)");
    }
}
