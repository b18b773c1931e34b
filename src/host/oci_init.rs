//! Whether a container's process is still its OCI runtime's own program, which has not become the container's yet.

use super::Process;
use nix::fcntl::{OFlag, readlinkat};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How runc and youki name their process on the way: `runc:[2:INIT]`, `youki:[1:INTER]`.
/// Source: runc's libcontainer/nsenter/nsexec.c, youki's `container_intermediate_process.rs`.
const NAMES: [&str; 2] = ["runc:[", "youki:["];

/// Copies of themselves in memory that runc and crun run from, so that no container can write to their file.
/// Source: runc's libcontainer/nsenter/cloned_binary.c, crun's src/libcrun/cloned_binary.c.
const COPIES: [&str; 2] = ["/memfd:runc_cloned:", "/memfd:crun_cloned:"];

/// Which `runc init` is given, and no container: runc clears its environment before it becomes one.
/// Source: runc's libcontainer/container_linux.go.
const PIPE: &str = "_LIBCONTAINER_INITPIPE=";

/// What OCI runtimes are called where their files are not known.
const PROGRAMS: [&str; 3] = ["runc", "crun", "youki"];

/// The files of OCI runtimes, as far as they are known.
#[derive(Clone, Debug, Default)]
pub struct OciRuntimes {
    /// Device and inode.
    files: Vec<(u64, u64)>,
}

impl OciRuntimes {
    /// Those at these paths; paths that do not exist do not matter.
    pub fn at(paths: impl IntoIterator<Item = PathBuf>) -> OciRuntimes {
        let files = paths.into_iter().filter_map(|path| std::fs::metadata(path).ok());
        OciRuntimes { files: files.map(|file| (file.dev(), file.ino())).collect() }
    }

    /// Whether a process still runs an OCI runtime's program.
    ///
    /// # Errors
    /// It is gone, or cannot be looked at.
    pub fn still_run(&self, process: &Process) -> io::Result<bool> {
        let comm = process.read("comm")?;
        let link = readlinkat(process.as_fd(), "exe")?;
        if says_so(comm.trim_end(), &link) {
            return Ok(true);
        }
        let file = File::from(process.open_at("exe", OFlag::O_PATH)?).metadata()?;
        if self.files.contains(&(file.dev(), file.ino())) || is_hosts_runtime(Path::new(&link), &file) {
            return Ok(true);
        }
        Ok(is_runc_init(&process.read("cmdline")?) && has_pipe(&process.read("environ")?))
    }
}

/// What a name or a copy in memory says. Any other program in memory may be a container's.
fn says_so(comm: &str, exe: &OsStr) -> bool {
    NAMES.iter().any(|name| comm.starts_with(name))
        || COPIES.iter().any(|copy| exe.as_bytes().starts_with(copy.as_bytes()))
}

/// An OCI runtime of the host's at that path. A container's own program of that name is another file.
fn is_hosts_runtime(path: &Path, file: &std::fs::Metadata) -> bool {
    let is_named = path.file_name().and_then(OsStr::to_str).is_some_and(|name| PROGRAMS.contains(&name));
    is_named && std::fs::metadata(path).is_ok_and(|of_host| (of_host.dev(), of_host.ino()) == (file.dev(), file.ino()))
}

/// `runc init`, whatever runc is called.
fn is_runc_init(cmdline: &str) -> bool {
    cmdline.trim_end_matches('\0').split('\0').skip(1).eq(["init"])
}

fn has_pipe(environ: &str) -> bool {
    environ.split('\0').any(|variable| variable.starts_with(PIPE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::memfd::{MFdFlags, memfd_create};
    use std::io::Write;
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::os::unix::fs::symlink;
    use std::process::{Child, Command};

    /// A program that sleeps, run from a copy in memory of this name.
    fn in_memory(name: &str) -> Child {
        let memory: OwnedFd = memfd_create(name, MFdFlags::empty()).expect("memory");
        let mut file = File::from(memory);
        file.write_all(&std::fs::read("/bin/sleep").expect("a sleep")).expect("room");
        Command::new(format!("/proc/self/fd/{}", file.as_raw_fd())).arg("59.4").spawn().expect("runs")
    }

    fn still_run(mut child: Child) -> bool {
        let process = Process::open(child.id().cast_signed()).expect("it is not reaped");
        let still = OciRuntimes::default().still_run(&process);
        child.kill().expect("it is ours");
        child.wait().expect("it ended");
        still.expect("it ran")
    }

    #[test]
    fn only_a_runtimes_own_copy_in_memory_is_its_init() {
        assert!(!still_run(in_memory("pause")), "a container may run a program from memory");
        assert!(still_run(in_memory("runc_cloned:/proc/self/exe")));
        assert!(still_run(in_memory("crun_cloned:/proc/self/exe")));
    }

    #[test]
    fn a_runtime_is_known_by_its_file_wherever_it_is() {
        let own = Process::open(std::process::id().cast_signed()).expect("this process");
        let known = |path: PathBuf| OciRuntimes::at([path]).still_run(&own).expect("it runs");
        assert!(!known(PathBuf::from("/nowhere")));
        assert!(known(std::env::current_exe().expect("there is one")));
    }

    /// A process whose files are in a folder.
    fn fake(folder: &Path, comm: &str, exe: &Path, cmdline: &str, environ: &str) -> Process {
        for (name, text) in [("comm", comm), ("cmdline", cmdline), ("environ", environ)] {
            std::fs::write(folder.join(name), text).expect("written");
        }
        let _ = std::fs::remove_file(folder.join("exe"));
        symlink(exe, folder.join("exe")).expect("made");
        Process::in_folder(7, folder).expect("a folder")
    }

    #[test]
    fn each_runtimes_init_is_known_and_what_looks_like_it_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let (hosts, other) = (folder.path().join("crun"), folder.path().join("program"));
        std::fs::write(&hosts, "").expect("written");
        std::fs::write(&other, "").expect("written");
        let pipe = "A=b\0_LIBCONTAINER_INITPIPE=3\0";
        for (comm, exe, cmdline, environ, init) in [
            ("runc:[2:INIT]\n", &other, "runc\0init\0", pipe, true),
            ("youki:[2:INIT]\n", &other, "youki\0create\0", "", true),
            // Sealed as an overlay, before it has named itself.
            ("exe\n", &other, "/opt/custom-runc\0init\0", pipe, true),
            ("git\n", &other, "git\0init\0", "A=b\0", false),
            ("app\n", &other, "app\0", pipe, false),
            ("crun\n", &hosts, "crun\0create\0", "", true),
            ("crun\n", &other, "crun\0", "", false),
            ("odd:[name\n", &other, "odd\0", "", false),
        ] {
            let process = fake(folder.path(), comm, exe, cmdline, environ);
            assert_eq!(OciRuntimes::default().still_run(&process).expect("readable"), init, "{comm}{cmdline}");
        }
        let process = fake(folder.path(), "x\n", &other, "", "");
        std::fs::remove_file(folder.path().join("comm")).expect("there");
        assert!(OciRuntimes::default().still_run(&process).is_err(), "it cannot be looked at");
    }
}
