//! What a process has from whoever started it unless somebody says otherwise: umask, resource limits, scheduling.
//! Source: man 5 proc, man 2 getrlimit, man 7 sched.

use super::error::{Malformed, ObserveError};
use super::read::{of_process, senseless, text, unreadable};
use super::stat::Stat;
use super::words::number;
use crate::host::Process;
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;
use std::collections::BTreeMap;

/// Soft and hard, as the kernel prints them: numbers or `unlimited`.
pub type ResourceLimits = BTreeMap<String, (String, String)>;

/// What a process inherits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inherited {
    /// Umask, of `/proc/<pid>/status`.
    pub umask: Option<u32>,
    /// NUMA nodes it may take memory from, as `0-1`, of `/proc/<pid>/status`.
    pub mems: Option<String>,
    /// Processors that are there and that it may run on, as `0-3,6`; `None` if there are too many to ask for.
    pub cpus: Option<String>,
    /// Nice value.
    pub nice: i32,
    /// Scheduling policy by the kernel's number, 0 for the usual one.
    pub policy: u32,
    /// Class and priority for input and output as the kernel keeps them, 0 for none of its own.
    pub io_priority: Option<i32>,
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
        mems: None,
        cpus: processors(process.pid()),
        nice: stat.nice,
        policy: stat.policy,
        io_priority: io_priority(process),
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

/// Parses `/proc/<pid>/limits`. A limit that this table lacks stands under the kernel's own words.
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
    text.lines().skip(1).map(line).collect()
}

/// Those that are there: what `/proc/<pid>/status` shows has processors in it that no cpuset could give.
pub fn processors(pid: i32) -> Option<String> {
    let set = sched_getaffinity(Pid::from_raw(pid)).ok()?;
    Some(ranges((0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false))))
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

/// `ioprio_get(2)`, which has no wrapper, without what says nothing; `None` in a kernel without it.
fn io_priority(process: &Process) -> Option<i32> {
    const WHO_PROCESS: nix::libc::c_int = 1;
    // SAFETY: the call takes two numbers and touches no memory of ours.
    let priority = unsafe { nix::libc::syscall(nix::libc::SYS_ioprio_get, WHO_PROCESS, process.pid()) };
    i32::try_from(priority).ok().filter(|priority| *priority >= 0).map(of_a_class)
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
        assert!(!seen.cpus.as_deref().is_some_and(str::is_empty), "{seen:?}");
    }
}
