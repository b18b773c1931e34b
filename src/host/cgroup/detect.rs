//! Which cgroup hierarchies this host has, from the text of `/proc/self/mountinfo` and `/proc/self/cgroup`.

use super::{Hierarchies, Hierarchy, Mode};
use crate::host::HostError;
use crate::host::mounts;
use std::path::PathBuf;

/// A line of `/proc/<pid>/cgroup`: `4:memory:/a`, `9:name=systemd:/`, `0::/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Membership {
    /// Controllers or `name=…`; empty for the unified hierarchy.
    pub names: Vec<String>,
    /// The process's cgroup.
    pub path: String,
}

/// Parses `/proc/<pid>/cgroup`. Lines of another form are left out.
pub(super) fn memberships(text: &str) -> Vec<Membership> {
    text.lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (_number, names, path) = (parts.next()?, parts.next()?, parts.next()?);
            let names = names.split(',').filter(|n| !n.is_empty()).map(str::to_owned).collect();
            Some(Membership { names, path: path.to_owned() })
        })
        .collect()
}

/// Reads what this process sees.
pub(super) fn detect() -> Result<Hierarchies, HostError> {
    let read = |file: &str| std::fs::read_to_string(file).map_err(|e| HostError::os(format!("read {file}"), e));
    let mut found = parse(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?)?;
    for hierarchy in &mut found.list {
        if hierarchy.unified {
            let file = hierarchy.mount_point.join("cgroup.controllers");
            let text =
                std::fs::read_to_string(&file).map_err(|e| HostError::os(format!("read {}", file.display()), e))?;
            hierarchy.controllers = text.split_whitespace().map(str::to_owned).collect();
        }
        hierarchy.base = base(hierarchy);
    }
    Ok(found)
}

/// Where podcheck's cgroups lie, from the mount point: its top where that may be written, else our own cgroup.
fn base(hierarchy: &Hierarchy) -> PathBuf {
    let writable = |dir: &std::path::Path| nix::unistd::access(dir, nix::unistd::AccessFlags::W_OK).is_ok();
    let top = hierarchy.mount_point.clone();
    let own = hierarchy.below_mount(&hierarchy.own);
    match own {
        Some(own) if !writable(&top) && writable(&own) => own,
        _ => top,
    }
}

/// The pure part: the hierarchies that are mounted, the first mount of each.
pub(super) fn parse(mountinfo: &str, cgroup: &str) -> Result<Hierarchies, HostError> {
    let memberships = memberships(cgroup);
    let mut list: Vec<Hierarchy> = Vec::new();
    for mount in mounts::parse(mountinfo) {
        let unified = match mount.fs_type.as_str() {
            "cgroup" => false,
            "cgroup2" => true,
            _ => continue,
        };
        let options: Vec<&str> = mount.super_options.split(',').collect();
        let membership = memberships.iter().find(|m| {
            if unified { m.names.is_empty() } else { m.names.first().is_some_and(|n| options.contains(&n.as_str())) }
        });
        // A mount whose hierarchy we are in under no name has no controllers, or is being unmounted.
        let Some(membership) = membership else {
            continue;
        };
        let seen = list.iter().any(|h| h.unified == unified && h.names == membership.names);
        if seen {
            continue;
        }
        let controllers = membership.names.iter().filter(|n| !n.starts_with("name=")).cloned().collect();
        list.push(Hierarchy {
            unified,
            names: membership.names.clone(),
            controllers,
            base: mount.mount_point.clone(),
            mount_point: mount.mount_point,
            mount_root: mount.root,
            own: membership.path.clone(),
        });
    }
    let mode = match (list.iter().any(|h| h.unified), list.iter().any(|h| !h.unified)) {
        (true, true) => Mode::Hybrid,
        (true, false) => Mode::V2,
        (false, true) => Mode::V1,
        (false, false) => {
            let hint = "none is in /proc/self/mountinfo; mount cgroup2 on /sys/fs/cgroup".to_owned();
            return Err(HostError::new("find the cgroup hierarchies", hint));
        }
    };
    Ok(Hierarchies { mode, list })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const HYBRID: &str = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
42 31 0:32 / /elsewhere rw,relatime - cgroup cgroup rw,memory
";

    #[test]
    fn a_hybrid_host() {
        let found = parse(HYBRID, "9:name=systemd:/\n4:memory:/a/b\n1:cpu,cpuacct:/\n0::/\n").expect("parses");
        assert_eq!(found.mode, Mode::Hybrid);
        let points: Vec<_> = found.list.iter().map(|h| h.mount_point.to_str().unwrap_or("")).collect();
        let expected = ["cpu,cpuacct", "memory", "systemd", "unified"].map(|n| format!("/sys/fs/cgroup/{n}"));
        assert_eq!(points, expected);
        assert_eq!(found.controller("memory").map(|h| h.own.as_str()), Some("/a/b"));
        assert_eq!(found.controller("cpuacct").map(|h| h.names.len()), Some(2));
        assert!(found.list[2].controllers.is_empty());
    }

    #[test]
    fn a_unified_host_and_none() {
        let found =
            parse("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n", "0::/x\n").expect("parses");
        assert_eq!(found.mode, Mode::V2);
        assert!(parse("22 27 0:21 / /proc rw - proc proc rw\n", "0::/\n").is_err());
    }

    #[test]
    fn a_path_is_found_below_the_mount_of_a_container() {
        let text = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
        let found = parse(text, "4:memory:/docker/abc/in\n").expect("parses");
        let hierarchy = &found.list[0];
        assert_eq!(hierarchy.below_mount(&hierarchy.own).as_deref(), Some(Path::new("/sys/fs/cgroup/memory/in")));
        assert_eq!(hierarchy.below_mount("/docker/abcd"), None);
    }

    #[test]
    fn malformed_lines_are_left_out() {
        assert_eq!(memberships("nonsense\n0::/a:b\n").len(), 1);
        assert_eq!(memberships("0::/a:b\n")[0].path, "/a:b");
    }
}
