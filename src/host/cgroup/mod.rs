//! Control groups, on v1, hybrid and v2 hosts alike: make, read and write, kill, remove.
//!
//! A path here (`/podcheck/<run>-<tag>/kubepods`) is the same in every hierarchy and counts from podcheck's base there:
//! the top of the mount where that may be written, else our own cgroup. No process is started for any of it.

mod detect;
mod enable;
mod kill;
mod options;
mod resources;
mod root;
mod tree;

pub use enable::hand_down_in;
pub use resources::{page_size, took, weight_from_shares};
pub use root::{CgroupRoot, CgroupRootError};

use super::HostError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// podcheck's own cgroup, parent of all it makes; below a [`CgroupRoot`].
pub(super) const TOP: &str = "/podcheck";

/// Which generations of cgroups a host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Only v1 hierarchies.
    V1,
    /// v1 hierarchies, and the unified one beside them.
    Hybrid,
    /// Only the unified hierarchy.
    V2,
}

impl Mode {
    /// `v1`, `hybrid` or `v2`, as results name it.
    pub fn name(self) -> &'static str {
        match self {
            Mode::V1 => "v1",
            Mode::Hybrid => "hybrid",
            Mode::V2 => "v2",
        }
    }
}

/// One cgroup hierarchy, where it is mounted, and where we are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// True for cgroup2.
    pub unified: bool,
    /// As in `/proc/self/cgroup`: controllers or `name=systemd`; empty for the unified one.
    pub names: Vec<String>,
    /// Controllers it has; for the unified one those that it offers at its root.
    pub controllers: Vec<String>,
    /// Its (first) mount point.
    pub mount_point: PathBuf,
    /// Which of its cgroups is mounted there; `/` outside containers.
    pub mount_root: String,
    /// The cgroup of this process, from the root of the hierarchy (as our cgroup namespace has it).
    pub own: String,
    /// The directory from which podcheck's paths count.
    base: PathBuf,
}

impl Hierarchy {
    /// The directory of one of podcheck's cgroup paths (with or without leading slash).
    pub fn dir(&self, path: &str) -> PathBuf {
        self.base.join(path.trim_start_matches('/'))
    }

    /// The directory of a path as `/proc/<pid>/cgroup` gives it; `None` if it is not below what is mounted.
    pub fn below_mount(&self, path: &str) -> Option<PathBuf> {
        let rest = path.strip_prefix(self.mount_root.trim_end_matches('/'))?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        let rest = rest.trim_start_matches('/');
        let outside = Path::new(rest).components().any(|c| matches!(c, std::path::Component::ParentDir));
        if outside {
            None
        } else if rest.is_empty() {
            Some(self.mount_point.clone())
        } else {
            Some(self.mount_point.join(rest))
        }
    }

    /// One of podcheck's paths as `/proc/<pid>/cgroup` of a process in it gives it.
    pub fn kernel_path(&self, path: &str) -> String {
        let dir = self.dir(path);
        let below = dir.strip_prefix(&self.mount_point).unwrap_or(&dir);
        format!("{}/{}", self.mount_root.trim_end_matches('/'), below.display())
    }
}

/// All hierarchies of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchies {
    mode: Mode,
    list: Vec<Hierarchy>,
}

impl Hierarchies {
    /// Finds them, once a process.
    ///
    /// # Errors
    /// None is mounted, or /proc cannot be read.
    pub fn detect() -> Result<&'static Hierarchies, HostError> {
        static FOUND: OnceLock<Hierarchies> = OnceLock::new();
        if let Some(found) = FOUND.get() {
            return Ok(found);
        }
        let found = detect::detect()?;
        Ok(FOUND.get_or_init(|| found))
    }

    /// Which generations there are.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Each hierarchy, in the order of the mount table.
    pub fn list(&self) -> &[Hierarchy] {
        &self.list
    }

    /// The hierarchy that has a controller.
    pub fn controller(&self, name: &str) -> Option<&Hierarchy> {
        // On hybrid hosts a controller is in a v1 hierarchy or offered by the unified one, never both.
        self.list.iter().find(|h| h.controllers.iter().any(|c| c == name))
    }

    /// The unified hierarchy.
    pub fn unified(&self) -> Option<&Hierarchy> {
        self.list.iter().find(|h| h.unified)
    }

    /// The `cgroup.procs` files of a path, for a child to write `0` to.
    pub fn procs_files(&self, path: &str) -> Vec<PathBuf> {
        self.list.iter().map(|h| h.dir(path).join("cgroup.procs")).collect()
    }

    /// Reads a file of a cgroup, from the hierarchy that has the file's controller (`memory.max` → memory; `cgroup.*`
    /// from the unified one). `None` if it is not there.
    pub fn read(&self, path: &str, file: &str) -> Option<String> {
        let hierarchy = self.of_file(file)?;
        std::fs::read_to_string(hierarchy.dir(path).join(file)).ok()
    }

    /// Writes a file of a cgroup, found as by [`Hierarchies::read`].
    ///
    /// # Errors
    /// There is no such controller or file, or the kernel refused the value.
    pub fn write(&self, path: &str, file: &str, value: &str) -> Result<(), HostError> {
        let action = || format!("write {value:?} to {file} of the cgroup {path}");
        let Some(hierarchy) = self.of_file(file) else {
            let controller = file.split('.').next().unwrap_or(file);
            return Err(HostError::new(action(), format!("this host has no {controller} controller")));
        };
        write_file(&hierarchy.dir(path).join(file), value).map_err(|e| HostError::os(action(), e))
    }

    fn of_file(&self, file: &str) -> Option<&Hierarchy> {
        match file.split('.').next() {
            Some("cgroup") => self.unified(),
            Some(controller) => self.controller(controller),
            None => None,
        }
    }
}

/// One write(2), never creating: control files take a value whole or not at all.
pub(super) fn write_file(file: &Path, value: &str) -> std::io::Result<()> {
    use std::io::Write;
    std::fs::OpenOptions::new().write(true).open(file)?.write_all(value.as_bytes())
}

/// Directories below a cgroup's, without following anything; none if it is not there.
fn children(dir: &Path) -> io::Result<Vec<PathBuf>> {
    use std::os::unix::fs::MetadataExt;
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    // kernfs counts a directory's subdirectories in its links: two links, nothing below, and no list of sixty files to read.
    match std::fs::symlink_metadata(dir) {
        Ok(metadata) if metadata.nlink() > 2 => {}
        Ok(_) => return Ok(Vec::new()),
        Err(error) if gone(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    }
    let mut below = Vec::new();
    let entries = match std::fs::read_dir(dir) {
        Err(error) if gone(&error) => return Ok(below),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => below.push(entry.path()),
            Err(error) if !gone(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(below)
}

/// The directory and all below it, parents first.
fn walk(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = vec![dir.to_owned()];
    let mut next = 0;
    while let Some(current) = all.get(next) {
        let below = children(current)?;
        all.extend(below);
        next += 1;
    }
    Ok(all)
}
