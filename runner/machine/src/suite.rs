//! podcheck's programs as jobs: what a test binary needs in a machine, and the conformance suite's results.

use crate::accel::Accel;
use crate::cargo::Surroundings;
use crate::error::Error;
use crate::job::Job;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the harness writes its results, see `runner/conformance.rs`.
const RESULTS_VARIABLE: &str = "PODCHECK_RESULTS";
/// Whose variables go along into a machine.
const PASSED_ON: [&str; 6] = ["PODCHECK_", "INSTA_", "RUST_", "CARGO_", "NEXTEST", "CI"];
/// But these are the runner's own, or mean the host.
const NOT_PASSED_ON: [&str; 4] = ["PODCHECK_VM_", "CARGO_TARGET_", "CARGO_HOME", "CARGO_MAKEFLAGS"];

/// A test binary, or another program of the repository, as a job.
///
/// # Errors
/// The program is not there.
pub fn job(repository: &Path, binary: &Path, arguments: &[String], accel: Accel) -> Result<Job, Error> {
    let binary = binary.canonicalize().map_err(Error::at("find", binary))?;
    let surroundings = Surroundings::of(&binary);
    let mut environment = BTreeMap::from([
        ("PODCHECK_TIME_FACTOR".to_owned(), accel.time_factor().to_owned()),
        ("PODCHECK_REQUIRE".to_owned(), "engine,docker,containerd".to_owned()),
        // Else insta asks cargo, which is not in the machine.
        ("INSTA_WORKSPACE_ROOT".to_owned(), repository.display().to_string()),
    ]);
    environment.extend(std::env::vars().filter(|(name, _)| passed_on(name)));
    let mut words = vec![binary.display().to_string()];
    words.extend(arguments.iter().cloned());
    let mut sent = surroundings.programs;
    sent.extend([binary, repository.to_owned()]);
    let mut back = vec![repository.to_owned()];
    back.extend(surroundings.scratch);
    Ok(Job { words, folder: repository.to_owned(), environment, sent, back, terminal: None })
}

/// Has the conformance suite's results written to this file, and brought back.
pub fn with_results(job: &mut Job, file: &Path) {
    job.environment.insert(RESULTS_VARIABLE.to_owned(), file.display().to_string());
    job.back.extend(file.parent().map(PathBuf::from));
}

fn passed_on(name: &str) -> bool {
    let begins = |with: &[&str]| with.iter().any(|begin| name.starts_with(begin));
    begins(&PASSED_ON) && !begins(&NOT_PASSED_ON) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_the_suite_go_along_and_the_hosts_do_not() {
        for name in ["PODCHECK_REQUIRE", "INSTA_UPDATE", "RUST_BACKTRACE", "CARGO_MANIFEST_DIR", "NEXTEST", "CI"] {
            assert!(passed_on(name), "{name}");
        }
        for name in ["PATH", "PODCHECK_VM_ON", "CARGO_HOME", "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", "RUST_A-B"]
        {
            assert!(!passed_on(name), "{name}");
        }
    }
}
