//! The one file that reads files: below `/proc/<pid>`, in cgroups, and inside a container's root.

use super::error::{Malformed, ObserveError};
use super::observation::{InodeId, Shm};
use super::words::nul_separated;
use crate::host::Process;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
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
    pub fn keep(&mut self, owner: &str, file: &str, mut text: String) {
        text.truncate(text.floor_char_boundary(KEPT_BYTES));
        self.0.insert([owner, "/", file].concat(), text);
    }

    /// Takes in what somebody else kept.
    pub fn append(&mut self, mut other: Evidence) {
        self.0.append(&mut other.0);
    }

    /// Everything that was kept.
    pub fn into_texts(self) -> BTreeMap<String, String> {
        self.0
    }
}

/// Names a file in the error of reading it.
pub fn unreadable(file: impl Display) -> impl FnOnce(io::Error) -> ObserveError {
    move |cause| ObserveError::Read { file: file.to_string(), cause }
}

/// Names a file in the error of parsing it.
pub fn senseless(file: impl Display) -> impl FnOnce(Malformed) -> ObserveError {
    move |cause| ObserveError::Malformed { file: file.to_string(), cause }
}

/// The path of a process's file, which is put together only if there is an error to say.
pub fn of_process(pid: i32, name: &str) -> impl Display {
    std::fmt::from_fn(move |f| write!(f, "/proc/{pid}/{name}"))
}

