//! Files of a volume, as a kubelet writes them: in a directory of their own, to which a link leads that can be changed in one
//! step. Source: Kubernetes pkg/volume/util/atomic_writer.go.

use crate::pod::VolumeFile;
use nix::unistd::{Gid, Uid, chown, fchown, fchownat};
use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Component, Path};

/// Link to the directory that counts.
const CURRENT: &str = "..data";
/// The directory: a kubelet's is called by the time.
const VERSION: &str = "..podcheck";

/// Writes the files into an empty volume.
pub(super) fn write(volume: &Path, files: &[VolumeFile]) -> io::Result<()> {
    let version = volume.join(VERSION);
    directory(&version)?;
    for file in files {
        let path = version.join(&file.path);
        for above in Path::new(&file.path).ancestors().skip(1).collect::<Vec<_>>().into_iter().rev() {
            directory(&version.join(above))?;
        }
        let mut opened = File::create(&path)?;
        opened.write_all(&file.content)?;
        // Whatever the umask.
        opened.set_permissions(Permissions::from_mode(file.mode))?;
        if let Some(owner) = file.owner {
            fchown(&opened, Some(Uid::from_raw(owner)), None)?;
        }
    }
    symlink(VERSION, volume.join(CURRENT))?;
    let mut seen = Vec::new();
    for file in files {
        if let Some(Component::Normal(first)) = Path::new(&file.path).components().next()
            && !seen.contains(&first)
        {
            symlink(Path::new(CURRENT).join(first), volume.join(first))?;
            seen.push(first);
        }
    }
    Ok(())
}

fn directory(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o755).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    std::fs::set_permissions(path, Permissions::from_mode(0o755))
}

/// Gives a volume to a group: everything readable, and unless it is read-only writable, by it; new files belong to it.
/// Source: Kubernetes pkg/volume/volume_linux.go, `SetVolumeOwnership`.
pub(super) fn give_to_group(path: &Path, group: u32, read_only: bool) -> io::Result<()> {
    let metadata = std::fs::symlink_metadata(path)?;
    let group_id = Gid::from_raw(group);
    if metadata.is_symlink() {
        let flags = nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW;
        return Ok(fchownat(nix::fcntl::AT_FDCWD, path, None, Some(group_id), flags)?);
    }
    chown(path, None, Some(group_id))?;
    let mut mode = metadata.mode() & 0o7777 | if read_only { 0o440 } else { 0o660 };
    if metadata.is_dir() {
        mode |= 0o2110;
        for entry in std::fs::read_dir(path)? {
            give_to_group(&entry?.path(), group, read_only)?;
        }
    }
    std::fs::set_permissions(path, Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, content: &str, mode: u32) -> VolumeFile {
        VolumeFile { path: path.to_owned(), content: content.as_bytes().to_vec(), mode, owner: None }
    }

    #[test]
    fn files_lie_behind_one_link() {
        let dir = tempfile::tempdir().expect("a directory");
        let files = [file("a", "1", 0o644), file("deep/b", "2", 0o400), file("deep/er/c", "", 0o640)];
        write(dir.path(), &files).expect("is written");
        let link = |name: &str| std::fs::read_link(dir.path().join(name)).expect("a link");
        assert_eq!(link("a"), Path::new("..data/a"));
        assert_eq!(link("deep"), Path::new("..data/deep"));
        assert_eq!(link("..data"), Path::new(VERSION));
        for (path, content, mode) in [("a", "1", 0o644), ("deep/b", "2", 0o400), ("deep/er/c", "", 0o640)] {
            let path = dir.path().join(path);
            assert_eq!(std::fs::read_to_string(&path).expect("a file"), content);
            assert_eq!(path.metadata().expect("a file").mode() & 0o7777, mode);
        }
        assert_eq!(dir.path().join("deep").metadata().expect("it").mode() & 0o7777, 0o755);
    }

    #[test]
    fn a_group_reads_what_is_read_only_and_writes_the_rest() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        for (read_only, of_file, of_dir) in [(true, 0o440, 0o2755), (false, 0o660, 0o2775)] {
            let dir = tempfile::tempdir().expect("a directory");
            write(dir.path(), &[file("a", "1", 0o400)]).expect("is written");
            give_to_group(dir.path(), 4711, read_only).expect("is given");
            let of = |name: &str| std::fs::symlink_metadata(dir.path().join(name)).expect("it is there");
            assert_eq!((of("..data").gid(), of("a").gid()), (4711, 4711));
            let at = dir.path().join(VERSION);
            assert_eq!(at.metadata().expect("it").mode() & 0o7777, of_dir);
            let file = at.join("a").metadata().expect("it");
            assert_eq!((file.gid(), file.mode() & 0o7777), (4711, if read_only { of_file } else { 0o660 }));
        }
    }
}
