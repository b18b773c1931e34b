//! Paths inside a container's root: resolved step by step, so that no symbolic link leads out of it.

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat, mkdirat};
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// As many as the kernel follows.
const MAX_LINKS: usize = 40;

const HOLD: OFlag = OFlag::O_PATH.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// What to do about what is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// ENOENT.
    Refuse,
    /// Make a directory, and those above it.
    MakeDirectory,
    /// Make an empty file, and the directories above it.
    MakeFile,
}

/// The root directory of a container that is not yet this process's own.
#[derive(Debug)]
pub struct Root(OwnedFd);

impl Root {
    /// Holds a directory of the host as a root.
    ///
    /// # Errors
    /// The kernel's.
    pub fn open(path: &Path) -> nix::Result<Root> {
        openat(AT_FDCWD, path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()).map(Root)
    }

    /// What a descriptor holds, as a root.
    pub fn of(directory: OwnedFd) -> Root {
        Root(directory)
    }

    /// Holds what `path` means to a process in this root. Links are read as text and followed here, so neither an
    /// absolute link, nor `..`, nor a magic link of a mounted procfs leaves the root, and nobody can swap a step that is
    /// already held.
    ///
    /// What is there the kernel finds by itself where it can (Linux 5.6), in one call instead of two a step.
    ///
    /// # Errors
    /// The kernel's; ELOOP after too many links.
    pub fn resolve(&self, path: &Path, missing: Missing) -> nix::Result<OwnedFd> {
        let how = OpenHow::new().flags(OFlag::O_PATH | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_IN_ROOT);
        // Whatever keeps the kernel from it, the steps show whether it is so, or make what is missing.
        openat2(&self.0, path, how).or_else(|_| self.resolve_by_steps(path, missing))
    }

    fn resolve_by_steps(&self, path: &Path, missing: Missing) -> nix::Result<OwnedFd> {
        let mut above: Vec<OwnedFd> = Vec::new();
        let mut steps: VecDeque<OsString> = split(path.as_os_str());
        let mut links = 0;
        while let Some(step) = steps.pop_front() {
            if step == ".." {
                above.pop();
                continue;
            }
            let here = above.last().map_or(self.0.as_fd(), AsFd::as_fd);
            let found = match openat(here, step.as_os_str(), HOLD, Mode::empty()) {
                Err(Errno::ENOENT) if missing != Missing::Refuse => {
                    make(here, &step, missing == Missing::MakeFile && steps.is_empty())?
                }
                other => other?,
            };
            if SFlag::from_bits_truncate(fstat(&found)?.st_mode) & SFlag::S_IFMT != SFlag::S_IFLNK {
                above.push(found);
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(Errno::ELOOP);
            }
            let target = readlinkat(here, step.as_os_str())?;
            if target.as_bytes().starts_with(b"/") {
                above.clear();
            }
            for step in split(&target).into_iter().rev() {
                steps.push_front(step);
            }
        }
        match above.pop() {
            Some(found) => Ok(found),
            None => Ok(self.0.try_clone().map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or(0)))?),
        }
    }
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A path by which system calls that take no descriptor reach what one holds.
pub fn handle(fd: &impl AsFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd()))
}

fn make(here: BorrowedFd<'_>, name: &OsStr, file: bool) -> nix::Result<OwnedFd> {
    if file {
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match openat(here, name, flags, Mode::from_bits_truncate(0o755)) {
            Ok(_) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(error),
        }
    } else {
        match mkdirat(here, name, Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(error) => return Err(error),
        }
    }
    openat(here, name, HOLD, Mode::empty())
}

fn split(path: &OsStr) -> VecDeque<OsString> {
    path.as_bytes()
        .split(|b| *b == b'/')
        .filter(|step| !step.is_empty() && *step != b".")
        .map(|step| OsStr::from_bytes(step).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// Both ways lead to the same place.
    fn reached(root: &Root, path: &str, missing: Missing) -> nix::Result<PathBuf> {
        let place = |fd: OwnedFd| fs::read_link(handle(&fd)).expect("a descriptor has a path");
        let by_steps = root.resolve_by_steps(Path::new(path), missing).map(place);
        assert_eq!(root.resolve(Path::new(path), missing).map(place), by_steps, "{path}");
        by_steps
    }

    #[test]
    fn no_link_leads_out_of_the_root() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let base = dir.path().canonicalize().expect("it is there");
        fs::create_dir_all(base.join("etc/deep")).expect("a directory");
        fs::write(base.join("etc/passwd"), "ours").expect("a file");
        symlink("/etc/passwd", base.join("absolute")).expect("a link");
        symlink("../../../../etc/passwd", base.join("etc/deep/up")).expect("a link");
        symlink("/proc/self/root/etc", base.join("magic")).expect("a link");
        symlink("loop", base.join("loop")).expect("a link");
        let root = Root::open(&base).expect("the root");
        for path in ["/absolute", "etc/deep/up", "/../../etc/passwd", "etc/./deep/../passwd"] {
            assert_eq!(reached(&root, path, Missing::Refuse), Ok(base.join("etc/passwd")), "{path}");
        }
        assert_eq!(reached(&root, "/magic", Missing::Refuse), Err(Errno::ENOENT));
        assert_eq!(reached(&root, "/loop", Missing::Refuse), Err(Errno::ELOOP));
        assert_eq!(reached(&root, "/etc/passwd/x", Missing::Refuse), Err(Errno::ENOTDIR));
    }

    #[test]
    fn what_is_missing_is_made_inside() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let base = dir.path().canonicalize().expect("it is there");
        symlink("/var/run", base.join("run")).expect("a link");
        let root = Root::open(&base).expect("the root");
        assert_eq!(reached(&root, "/run/a/file", Missing::MakeFile), Ok(base.join("var/run/a/file")));
        assert!(base.join("var/run/a/file").is_file());
        assert_eq!(reached(&root, "/run/a/dir", Missing::MakeDirectory), Ok(base.join("var/run/a/dir")));
        assert!(base.join("var/run/a/dir").is_dir());
        assert_eq!(reached(&root, "/gone", Missing::Refuse), Err(Errno::ENOENT));
    }
}
