//! The one file that reads files: below `/proc/<pid>`, in cgroups, and inside a container's root.

use super::error::{Malformed, ObserveError};
use super::observation::{InodeId, Shm};
use super::words::nul_separated;
use crate::host::Process;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::unistd::{AccessFlags, faccessat};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::OnceLock;

/// Most that is kept of one text as evidence, and read of a file in a container.
const KEPT_BYTES: usize = 64 << 10;

/// Most symbolic links that one path may lead through, as in the kernel.
const MAX_LINKS: usize = 40;

/// The kernel's texts as they were read.
#[derive(Debug, Default)]
pub struct Evidence(BTreeMap<String, String>);

impl Evidence {
    /// Keeps a text under the name of its owner and file.
    pub fn keep(&mut self, owner: &str, file: &str, text: &str) {
        let mut end = text.len().min(KEPT_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.0.insert(format!("{owner}/{file}"), text[..end].to_owned());
    }

    /// Everything that was kept.
    pub fn into_texts(self) -> BTreeMap<String, String> {
        self.0
    }
}

/// Names a file in the error of reading it.
pub fn unreadable(file: impl Into<String>) -> impl FnOnce(io::Error) -> ObserveError {
    move |cause| ObserveError::Read { file: file.into(), cause }
}

/// Names a file in the error of parsing it.
pub fn senseless(file: impl Into<String>) -> impl FnOnce(Malformed) -> ObserveError {
    move |cause| ObserveError::Malformed { file: file.into(), cause }
}

/// A text of the host's; `None` if there is no such file.
pub fn host_text(path: &str) -> io::Result<Option<String>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The namespace of a kind (`net`) that a process is in; `None` if the kernel has no such kind.
///
/// The link's text has the inode; asking for the file itself would make the kernel build one each time. They are all on
/// one device, the kernel's own `nsfs`, of which there is one.
pub fn namespace(process: &Process, kind: &str) -> io::Result<Option<InodeId>> {
    let link = match readlinkat(process, format!("ns/{kind}").as_str()) {
        Ok(link) => link,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let number =
        link.to_str().and_then(|link| link.strip_prefix(kind)?.strip_prefix(":[")?.strip_suffix(']')?.parse().ok());
    let ino =
        number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{link:?} names no namespace")))?;
    Ok(Some(InodeId { dev: nsfs()?, ino }))
}

/// The device that namespaces are on.
fn nsfs() -> io::Result<u64> {
    static DEVICE: OnceLock<u64> = OnceLock::new();
    if let Some(device) = DEVICE.get() {
        return Ok(*device);
    }
    let device = nix::sys::stat::stat("/proc/self/ns/mnt")?.st_dev;
    Ok(*DEVICE.get_or_init(|| device))
}

/// A text below `/proc/<pid>`.
pub fn text(process: &Process, name: &str) -> io::Result<String> {
    slurp(process.open_at(name, OFlag::O_RDONLY)?)
}

/// How many threads a process has: one directory each.
pub fn thread_count(process: &Process) -> io::Result<u64> {
    let links: u64 = fstatat(process, "task", AtFlags::empty())?.st_nlink;
    Ok(links.saturating_sub(2))
}

/// Its threads by their ids in our PID namespace.
pub fn threads(process: &Process) -> io::Result<Vec<i32>> {
    let mut dir = nix::dir::Dir::from_fd(process.open_at("task", OFlag::O_RDONLY | OFlag::O_DIRECTORY)?)?;
    let mut threads = Vec::new();
    for entry in dir.iter() {
        threads.extend(entry?.file_name().to_str().ok().and_then(|name| name.parse::<i32>().ok()));
    }
    Ok(threads)
}

/// Whether a thread is there.
pub fn has_thread(process: &Process, thread: i32) -> bool {
    fstatat(process, format!("task/{thread}").as_str(), AtFlags::empty()).is_ok()
}

/// The error of reading what belongs to a process that is no more.
pub fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::ESRCH as i32)
}

/// The command line of a process, for people; its name in brackets where it has none.
pub fn command_line(process: &Process, comm: &str) -> String {
    match text(process, "cmdline") {
        Ok(text) if !text.is_empty() => nul_separated(&text).join(" "),
        _ => format!("[{comm}]"),
    }
}

