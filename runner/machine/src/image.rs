//! The image of a suite: a root file system from Debian's packages, its kernel, and an initial RAM disk.

use crate::cache::{Cache, Held};
use crate::command;
use crate::deadline;
use crate::error::Error;
use crate::guest;
use crate::initrd;
use crate::key::Key;
use crate::kind::Suite;
use crate::mirror::Mirror;
use crate::packages::Packages;
use crate::progress::{Step, say};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is installed beside Debian's essential packages.
const PACKAGES: [&str; 15] = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "udev",
    "kmod",
    "containerd",
    "docker.io",
    "runc",
    "crun",
    "containernetworking-plugins",
    "busybox-static",
    "iproute2",
    "iptables",
    "procps",
    "ca-certificates",
];
/// Documentation and translations: half of a small image.
const LEFT_OUT: [&str; 3] = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*"];
/// How the disk is made. No journal: nobody mounts it after a crash.
const MKE2FS: [&str; 8] =
    ["-q", "-F", "-t", "ext4", "-O", "^has_journal,^metadata_csum", "-E", "lazy_itable_init=1,root_owner=0:0"];
/// Size of the disk; the file is sparse.
const DISK: &str = "4G";

/// An image in the cache.
pub struct Image {
    held: Held,
}

impl Image {
    /// The image of the suite as the mirror has it, built if it is not there.
    ///
    /// # Errors
    /// A tool is missing or fails, or the user is not root and it would have to be built.
    pub fn get(suite: Suite, cache: &Cache, anew: bool) -> Result<Image, Error> {
        let mirror = Mirror::of_machine();
        let key = key(suite, &mirror.state(suite, cache, anew)?, &tool_version()?);
        let held = cache.get("images", &format!("{suite}-{key}"), |folder| build(suite, &mirror, folder))?;
        Ok(Image { held })
    }

    /// The uncompressed kernel as QEMU loads it.
    pub fn kernel(&self) -> PathBuf {
        self.held.path.join("vmlinuz")
    }

    /// The initial RAM disk.
    pub fn initrd(&self) -> PathBuf {
        self.held.path.join("initrd")
    }

    /// The root file system, a raw disk. Nobody writes to it.
    pub fn disk(&self) -> PathBuf {
        self.held.path.join("root.img")
    }

    /// The versions of what is in it.
    ///
    /// # Errors
    /// The file system's.
    pub fn packages(&self) -> Result<Packages, Error> {
        Packages::read(&self.held.path)
    }

    /// For the key of what is made of it: its own, and when it was built.
    ///
    /// # Errors
    /// The file system's.
    pub fn identity(&self) -> Result<String, Error> {
        let disk = self.disk();
        let built = fs::metadata(&disk).and_then(|file| file.modified()).map_err(Error::at("look at", &disk))?;
        Ok(format!("{} {built:?}", self.held.path.display()))
    }
}

fn tool_version() -> Result<String, Error> {
    command::output(Command::new("mmdebstrap").arg("--version"))
}

/// Everything that goes into an image.
fn key(suite: Suite, mirror_state: &str, mmdebstrap: &str) -> Key {
    let key = Key::new()
        .with("suite", suite.name())
        .with("packages of the mirror", mirror_state)
        .with("mmdebstrap", mmdebstrap)
        .with("installed", &packages(suite))
        .with("left out", &LEFT_OUT.join(" "))
        .with("mke2fs", &MKE2FS.join(" "))
        .with("size", DISK)
        .with("kernel", guest::KERNEL_HOOK)
        .with("init", initrd::INIT);
    guest::key(key)
}

fn packages(suite: Suite) -> String {
    let mut list = PACKAGES.join(",");
    if suite >= Suite::Trixie {
        // Docker's client is a package of its own there.
        list.push_str(",docker-cli");
    }
    list
}

