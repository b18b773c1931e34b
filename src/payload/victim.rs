//! Programs that run into a limit: what is killed or refused is a child, so that the program itself can tell.

use super::fault::{Doing, Fault, Outcome, exactly, print};
use super::operand;
use super::stay::{Signals, after, ready, stay};
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Forks a child that ends with what `work` returns, and at the latest with its parent.
pub(super) fn child(work: impl FnOnce() -> i32) -> Result<Pid, Errno> {
    let parent = getpid();
    // SAFETY: the program has one thread, so the child may use everything that its parent could.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            Signals::give_back();
            let tied = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).is_ok() && getppid() == parent;
            std::process::exit(if tied { work() } else { 1 })
        }
    }
}

/// Waits for a victim, says how it ended and ends likewise.
fn report(signals: &Signals, victim: Pid) -> Outcome {
    let ending = signals.wait_for(victim)?;
    print(format!("{}\n", ending.text()))?;
    Ok(ending.status())
}

/// What `allocate` was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    here: bool,
    when: Option<PathBuf>,
    /// How long to keep it; the inner `None` is for ever.
    hold: Option<Option<Duration>>,
    size: usize,
}

fn wanted(args: &[OsString]) -> Result<Wanted, Fault> {
    let (mut here, mut when, mut hold, mut size) = (false, None, None, None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| Fault::usage(format!("{} takes a value", arg.display())));
        match arg.to_str() {
            Some("--here") => here = true,
            Some("--when") => when = Some(PathBuf::from(value()?)),
            Some("--hold") => hold = Some(operand::duration(value()?)?),
            _ if size.is_none() => size = Some(operand::size(arg)?),
            _ => return Err(Fault::usage(format!("{} is too much", arg.display()))),
        }
    }
    match size {
        Some(_) if hold.is_some() && !here => Err(Fault::usage("--hold is for --here")),
        Some(size) => Ok(Wanted { here, when, hold, size }),
        None => Err(Fault::usage("a size is wanted")),
    }
}

/// `allocate [--here [--hold D]] [--when FILE] SIZE`
pub(super) fn allocate(args: &[OsString]) -> Outcome {
    let wanted = wanted(args)?;
    let signals = Signals::take()?;
    if let Some(file) = &wanted.when {
        ready("allocate")?;
        if let Some(signal) = wait_for_file(&signals, file)? {
            return Ok(128 + signal as i32);
        }
    }
    if !wanted.here {
        let victim = child(|| as_the_first_to_go("allocate", || occupy(wanted.size))).doing("fork")?;
        return report(&signals, victim);
    }
    occupy(wanted.size)?;
    let Some(hold) = wanted.hold else {
        return Ok(0);
    };
    ready("allocate")?;
    Ok(stay(&signals, after(hold))?.map_or(0, |signal| 128 + signal as i32))
}

/// Looks for a file fifty times a second; the answer is the signal that came instead.
fn wait_for_file(signals: &Signals, file: &Path) -> Result<Option<Signal>, Fault> {
    while !file.exists() {
        if let Some(signal) = stay(signals, Some(Instant::now() + Duration::from_millis(20)))? {
            return Ok(Some(signal));
        }
    }
    Ok(None)
}

/// The OOM killer takes the process with the highest score of a cgroup; raising one's own is always allowed.
fn as_the_first_to_go(program: &str, work: impl FnOnce() -> Result<(), Fault>) -> i32 {
    let result = std::fs::write("/proc/self/oom_score_adj", "1000").doing("set the OOM score").and_then(|()| work());
    result.map_or_else(|fault| complained(program, &fault), |()| 0)
}

/// Says what is wrong; the exit status for it.
fn complained(program: &str, fault: &Fault) -> i32 {
    super::complain(&format!("{program}: {}", fault.text()));
    1
}

/// What is written to a file is nobody's in the OOM killer's eyes: it takes who has this much instead.
const BALLAST: usize = 12 << 20;

/// `fill [--unlinked] FILE SIZE`: a child writes it; what lies in memory is charged to whom it was written by.
pub(super) fn fill(args: &[OsString]) -> Outcome {
    let (unlinked, args) = match args {
        [option, rest @ ..] if option == "--unlinked" => (true, rest),
        args => (false, args),
    };
    let [file, size] = exactly(args)?;
    let size = operand::size(size)?;
    let signals = Signals::take()?;
    let work = || occupy(BALLAST).and_then(|()| pour(Path::new(file), size, unlinked));
    let victim = child(|| as_the_first_to_go("fill", work)).doing("fork")?;
    report(&signals, victim)
}

/// A file without a name goes with who writes it, however that ends.
fn pour(path: &Path, size: usize, unlinked: bool) -> Result<(), Fault> {
    const PART: [u8; 4096] = [0; 4096];
    let mut file = std::fs::File::create(path).doing(format!("create {}", path.display()))?;
    if unlinked {
        std::fs::remove_file(path).doing(format!("remove {}", path.display()))?;
    }
    let mut left = size;
    while left > 0 {
        let part = &PART[..left.min(PART.len())];
        file.write_all(part).doing(format!("write {}", path.display()))?;
        left -= part.len();
    }
    Ok(())
}

