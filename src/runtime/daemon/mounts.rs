//! The mount namespace of a private daemon, made by the launcher.

use super::launch::{Bind, Failure};
use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::Mode;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Nothing of the kind: mount(2) takes several strings that a bind has no use for.
const NONE: Option<&str> = None;

/// Enters the mount namespace of another process by its file. Ours may have one thread only.
pub(super) fn enter(file: &Path) -> Result<(), Failure> {
    let action = || format!("enter the mount namespace {}", file.display());
    let namespace = File::open(file).map_err(|error| Failure::new(action(), error))?;
    setns(namespace, CloneFlags::CLONE_NEWNS).map_err(|errno| Failure::new(action(), errno.into()))
}

/// Enters a new mount namespace in which `binds` are in place, `hide` is empty, and what is mounted below `shared` travels.
/// Below `host_files` everything is as on the host.
pub(super) fn enter_own(binds: &[Bind], hide: &[PathBuf], shared: &Path, host_files: &Path) -> Result<(), Failure> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(|errno| Failure::new("make a mount namespace", errno.into()))?;
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_SLAVE, NONE)
        .map_err(|errno| Failure::new("keep mounts from reaching the host", errno.into()))?;
    // Before anything is changed: what is mounted on the host later is seen there, too.
    copy_host(host_files, shared)
        .map_err(|error| Failure::new(format!("mount the host's files on {}", host_files.display()), error))?;
    // It still sees what the host mounts there: it is a slave and shared.
    mount(NONE, shared, NONE, MsFlags::MS_REC | MsFlags::MS_SHARED, NONE)
        .map_err(|errno| Failure::new(format!("share {}", shared.display()), errno.into()))?;
    for point in hide {
        hide_mount(point).map_err(|errno| Failure::new(format!("hide {}", point.display()), errno.into()))?;
    }
    for bind in binds {
        let action = || format!("put {} in the place of {}", bind.source.display(), bind.target.display());
        put(bind).map_err(|error| Failure::new(action(), error))?;
    }
    Ok(())
}

/// Mounts all that the host has on a folder, but for the trials: their mounts come and go, and nobody looks for them there.
fn copy_host(folder: &Path, trials: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    mount(Some("/"), folder, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE)?;
    let copied = folder.join(trials.strip_prefix("/").unwrap_or(trials));
    Ok(umount2(&copied, MntFlags::MNT_DETACH)?)
}

/// Hides what is mounted at a point. What is written there all the same stays in this mount namespace: the folder beneath is
/// the host's, and may be read-only.
fn hide_mount(point: &Path) -> nix::Result<()> {
    umount2(point, MntFlags::MNT_DETACH)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("podcheck-hidden"), point, Some("tmpfs"), flags, Some("mode=0755"))
}

fn put(bind: &Bind) -> io::Result<()> {
    if !bind.target.is_dir() {
        make_room(&bind.target)?;
    }
    mount(Some(&bind.source), &bind.target, NONE, MsFlags::MS_BIND, NONE)?;
    if bind.shared {
        // First its own: what is shared with the host through the source would be so again.
        mount(NONE, &bind.target, NONE, MsFlags::MS_PRIVATE, NONE)?;
        mount(NONE, &bind.target, NONE, MsFlags::MS_SHARED, NONE)?;
    }
    Ok(())
}

/// Makes a directory that the host does not have, without making it on the host: the nearest folder above that exists is
/// covered by a file system in memory that holds the same entries, and the new one.
fn make_room(target: &Path) -> io::Result<()> {
    let above = target
        .ancestors()
        .skip(1)
        .find(|folder| folder.is_dir())
        .ok_or_else(|| io::Error::from(ErrorKind::NotFound))?;
    if !covered(above)? {
        cover(above)?;
    }
    DirBuilder::new().recursive(true).mode(0o711).create(target)
}

/// Whether [`cover`] was there: what it mounts is called so.
fn covered(folder: &Path) -> io::Result<bool> {
    let table = std::fs::read_to_string("/proc/self/mounts")?;
    Ok(table.lines().any(|line| {
        let mut fields = line.split(' ');
        fields.next() == Some(COVER) && fields.next().is_some_and(|point| Path::new(point) == folder)
    }))
}

/// Source of the covering file system in the mount table.
const COVER: &str = "podcheck-cover";

fn cover(folder: &Path) -> io::Result<()> {
    let beneath = open(folder, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    // Through the descriptor the covered folder stays in reach.
    let beneath_path = PathBuf::from(format!("/proc/self/fd/{}", beneath.as_raw_fd()));
    let mode = std::fs::metadata(folder)?.mode() & 0o7777;
    mount(Some(COVER), folder, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=0755"))?;
    std::fs::set_permissions(folder, Permissions::from_mode(mode))?;
    for entry in std::fs::read_dir(&beneath_path)? {
        let name = entry?.file_name();
        match carry_over(&beneath_path.join(&name), &folder.join(&name)) {
            // Gone since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}

/// Puts one entry of a covered folder into the covering one.
fn carry_over(from: &Path, to: &Path) -> io::Result<()> {
    let kind = std::fs::symlink_metadata(from)?.file_type();
    if kind.is_symlink() {
        return symlink(std::fs::read_link(from)?, to);
    }
    if kind.is_dir() {
        std::fs::create_dir(to)?;
    } else {
        File::create(to)?;
    }
    Ok(mount(Some(from), to, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE)?)
}
