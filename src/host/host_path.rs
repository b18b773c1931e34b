//! The host's own paths as volumes: what is made there for a trial, and taken away with it.

use super::HostError;
use crate::pod::HostPathType;
use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// File of a trial with the host's paths that were made for it, each ended by a NUL.
const MADE: &str = "made";
/// Its name while these are taken away.
const GOING: &str = "made-before";
/// Directory of a run with its trials.
const TRIALS: &str = "trials";

/// Makes what its type wants made, and refuses what is not of its type. Source: Kubernetes pkg/volume/hostpath/host_path.go, `checkTypeInternal`.
pub(super) fn prepare(dir: &Path, path: &Path, kind: HostPathType) -> Result<(), HostError> {
    let found = match std::fs::metadata(path) {
        Ok(metadata) => Some(metadata.file_type()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(HostError::os(format!("look at {}", path.display()), error)),
    };
    if found.is_some() {
        share(dir, path)?;
    }
    let wanted = match kind {
        HostPathType::Unset => return Ok(()),
        HostPathType::DirectoryOrCreate if found.is_none() => return make_dir(dir, path),
        HostPathType::FileOrCreate if found.is_none() => return make_file(dir, path),
        HostPathType::Directory | HostPathType::DirectoryOrCreate => found.map(|t| t.is_dir()),
        HostPathType::File | HostPathType::FileOrCreate => found.map(|t| t.is_file()),
        HostPathType::Socket => found.map(|t| t.is_socket()),
        HostPathType::CharDevice => found.map(|t| t.is_char_device()),
        HostPathType::BlockDevice => found.map(|t| t.is_block_device()),
    };
    let detail = match wanted {
        Some(true) => return Ok(()),
        Some(false) => "something else is there",
        None => "nothing is there",
    };
    Err(HostError::of_pod(format!("use the hostPath {} as type {kind:?}", path.display()), detail))
}

/// Makes the directory that a runtime makes where a hostPath without a type is missing, just before it is asked for the
/// container. Source: containerd internal/cri/opts/spec_linux_opts.go, `WithMounts`.
pub(super) fn make_missing(dir: &Path, path: &Path) -> Result<(), HostError> {
    if path.exists() { share(dir, path) } else { make_dir(dir, path) }
}

/// What another trial has made is this one's as well: the last of them takes it away.
fn share(dir: &Path, path: &Path) -> Result<(), HostError> {
    let others = of_others(dir)?;
    let used: Vec<&Path> = path.ancestors().filter(|part| others.iter().any(|other| other == part)).collect();
    used.into_iter().rev().try_for_each(|part| remember(dir, part))
}

/// As mkdir -p; what was not there before is remembered, outermost first.
fn make_dir(dir: &Path, path: &Path) -> Result<(), HostError> {
    let missing: Vec<&Path> = path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists()).collect();
    for part in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o755).create(part) {
            Ok(()) => remember(dir, part)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(HostError::os(format!("create the hostPath {}", part.display()), error));
            }
        }
    }
    Ok(())
}

fn make_file(dir: &Path, path: &Path) -> Result<(), HostError> {
    match OpenOptions::new().create_new(true).write(true).mode(0o644).open(path) {
        Ok(_) => remember(dir, path),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(HostError::os(format!("create the hostPath {}", path.display()), error)),
    }
}

fn remember(dir: &Path, made: &Path) -> Result<(), HostError> {
    let file = dir.join(MADE);
    let mut line = made.as_os_str().as_bytes().to_vec();
    line.push(0);
    let written = OpenOptions::new().create(true).append(true).open(&file).and_then(|mut f| f.write_all(&line));
    written.map_err(|e| HostError::os(format!("write {}", file.display()), e))
}

/// Takes away what was made on the host for a trial, where it is empty: Kubernetes would leave it, but what a Pod wrote
/// there may be somebody's by now. What another trial uses as well, that one takes away. Returns what stays.
pub(super) fn take_back(dir: &Path) -> Result<Vec<PathBuf>, HostError> {
    // From here on it is no other trial's any more: of two that end at once, both look.
    let (made, going) = (dir.join(MADE), dir.join(GOING));
    match std::fs::rename(&made, &going) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(HostError::os(format!("rename {}", made.display()), error));
        }
        _ => {}
    }
    let paths = listed(&going)?;
    let others = if paths.is_empty() { Vec::new() } else { of_others(dir)? };
    let mut stay = Vec::new();
    for path in paths.into_iter().rev().filter(|path| !others.contains(path)) {
        let gone = match std::fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => std::fs::remove_dir(&path).is_ok(),
            Ok(metadata) => metadata.is_file() && metadata.len() == 0 && std::fs::remove_file(&path).is_ok(),
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        if !gone {
            stay.push(path);
        }
    }
    Ok(stay)
}