/// `huge SIZE`: pages are taken one by one, as they are written to, and not reserved before: beyond a limit that is a signal.
pub(super) fn huge(args: &[OsString]) -> Outcome {
    const PAGE: usize = 2 << 20;
    let [size] = exactly(args)?;
    let size = operand::size(size)?;
    if !size.is_multiple_of(PAGE) {
        return Err(Fault::usage("a whole number of pages of 2Mi is wanted"));
    }
    let signals = Signals::take()?;
    let kind = libc::MAP_HUGETLB | libc::MAP_HUGE_2MB | libc::MAP_NORESERVE;
    let work = || write_to_each(size, PAGE, kind).map_or_else(|fault| complained("huge", &fault), |()| 0);
    let victim = child(work).doing("fork")?;
    report(&signals, victim)
}

/// Maps memory and writes to each of its pages. It is kept until the process ends.
fn occupy(size: usize) -> Result<(), Fault> {
    write_to_each(size, 4096, 0)
}

/// The same with pages of a size and a further kind of mapping.
fn write_to_each(size: usize, page: usize, kind: i32) -> Result<(), Fault> {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, kind | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no memory that is in use.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), size, access, kind, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(Errno::last()).doing(format!("map {size} bytes"));
    }
    for offset in (0..size).step_by(page) {
        // SAFETY: the offset lies inside the mapping, which is writable and nobody else's. A volatile write stays even
        // though nothing reads it.
        unsafe { start.cast::<u8>().add(offset).write_volatile(1) };
    }
    Ok(())
}

/// `burn D`
pub(super) fn burn(args: &[OsString]) -> Outcome {
    let [limit] = exactly(args)?;
    let until = after(operand::duration(limit)?);
    let signals = Signals::take()?;
    let victim = child(|| spin(until)).doing("fork")?;
    ready("burn")?;
    report(&signals, victim)
}

fn spin(until: Option<Instant>) -> i32 {
    while until.is_none_or(|until| Instant::now() < until) {
        for step in 0..100_000_u32 {
            std::hint::black_box(step);
        }
    }
    0
}

/// However many are asked for, a host that refuses none of them is not drowned.
const MOST_CHILDREN: usize = 4096;

/// `fork-until-refused MAX`: 0 if a fork was refused, 1 if none was.
pub(super) fn fork_until_refused(args: &[OsString]) -> Outcome {
    let [most] = exactly(args)?;
    let most = children_wanted(most)?;
    // For the meaning of SIGCHLD; and SIGTERM waits until the children are gone.
    let _signals = Signals::take()?;
    let mut children = Vec::with_capacity(most);
    let mut refused = None;
    while children.len() < most && refused.is_none() {
        match child(wait_to_be_killed) {
            Ok(child) => children.push(child),
            Err(errno) => refused = Some(errno),
        }
    }
    for &child in &children {
        // None of them is reaped yet, so each pid is still its child's.
        kill(child, Signal::SIGKILL).doing("end a child")?;
    }
    for &child in &children {
        waitpid(child, None).doing("wait for a child")?;
    }
    let count = children.len();
    match refused {
        Some(errno) => print(format!("refused after {count}: {errno:?}\n")).map(|()| 0),
        None => print(format!("not refused after {count}\n")).map(|()| 1),
    }
}

fn children_wanted(operand: &OsStr) -> Result<usize, Fault> {
    match operand::number(operand)? {
        count @ 1..=MOST_CHILDREN => Ok(count),
        _ => Err(Fault::usage(format!("from 1 to {MOST_CHILDREN} children are made"))),
    }
}

fn wait_to_be_killed() -> i32 {
    loop {
        nix::unistd::pause();
    }
}

/// `orphan D`: leaves a child behind that ends after D, and is then its new parent's to reap.
pub(super) fn orphan(args: &[OsString]) -> Outcome {
    let [limit] = exactly(args)?;
    let until = after(operand::duration(limit)?);
    // SAFETY: the program has one thread, so the child may use everything that its parent could.
    match unsafe { fork() }.doing("fork")? {
        ForkResult::Parent { child } => print(format!("{child}\n")).map(|()| 0),
        ForkResult::Child => {
            // Whoever reads our output waits until nobody can write to it any more.
            let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null").doing("open /dev/null")?;
            nix::unistd::dup2_stdin(&null).doing("leave standard input")?;
            nix::unistd::dup2_stdout(&null).doing("leave standard output")?;
            nix::unistd::dup2_stderr(&null).doing("leave standard error")?;
            while until.is_none_or(|until| Instant::now() < until) {
                let left =
                    until.map_or(Duration::from_secs(60), |until| until.saturating_duration_since(Instant::now()));
                std::thread::sleep(left);
            }
            Ok(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(texts: &[&str]) -> Vec<OsString> {
        texts.iter().map(OsString::from).collect()
    }

    #[test]
    fn what_is_to_be_allocated_is_understood() {
        let plain = Wanted { here: false, when: None, hold: None, size: 64 << 20 };
        assert_eq!(wanted(&args(&["64Mi"])).expect("a right call"), plain);
        let held = wanted(&args(&["--here", "--when", "/go", "--hold", "inf", "4096"])).expect("a right call");
        assert_eq!(held, Wanted { here: true, when: Some("/go".into()), hold: Some(None), size: 4096 });
        for texts in [&[][..], &["--here"], &["--when"], &["1", "2"], &["--hold", "1", "64"], &["--there", "64"]] {
            assert!(matches!(wanted(&args(texts)), Err(Fault::Usage(_))), "{texts:?}");
        }
    }

    #[test]
    fn the_number_of_children_is_bounded() {
        assert_eq!(children_wanted(OsStr::new("4096")).ok(), Some(4096));
        for text in ["0", "4097", "-1", "many"] {
            assert!(children_wanted(OsStr::new(text)).is_err(), "{text}");
        }
    }
}
