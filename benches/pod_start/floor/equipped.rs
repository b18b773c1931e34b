//! The upper floor: the system calls that this Pod needs, in a straight line. Everything that can be known beforehand is
//! (which paths there are to cover, which files a cgroup has), nothing is read back, and no fault is described.
//!
//! Of what a manifest may ask it has what the article's Pod does; on cgroup v2 it leaves out the device program.

use super::bare::{OWN, SHARED, shared_of};
use super::{PATIENCE, Setup, clone_into, link, until_gone, until_ready};
use nix::errno::Errno;
use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::net::if_::if_nametoindex;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, SFlag, makedev, mknod, umask};
use nix::unistd::{Gid, Pid, Uid, chdir, dup2_stderr, dup2_stdin, dup2_stdout, execve, pivot_root};
use nix::unistd::{setgroups, sethostname, setresgid, setresuid, setsid};
use podcheck::host::cgroup::{Hierarchies, Hierarchy, weight_from_shares};
use podcheck::plan::{ContainerPlan, LinuxResources};
use podcheck::runtime::image::Image;
use std::convert::Infallible;
use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Instant;

const NO_SUID_EXEC_DEV: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NOEXEC).union(MsFlags::MS_NODEV);
/// chown, dac_override, fsetid, fowner, mknod, net_raw, setgid, setuid, setfcap, setpcap, net_bind_service, sys_chroot,
/// kill, audit_write.
const CAPABILITIES: u32 = 0xa804_25fb;
const DEVICES: [&str; 11] = [
    "c *:* m",
    "b *:* m",
    "c 1:3 rwm",
    "c 1:8 rwm",
    "c 1:7 rwm",
    "c 5:0 rwm",
    "c 1:5 rwm",
    "c 1:9 rwm",
    "c 136:* rwm",
    "c 5:2 rwm",
    "c 10:200 rwm",
];
const NODES: [(&str, u64, u64); 6] =
    [("null", 1, 3), ("random", 1, 8), ("full", 1, 7), ("tty", 5, 0), ("zero", 1, 5), ("urandom", 1, 9)];
const LINKS: [(&str, &str); 6] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
    ("ptmx", "pts/ptmx"),
];

/// A cgroup: directories to make, what to write into them, and where a process writes itself in.
struct Cgroup {
    dirs: Vec<PathBuf>,
    writes: Vec<(PathBuf, String)>,
    tasks: Vec<PathBuf>,
    unified: Option<PathBuf>,
}

struct Member {
    cgroup: Cgroup,
    dir: PathBuf,
    image: PathBuf,
    argv: Vec<CString>,
    env: Vec<CString>,
    user: u32,
    oom_score_adj: i32,
    sandbox: bool,
    /// Source on the host, target below the root, flags beyond the source's.
    binds: Vec<(PathBuf, &'static str, MsFlags)>,
    masked: Vec<(String, bool)>,
    read_only: Vec<String>,
    /// v1 hierarchies to show: directory and name.
    hierarchies: Vec<(PathBuf, String)>,
}

pub struct Pod {
    dir: PathBuf,
    hostname: String,
    cgroup: Cgroup,
    members: Vec<Member>,
    interface: String,
    address: Ipv4Addr,
}

impl Pod {
    pub fn new(setup: &Setup) -> io::Result<Pod> {
        let plan = &setup.plan;
        let hierarchies = Hierarchies::detect().map_err(io::Error::other)?;
        let of_pod = plan.cgroups.last().map(|c| c.resources.clone()).unwrap_or_default();
        let members = std::iter::once(None).chain(plan.containers.iter().map(Some));
        Ok(Pod {
            dir: setup.dir.clone(),
            hostname: plan.hostname.clone().unwrap_or_default(),
            cgroup: Cgroup::new(hierarchies, &setup.cgroup, &of_pod, true),
            members: members.map(|container| Member::new(setup, hierarchies, container)).collect::<io::Result<_>>()?,
            interface: setup.interface.clone(),
            address: setup.address,
        })
    }

    pub fn up(&self) -> io::Result<Vec<Pid>> {
        self.make_files()?;
        self.cgroup.make()?;
        let [a, b, c, _] = self.address.octets();
        let all = SHARED.iter().fold(OWN, |all, (_, kind)| all | *kind);
        let (mut pids, mut joins) = (Vec::new(), Vec::new());
        for member in &self.members {
            member.cgroup.make()?;
            let flags = if member.sandbox { all } else { OWN };
            let unified = member.cgroup.unified.as_ref().map(File::open).transpose()?;
            pids.push(clone_into(flags, unified.as_ref().map(AsFd::as_fd), || self.become_member(member, &joins))?);
            if member.sandbox {
                joins = shared_of(pids[0])?;
            }
        }
        link::set_up(pids[0], &self.interface, self.address, Ipv4Addr::new(a, b, c, 1))?;
        until_ready(&pids)?;
        Ok(pids)
    }

