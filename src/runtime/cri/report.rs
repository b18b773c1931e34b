//! What a daemon says of a container, in podcheck's words.

use super::messages::{ContainerState, ContainerStatus};
use crate::runtime::Reported;

/// A status in podcheck's words.
pub(super) fn report(status: &ContainerStatus) -> Reported {
    let state = match status.state() {
        ContainerState::Created => "created",
        ContainerState::Running => "running",
        ContainerState::Exited => "exited",
        ContainerState::Unknown => "unknown",
    };
    let exited = status.state() == ContainerState::Exited;
    Reported {
        state: state.to_owned(),
        exit_code: exited.then_some(status.exit_code),
        reason: if exited { status.reason.clone() } else { String::new() },
        restarts: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: ContainerState, exit_code: i32, reason: &str) -> ContainerStatus {
        ContainerStatus { state: state.into(), exit_code, reason: reason.to_owned(), message: String::new() }
    }

    #[test]
    fn only_an_exited_container_has_an_exit_status_and_a_reason() {
        let running = report(&status(ContainerState::Running, 0, ""));
        assert_eq!(
            running,
            Reported { state: "running".to_owned(), exit_code: None, reason: String::new(), restarts: 0 }
        );
        let killed = report(&status(ContainerState::Exited, 137, "OOMKilled"));
        assert_eq!(
            killed,
            Reported { state: "exited".to_owned(), exit_code: Some(137), reason: "OOMKilled".to_owned(), restarts: 0 }
        );
        assert_eq!(report(&status(ContainerState::Created, 0, "")).state, "created");
    }
}
