//! Device rules on cgroup v2: a program that the kernel asks at each open and mknod.

use super::devices::{Kind, PRIVILEGED_RULES, Rule};
use super::fault::{Context, Fault};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sys::stat::Mode;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

const PROG_LOAD: i32 = 5;
const PROG_ATTACH: i32 = 8;
const PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const ATTACH_CGROUP_DEVICE: u32 = 6;
/// Programs further down are asked too; all must agree.
const ALLOW_MULTI: u32 = 2;

/// Bits of the type and the access in the first word of `struct bpf_cgroup_dev_ctx`.
const BLOCK: i32 = 1;
const CHAR: i32 = 2;
const MKNOD: i32 = 1;
const READ: i32 = 2;
const WRITE: i32 = 4;

/// Registers.
const RESULT: u8 = 0;
const CONTEXT: u8 = 1;
const KIND: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;
const SCRATCH: u8 = 6;

/// Puts the rules on a cgroup, by its directory.
///
/// # Errors
/// The kernel's.
pub fn attach(cgroup: &Path, rules: &[Rule]) -> Result<(), Fault> {
    let program = load(&assemble(rules)).to(|| "load the program of device rules")?;
    let dir = open(cgroup, OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty());
    let dir = dir.to(|| format!("open {}", cgroup.display()))?;
    let attribute: [u32; 4] =
        [dir.as_raw_fd().unsigned_abs(), program.as_raw_fd().unsigned_abs(), ATTACH_CGROUP_DEVICE, ALLOW_MULTI];
    // SAFETY: BPF_PROG_ATTACH reads four words, which live across the call.
    let attached = unsafe { libc::syscall(libc::SYS_bpf, PROG_ATTACH, attribute.as_ptr(), size_of_val(&attribute)) };
    Errno::result(attached).map(drop).to(|| format!("put device rules on {}", cgroup.display()))
}

/// The head of `union bpf_attr` for BPF_PROG_LOAD.
#[repr(C)]
struct Load {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buffer: u64,
    kernel_version: u32,
    flags: u32,
}

fn load(program: &[u64]) -> nix::Result<OwnedFd> {
    let attribute = Load {
        kind: PROG_TYPE_CGROUP_DEVICE,
        count: u32::try_from(program.len()).unwrap_or(u32::MAX),
        instructions: program.as_ptr() as u64,
        license: c"Apache-2.0".as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log_buffer: 0,
        kernel_version: 0,
        flags: 0,
    };
    // SAFETY: the kernel reads the struct, `count` instructions of eight bytes and the license, all of which live across
    // the call, and writes nothing: there is no log.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, PROG_LOAD, &raw const attribute, size_of::<Load>()) };
    let fd = Errno::result(fd)?;
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(i32::try_from(fd).unwrap_or(-1)) })
}

/// Denies unless a rule covers kind, numbers and all of the access asked for.
fn assemble(rules: &[Rule]) -> Vec<u64> {
    let mut program = vec![
        load_word(KIND, 0),
        move_register(ACCESS, KIND),
        and(KIND, 0xffff),
        shift_right(ACCESS, 16),
        load_word(MAJOR, 4),
        load_word(MINOR, 8),
    ];
    for rule in rules {
        program.extend(one(rule));
        if *rule == PRIVILEGED_RULES[0] {
            return program; // the kernel loads no program that has instructions after that
        }
    }
    program.extend([move_number(RESULT, 0), leave()]);
    program
}

