//! The images as directories on disk, for the engine, which has no image store.

use super::tree::{EntryKind, entries};
use super::{Doing, Image, ImageError, binary};
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Root file systems on disk. They are to be used read-only, as lower layers or copied: all of a run share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Root of [`Image::Payload`].
    pub payload: PathBuf,
    /// Root of [`Image::Pause`].
    pub pause: PathBuf,
}

impl Images {
    /// The root of an image.
    pub fn root(&self, image: Image) -> &Path {
        match image {
            Image::Payload => &self.payload,
            Image::Pause => &self.pause,
        }
    }
}

/// Makes `<dir>/payload` and `<dir>/pause`, which share one private copy of the running program.
///
/// Processes of one run may call this at the same time. What is there already is taken as it is: `dir` belongs to one
/// run, and any podcheck's images serve it.
///
/// # Errors
/// podcheck is not linked statically, or the host refused.
pub fn unpack(dir: &Path) -> Result<Images, ImageError> {
    let images = Images { payload: dir.join("payload"), pause: dir.join("pause") };
    let are_there = || Image::ALL.iter().all(|&image| images.root(image).is_dir());
    if are_there() {
        return Ok(images);
    }
    fs::create_dir_all(dir).doing(|| format!("create {}", dir.display()))?;
    let _lock = lock(&dir.join("lock"))?;
    if are_there() {
        return Ok(images);
    }
    // What is half made by now was left by a process that was killed.
    let new = dir.join("new");
    for left in [&new, &images.payload, &images.pause] {
        remove(left)?;
    }
    make_directory(&new, 0o700)?;
    let program = new.join("program");
    copy_program(&program)?;
    for image in Image::ALL {
        let root = new.join(image.name());
        fill(&root, image, &program)?;
        fs::rename(&root, images.root(image)).doing(|| format!("rename {}", root.display()))?;
    }
    remove(&new)?;
    Ok(images)
}

/// Waits until nobody else unpacks there.
fn lock(path: &Path) -> Result<Flock<File>, ImageError> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.doing(|| format!("open {}", path.display()))?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno).doing(|| format!("lock {}", path.display()))
}

fn remove(path: &Path) -> Result<(), ImageError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).doing(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Whatever a container does to its `/proc/self/exe`, it is not podcheck's own file on the host.
fn copy_program(to: &Path) -> Result<(), ImageError> {
    let mut from = binary::open()?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o555)
        .open(to)
        .doing(|| format!("create {}", to.display()))?;
    io::copy(&mut from, &mut file).doing(|| format!("copy the running program to {}", to.display()))?;
    set_mode(to, 0o555)
}

fn fill(root: &Path, image: Image, program: &Path) -> Result<(), ImageError> {
    make_directory(root, 0o755)?;
    for entry in entries(image) {
        let path = root.join(&entry.path);
        match entry.kind {
            EntryKind::Directory(mode) => make_directory(&path, mode)?,
            EntryKind::Text(text) => {
                fs::write(&path, text).doing(|| format!("write {}", path.display()))?;
                set_mode(&path, 0o644)?;
            }
            EntryKind::Program => fs::hard_link(program, &path).doing(|| format!("link {}", path.display()))?,
            EntryKind::Link(target) => symlink(target, &path).doing(|| format!("link {}", path.display()))?,
        }
    }
    Ok(())
}

fn make_directory(path: &Path, mode: u32) -> Result<(), ImageError> {
    fs::DirBuilder::new().mode(mode).create(path).doing(|| format!("create {}", path.display()))?;
    set_mode(path, mode)
}

/// Sets the mode whatever the umask is.
fn set_mode(path: &Path, mode: u32) -> Result<(), ImageError> {
    fs::set_permissions(path, Permissions::from_mode(mode)).doing(|| format!("set the mode of {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn unpacking_twice_makes_one_private_copy_and_leaves_nothing_half_made() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let place = dir.path().join("image");
        fs::create_dir_all(place.join("new/left")).expect("the place is ours");
        fs::create_dir_all(place.join("pause")).expect("the place is ours");
        let images = unpack(&place).expect("a first time");
        let program = fs::metadata(images.payload.join("bin/podcheck")).expect("the program is there");
        let itself = fs::metadata("/proc/self/exe").expect("every process has one");
        assert_eq!((program.len(), program.mode() & 0o7777, program.nlink()), (itself.len(), 0o555, 2));
        assert_ne!((program.dev(), program.ino()), (itself.dev(), itself.ino()));
        assert_eq!(fs::metadata(images.payload.join("usr/bin/sleep")).expect("links lead there").ino(), program.ino());
        assert_eq!(fs::metadata(images.pause.join("pause")).expect("the program is there").ino(), program.ino());
        assert_eq!(fs::metadata(images.payload.join("tmp")).expect("it is there").mode() & 0o7777, 0o1777);
        assert_eq!(unpack(&place).expect("a second time"), images);
        let mut left: Vec<_> = fs::read_dir(&place).expect("it is there").flatten().map(|e| e.file_name()).collect();
        left.sort();
        assert_eq!(left, ["lock", "pause", "payload"]);
    }
}