    pub fn down(&self, pids: &[Pid]) -> io::Result<()> {
        let (sandbox, containers) = pids.split_at(1);
        containers.iter().try_for_each(|pid| kill(*pid, Signal::SIGTERM))?;
        until_gone(containers)?;
        kill(sandbox[0], Signal::SIGKILL)?;
        until_gone(sandbox)?;
        umount2(&self.dir, MntFlags::MNT_DETACH)?;
        self.members.iter().try_for_each(|member| member.cgroup.remove())?;
        self.cgroup.remove()?;
        fs::remove_dir(&self.dir)?;
        let end = Instant::now() + PATIENCE;
        while if_nametoindex(self.interface.as_str()).is_ok() {
            if Instant::now() > end {
                return Err(io::Error::other("the interface stays"));
            }
            std::thread::sleep(crate::measure::PAUSE);
        }
        Ok(())
    }

    /// On a tmpfs, which goes as a whole: on a disk each file and directory would have to be removed.
    fn make_files(&self) -> io::Result<()> {
        fs::create_dir(&self.dir)?;
        mount(Some("tmpfs"), &self.dir, Some("tmpfs"), MsFlags::empty(), None::<&str>)?;
        fs::write(self.dir.join("hostname"), &self.hostname)?;
        fs::write(self.dir.join("resolv.conf"), fs::read("/etc/resolv.conf")?)?;
        fs::write(self.dir.join("hosts"), format!("127.0.0.1\tlocalhost\n{}\t{}\n", self.address, self.hostname))?;
        let shm = self.dir.join("shm");
        fs::create_dir(&shm)?;
        Ok(mount(Some("shm"), &shm, Some("tmpfs"), NO_SUID_EXEC_DEV, Some("mode=1777,size=65536k"))?)
    }

    fn become_member(&self, member: &Member, joins: &[(File, CloneFlags)]) -> io::Result<Infallible> {
        umask(Mode::empty());
        member.cgroup.tasks.iter().try_for_each(|file| fs::write(file, "0"))?;
        // Refused below our own without CAP_SYS_RESOURCE.
        drop(fs::write("/proc/self/oom_score_adj", member.oom_score_adj.to_string()));
        setsid()?;
        joins.iter().try_for_each(|(namespace, kind)| setns(namespace, *kind))?;
        if member.sandbox {
            sethostname(&self.hostname)?;
        }
        member.mount_root()?;
        member.mount_all()?;
        let log = File::create(member.dir.join("log"))?;
        pivot_root(".", ".")?;
        umount2(".", MntFlags::MNT_DETACH)?;
        chdir("/")?;
        member.restrict()?;
        let null = File::open("/dev/null")?;
        dup2_stdin(&null)?;
        dup2_stdout(&log)?;
        dup2_stderr(&log)?;
        umask(Mode::from_bits_truncate(0o022));
        give_up_privileges(member.user, member.sandbox)?;
        Ok(execve(&member.argv[0], &member.argv, &member.env)?)
    }
}

impl Member {
    /// A container, or the sandbox for `None`.
    fn new(setup: &Setup, hierarchies: &Hierarchies, container: Option<&ContainerPlan>) -> io::Result<Member> {
        let name = container.map_or("sandbox", |c| c.name.as_str());
        let file = |name: &str| setup.dir.join(name);
        let strings = |list: Vec<String>| list.into_iter().map(CString::new).collect::<Result<Vec<_>, _>>();
        let ro = MsFlags::MS_RDONLY;
        let (mut binds, mut hierarchies_shown) = (Vec::new(), Vec::new());
        let path = format!("{}/{name}", setup.cgroup);
        let (argv, env) = match container {
            None => {
                binds.push((file("shm"), "dev/shm", NO_SUID_EXEC_DEV | ro));
                binds.push((file("resolv.conf"), "etc/resolv.conf", ro));
                (vec![Image::Pause.config().entrypoint.concat()], Vec::new())
            }
            Some(container) => {
                for (name, to) in
                    [("hosts", "etc/hosts"), ("hostname", "etc/hostname"), ("resolv.conf", "etc/resolv.conf")]
                {
                    binds.push((file(name), to, MsFlags::empty()));
                }
                binds.push((file(name).join("termination-log"), "dev/termination-log", MsFlags::empty()));
                binds.push((file("shm"), "dev/shm", MsFlags::empty()));
                let v1 = hierarchies.list().iter().filter(|h| !h.unified);
                hierarchies_shown.extend(v1.map(|h| (h.dir(&path), h.names.join(",").replace("name=", ""))));
                let mut argv = container.stand_in_argv.clone();
                if let Some(command) = argv.first_mut().filter(|command| !command.contains('/')) {
                    command.insert_str(0, "/bin/");
                }
                (argv, container.env.iter().map(|(name, value)| format!("{name}={value}")).collect())
            }
        };
        let plan = &setup.plan;
        let any = plan.containers.first().or(container);
        let paths = |of: fn(&ContainerPlan) -> &Vec<String>| any.map(of).into_iter().flatten();
        let there = |path: &&String| fs::symlink_metadata(path).is_ok();
        let masked =
            paths(|c| &c.masked_paths).filter(there).map(|p| (p.clone(), fs::metadata(p).is_ok_and(|m| m.is_dir())));
        Ok(Member {
            cgroup: Cgroup::new(hierarchies, &path, container.map_or(&plan.sandbox.resources, |c| &c.resources), false),
            dir: setup.dir.join(name),
            image: container.map_or(&setup.pause, |_| &setup.payload).clone(),
            argv: strings(argv)?,
            env: strings(env)?,
            user: container.map_or(65535, |c| c.user.unwrap_or(0)),
            oom_score_adj: container.map_or(plan.sandbox.oom_score_adj, |c| c.oom_score_adj),
            sandbox: container.is_none(),
            binds,
            masked: masked.collect(),
            read_only: paths(|c| &c.read_only_paths).filter(there).cloned().collect(),
            hierarchies: hierarchies_shown,
        })
    }