/// Tests of one rule; each jumps over the rest if it fails.
fn one(rule: &Rule) -> Vec<u64> {
    let has = |letter, bit| if rule.access.contains(letter) { bit } else { 0 };
    let allowed = has('m', MKNOD) | has('r', READ) | has('w', WRITE);
    let mut tests: Vec<Vec<u64>> = Vec::new();
    match rule.kind {
        Kind::Any => {}
        Kind::Block => tests.push(vec![jump_unless_equal(KIND, BLOCK)]),
        Kind::Char => tests.push(vec![jump_unless_equal(KIND, CHAR)]),
    }
    if allowed != MKNOD | READ | WRITE {
        let beyond = !allowed & (MKNOD | READ | WRITE);
        tests.push(vec![move_register(SCRATCH, ACCESS), and(SCRATCH, beyond), jump_unless_equal(SCRATCH, 0)]);
    }
    for (register, number) in [(MAJOR, rule.major), (MINOR, rule.minor)] {
        if let Some(number) = number {
            tests.push(vec![jump_unless_equal(register, number.cast_signed())]);
        }
    }
    let mut block = tests.concat();
    block.extend([move_number(RESULT, 1), leave()]);
    let end = block.len();
    for (at, instruction) in block.iter_mut().enumerate() {
        if *instruction & 0xff == JUMP_UNLESS_EQUAL {
            *instruction |= ((end - at - 1) as u64) << 16;
        }
    }
    block
}

const JUMP_UNLESS_EQUAL: u64 = 0x55;

/// One instruction of eBPF: code, target and source register, offset, number.
fn instruction(code: u64, target: u8, source: u8, offset: u16, number: i32) -> u64 {
    code | u64::from(target) << 8
        | u64::from(source) << 12
        | u64::from(offset) << 16
        | u64::from(number.cast_unsigned()) << 32
}

fn load_word(register: u8, offset: u16) -> u64 {
    instruction(0x61, register, CONTEXT, offset, 0)
}

fn move_register(to: u8, from: u8) -> u64 {
    instruction(0xbf, to, from, 0, 0)
}

fn move_number(to: u8, number: i32) -> u64 {
    instruction(0xb7, to, 0, 0, number)
}

fn and(register: u8, number: i32) -> u64 {
    instruction(0x54, register, 0, 0, number)
}

fn shift_right(register: u8, by: i32) -> u64 {
    instruction(0x74, register, 0, 0, by)
}

fn jump_unless_equal(register: u8, number: i32) -> u64 {
    instruction(JUMP_UNLESS_EQUAL, register, 0, 0, number)
}

fn leave() -> u64 {
    0x95
}

#[cfg(test)]
mod tests {
    use super::super::devices::DEFAULT_RULES;
    use super::*;

    /// As the kernel would run it, for the few instructions there are.
    fn asked(program: &[u64], kind: i32, access: i32, major: u32, minor: u32) -> bool {
        let words = [u64::from((access << 16 | kind).cast_unsigned()), major.into(), minor.into()];
        let mut registers = [0_u64; 10];
        let mut at = 0;
        loop {
            let this = program[at];
            let (target, source) = ((this >> 8 & 15) as usize, (this >> 12 & 15) as usize);
            let (offset, number) = ((this >> 16 & 0xffff) as usize, this >> 32);
            at += 1;
            match this & 0xff {
                0x61 => registers[target] = words[offset / 4],
                0xbf => registers[target] = registers[source],
                0xb7 => registers[target] = number,
                0x54 => registers[target] &= number,
                0x74 => registers[target] >>= number,
                JUMP_UNLESS_EQUAL => at += if registers[target] == number { 0 } else { offset },
                0x95 => return registers[0] == 1,
                other => panic!("an unknown instruction {other:#x}"),
            }
        }
    }

    #[test]
    fn the_program_decides_as_the_rules_say() {
        let program = assemble(&DEFAULT_RULES);
        assert!(asked(&program, CHAR, READ | WRITE, 1, 3), "null may be opened");
        assert!(asked(&program, CHAR, READ, 136, 7), "every pts may be opened");
        assert!(asked(&program, BLOCK, MKNOD, 8, 0), "every node may be made");
        assert!(!asked(&program, BLOCK, READ, 8, 0), "no disk may be opened");
        assert!(!asked(&program, CHAR, READ | MKNOD, 10, 1), "an unlisted device may not be opened");
        assert!(!asked(&program, BLOCK, READ, 1, 3), "the kind matters");
        let all = assemble(&PRIVILEGED_RULES);
        assert!(asked(&all, BLOCK, READ | WRITE | MKNOD, 8, 0));
        assert_eq!(all.iter().filter(|i| **i == leave()).count(), 1, "nothing follows what allows everything");
        assert!(!asked(&assemble(&[]), CHAR, READ, 1, 3));
    }
}
