//! The test binaries, which cargo builds on the host: static, so that they run in any machine.

use crate::error::Error;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Builds one of podcheck's test targets and returns its path.
///
/// # Errors
/// cargo's, or there is no such target.
pub fn test_binary(repository: &Path, target: &str) -> Result<PathBuf, Error> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["test", "--locked", "--package", "podcheck", "--no-run", "--message-format=json", "--test", target])
        .current_dir(repository)
        // It would silently replace the static linking.
        .env_remove("RUSTFLAGS")
        // Under emulation the harness takes less than half of the time that it takes as it is built for the host.
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|why| Error::failed("start cargo", why))?;
    if !output.status.success() {
        return Err(Error::failed(format!("cargo test --no-run --test {target}"), output.status));
    }
    executable(&String::from_utf8_lossy(&output.stdout), target)
        .ok_or_else(|| Error::usage(format!("cargo built no test target {target:?}")))
}

/// The executable of a test target, from cargo's messages.
fn executable(messages: &str, target: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut tests = messages.filter(|message| {
        message["reason"] == "compiler-artifact"
            && message["profile"]["test"] == true
            && message["target"]["name"] == target
            && message["target"]["kind"][0] == "test"
    });
    tests.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

/// What a test binary finds by the paths that were compiled into it: the programs of its package, which lie beside
/// `deps/`, and its folder for temporary files.
pub struct Surroundings {
    /// Executables.
    pub programs: Vec<PathBuf>,
    /// `CARGO_TARGET_TMPDIR`; none where the binary does not lie in a `deps/`.
    pub scratch: Option<PathBuf>,
}

impl Surroundings {
    /// Of a test binary.
    pub fn of(binary: &Path) -> Surroundings {
        let none = Surroundings { programs: Vec::new(), scratch: None };
        let Some(deps) = binary.parent().filter(|folder| folder.ends_with("deps")) else { return none };
        let Some(profile) = deps.parent() else { return none };
        let podcheck = profile.join("podcheck");
        Surroundings {
            programs: if podcheck.is_file() { vec![podcheck] } else { Vec::new() },
            scratch: profile.parent().map(|triple| triple.join("tmp")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_of_that_name_is_found_among_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"conformance"},"profile":{"test":false},"executable":"/t/no"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"kind":["test"],"name":"conformance"},"profile":{"test":true},"executable":"/t/deps/conformance-1"}"#,
            "\nnoise\n",
            r#"{"reason":"build-finished","success":true}"#,
            "\n"
        );
        assert_eq!(executable(messages, "conformance"), Some("/t/deps/conformance-1".into()));
        assert_eq!(executable(messages, "faults"), None);
    }

    #[test]
    fn a_test_binary_has_programs_and_scratch_beside_it() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let profile = folder.path().join("triple/debug");
        std::fs::create_dir_all(profile.join("deps")).expect("makes");
        std::fs::write(profile.join("podcheck"), "").expect("writes");
        let found = Surroundings::of(&profile.join("deps/conformance-1"));
        assert_eq!(found.programs, [profile.join("podcheck")]);
        assert_eq!(found.scratch, Some(folder.path().join("triple/tmp")));
        assert!(Surroundings::of(Path::new("/bin/true")).scratch.is_none());
    }
}
