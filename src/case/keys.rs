//! The keys of a case file. The schema is held to the same lists.

use crate::diagnostic::yaml::Cursor;

/// A map of a case file: its name in messages, and its keys.
#[derive(Debug)]
pub(super) struct Keys {
    /// With its article.
    pub name: &'static str,
    /// All that it may have.
    pub all: &'static [&'static str],
    /// Those it must have.
    pub mandatory: &'static [&'static str],
}

pub(super) static CASE: Keys = Keys {
    name: "a case",
    all: &[
        "about",
        "shows",
        "source",
        "requires",
        "alone",
        "pod",
        "beside",
        "configMaps",
        "secrets",
        "node",
        "seccomp_profiles",
        "refused",
        "while",
        "expect",
        "steps",
        "known",
        "rows",
    ],
    mandatory: &["about", "shows", "pod"],
};

pub(super) static NODE: Keys = Keys {
    name: "node",
    all: &["pod_pids_limit", "single_process_oom_kill", "allowed_unsafe_sysctls", "back_off"],
    mandatory: &[],
};

pub(super) static FACT: Keys = Keys {
    name: "an expectation of a fact",
    all: &["fact", "of", "equals", "contains", "lacks", "absent", "at_least", "property"],
    mandatory: &["fact"],
};

pub(super) static SAME: Keys = Keys { name: "same", all: &["same", "of", "property"], mandatory: &["same", "of"] };
pub(super) static DIFFER: Keys =
    Keys { name: "differ", all: &["differ", "of", "property"], mandatory: &["differ", "of"] };
pub(super) static HOST: Keys = Keys { name: "host", all: &["host", "of", "property"], mandatory: &["host", "of"] };

pub(super) static RUN: Keys =
    Keys { name: "a command", all: &["in", "run", "expect", "property"], mandatory: &["in", "run"] };

pub(super) static RUN_EXPECT: Keys = Keys {
    name: "the expectation of a command",
    all: &["exit", "signal", "stdout", "stdout_contains", "stdout_lacks", "stderr_contains"],
    mandatory: &[],
};

pub(super) static ENDS: Keys = Keys {
    name: "the end of a container",
    all: &["ends", "exit", "signal", "reason", "within", "property"],
    mandatory: &["ends"],
};

pub(super) static RESTARTS: Keys =
    Keys { name: "restarts", all: &["restarts", "count", "property"], mandatory: &["restarts", "count"] };
pub(super) static STARTS: Keys = Keys { name: "starts", all: &["starts", "property"], mandatory: &["starts"] };
pub(super) static REFUSED: Keys =
    Keys { name: "refused", all: &["refused", "says", "property"], mandatory: &["refused"] };
pub(super) static STOP: Keys =
    Keys { name: "stop", all: &["stop", "grace", "at_least"], mandatory: &["stop", "grace"] };
pub(super) static REMOVE: Keys = Keys { name: "remove", all: &["remove"], mandatory: &["remove"] };
pub(super) static TERMINATE: Keys = Keys { name: "terminate", all: &["terminate"], mandatory: &["terminate"] };
pub(super) static FILE: Keys = Keys {
    name: "a file of a volume",
    all: &["volume", "file", "equals", "property"],
    mandatory: &["volume", "file", "equals"],
};
pub(super) static LOGS: Keys =
    Keys { name: "logs", all: &["logs", "stdout", "stderr", "property"], mandatory: &["logs", "stdout", "stderr"] };
pub(super) static RESIZE: Keys =
    Keys { name: "resize", all: &["resize", "resources", "property"], mandatory: &["resize", "resources"] };
pub(super) static RESTART: Keys = Keys { name: "restart", all: &["restart", "property"], mandatory: &["restart"] };
pub(super) static KILL: Keys = Keys { name: "kill", all: &["kill"], mandatory: &["kill"] };
pub(super) static PHASE: Keys = Keys { name: "phase", all: &["phase", "property"], mandatory: &["phase"] };

pub(super) static REFUSAL: Keys = Keys { name: "a refusal", all: &["at", "says"], mandatory: &["at", "says"] };

pub(super) static KNOWN: Keys = Keys {
    name: "a known difference",
    all: &["property", "fact", "members", "at", "seen", "sometimes", "when", "because", "source"],
    mandatory: &["seen", "because", "source"],
};

pub(super) static UNCOVERED: Keys =
    Keys { name: "a property without a case", all: &["property", "because"], mandatory: &["property", "because"] };

pub(super) static WHEN: Keys = Keys {
    name: "when",
    all: &["runtime", "oci", "versions", "settings", "cgroup", "driver", "kernel", "abilities", "network"],
    mandatory: &[],
};

impl Keys {
    /// Adds a fault for each key that does not belong here and for each that is missing; false if it is no map.
    pub(super) fn check(&self, cursor: &Cursor<'_>) -> bool {
        let Some(entries) = cursor.entries() else {
            return false;
        };
        for (key, value) in entries {
            if !self.all.contains(&key) {
                value.unknown_key(self.name, self.all);
            }
        }
        for key in self.mandatory {
            if cursor.get(key).is_none() {
                cursor.fault_at_key(format!("{} has no {key}", self.name), format!("add {key}:"));
            }
        }
        true
    }
}
