//! One thing that was looked at, and how it came out.

use serde::{Deserialize, Serialize};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Check {
    /// Id of the property (`N3`); `member` for the identity of a process.
    pub property: String,
    /// Member it was looked at; empty for the Pod as a whole.
    pub member: String,
    /// Where: the fact's path, or the step (`steps[1]`).
    pub at: String,
    /// How binding it is.
    pub level: Level,
    /// What the specification or case asks for, in words that need no knowledge of podcheck.
    pub expected: String,
    /// What was seen.
    pub seen: String,
    /// Why it is asked: a link.
    pub source: String,
    /// The kernel file that was read; empty for steps.
    pub file: String,
    /// Where a file asks for it, or declares the difference: `cases/limits/memory.yaml:12`; empty where the contract asks.
    #[serde(default)]
    pub place: String,
    /// How it came out.
    pub outcome: Outcome,
}

/// How binding a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// The request or the Pod contract says so.
    Must,
    /// A default that runtimes share.
    Should,
}

/// How a check came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As expected.
    Held,
    /// Not as expected: a finding.
    Broken,
    /// A known difference, exactly as declared: the reason.
    Known(String),
    /// Cannot be seen on this host: the missing ability.
    Unobservable(String),
}
