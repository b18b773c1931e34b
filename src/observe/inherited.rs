//! What a process has from whoever started it unless somebody says otherwise: umask, resource limits, scheduling.
//! Source: man 5 proc, man 2 getrlimit, man 7 sched.

use super::error::{Malformed, ObserveError};
use super::observation::Seen;
use super::read::{of_process, senseless, text, unreadable};
use super::stat::Stat;
use super::words::number;
use crate::host::Process;
use nix::errno::Errno;
use nix::libc;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Soft and hard, as the kernel prints them: numbers or `unlimited`.
pub type ResourceLimits = BTreeMap<String, (String, String)>;

/// What a process inherits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inherited {
    /// Umask, of `/proc/<pid>/status`.
    pub umask: Option<u32>,
    /// NUMA nodes it may take memory from, as `0-1`, of `/proc/<pid>/status`.
    pub mems: Seen<String>,
    /// Processors that are there and that it may run on, as `0-3,6`.
    pub cpus: String,
    /// Nice value.
    pub nice: i32,
    /// Scheduling policy by the kernel's number, 0 for the usual one.
    pub policy: u32,
    /// Class and priority for input and output as the kernel keeps them, 0 for none of its own.
    pub io_priority: Seen<i32>,
    /// Flags of `personality(2)`.
    pub personality: u32,
    /// Resource limits by the name of their constant without `RLIMIT_`, in lower case.
    pub limits: ResourceLimits,
}

/// Reads what is in no other file: `stat` was read already.
pub fn read(process: &Process, stat: &Stat) -> Result<Inherited, ObserveError> {
    let path = |name| of_process(process.pid(), name);
    let of = |name| text(process, name).map_err(unreadable(path(name)));
    Ok(Inherited {
        umask: None,
        mems: Seen::Absent,
        cpus: processors(process.pid())?,
        nice: stat.nice,
        policy: stat.policy,
        io_priority: io_priority(process).map_err(unreadable(format!("the I/O priority of {}", process.pid())))?,
        personality: hexadecimal(&of("personality")?).map_err(senseless(path("personality")))?,
        limits: resource_limits(&of("limits")?).map_err(senseless(path("limits")))?,
    })
}

fn hexadecimal(text: &str) -> Result<u32, Malformed> {
    u32::from_str_radix(text.trim(), 16).map_err(|_| Malformed::new("a hexadecimal number", text.trim()))
}

/// Names of the constants by what the kernel prints.
const LIMITS: [(&str, &str); 16] = [
    ("Max cpu time", "cpu"),
    ("Max file size", "fsize"),
    ("Max data size", "data"),
    ("Max stack size", "stack"),
    ("Max core file size", "core"),
    ("Max resident set", "rss"),
    ("Max processes", "nproc"),
    ("Max open files", "nofile"),
    ("Max locked memory", "memlock"),
    ("Max address space", "as"),
    ("Max file locks", "locks"),
    ("Max pending signals", "sigpending"),
    ("Max msgqueue size", "msgqueue"),
    ("Max nice priority", "nice"),
    ("Max realtime priority", "rtprio"),
    ("Max realtime timeout", "rttime"),
];

/// Parses `/proc/<pid>/limits`. Not by procfs, which drops limits that it does not know. A limit that this table lacks stands under the kernel's own words.
pub fn resource_limits(text: &str) -> Result<ResourceLimits, Malformed> {
    /// Width of the first column, which alone has spaces in it.
    const NAME: usize = 26;
    let line = |line: &str| {
        let malformed = || Malformed::new("`name soft hard unit`", line.trim());
        let (name, rest) = line.split_at_checked(NAME).ok_or_else(malformed)?;
        let mut words = rest.split_whitespace();
        let (soft, hard) = (words.next().ok_or_else(malformed)?, words.next().ok_or_else(malformed)?);
        let name = name.trim();
        let name = LIMITS.iter().find(|(printed, _)| *printed == name).map_or(name, |(_, constant)| constant);
        for limit in [soft, hard].into_iter().filter(|limit| *limit != "unlimited") {
            number::<u64>(limit)?;
        }
        Ok((name.to_owned(), (soft.to_owned(), hard.to_owned())))
    };
    if !text.starts_with("Limit ") {
        return Err(Malformed::new("a table of limits", text.lines().next().unwrap_or("an empty file")));
    }
    text.lines().skip(1).map(line).collect()
}

/// Those that are there: what `/proc/<pid>/status` shows has processors in it that no cpuset could give.
pub fn processors(pid: i32) -> Result<String, ObserveError> {
    let mask = affinity(pid).map_err(unreadable(format!("the processors of {pid}")))?;
    let bits = usize::try_from(u64::BITS).unwrap_or(64);
    Ok(ranges((0..mask.len() * bits).filter(|cpu| mask[cpu / bits] & 1 << (cpu % bits) != 0)))
}

/// `sched_getaffinity(2)` with room for as many processors as the kernel could have, which nix' set has not.
fn affinity(pid: i32) -> io::Result<Vec<u64>> {
    /// Processors that there is room for at first, and at most.
    const ROOM: (usize, usize) = (1 << 10, 1 << 20);
    let mut room = ROOM.0;
    loop {
        let mut mask = vec![0u64; room / 64];
        // SAFETY: the kernel writes no more than the bytes that it is told of, which are those of `mask`.
        let written = unsafe { libc::syscall(libc::SYS_sched_getaffinity, pid, room / 8, mask.as_mut_ptr()) };
        match usize::try_from(written) {
            Ok(_) => return Ok(mask),
            Err(_) if Errno::last() == Errno::EINVAL && room < ROOM.1 => room *= 2,
            Err(_) => return Err(io::Error::last_os_error()),
        }
    }
}

