//! Whether the whole record of a run is seen from here. That of its trials is on a file system of its own, which is mounted in
//! the mount namespace in which the run began, and in those that were made from that later.

use super::{HostError, Process, mounts, newcomers, places};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// File of a run that names the mount namespace in which it began.
const FILE: &str = "mount-namespace";

/// Notes our mount namespace in a run's directory. To be called before anything is mounted there.
pub(super) fn note(dir: &Path) -> std::io::Result<()> {
    std::fs::write(dir.join(FILE), own()?)
}

/// Whether the trials of a run that is held are seen from here.
pub(super) fn shows_trials(dir: &Path) -> Result<bool, HostError> {
    let trials = dir.join(places::TRIALS);
    Ok(mounts::below(dir)?.contains(&trials))
}

/// Why a run that nobody holds is not to be swept from here: its record is in another mount namespace that is still there.
/// `None` if all that there is of it is seen.
pub(super) fn why_hidden(dir: &Path) -> Result<Option<String>, HostError> {
    let failed =
        |e: std::io::Error| HostError::os(format!("see whether all of {} is seen from here", dir.display()), e);
    if shows_trials(dir)? {
        return Ok(None);
    }
    let began_in = match std::fs::read_to_string(dir.join(FILE)) {
        Ok(text) => text,
        // It ended before anything was mounted.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if began_in == own().map_err(failed)? {
        return Ok(None);
    }
    Ok(match find(&began_in).map_err(failed)? {
        Found::Nobody => None,
        Found::Unknown => Some(format!(
            "it began in another mount namespace, {began_in}, and whether that is still there cannot be seen in this PID \
             namespace: run `podcheck sweep` there"
        )),
        Found::In(pid) => Some(format!(
            "it began in another mount namespace, {began_in}: run `nsenter --target {pid} --mount podcheck sweep`"
        )),
    })
}

/// Who is in a mount namespace.
enum Found {
    /// A process, by its pid.
    In(i32),
    Nobody,
    /// Nobody whom we see, and we do not see everybody.
    Unknown,
}

fn find(namespace: &str) -> std::io::Result<Found> {
    let mut unknown = !sees_every_process()?;
    for pid in newcomers::pids()? {
        match std::fs::read_link(format!("/proc/{pid}/ns/mnt")) {
            Ok(link) if link.as_os_str() == namespace => return Ok(Found::In(pid)),
            Ok(_) => {}
            // A zombie is in none.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            // For a process that has gone the kernel says EACCES here. init is where the host is, which is no place apart.
            Err(_) => unknown |= pid != 1 && !matches!(Process::find(pid), Ok(None)),
        }
    }
    Ok(if unknown { Found::Unknown } else { Found::Nobody })
}

/// Whether we are in the first PID namespace, from which every process is seen.
fn sees_every_process() -> std::io::Result<bool> {
    // PROC_PID_INIT_INO of the kernel's include/linux/proc_ns.h.
    Ok(std::fs::read_link("/proc/self/ns/pid")?.as_os_str() == "pid:[4026531836]")
}

/// Where /run is: the boot, and the directory's device and inode number.
pub(super) fn place() -> std::io::Result<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let run = std::fs::metadata(Path::new(places::ROOT).parent().unwrap_or(Path::new("/")))?;
    Ok(format!("{}/{}:{}", boot.trim(), run.dev(), run.ino()))
}

/// Whether a run is known to be over: of an earlier boot, or one whose directory would be seen from `own` place.
pub(super) fn is_over(own: &str, run: &str, place: &str) -> bool {
    match (own.split_once('/'), place.split_once('/')) {
        (Some((boot, _)), Some((theirs, _))) if boot != theirs => true,
        _ => own == place && !places::may_have_run(run),
    }
}

fn own() -> std::io::Result<String> {
    Ok(std::fs::read_link("/proc/self/ns/mnt")?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_with_another_run_directory_is_not_known_to_be_over() {
        let here = place().expect("/run is there");
        assert!(is_over(&here, "nosuchid", &here), "its directory would be here");
        assert!(!is_over(&here, "nosuchid", &format!("{here}1")), "it may be in another /run");
        assert!(!is_over(&here, "nosuchid", ""), "it does not say");
        assert!(is_over(&here, "nosuchid", "an-earlier-boot/1:2"));
    }

    #[test]
    fn a_run_that_began_here_hides_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(why_hidden(dir.path()).expect("can be seen"), None, "nothing is noted");
        note(dir.path()).expect("is writable");
        assert_eq!(why_hidden(dir.path()).expect("can be seen"), None);
    }

    #[test]
    fn a_run_of_a_namespace_that_is_there_is_hidden_and_of_one_that_is_gone_is_not() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let dir = tempfile::tempdir().expect("a folder");
        let mut other = std::process::Command::new("unshare");
        let mut other = other.args(["--mount", "sleep", "59.7"]).spawn().expect("there is unshare");
        let link = format!("/proc/{}/ns/mnt", other.id());
        let theirs = || std::fs::read_link(&link).expect("it runs").to_string_lossy().into_owned();
        while theirs() == own().expect("/proc is there") {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        std::fs::write(dir.path().join(FILE), theirs()).expect("is writable");
        let why = why_hidden(dir.path()).expect("can be seen").unwrap_or_default();
        assert!(why.contains(&format!("--target {}", other.id())), "{why}");
        other.kill().expect("it is ours");
        other.wait().expect("it ended");
        let sees_all = sees_every_process().expect("/proc is there");
        assert_eq!(why_hidden(dir.path()).expect("can be seen").is_none(), sees_all);
    }
}
