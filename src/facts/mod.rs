//! Facts: the canonical, host-independent document of what was observed of a running Pod.
//!
//! No input or output. No pid, inode, id, time or path of the host stands in the document; what was left out and why
//! stands in one table, `dropped.rs`.

mod capabilities;
mod compare;
mod document;
mod dropped;
mod inherited;
mod instances;
mod lookup;
mod mounts;
mod naming;
mod network;
mod normalise;
mod path;
mod relations;
mod source;

pub use capabilities::names as capability_names;
pub use compare::{Difference, differences};
pub use document::UNOBSERVABLE;
pub use dropped::{DROPPED, Dropped, Part};
pub use lookup::unobservable;
pub use naming::Naming;
pub use normalise::normalise;
pub use path::{place, plain};
pub use relations::Relation;

use serde_json::Value;
use std::collections::BTreeMap;

/// What was observed of a Pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The document: `{members: {<name>: {…}}, pod: {…}}`.
    pub document: Value,
    /// For `same` and `differ`: member → kind (a namespace, `address`, `shm`, `root`) → an identity of this host that is
    /// only good for comparing. Never printed, never in a snapshot.
    pub identities: BTreeMap<String, BTreeMap<String, String>>,
    /// Dotted path of a fact (or the prefix of several) → the kernel file it was read from, for findings.
    pub sources: BTreeMap<String, String>,
}

/// What a fact turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Looked<'a> {
    /// A value.
    Value(&'a Value),
    /// The kernel has it, and it is not set or not there.
    Absent,
    /// Cannot be seen on this host: the ability that is missing.
    Unobservable(&'a str),
    /// No such fact exists: a misspelt path.
    Unknown,
}
