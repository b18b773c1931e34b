//! How long a container that ends again and again is left alone.
//! Source: Kubernetes pkg/kubelet/kuberuntime (`doBackOff`) and client-go's util/flowcontrol/backoff.go.

use std::time::{Duration, Instant};

/// Before the second restart: the first one is at once.
pub(super) const BASE: Duration = Duration::from_secs(10);
/// No wait is longer.
const CAP: Duration = Duration::from_secs(300);

/// Of one container.
#[derive(Clone, Copy, Debug)]
pub(super) struct BackOff {
    base: Duration,
    /// What is waited next time, and when that was set.
    next: Option<(Duration, Instant)>,
}

impl BackOff {
    pub(super) fn new(base: Duration) -> BackOff {
        BackOff { base, next: None }
    }

    /// When a container that ended then may start again.
    pub(super) fn due(&self, ended: Instant) -> Instant {
        self.next.map_or(ended, |(delay, _)| ended + delay)
    }

    /// It is started again. One that ran for longer than twice the cap begins anew.
    pub(super) fn again(&mut self, ended: Instant, now: Instant) {
        let delay = match self.next {
            Some((delay, set)) if ended.saturating_duration_since(set) <= 2 * CAP => (delay * 2).min(CAP),
            _ => self.base,
        };
        self.next = Some((delay, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_at_once_and_then_the_wait_doubles_up_to_five_minutes() {
        let mut back_off = BackOff::new(BASE);
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..8 {
            let due = back_off.due(now);
            waits.push((due - now).as_secs());
            back_off.again(now, due);
            now = due;
        }
        assert_eq!(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn one_that_ran_for_long_begins_anew() {
        let mut back_off = BackOff::new(BASE);
        let now = Instant::now();
        back_off.again(now, now);
        back_off.again(now, now);
        assert_eq!(back_off.due(now) - now, 2 * BASE);
        let later = now + 2 * CAP + Duration::from_secs(1);
        back_off.again(later, later);
        assert_eq!(back_off.due(later) - later, BASE);
    }
}
