//! From a seccomp profile to the program that the kernel runs at each system call.
//!
//! Calls next to each other by number that have one fate are one span, and the span of a call is searched by halves: a
//! profile of three hundred names becomes a hundred instructions, of which a call passes ten.

use super::fault::{Context, Fault};
use super::seccomp::{and, answer, go, jump, load};
use crate::pod::{Action, Condition, Op, Rule, SeccompFilter};
use nix::errno::Errno;
use nix::libc::{self, sock_filter};
use std::collections::BTreeMap;
use std::str::FromStr;
use syscalls::Sysno;

/// Offsets in `struct seccomp_data`; words are in the host's order, which is little-endian on both architectures.
const NUMBER_AT: u32 = 0;
const ARCH_AT: u32 = 4;
const ARGUMENTS_AT: u32 = 16;
/// From here on x86-64's numbers are those of x32.
const X32: u32 = 0x4000_0000;

/// What becomes of a span of calls.
#[derive(Clone, PartialEq, Eq)]
enum Fate {
    /// One answer for all.
    Answer(u32),
    /// It depends on the arguments of one call.
    Depends(Vec<(Vec<Condition>, u32)>),
}

/// Compiles a profile for this architecture. As runc 1.1 does, a call younger than all that the profile names gets ENOSYS
/// where the profile would refuse it, so that programs fall back; a call of another architecture is refused with EPERM.
/// A rule without conditions goes before those with some, as libseccomp has it.
///
/// # Errors
/// An architecture whose number is not known here.
pub fn compile(filter: &SeccompFilter) -> Result<Vec<sock_filter>, Fault> {
    let arch = match std::env::consts::ARCH {
        "x86_64" => 0xc000_003e,
        "aarch64" => 0xc000_00b7,
        other => return Err(format!("the architecture {other} is not known")).to(|| "filter system calls"),
    };
    let otherwise = code(filter.default_action, filter.default_errno_ret);
    let fates = fates(filter, otherwise);
    let youngest = fates.keys().next_back().copied();
    let no_such_call = code(Action::Errno, Some(Errno::ENOSYS as u32));
    let refuses = !matches!(filter.default_action, Action::Allow | Action::Log) && otherwise != no_such_call;
    let mut spans = spans(fates, otherwise);
    if let Some(youngest) = youngest.filter(|_| refuses) {
        spans.pop();
        spans.push((youngest + 1, Fate::Answer(no_such_call)));
    }
    let refused = code(Action::Errno, None);
    spans.push((X32, Fate::Answer(refused)));
    let mut program = vec![load(ARCH_AT), jump(libc::BPF_JEQ, arch, 1, 0), answer(refused), load(NUMBER_AT)];
    program.extend(search(&spans, otherwise));
    Ok(program)
}

/// What the profile says of each call that it names and this architecture has.
fn fates(filter: &SeccompFilter, otherwise: u32) -> BTreeMap<u32, Fate> {
    let mut fates = BTreeMap::new();
    for rule in &filter.syscalls {
        let answer = code(rule.action, rule.errno_ret);
        let numbers = rule.names.iter().filter_map(|name| Sysno::from_str(name).ok());
        for number in numbers.filter_map(|call| u32::try_from(call.id()).ok()) {
            let fate = fates.entry(number).or_insert_with(|| Fate::Depends(Vec::new()));
            let Fate::Depends(ways) = fate else { continue };
            if rule.args.is_empty() {
                *fate = Fate::Answer(answer);
            } else if answer != otherwise {
                ways.extend(alternatives(rule).into_iter().map(|conditions| (conditions, answer)));
            }
        }
    }
    fates
}

/// Several conditions on one argument cannot all be meant at once: each is a way of its own then, as for runc.
fn alternatives(rule: &Rule) -> Vec<Vec<Condition>> {
    let twice = |one: &Condition| rule.args.iter().filter(|other| other.index == one.index).count() > 1;
    match rule.args.iter().any(twice) {
        true => rule.args.iter().map(|condition| vec![condition.clone()]).collect(),
        false => vec![rule.args.clone()],
    }
}

/// Where each span begins, in order; the first at 0, the last without end.
fn spans(fates: BTreeMap<u32, Fate>, otherwise: u32) -> Vec<(u32, Fate)> {
    let mut spans: Vec<(u32, Fate)> = vec![(0, Fate::Answer(otherwise))];
    let mut next = 0;
    let mut add = |start: u32, fate: Fate| match spans.last_mut() {
        Some((_, last)) if *last == fate => {}
        Some((at, last)) if *at == start => *last = fate,
        _ => spans.push((start, fate)),
    };
    for (number, fate) in fates {
        if number > next {
            add(next, Fate::Answer(otherwise));
        }
        add(number, fate);
        next = number + 1;
    }
    // Always there, so that the caller may say otherwise of what is younger.
    spans.push((next, Fate::Answer(otherwise)));
    spans
}

