//! Device nodes of a container's /dev, and the rules that say which devices its processes may open.

use super::fault::{Context, Fault};
use super::paths::Root;
use super::user_namespace::bind_device;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, makedev, mkdirat, mknodat};
use nix::unistd::{Gid, Uid, fchownat, symlinkat};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Block or character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `a`: both.
    Any,
    /// `b`.
    Block,
    /// `c`.
    Char,
}

/// Allows access to devices; everything is denied before the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which kind of device.
    pub kind: Kind,
    /// `None` is every one.
    pub major: Option<u32>,
    /// `None` is every one.
    pub minor: Option<u32>,
    /// Of `r`, `w` and `m`.
    pub access: &'static str,
}

impl Rule {
    const fn new(kind: Kind, major: Option<u32>, minor: Option<u32>, access: &'static str) -> Self {
        Rule { kind, major, minor, access }
    }

    /// As cgroup v1's `devices.allow` takes it.
    pub fn to_line(self) -> String {
        let kind = match self.kind {
            Kind::Any => 'a',
            Kind::Block => 'b',
            Kind::Char => 'c',
        };
        let number = |n: Option<u32>| n.map_or_else(|| "*".to_owned(), |n| n.to_string());
        format!("{kind} {}:{} {}", number(self.major), number(self.minor), self.access)
    }
}

/// What runc 1.1 allows every container. Source: runc libcontainer/specconv, `AllowedDevices`.
pub const DEFAULT_RULES: [Rule; 11] = [
    Rule::new(Kind::Char, None, None, "m"),
    Rule::new(Kind::Block, None, None, "m"),
    Rule::new(Kind::Char, Some(1), Some(3), "rwm"),
    Rule::new(Kind::Char, Some(1), Some(8), "rwm"),
    Rule::new(Kind::Char, Some(1), Some(7), "rwm"),
    Rule::new(Kind::Char, Some(5), Some(0), "rwm"),
    Rule::new(Kind::Char, Some(1), Some(5), "rwm"),
    Rule::new(Kind::Char, Some(1), Some(9), "rwm"),
    Rule::new(Kind::Char, Some(136), None, "rwm"),
    Rule::new(Kind::Char, Some(5), Some(2), "rwm"),
    Rule::new(Kind::Char, Some(10), Some(200), "rwm"),
];

/// What a privileged container is allowed.
pub const PRIVILEGED_RULES: [Rule; 1] = [Rule::new(Kind::Any, None, None, "rwm")];

const NODES: [(&str, u64, u64); 6] =
    [("null", 1, 3), ("random", 1, 8), ("full", 1, 7), ("tty", 5, 0), ("zero", 1, 5), ("urandom", 1, 9)];

const LINKS: [(&str, &str); 6] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
    ("ptmx", "pts/ptmx"),
];

/// Directories of the host's /dev that a privileged container has its own of, and what is no device of its.
const NOT_HANDED_ON: [&str; 8] = ["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console"];

/// Fills a fresh /dev; for a privileged container with the host's devices too. The umask must be 0. In a user namespace no
/// device can be made, and the host's are bound there; those beyond the usual ones are left out.
///
/// # Errors
/// The kernel's, with the node.
pub fn populate(root: &Root, privileged: bool, bind: bool) -> Result<(), Fault> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let dev = openat(root, "dev", flags, Mode::empty()).to(|| "open /dev")?;
    if privileged && !bind {
        host_devices(Path::new("/dev"), &dev)?;
    }
    for (name, major, minor) in NODES {
        if bind {
            bind_device(name, dev.as_fd())?;
            continue;
        }
        let made = mknodat(&dev, name, SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(major, minor));
        existing_is_fine(made).to(|| format!("make /dev/{name}"))?;
    }
    for (name, target) in LINKS {
        if name != "core" || Path::new("/proc/kcore").exists() {
            existing_is_fine(symlinkat(target, &dev, name)).to(|| format!("make the link /dev/{name}"))?;
        }
    }
    Ok(())
}

fn host_devices(from: &Path, to: &OwnedFd) -> Result<(), Fault> {
    let entries = fs::read_dir(from).to(|| format!("list {}", from.display()))?;
    for entry in entries {
        let entry = entry.to(|| format!("list {}", from.display()))?;
        let (path, name) = (entry.path(), entry.file_name());
        if NOT_HANDED_ON.iter().any(|skip| name == *skip) {
            continue;
        }
        let Ok(found) = fs::symlink_metadata(&path) else {
            continue;
        }; // gone since it was listed
        let kind = found.file_type();
        if kind.is_dir() {
            let made = mkdirat(to.as_fd(), name.as_os_str(), Mode::from_bits_truncate(0o755));
            existing_is_fine(made).to(|| format!("make {}", path.display()))?;
            let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let below =
                openat(to.as_fd(), name.as_os_str(), flags, Mode::empty()).to(|| format!("open {}", path.display()))?;
            host_devices(&path, &below)?;
        } else if kind.is_char_device() || kind.is_block_device() || kind.is_fifo() {
            copy_node(&path, &found, to).to(|| format!("make {}", path.display()))?;
        }
    }
    Ok(())
}

fn copy_node(path: &Path, node: &fs::Metadata, to: &OwnedFd) -> nix::Result<()> {
    let Some(name) = path.file_name() else {
        return Ok(());
    };
    let (kind, mode) = (SFlag::from_bits_truncate(node.mode()) & SFlag::S_IFMT, Mode::from_bits_truncate(node.mode()));
    existing_is_fine(mknodat(to, name, kind, mode, node.rdev()))?;
    fchmodat(to, name, mode, FchmodatFlags::FollowSymlink)?;
    let (owner, group) = (Uid::from_raw(node.uid()), Gid::from_raw(node.gid()));
    fchownat(to, name, Some(owner), Some(group), AtFlags::AT_SYMLINK_NOFOLLOW)
}

fn existing_is_fine(made: nix::Result<()>) -> nix::Result<()> {
    match made {
        Err(Errno::EEXIST) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_as_the_kernel_takes_them() {
        let lines: Vec<String> = DEFAULT_RULES.iter().map(|r| r.to_line()).collect();
        assert_eq!(lines[0], "c *:* m");
        assert_eq!(lines[2], "c 1:3 rwm");
        assert_eq!(lines[8], "c 136:* rwm");
        assert_eq!(PRIVILEGED_RULES[0].to_line(), "a *:* rwm");
    }
}
