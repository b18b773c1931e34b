//! The runtime's default profile: what containerd lets a container call, by the capabilities that it may have.
//!
//! Source: <https://github.com/containerd/containerd/blob/96929a5d3102bdc9d5d108c104ddb38c8991a789/contrib/seccomp/seccomp_default.go>,
//! as far as x86-64 and 64-bit ARM have these calls.

use super::capabilities::CapabilitySet;
use crate::pod::{Action, Condition, Op, Rule, SeccompFilter};
use nix::errno::Errno;

/// Allowed to everybody.
const ALLOWED: &str = "
    accept accept4 access adjtimex alarm arch_prctl bind brk
    capget capset chdir chmod chown clock_adjtime clock_getres clock_gettime clock_nanosleep close close_range connect
    copy_file_range creat dup dup2 dup3
    epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2
    execve execveat exit exit_group
    faccessat faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat fchown fchownat fcntl fdatasync fgetxattr
    flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_waitv futimesat
    get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername
    getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname
    getsockopt gettid gettimeofday getuid getxattr
    inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup
    io_submit io_uring_enter io_uring_register io_uring_setup ioctl ioprio_get ioprio_set
    kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat listen listxattr
    llistxattr lremovexattr lseek lsetxattr lstat
    madvise membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap modify_ldt
    mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap msgctl msgget msgrcv msgsnd msync
    munlock munlockall munmap nanosleep newfstatat fstatat open openat openat2
    pause pidfd_open pidfd_send_signal pipe pipe2 poll ppoll prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6
    ptrace pwrite64 pwritev pwritev2
    read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr rename renameat renameat2
    restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
    rt_sigtimedwait rt_tgsigqueueinfo
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
    sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl
    semget semop semtimedop sendfile sendmmsg sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid
    setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt
    setuid setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 socket socketpair splice stat statfs
    statx symlink symlinkat sync sync_file_range syncfs sysinfo
    tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
    timerfd_settime times tkill truncate
    umask uname unlink unlinkat utime utimensat utimes vfork vmsplice wait4 waitid write writev";

/// Allowed to who may have a capability.
const WITH: [(&str, &str); 12] = [
    (
        "SYS_ADMIN",
        "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount \
         name_to_handle_at open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount2 \
         unshare",
    ),
    ("DAC_READ_SEARCH", "open_by_handle_at"),
    ("SYS_BOOT", "reboot"),
    ("SYS_CHROOT", "chroot"),
    ("SYS_MODULE", "delete_module init_module finit_module"),
    ("SYS_PACCT", "acct"),
    ("SYS_PTRACE", "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev"),
    ("SYS_RAWIO", "iopl ioperm"),
    ("SYS_TIME", "settimeofday clock_settime"),
    ("SYS_TTY_CONFIG", "vhangup"),
    ("SYSLOG", "syslog"),
    ("BPF", "bpf"),
];

/// Execution domains that `personality` may choose.
const DOMAINS: [u64; 5] = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// Flags of `clone` that make namespaces.
const NEW_NAMESPACES: u64 = 0x7e02_0000;

/// The profile of a process with this bounding set.
pub fn profile(capabilities: CapabilitySet) -> SeccompFilter {
    let rule = |names: &str, action, errno: Option<Errno>, args| Rule {
        names: names.split_whitespace().map(str::to_owned).collect(),
        action,
        errno_ret: errno.map(|errno| errno as u32),
        args,
    };
    let allow = |names: &str, args| rule(names, Action::Allow, None, args);
    let mut syscalls = vec![allow(ALLOWED, Vec::new())];
    let domain = |value| vec![Condition { index: 0, value, value_two: 0, op: Op::Eq }];
    syscalls.extend(DOMAINS.into_iter().map(|value| allow("personality", domain(value))));
    for (capability, names) in WITH {
        if capabilities.has(capability) {
            syscalls.push(allow(names, Vec::new()));
        }
    }
    if capabilities.has("PERFMON") {
        syscalls.push(allow("perf_event_open", Vec::new()));
    }
    if !capabilities.has("SYS_ADMIN") {
        let none = Condition { index: 0, value: NEW_NAMESPACES, value_two: 0, op: Op::MaskedEq };
        syscalls.push(allow("clone", vec![none]));
        // Its flags lie in memory, where no filter looks: who asks falls back to clone.
        syscalls.push(rule("clone3", Action::Errno, Some(Errno::ENOSYS), Vec::new()));
    }
    SeccompFilter { default_action: Action::Errno, syscalls, ..SeccompFilter::default() }
}

