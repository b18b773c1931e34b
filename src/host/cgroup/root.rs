//! Below which cgroup of the host podcheck makes its own.

use super::{Hierarchies, TOP, enable};
use crate::host::HostError;
use std::fmt;
use std::str::FromStr;

/// Environment variable with the parent of podcheck's cgroup.
const VARIABLE: &str = "PODCHECK_CGROUP_ROOT";

/// The parent of podcheck's own cgroup in every hierarchy: `/` unless somebody says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CgroupRoot {
    /// Without a slash at its end; empty for `/`.
    path: String,
}

impl CgroupRoot {
    /// As `PODCHECK_CGROUP_ROOT` has it.
    ///
    /// # Errors
    /// It is set and no path that may be used.
    pub fn from_env() -> Result<CgroupRoot, HostError> {
        match std::env::var_os(VARIABLE) {
            None => Ok(CgroupRoot::default()),
            Some(path) => {
                let path = path.to_string_lossy();
                path.parse().map_err(|error| HostError::os(format!("use {VARIABLE}={path:?}"), error))
            }
        }
    }

    /// podcheck's own cgroup below it: `/podcheck`.
    pub(in crate::host) fn top(&self) -> String {
        format!("{}{TOP}", self.path)
    }
}

impl fmt::Display for CgroupRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.path.is_empty() { "/" } else { &self.path })
    }
}

/// Why a text is no path for podcheck's cgroup.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct CgroupRootError {
    why: &'static str,
}

impl FromStr for CgroupRoot {
    type Err = CgroupRootError;

    fn from_str(text: &str) -> Result<CgroupRoot, CgroupRootError> {
        let refuse = |why| Err(CgroupRootError { why });
        let Some(below) = text.strip_prefix('/') else {
            return refuse("a cgroup's path begins with `/` and counts from the hierarchies' root, as /ci");
        };
        let parts: Vec<&str> = below.split('/').filter(|part| !part.is_empty()).collect();
        if parts.iter().any(|part| matches!(*part, "." | "..") || part.chars().any(|c| c.is_control() || c == ':')) {
            return refuse("a part of it is `.` or `..`, or has a colon or a control character");
        }
        match parts.first() {
            Some(first) if first.starts_with("kubepods") => {
                refuse("a kubelet destroys what it does not know below its own kubepods")
            }
            Some(&"podcheck") => refuse("podcheck sweeps what it does not know below its own /podcheck"),
            _ => Ok(CgroupRoot { path: parts.iter().map(|part| format!("/{part}")).collect() }),
        }
    }
}

impl Hierarchies {
    /// Whether podcheck may make its cgroup there.
    ///
    /// # Errors
    /// It is not there in some hierarchy, on v2 it is not offered what plans limit, or its cpuset has no cpus or no memory
    /// nodes to hand down.
    pub(in crate::host) fn check_root(&self, root: &CgroupRoot) -> Result<(), HostError> {
        let refused =
            |detail: String| Err(HostError::new(format!("use {root} as parent of podcheck's cgroup"), detail));
        for hierarchy in self.list.iter().filter(|_| !root.path.is_empty()) {
            let dir = hierarchy.dir(&root.path);
            if !dir.is_dir() {
                return refused(format!("there is no {}: make it (mkdir), in every hierarchy", dir.display()));
            }
            let missing = enable::not_offered(&hierarchy.controllers, &dir);
            if hierarchy.unified && !missing.is_empty() {
                let have = dir.join("cgroup.controllers");
                let above = dir.with_file_name("cgroup.subtree_control");
                return refused(format!(
                    "{} lacks {}, which the cgroup above does not hand down: echo \"+{}\" > {}",
                    have.display(),
                    missing.join(" and "),
                    missing.join(" +"),
                    above.display()
                ));
            }
            for file in ["cpuset.cpus", "cpuset.mems"].map(|name| dir.join(name)) {
                let v1 = !hierarchy.unified;
                if v1 && std::fs::read_to_string(&file).is_ok_and(|text| text.trim().is_empty()) {
                    let detail = format!("{} is empty, so no process may run below it: write into it", file.display());
                    return refused(detail);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_an_absolute_path_that_is_nobody_elses() {
        for (text, path, top) in
            [("/", "/", "/podcheck"), ("/ci", "/ci", "/ci/podcheck"), ("//ci/pods/", "/ci/pods", "/ci/pods/podcheck")]
        {
            let root: CgroupRoot = text.parse().expect("a path");
            assert_eq!((root.to_string().as_str(), root.top().as_str()), (path, top));
        }
        for wrong in ["", "ci", "/ci/../x", "/./ci", "/a:b", "/kubepods", "/kubepods.slice/x", "/podcheck/x", "/a\nb"] {
            assert!(wrong.parse::<CgroupRoot>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_root_that_is_not_there_is_named_with_what_to_do() {
        let hierarchies = Hierarchies::detect().expect("there are cgroups");
        assert!(hierarchies.check_root(&CgroupRoot::default()).is_ok());
        let root = "/no-such-cgroup".parse().expect("a path");
        let said = hierarchies.check_root(&root).expect_err("is not there").to_string();
        assert!(said.contains("/no-such-cgroup") && said.contains("mkdir"), "{said}");
    }
}
