//! A Pod's volumes on the host: empty directories of the trial, and paths of the host checked and made as a kubelet does.

use super::{HostError, files, lock};
use crate::plan::VolumePlan;
use crate::pod::HostPathType;
use nix::fcntl::OFlag;
use nix::mount::{MsFlags, mount};
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Directory of a trial's empty volumes.
pub(super) const VOLUMES: &str = "volumes";
/// File of a trial with the host's paths that were made for it, each ended by a NUL.
const MADE: &str = "made";

/// Makes the volumes of a trial. Returns what was mounted for them.
pub(super) fn prepare(dir: &Path, volumes: &[VolumePlan], mounted: &mut Vec<PathBuf>) -> Result<(), HostError> {
    for volume in volumes {
        if let VolumePlan::HostPath { name, path, kind } = volume {
            host_path(dir, path, *kind).map_err(|mut error| {
                error.action = format!("prepare the volume {name}: {}", error.action);
                error
            })?;
            continue;
        }
        let all = dir.join(VOLUMES);
        lock::private_dir(&all).map_err(|e| HostError::os(format!("create {}", all.display()), e))?;
        let path = all.join(volume.name());
        empty_dir(&path)?;
        let (size, files, group) = match volume {
            VolumePlan::Memory { size_bytes, group, .. } => (Some(*size_bytes), None, group),
            VolumePlan::Files { size_bytes, files, group, .. } => (*size_bytes, Some(files), group),
            VolumePlan::EmptyDir { group, .. } => (None, None, group),
            VolumePlan::HostPath { .. } => continue,
        };
        if let Some(size) = size {
            let options = format!("size={size}");
            mount(Some("tmpfs"), &path, Some("tmpfs"), MsFlags::empty(), Some(options.as_str()))
                .map_err(|e| HostError::os(format!("mount a tmpfs on {}", path.display()), e))?;
            mounted.push(path.clone());
        }
        let failed = |e: std::io::Error| HostError::os(format!("fill {}", path.display()), e);
        files.map_or(Ok(()), |files| files::write(&path, files)).map_err(failed)?;
        group.map_or(Ok(()), |group| files::give_to_group(&path, group, files.is_some())).map_err(failed)?;
    }
    Ok(())
}

fn empty_dir(path: &Path) -> Result<(), HostError> {
    let failed = |e: std::io::Error| HostError::os(format!("create {}", path.display()), e);
    std::fs::create_dir(path).map_err(failed)?;
    // Whatever the umask: containers run as any user.
    std::fs::set_permissions(path, Permissions::from_mode(0o777)).map_err(failed)
}

/// Source: Kubernetes pkg/volume/hostpath/host_path.go, `checkTypeInternal`.
fn host_path(dir: &Path, path: &Path, kind: HostPathType) -> Result<(), HostError> {
    let found = match std::fs::metadata(path) {
        Ok(metadata) => Some(metadata.file_type()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(HostError::os(format!("look at {}", path.display()), error)),
    };
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

/// What a trial reads of a file at most.
const READ_LIMIT: u64 = 1 << 20;

/// Text of a file that a container may have made: see [`super::TrialDir::volume_file`].
pub(super) fn read_file(path: &Path) -> Result<String, HostError> {
    let failed = |error| HostError::os(format!("read {}", path.display()), error);
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
        opened => opened.map_err(failed)?,
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(HostError::new(format!("read {}", path.display()), "it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(READ_LIMIT).read_to_end(&mut bytes).map_err(failed)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
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
/// there may be somebody's by now. Returns what stays.
pub(super) fn take_back(dir: &Path) -> Result<Vec<PathBuf>, HostError> {
    let file = dir.join(MADE);
    let text = match std::fs::read(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(|e| HostError::os(format!("read {}", file.display()), e))?,
    };
    let made: Vec<PathBuf> = text
        .split(|byte| *byte == 0)
        .filter(|part| !part.is_empty())
        .map(|part| PathBuf::from(std::ffi::OsString::from_vec(part.to_vec())))
        .collect();
    let mut stay = Vec::new();
    for path in made.into_iter().rev() {
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
        host_path(&trial, &deep, HostPathType::DirectoryOrCreate).expect("is made");
        host_path(&trial, &deep.join("f"), HostPathType::FileOrCreate).expect("is made");
        host_path(&trial, &deep, HostPathType::DirectoryOrCreate).expect("is there");
        host_path(&trial, &deep, HostPathType::Directory).expect("is there");
        let wrong = host_path(&trial, &deep, HostPathType::Socket).expect_err("is no socket");
        assert!(wrong.of_pod);
        let wrong = wrong.to_string();
        assert!(wrong.contains("Socket") && wrong.contains("a/b"), "{wrong}");
        assert!(host_path(&trial, &host.join("none"), HostPathType::File).is_err());
        assert!(host_path(&trial, Path::new("/dev/null"), HostPathType::CharDevice).is_ok());
        assert!(take_back(&trial).expect("its record is readable").is_empty());
        assert!(host.exists() && !host.join("a").exists());
    }

    #[test]
    fn what_a_pod_wrote_stays() {
        let scratch = tempfile::tempdir().expect("a directory");
        let file = scratch.path().join("f");
        host_path(scratch.path(), &file, HostPathType::FileOrCreate).expect("is made");
        std::fs::write(&file, "mine").expect("write");
        assert_eq!(take_back(scratch.path()).expect("its record is readable"), [file]);
    }

    #[test]
    fn an_empty_dir_is_for_everybody() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("v");
        empty_dir(&path).expect("is made");
        assert_eq!(path.metadata().expect("is there").permissions().mode() & 0o7777, 0o777);
    }
}
