//! A Pod's volumes on the host: empty directories of the trial, and what is read of them.

use super::{HostError, files, host_path, lock};
use crate::plan::VolumePlan;
use nix::fcntl::OFlag;
use nix::mount::{MsFlags, mount};
use std::fs::{OpenOptions, Permissions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Directory of a trial's empty volumes.
pub(super) const VOLUMES: &str = "volumes";

/// Makes the volumes of a trial. Returns what was mounted for them.
pub(super) fn prepare(dir: &Path, volumes: &[VolumePlan], mounted: &mut Vec<PathBuf>) -> Result<(), HostError> {
    for volume in volumes {
        if let VolumePlan::HostPath { name, path, kind } = volume {
            host_path::prepare(dir, path, *kind).map_err(|mut error| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_dir_is_for_everybody() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("v");
        empty_dir(&path).expect("is made");
        assert_eq!(path.metadata().expect("is there").permissions().mode() & 0o7777, 0o777);
    }
}
