//! Where the result of `run` goes: to standard output, or to a file that it replaces as a whole.

use super::{Failure, output};
use nix::errno::Errno;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Where a result goes. It is tried before anything runs: an hour's result is not lost for a misspelt folder.
pub(super) enum Sink {
    Stdout,
    /// A regular file, written beside its place and renamed, so that there is the earlier result or the whole new one.
    File(PathBuf),
    /// A device or pipe, which is written to as it is.
    Special(PathBuf, Mutex<File>),
}

impl Sink {
    /// Standard output, or the file.
    pub(super) fn open(path: Option<&Path>) -> Result<Sink, Failure> {
        let Some(path) = path else { return Ok(Sink::Stdout) };
        Sink::at(path).map_err(|error| Failure::usage(cannot(path, &error)))
    }

    fn at(path: &Path) -> io::Result<Sink> {
        match fs::metadata(path) {
            Ok(there) if there.is_dir() => return Err(Errno::EISDIR.into()),
            Ok(there) => {
                let file = OpenOptions::new().write(true).open(path)?;
                if !there.is_file() {
                    return Ok(Sink::Special(path.to_owned(), Mutex::new(file)));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let target = followed(path)?;
        drop(beside(&target)?);
        Ok(Sink::File(target))
    }

    /// Whether results go to standard output.
    pub(super) fn is_stdout(&self) -> bool {
        matches!(self, Sink::Stdout)
    }

    /// The file that is replaced, if it is one.
    pub(super) fn file(&self) -> Option<&Path> {
        if let Sink::File(path) = self { Some(path) } else { None }
    }

    /// Writes the whole result.
    pub(super) fn write(&self, text: &str) -> Result<(), Failure> {
        let (path, written) = match self {
            Sink::Stdout => return output::print(text),
            Sink::File(path) => (path, replace(path, text)),
            Sink::Special(path, file) => {
                let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                (path, file.write_all(text.as_bytes()))
            }
        };
        written.map_err(|error| Failure::broken(cannot(path, &error)))
    }
}

fn cannot(path: &Path, error: &io::Error) -> String {
    format!("cannot write the result to {}: {error}", path.display())
}

/// The file that a path leads to: through symbolic links, which stay as they are.
fn followed(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(path) {
            // Of a link whose target is not there yet.
            Ok(target) => Ok(folder(path).join(target)),
            Err(_) => Ok(path.to_owned()),
        },
        followed => followed,
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file in the same folder, which goes unless it is renamed.
fn beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut builder = tempfile::Builder::new();
    // The umask takes from that what it takes from any new file.
    builder.prefix(&format!(".{name}.")).permissions(fs::Permissions::from_mode(0o666)).tempfile_in(folder(path))
}

/// Puts a text in the place of a file. Whatever fails, the earlier content is left.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut file = beside(path)?;
    file.write_all(text.as_bytes())?;
    if let Ok(before) = fs::metadata(path) {
        like(file.as_file(), &before)?;
    }
    // A full disk may be noticed no earlier.
    file.as_file().sync_all()?;
    match file.persist(path) {
        // Something is mounted right there, as files are into containers.
        Err(error) if error.error.raw_os_error() == Some(Errno::EBUSY as i32) => fs::write(path, text),
        other => other.map(drop).map_err(|error| error.error),
    }
}

/// Gives a file the owner and mode of the one that it replaces.
fn like(file: &File, before: &Metadata) -> io::Result<()> {
    std::os::unix::fs::fchown(file, Some(before.uid()), Some(before.gid()))?;
    file.set_permissions(before.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_mode_and_links() {
        let dir = tempfile::tempdir().expect("a folder");
        let (file, link) = (dir.path().join("result.json"), dir.path().join("link"));
        fs::write(&file, "before").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("set");
        std::os::unix::fs::symlink("result.json", &link).expect("linked");
        let sink = Sink::open(Some(&link)).expect("it is writable");
        assert_eq!(fs::read_to_string(&file).expect("there"), "before", "opening changes nothing");
        sink.write("after").expect("written");
        assert_eq!(fs::read_to_string(&file).expect("there"), "after");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 2, "nothing is left beside it");
    }

    #[test]
    fn a_link_to_nothing_is_followed_and_a_folder_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("new.json", &link).expect("linked");
        Sink::open(Some(&link)).expect("it is writable").write("new").expect("written");
        assert_eq!(fs::read_to_string(dir.path().join("new.json")).expect("there"), "new");
        assert!(Sink::open(Some(dir.path())).is_err());
        assert!(Sink::open(Some(&dir.path().join("no/folder.json"))).is_err());
    }

    #[test]
    fn a_device_is_written_to_as_it_is() {
        let full = Sink::open(Some(Path::new("/dev/full"))).expect("it opens");
        let failure = full.write("text").expect_err("it is full");
        assert!(failure.message.contains("/dev/full"), "{}", failure.message);
        assert!(Sink::open(Some(Path::new("/dev/null"))).is_ok_and(|null| null.write("text").is_ok()));
    }
}
