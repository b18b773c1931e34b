//! What a new process does to become a member: it joins, mounts, pivots, gives up and at last runs its program.

use super::cgroup::{Hierarchy, Leaf};
use super::devices;
use super::fault::{Context, Fault};
use super::idmap;
use super::member::Spec;
use super::mounts::{Mount, What};
use super::paths::{Missing, Root, handle};
use super::program;
use super::travel;
use super::user_namespace::Ground;
use super::{rootfs, sysctls};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, open, openat};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::{Mode, fstat, mkdirat, umask};
use nix::sys::statfs::statfs;
use nix::unistd::{chdir, fchdir, pivot_root, sethostname, setsid, symlinkat};
use std::convert::Infallible;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// A namespace to join, and which kind it is.
pub type Join = (OwnedFd, CloneFlags);

/// What a new process is given besides its spec.
#[derive(Clone, Copy, Debug)]
pub struct Birth<'a> {
    /// Its cgroups.
    pub leaf: &'a Leaf,
    /// It was born in the one of v2.
    pub in_cgroup: bool,
    /// The sandbox's namespaces.
    pub joins: &'a [Join],
    /// A byte comes here once the Pod's network is there; the end of file means that it never will be.
    pub gate: Option<BorrowedFd<'a>>,
    /// In a user namespace: what was prepared outside, cgroups and oom score included.
    pub ground: Option<&'a Ground>,
}

/// Becomes the member. Only returns if that failed.
///
/// # Errors
/// The step that failed.
pub fn become_member(spec: &Spec, birth: &Birth<'_>) -> Result<Infallible, Fault> {
    program::reset_signals().to(|| "reset signals")?;
    umask(Mode::empty());
    if birth.ground.is_none() {
        birth.leaf.join(birth.in_cgroup)?;
        program::set_oom_score(spec.program.oom_score_adj)?;
    }
    setsid().to(|| "begin a session")?;
    for (namespace, kind) in birth.joins {
        setns(namespace, *kind).to(|| format!("join the sandbox's namespace {kind:?}"))?;
    }
    if let Some(name) = &spec.hostname {
        sethostname(name).to(|| format!("set the host name {name}"))?;
    }
    sysctls::set(&spec.sysctls)?;
    if spec.own_cgroup_namespace {
        unshare(CloneFlags::CLONE_NEWCGROUP).to(|| "make a cgroup namespace")?;
    }
    // Once for all that is mounted from here on: what is bound is a copy of what is private.
    match &spec.shared {
        None => {
            let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
            mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
        }
        Some(shared) => travel::private_elsewhere(shared),
    }
    .to(|| "keep mounts private")?;
    let (root, [output, error]) = match birth.ground {
        Some(ground) => attach_ground(ground)?,
        None => {
            let path = rootfs::mount_root(&spec.image, &spec.dir)?;
            (Root::open(&path).to(|| format!("open {}", path.display()))?, open_logs(spec)?)
        }
    };
    for (index, one) in spec.mounts.iter().enumerate() {
        match birth.ground.and_then(|ground| ground.binds.get(index)?.as_ref()) {
            Some(tree) => bind_prepared(&root, tree, one)?,
            None => make_mount(&root, one, birth.leaf, spec)?,
        }
    }
    if !spec.mounts.iter().any(|m| m.target == Path::new("/dev") && matches!(m.what, What::Bind { .. })) {
        devices::populate(&root, spec.privileged, birth.ground.is_some())?;
    }
    let cwd = Path::new(&spec.program.cwd);
    root.resolve(cwd, Missing::MakeDirectory).to(|| format!("make the working directory {}", cwd.display()))?;
    enter(&root)?;
    if spec.read_only_root {
        remount("/", MsFlags::MS_RDONLY).to(|| "make the root read-only")?;
    }
    spec.read_only_paths.iter().try_for_each(|path| make_read_only(path))?;
    spec.masked.iter().try_for_each(|path| mask(path))?;
    let input = open("/dev/null", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).to(|| "open /dev/null")?;
    umask(Mode::from_bits_truncate(0o022));
    program::use_streams(&input, &output, &error)?;
    program::become_program(&spec.program, birth.gate)
}

