//! `/proc/<pid>/cgroup`, and where the hierarchies are mounted.

use super::error::Malformed;
use super::mountinfo::Mount;
use super::observation::Memberships;
use procfs::{FromRead, ProcessCGroups};

/// A mounted cgroup hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// v1 controllers (`cpu`, `cpuacct`) or `name=…`; none for v2.
    pub controllers: Vec<String>,
    /// Where it is mounted.
    pub mount_point: String,
    /// The cgroup that is mounted there, `/` but within a container.
    pub root: String,
}

impl Hierarchy {
    /// It is the v2 hierarchy.
    pub fn is_unified(&self) -> bool {
        self.controllers.is_empty()
    }

    /// The directory of a cgroup; `None` if it is not below what is mounted.
    pub fn directory(&self, cgroup: &str) -> Option<String> {
        let below = if self.root == "/" { cgroup } else { cgroup.strip_prefix(self.root.as_str())? };
        let inside = (below.is_empty() || below.starts_with('/')) && !below.split('/').any(|part| part == "..");
        inside.then(|| format!("{}{}", self.mount_point, below.trim_end_matches('/')))
    }
}

/// What has no controller among the options of a v1 mount.
const NO_CONTROLLER: [&str; 8] =
    ["rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "none", "favordynmods"];

/// The hierarchies among the host's mounts, each once, by its first mount.
pub fn hierarchies(mounts: &[Mount]) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for mount in mounts {
        let controllers: Vec<String> = match mount.kind.as_str() {
            "cgroup2" => Vec::new(),
            "cgroup" => mount
                .superblock
                .iter()
                .filter(|word| !NO_CONTROLLER.contains(&word.as_str()) && !word.starts_with("release_agent="))
                .cloned()
                .collect(),
            _ => continue,
        };
        if !found.iter().any(|h| h.controllers == controllers) {
            found.push(Hierarchy { controllers, mount_point: mount.target.clone(), root: mount.root.clone() });
        }
    }
    found
}

/// Parses `/proc/<pid>/cgroup`: lines of `id:controllers:path`, the v2 one being `0::path`.
pub fn memberships(text: &str) -> Result<Memberships, Malformed> {
    let malformed = || Malformed::new("lines of `id:controllers:/path`", text);
    let all = ProcessCGroups::from_read(text.as_bytes()).map_err(|_| malformed())?;
    if all.0.is_empty() || all.0.iter().any(|one| !one.pathname.starts_with('/')) {
        return Err(malformed());
    }
    let mut memberships = Memberships::default();
    for one in all {
        if one.controllers.is_empty() {
            memberships.unified = Some(one.pathname.clone());
        }
        memberships.v1.extend(one.controllers.into_iter().map(|controller| (controller, one.pathname.clone())));
    }
    Ok(memberships)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::mountinfo;

    #[test]
    fn v1_hybrid_and_v2_memberships_are_told_apart() {
        let hybrid = memberships("9:name=systemd:/a\n4:memory:/a/b:c\n2:cpu,cpuacct:/a\n0::/\n").expect("good text");
        assert_eq!(hybrid.v1.keys().collect::<Vec<_>>(), ["cpu", "cpuacct", "memory", "name=systemd"]);
        assert_eq!(hybrid.v1["memory"], "/a/b:c");
        assert_eq!(hybrid.unified.as_deref(), Some("/"));
        let v2 = memberships("0::/kubepods\n").expect("good text");
        assert!(v2.v1.is_empty());
        assert_eq!(memberships("2:cpu:/\n").expect("good text").unified, None);
        for text in ["", "memory\n", "4:memory\n", "4:memory:relative\n", "x:memory:/\n"] {
            assert!(memberships(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn hierarchies_are_found_among_mounts() {
        let mounts = mountinfo::parse(
            "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
             36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
             37 31 0:32 / /other rw - cgroup cgroup rw,memory\n\
             40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd\n\
             41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n",
        )
        .expect("good text");
        let found = hierarchies(&mounts);
        let names: Vec<String> = found.iter().map(|h| h.controllers.join(",")).collect();
        assert_eq!(names, ["memory", "cpu,cpuacct", "name=systemd", ""]);
        assert_eq!(found[0].mount_point, "/sys/fs/cgroup/memory");
        assert!(found[3].is_unified());
    }

    #[test]
    fn a_directory_lies_below_what_is_mounted_or_nowhere() {
        let mut hierarchy =
            Hierarchy { controllers: Vec::new(), mount_point: "/sys/fs/cgroup".to_owned(), root: "/".to_owned() };
        assert_eq!(hierarchy.directory("/a/b").as_deref(), Some("/sys/fs/cgroup/a/b"));
        assert_eq!(hierarchy.directory("/").as_deref(), Some("/sys/fs/cgroup"));
        assert_eq!(hierarchy.directory("/../x"), None);
        hierarchy.root = "/docker/1".to_owned();
        assert_eq!(hierarchy.directory("/docker/1/a").as_deref(), Some("/sys/fs/cgroup/a"));
        assert_eq!(hierarchy.directory("/docker/12/a"), None);
    }
}
