//! Where podcheck's things lie on the host, and what they are called.

use super::HostError;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Home of all runs.
pub(super) const ROOT: &str = "/run/podcheck";
/// File of a run that its supervisor holds locked.
pub(super) const LOCK: &str = "lock";
/// Directory of a run with those of its trials: a tmpfs of the run's own.
pub(super) const TRIALS: &str = "trials";
/// Directory of a run on which each private daemon has the host's files mounted, as they are outside its mount namespace.
pub(super) const HOST_FILES: &str = "host";
/// File of a run that names the cgroup in which those of its parts are; not there for `/podcheck`.
const CGROUP_TOP: &str = "cgroup-top";
/// With what the names of trials' slices begin, which lie at the top of systemd's tree.
pub(super) const SLICE: &str = "podcheck_";
/// Letters of run ids and tags.
const LETTERS: usize = 8;

/// The directory of a run.
pub(super) fn run_dir(id: &str) -> PathBuf {
    Path::new(ROOT).join(id)
}

/// Whether the directory of a run is there, or that cannot be known.
pub(super) fn may_have_run(id: &str) -> bool {
    run_dir(id).try_exists().unwrap_or(true)
}

/// One file for each subnet taken, with the id of the run that has it.
pub(super) fn subnets_dir() -> PathBuf {
    Path::new(ROOT).join("subnets")
}

/// What was enabled for podcheck's own cgroup in the one above it on v2.
pub(super) fn controllers_file(top: &str) -> PathBuf {
    Path::new(ROOT).join(format!("controllers{}", top.replace('%', "%25").replace('/', "%2F")))
}

/// The cgroup path of a run's part, a trial's tag or `daemons`, in the run's [`cgroup_top`].
pub(super) fn cgroup(top: &str, run: &str, part: &str) -> String {
    format!("{top}/{run}-{part}")
}

/// Notes in a run's directory in which cgroup those of its parts are, for whoever sweeps it. To be called before any is made.
pub(super) fn record_cgroup_top(dir: &Path, top: &str) -> std::io::Result<()> {
    if top == super::cgroup::TOP { Ok(()) } else { std::fs::write(dir.join(CGROUP_TOP), top) }
}

/// The cgroup in which those of a run's parts are, by its directory.
pub(super) fn cgroup_top(dir: &Path) -> Result<String, HostError> {
    let file = dir.join(CGROUP_TOP);
    match std::fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(super::cgroup::TOP.to_owned()),
        read => read.map_err(|e| HostError::os(format!("read {}", file.display()), e)),
    }
}

/// Name of the interface on the host's side of a trial's Pod.
pub(super) fn interface(tag: &str) -> String {
    format!("pchk{tag}")
}

/// The tag in the name of an interface of ours, a trial's or a bridge's.
pub(super) fn tag_of_interface(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("pchk")?;
    [Some(rest), rest.strip_prefix('b')].into_iter().flatten().find(|tag| is_id(tag))
}

/// A fresh run id or tag: eight lower-case letters and digits.
pub(super) fn random_id() -> String {
    id_from(uuid::Uuid::new_v4().as_u128())
}

/// The id that a number stands for.
pub(super) fn id_from(mut number: u128) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    (0..LETTERS)
        .map(|_| {
            let index = usize::try_from(number % 36).unwrap_or(0);
            number /= 36;
            char::from(ALPHABET[index])
        })
        .collect()
}

/// Whether a name has the form of a run id or tag.
pub(super) fn is_id(name: &str) -> bool {
    name.len() == LETTERS && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runs_cgroup_is_found_by_its_record() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(cgroup_top(dir.path()).expect("none is noted"), "/podcheck");
        record_cgroup_top(dir.path(), "/podcheck").expect("is writable");
        assert!(std::fs::read_dir(dir.path()).is_ok_and(|mut entries| entries.next().is_none()));
        record_cgroup_top(dir.path(), "/ci/podcheck").expect("is writable");
        assert_eq!(cgroup_top(dir.path()).expect("is readable"), "/ci/podcheck");
        assert_eq!(controllers_file("/ci/podcheck"), Path::new("/run/podcheck/controllers%2Fci%2Fpodcheck"));
    }

    #[test]
    fn ids_and_names() {
        let id = random_id();
        assert!(is_id(&id) && id != random_id());
        for other in ["subnets", "Abcdefgh", "abcdefg-", "abcdefghi"] {
            assert!(!is_id(other), "{other}");
        }
        assert_eq!(tag_of_interface("pchkabcd1234"), Some("abcd1234"));
        assert_eq!(tag_of_interface("pchkbabcd1234"), Some("abcd1234"));
        assert_eq!(tag_of_interface("pchk0"), None);
        assert_eq!(tag_of_interface("eth0"), None);
        assert!(interface(&id).len() < 16);
    }
}
