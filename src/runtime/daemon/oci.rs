//! The OCI runtime that a daemon calls: where it is, and how it is named to the daemon.

use super::command::{Command, find_program, is_executable};
use super::packages;
use crate::host::scaled;
use crate::runtime::RuntimeError;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::time::Duration;

/// What a daemon calls where nothing else is asked for.
const DEFAULT: &str = "runc";

/// An OCI runtime that is on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Oci {
    /// CRI's runtime handler, and the name for `docker run --runtime`.
    pub handler: String,
    /// The binary.
    pub path: PathBuf,
    /// What tells its daemons' names from others': empty for the default, else `+crun`.
    pub suffix: String,
}

impl Oci {
    /// Finds the OCI runtime of that name or absolute path, runc for `None`.
    ///
    /// # Errors
    /// [`RuntimeError::Unavailable`] with what to do about it.
    pub fn resolve(runtime: &str, wanted: Option<&str>) -> Result<Oci, RuntimeError> {
        let name = wanted.unwrap_or(DEFAULT);
        let missing = |reason: String| RuntimeError::Unavailable { runtime: runtime.to_owned(), reason };
        if name.starts_with('/') {
            let path = PathBuf::from(name);
            if !is_executable(&path) {
                return Err(missing(format!("{name} is no file that can be executed")));
            }
            return Ok(Oci::at(path));
        }
        if name.contains('/') {
            return Err(missing(format!("{name} is neither a name nor an absolute path of an OCI runtime")));
        }
        match find_program(name) {
            Some(path) => Ok(Oci::named(name, path)),
            None => Err(missing(packages::missing_oci(name))),
        }
    }

    /// Why the OCI runtime of that name or path cannot be had; `None` if it can.
    pub fn missing(wanted: Option<&str>) -> Option<String> {
        match Oci::resolve("", wanted) {
            Err(RuntimeError::Unavailable { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    fn named(name: &str, path: PathBuf) -> Oci {
        let suffix = if name == DEFAULT { String::new() } else { format!("+{name}") };
        Oci { handler: name.to_owned(), path, suffix }
    }

    /// Two builds of one runtime have the same file name: a few digits of the path tell them apart.
    fn at(path: PathBuf) -> Oci {
        let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
        let name: String = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(16)
            .collect();
        let handler = format!("{name}-{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2]);
        Oci { suffix: format!("+{handler}"), handler, path }
    }

    /// Its version as it says itself, if it does.
    pub fn version(&self, runtime: &str) -> Option<String> {
        self.described(runtime).map(|(_, version)| version)
    }

    /// Under which name its version is reported, `runc`, `crun`, `youki`: its own, whatever the file is called.
    pub fn label(&self) -> String {
        self.described("").map_or_else(|| self.handler.clone(), |(name, _)| name)
    }

    /// What it calls itself, and its version.
    pub fn described(&self, runtime: &str) -> Option<(String, String)> {
        let argv = vec![self.path.clone().into_os_string(), "--version".into()];
        let within = scaled(Duration::from_secs(10));
        let action = "ask the OCI runtime for its version";
        // crun makes its folder before it answers, in /run where nobody says otherwise. It answers without one as well.
        let env = vec![("XDG_RUNTIME_DIR", "/proc/self".into())];
        let command = Command { runtime, action, argv, env, within, log: None };
        name_and_version(&command.read().ok()?)
    }

    /// crun drops every controller where a cgroup2 mount without them (systemd's hybrid layout) is in its sight.
    pub fn stumbles_over_hybrid_cgroups(&self, runtime: &str) -> bool {
        // A build of one's own may be called anything.
        self.handler == "crun" || self.described(runtime).is_some_and(|(name, _)| name == "crun")
    }
}

/// `runc version 1.1.5+ds1` → runc, 1.1.5+ds1.
fn name_and_version(text: &str) -> Option<(String, String)> {
    let mut words = text.lines().next()?.split_whitespace();
    let name = words.next()?;
    let version = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some((name.to_owned(), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_found_in_the_first_line() {
        let found = |text| name_and_version(text).map(|(name, version)| format!("{name} {version}"));
        assert_eq!(found("runc version 1.1.5+ds1\ncommit: 1\n").as_deref(), Some("runc 1.1.5+ds1"));
        assert_eq!(found("youki version: 0.7.0\n").as_deref(), Some("youki 0.7.0"));
        assert_eq!(found("hello\n1.2\n"), None);
        assert_eq!(found(""), None);
    }

    #[test]
    fn the_default_has_no_suffix_and_a_path_has_one_of_its_own() {
        assert_eq!(Oci::named("runc", "/usr/sbin/runc".into()).suffix, "");
        assert_eq!(Oci::named("crun", "/usr/bin/crun".into()).suffix, "+crun");
        let (one, other) = (Oci::at("/a/youki".into()), Oci::at("/b/youki".into()));
        assert!(one.suffix.starts_with("+youki-") && one.suffix != other.suffix, "{} {}", one.suffix, other.suffix);
    }

    #[test]
    fn what_is_not_there_is_said() {
        let error = Oci::resolve("containerd", Some("/nowhere/youki")).expect_err("not there").to_string();
        assert_eq!(error, "containerd is not available: /nowhere/youki is no file that can be executed");
        assert!(Oci::resolve("containerd", Some("no-such-oci")).is_err());
        assert!(Oci::resolve("containerd", Some("./runc")).is_err());
    }
}