/// The root comes to lie on top of the host's, where a path that begins there does not meet it.
fn attach_ground(ground: &Ground) -> Result<(Root, [OwnedFd; 2]), Fault> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let host = open("/", flags, Mode::empty()).to(|| "open the host's root")?;
    idmap::attach(&ground.root, host.as_fd()).to(|| "attach the root")?;
    let root = Root::of(ground.root.try_clone().to(|| "hold the root")?);
    let hold = |log: &OwnedFd| log.try_clone().to(|| "hold the log");
    let [output, error] = &ground.logs;
    Ok((root, [hold(output)?, hold(error)?]))
}

fn bind_prepared(root: &Root, tree: &OwnedFd, one: &Mount) -> Result<(), Fault> {
    let target = one.target.as_path();
    let action = || format!("mount on {}", target.display());
    let directory = fstat(tree).to(action)?.st_mode & nix::libc::S_IFMT == nix::libc::S_IFDIR;
    let missing = if directory { Missing::MakeDirectory } else { Missing::MakeFile };
    let held = root.resolve(target, missing).to(action)?;
    idmap::attach(tree, held.as_fd()).to(action)?;
    match &one.what {
        // It was copied where the host's mounts still arrive.
        What::Bind { travel, .. } => travel.apply(root, target, true).to(action),
        _ => Ok(()),
    }
}

/// Opens the files for what a member prints, standard output first. What an earlier one of its name printed is gone.
///
/// # Errors
/// The kernel's.
pub fn open_logs(spec: &Spec) -> Result<[OwnedFd; 2], Fault> {
    let flags = OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CLOEXEC;
    let one = |stream: &str| {
        let path = spec.logs.join(format!("{}.{stream}", spec.name));
        openat(AT_FDCWD, &path, flags, Mode::from_bits_truncate(0o600)).to(|| format!("open {}", path.display()))
    };
    Ok([one("stdout")?, one("stderr")?])
}

fn make_mount(root: &Root, one: &Mount, leaf: &Leaf, spec: &Spec) -> Result<(), Fault> {
    let target = one.target.as_path();
    let action = |what: &str| format!("mount {what} on {}", target.display());
    match &one.what {
        What::Filesystem { kind, source, flags, data, read_only_here } => {
            let held = root.resolve(target, Missing::MakeDirectory).to(|| action(kind))?;
            plain_place(&held, target).to(|| action(kind))?;
            mount(Some(*source), &handle(&held), Some(*kind), *flags, Some(*data)).to(|| action(kind))?;
            if !read_only_here {
                return Ok(());
            }
            let mounted = root.resolve(target, Missing::Refuse).to(|| action(kind))?;
            remount(&handle(&mounted), *flags | MsFlags::MS_RDONLY).to(|| action(kind))
        }
        What::Bind { source, flags, travel } => bind(root, source, target, *flags)
            .and_then(|()| travel.apply(root, target, spec.shared.is_some()))
            .to(|| action(&source.display().to_string())),
        What::Cgroups { read_only } => mount_cgroups(root, target, leaf, (spec.own_cgroup_namespace, *read_only)),
    }
}

/// A kernel file system belongs where its name says, not where a link of the image points.
fn plain_place(held: &OwnedFd, target: &Path) -> Result<(), String> {
    let reached = std::fs::read_link(handle(held)).map_err(|e| e.to_string())?;
    if reached.ends_with(target.strip_prefix("/").unwrap_or(target)) {
        return Ok(());
    }
    Err("the image has a symbolic link in its way".to_owned())
}

fn bind(root: &Root, source: &Path, target: &Path, flags: MsFlags) -> nix::Result<()> {
    let from = openat(AT_FDCWD, source, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
    let directory = fstat(&from)?.st_mode & nix::libc::S_IFMT == nix::libc::S_IFDIR;
    let missing = if directory { Missing::MakeDirectory } else { Missing::MakeFile };
    let held = root.resolve(target, missing)?;
    let all = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(&handle(&from)), &handle(&held), None::<&str>, all, None::<&str>)?;
    if flags.is_empty() {
        return Ok(());
    }
    // What is now on top of `held` is another place than it.
    let mounted = root.resolve(target, Missing::Refuse)?;
    remount(&handle(&mounted), flags)
}

