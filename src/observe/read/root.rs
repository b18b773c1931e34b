//! What a process sees below its root directory.

use super::super::observation::{InodeId, Shm};
use super::{KEPT_BYTES, inode, is, namespace_inode, nsfs, slurp_until};
use crate::host::Process;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Most symbolic links that one path may lead through, as in the kernel.
const MAX_LINKS: usize = 40;

/// The root directory of a process. Paths within it are resolved here, part by part, because a symbolic link that a
/// container made must not lead to the host's files.
#[derive(Debug)]
pub struct Root(OwnedFd);

impl Root {
    /// Opens it.
    pub fn open(process: &Process) -> io::Result<Root> {
        Ok(Root(process.open_at("root", OFlag::O_PATH | OFlag::O_DIRECTORY)?))
    }

    /// Which directory it is.
    pub fn id(&self) -> io::Result<InodeId> {
        Ok(inode(&fstat(&self.0)?))
    }

    /// The PID namespace whose processes are seen at `/proc`: that of the one that is process 1 there. `None` if what is
    /// mounted there is no procfs, or does not say.
    pub fn proc_shows(&self) -> io::Result<Option<InodeId>> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let opened = match openat(&self.0, "proc", flags, Mode::empty()) {
            Ok(opened) => opened,
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        // Nothing in a procfs can lead elsewhere, so that its own names are followed by the kernel.
        if nix::sys::statfs::fstatfs(&opened)?.filesystem_type() != nix::sys::statfs::PROC_SUPER_MAGIC {
            return Ok(None);
        }
        // Some hosts let nobody look at their process 1. Where there is an entry of ours, it is our namespace that is shown.
        let link = readlinkat(&opened, "1/ns/pid").or_else(|_| readlinkat(&opened, "self/ns/pid"));
        link.ok().map(|link| Ok(InodeId { dev: nsfs()?, ino: namespace_inode("pid", &link)? })).transpose()
    }

    /// The text of a small regular file; `None` if there is none at this path.
    pub fn text(&self, path: &str) -> io::Result<Option<String>> {
        let Some(found) = self.find(path)? else { return Ok(None) };
        if !is(&fstat(&found)?, SFlag::S_IFREG) {
            return Ok(None);
        }
        // Opened by its descriptor: a name could come to mean a device or a fifo in between.
        slurp_until(File::open(format!("/proc/self/fd/{}", found.as_raw_fd()))?, 1, KEPT_BYTES).map(Some)
    }

    /// `/dev/shm`; `None` if there is none.
    pub fn shm(&self) -> io::Result<Option<Shm>> {
        let Some(found) = self.find("/dev/shm")? else { return Ok(None) };
        let stat = fstat(&found)?;
        let system = nix::sys::statvfs::fstatvfs(&found)?;
        Ok(is(&stat, SFlag::S_IFDIR).then(|| Shm {
            id: inode(&stat),
            mode: stat.st_mode & 0o7777,
            size_bytes: system.blocks().saturating_mul(system.fragment_size()),
        }))
    }

    /// Resolves a path as the kernel would if this were `/`; `None` if it leads nowhere.
    fn find(&self, path: &str) -> io::Result<Option<OwnedFd>> {
        // Since Linux 5.6 the kernel does just that. Whatever it has against it, the long way shows.
        let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
        match openat2(&self.0, path, OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_IN_ROOT)) {
            Ok(found) => return Ok(Some(found)),
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
            Err(_) => {}
        }
        match self.resolve(path) {
            Ok(found) => Ok(Some(found)),
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Where a path leads, as a path in this root without a link, `.` or `..`; `None` if it leads nowhere.
    pub fn place(&self, path: &str) -> io::Result<Option<String>> {
        match self.walk(path) {
            Ok(steps) => Ok(Some(steps.iter().map(|(name, _)| format!("/{name}")).collect())),
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
        .map(|place| place.map(|place: String| if place.is_empty() { "/".to_owned() } else { place }))
    }

    fn resolve(&self, path: &str) -> Result<OwnedFd, Errno> {
        self.walk(path)?.pop().map(|(_, found)| found).ok_or(Errno::ENOENT)
    }

    /// Every directory on the way to what a path leads to, and that itself, each with its name. Links are read as text.
    fn walk(&self, path: &str) -> Result<Vec<(String, OwnedFd)>, Errno> {
        let mut parts: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let mut above: Vec<(String, OwnedFd)> = Vec::new();
        let mut links = 0;
        while let Some(part) = parts.pop_front() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    above.pop();
                    continue;
                }
                _ => {}
            }
            let here = above.last().map_or(self.0.as_fd(), |(_, here)| here.as_fd());
            let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let found = openat(here, part.as_str(), flags, Mode::empty())?;
            if !is(&fstat(&found)?, SFlag::S_IFLNK) {
                above.push((part, found));
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(Errno::ELOOP);
            }
            let target = readlinkat(&found, "")?.to_string_lossy().into_owned();
            if target.starts_with('/') {
                above.clear();
            }
            for part in target.split('/').rev() {
                parts.push_front(part.to_owned());
            }
        }
        Ok(above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_its_place_in_the_root() {
        let dir = tempfile::tempdir().expect("a directory");
        for made in ["run/secrets", "usr/bin", "data/x"] {
            std::fs::create_dir_all(dir.path().join(made)).expect("a directory");
        }
        for (link, target) in
            [("var", "data"), ("data/run", "/run"), ("bin", "usr/bin"), ("out", "../../etc"), ("a", "b"), ("b", "a")]
        {
            std::os::unix::fs::symlink(target, dir.path().join(link)).expect("a link");
        }
        let root =
            nix::fcntl::open(dir.path(), OFlag::O_PATH | OFlag::O_DIRECTORY, Mode::empty()).expect("it is there");
        let root = Root(root);
        for (path, place) in [
            ("/run/secrets", Some("/run/secrets")),
            ("/var/run/secrets/", Some("/run/secrets")),
            ("/data//x/./", Some("/data/x")),
            ("/data/x/../../bin", Some("/usr/bin")),
            ("/", Some("/")),
            ("/../..", Some("/")),
            ("/out", None),
            ("/a", None),
            ("/nowhere", None),
        ] {
            assert_eq!(root.place(path).expect("it can be read").as_deref(), place, "{path}");
        }
    }
}