/// The paths in such a file; none if it is not there.
fn listed(file: &Path) -> Result<Vec<PathBuf>, HostError> {
    let text = match std::fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(|e| HostError::os(format!("read {}", file.display()), e))?,
    };
    let parts = text.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    Ok(parts.map(|part| PathBuf::from(OsString::from_vec(part.to_vec()))).collect())
}

/// What was made for other trials that are there: of any run, as `<run>/trials/<tag>`.
fn of_others(dir: &Path) -> Result<Vec<PathBuf>, HostError> {
    let root = dir.parent().filter(|trials| trials.ends_with(TRIALS)).and_then(|trials| trials.parent()?.parent());
    let mut paths = Vec::new();
    for run in root.map(folders).transpose()?.unwrap_or_default() {
        for trial in folders(&run.join(TRIALS))?.into_iter().filter(|trial| trial != dir) {
            paths.extend(listed(&trial.join(MADE))?);
        }
    }
    Ok(paths)
}

/// The folders in one; none if it is not there.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, HostError> {
    let failed = |e| HostError::os(format!("list {}", folder.display()), e);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_paths_are_checked_made_and_taken_back() {
        let scratch = tempfile::tempdir().expect("a directory");
        let (trial, host) = (scratch.path().join("trial"), scratch.path().join("host"));
        std::fs::create_dir(&trial).expect("mkdir");
        std::fs::create_dir(&host).expect("mkdir");
        let deep = host.join("a/b");
        prepare(&trial, &deep, HostPathType::DirectoryOrCreate).expect("is made");
        prepare(&trial, &deep.join("f"), HostPathType::FileOrCreate).expect("is made");
        prepare(&trial, &deep, HostPathType::DirectoryOrCreate).expect("is there");
        prepare(&trial, &deep, HostPathType::Directory).expect("is there");
        let wrong = prepare(&trial, &deep, HostPathType::Socket).expect_err("is no socket");
        assert!(wrong.of_pod);
        let wrong = wrong.to_string();
        assert!(wrong.contains("Socket") && wrong.contains("a/b"), "{wrong}");
        assert!(prepare(&trial, &host.join("none"), HostPathType::File).is_err());
        assert!(prepare(&trial, Path::new("/dev/null"), HostPathType::CharDevice).is_ok());
        assert!(take_back(&trial).expect("its record is readable").is_empty());
        assert!(host.exists() && !host.join("a").exists());
    }

    #[test]
    fn what_a_pod_wrote_stays() {
        let scratch = tempfile::tempdir().expect("a directory");
        let file = scratch.path().join("f");
        prepare(scratch.path(), &file, HostPathType::FileOrCreate).expect("is made");
        std::fs::write(&file, "mine").expect("write");
        assert_eq!(take_back(scratch.path()).expect("its record is readable"), [file]);
    }

    #[test]
    fn a_missing_path_is_made_and_the_last_trial_takes_it_back() {
        let scratch = tempfile::tempdir().expect("a directory");
        let trial = |run: &str, tag: &str| scratch.path().join(run).join(TRIALS).join(tag);
        let (first, second) = (trial("run1", "a"), trial("run2", "b"));
        for trial in [&first, &second] {
            std::fs::create_dir_all(trial).expect("mkdir");
        }
        let host = scratch.path().join("host");
        std::fs::create_dir(&host).expect("mkdir");
        let deep = host.join("a/b");
        make_missing(&first, &deep).expect("is made");
        make_missing(&second, &deep).expect("is there");
        make_missing(&second, &host).expect("is there, and nobody's");
        assert!(take_back(&first).expect("readable").is_empty());
        assert!(deep.is_dir(), "the second still uses it");
        assert!(take_back(&second).expect("readable").is_empty());
        assert!(host.is_dir() && !host.join("a").exists());
    }
}
