//! Where a Pod stands. Source: Kubernetes pkg/kubelet/kubelet_pods.go (`getPhase`).

use super::life::{Life, Now};
use crate::plan::Role;
use crate::pod::RestartPolicy;

/// `status.phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Some container was not started yet.
    Pending,
    /// At least one runs, or will again.
    Running,
    /// All ended well and none comes back.
    Succeeded,
    /// All ended, one of them not well, and none comes back.
    Failed,
}

impl Phase {
    /// As Kubernetes writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Pending => "Pending",
            Phase::Running => "Running",
            Phase::Succeeded => "Succeeded",
            Phase::Failed => "Failed",
        }
    }
}

/// Whether a container that ended is to be started again.
pub(super) fn is_wanted_again(life: &Life, policy: RestartPolicy) -> bool {
    let Some(code) = life.exit_code() else { return false };
    match (life.role, policy) {
        (Role::Sidecar, _) => true,
        (Role::Init, RestartPolicy::Never) => false,
        (Role::Init, _) => code != 0,
        (Role::App, RestartPolicy::Always) => true,
        (Role::App, RestartPolicy::OnFailure) => code != 0,
        (Role::App, RestartPolicy::Never) | (Role::Ephemeral, _) => false,
    }
}

/// Whether an init container failed for good.
fn init_failed(lives: &[Life], policy: RestartPolicy) -> bool {
    let failed = |life: &Life| life.exit_code().is_some_and(|code| code != 0) && !is_wanted_again(life, policy);
    lives.iter().any(|life| life.role == Role::Init && failed(life))
}

/// Whether nothing of the Pod's work is left to be done.
pub(super) fn is_over(lives: &[Life], policy: RestartPolicy) -> bool {
    let mut apps = lives.iter().filter(|life| life.role == Role::App);
    init_failed(lives, policy) || apps.all(|life| life.now == Now::Ended && !is_wanted_again(life, policy))
}

/// The phase.
pub(super) fn of(lives: &[Life], policy: RestartPolicy) -> Phase {
    let apps = || lives.iter().filter(|life| life.role == Role::App);
    if init_failed(lives, policy) {
        return Phase::Failed;
    }
    if apps().any(|life| life.now == Now::Waiting) {
        return Phase::Pending;
    }
    if !is_over(lives, policy) {
        return Phase::Running;
    }
    if apps().all(Life::is_complete) { Phase::Succeeded } else { Phase::Failed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn lives(ends: &[(Role, Option<i32>)]) -> Vec<Life> {
        let one = |(role, end): &(Role, Option<i32>)| {
            let mut life = Life::new("c", *role, Duration::ZERO);
            life.started(None);
            if let Some(code) = end {
                life.ended(*code, String::new());
            }
            life
        };
        ends.iter().map(one).collect()
    }

    #[test]
    fn the_phase_follows_from_what_runs_what_ended_and_what_comes_back() {
        use Phase::{Failed, Running, Succeeded};
        use RestartPolicy::{Always, Never, OnFailure};
        use Role::{App, Init, Sidecar};
        for (ends, policy, phase) in [
            (vec![(App, None), (App, Some(1))], Never, Running),
            (vec![(App, Some(0)), (App, Some(0))], Never, Succeeded),
            (vec![(App, Some(0)), (App, Some(1))], Never, Failed),
            (vec![(App, Some(0)), (App, Some(1))], OnFailure, Running),
            (vec![(App, Some(0)), (App, Some(0))], OnFailure, Succeeded),
            (vec![(App, Some(0))], Always, Running),
            (vec![(Sidecar, None), (App, Some(0))], Never, Succeeded),
            (vec![(Init, Some(2)), (App, None)], Never, Failed),
        ] {
            assert_eq!(of(&lives(&ends), policy), phase, "{ends:?} {policy:?}");
        }
        let mut pending = lives(&[(Init, Some(0)), (App, None)]);
        pending[1] = Life::new("c", App, Duration::ZERO);
        assert_eq!(of(&pending, Always), Phase::Pending);
    }
}
