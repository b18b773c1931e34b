//! A user namespace for a Pod (`hostUsers: false`), and being born into it.
//!
//! What only the host's root may do, opening files, mounting the overlay, mapping owners, is done by a process between the
//! Pod's and the member's, before it enters the namespace: the ground that it prepares comes to the member as descriptors,
//! since from inside none of the paths can be walked.

use super::cgroup::Leaf;
use super::clone::{Never, fork_into};
use super::container::{Birth, become_member, open_logs};
use super::fault::{Context, Fault};
use super::idmap;
use super::member::Spec;
use super::mounts::What;
use super::program;
use super::rootfs;
use super::start::Gate;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sched::{CloneFlags, setns};
use nix::sys::prctl;
use nix::sys::wait::waitpid;
use nix::unistd::{Gid, Pid, Uid, pipe2, read, setgroups, setresgid, setresuid, write};
use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

pub use super::protocol::IdRange;

/// What a member finds that is born into a user namespace.
#[derive(Debug)]
pub struct Ground {
    /// Its root, attached nowhere yet.
    pub root: OwnedFd,
    /// File for what it prints.
    pub logs: [OwnedFd; 2],
    /// The source of each of its mounts that is a bind, in order, attached nowhere yet.
    pub binds: Vec<Option<OwnedFd>>,
}

/// Makes a user namespace whose ids from 0 on are the host's from the range's first on.
///
/// # Errors
/// The kernel's.
pub fn make(range: IdRange) -> Result<OwnedFd, Fault> {
    let (held, hold) = pipe2(OFlag::O_CLOEXEC).to(|| "make a pipe")?;
    let wait = |_| -> Never {
        let _ = nix::unistd::close(std::os::fd::AsRawFd::as_raw_fd(&hold));
        // Whatever comes, the end of the pipe ends it.
        let _ = read(&held, &mut [0]);
        // SAFETY: _exit ends the process and touches no memory.
        unsafe { libc::_exit(0) }
    };
    let pid = fork_into(CloneFlags::CLONE_NEWUSER, None, wait).to(|| "make a user namespace")?;
    let map = format!("0 {} {}", range.base, range.length);
    let written = ["uid_map", "gid_map"].iter().try_for_each(|file| {
        let path = format!("/proc/{pid}/{file}");
        fs::write(&path, &map).to(|| format!("write {map:?} to {path}"))
    });
    let namespace = written.and_then(|()| super::namespace::open_namespace(pid, "user"));
    drop(hold);
    waitpid(Pid::from_raw(pid), None).to(|| "wait for who made the user namespace")?;
    namespace
}

/// Where a member is born.
pub struct Cradle<'a> {
    /// The Pod's user namespace.
    pub users: &'a OwnedFd,
    /// Its ids on the host.
    pub range: IdRange,
    /// The PID namespace of the Pod, if its members share one.
    pub pid: Option<&'a OwnedFd>,
    /// Namespaces of its own.
    pub own: CloneFlags,
    /// Where it waits for the Pod's network.
    pub gate: Option<&'a Gate>,
}

/// Starts a member in a user namespace, as a child of this process; returns its pid here. What goes wrong in the member or
/// before it is written to `failed`; then there may be no pid.
///
/// # Errors
/// The kernel's.
pub fn start(spec: &Spec, birth: &Birth<'_>, cradle: &Cradle<'_>, failed: &OwnedFd) -> Result<Option<i32>, Fault> {
    let (told, tell) = pipe2(OFlag::O_CLOEXEC).to(|| "make a pipe")?;
    let unified = birth.leaf.open_unified()?;
    let between = |in_cgroup| -> Never {
        match bear(spec, &Birth { in_cgroup, ..*birth }, cradle, failed, &tell) {
            // SAFETY: _exit ends the process and touches no memory.
            Ok(()) => unsafe { libc::_exit(0) },
            Err(fault) => program::leave(failed, &fault),
        }
    };
    let pid = fork_into(CloneFlags::empty(), unified.as_ref().map(AsFd::as_fd), between).to(|| "fork")?;
    drop(tell);
    let mut number = [0; 4];
    let pid_came = read(&told, &mut number).to(|| "hear of a member's pid")? == number.len();
    waitpid(Pid::from_raw(pid), None).to(|| "wait for a member's parent")?;
    Ok(pid_came.then(|| i32::from_ne_bytes(number)))
}

