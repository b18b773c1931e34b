//! Filters on system calls: a small assembler, and the filter that makes this kernel look like Linux 4.19.

use super::fault::{Context, Fault};
use nix::errno::Errno;
use nix::libc::{self, sock_filter, sock_fprog};

/// `AUDIT_ARCH_X86_64`.
const ARCH: u32 = 0xc000_003e;
/// Number of the youngest system call of Linux 4.19 on x86-64: rseq.
const NEWEST_OF_4_19: u32 = 334;
/// Offsets in `struct seccomp_data`.
const NUMBER_AT: u32 = 0;
const ARCH_AT: u32 = 4;

/// From here on this process and all it starts get ENOSYS for every system call that Linux 4.19 has not. Shows that the
/// engine needs none of them.
///
/// # Errors
/// The kernel's, or another architecture than x86-64.
pub fn deny_newer_than_4_19() -> Result<(), Fault> {
    let action = "pretend to be on Linux 4.19";
    if !cfg!(target_arch = "x86_64") {
        return Err(Fault::new(action, "system call numbers are known for x86-64 only"));
    }
    install(&floor_filter()).to(|| action)
}

fn floor_filter() -> [sock_filter; 6] {
    [
        load(ARCH_AT),
        jump(libc::BPF_JEQ, ARCH, 0, 2),
        load(NUMBER_AT),
        jump(libc::BPF_JGT, NEWEST_OF_4_19, 1, 0),
        answer(libc::SECCOMP_RET_ALLOW),
        answer(libc::SECCOMP_RET_ERRNO | Errno::ENOSYS as u32),
    ]
}

/// Installs a filter. Needs SYS_ADMIN or no_new_privs.
///
/// # Errors
/// The kernel's.
pub fn install(filter: &[sock_filter]) -> nix::Result<()> {
    let length = u16::try_from(filter.len()).map_err(|_| Errno::E2BIG)?;
    let program = sock_fprog { len: length, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the kernel copies `len` instructions from `filter`, which lives across the call, and writes nothing.
    let done = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    Errno::result(done).map(drop)
}

/// Loads a word of `struct seccomp_data`.
pub fn load(offset: u32) -> sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0, 0)
}

/// Compares the word that was loaded, and jumps over so many instructions.
pub fn jump(test: u32, value: u32, then: u8, otherwise: u8) -> sock_filter {
    instruction(libc::BPF_JMP | test | libc::BPF_K, value, then, otherwise)
}

/// Masks the word that was loaded.
pub fn and(mask: u32) -> sock_filter {
    instruction(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, mask, 0, 0)
}

/// Jumps over any number of instructions.
pub fn go(over: usize) -> sock_filter {
    instruction(libc::BPF_JMP | libc::BPF_JA, u32::try_from(over).unwrap_or(u32::MAX), 0, 0)
}

/// Ends with what becomes of the call.
pub fn answer(value: u32) -> sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, value, 0, 0)
}

fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: u16::try_from(code).unwrap_or(u16::MAX), jt, jf, k }
}

/// As the kernel would run it, for the few instructions there are.
#[cfg(test)]
pub fn run(filter: &[sock_filter], arch: u32, number: u32, arguments: [u64; 6]) -> u32 {
    let word = |at: u32| match at {
        NUMBER_AT => number,
        ARCH_AT => arch,
        16.. => {
            let argument = arguments[usize::try_from((at - 16) / 8).expect("an index")];
            u32::try_from(argument >> (8 * (at % 8)) & 0xffff_ffff).expect("half of it")
        }
        other => panic!("nothing is at {other}"),
    };
    let (mut at, mut held) = (0, 0);
    loop {
        let this = filter[at];
        let code = u32::from(this.code);
        at += 1;
        match code & 7 {
            libc::BPF_RET => return this.k,
            libc::BPF_LD => held = word(this.k),
            libc::BPF_ALU => held &= this.k,
            _ if code & 0xf0 == libc::BPF_JA => at += usize::try_from(this.k).expect("an offset"),
            _ => {
                let test = match code & 0xf0 {
                    libc::BPF_JEQ => held == this.k,
                    libc::BPF_JGT => held > this.k,
                    libc::BPF_JGE => held >= this.k,
                    other => panic!("an unknown test {other:#x}"),
                };
                at += usize::from(if test { this.jt } else { this.jf });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_ends_at_rseq() {
        let filter = floor_filter();
        assert_eq!(run(&filter, ARCH, 334, [0; 6]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(run(&filter, ARCH, 335, [0; 6]), libc::SECCOMP_RET_ERRNO | Errno::ENOSYS as u32);
    }
}
