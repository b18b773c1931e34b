//! What is still there once a Pod has been removed: nothing of it should be.

use super::{Check, Level, Outcome};

/// What Kubernetes asks of stopping and removing a Pod's sandbox.
const SOURCE: &str = "https://github.com/kubernetes/cri-api/blob/master/pkg/apis/runtime/v1/api.proto";

/// A namespace of a Pod's that was looked for, and who still has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceLeft {
    /// The first member that was in it.
    pub member: String,
    /// Its kind: `net`.
    pub kind: String,
    /// Processes in it and mounts of it, in words.
    pub holders: Vec<String>,
}

/// What was looked for after a Pod had been removed, and what of it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remains {
    /// Namespaces that only members should have had.
    pub namespaces: Vec<NamespaceLeft>,
    /// Addresses still leased, interfaces still there; `None` where nothing of the network could be looked for.
    pub network: Option<Vec<String>>,
    /// Processes, mounts, cgroups.
    pub other: Vec<String>,
}

impl Remains {
    /// Adds what was found of another Pod of the same trial.
    pub fn append(&mut self, other: Remains) {
        self.namespaces.extend(other.namespaces);
        if let Some(more) = other.network {
            self.network.get_or_insert_default().extend(more);
        }
        self.other.extend(other.other);
    }

    /// Whether all is gone.
    pub fn is_empty(&self) -> bool {
        self.namespaces.iter().all(|namespace| namespace.holders.is_empty())
            && self.network.as_ref().is_none_or(Vec::is_empty)
            && self.other.is_empty()
    }
}

/// Judges what is left: a check for each namespace (N9), one for the network (T7), one for all the rest (F9).
pub fn gone(remains: &Remains) -> Vec<Check> {
    let of_namespaces = remains.namespaces.iter().map(|namespace| {
        let expected = "in no process and mounted nowhere once the Pod is removed";
        let at = format!("gone.namespaces.{}", namespace.kind);
        check("N9", &namespace.member, &at, expected, &namespace.holders)
    });
    let mut checks: Vec<Check> = of_namespaces.collect();
    if let Some(network) = &remains.network {
        checks.push(check("T7", "", "gone.network", "no lease and no interface once the Pod is removed", network));
    }
    checks.push(check("F9", "", "gone", "nothing left once the Pod is removed", &remains.other));
    checks
}

fn check(property: &str, member: &str, at: &str, expected: &str, left: &[String]) -> Check {
    Check {
        property: property.to_owned(),
        member: member.to_owned(),
        at: at.to_owned(),
        level: Level::Must,
        expected: expected.to_owned(),
        seen: if left.is_empty() { "nothing".to_owned() } else { left.join(", ") },
        source: SOURCE.to_owned(),
        file: String::new(),
        place: String::new(),
        outcome: if left.is_empty() { Outcome::Held } else { Outcome::Broken },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(remains: &Remains) -> Vec<(String, String, String)> {
        let broken = gone(remains).into_iter().filter(|check| check.outcome == Outcome::Broken);
        broken.map(|check| (check.property, check.at, check.seen)).collect()
    }

    fn namespace(holders: &[&str]) -> NamespaceLeft {
        let holders = holders.iter().map(|holder| (*holder).to_owned()).collect();
        NamespaceLeft { member: "sandbox".to_owned(), kind: "net".to_owned(), holders }
    }

    #[test]
    fn what_is_left_is_found_by_what_it_is() {
        let clean = Remains { namespaces: vec![namespace(&[])], network: Some(Vec::new()), other: Vec::new() };
        assert!(clean.is_empty() && broken(&clean).is_empty());
        assert_eq!(gone(&clean).len(), 3);
        let mut remains = clean;
        remains.append(Remains {
            namespaces: vec![namespace(&["process 7: sleep", "mount /run/netns/x"])],
            network: Some(vec!["lease 10.0.0.1".to_owned()]),
            other: vec!["cgroup x".to_owned()],
        });
        let texts = |p: &str, at: &str, seen: &str| (p.to_owned(), at.to_owned(), seen.to_owned());
        assert_eq!(
            broken(&remains),
            [
                texts("N9", "gone.namespaces.net", "process 7: sleep, mount /run/netns/x"),
                texts("T7", "gone.network", "lease 10.0.0.1"),
                texts("F9", "gone", "cgroup x"),
            ]
        );
        assert!(!remains.is_empty());
    }

    #[test]
    fn a_network_that_nobody_looked_for_is_no_check() {
        let checks = gone(&Remains::default());
        assert_eq!(checks.iter().map(|check| check.property.as_str()).collect::<Vec<_>>(), ["F9"]);
    }
}
