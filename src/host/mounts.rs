//! The mount table, and taking away what lies below a directory.

use super::HostError;
use nix::mount::{MntFlags, umount2};
use std::path::{Path, PathBuf};

/// A line of `/proc/<pid>/mountinfo`, as far as podcheck's housekeeping needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// What of the file system is mounted.
    pub root: String,
    /// Where.
    pub mount_point: PathBuf,
    /// Its type.
    pub fs_type: String,
    /// Options of the superblock.
    pub super_options: String,
}

/// Parses `/proc/<pid>/mountinfo`. Lines of another form are left out. procfs leaves names in octal and loses the order of options.
pub(super) fn parse(text: &str) -> Vec<Mount> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Mount> {
    // Optional fields end with a lone dash, and no field before it can be one.
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(3);
    let (root, mount_point) = (before.next()?, before.next()?);
    let mut after = after.split(' ');
    let (fs_type, _source, super_options) = (after.next()?, after.next()?, after.next()?);
    Some(Mount {
        root: unescape(root),
        mount_point: PathBuf::from(unescape(mount_point)),
        fs_type: fs_type.to_owned(),
        super_options: super_options.to_owned(),
    })
}

/// Mount points in a text of `/proc/<pid>/mountinfo`, in the order they were mounted.
pub fn mount_points(text: &str) -> Vec<PathBuf> {
    parse(text).into_iter().map(|mount| mount.mount_point).collect()
}

/// The kernel writes blank, tab, newline and backslash as three octal digits.
fn unescape(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.get(..3).filter(|d| first == b'\\' && d.iter().all(|b| (b'0'..=b'7').contains(b)));
        if let Some(digits) = octal {
            let value = digits.iter().fold(0u32, |sum, d| sum * 8 + u32::from(d - b'0'));
            bytes.push(u8::try_from(value).unwrap_or(b'?'));
            rest = &tail[3..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Mount points at or below `dir` in our mount namespace, in the order they were mounted.
pub(super) fn below(dir: &Path) -> Result<Vec<PathBuf>, HostError> {
    let text = std::fs::read_to_string("/proc/self/mountinfo").map_err(|e| HostError::os("read the mount table", e))?;
    Ok(parse(&text).into_iter().map(|m| m.mount_point).filter(|p| p.starts_with(dir)).collect())
}

/// Unmounts everything below `dir`, last mounted first, and returns what that was.
///
/// Lazily: what holds a file open keeps its mount without keeping us from going on.
pub(super) fn unmount_below(dir: &Path) -> Result<Vec<PathBuf>, HostError> {
    unmount(dir, |_| true)
}

/// The same, but for what is mounted on `kept` itself.
pub(super) fn unmount_below_but(dir: &Path, kept: &Path) -> Result<Vec<PathBuf>, HostError> {
    unmount(dir, |point| point != kept)
}

fn unmount(dir: &Path, goes: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, HostError> {
    let mut gone = Vec::new();
    // One mount point may be mounted on several times, and unmounting one may bring another to light.
    for _ in 0..16 {
        let found: Vec<PathBuf> = below(dir)?.into_iter().filter(|point| goes(point)).collect();
        if found.is_empty() {
            return Ok(gone);
        }
        for point in found.into_iter().rev() {
            match umount2(&point, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW) {
                Ok(()) => gone.push(point),
                // Gone with the mount it was in, or by somebody else's sweep.
                Err(nix::Error::EINVAL | nix::Error::ENOENT) => {}
                Err(errno) => {
                    return Err(HostError::os(format!("unmount {}", point.display()), errno));
                }
            }
        }
    }
    Err(HostError::new(format!("unmount what is below {}", dir.display()), "there is always more".to_owned()))
}

/// Removes a directory with all that is in it, after unmounting: never the contents of something mounted there.
pub(super) fn remove_dir(dir: &Path) -> Result<(), HostError> {
    let left = below(dir)?;
    if let Some(point) = left.first() {
        let detail = format!("{} is still mounted", point.display());
        return Err(HostError::new(format!("remove {}", dir.display()), detail));
    }
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(HostError::os(format!("remove {}", dir.display()), error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_optional_fields_and_escapes() {
        let text = "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n\
                    37 35 0:9 / /a\\134b rw - tmpfs none rw\nshort line\n1 2 3 - x\n";
        let mounts = parse(text);
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[0].root, "/mnt1");
        assert_eq!(mounts[0].mount_point, Path::new("/mnt 2"));
        assert_eq!(mounts[0].super_options, "rw,errors=continue");
        assert_eq!(mounts[1].mount_point, Path::new("/a\\b"));
        assert_eq!(unescape("\\9zz\\"), "\\9zz\\");
        assert_eq!(mount_points(text), [Path::new("/mnt 2"), Path::new("/a\\b")]);
    }
}