/// A text of the host's; `None` if there is no such file.
pub fn host_text(path: &str) -> io::Result<Option<String>> {
    match nix::fcntl::open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()) {
        Ok(file) => slurp(file).map(Some),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Which directory of the host's this is; `None` if there is none.
pub fn host_directory(path: &str) -> io::Result<Option<InodeId>> {
    match nix::sys::stat::stat(path) {
        Ok(stat) => Ok(is(&stat, SFlag::S_IFDIR).then(|| inode(&stat))),
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// The namespace of a kind (`net`) that a process is in; `None` if the kernel has no such kind.
///
/// The link's text has the inode; asking for the file itself would make the kernel build one each time. They are all on
/// one device, the kernel's own `nsfs`, of which there is one.
pub fn namespace(process: &Process, kind: &str) -> io::Result<Option<InodeId>> {
    let link = match readlinkat(process, ["ns/", kind].concat().as_str()) {
        Ok(link) => link,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    Ok(Some(InodeId { dev: nsfs()?, ino: namespace_inode(kind, &link)? }))
}

/// The namespace itself, to be entered.
pub fn open_namespace(process: &Process, kind: &str) -> io::Result<(InodeId, OwnedFd)> {
    let file = process.open_at(&format!("ns/{kind}"), OFlag::O_RDONLY)?;
    Ok((inode(&fstat(&file)?), file))
}

/// The inode in the text of a namespace's link: `pid:[4026531836]`.
fn namespace_inode(kind: &str, link: &OsStr) -> io::Result<u64> {
    let number =
        link.to_str().and_then(|link| link.strip_prefix(kind)?.strip_prefix(":[")?.strip_suffix(']')?.parse().ok());
    number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{link:?} names no namespace")))
}

/// As [`namespaces`], of podcheck itself. Only single threads of it ever enter others: they stay what they are.
pub fn own_namespaces(kinds: &[&'static str]) -> io::Result<&'static BTreeMap<&'static str, Vec<InodeId>>> {
    static OWN: OnceLock<BTreeMap<&'static str, Vec<InodeId>>> = OnceLock::new();
    if let Some(own) = OWN.get() {
        return Ok(own);
    }
    let us = Process::open(std::process::id().cast_signed())?;
    let own = namespaces(&us, kinds)?;
    Ok(OWN.get_or_init(|| own))
}

/// The namespaces of a process that count as the host's: its own, for mnt also PID 1's. A private daemon lives in a mount
/// namespace of its own, but a container in PID 1's is in the host's just the same.
pub fn namespaces(process: &Process, kinds: &[&'static str]) -> io::Result<BTreeMap<&'static str, Vec<InodeId>>> {
    let mut all = BTreeMap::new();
    for kind in kinds {
        let found = namespace(process, kind)
            .map_err(|e| io::Error::new(e.kind(), format!("/proc/{}/ns/{kind}: {e}", process.pid())))?;
        all.insert(*kind, Vec::from_iter(found));
    }
    let first = Process::open(1).and_then(|init| namespace(&init, "mnt"));
    all.entry("mnt").or_default().extend(first.ok().flatten());
    Ok(all)
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
    let file = process.open_at(name, OFlag::O_RDONLY)?;
    if name == "mountinfo" { slurp(file) } else { slurp_short(file) }
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

thread_local! {
    /// What is being read. Most texts are short, and there are many.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 16 << 10]);
}

/// Everything from here to the end. The kernel's files have no length to ask for, and are read often: no call is made
/// that is not needed.
fn slurp(file: impl AsFd) -> io::Result<String> {
    slurp_until(file, 1, usize::MAX)
}

/// The same of a file of the kernel's whose lines are short: it hands out whole lines until a page is full, so that half a
/// page is all there is.
fn slurp_short(file: impl AsFd) -> io::Result<String> {
    slurp_until(file, 2 << 10, usize::MAX)
}

/// Reads until an answer has fewer bytes than `enough`, or there are `most`: what is beyond those is left out.
fn slurp_until(file: impl AsFd, enough: usize, most: usize) -> io::Result<String> {
    BUFFER.with_borrow_mut(|bytes| {
        let mut filled = 0;
        loop {
            match nix::unistd::read(&file, &mut bytes[filled..]) {
                Ok(count) => {
                    filled += count;
                    if count < enough || filled >= most {
                        break;
                    }
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            if bytes.len() - filled < 4 << 10 {
                bytes.resize(bytes.len() * 2, 0);
            }
        }
        Ok(String::from_utf8_lossy(&bytes[..filled.min(most)]).into_owned())
    })
}

/// Everything in a file that is held open, from its beginning.
pub fn again(file: &mut File) -> io::Result<String> {
    file.seek(SeekFrom::Start(0))?;
    slurp(file)
}

/// Where a link below `/proc/<pid>` points: `exe`, `cwd`, `root`.
pub fn link(process: &Process, name: &str) -> io::Result<String> {
    Ok(readlinkat(process, name)?.to_string_lossy().into_owned())
}

/// A directory of the kernel's: a cgroup's, or one of sysctls.
#[derive(Debug)]
pub struct KernelDir(OwnedFd);

impl KernelDir {
    /// Opens it; `None` if there is none.
    pub fn open(path: &str) -> io::Result<Option<KernelDir>> {
        match nix::fcntl::open(path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()) {
            Ok(dir) => Ok(Some(KernelDir(dir))),
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
        match slurp_short(opened) {
            // Or between this and reading it.
            Err(error) if error.raw_os_error() == Some(Errno::ENODEV as i32) => Ok(None),
            read => read.map(Some),
        }
    }
}

impl KernelDir {
    /// Pids of the processes in it and below; none if it is gone. `known` are names of cgroups that may be expected
    /// directly below: if there are as many as exist, the directory need not be listed.
    pub fn processes(&self, known: &BTreeSet<&str>, into: &mut BTreeSet<i32>) -> io::Result<()> {
        self.processes_in("", into)?;
        let Some(below) = cgroups_below(fstat(&self.0)) else { return Ok(()) };
        let mut there: BTreeMap<String, u64> = BTreeMap::new();
        for name in known.iter().filter(|name| !name.is_empty()) {
            // Two subjects of one name are one cgroup.
            if let Ok(stat) = fstatat(&self.0, *name, AtFlags::empty()) {
                there.insert((*name).to_owned(), cgroups_below(Ok(stat)).unwrap_or(0));
            }
        }
        if there.len() as u64 == below {
            for (name, deeper) in &there {
                self.processes_in(&format!("{name}/"), into)?;
                if *deeper > 0 {
                    self.processes_below(&format!("{name}/"), into)?;
                }
            }
            return Ok(());
        }
        self.processes_below("", into)
    }

    /// Those in the cgroups below one, but not in that itself.
    fn processes_below(&self, prefix: &str, into: &mut BTreeSet<i32>) -> io::Result<()> {
        for child in self.children(prefix)? {
            let child = format!("{prefix}{child}/");
            self.processes_in(&child, into)?;
            self.processes_below(&child, into)?;
        }
        Ok(())
    }

    /// Those of a single cgroup.
    fn processes_in(&self, prefix: &str, into: &mut BTreeSet<i32>) -> io::Result<()> {
        let text = match self.text(&[prefix, "cgroup.procs"].concat()) {
            // A threaded v2 cgroup has no processes of its own: they are its domain's, above.
            Err(error) if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) => None,
            other => other?,
        };
        let pids = text.as_deref().unwrap_or_default().lines();
        // 0 stands for a process outside our PID namespace.
        into.extend(pids.filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0));
        Ok(())
    }

    /// Names of the cgroups directly below one.
    fn children(&self, prefix: &str) -> io::Result<Vec<String>> {
        let path = format!("./{prefix}");
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut dir = match nix::dir::Dir::openat(&self.0, path.as_str(), flags, Mode::empty()) {
            Ok(dir) => dir,
            Err(Errno::ENOENT | Errno::ENODEV) => return Ok(Vec::new()),
            Err(errno) => return Err(errno.into()),
        };
        let mut children = Vec::new();
        for entry in dir.iter() {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_dir = entry.file_type().is_none_or(|kind| kind == nix::dir::Type::Directory);
            if is_dir && name != "." && name != ".." {
                children.push(name);
            }
        }
        Ok(children)
    }
}

/// How many cgroups are directly below; `None` for none, or if it is gone.
fn cgroups_below(stat: nix::Result<FileStat>) -> Option<u64> {
    // Every directory has two links, its own name and `.`, and one for each directory below.
    stat.ok().map(|stat| stat.st_nlink.saturating_sub(2)).filter(|count| *count > 0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_is_read_whole_or_as_far_as_is_kept() {
        let mut file = tempfile::tempfile().expect("a file");
        let long = "0123456789abcdef".repeat(5 << 10);
        file.write_all(long.as_bytes()).expect("room");
        assert_eq!(again(&mut file).expect("text"), long);
        for most in [0, 1, 16 << 10, KEPT_BYTES, long.len(), long.len() + 1] {
            file.seek(SeekFrom::Start(0)).expect("a place");
            assert_eq!(slurp_until(&file, 1, most).expect("text"), long[..most.min(long.len())], "{most}");
        }
    }
}
