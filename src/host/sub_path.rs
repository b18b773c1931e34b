//! A path below a volume, held and mounted elsewhere before a runtime is given it, as a kubelet does: what a container
//! changes in the volume meanwhile leads nowhere else. See CVE-2017-1002101 and CVE-2021-25741.

use super::HostError;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, readlinkat};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, fstat, mkdirat};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const HOLD: OFlag = OFlag::O_PATH.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);
/// As many as the kernel follows.
const MAX_LINKS: usize = 40;
/// Why a path is refused that only its volume could show to be a bad one.
const OUT: &str = "it leads out of the volume";

/// Mounts `sub_path` of the volume at `volume` on `target`, which is made. What is not there becomes a directory, with the
/// volume's own mode.
pub(super) fn mount_on(volume: &Path, sub_path: &str, target: &Path) -> Result<(), HostError> {
    let failed = |detail: String| HostError {
        of_pod: detail == OUT,
        ..HostError::new(format!("mount the subPath {sub_path} of a volume"), detail)
    };
    let held = hold(volume, sub_path).map_err(failed)?;
    let make = || -> std::io::Result<()> {
        target.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        match kind(&held)? {
            SFlag::S_IFDIR => std::fs::create_dir(target)?,
            _ => drop(std::fs::File::create(target)?),
        }
        let from = PathBuf::from(format!("/proc/self/fd/{}", held.as_raw_fd()));
        Ok(mount(Some(&from), target, None::<&str>, MsFlags::MS_BIND, None::<&str>)?)
    };
    make().map_err(|error| failed(error.to_string()))
}

fn kind(held: &OwnedFd) -> nix::Result<SFlag> {
    Ok(SFlag::from_bits_truncate(fstat(held)?.st_mode) & SFlag::S_IFMT)
}

/// Holds what the path leads to, step by step; links are read as text and may not leave the volume.
fn hold(volume: &Path, sub_path: &str) -> Result<OwnedFd, String> {
    let words = |errno: Errno| errno.to_string();
    let root = open(volume, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).map_err(words)?;
    let mode = Mode::from_bits_truncate(fstat(&root).map_err(words)?.st_mode & 0o7777);
    let mut above: Vec<OwnedFd> = Vec::new();
    let mut steps = split(Path::new(sub_path));
    let mut links = 0;
    while let Some(step) = steps.pop_front() {
        if step == ".." {
            above.pop().ok_or(OUT)?;
            continue;
        }
        let here = above.last().map_or(root.as_fd(), AsFd::as_fd);
        let found = match openat(here, step.as_os_str(), HOLD, Mode::empty()) {
            Err(Errno::ENOENT) => {
                mkdirat(here, step.as_os_str(), mode).map_err(words)?;
                let made = openat(here, step.as_os_str(), HOLD, Mode::empty()).map_err(words)?;
                let path = PathBuf::from(format!("/proc/self/fd/{}", made.as_raw_fd()));
                // Whatever the umask; what was just made and is held is no link.
                std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode.bits()))
                    .map_err(|error| error.to_string())?;
                made
            }
            other => other.map_err(words)?,
        };
        if kind(&found).map_err(words)? != SFlag::S_IFLNK {
            above.push(found);
            continue;
        }
        links += 1;
        let target = readlinkat(&found, "").map_err(words)?;
        if links > MAX_LINKS || target.as_bytes().starts_with(b"/") {
            return Err(OUT.to_owned());
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
            assert_eq!(held(path).as_deref().map_err(String::as_str), Err(OUT), "{path}");
        }
        assert!(mount_on(&volume, "out", &base.join("target")).is_err_and(|error| error.of_pod));
        assert!(mount_on(&base.join("none"), "out", &base.join("target")).is_err_and(|error| !error.of_pod));
        assert!(held("file/below").is_err());
    }
}
