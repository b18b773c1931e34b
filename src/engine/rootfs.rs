//! The root file system of a member: an overlay on its image, or a copy of the image where there is no overlayfs.

use super::fault::{Context, Fault};
use super::idmap;
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

/// Mounts the root of a member below `dir`, in this process's mount namespace, and returns its path.
///
/// # Errors
/// The kernel's, with the step.
pub fn mount_root(image: &Path, dir: &Path) -> Result<PathBuf, Fault> {
    mount_root_for(image, dir, None)
}

/// As [`mount_root`], for a user namespace and the host's id of its root, whom everything in it belongs to.
///
/// # Errors
/// As [`mount_root`]; an image on a file system that cannot be mapped.
pub fn mount_root_for(image: &Path, dir: &Path, users: Option<(&OwnedFd, u32)>) -> Result<PathBuf, Fault> {
    let [upper, work, root] = ["upper", "work", "root"].map(|name| dir.join(name));
    for path in [dir, &upper, &work, &root] {
        fs::create_dir(path).to(|| format!("make {}", path.display()))?;
    }
    // The root directory's own mode shows in the container, not the one mkdir gave under somebody's umask.
    let mode = fs::metadata(image).to(|| format!("look at the image {}", image.display()))?.permissions();
    fs::set_permissions(&upper, mode).to(|| format!("set the mode of {}", upper.display()))?;
    let mut lower = image.to_owned();
    if let Some((users, owner)) = users {
        chown(&upper, Some(owner), Some(owner)).to(|| format!("hand {} over", upper.display()))?;
        lower = dir.join("lower");
        fs::create_dir(&lower).to(|| format!("make {}", lower.display()))?;
        let held = fs::File::open(&lower).to(|| format!("open {}", lower.display()))?;
        let tree = idmap::detached(image, Some(users), true)?;
        idmap::attach(&tree, held.as_fd()).to(|| format!("attach the image to {}", lower.display()))?;
    }
    let options = format!("lowerdir={},upperdir={},workdir={}", lower.display(), upper.display(), work.display());
    match mount(Some("overlay"), &root, Some("overlay"), MsFlags::empty(), Some(options.as_str())) {
        Ok(()) => Ok(root),
        // No such file system, or none on top of what holds this directory.
        Err(Errno::ENODEV | Errno::EINVAL | Errno::EPERM) if users.is_none() => {
            copy(image, &root, &mut HashMap::new()).to(|| format!("copy the image {}", image.display()))?;
            let onto_itself = mount(Some(&root), &root, None::<&str>, MsFlags::MS_BIND, None::<&str>);
            onto_itself.to(|| format!("bind {}", root.display())).map(|()| root)
        }
        Err(error) => Err(Fault::new(format!("mount an overlay on the image {}", image.display()), error)),
    }
}

/// Copies a directory's content, its mode and owners; files of several names stay one file.
fn copy(from: &Path, to: &Path, seen: &mut HashMap<(u64, u64), PathBuf>) -> io::Result<()> {
    let own = fs::metadata(from)?;
    chown(to, Some(own.uid()), Some(own.gid()))?;
    fs::set_permissions(to, own.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let found = fs::symlink_metadata(&source)?;
        if found.is_dir() {
            fs::create_dir(&target)?;
            copy(&source, &target, seen)?;
        } else if found.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
            lchown(&target, Some(found.uid()), Some(found.gid()))?;
        } else if let Some(first) = seen.get(&(found.dev(), found.ino())) {
            fs::hard_link(first, &target)?;
        } else {
            fs::copy(&source, &target)?;
            chown(&target, Some(found.uid()), Some(found.gid()))?;
            fs::set_permissions(&target, fs::Permissions::from_mode(found.mode()))?;
            seen.insert((found.dev(), found.ino()), target);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_links_and_modes() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("bin")).expect("a directory");
        fs::create_dir(&to).expect("a directory");
        fs::write(from.join("bin/one"), "x").expect("a file");
        fs::set_permissions(from.join("bin/one"), fs::Permissions::from_mode(0o751)).expect("a mode");
        fs::hard_link(from.join("bin/one"), from.join("bin/two")).expect("a link");
        symlink("one", from.join("bin/three")).expect("a link");
        copy(&from, &to, &mut HashMap::new()).expect("a copy");
        let of = |name: &str| fs::symlink_metadata(to.join("bin").join(name)).expect("it was copied");
        assert_eq!(of("one").ino(), of("two").ino());
        assert_eq!(of("one").mode() & 0o7777, 0o751);
        assert_eq!(fs::read_link(to.join("bin/three")).ok(), Some(PathBuf::from("one")));
    }
}
