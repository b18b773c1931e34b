//! What podcheck itself puts into the root file system: its service, and the settings of a machine that is made to be frozen.

use crate::error::Error;
use crate::key::Key;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// Takes the kernel; run by mmdebstrap.
pub const KERNEL_HOOK: &str = include_str!("../guest/kernel-hook");

/// Path in the root, and content.
const FILES: &[(&str, &str)] = &[
    ("etc/hostname", "podcheck-vm\n"),
    ("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 podcheck-vm\n"),
    ("etc/fstab", "/dev/vda / ext4 rw,noatime 0 0\n"),
    // An address for documentation: nothing is there, but Docker and containerd copy it, as they would not a loopback one.
    ("etc/resolv.conf", "nameserver 192.0.2.53\n"),
    // Nothing here is secret or unique; without an id systemd takes the first boot for an installation.
    ("etc/machine-id", "706f64636865636b0000000000000001\n"),
    ("etc/modules-load.d/podcheck-vm.conf", "overlay\nbridge\nveth\nvirtio_console\nvirtio_rng\n"),
    ("etc/systemd/system/podcheck-vm.service", include_str!("../guest/podcheck-vm.service")),
    ("etc/systemd/system/podcheck-vm.target", include_str!("../guest/podcheck-vm.target")),
];

/// The program that waits for what is to be run.
const PROGRAM: (&str, &str) = ("usr/local/sbin/podcheck-vm", include_str!("../guest/podcheck-vm"));

/// Units that only make the boot longer, or would do something while a suite runs.
const MASKED: &[&str] = &[
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "containerd.service",
    "docker.service",
    "docker.socket",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty.target",
    "kmod-static-nodes.service",
    "ldconfig.service",
    "man-db.timer",
    "modprobe@configfs.service",
    "modprobe@dm_mod.service",
    "modprobe@drm.service",
    "modprobe@efi_pstore.service",
    "modprobe@fuse.service",
    "modprobe@loop.service",
    "systemd-boot-random-seed.service",
    "systemd-firstboot.service",
    "systemd-hwdb-update.service",
    "systemd-journal-flush.service",
    "systemd-logind.service",
    "systemd-machine-id-commit.service",
    "systemd-networkd.service",
    "systemd-pcrphase.service",
    "systemd-pcrphase-sysinit.service",
    "systemd-random-seed.service",
    "systemd-remount-fs.service",
    "systemd-sysusers.service",
    "systemd-timesyncd.service",
    "systemd-tmpfiles-clean.timer",
    "systemd-udev-settle.service",
    "systemd-udev-trigger.service",
    "systemd-udevd.service",
    "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
];

/// Adds everything of this file to an image's key.
pub fn key(key: Key) -> Key {
    let files = FILES.iter().chain([&PROGRAM]);
    files.fold(key, |key, (path, content)| key.with(path, content)).with("masked", &MASKED.join(" "))
}

/// Puts it all into a root file system.
///
/// # Errors
/// The file system's.
pub fn furnish(root: &Path) -> Result<(), Error> {
    for (path, content) in FILES {
        let file = root.join(path);
        let folder = file.parent().unwrap_or(root);
        fs::create_dir_all(folder).map_err(Error::at("make the folder", folder))?;
        // What is there may be a link that leads out of the root.
        let _ = fs::remove_file(&file);
        fs::write(&file, content).map_err(Error::at("write", &file))?;
    }
    write_program(&root.join(PROGRAM.0), PROGRAM.1)?;
    let units = root.join("etc/systemd/system");
    for unit in MASKED {
        let file = units.join(unit);
        let _ = fs::remove_file(&file);
        symlink("/dev/null", &file).map_err(Error::at("link", &file))?;
    }
    Ok(())
}

/// Writes a file that may be executed.
///
/// # Errors
/// The file system's.
pub fn write_program(file: &Path, content: &str) -> Result<(), Error> {
    fs::write(file, content).map_err(Error::at("write", file))?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).map_err(Error::at("chmod", file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_furnished_twice_alike() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let root = folder.path();
        fs::create_dir_all(root.join("usr/local/sbin")).expect("makes");
        fs::create_dir_all(root.join("etc")).expect("makes");
        symlink("/nowhere/resolv.conf", root.join("etc/resolv.conf")).expect("links");
        furnish(root).expect("furnishes");
        furnish(root).expect("furnishes again");
        assert!(fs::read_to_string(root.join("etc/resolv.conf")).expect("reads").contains("192.0.2.53"));
        let masked = fs::read_link(root.join("etc/systemd/system/docker.service")).expect("a link");
        assert_eq!(masked, Path::new("/dev/null"));
    }

    #[test]
    fn units_are_masked_once() {
        let mut sorted = MASKED.to_vec();
        sorted.dedup();
        assert_eq!(sorted.len(), MASKED.len());
    }
}
