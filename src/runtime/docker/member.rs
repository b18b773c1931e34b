//! From a container to its process: held at once, shown to be the right one, past its OCI runtime's init.

use super::inspect::Inspected;
use crate::host::{OciRuntimes, Process, poll_until, scaled};
use crate::runtime::Member;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the last step of a start may take once the daemon has said that it is done.
const WITHIN: Duration = Duration::from_secs(30);

/// Holds the process of a container that runs.
///
/// # Errors
/// Why it cannot be, or is not the container's.
pub(super) fn hold(name: &str, found: &Inspected, oci: Option<&Path>) -> Result<Member, String> {
    if found.state.pid <= 0 {
        return Err(format!("it is {}", found.state.status));
    }
    let process = Process::open(found.state.pid).map_err(|error| error.to_string())?;
    // Its pid may have gone to another since the daemon gave it; only a member's cgroup carries the member's id.
    let cgroups = process.read("cgroup").map_err(|error| error.to_string())?;
    if !cgroups.contains(&found.id) {
        return Err(format!("pid {} is in no cgroup of {}", found.state.pid, found.id));
    }
    match await_program(&process, oci) {
        Ok(true) => Ok(Member { name: name.to_owned(), process, id: found.id.clone() }),
        Ok(false) => Err("it is still its OCI runtime's init".to_owned()),
        Err(error) => Err(format!("it has ended: {error}")),
    }
}

/// Waits until a process runs its own program; false if it still does not after the deadline.
///
/// # Errors
/// It has ended.
fn await_program(process: &Process, oci: Option<&Path>) -> io::Result<bool> {
    let runtimes = OciRuntimes::at(oci.map(Path::to_owned));
    let found = poll_until(Instant::now() + scaled(WITHIN), || match runtimes.still_run(process) {
        Ok(true) => None,
        Ok(false) => Some(Ok(())),
        Err(error) => Some(Err(error)),
    });
    found.transpose().map(|found| found.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_run_our_own_program() {
        let process = Process::open(std::process::id().cast_signed()).expect("we run");
        assert!(await_program(&process, None).expect("we run"));
    }
}
