//! Directories of the kernel's own: cgroups and sysctls.

use super::slurp_short;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, fstat, fstatat};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;

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
        let below = cgroups_below(&fstat(&self.0)?);
        if below == 0 {
            return Ok(());
        }
        let mut there: BTreeMap<String, u64> = BTreeMap::new();
        for name in known.iter().filter(|name| !name.is_empty()) {
            // Two subjects of one name are one cgroup.
            if let Ok(stat) = fstatat(&self.0, *name, AtFlags::empty()) {
                there.insert((*name).to_owned(), cgroups_below(&stat));
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
        for line in pids {
            let pid: i32 = line.parse().map_err(|_| senseless_pid(line))?;
            // 0 stands for a process outside our PID namespace, which nobody here could name.
            into.extend((pid > 0).then_some(pid));
        }
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

/// How many cgroups are directly below.
fn cgroups_below(stat: &FileStat) -> u64 {
    // Every directory has two links, its own name and `.`, and one for each directory below.
    stat.st_nlink.saturating_sub(2)
}

fn senseless_pid(line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{line:?} is no pid"))
}