fn search(spans: &[(u32, Fate)], otherwise: u32) -> Vec<sock_filter> {
    match spans {
        [] => vec![answer(otherwise)],
        [(_, Fate::Answer(value))] => vec![answer(*value)],
        [(_, Fate::Depends(ways))] => {
            let mut program: Vec<sock_filter> = ways.iter().flat_map(|(all, value)| way(all, *value)).collect();
            program.push(answer(otherwise));
            program
        }
        _ => {
            let (lower, upper) = spans.split_at(spans.len() / 2);
            let below = search(lower, otherwise);
            let begin = upper.first().map_or(0, |(begin, _)| *begin);
            let mut program = vec![jump(libc::BPF_JGE, begin, 0, 1), go(below.len())];
            program.extend(below);
            program.extend(search(upper, otherwise));
            program
        }
    }
}

/// Answers if all conditions hold, and goes on behind itself if not.
fn way(conditions: &[Condition], value: u32) -> Vec<sock_filter> {
    let mut program = vec![answer(value)];
    for condition in conditions.iter().rev() {
        let mut with = check(condition, u8::try_from(program.len()).unwrap_or(u8::MAX));
        with.append(&mut program);
        program = with;
    }
    program
}

/// Goes on if the condition holds, and `rest` instructions beyond itself if not.
fn check(condition: &Condition, rest: u8) -> Vec<sock_filter> {
    use libc::{BPF_JEQ, BPF_JGE, BPF_JGT};
    let halves = |value: u64| {
        let half = |shift: u32| u32::try_from((value >> shift) & u64::from(u32::MAX)).unwrap_or(0);
        (half(32), half(0))
    };
    let low_at = ARGUMENTS_AT + 8 * condition.index;
    let (low, high) = (load(low_at), load(low_at + 4));
    let (value_high, value_low) = halves(condition.value);
    match condition.op {
        Op::Eq => {
            vec![high, jump(BPF_JEQ, value_high, 0, rest + 2), low, jump(BPF_JEQ, value_low, 0, rest)]
        }
        Op::Ne => vec![high, jump(BPF_JEQ, value_high, 0, 2), low, jump(BPF_JEQ, value_low, rest, 0)],
        Op::Gt | Op::Ge => {
            let last = if condition.op == Op::Gt { BPF_JGT } else { BPF_JGE };
            vec![
                high,
                jump(BPF_JGT, value_high, 3, 0),
                jump(BPF_JEQ, value_high, 0, rest + 2),
                low,
                jump(last, value_low, 0, rest),
            ]
        }
        Op::Lt | Op::Le => {
            let last = if condition.op == Op::Lt { BPF_JGE } else { BPF_JGT };
            vec![
                high,
                jump(BPF_JGT, value_high, rest + 3, 0),
                jump(BPF_JEQ, value_high, 0, 2),
                low,
                jump(last, value_low, rest, 0),
            ]
        }
        Op::MaskedEq => {
            let (wanted_high, wanted_low) = halves(condition.value_two);
            vec![
                high,
                and(value_high),
                jump(BPF_JEQ, wanted_high, 0, rest + 3),
                low,
                and(value_low),
                jump(BPF_JEQ, wanted_low, 0, rest),
            ]
        }
    }
}

fn code(action: Action, errno: Option<u32>) -> u32 {
    match action {
        Action::Allow => libc::SECCOMP_RET_ALLOW,
        Action::Errno => libc::SECCOMP_RET_ERRNO | errno.unwrap_or(Errno::EPERM as u32) & libc::SECCOMP_RET_DATA,
        Action::Log => libc::SECCOMP_RET_LOG,
        Action::Trap => libc::SECCOMP_RET_TRAP,
        Action::KillThread => libc::SECCOMP_RET_KILL_THREAD,
        Action::KillProcess => libc::SECCOMP_RET_KILL_PROCESS,
    }
}

#[cfg(test)]
mod tests {
    use super::super::seccomp::run;
    use super::*;

    fn refused(errno: Errno) -> u32 {
        code(Action::Errno, Some(errno as u32))
    }

    fn rule(names: &[&str], action: Action, errno: Option<Errno>, args: Vec<Condition>) -> Rule {
        Rule {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            action,
            errno_ret: errno.map(|errno| errno as u32),
            args,
        }
    }

    fn condition(index: u32, op: Op, value: u64, value_two: u64) -> Condition {
        Condition { index, value, value_two, op }
    }

    fn native() -> u32 {
        if cfg!(target_arch = "aarch64") { 0xc000_00b7 } else { 0xc000_003e }
    }

