//! The one place that reads files: below `/proc/<pid>`, in cgroups, and inside a container's root.

mod kernel_dir;
mod root;

pub use kernel_dir::KernelDir;
pub use root::Root;

use super::error::{Malformed, ObserveError};
use super::observation::InodeId;
use super::words::nul_separated;
use crate::host::Process;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;

/// Most that is kept of one text as evidence, and read of a file in a container.
const KEPT_BYTES: usize = 64 << 10;

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
/// The link's text has the inode; asking for the file itself, as procfs does, would make the kernel build one each time. They are all on
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
    // A daemon that is on its way out has none, though the kernel has the kind.
    if all.get("mnt").is_none_or(Vec::is_empty) {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("process {} has no namespaces", process.pid())));
    }
    let first = match Process::open(1).and_then(|init| namespace(&init, "mnt")) {
        // Some hosts let nobody look at their process 1.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
        first => first?,
    };
    all.entry("mnt").or_default().extend(first);
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

/// What was asked of a process; `None` if that is no more.
pub fn if_there<T>(asked: io::Result<T>) -> io::Result<Option<T>> {
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
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

    #[test]
    fn a_process_without_namespaces_is_not_a_host_whose_kernel_has_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let process = Process::in_folder(7, folder.path()).expect("a folder");
        assert!(namespaces(&process, &["net", "mnt"]).is_err(), "it is on its way out");
        let us = Process::open(std::process::id().cast_signed()).expect("this process");
        let own = namespaces(&us, &["net", "mnt", "none-such"]).expect("readable");
        assert_eq!((own["net"].len(), own["none-such"].len()), (1, 0));
    }

    #[test]
    fn only_what_is_no_more_is_not_there() {
        for (errno, there) in
            [(Errno::ENOENT, false), (Errno::ESRCH, false), (Errno::EMFILE, true), (Errno::EACCES, true)]
        {
            assert_eq!(if_there::<()>(Err(errno.into())).is_err(), there, "{errno}");
        }
    }
}
