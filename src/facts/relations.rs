//! Who shares what, by identities that are good for nothing else.

use super::Facts;

/// How two members stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// They have the same thing.
    Same,
    /// Each has its own.
    Different,
    /// One of them has none, has exited, or there is no such kind.
    Unknown,
}

impl Facts {
    /// The identity of a member's namespace, `address`, `shm` or `root`; `None` if it has none or has exited.
    pub fn identity(&self, member: &str, kind: &str) -> Option<&str> {
        self.identities.get(member)?.get(kind).map(String::as_str)
    }

    /// Whether two members have the same thing of a kind.
    pub fn relation(&self, kind: &str, one: &str, other: &str) -> Relation {
        match (self.identity(one, kind), self.identity(other, kind)) {
            (Some(one), Some(other)) if one == other => Relation::Same,
            (Some(_), Some(_)) => Relation::Different,
            _ => Relation::Unknown,
        }
    }

    /// Whether a member's namespace is the host's; `None` if it has exited or there is no such kind.
    pub fn is_host(&self, kind: &str, member: &str) -> Option<bool> {
        let namespace = self.document.get("members")?.get(member)?.get("namespaces")?.get(kind)?.as_str()?;
        Some(namespace == "host")
    }
}
