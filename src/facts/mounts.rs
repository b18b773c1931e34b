//! Mounts without the host in them.

use super::document::Mount as Fact;
use super::dropped;
use super::naming::Names;
use crate::observe::{Memberships, Mount};
use std::collections::BTreeMap;

/// Key under which v1 controllers' mounts stand that are alike.
const CONTROLLERS: &str = "/sys/fs/cgroup/<controller>";

/// What mounts are compared with.
#[derive(Debug)]
pub struct Classes<'a> {
    /// Names of this run's texts.
    pub names: &'a Names<'a>,
    /// Mounts of the host.
    pub host: &'a [Mount],
    /// Cgroups of the member.
    pub memberships: &'a Memberships,
    /// Where paths lead in the member's root.
    pub places: &'a BTreeMap<String, String>,
    /// Classes of what is asked for in the member, and where these mounts are.
    pub asked: Vec<(&'a str, String)>,
}

impl Classes<'_> {
    /// Target → mount. One that another mount covers on the same target is kept as `<target> (covered)`.
    pub fn mounts(&self, mounts: &[Mount]) -> BTreeMap<String, Fact> {
        let mut facts: BTreeMap<String, Fact> = BTreeMap::new();
        let mut controllers = Vec::new();
        for mount in mounts {
            let fact = self.fact(mount);
            if mount.kind == "cgroup" && mount.target.starts_with("/sys/fs/cgroup/") {
                controllers.push((mount.target.clone(), fact));
                continue;
            }
            let target = self.names.text(&mount.target);
            if let Some(covered) = facts.insert(target.clone(), fact) {
                let free = (1..)
                    .map(|n| if n == 1 { format!("{target} (covered)") } else { format!("{target} (covered {n})") });
                facts.extend(free.into_iter().find(|key| !facts.contains_key(key)).map(|key| (key, covered)));
            }
        }
        collapse(controllers, &mut facts);
        facts
    }

    fn fact(&self, mount: &Mount) -> Fact {
        let source = self.source(mount);
        let masked = source.class == "masked";
        let own = source.inherited.is_none() || source.in_memory;
        let class = if masked {
            "masked"
        } else if own {
            mount.kind.as_str()
        } else {
            "bind"
        };
        let inherited = source.inherited.unwrap_or_default();
        let mut options: Vec<String> = mount.options.clone();
        options.retain(|word| dropped::option(class, word).is_none());
        options.retain(|word| word == "ro" || word == "rw" || !inherited.contains(word));
        options.sort();
        let mut superblock: Vec<String> = mount.superblock.clone();
        superblock.retain(|word| dropped::superblock(&mount.kind, word).is_none());
        superblock.sort();
        let has_superblock = own && !masked && !mount.kind.starts_with("cgroup");
        Fact {
            kind: if own && !(masked && mount.root == "/null") { mount.kind.clone() } else { "bind".to_owned() },
            options: (!masked).then_some(options),
            superblock: has_superblock.then_some(superblock),
            propagation: propagation(&mount.target, &mount.propagation),
            source: source.class,
            root: source.root,
        }
    }
}

/// `private`, `shared`, `slave`, `unbindable`, or several of them. A root that is a slave and nothing else counts as private.
fn propagation(target: &str, fields: &[String]) -> String {
    let mut kinds: Vec<&str> = fields
        .iter()
        .filter_map(|field| match field.split_once(':').map_or(field.as_str(), |(name, _)| name) {
            "master" => Some("slave"),
            "propagate_from" => None,
            other => Some(other),
        })
        .collect();
    kinds.sort_unstable();
    if kinds.is_empty() || target == "/" && kinds == ["slave"] { "private".to_owned() } else { kinds.join(",") }
}

/// Controllers' mounts that are as most of them are stand as one; the others under their own targets.
fn collapse(controllers: Vec<(String, Fact)>, facts: &mut BTreeMap<String, Fact>) {
    let alike = |fact: &Fact| controllers.iter().filter(|(_, other)| other == fact).count();
    let Some(common) = controllers.iter().map(|(_, fact)| fact).max_by_key(|fact| alike(fact)).cloned() else { return };
    facts.extend(controllers.into_iter().filter(|(_, fact)| *fact != common));
    facts.insert(CONTROLLERS.to_owned(), common);
}

#[cfg(test)]
mod tests;
