//! Handing controllers down on v2, where a cgroup offers its children only what it was told to.

use super::{Hierarchy, write_file};
use crate::host::HostError;
use crate::host::places;
use std::path::{Path, PathBuf};

/// The controllers that plans limit. Others stay as the host has them.
const WANTED: [&str; 4] = ["cpu", "cpuset", "memory", "pids"];
/// Limited as well where memory is: a hybrid host may have this one in v2 and the others in v1.
const BESIDE_MEMORY: &str = "hugetlb";
/// A leaf below our base that podcheck moves itself into where it stands in the way.
const OWN_LEAF: &str = "podcheck-self";

/// Enables, in a cgroup of ours, the controllers that plans limit for its children.
pub(super) fn hand_down(hierarchy: &Hierarchy, path: &str) -> Result<(), HostError> {
    if !needed(hierarchy) {
        return Ok(());
    }
    enable(&hierarchy.dir(path)).map(|_| ())
}

/// Enables the controllers that plans limit for the children of a v2 cgroup, given by its directory.
///
/// A cgroup that podcheck's own runtime puts members below needs it, as runc does it for its own.
///
/// # Errors
/// The kernel refused: processes are in that cgroup itself.
pub fn hand_down_in(dir: &Path) -> Result<(), HostError> {
    enable(dir).map(|_| ())
}

/// Those of a v2 hierarchy's controllers that plans limit and one of its cgroups is not offered.
pub(super) fn not_offered<'a>(controllers: &'a [String], dir: &Path) -> Vec<&'a str> {
    let offered = std::fs::read_to_string(dir.join("cgroup.controllers")).unwrap_or_default();
    let missing = |c: &&str| WANTED.contains(c) && offered.split_whitespace().all(|offered| offered != *c);
    controllers.iter().map(String::as_str).filter(missing).collect()
}

/// On v1 and usually on hybrid hosts there is nothing to hand down.
pub(super) fn needed(hierarchy: &Hierarchy) -> bool {
    hierarchy.unified && hierarchy.controllers.iter().any(|c| WANTED.contains(&c.as_str()))
}

/// The same for podcheck's own cgroup and for the one above it, remembering what was not enabled there before.
pub(super) fn hand_down_to_top(hierarchy: &Hierarchy, top: &str) -> Result<(), HostError> {
    if !needed(hierarchy) {
        return Ok(());
    }
    let base = above(hierarchy, top);
    let enabled = match enable(&base) {
        Ok(enabled) => enabled,
        // Below a root that is not the kernel's own, a cgroup with processes hands nothing down.
        Err(_) if move_self_out(&base)? => enable(&base)?,
        Err(error) => return Err(error),
    };
    if !enabled.is_empty() {
        remember(&enabled, top)?;
    }
    enable(&hierarchy.dir(top)).map(|_| ())
}

/// The cgroup above podcheck's own.
fn above(hierarchy: &Hierarchy, top: &str) -> PathBuf {
    hierarchy.dir(top.rsplit_once('/').map_or("", |(above, _)| above))
}

/// Takes back what [`hand_down_to_top`] enabled above podcheck's own. What others use by now, the kernel keeps.
pub(super) fn give_back(hierarchy: &Hierarchy, top: &str) {
    if !hierarchy.unified {
        return;
    }
    let (file, base) = (places::controllers_file(top), above(hierarchy, top));
    // Not there if nothing was enabled; one that cannot be read is kept for the next time.
    if let Ok(text) = std::fs::read_to_string(&file) {
        for controller in text.split_whitespace() {
            let _ = write_file(&base.join("cgroup.subtree_control"), &format!("-{controller}"));
        }
        let _ = std::fs::remove_file(file);
    }
    move_back(&base);
}

/// Enables what is offered and not enabled yet; returns that.
fn enable(dir: &Path) -> Result<Vec<String>, HostError> {
    let words = |file: &str| -> Vec<String> {
        let text = std::fs::read_to_string(dir.join(file)).unwrap_or_default();
        text.split_whitespace().map(str::to_owned).collect()
    };
    let (offered, have) = (words("cgroup.controllers"), words("cgroup.subtree_control"));
    let mut enabled = Vec::new();
    let memory = offered.iter().any(|c| c == "memory");
    let wanted = |c: &str| WANTED.contains(&c) || memory && c == BESIDE_MEMORY;
    for controller in offered.into_iter().filter(|c| wanted(c) && !have.contains(c)) {
        let file = dir.join("cgroup.subtree_control");
        match write_file(&file, &format!("+{controller}")) {
            Ok(()) => enabled.push(controller),
            // cpu cannot be handed down while real-time processes run outside the root: its limits then say so themselves.
            Err(error) if error.raw_os_error() == Some(nix::libc::EINVAL) => {}
            Err(error) => {
                let hint = if error.raw_os_error() == Some(nix::libc::EBUSY) { in_the_way(dir) } else { String::new() };
                let action = format!("enable {controller} in {}", file.display());
                return Err(HostError::new(action, format!("{error}{hint}")));
            }
        }
    }
    Ok(enabled)
}