    /// Mounts the root and enters it.
    fn mount_root(&self) -> io::Result<()> {
        let [upper, work, root] = ["upper", "work", "root"].map(|name| self.dir.join(name));
        [&self.dir, &upper, &work, &root].into_iter().try_for_each(fs::create_dir)?;
        fs::write(self.dir.join("termination-log"), "")?;
        let (image, upper, work) = (self.image.display(), upper.display(), work.display());
        let options = format!("lowerdir={image},upperdir={upper},workdir={work}");
        mount(Some("overlay"), &root, Some("overlay"), MsFlags::empty(), Some(options.as_str()))?;
        Ok(chdir(&root)?)
    }

    fn mount_all(&self) -> io::Result<()> {
        let file_system = |kind: &str, target: &str, flags, data: &str| {
            mount(Some(kind), target, Some(kind), flags, Some(data)).map_err(io::Error::from)
        };
        file_system("proc", "proc", NO_SUID_EXEC_DEV, "")?;
        file_system("tmpfs", "dev", MsFlags::MS_NOSUID | MsFlags::MS_STRICTATIME, "mode=755,size=65536k")?;
        ["dev/pts", "dev/mqueue", "dev/shm"].into_iter().try_for_each(fs::create_dir)?;
        let no_suid_exec = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
        file_system("devpts", "dev/pts", no_suid_exec, "newinstance,ptmxmode=0666,mode=0620,gid=5")?;
        file_system("mqueue", "dev/mqueue", NO_SUID_EXEC_DEV, "")?;
        file_system("sysfs", "sys", NO_SUID_EXEC_DEV | MsFlags::MS_RDONLY, "")?;
        if !self.sandbox && self.hierarchies.is_empty() {
            file_system("cgroup2", "sys/fs/cgroup", NO_SUID_EXEC_DEV | MsFlags::MS_RDONLY, "")?;
        } else if !self.sandbox {
            file_system("tmpfs", "sys/fs/cgroup", NO_SUID_EXEC_DEV, "mode=755")?;
            for (dir, name) in &self.hierarchies {
                let target = format!("sys/fs/cgroup/{name}");
                fs::create_dir(&target)?;
                bind(dir, &target, NO_SUID_EXEC_DEV | MsFlags::MS_RDONLY)?;
            }
        }
        for (source, target, flags) in &self.binds {
            if !target.ends_with("shm") {
                File::create(target)?;
            }
            bind(source, target, *flags)?;
        }
        for (name, major, minor) in NODES {
            let mode = Mode::from_bits_truncate(0o666);
            mknod(format!("dev/{name}").as_str(), SFlag::S_IFCHR, mode, makedev(major, minor))?;
        }
        LINKS.into_iter().try_for_each(|(name, target)| std::os::unix::fs::symlink(target, format!("dev/{name}")))
    }

