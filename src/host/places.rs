//! Where podcheck's things lie on the host, and what they are called.

use std::path::{Path, PathBuf};

/// Home of all runs.
pub(super) const ROOT: &str = "/run/podcheck";
/// File of a run that its supervisor holds locked.
pub(super) const LOCK: &str = "lock";
/// Letters of run ids and tags.
const LETTERS: usize = 8;

/// The directory of a run.
pub(super) fn run_dir(id: &str) -> PathBuf {
    Path::new(ROOT).join(id)
}

/// One file for each subnet taken, with the id of the run that has it.
pub(super) fn subnets_dir() -> PathBuf {
    Path::new(ROOT).join("subnets")
}

/// What was enabled for `/podcheck` in the cgroup above it on v2.
pub(super) fn controllers_file() -> PathBuf {
    Path::new(ROOT).join("controllers")
}

/// The cgroup path of a run's part: a trial's tag, or `daemons`.
pub(super) fn cgroup(run: &str, part: &str) -> String {
    format!("{}/{run}-{part}", super::cgroup::TOP)
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