#[cfg(test)]
mod tests {
    use super::super::seccomp::run;
    use super::super::seccomp_filter::compile;
    use super::*;
    use nix::libc;
    use std::str::FromStr;
    use syscalls::Sysno;

    fn answer(add: &[&str], call: Sysno, argument: u64) -> u32 {
        let add: Vec<String> = add.iter().map(|name| (*name).to_owned()).collect();
        let default = CapabilitySet::default_set();
        let set = default.adjusted(&add, &[], default).expect("known names");
        let program = compile(&profile(set)).expect("a known architecture");
        let arch = if cfg!(target_arch = "aarch64") { 0xc000_00b7 } else { 0xc000_003e };
        run(&program, arch, u32::try_from(call.id()).expect("a number"), [argument, 0, 0, 0, 0, 0])
    }

    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

    fn refused(errno: Errno) -> u32 {
        libc::SECCOMP_RET_ERRNO | errno as u32
    }

    #[test]
    fn every_name_is_a_system_call_of_this_architecture_or_a_known_other() {
        let elsewhere = ["fstatat"];
        let all = ALLOWED.split_whitespace().chain(WITH.iter().flat_map(|(_, names)| names.split_whitespace()));
        if cfg!(target_arch = "x86_64") {
            for name in all.filter(|name| !elsewhere.contains(name)) {
                assert!(Sysno::from_str(name).is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn a_plain_process_may_work_and_not_administer() {
        for call in [Sysno::read, Sysno::wait4, Sysno::execve, Sysno::exit_group, Sysno::chroot, Sysno::mkdirat] {
            assert_eq!(answer(&[], call, 0), ALLOW, "{call}");
        }
        for call in [Sysno::mount, Sysno::unshare, Sysno::userfaultfd, Sysno::keyctl, Sysno::setns, Sysno::sethostname]
        {
            assert_eq!(answer(&[], call, 0), refused(Errno::EPERM), "{call}");
        }
        assert_eq!(answer(&[], Sysno::clone3, 0), refused(Errno::ENOSYS));
        assert_eq!(answer(&[], Sysno::clone, 17), ALLOW);
        assert_eq!(answer(&[], Sysno::clone, 0x1000_0011), refused(Errno::EPERM));
        assert_eq!(answer(&[], Sysno::personality, 0), ALLOW);
        assert_eq!(answer(&[], Sysno::personality, 4), refused(Errno::EPERM));
    }

    #[test]
    fn a_capability_opens_its_own_calls_alone() {
        assert_eq!(answer(&["SYS_ADMIN"], Sysno::mount, 0), ALLOW);
        assert_eq!(answer(&["SYS_ADMIN"], Sysno::clone, 0x1000_0011), ALLOW);
        assert_eq!(answer(&["SYS_ADMIN"], Sysno::reboot, 0), refused(Errno::EPERM));
        assert_eq!(answer(&["SYS_BOOT"], Sysno::reboot, 0), ALLOW);
        assert_eq!(answer(&["SYS_BOOT"], Sysno::mount, 0), refused(Errno::EPERM));
    }

    #[test]
    fn the_kernel_can_take_it() {
        let program = compile(&profile(CapabilitySet::default_set())).expect("a known architecture");
        assert!(program.len() < 400, "{} instructions", program.len());
    }
}
