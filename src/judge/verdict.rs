//! From checks to one word.

use super::{Check, Outcome};
use crate::case::Known;
use serde::{Deserialize, Serialize};

/// The verdict on a case and runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// At least one check ran and none is broken.
    Passed,
    /// A finding that is not declared, or a declared one that is not there.
    Failed,
    /// Known, sourced differences, exactly as declared.
    Deviates,
    /// Not run, with a reason.
    Skipped,
    /// The runtime or the host failed; nothing is said about the Pod.
    Broken,
}

impl Verdict {
    /// A failure or something broken: what a run must not end well with.
    pub fn is_bad(self) -> bool {
        matches!(self, Verdict::Failed | Verdict::Broken)
    }
}

/// How many checks could be made: those whose fact this host can show.
pub fn checks_run(checks: &[Check]) -> usize {
    checks.iter().filter(|check| !matches!(check.outcome, Outcome::Unobservable(_))).count()
}

/// The verdict on one case and runtime. `unmet` are the known differences that were declared and are not there (see
/// [`super::apply_known`]). Where nothing could be checked nothing is said about the Pod: that is broken, never passed.
pub fn verdict(checks: &[Check], unmet: &[Known]) -> Verdict {
    let any = |of: fn(&Outcome) -> bool| checks.iter().any(|check| of(&check.outcome));
    if checks_run(checks) == 0 {
        Verdict::Broken
    } else if any(|outcome| matches!(outcome, Outcome::Broken)) || !unmet.is_empty() {
        Verdict::Failed
    } else if any(|outcome| matches!(outcome, Outcome::Known(_))) {
        Verdict::Deviates
    } else {
        Verdict::Passed
    }
}