/// The lists of NUMA nodes that a process has from one that has `list`: the same, or what of it is there. The list of who is
/// in no cpuset may have nodes in it that are not.
pub fn nodes_from(list: &str, there: Option<&str>) -> Result<BTreeSet<String>, Malformed> {
    let mut lists = BTreeSet::from([list.to_owned()]);
    if let Some(there) = there {
        let there = numbers(there)?;
        lists.insert(ranges(numbers(list)?.into_iter().filter(|node| there.contains(node))));
    }
    Ok(lists)
}

/// The numbers of `0-3,6`.
fn numbers(list: &str) -> Result<BTreeSet<usize>, Malformed> {
    let mut all = BTreeSet::new();
    for part in list.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (number(first)?, number(last)?);
        all.extend(first..=last);
    }
    Ok(all)
}

/// `0-3,6`, as the kernel writes lists of processors.
fn ranges(numbers: impl Iterator<Item = usize>) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let text =
        |(first, last): (usize, usize)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    ranges.into_iter().map(text).collect::<Vec<_>>().join(",")
}

/// `ioprio_get(2)`, which has no wrapper, without what says nothing; a kernel may be without it.
fn io_priority(process: &Process) -> io::Result<Seen<i32>> {
    const WHO_PROCESS: libc::c_int = 1;
    // SAFETY: the call takes two numbers and touches no memory of ours.
    let priority = unsafe { libc::syscall(libc::SYS_ioprio_get, WHO_PROCESS, process.pid()) };
    priority_of(i32::try_from(priority).ok().filter(|priority| *priority >= 0).ok_or_else(Errno::last))
}

fn priority_of(answer: Result<i32, Errno>) -> io::Result<Seen<i32>> {
    match answer {
        Ok(priority) => Ok(Seen::Value(of_a_class(priority))),
        Err(Errno::ENOSYS) => Ok(Seen::Unobservable("io-priority")),
        Err(errno) => Err(errno.into()),
    }
}

/// A priority whose class is none stands for nothing, whatever its level: Linux 5.10 has 4 or 0 there by whether the process
/// has read or written a disk yet.
///
/// Source: `get_task_ioprio` in Linux' block/ioprio.c.
fn of_a_class(priority: i32) -> i32 {
    const CLASS_SHIFT: u32 = 13;
    if priority >> CLASS_SHIFT == 0 { 0 } else { priority }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_priority_of_no_class_has_no_level() {
        for (priority, expected) in [(0, 0), (4, 0), (2 << 13 | 4, 2 << 13 | 4), (3 << 13, 3 << 13)] {
            assert_eq!(of_a_class(priority), expected);
        }
    }

    const TEXT: &str = "\
Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max open files            1024                 524288               files     
Max nice priority         0                    0                    
Max something new         5                    unlimited            things    
";

    #[test]
    fn limits_stand_under_their_constants_names() {
        let limits = resource_limits(TEXT).expect("good text");
        let of = |name: &str| limits[name].clone();
        assert_eq!(of("nofile"), ("1024".to_owned(), "524288".to_owned()));
        assert_eq!(of("cpu"), ("unlimited".to_owned(), "unlimited".to_owned()));
        assert_eq!(of("nice"), ("0".to_owned(), "0".to_owned()));
        assert_eq!(of("Max something new").0, "5");
        assert_eq!(limits.len(), 4);
    }

    #[test]
    fn limits_without_numbers_are_refused() {
        assert!(resource_limits(&TEXT.replace("524288", "many")).is_err());
        assert!(resource_limits("Limit\nMax open files\n").is_err());
        assert!(resource_limits("").is_err(), "a process has limits");
    }

    #[test]
    fn an_io_priority_that_cannot_be_read_is_none() {
        assert_eq!(priority_of(Ok(4)).expect("an answer"), Seen::Value(0));
        assert_eq!(priority_of(Err(Errno::ENOSYS)).expect("an answer"), Seen::Unobservable("io-priority"));
        assert!(priority_of(Err(Errno::EPERM)).is_err());
    }

    #[test]
    fn nodes_that_are_not_there_are_left_out() {
        let lists = |list: &str, there| nodes_from(list, there).expect("good text").into_iter().collect::<Vec<_>>();
        assert_eq!(lists("0-63", Some("0-1,3\n")), ["0-1,3", "0-63"]);
        assert_eq!(lists("0", Some("0\n")), ["0"]);
        assert_eq!(lists("0-1", None), ["0-1"]);
        assert!(nodes_from("0-1", Some("some")).is_err());
    }

    #[test]
    fn lists_of_processors_are_written_as_the_kernel_does() {
        assert_eq!(ranges([0, 1, 2, 5, 7, 8].into_iter()), "0-2,5,7-8");
        assert_eq!(ranges(std::iter::empty()), "");
    }

    #[test]
    fn our_own_are_read() {
        let us = Process::open(std::process::id().cast_signed()).expect("we run");
        let stat = super::super::stat::parse(&text(&us, "stat").expect("stat")).expect("good text");
        let seen = read(&us, &stat).expect("readable");
        assert!(seen.limits.contains_key("nofile") && seen.limits.len() >= 16, "{seen:?}");
        assert!(!seen.cpus.is_empty(), "{seen:?}");
        assert!(processors(i32::MAX).is_err() && affinity(i32::MAX).is_err(), "there is no such process");
    }
}