    fn asked(filter: &SeccompFilter, call: Sysno, args: [u64; 6]) -> u32 {
        let program = compile(filter).expect("a known architecture");
        run(&program, native(), u32::try_from(call.id()).expect("a number"), args)
    }

    #[test]
    fn every_call_has_the_answer_of_a_plain_reading_of_its_profile() {
        let filter = SeccompFilter {
            default_action: Action::Errno,
            default_errno_ret: Some(Errno::EACCES as u32),
            syscalls: vec![
                rule(&["read", "write", "close", "nonesuch"], Action::Allow, None, vec![]),
                rule(&["mkdirat", "chdir"], Action::Errno, Some(Errno::ENOTDIR), vec![]),
                rule(&["fchdir"], Action::KillProcess, None, vec![]),
                rule(&["keyctl"], Action::Log, None, vec![]),
            ],
            ..SeccompFilter::default()
        };
        let youngest = Sysno::iter().filter(|c| ["keyctl", "mkdirat", "fchdir"].contains(&c.name())).max();
        for call in Sysno::iter() {
            let expected = match call.name() {
                "read" | "write" | "close" => libc::SECCOMP_RET_ALLOW,
                "mkdirat" | "chdir" => refused(Errno::ENOTDIR),
                "fchdir" => libc::SECCOMP_RET_KILL_PROCESS,
                "keyctl" => libc::SECCOMP_RET_LOG,
                _ if Some(call) > youngest => refused(Errno::ENOSYS),
                _ => refused(Errno::EACCES),
            };
            assert_eq!(asked(&filter, call, [0; 6]), expected, "{call}");
        }
        let program = compile(&filter).expect("a known architecture");
        assert_eq!(run(&program, native(), X32 + 1, [0; 6]), refused(Errno::EPERM), "x32");
        assert_eq!(run(&program, 0x4000_0003, 3, [0; 6]), refused(Errno::EPERM), "another architecture");
    }

    #[test]
    fn a_profile_that_allows_by_default_has_no_youngest_call() {
        let filter = SeccompFilter {
            default_action: Action::Allow,
            syscalls: vec![rule(&["mkdirat"], Action::Errno, None, vec![])],
            ..SeccompFilter::default()
        };
        assert_eq!(asked(&filter, Sysno::mkdirat, [0; 6]), refused(Errno::EPERM));
        assert_eq!(asked(&filter, Sysno::openat2, [0; 6]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(asked(&filter, Sysno::read, [0; 6]), libc::SECCOMP_RET_ALLOW);
    }

    #[test]
    fn comparisons_are_of_all_sixty_four_bits() {
        let wide = 5 << 32 | 7;
        let around = [0, 7, 6 << 32, wide - 1, wide, wide + 1, 4 << 32 | 8, 6 << 32 | 1, u64::MAX];
        type Holds = fn(u64, u64) -> bool;
        let ops: [(Op, Holds); 6] = [
            (Op::Eq, |a, b| a == b),
            (Op::Ne, |a, b| a != b),
            (Op::Gt, |a, b| a > b),
            (Op::Ge, |a, b| a >= b),
            (Op::Lt, |a, b| a < b),
            (Op::Le, |a, b| a <= b),
        ];
        for (op, holds) in ops {
            // A second condition after it shows that a failing one jumps behind the answer, not into it.
            let args = vec![condition(2, op, wide, 0), condition(0, Op::MaskedEq, 0xff << 32 | 0xf0, 3 << 32 | 0x10)];
            let filter = SeccompFilter {
                default_action: Action::Allow,
                syscalls: vec![rule(&["write"], Action::Errno, Some(Errno::EIO), args)],
                ..SeccompFilter::default()
            };
            for argument in around {
                for (first, masked) in [(3 << 32 | 0x1f, true), (0x1f, false), (3 << 32, false)] {
                    let expected =
                        if holds(argument, wide) && masked { refused(Errno::EIO) } else { libc::SECCOMP_RET_ALLOW };
                    let seen = asked(&filter, Sysno::write, [first, 0, argument, 0, 0, 0]);
                    assert_eq!(seen, expected, "{op:?} {argument:#x} {first:#x}");
                }
            }
        }
    }

    #[test]
    fn conditions_on_one_argument_are_alternatives() {
        let args = vec![condition(0, Op::Eq, 1, 0), condition(0, Op::Eq, 4, 0)];
        let filter = SeccompFilter {
            default_action: Action::Errno,
            syscalls: vec![rule(&["write"], Action::Allow, None, args)],
            ..SeccompFilter::default()
        };
        let answers: Vec<bool> =
            (0..6).map(|n| asked(&filter, Sysno::write, [n, 0, 0, 0, 0, 0]) == libc::SECCOMP_RET_ALLOW).collect();
        assert_eq!(answers, [false, true, false, false, true, false]);
    }
}
