//! What is to be done next: a pure function of the containers' lives.
//! Source: Kubernetes pkg/kubelet/kuberuntime (`computePodActions`, `computeInitContainerActions`).

use super::life::{Life, Now};
use super::phase;
use crate::plan::Role;
use crate::pod::RestartPolicy;
use std::time::Instant;

/// What a kubelet does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Todo {
    /// Start these, by index, which nothing orders.
    Start(Vec<usize>),
    /// The Pod's work is over: its sidecars end, and whoever looks into it.
    StopSidecars,
    /// Nothing before then, or before something ends.
    Wait(Option<Instant>),
}

/// What is to be done at `now`.
pub(super) fn next(lives: &[Life], policy: RestartPolicy, now: Instant) -> Todo {
    if phase::is_over(lives, policy) {
        let up = lives.iter().any(|life| life.attends() && life.now == Now::Running);
        return if up { Todo::StopSidecars } else { Todo::Wait(None) };
    }
    let mut due = Vec::new();
    let mut until: Option<Instant> = None;
    let mut consider = |at: usize, life: &Life| match (life.now, life.due()) {
        (Now::Waiting, _) => due.push(at),
        (Now::Ended, Some(then)) if then > now => until = Some(until.map_or(then, |other| other.min(then))),
        (Now::Ended, Some(_)) => due.push(at),
        _ => {}
    };
    let begun = lives.iter().any(|life| life.role == Role::App && life.starts > 0);
    let mut blocked = false;
    for (at, life) in lives.iter().enumerate().filter(|(_, life)| matches!(life.role, Role::Init | Role::Sidecar)) {
        match life.role {
            // One that has run need not run now for the next to start.
            Role::Sidecar if !blocked => {
                consider(at, life);
                blocked = !life.has_started();
            }
            Role::Init if !blocked && !begun && !life.is_complete() => {
                consider(at, life);
                blocked = true;
            }
            // Sidecars of before are seen to while an init container runs.
            Role::Sidecar if life.has_started() => consider(at, life),
            _ => {}
        }
    }
    if !blocked {
        for (at, life) in lives.iter().enumerate().filter(|(_, life)| life.role == Role::App) {
            if life.now == Now::Waiting || phase::is_wanted_again(life, policy) {
                consider(at, life);
            }
        }
        // What looks into another finds it running.
        let started = lives.iter().all(|life| life.role != Role::App || life.starts > 0);
        let waiting = |life: &Life| life.role == Role::Ephemeral && life.now == Now::Waiting;
        for (at, life) in lives.iter().enumerate().filter(|(_, life)| started && waiting(life)) {
            consider(at, life);
        }
    }
    if due.is_empty() { Todo::Wait(until) } else { Todo::Start(due) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn lives(roles: &[Role]) -> Vec<Life> {
        let base = Duration::from_secs(10);
        roles.iter().enumerate().map(|(i, role)| Life::new(&format!("c{i}"), *role, base)).collect()
    }

    fn end(life: &mut Life, code: i32) {
        life.ended(code, String::new());
    }

    fn todo(lives: &[Life], policy: RestartPolicy) -> Todo {
        next(lives, policy, Instant::now())
    }

    use RestartPolicy::{Always, Never, OnFailure};
    use Role::{App, Ephemeral, Init, Sidecar};

    #[test]
    fn apps_without_anything_before_them_start_together() {
        assert_eq!(todo(&lives(&[App, App, App]), Always), Todo::Start(vec![0, 1, 2]));
    }

    #[test]
    fn init_containers_run_one_after_the_other_before_the_apps() {
        let mut lives = lives(&[Init, Init, App, App]);
        assert_eq!(todo(&lives, Never), Todo::Start(vec![0]));
        lives[0].started(None);
        assert_eq!(todo(&lives, Never), Todo::Wait(None));
        end(&mut lives[0], 0);
        assert_eq!(todo(&lives, Never), Todo::Start(vec![1]));
        lives[1].started(None);
        end(&mut lives[1], 0);
        assert_eq!(todo(&lives, Never), Todo::Start(vec![2, 3]));
    }

    #[test]
    fn an_init_container_that_fails_ends_a_pod_or_is_tried_again() {
        let mut failed = lives(&[Init, App]);
        failed[0].started(None);
        end(&mut failed[0], 7);
        assert_eq!(todo(&failed, Never), Todo::Wait(None));
        assert_eq!(todo(&failed, OnFailure), Todo::Start(vec![0]));
        failed[0].back_off_again();
        failed[0].started(None);
        end(&mut failed[0], 7);
        assert!(matches!(todo(&failed, Always), Todo::Wait(Some(_))));
    }

    #[test]
    fn a_sidecar_is_up_before_what_follows_it_and_always_comes_back() {
        let mut lives = lives(&[Sidecar, Init, App]);
        assert_eq!(todo(&lives, Never), Todo::Start(vec![0]));
        lives[0].started(None);
        assert_eq!(todo(&lives, Never), Todo::Start(vec![1]));
        lives[1].started(None);
        end(&mut lives[0], 1);
        assert_eq!(todo(&lives, Never), Todo::Start(vec![0]), "while the init container runs");
        lives[0].started(None);
        end(&mut lives[1], 0);
        lives[2].started(None);
        end(&mut lives[0], 0);
        assert_eq!(todo(&lives, Never), Todo::Start(vec![0]));
        lives[0].started(None);
        end(&mut lives[2], 0);
        assert_eq!(todo(&lives, Never), Todo::StopSidecars);
    }

    #[test]
    fn a_sidecar_that_does_not_start_lets_nothing_pass() {
        let mut lives = lives(&[Sidecar, App]);
        lives[0].started(Some("no such command".to_owned()));
        lives[0].back_off_again();
        lives[0].started(Some("no such command".to_owned()));
        assert!(matches!(todo(&lives, Always), Todo::Wait(Some(_))));
    }

    #[test]
    fn an_ephemeral_container_starts_once_the_others_have_and_never_again() {
        let mut lives = lives(&[Init, App, App, Ephemeral]);
        lives[0].started(None);
        end(&mut lives[0], 0);
        assert_eq!(todo(&lives, Always), Todo::Start(vec![1, 2]));
        lives[1].started(None);
        assert_eq!(todo(&lives, Always), Todo::Start(vec![2]));
        lives[2].started(None);
        assert_eq!(todo(&lives, Always), Todo::Start(vec![3]));
        lives[3].started(None);
        let mut over = lives.clone();
        end(&mut over[1], 1);
        end(&mut over[2], 1);
        assert_eq!(todo(&over, Never), Todo::StopSidecars, "it keeps no Pod going");
        end(&mut lives[3], 1);
        assert_eq!(todo(&lives, Always), Todo::Wait(None));
    }

    #[test]
    fn what_ended_comes_back_as_the_policy_says() {
        for (policy, code, again) in [
            (Always, 0, true),
            (Always, 1, true),
            (OnFailure, 0, false),
            (OnFailure, 1, true),
            (Never, 0, false),
            (Never, 1, false),
        ] {
            let mut lives = lives(&[App, App]);
            lives.iter_mut().for_each(|life| life.started(None));
            end(&mut lives[1], code);
            let expected = if again { Todo::Start(vec![1]) } else { Todo::Wait(None) };
            assert_eq!(todo(&lives, policy), expected, "{policy:?} after {code}");
        }
    }
}
