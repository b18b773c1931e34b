//! What is kept between runs: `$XDG_CACHE_HOME/podcheck-vm/` (`~/.cache` by default).
//!
//!     images/<suite>-<key>/      frozen/<suite>-<cgroup>-<key>/      releases/<suite>
//!     locks/<name>               one a place: whoever makes or removes it holds it alone, whoever uses it with others
//!     runs/<random>/             one a virtual machine that runs; locked for as long

use crate::error::Error;
use crate::progress::say;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The folder of everything that is kept.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

/// A finished place in the cache, which nobody removes while this lives.
#[derive(Debug)]
pub struct Held {
    /// The folder.
    pub path: PathBuf,
    _lock: Flock<File>,
}

/// The folder of one virtual machine that runs, gone with it.
pub struct RunFolder {
    folder: TempDir,
    _lock: Flock<File>,
}

impl RunFolder {
    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Cache {
    /// The user's cache.
    ///
    /// # Errors
    /// Neither XDG_CACHE_HOME nor HOME says where.
    pub fn of_user() -> Result<Cache, Error> {
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        absolute("XDG_CACHE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
            .map(|base| Cache::at(base.join("podcheck-vm")))
            .ok_or_else(|| Error::usage("neither XDG_CACHE_HOME nor HOME is an absolute path: set one"))
    }

    /// A cache in this folder.
    pub fn at(root: PathBuf) -> Cache {
        Cache { root }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The place `<group>/<name>`, made first if it is not there: in a folder beside it that takes its name only once it is
    /// whole. Two that want the same wait for each other, and the second finds it made.
    ///
    /// # Errors
    /// What `make` fails with, or the file system.
    pub fn get(&self, group: &str, name: &str, make: impl FnOnce(&Path) -> Result<(), Error>) -> Result<Held, Error> {
        let path = self.root.join(group).join(name);
        if !path.is_dir() {
            let _alone = self.lock(name, true)?;
            if !path.is_dir() {
                let half = path.with_file_name(format!("{name}.half"));
                remove(&half)?;
                make_folder(&half)?;
                let made = make(&half).and_then(|()| fs::rename(&half, &path).map_err(Error::at("rename to", &path)));
                if let Err(error) = made {
                    remove(&half)?;
                    return Err(error);
                }
            }
        }
        let lock = self.lock(name, false)?;
        if path.is_dir() {
            Ok(Held { path, _lock: lock })
        } else {
            Err(Error::failed(path.display(), "it was removed just now, by a clean beside this: try again"))
        }
    }

    /// A new folder for a virtual machine that runs. Removes those that killed runs left.
    ///
    /// # Errors
    /// The file system's.
    pub fn run_folder(&self) -> Result<RunFolder, Error> {
        let runs = self.root.join("runs");
        make_folder(&runs)?;
        let _alone = self.lock("runs", true)?;
        for left in folders(&runs)? {
            if open_lock(&left.join("lock"), FlockArg::LockExclusiveNonblock).is_ok() {
                remove(&left)?;
            }
        }
        let folder = tempfile::Builder::new()
            .prefix("")
            .rand_bytes(8)
            .tempdir_in(&runs)
            .map_err(Error::at("make a folder in", &runs))?;
        let lock_file = folder.path().join("lock");
        let lock = open_lock(&lock_file, FlockArg::LockExclusiveNonblock)
            .map_err(|why| Error::failed(format!("flock {}", lock_file.display()), why))?;
        Ok(RunFolder { folder, _lock: lock })
    }

    /// The finished places of a group, sorted by name.
    ///
    /// # Errors
    /// The file system's.
    pub fn places(&self, group: &str) -> Result<Vec<PathBuf>, Error> {
        let mut places = folders(&self.root.join(group))?;
        places.retain(|path| path.extension().is_none_or(|extension| extension != "half"));
        Ok(places)
    }

    /// Removes a place unless somebody uses it; says whether it is gone.
    ///
    /// # Errors
    /// The file system's.
    pub fn remove(&self, place: &Path) -> Result<bool, Error> {
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let Ok(_alone) = open_lock(&self.lock_file(&name)?, FlockArg::LockExclusiveNonblock) else { return Ok(false) };
        remove(&place.with_file_name(format!("{name}.half")))?;
        remove(place)?;
        Ok(true)
    }

    fn lock_file(&self, name: &str) -> Result<PathBuf, Error> {
        let locks = self.root.join("locks");
        make_folder(&locks)?;
        Ok(locks.join(name))
    }

    fn lock(&self, name: &str, alone: bool) -> Result<Flock<File>, Error> {
        let file = self.lock_file(name)?;
        let (at_once, wait) = if alone {
            (FlockArg::LockExclusiveNonblock, FlockArg::LockExclusive)
        } else {
            (FlockArg::LockSharedNonblock, FlockArg::LockShared)
        };
        open_lock(&file, at_once)
            .or_else(|_| {
                say(&format!("waiting for another podcheck-vm that has {name}"));
                open_lock(&file, wait)
            })
            .map_err(|why| Error::failed(format!("flock {}", file.display()), why))
    }
}

fn open_lock(file: &Path, how: FlockArg) -> Result<Flock<File>, std::io::Error> {
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(file)?;
    Flock::lock(opened, how).map_err(|(_, errno)| errno.into())
}

fn folders(parent: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = match fs::read_dir(parent) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect::<Vec<_>>(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Error::at("read", parent)(error)),
    };
    found.sort();
    Ok(found)
}

fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::at("make the folder", path))
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::at("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (TempDir, Cache) {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let cache = Cache::at(folder.path().join("cache"));
        (folder, cache)
    }

    #[test]
    fn a_place_is_made_once_and_whole() {
        let (_folder, cache) = cache();
        let fails = cache.get("images", "a", |half| {
            fs::write(half.join("part"), "x").expect("writes");
            Err(Error::Interrupted)
        });
        assert!(fails.is_err());
        assert!(cache.places("images").expect("reads").is_empty());
        assert!(!cache.root().join("images/a.half").exists());
        let made =
            cache.get("images", "a", |half| fs::write(half.join("whole"), "x").map_err(Error::at("write", half)));
        assert!(made.expect("made").path.join("whole").exists());
        let found = cache.get("images", "a", |_| panic!("it is there")).expect("found");
        assert!(!cache.remove(&found.path).expect("asks"), "somebody uses it");
        let path = found.path.clone();
        drop(found);
        assert!(cache.remove(&path).expect("removes"));
        assert!(cache.places("images").expect("reads").is_empty());
    }

    #[test]
    fn the_folder_of_a_killed_run_goes_with_the_next() {
        let (_folder, cache) = cache();
        let runs = cache.root().join("runs");
        fs::create_dir_all(runs.join("killed")).expect("makes");
        let run = cache.run_folder().expect("a folder");
        let beside = cache.run_folder().expect("another");
        assert!(!runs.join("killed").exists());
        assert!(run.path().exists() && beside.path().exists());
        let path = run.path().to_owned();
        drop(run);
        assert!(!path.exists());
    }
}