fn in_the_way(dir: &Path) -> String {
    let procs = std::fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    let pids: Vec<&str> = procs.lines().take(8).collect();
    format!(
        "; processes {} are in that cgroup: start podcheck in a cgroup of its own (systemd-run --scope -p Delegate=yes)",
        pids.join(", ")
    )
}

/// Moves this process into a leaf if it is alone in `dir`; false if that is not what is in the way.
fn move_self_out(dir: &Path) -> Result<bool, HostError> {
    let procs = std::fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    let own = std::process::id().to_string();
    if procs.lines().any(|pid| pid != own) || procs.is_empty() {
        return Ok(false);
    }
    let leaf = dir.join(OWN_LEAF);
    let action = || format!("move podcheck into {}", leaf.display());
    match std::fs::create_dir(&leaf) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(HostError::os(action(), e));
        }
        _ => {}
    }
    write_file(&leaf.join("cgroup.procs"), "0").map_err(|e| HostError::os(action(), e))?;
    Ok(true)
}

/// Undoes [`move_self_out`] where the base takes processes again: the last run's supervisor and its owner go back.
fn move_back(base: &Path) {
    let leaf = base.join(OWN_LEAF);
    let procs = std::fs::read_to_string(leaf.join("cgroup.procs")).unwrap_or_default();
    for pid in procs.lines() {
        // Refused while something else is handed down from the base: then they stay where they are.
        let _ = write_file(&base.join("cgroup.procs"), pid);
    }
    let _ = std::fs::remove_dir(leaf);
}

fn remember(enabled: &[String], top: &str) -> Result<(), HostError> {
    let file = places::controllers_file(top);
    std::fs::write(&file, enabled.join(" ")).map_err(|e| HostError::os(format!("write {}", file.display()), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with the files of a cgroup, as far as they matter here. A kernel adds up what is written; a file keeps the
    /// last.
    fn cgroup(offered: &str, enabled: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("cgroup.controllers"), offered).expect("is writable");
        std::fs::write(dir.path().join("cgroup.subtree_control"), enabled).expect("is writable");
        dir
    }

    fn written(dir: &tempfile::TempDir) -> String {
        std::fs::read_to_string(dir.path().join("cgroup.subtree_control")).expect("is there")
    }

    #[test]
    fn what_plans_limit_is_handed_down_if_it_is_offered_and_is_not_yet() {
        let dir = cgroup("cpu io memory\n", "cpu\n");
        hand_down_in(dir.path()).expect("is written");
        assert_eq!(written(&dir), "+memory");
        let huge = cgroup("hugetlb io memory\n", "memory\n");
        hand_down_in(huge.path()).expect("is written");
        assert_eq!(written(&huge), "+hugetlb");
        let hybrid = cgroup("hugetlb\n", "");
        hand_down_in(hybrid.path()).expect("there is nothing to do");
        assert_eq!(written(&hybrid), "");
        let nothing = cgroup("io memory pids\n", "memory pids\n");
        hand_down_in(nothing.path()).expect("there is nothing to do");
        assert_eq!(written(&nothing), "memory pids\n");
    }

    #[test]
    fn what_a_cgroup_is_not_offered_is_told_if_the_hierarchy_has_it_and_plans_limit_it() {
        let dir = cgroup("io memory pids\n", "");
        let controllers = ["memory", "rdma", "cpu"].map(str::to_owned);
        assert_eq!(not_offered(&controllers, dir.path()), ["cpu"]);
    }

    #[test]
    fn a_refusal_names_controller_and_file() {
        let dir = cgroup("pids\n", "");
        std::fs::remove_file(dir.path().join("cgroup.subtree_control")).expect("was there");
        let said = hand_down_in(dir.path()).expect_err("cannot be written").to_string();
        assert!(said.contains("enable pids in") && said.contains("cgroup.subtree_control"), "{said}");
    }
}
