//! A path below a volume, held and mounted elsewhere before a runtime is given it, as a kubelet does: what a container
//! changes in the volume meanwhile leads nowhere else. See CVE-2017-1002101 and CVE-2021-25741.

use super::HostError;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, open, openat, readlinkat};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, fstat, mkdirat};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const HOLD: OFlag = OFlag::O_PATH.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);
/// As many as the kernel follows.
const MAX_LINKS: usize = 40;

/// Why nothing of a volume is mounted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum SubPathError {
    /// Only the volume could show that the path is a bad one.
    #[error("it leads out of the volume")]
    LeavesVolume,
    /// What the kernel said.
    #[error(transparent)]
    Os(#[from] Errno),
}

/// Mounts `sub_path` of the volume at `volume` on `target`, which is made. What is not there becomes a directory, with the
/// volume's own mode.
pub(super) fn mount_on(volume: &Path, sub_path: &str, target: &Path) -> Result<(), HostError> {
    let action = || format!("mount the subPath {sub_path} of a volume");
    let held = hold(volume, sub_path).map_err(|error| match error {
        SubPathError::LeavesVolume => HostError::of_pod(action(), error),
        SubPathError::Os(errno) => HostError::os(action(), errno),
    })?;
    let make = || -> std::io::Result<()> {
        target.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        match kind(&held)? {
            SFlag::S_IFDIR => std::fs::create_dir(target)?,
            _ => drop(std::fs::File::create(target)?),
        }
        let from = PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd()));
        Ok(mount(Some(&from), target, None::<&str>, MsFlags::MS_BIND, None::<&str>)?)
    };
    make().map_err(|error| HostError::os(action(), error))
}

fn kind(held: &OwnedFd) -> nix::Result<SFlag> {
    Ok(SFlag::from_bits_truncate(fstat(held)?.st_mode) & SFlag::S_IFMT)
}

/// Holds what the path leads to, step by step; links are read as text and may not leave the volume.
fn hold(volume: &Path, sub_path: &str) -> Result<OwnedFd, SubPathError> {
    let root = open(volume, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
    let mode = Mode::from_bits_truncate(fstat(&root)?.st_mode & 0o7777);
    let mut above: Vec<OwnedFd> = Vec::new();
    let mut steps = split(Path::new(sub_path));
    let mut links = 0;
    while let Some(step) = steps.pop_front() {
        if step == ".." {
            above.pop().ok_or(SubPathError::LeavesVolume)?;
            continue;
        }
        let here = above.last().map_or(root.as_fd(), AsFd::as_fd);
        let found = match openat(here, step.as_os_str(), HOLD, Mode::empty()) {
            Err(Errno::ENOENT) => {
                mkdirat(here, step.as_os_str(), mode)?;
                let made = openat(here, step.as_os_str(), HOLD, Mode::empty())?;
                // Whatever the umask. What was just made and is held is no link, so the last one is followed.
                let path = PathBuf::from(format!("/proc/self/fd/{}", made.as_raw_fd()));
                fchmodat(AT_FDCWD, &path, mode, FchmodatFlags::FollowSymlink)?;
                made
            }
            other => other?,
        };
        if kind(&found)? != SFlag::S_IFLNK {
            above.push(found);
            continue;
        }
        links += 1;
        let target = readlinkat(&found, "")?;
        if links > MAX_LINKS || target.as_bytes().starts_with(b"/") {
            return Err(SubPathError::LeavesVolume);
        }
        for step in split(Path::new(&target)).into_iter().rev() {
            steps.push_front(step);
        }
    }
    Ok(above.pop().unwrap_or(root))
}

fn split(path: &Path) -> VecDeque<OsString> {
    path.components().filter(|part| part.as_os_str() != ".").map(|part| part.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_sub_path_stays_in_its_volume() {
        let dir = tempfile::tempdir().expect("a directory");
        let base = dir.path().canonicalize().expect("it is there");
        let volume = base.join("volume");
        std::fs::create_dir_all(volume.join("deep")).expect("a directory");
        std::fs::write(base.join("secret"), "the host's").expect("a file");
        std::fs::write(volume.join("file"), "ours").expect("a file");
        for (target, link) in
            [("file", "inner"), ("../file", "deep/up"), ("../secret", "out"), ("/etc", "absolute"), ("loop", "loop")]
        {
            symlink(target, volume.join(link)).expect("a link");
        }
        let held = |path: &str| {
            hold(&volume, path)
                .map(|fd| std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).expect("a path"))
        };
        assert_eq!(held("inner").as_deref(), Ok(volume.join("file").as_path()));
        assert_eq!(held("deep/up").as_deref(), Ok(volume.join("file").as_path()));
        assert_eq!(held("new/er").as_deref(), Ok(volume.join("new/er").as_path()));
        for path in ["out", "absolute", "absolute/passwd", "deep/../../secret", "loop"] {
            assert_eq!(held(path), Err(SubPathError::LeavesVolume), "{path}");
        }
        assert!(mount_on(&volume, "out", &base.join("target")).is_err_and(|error| error.of_pod));
        assert!(mount_on(&base.join("none"), "out", &base.join("target")).is_err_and(|error| !error.of_pod));
        assert!(held("file/below").is_err());
    }
}