    /// Inside its root: what is read-only and what is covered.
    fn restrict(&self) -> io::Result<()> {
        if self.sandbox {
            remount("/", MsFlags::MS_RDONLY)?;
        }
        for path in &self.read_only {
            bind(&PathBuf::from(path), path, NO_SUID_EXEC_DEV | MsFlags::MS_RDONLY)?;
        }
        for (path, is_dir) in &self.masked {
            let path = path.as_str();
            if *is_dir {
                mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::MS_RDONLY, None::<&str>)?;
            } else {
                mount(Some("/dev/null"), path, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
            }
        }
        Ok(())
    }
}

impl Cgroup {
    fn new(hierarchies: &Hierarchies, path: &str, resources: &LinuxResources, of_pod: bool) -> Cgroup {
        let all = hierarchies.list();
        let mut writes = Vec::new();
        let mut set = |controller: &str, v1: &str, v2: &str, [old, new]: [Option<u64>; 2]| {
            let Some(hierarchy) = hierarchies.controller(controller) else { return };
            let (file, value) = if hierarchy.unified { (v2, new) } else { (v1, old) };
            let is_there = hierarchy.dir("podcheck").join(file).exists();
            writes.extend(value.filter(|_| is_there).map(|v| (hierarchy.dir(path).join(file), v.to_string())));
        };
        let (memory, both) = (resources.memory_limit_bytes, resources.memory_swap_limit_bytes);
        set("memory", "memory.limit_in_bytes", "memory.max", [memory; 2]);
        set("memory", "memory.memsw.limit_in_bytes", "memory.swap.max", [both, both.map(|_| 0)]);
        let shares = resources.cpu_shares;
        set("cpu", "cpu.shares", "cpu.weight", [shares, shares.map(weight_from_shares)]);
        let devices = hierarchies.controller("devices").filter(|h| !of_pod && !h.unified).map(|h| h.dir(path));
        if let Some(dir) = devices {
            writes.push((dir.join("devices.deny"), "a".to_owned()));
            writes.extend(DEVICES.map(|rule| (dir.join("devices.allow"), rule.to_owned())));
        }
        if let Some(unified) = hierarchies.unified().filter(|_| of_pod && all.len() == 1) {
            let text = "+cpu +memory +pids".to_owned();
            writes.push((unified.dir(path).join("cgroup.subtree_control"), text));
        }
        let v1 = |h: &&Hierarchy| !h.unified;
        Cgroup {
            dirs: all.iter().map(|h| h.dir(path)).collect(),
            writes,
            tasks: all.iter().filter(v1).map(|h| h.dir(path).join("tasks")).collect(),
            unified: hierarchies.unified().map(|h| h.dir(path)),
        }
    }

    fn make(&self) -> io::Result<()> {
        self.dirs.iter().try_for_each(fs::create_dir)?;
        self.writes.iter().try_for_each(|(file, value)| fs::write(file, value))
    }

    /// The kernel lets go of a dead process's cgroup a little after its end.
    fn remove(&self) -> io::Result<()> {
        let end = Instant::now() + PATIENCE;
        for dir in &self.dirs {
            loop {
                match fs::remove_dir(dir) {
                    Err(e) if e.raw_os_error() == Some(Errno::EBUSY as i32) && Instant::now() < end => {
                        std::thread::sleep(crate::measure::PAUSE);
                    }
                    other => break other?,
                }
            }
        }
        Ok(())
    }
}

fn bind(source: &PathBuf, target: &str, flags: MsFlags) -> io::Result<()> {
    mount(Some(source), target, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    if flags.is_empty() { Ok(()) } else { remount(target, flags) }
}

fn remount(target: &str, flags: MsFlags) -> io::Result<()> {
    Ok(mount(None::<&str>, target, None::<&str>, flags | MsFlags::MS_BIND | MsFlags::MS_REMOUNT, None::<&str>)?)
}

fn give_up_privileges(user: u32, no_new_privs: bool) -> io::Result<()> {
    for number in (0..=40_u64).filter(|number| number > &31 || CAPABILITIES & (1 << number) == 0) {
        // SAFETY: prctl with plain numbers; one that the kernel does not know or we do not have is refused.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) };
    }
    nix::sys::prctl::set_keepcaps(true)?;
    setgroups(&[])?;
    let (uid, gid) = (Uid::from_raw(user), Gid::from_raw(user));
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    let header = [0x2008_0522_u32, 0]; // version 3, this process
    let sets = [CAPABILITIES, CAPABILITIES, 0, 0, 0, 0];
    // SAFETY: both arrays have the kernel's layout of version 3 and live across the call, which only reads them.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) })?;
    if no_new_privs {
        nix::sys::prctl::set_no_new_privs()?;
    }
    Ok(())
}
