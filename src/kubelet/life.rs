//! One container from its first start on, as often as it is started.

use super::back_off::BackOff;
use crate::plan::Role;
use std::time::{Duration, Instant};

/// Where a container stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Now {
    /// It was never started.
    Waiting,
    /// It was started, and nobody has seen its end.
    Running,
    /// It ended, or was refused.
    Ended,
}

/// An end of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Exit status, 128 + signal for a killed one; 128 for one that did not start.
    pub exit_code: i32,
    /// `Completed`, `Error`, `OOMKilled`; `StartError` for one that did not start.
    pub reason: String,
    /// What the runtime said of one that did not start.
    pub refused: Option<String>,
    /// When that was seen.
    pub at: Instant,
}

/// A container.
#[derive(Clone, Debug)]
pub struct Life {
    /// Its name.
    pub name: String,
    /// Its part in the Pod.
    pub role: Role,
    /// How often it was started, or tried to be.
    pub starts: u32,
    /// Where it stands.
    pub now: Now,
    /// Every end of it, the last one last.
    pub ends: Vec<End>,
    back_off: BackOff,
}

impl Life {
    pub(super) fn new(name: &str, role: Role, base: Duration) -> Life {
        let back_off = BackOff::new(base);
        Life { name: name.to_owned(), role, starts: 0, now: Now::Waiting, ends: Vec::new(), back_off }
    }

    /// It was started, or refused with these words.
    pub(super) fn started(&mut self, refused: Option<String>) {
        self.starts += 1;
        self.now = Now::Running;
        if refused.is_some() {
            self.now = Now::Ended;
            let reason = "StartError".to_owned();
            self.ends.push(End { exit_code: 128, reason, refused, at: Instant::now() });
        }
    }

    pub(super) fn ended(&mut self, exit_code: i32, reason: String) {
        self.now = Now::Ended;
        self.ends.push(End { exit_code, reason, refused: None, at: Instant::now() });
    }

    /// When it may be started again; `None` if it has not ended.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.now != Now::Ended {
            return None;
        }
        self.ends.last().map(|end| self.back_off.due(end.at))
    }

    /// It is about to be started again.
    pub(super) fn back_off_again(&mut self) {
        let now = Instant::now();
        self.back_off.again(self.ends.last().map_or(now, |end| end.at), now);
    }

    /// It is there for others and goes when they have: a sidecar, or an ephemeral container.
    pub(super) fn attends(&self) -> bool {
        matches!(self.role, Role::Sidecar | Role::Ephemeral)
    }

    /// It has run, or runs.
    pub fn has_started(&self) -> bool {
        self.now == Now::Running || self.ends.iter().any(|end| end.refused.is_none())
    }

    /// It was started and has ended.
    pub fn has_ended(&self) -> bool {
        self.now == Now::Ended && self.ends.last().is_some_and(|end| end.refused.is_none())
    }

    /// It has ended well.
    pub fn is_complete(&self) -> bool {
        self.exit_code() == Some(0)
    }

    /// How it ended, if it has.
    pub fn exit_code(&self) -> Option<i32> {
        if self.now == Now::Ended { self.ends.last().map(|end| end.exit_code) } else { None }
    }
}
