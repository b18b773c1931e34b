//! Operations that need a privilege, tried for their errno. None changes anything outside the process where it is
//! allowed: each asks for what is so already, or names something that does not exist.

use super::fault::{Doing, Fault, Outcome, exactly};
use super::operand;
use nix::errno::Errno;
use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::CloneFlags;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, setsockopt, socket, sockopt};
use nix::sys::stat::{Mode, SFlag, makedev, mknod as make_node};
use nix::unistd::{Gid, Uid};
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

fn no_operands(args: &[OsString]) -> Result<(), Fault> {
    exactly::<0>(args).map(|_| ())
}

/// `mknod PATH b|c MAJOR MINOR`: CAP_MKNOD, and the device rules.
pub(super) fn mknod(args: &[OsString]) -> Outcome {
    let [path, kind, major, minor] = exactly(args)?;
    let kind = match kind.to_str() {
        Some("b") => SFlag::S_IFBLK,
        Some("c") => SFlag::S_IFCHR,
        _ => return Err(Fault::usage("a device is b or c")),
    };
    let device = makedev(operand::number(major)?, operand::number(minor)?);
    let mode = Mode::from_bits_truncate(0o666);
    make_node(Path::new(path), kind, mode, device).doing(format!("create {}", path.display())).map(|()| 0)
}

/// `open PATH r|w|rw`: opens and closes; waits for nobody and takes no terminal.
pub(super) fn open(args: &[OsString]) -> Outcome {
    let [path, access] = exactly(args)?;
    let mut options = OpenOptions::new();
    match access.to_str() {
        Some("r") => options.read(true),
        Some("w") => options.write(true),
        Some("rw") => options.read(true).write(true),
        _ => return Err(Fault::usage("a file is opened r, w or rw")),
    };
    options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    options.open(path).doing(format!("open {} {}", path.display(), access.display())).map(|_| 0)
}

/// `chroot-try`: CAP_SYS_CHROOT; into the root that it has.
pub(super) fn chroot(args: &[OsString]) -> Outcome {
    no_operands(args)?;
    nix::unistd::chroot("/").doing("change the root").map(|()| 0)
}

/// `mount-try [DIRECTORY]`: CAP_SYS_ADMIN; an empty tmpfs that is taken away at once.
pub(super) fn mount_tmpfs(args: &[OsString]) -> Outcome {
    let directory = match args {
        [] => OsStr::new("/tmp"),
        [directory] => directory,
        _ => return Err(Fault::usage("one directory is wanted")),
    };
    let none: Option<&str> = None;
    mount(Some("podcheck"), directory, Some("tmpfs"), MsFlags::empty(), none)
        .doing(format!("mount on {}", directory.display()))?;
    umount2(directory, MntFlags::MNT_DETACH).doing(format!("unmount {}", directory.display())).map(|()| 0)
}

/// `mount-tmpfs DIRECTORY`: stays mounted.
pub(super) fn mount_there(args: &[OsString]) -> Outcome {
    let [directory] = exactly(args)?;
    let none: Option<&str> = None;
    mount(Some("podcheck"), directory.as_os_str(), Some("tmpfs"), MsFlags::empty(), none)
        .doing(format!("mount on {}", directory.display()))
        .map(|()| 0)
}

/// `umount DIRECTORY`
pub(super) fn umount(args: &[OsString]) -> Outcome {
    let [directory] = exactly(args)?;
    umount2(directory.as_os_str(), MntFlags::empty()).doing(format!("unmount {}", directory.display())).map(|()| 0)
}

/// `sethostname-try`: CAP_SYS_ADMIN; the name that it has.
pub(super) fn sethostname(args: &[OsString]) -> Outcome {
    no_operands(args)?;
    let name = nix::unistd::gethostname().doing("read the host name")?;
    nix::unistd::sethostname(name).doing("set the host name").map(|()| 0)
}

/// `unshare-try`: CAP_SYS_ADMIN; a UTS namespace of its own.
pub(super) fn unshare(args: &[OsString]) -> Outcome {
    no_operands(args)?;
    nix::sched::unshare(CloneFlags::CLONE_NEWUTS).doing("leave the UTS namespace").map(|()| 0)
}