fn build(suite: Suite, mirror: &Mirror, folder: &Path) -> Result<(), Error> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::usage(
            "an image is built as root, whose files it holds: sudo runner/vm image; what is built, everybody may run",
        ));
    }
    let log = folder.join("log");
    let step = Step::begin(format!("{suite}: installing packages from {}", mirror.url));
    let root = folder.join("root");
    install(suite, mirror, &root, &log)?;
    step.done();
    let step = Step::begin(format!("{suite}: kernel, initial RAM disk and disk"));
    let version = take_kernel(&root, folder)?;
    command::run(Command::new("chroot").arg(&root).args(["depmod", &version]), deadline::TOOL, &log)?;
    guest::furnish(&root)?;
    initrd::write(&root, &version, &folder.join("initrd"))?;
    let mut packages = Packages::of_root(&root)?;
    packages.add("linux", &version);
    packages.write(folder)?;
    let disk = folder.join("root.img");
    command::run(Command::new("mke2fs").args(MKE2FS).arg("-d").arg(&root).arg(&disk).arg(DISK), deadline::TOOL, &log)?;
    fs::remove_dir_all(&root).map_err(Error::at("remove", &root))?;
    step.done();
    say(&format!("{suite}: {}", packages.summary()));
    Ok(())
}

/// mmdebstrap, on its own: no mount of it may stay in a half-made root that is removed then.
fn install(suite: Suite, mirror: &Mirror, root: &Path, log: &Path) -> Result<(), Error> {
    let hook = root.with_file_name("kernel-hook");
    guest::write_program(&hook, guest::KERNEL_HOOK)?;
    let mut command = command::on_its_own("mmdebstrap");
    command.args(["--variant=apt", "--mode=root"]);
    command.arg(format!("--include={}", packages(suite)));
    for option in ["APT::Install-Recommends \"false\"", "Acquire::Languages \"none\""] {
        command.arg(format!("--aptopt={option}"));
    }
    for option in &mirror.options {
        command.arg(format!("--aptopt={}", option.trim_end_matches(';')));
    }
    for path in LEFT_OUT {
        command.arg(format!("--dpkgopt=path-exclude={path}"));
    }
    command.arg(format!("--customize-hook={}", hook.display()));
    command.arg(suite.name()).arg(root).arg(format!("deb {} {suite} main", mirror.url));
    command::run(&mut command, deadline::INSTALL, log)?;
    fs::remove_file(&hook).map_err(Error::at("remove", &hook))
}

/// Moves the kernel out of what the hook unpacked, and its modules where they belong; returns its version.
fn take_kernel(root: &Path, folder: &Path) -> Result<String, Error> {
    let unpacked = root.join("kernel");
    let boot = unpacked.join("boot");
    let entries = fs::read_dir(&boot).map_err(Error::at("read", &boot))?.flatten();
    let version = entries
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("vmlinuz-").map(str::to_owned))
        .next()
        .ok_or_else(|| Error::failed(boot.display(), "no vmlinuz is in it"))?;
    let kernel = boot.join(format!("vmlinuz-{version}"));
    fs::rename(&kernel, folder.join("vmlinuz")).map_err(Error::at("move", &kernel))?;
    let below = if unpacked.join("usr/lib/modules").is_dir() { "usr/lib/modules" } else { "lib/modules" };
    let modules = unpacked.join(below).join(&version);
    // bullseye's /lib is a folder or a link, and `root/lib` leads to either.
    let place = root.join("lib/modules");
    fs::create_dir_all(&place).map_err(Error::at("make the folder", &place))?;
    fs::rename(&modules, place.join(&version)).map_err(Error::at("move", &modules))?;
    fs::remove_dir_all(&unpacked).map_err(Error::at("remove", &unpacked))?;
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_changes_with_what_goes_in() {
        let one = key(Suite::Bookworm, "state", "1.3.5").to_string();
        assert_eq!(one, key(Suite::Bookworm, "state", "1.3.5").to_string());
        assert_ne!(one, key(Suite::Bookworm, "another", "1.3.5").to_string());
        assert_ne!(one, key(Suite::Bookworm, "state", "1.4").to_string());
        assert_ne!(one, key(Suite::Trixie, "state", "1.3.5").to_string());
    }

    #[test]
    fn dockers_client_is_a_package_of_its_own_since_trixie() {
        assert!(packages(Suite::Trixie).ends_with(",docker-cli"));
        assert!(!packages(Suite::Bookworm).contains("docker-cli"));
    }
}
