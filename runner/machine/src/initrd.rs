//! The initial RAM disk: busybox, the modules that reach a virtio disk, and a few lines that mount it.

use crate::command;
use crate::cpio::Archive;
use crate::error::Error;
use crate::modules::{load_order, module_name};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What the disk is reached through.
const MODULES: [&str; 2] = ["virtio_pci", "virtio_blk"];
/// Its init; part of an image's key.
pub const INIT: &str = include_str!("../guest/init");

/// Writes the initial RAM disk for a root file system and its kernel version.
///
/// # Errors
/// The root has no busybox-static, depmod was not run in it, or the file system's.
pub fn write(root: &Path, version: &str, file: &Path) -> Result<(), Error> {
    let modules = root.join("lib/modules").join(version);
    let dep = modules.join("modules.dep");
    let order = load_order(&fs::read_to_string(&dep).map_err(Error::at("read", &dep))?, &MODULES);
    let mut archive = Archive::default();
    for folder in ["bin", "dev", "proc", "root", "modules"] {
        archive.folder(folder);
    }
    let busybox = root.join("bin/busybox");
    archive.file("bin/busybox", &fs::read(&busybox).map_err(Error::at("read", &busybox))?);
    archive.link("bin/sh", "busybox");
    archive.file("init", INIT.as_bytes());
    for (number, module) in order.iter().enumerate() {
        // Numbered, so that the shell's `*` has them in order.
        let name = format!("modules/{number:02}-{}.ko", module_name(module));
        archive.file(&name, &uncompressed(&modules.join(module))?);
    }
    fs::write(file, archive.finish()).map_err(Error::at("write", file))
}

/// A module's bytes; trixie has them compressed.
fn uncompressed(file: &Path) -> Result<Vec<u8>, Error> {
    if file.extension().is_none_or(|extension| extension != "xz") {
        return fs::read(file).map_err(Error::at("read", file));
    }
    let output = Command::new("xz").arg("-dc").arg(file).output().map_err(|why| Error::failed("start xz", why))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Error::failed(format!("xz -dc {}", file.display()), command::tail(&output.stderr, 3)))
    }
}