/// `keyctl-try`: no privilege; the default seccomp profiles refuse it. The id of a keyring that need not exist, so that
/// ENOKEY means allowed.
pub(super) fn keyctl(args: &[OsString]) -> Outcome {
    no_operands(args)?;
    // SAFETY: takes plain numbers; the last says that no keyring is made.
    let answer =
        unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_GET_KEYRING_ID, libc::KEY_SPEC_SESSION_KEYRING, 0) };
    match Errno::result(answer) {
        Ok(_) | Err(Errno::ENOKEY) => Ok(0),
        Err(errno) => Err(errno).doing("ask for the session's keyring"),
    }
}

/// `setuid-try UID`: CAP_SETUID.
pub(super) fn setuid(args: &[OsString]) -> Outcome {
    let [uid] = exactly(args)?;
    nix::unistd::setuid(Uid::from_raw(operand::number(uid)?)).doing("set the user").map(|()| 0)
}

/// `setgid-try GID`: CAP_SETGID.
pub(super) fn setgid(args: &[OsString]) -> Outcome {
    let [gid] = exactly(args)?;
    nix::unistd::setgid(Gid::from_raw(operand::number(gid)?)).doing("set the group").map(|()| 0)
}

/// `raw-socket-try`: CAP_NET_RAW.
pub(super) fn raw_socket(args: &[OsString]) -> Outcome {
    no_operands(args)?;
    let opened = socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Icmp);
    opened.doing("open a raw socket").map(|_| 0)
}

/// `ping-try`: the kind of socket that ping has without a privilege.
pub(super) fn ping(args: &[OsString]) -> Outcome {
    no_operands(args)?;
    let flags = SockFlag::SOCK_CLOEXEC;
    let opened = socket(AddressFamily::Inet, SockType::Datagram, flags, SockProtocol::Icmp);
    opened.doing("open a ping socket").map(|_| 0)
}

/// `net-admin-try`: CAP_NET_ADMIN; a socket buffer that goes past the host's limit, and goes with the process.
pub(super) fn net_admin(args: &[OsString]) -> Outcome {
    no_operands(args)?;
    let socket =
        socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None).doing("open a socket")?;
    let size: usize = 64 * 1024;
    setsockopt(&socket, sockopt::SndBufForce, &size).doing("force a socket's buffer").map(|()| 0)
}

/// `nice-try`: CAP_SYS_NICE. First down, which anybody may: whoever started the daemon may have been favoured already.
pub(super) fn nice(args: &[OsString]) -> Outcome {
    no_operands(args)?;
    // SAFETY: takes plain numbers; 0 is this process.
    let set = |nice| Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) });
    set(19).doing("lower the priority")?;
    set(-1).doing("raise the priority").map(|_| 0)
}

/// `reboot-try`: CAP_SYS_BOOT. The kernel looks at the capability first and then refuses the wrong magic numbers, so
/// that EINVAL means allowed; nothing can reboot.
pub(super) fn reboot(args: &[OsString]) -> Outcome {
    no_operands(args)?;
    // SAFETY: the magic numbers are wrong on purpose; no pointer is read.
    allowed_if(Errno::EINVAL, unsafe { libc::syscall(libc::SYS_reboot, 0, 0, 0, 0) }, "reboot")
}

/// `module-try`: CAP_SYS_MODULE; removes a module that nobody has, so that ENOENT means allowed.
pub(super) fn module(args: &[OsString]) -> Outcome {
    no_operands(args)?;
    let name = c"podcheck_no_such_module";
    // SAFETY: the name lives through the call.
    let answer = unsafe { libc::syscall(libc::SYS_delete_module, name.as_ptr(), libc::O_NONBLOCK) };
    allowed_if(Errno::ENOENT, answer, "remove a module")
}

/// `settime-try`: CAP_SYS_TIME; with neither a time nor a zone to set, the kernel only looks at the capability.
pub(super) fn settime(args: &[OsString]) -> Outcome {
    no_operands(args)?;
    // SAFETY: null pointers are allowed and mean that nothing is set.
    let answer = unsafe { libc::syscall(libc::SYS_settimeofday, 0_usize, 0_usize) };
    Errno::result(answer).doing("set the clock").map(|_| 0)
}

/// An operation that must not succeed: this errno says that it got past the privilege.
fn allowed_if(expected: Errno, answer: libc::c_long, what: &str) -> Outcome {
    match Errno::result(answer) {
        Ok(_) => Ok(0),
        Err(errno) if errno == expected => Ok(0),
        Err(errno) => Err(errno).doing(what),
    }
}