/// Everything from here to the end. The kernel's files have no length to ask for, and are read often: no call is made
/// that is not needed.
fn slurp(file: OwnedFd) -> io::Result<String> {
    let mut bytes = vec![0; 8 << 10];
    let mut filled = 0;
    loop {
        match nix::unistd::read(&file, &mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        if bytes.len() - filled < 4 << 10 {
            bytes.resize(bytes.len() * 2, 0);
        }
    }
    bytes.truncate(filled);
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Where a link below `/proc/<pid>` points: `exe`, `cwd`, `root`.
pub fn link(process: &Process, name: &str) -> io::Result<String> {
    Ok(readlinkat(process, name)?.to_string_lossy().into_owned())
}

/// A cgroup's directory.
#[derive(Debug)]
pub struct CgroupDir(OwnedFd);

impl CgroupDir {
    /// Opens it; `None` if there is none.
    pub fn open(path: &str) -> io::Result<Option<CgroupDir>> {
        match nix::fcntl::open(path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()) {
            Ok(dir) => Ok(Some(CgroupDir(dir))),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Reads one of its files; `None` if it has none of that name.
    pub fn text(&self, file: &str) -> io::Result<Option<String>> {
        let opened = match openat(&self.0, file, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()) {
            Ok(opened) => opened,
            // ENODEV: the cgroup was removed between opening its directory and this.
            Err(Errno::ENOENT | Errno::ENODEV) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        slurp(opened).map(Some)
    }
}

/// Pids of the processes in a cgroup's directory and below; none if it is gone. `known` are names of cgroups that may be
/// expected directly below: if there are as many as exist, the directory need not be listed.
pub fn processes_below(path: &str, known: &BTreeSet<String>, into: &mut BTreeSet<i32>) -> io::Result<()> {
    let Some(dir) = CgroupDir::open(path)? else { return Ok(()) };
    let text = match dir.text("cgroup.procs") {
        // A threaded v2 cgroup has no processes of its own: they are its domain's, above.
        Err(error) if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) => None,
        other => other?,
    };
    let pids = text.as_deref().unwrap_or_default().lines();
    // 0 stands for a process outside our PID namespace.
    into.extend(pids.filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0));
    for child in children(&dir, path, known)? {
        processes_below(&format!("{path}/{child}"), &BTreeSet::new(), into)?;
    }
    Ok(())
}

/// Names of the cgroups directly below.
fn children(dir: &CgroupDir, path: &str, known: &BTreeSet<String>) -> io::Result<BTreeSet<String>> {
    // Every directory has two links, its own name and `.`, and one for each directory below.
    let count = fstat(&dir.0)?.st_nlink.saturating_sub(2);
    if count == 0 {
        return Ok(BTreeSet::new());
    }
    let exists = |name: &&String| faccessat(&dir.0, name.as_str(), AccessFlags::F_OK, AtFlags::empty()).is_ok();
    let there: BTreeSet<String> = known.iter().filter(exists).cloned().collect();
    if there.len() as u64 == count {
        return Ok(there);
    }
    let entries: Vec<std::fs::DirEntry> = std::fs::read_dir(path)?.collect::<io::Result<_>>()?;
    let below = entries.iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    Ok(below.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

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

    /// The text of a small regular file; `None` if there is none at this path.
    pub fn text(&self, path: &str) -> io::Result<Option<String>> {
        let Some(found) = self.find(path)? else { return Ok(None) };
        if !is(&fstat(&found)?, SFlag::S_IFREG) {
            return Ok(None);
        }
        // Opened by its descriptor: a name could come to mean a device or a fifo in between.
        let opened = File::open(format!("/proc/self/fd/{}", found.as_raw_fd()))?;
        let mut bytes = Vec::new();
        opened.take(KEPT_BYTES as u64).read_to_end(&mut bytes)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
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
        match self.resolve(path) {
            Ok(found) => Ok(Some(found)),
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    fn resolve(&self, path: &str) -> Result<OwnedFd, Errno> {
        let mut parts: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let mut above: Vec<OwnedFd> = Vec::new();
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
            let here = above.last().unwrap_or(&self.0).as_fd();
            let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let found = openat(here, part.as_str(), flags, Mode::empty())?;
            if !is(&fstat(&found)?, SFlag::S_IFLNK) {
                above.push(found);
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
        above.pop().ok_or(Errno::ENOENT)
    }
}

fn inode(stat: &FileStat) -> InodeId {
    InodeId { dev: stat.st_dev, ino: stat.st_ino }
}

fn is(stat: &FileStat, kind: SFlag) -> bool {
    stat.st_mode & SFlag::S_IFMT.bits() == kind.bits()
}