/// cgroup2 as it is; of v1 the member's own cgroup of each hierarchy, below one tmpfs.
fn mount_cgroups(
    root: &Root,
    target: &Path,
    leaf: &Leaf,
    (own_namespace, read_only): (bool, bool),
) -> Result<(), Fault> {
    let mut flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let action = || format!("mount cgroups on {}", target.display());
    let mut v1 = leaf.dirs().filter(|(hierarchy, _)| !hierarchy.unified).peekable();
    let held = root.resolve(target, Missing::MakeDirectory).to(action)?;
    if v1.peek().is_none() {
        if read_only {
            flags |= MsFlags::MS_RDONLY;
        }
        return match leaf.unified_mount().filter(|_| !own_namespace) {
            // Mounted anew from the host's cgroup namespace it would take the host's own options (`nsdelegate`) away.
            Some(of_host) => bind(root, of_host, target, flags).to(action),
            None => mount(Some("cgroup"), &handle(&held), Some("cgroup2"), flags, None::<&str>).to(action),
        };
    }
    mount(Some("tmpfs"), &handle(&held), Some("tmpfs"), flags, Some("mode=755")).to(action)?;
    let top = root.resolve(target, Missing::Refuse).to(action)?;
    let bound = if read_only { flags | MsFlags::MS_RDONLY } else { flags };
    for (hierarchy, dir) in v1 {
        // In a directory just made on a tmpfs of our own there is no link to follow.
        let name = &*hierarchy.name();
        let place = handle(&top).join(name);
        mkdirat(&top, name, Mode::from_bits_truncate(0o755))
            .and_then(|()| mount(Some(dir), &place, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>))
            .and_then(|()| remount(&place, bound))
            .to(|| format!("mount {} on {}", dir.display(), target.join(name).display()))?;
        link_controllers(&top, hierarchy).to(action)?;
    }
    // runc 1.1 leaves the tmpfs itself writable.
    Ok(())
}

/// `cpu` → `cpu,cpuacct`, for controllers that are mounted together.
fn link_controllers(top: &OwnedFd, hierarchy: &Hierarchy) -> nix::Result<()> {
    let name = &*hierarchy.name();
    for controller in hierarchy.controllers.iter().filter(|c| hierarchy.controllers.len() > 1 && name != c.as_str()) {
        symlinkat(name, top.as_fd(), controller.as_str())?;
    }
    Ok(())
}

fn remount<P: ?Sized + nix::NixPath>(path: &P, flags: MsFlags) -> nix::Result<()> {
    let flags = flags | MsFlags::MS_BIND | MsFlags::MS_REMOUNT;
    mount(None::<&str>, path, None::<&str>, flags, None::<&str>)
}

/// Makes `root` the root, and lets go of everything else.
fn enter(root: &Root) -> Result<(), Fault> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let old = open("/", flags, Mode::empty()).to(|| "open the host's root")?;
    fchdir(root).to(|| "enter the new root")?;
    // The old root comes to lie on top of the new one, in the same place, from where it is taken off.
    pivot_root(".", ".").to(|| "pivot into the new root")?;
    fchdir(old).to(|| "go back to the host's root")?;
    umount2(".", MntFlags::MNT_DETACH).to(|| "unmount the host's root")?;
    chdir("/").to(|| "enter the new root")
}

fn make_read_only(path: &str) -> Result<(), Fault> {
    let action = || format!("make {path} read-only");
    match mount(Some(path), path, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>) {
        Err(Errno::ENOENT) => return Ok(()),
        other => other.to(action)?,
    }
    let kept = statfs(path).to(action)?.flags().bits();
    let kept = MsFlags::from_bits_truncate(kept) & (MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC);
    remount(path, kept | MsFlags::MS_RDONLY).to(action)
}

fn mask(path: &str) -> Result<(), Fault> {
    let covered = match mount(Some("/dev/null"), path, None::<&str>, MsFlags::MS_BIND, None::<&str>) {
        Err(Errno::ENOTDIR) => mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::MS_RDONLY, None::<&str>),
        other => other,
    };
    match covered {
        Err(Errno::ENOENT) => Ok(()),
        other => other.to(|| format!("cover {path}")),
    }
}
