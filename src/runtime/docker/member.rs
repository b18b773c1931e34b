//! From a container to its process: held at once, shown to be the right one, past its OCI runtime's init.

use super::inspect::Inspected;
use crate::host::{Process, poll_until, scaled};
use crate::runtime::Member;
use nix::fcntl::{OFlag, readlinkat};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
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
    let oci = oci.and_then(|path| std::fs::metadata(path).ok()).map(|file| (file.dev(), file.ino()));
    let found = poll_until(Instant::now() + scaled(WITHIN), || match is_init(process, oci) {
        Ok(true) => None,
        Ok(false) => Some(Ok(())),
        Err(error) => Some(Err(error)),
    });
    found.transpose().map(|found| found.is_some())
}

fn is_init(process: &Process, oci: Option<(u64, u64)>) -> io::Result<bool> {
    let link = readlinkat(process.as_fd(), "exe")?;
    if looks_like_init(process.read("comm")?.trim_end(), &link.to_string_lossy()) {
        return Ok(true);
    }
    let file = File::from(process.open_at("exe", OFlag::O_PATH)?).metadata()?;
    Ok(oci == Some((file.dev(), file.ino())))
}

/// An OCI runtime's init runs from a copy in memory, or says so in its name: `runc:[2:INIT]`.
fn looks_like_init(comm: &str, exe: &str) -> bool {
    exe.starts_with("/memfd:") || (comm.contains(":[") && comm.ends_with(":INIT]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_init_is_known_by_its_name_or_by_being_in_memory() {
        assert!(looks_like_init("runc:[2:INIT]", "/runc"));
        assert!(looks_like_init("exe", "/memfd:runc_cloned:/proc/self/exe (deleted)"));
        assert!(!looks_like_init("serve+ready", "/bin/serve"));
    }

    #[test]
    fn we_run_our_own_program() {
        let process = Process::open(std::process::id().cast_signed()).expect("we run");
        assert!(await_program(&process, None).expect("we run"));
        let own = std::fs::metadata("/proc/self/exe").map(|file| (file.dev(), file.ino())).expect("we run");
        assert!(is_init(&process, Some(own)).expect("we run"));
    }
}
