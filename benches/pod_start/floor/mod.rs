//! Two floors under every runtime: what the kernel needs for a Pod of this shape, with nothing around it.
//!
//! *Bare* is three processes in the Pod's namespaces and nothing else; *equipped* makes the system calls that the Pod
//! needs, in a straight line. The benchmark has threads and must not fork and carry on, so both live in a process of
//! their own, this program executed again, which answers each line `bare` or `equipped` with one Pod's times.

mod bare;
mod equipped;
mod link;

use super::measure::Lap;
use nix::errno::Errno;
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use podcheck::host::{Run, TrialDir};
use podcheck::node::CgroupDriver;
use podcheck::plan::Plan;
use podcheck::runtime::image::{self, Images};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::io::{self, BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// First argument that makes this program the floors' process.
pub const ROLE: &str = "--podcheck-bench-floors";

/// The floors by name, lowest first.
pub const NAMES: [&str; 2] = ["bare", "equipped"];

/// Since Linux 5.7.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Within this every member must be ready.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the floors' process is told first.
#[derive(Debug, Serialize, Deserialize)]
struct Setup {
    plan: Plan,
    /// A directory of its own.
    dir: PathBuf,
    /// Cgroup that is to be the Pod's; the one above it is there.
    cgroup: String,
    /// Name for the host's end of the Pod's link.
    interface: String,
    address: Ipv4Addr,
    /// Root file systems of containers and of the sandbox.
    payload: PathBuf,
    pause: PathBuf,
}

/// The floors' process, seen from the benchmark.
pub struct Floors {
    /// `None` once asked to end.
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    child: Child,
    dir: Option<TrialDir>,
}

impl Floors {
    /// Starts it, in a cgroup that ends with the run, so that whatever it has started then goes too.
    pub fn open(run: &Arc<Run>, plan: &Plan) -> Result<Floors, String> {
        let text = |e: &dyn std::fmt::Display| format!("cannot start the floors' process: {e}");
        let Images { payload, pause } = image::unpack(&run.dir().join("image")).map_err(|e| text(&e))?;
        let dir = run.trial(CgroupDriver::Cgroupfs).map_err(|e| text(&e))?;
        let above = Path::new(plan.cgroup_parent()).parent().unwrap_or(Path::new("")).display().to_string();
        let above = dir.cgroup(&above);
        dir.hierarchies().create(&above).map_err(|e| text(&e))?;
        let address = run.address_for(&dir).map_err(|e| text(&e))?;
        let (place, interface) = (dir.dir().join("floor"), format!("pchk{}", dir.tag()));
        let cgroup = format!("{above}/floor");
        let setup = Setup { plan: plan.clone(), dir: place, cgroup, interface, address, payload, pause };
        let mut child = Command::new("/proc/self/exe")
            .arg(ROLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| text(&e))?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(text(&"it has no pipes"));
        };
        let home = run.daemon_cgroup("floors").map_err(|e| text(&e))?;
        let mut floors = Floors { to: Some(to), from: BufReader::new(from), child, dir: Some(dir) };
        for file in run.hierarchies().procs_files(&home) {
            std::fs::write(&file, floors.child.id().to_string()).map_err(|e| text(&e))?;
        }
        floors.say(&serde_json::to_string(&setup).map_err(|e| text(&e))?).map_err(|e| text(&e))?;
        Ok(floors)
    }

    /// One Pod of a floor, up and down.
    pub fn lap(&mut self, floor: &str) -> Result<Lap, String> {
        let failed = |e: &dyn std::fmt::Display| format!("the floor {floor} failed: {e}");
        self.say(floor).map_err(|e| failed(&e))?;
        let mut line = String::new();
        self.from.read_line(&mut line).map_err(|e| failed(&e))?;
        if line.is_empty() {
            return Err(failed(&"its process ended"));
        }
        let answer: Result<Lap, String> = serde_json::from_str(&line).map_err(|e| failed(&e))?;
        answer.map_err(|e| failed(&e))
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        self.to.as_mut().map_or(Err(io::ErrorKind::BrokenPipe.into()), |to| writeln!(to, "{line}"))
    }

    /// Ends it and removes what is its own.
    pub fn close(mut self) -> Result<(), String> {
        self.to = None;
        self.child.wait().map_err(|e| format!("cannot wait for the floors' process: {e}"))?;
        let dir = self.dir.take();
        dir.map_or(Ok(()), |dir| dir.remove().map(drop).map_err(|e| e.to_string()))
    }
}

/// Main of the floors' process.
pub fn serve() -> io::Result<()> {
    let mut lines = io::stdin().lock().lines();
    let Some(setup) = lines.next().transpose()? else { return Ok(()) };
    let setup: Setup = serde_json::from_str(&setup)?;
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_PRIVATE | MsFlags::MS_REC, None::<&str>)?;
    let equipped = equipped::Pod::new(&setup)?;
    let bare = bare::Pod::new(&setup)?;
    for line in lines {
        let lap = match line?.as_str() {
            "bare" => time(|| bare.up(), |pids| bare.down(&pids)),
            "equipped" => time(|| equipped.up(), |pids| equipped.down(&pids)),
            other => Err(io::Error::other(format!("there is no floor {other:?}"))),
        };
        println!("{}", serde_json::to_string(&lap.map_err(|e| e.to_string()))?);
    }
    Ok(())
}

fn time<T>(up: impl FnOnce() -> io::Result<T>, down: impl FnOnce(T) -> io::Result<()>) -> io::Result<Lap> {
    let start = Instant::now();
    let pod = up()?;
    let up = start.elapsed();
    let start = Instant::now();
    down(pod)?;
    Ok(Lap::new(up, start.elapsed()))
}

/// Forks into new namespaces and, if given, right into a cgroup of v2. `child` becomes a program and returns only why it
/// could not.
fn clone_into(
    flags: CloneFlags,
    cgroup: Option<BorrowedFd<'_>>,
    child: impl FnOnce() -> io::Result<Infallible>,
) -> io::Result<Pid> {
    // SAFETY: all fields are numbers, for which zero means that they are not used.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = u64::from(flags.bits().cast_unsigned());
    args.exit_signal = u64::from(libc::SIGCHLD.cast_unsigned());
    if let Some(cgroup) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = u64::from(cgroup.as_raw_fd().cast_unsigned());
    }
    // SAFETY: without CLONE_VM this is a fork, and this process has one thread, so the child's copy of memory and locks is
    // whole. `args` lives across the call and its size is given.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<libc::clone_args>()) };
    match Errno::result(pid)? {
        0 => {
            let Err(error) = child();
            eprintln!("a member of a floor's Pod: {error}");
            // SAFETY: ends this process at once and touches no memory.
            unsafe { libc::_exit(127) }
        }
        pid => Ok(Pid::from_raw(i32::try_from(pid).map_err(io::Error::other)?)),
    }
}

/// Waits until every one of them runs the payload and says so.
fn until_ready(pids: &[Pid]) -> io::Result<()> {
    let end = Instant::now() + PATIENCE;
    for pid in pids {
        let comm = format!("/proc/{pid}/comm");
        while !std::fs::read_to_string(&comm)?.trim_end().ends_with("+ready") {
            if Instant::now() > end {
                return Err(io::Error::other("a member is not ready"));
            }
            std::thread::sleep(super::measure::PAUSE);
        }
    }
    Ok(())
}

/// Waits for the end of each.
fn until_gone(pids: &[Pid]) -> io::Result<()> {
    pids.iter().try_for_each(|pid| waitpid(*pid, None).map(drop).map_err(io::Error::from))
}