fn bear(spec: &Spec, birth: &Birth<'_>, cradle: &Cradle<'_>, failed: &OwnedFd, tell: &OwnedFd) -> Result<(), Fault> {
    place(birth.leaf, birth.in_cgroup, spec.program.oom_score_adj)?;
    let ground = prepare(spec, cradle)?;
    setns(cradle.users, CloneFlags::CLONE_NEWUSER).to(|| "join the Pod's user namespace")?;
    if let Some(pid) = cradle.pid {
        setns(pid, CloneFlags::CLONE_NEWPID).to(|| "join the Pod's PID namespace")?;
    }
    become_root()?;
    let member = |_| -> Never {
        let gate = cradle.gate.map(Gate::wait_here);
        let Err(fault) = become_member(spec, &Birth { ground: Some(&ground), gate, ..*birth });
        program::leave(failed, &fault)
    };
    let pid = fork_into(cradle.own | CloneFlags::CLONE_PARENT, None, member).to(|| "clone")?;
    write(tell, &pid.to_ne_bytes()).map(drop).to(|| "tell a member's pid")
}

/// What only the host's root may do, for the member to inherit.
fn place(leaf: &Leaf, in_cgroup: bool, oom_score_adj: i32) -> Result<(), Fault> {
    leaf.join(in_cgroup)?;
    program::set_oom_score(oom_score_adj)
}

fn prepare(spec: &Spec, cradle: &Cradle<'_>) -> Result<Ground, Fault> {
    let root = rootfs::mount_root_for(&spec.image, &spec.dir, Some((cradle.users, cradle.range.base)))?;
    let bind = |what: &What| match what {
        What::Bind { source, flags, .. } => {
            let read_only = flags.contains(nix::mount::MsFlags::MS_RDONLY);
            // The Pod's shared memory belongs to its root already; the kernel's own files belong to nobody in it.
            let users = (!spec.unmapped.iter().any(|path| source.starts_with(path))).then_some(cradle.users);
            idmap::detached(source, users, read_only).map(Some)
        }
        _ => Ok(None),
    };
    Ok(Ground {
        root: idmap::detached(&root, None, false)?,
        logs: open_logs(spec)?,
        binds: spec.mounts.iter().map(|mount| bind(&mount.what)).collect::<Result<_, _>>()?,
    })
}

/// Root of the namespace, without groups; and as readable to itself in /proc as any process.
fn become_root() -> Result<(), Fault> {
    let (uid, gid) = (Uid::from_raw(0), Gid::from_raw(0));
    setgroups(&[]).to(|| "leave the host's groups")?;
    setresgid(gid, gid, gid).to(|| "become the group 0 of the user namespace")?;
    setresuid(uid, uid, uid).to(|| "become root of the user namespace")?;
    prctl::set_dumpable(true).to(|| "be seen in /proc")
}

/// Binds a device of the host to a place in a container's /dev, where none can be made.
///
/// # Errors
/// The kernel's.
pub fn bind_device(name: &str, dev: BorrowedFd<'_>) -> Result<(), Fault> {
    use nix::fcntl::openat;
    use nix::mount::{MsFlags, mount};
    use nix::sys::stat::Mode;
    let action = || format!("bind /dev/{name}");
    let made = openat(dev, name, OFlag::O_CREAT | OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty()).to(action)?;
    drop(File::from(made));
    let held = openat(dev, name, OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty()).to(action)?;
    let source = format!("/dev/{name}");
    let place = super::paths::handle(&held);
    mount(Some(source.as_str()), &place, None::<&str>, MsFlags::MS_BIND, None::<&str>).to(action)
}
