//! Changes to a process that a runtime has just made, and to its cgroups.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Runs a command of util-linux; an error is what it said.
pub fn run(argv: &[&str]) -> Result<(), String> {
    let output = Command::new(argv[0]).args(&argv[1..]).output().map_err(|error| format!("{}: {error}", argv[0]))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}: {}", argv.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}

/// Runs a command for each thread of a process: it is not known which of them will be the program's.
pub fn for_threads(pid: i32, argv: &[&str]) -> Result<(), String> {
    let folder = format!("/proc/{pid}/task");
    let threads = std::fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
    for thread in threads.flatten() {
        let thread = thread.file_name().to_string_lossy().into_owned();
        run(&[argv, &[&thread]].concat())?;
    }
    Ok(())
}

/// Writes a file of a process's own cgroup, v1's or v2's, whichever controller the host has where.
pub fn write(pid: i32, controller: &str, v1: (&str, &str), v2: (&str, &str)) -> Result<(), String> {
    let (folder, unified) = cgroup(pid, controller)?;
    let (file, text) = if unified { v2 } else { v1 };
    write_file(&folder.join(file), text)
}

/// The same of the cgroup above it, which is the Pod's.
pub fn write_above(pid: i32, controller: &str, v1: (&str, &str), v2: (&str, &str)) -> Result<(), String> {
    let (folder, unified) = cgroup(pid, controller)?;
    let (file, text) = if unified { v2 } else { v1 };
    write_file(&folder.join("..").join(file), text)
}

fn write_file(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Sets the memory limit of the one cgroup beside a process's own that has this limit now, or has been set already.
pub fn limit_neighbour(pid: i32, now: u64, to: u64) -> Result<(), String> {
    let (folder, unified) = cgroup(pid, "memory")?;
    let file = if unified { "memory.max" } else { "memory.limit_in_bytes" };
    let above = folder.parent().ok_or("it is in no cgroup")?;
    let beside = std::fs::read_dir(above).map_err(|error| format!("{}: {error}", above.display()))?;
    let limits = [now, to].map(|bytes| bytes.to_string());
    let is_limited =
        |path: &PathBuf| std::fs::read_to_string(path).is_ok_and(|text| limits.contains(&text.trim().to_owned()));
    let found = beside.flatten().map(|entry| entry.path().join(file)).find(is_limited);
    write_file(&found.ok_or_else(|| format!("nobody is limited to {now}"))?, &to.to_string())
}

/// Ends a process, and waits until it has.
pub fn end(pid: i32) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot end {pid}: {error}");
    let process = podcheck::host::Process::open(pid).map_err(failed)?;
    process.signal(nix::sys::signal::Signal::SIGKILL).map_err(failed)?;
    let end = Instant::now() + podcheck::host::scaled(Duration::from_secs(10));
    if process.wait_end(end) { Ok(()) } else { Err(format!("{pid} does not end")) }
}

/// The folder of a process's cgroup for a controller, and whether it is v2's.
pub fn cgroup(pid: i32, controller: &str) -> Result<(PathBuf, bool), String> {
    let file = format!("/proc/{pid}/cgroup");
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let lines = || text.lines().filter_map(|line| line.splitn(3, ':').skip(1).collect::<Vec<_>>().try_into().ok());
    let v1 = lines().find(|[names, _]: &[&str; 2]| names.split(',').any(|name| name == controller));
    if let Some([names, path]) = v1 {
        return Ok((PathBuf::from(format!("/sys/fs/cgroup/{names}{path}")), false));
    }
    let v2 = lines().find(|[names, _]: &[&str; 2]| names.is_empty());
    let [_, path] = v2.ok_or_else(|| format!("{file} has no {controller}"))?;
    Ok((PathBuf::from(format!("/sys/fs/cgroup{path}")), true))
}

/// `major:minor` of a disk of this host.
pub fn disk() -> Result<String, String> {
    let disks = std::fs::read_dir("/sys/block").map_err(|error| format!("/sys/block: {error}"))?;
    let number = disks.flatten().find_map(|disk| std::fs::read_to_string(disk.path().join("dev")).ok());
    number.map(|number| number.trim().to_owned()).ok_or_else(|| "this host has no disk".to_owned())
}
