//! Filters on system calls: a small assembler, the sandbox's, and the one that makes this kernel look like Linux 4.19.

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
const FIRST_ARGUMENT_AT: u32 = 16;

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

/// Namespaces that `clone` may not make under the default profile.
const NEW_NAMESPACES: u32 = 0x7e02_0000;

/// What containerd's default profile denies to a process with the default capabilities, of the calls that libc names on
/// every architecture. Source: containerd contrib/seccomp/seccomp_default.go, release/1.6, which lists what is allowed;
/// a call that is in neither list is younger than both.
const DENIED: [libc::c_long; 46] = [
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_get_mempolicy,
    libc::SYS_init_module,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mbind,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    libc::SYS_name_to_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_set_mempolicy,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

/// Filters this process as a CRI runtime's default profile does a sandbox.
///
/// # Errors
/// The kernel's, or an architecture whose number is not known here.
pub fn deny_what_a_sandbox_needs_not() -> Result<(), Fault> {
    let arch = match std::env::consts::ARCH {
        "x86_64" => ARCH,
        "aarch64" => 0xc000_00b7,
        other => return Err(Fault::new("filter system calls", format!("the architecture {other} is not known"))),
    };
    install(&sandbox_filter(arch)).to(|| "filter system calls")
}

fn sandbox_filter(arch: u32) -> Vec<sock_filter> {
    let refuse = |errno: Errno| answer(libc::SECCOMP_RET_ERRNO | errno as u32);
    let number = |call: libc::c_long| u32::try_from(call).unwrap_or(u32::MAX);
    let mut filter = vec![
        load(ARCH_AT),
        jump(libc::BPF_JEQ, arch, 1, 0),
        refuse(Errno::EPERM),
        load(NUMBER_AT),
        // Its flags lie in memory, where no filter looks: who asks falls back to clone.
        jump(libc::BPF_JEQ, number(libc::SYS_clone3), 0, 1),
        refuse(Errno::ENOSYS),
    ];
    for call in DENIED {
        filter.extend([jump(libc::BPF_JEQ, number(call), 0, 1), refuse(Errno::EPERM)]);
    }
    filter.extend([
        jump(libc::BPF_JEQ, number(libc::SYS_clone), 0, 3),
        load(FIRST_ARGUMENT_AT),
        jump(libc::BPF_JSET, NEW_NAMESPACES, 0, 1),
        refuse(Errno::EPERM),
        answer(libc::SECCOMP_RET_ALLOW),
    ]);
    filter
}

/// Installs a filter. Needs SYS_ADMIN or no_new_privs.
fn install(filter: &[sock_filter]) -> nix::Result<()> {
    let length = u16::try_from(filter.len()).map_err(|_| Errno::E2BIG)?;
    let program = sock_fprog { len: length, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the kernel copies `len` instructions from `filter`, which lives across the call, and writes nothing.
    let done = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    Errno::result(done).map(drop)
}

fn load(offset: u32) -> sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0, 0)
}

fn jump(test: u32, value: u32, then: u8, otherwise: u8) -> sock_filter {
    instruction(libc::BPF_JMP | test | libc::BPF_K, value, then, otherwise)
}

fn answer(value: u32) -> sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, value, 0, 0)
}

fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: u16::try_from(code).unwrap_or(u16::MAX), jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the kernel would run it, for the few instructions there are.
    fn asked(filter: &[sock_filter], arch: u32, number: libc::c_long, argument: u32) -> u32 {
        let word = |at: u32| match at {
            NUMBER_AT => u32::try_from(number).expect("a number"),
            ARCH_AT => arch,
            FIRST_ARGUMENT_AT => argument,
            other => panic!("nothing is at {other}"),
        };
        let (mut at, mut held) = (0, 0);
        loop {
            let this = filter[at];
            let code = u32::from(this.code);
            let test = match code & 0xf0 {
                _ if code & 7 == libc::BPF_RET => return this.k,
                _ if code & 7 == libc::BPF_LD => {
                    held = word(this.k);
                    at += 1;
                    continue;
                }
                libc::BPF_JEQ => held == this.k,
                libc::BPF_JGT => held > this.k,
                libc::BPF_JSET => held & this.k != 0,
                other => panic!("an unknown test {other:#x}"),
            };
            at += 1 + usize::from(if test { this.jt } else { this.jf });
        }
    }

    #[test]
    fn a_sandbox_may_do_what_pause_does_and_little_else() {
        let filter = sandbox_filter(ARCH);
        let answer = |number, argument| asked(&filter, ARCH, number, argument);
        let refused = |errno: Errno| libc::SECCOMP_RET_ERRNO | errno as u32;
        for number in [libc::SYS_pause, libc::SYS_wait4, libc::SYS_execve, libc::SYS_read, libc::SYS_exit_group] {
            assert_eq!(answer(number, 0), libc::SECCOMP_RET_ALLOW, "{number}");
        }
        assert_eq!(answer(libc::SYS_mount, 0), refused(Errno::EPERM));
        assert_eq!(answer(libc::SYS_userfaultfd, 0), refused(Errno::EPERM));
        assert_eq!(answer(libc::SYS_clone3, 0), refused(Errno::ENOSYS));
        assert_eq!(answer(libc::SYS_clone, 17), libc::SECCOMP_RET_ALLOW);
        assert_eq!(answer(libc::SYS_clone, 0x1000_0011), refused(Errno::EPERM));
        assert_eq!(asked(&filter, 0x4000_0003, 1, 0), refused(Errno::EPERM), "another architecture");
    }

    #[test]
    fn the_floor_ends_at_rseq() {
        let filter = floor_filter();
        assert_eq!(asked(&filter, ARCH, 334, 0), libc::SECCOMP_RET_ALLOW);
        assert_eq!(asked(&filter, ARCH, 335, 0), libc::SECCOMP_RET_ERRNO | Errno::ENOSYS as u32);
    }
}
