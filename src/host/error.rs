//! What goes wrong on the host.

/// Why a step failed: an error, kept whole, or words.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong on the host. `action` is an infinitive: `create the cgroup /podcheck/x`.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}: {cause}")]
pub struct HostError {
    /// What was tried.
    pub action: String,
    /// What the kernel said, or words that include what to do where that is known. It is part of the message.
    pub cause: Cause,
    /// The host is as it should be: it is the Pod that asks for what cannot be had.
    pub of_pod: bool,
}

impl HostError {
    /// One with a cause in words.
    pub fn new(action: impl Into<String>, cause: impl Into<Cause>) -> HostError {
        HostError { action: action.into(), cause: cause.into(), of_pod: false }
    }

    /// One with the error that a call to the kernel or to another program gave.
    pub fn os(action: impl Into<String>, error: impl std::error::Error + Send + Sync + 'static) -> HostError {
        HostError::new(action, error)
    }

    /// What a kubelet would refuse a Pod for.
    pub fn of_pod(action: impl Into<String>, cause: impl Into<Cause>) -> HostError {
        HostError { of_pod: true, ..HostError::new(action, cause) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn the_cause_is_kept_and_said() {
        let error = HostError::os("make /x", io::Error::from(io::ErrorKind::NotFound));
        assert_eq!(error.to_string(), "cannot make /x: entity not found");
        let kept = error.cause.downcast_ref::<io::Error>().map(io::Error::kind);
        assert_eq!(kept, Some(io::ErrorKind::NotFound));
    }
}
