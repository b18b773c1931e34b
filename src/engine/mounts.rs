//! The mounts of a container, in the order and with the options that containerd 1.6 and runc 1.1 give them.

use super::travel::Travel;
use crate::plan::{MountPlan, Scope};
use nix::mount::MsFlags;
use std::path::{Path, PathBuf};

/// One mount to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Absolute path in the container.
    pub target: PathBuf,
    /// What is mounted there.
    pub what: What,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A file system of its own.
    Filesystem {
        /// Its type.
        kind: &'static str,
        /// What the mount table says that it comes from.
        source: &'static str,
        /// Flags.
        flags: MsFlags,
        /// Options of the file system.
        data: &'static str,
        /// Read-only for this member alone, on a file system that another may write to.
        read_only_here: bool,
    },
    /// A file or directory of the host.
    Bind {
        /// Path on the host.
        source: PathBuf,
        /// Flags beyond the source's own.
        flags: MsFlags,
        /// What only few ask for.
        travel: Travel,
    },
    /// The container's own view of its cgroups.
    Cgroups {
        /// Whether it may not write there.
        read_only: bool,
    },
}

/// Files of the Pod on the host that its members see.
#[derive(Clone, Debug)]
pub struct PodFiles {
    /// /etc/hostname.
    pub hostname: PathBuf,
    /// /etc/resolv.conf.
    pub resolv_conf: PathBuf,
    /// /dev/shm.
    pub shm: PathBuf,
}

impl PodFiles {
    /// Where they are, given the Pod's directory.
    pub fn below(dir: &Path, ipc: Scope) -> Self {
        PodFiles {
            hostname: dir.join("hostname"),
            resolv_conf: dir.join("resolv.conf"),
            shm: if ipc == Scope::Node { PathBuf::from("/dev/shm") } else { dir.join("shm") },
        }
    }
}

const NO_SUID_EXEC_DEV: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NOEXEC).union(MsFlags::MS_NODEV);

/// Whether a member, and whether anybody in its Pod, is privileged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Privilege {
    /// It may write to /sys.
    pub member: bool,
    /// Somebody may. One network namespace has one sysfs, so that it is writable is decided by who mounts it first:
    /// containerd 1.6's sandbox mounts it read-only, and then a privileged container cannot write to it. Here it can.
    pub pod: bool,
}

/// The sandbox's. Source: containerd pkg/cri/server/sandbox_run_linux.go, release/1.6.
pub fn of_sandbox(files: &PodFiles, pod_privileged: bool) -> Vec<Mount> {
    let mut mounts = kernel_file_systems(Privilege { member: false, pod: pod_privileged });
    // containerd 1.6 leaves its default one below the Pod's.
    let shm = file_system("/dev/shm", "tmpfs", "shm", NO_SUID_EXEC_DEV, "mode=1777,size=65536k");
    mounts.insert(mounts.len() - 2, shm);
    mounts.push(bind(&files.shm, "/dev/shm", MsFlags::MS_RDONLY));
    mounts.push(bind(&files.resolv_conf, "/etc/resolv.conf", MsFlags::MS_RDONLY));
    mounts
}

/// What a manifest asks for, from the host's paths in the same order.
pub fn asked(mounts: &[MountPlan], sources: &[PathBuf]) -> Vec<Mount> {
    let read_only = |mount: &MountPlan| if mount.read_only { MsFlags::MS_RDONLY } else { MsFlags::empty() };
    let one = |(mount, source): (&MountPlan, &PathBuf)| Mount {
        target: PathBuf::from(&mount.target),
        what: What::Bind { source: source.clone(), flags: read_only(mount), travel: Travel::of(mount) },
    };
    mounts.iter().zip(sources).map(one).collect()
}

/// A container's. What is `asked` for takes the place of the engine's own on the same path.
/// Source: containerd pkg/cri/opts/spec_linux.go, `WithMounts`, release/1.6.
pub fn of_container(asked: Vec<Mount>, read_only_root: bool, privilege: Privilege, files: &PodFiles) -> Vec<Mount> {
    let root_flags = if read_only_root { MsFlags::MS_RDONLY } else { MsFlags::empty() };
    let own = [
        bind(&files.hostname, "/etc/hostname", root_flags),
        bind(&files.resolv_conf, "/etc/resolv.conf", root_flags),
        bind(&files.shm, "/dev/shm", MsFlags::empty()),
    ];
    let free = |mount: &Mount| !asked.iter().any(|a| same_path(&a.target, &mount.target));
    let mut binds: Vec<Mount> = asked.clone();
    binds.extend(own.into_iter().filter(free));
    binds.sort_by_key(|mount| mount.target.components().count());
    let mut mounts = kernel_file_systems(privilege);
    let cgroups = What::Cgroups { read_only: !privilege.member };
    mounts.push(Mount { target: PathBuf::from("/sys/fs/cgroup"), what: cgroups });
    mounts.retain(free);
    if asked.iter().any(|a| same_path(&a.target, Path::new("/dev"))) {
        mounts.retain(|mount| !mount.target.starts_with("/dev"));
    }
    mounts.extend(binds);
    mounts
}

fn kernel_file_systems(privilege: Privilege) -> Vec<Mount> {
    let no_suid_exec = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    let dev = MsFlags::MS_NOSUID | MsFlags::MS_STRICTATIME;
    let sys = if privilege.pod { NO_SUID_EXEC_DEV } else { NO_SUID_EXEC_DEV | MsFlags::MS_RDONLY };
    let mut sys = file_system("/sys", "sysfs", "sysfs", sys, "");
    if let What::Filesystem { read_only_here, .. } = &mut sys.what {
        *read_only_here = privilege.pod && !privilege.member;
    }
    vec![
        file_system("/proc", "proc", "proc", NO_SUID_EXEC_DEV, ""),
        file_system("/dev", "tmpfs", "tmpfs", dev, "mode=755,size=65536k"),
        file_system("/dev/pts", "devpts", "devpts", no_suid_exec, "newinstance,ptmxmode=0666,mode=0620,gid=5"),
        file_system("/dev/mqueue", "mqueue", "mqueue", NO_SUID_EXEC_DEV, ""),
        sys,
    ]
}

fn file_system(target: &str, kind: &'static str, source: &'static str, flags: MsFlags, data: &'static str) -> Mount {
    let what = What::Filesystem { kind, source, flags, data, read_only_here: false };
    Mount { target: PathBuf::from(target), what }
}

fn bind(source: &Path, target: &str, flags: MsFlags) -> Mount {
    Mount {
        target: PathBuf::from(target),
        what: What::Bind { source: source.to_owned(), flags, travel: Travel::default() },
    }
}

fn same_path(a: &Path, b: &Path) -> bool {
    a.components().eq(b.components())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> PodFiles {
        PodFiles::below(Path::new("/run/pod"), Scope::Pod)
    }

    fn targets(mounts: &[Mount]) -> Vec<&str> {
        mounts.iter().filter_map(|m| m.target.to_str()).collect()
    }

    fn container(targets: &[&str], privilege: Privilege) -> Vec<Mount> {
        let asked = targets.iter().map(|target| bind(Path::new("/s"), target, MsFlags::empty())).collect();
        of_container(asked, false, privilege, &files())
    }

    const NONE: Privilege = Privilege { member: false, pod: false };

    #[test]
    fn a_sandbox_has_containerds_mounts_in_its_order() {
        let mounts = of_sandbox(&files(), false);
        let expected = ["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/dev/shm", "/etc/resolv.conf"];
        assert_eq!(targets(&mounts), expected);
    }

    #[test]
    fn what_a_manifest_mounts_takes_the_engines_place() {
        let mounts = container(&["/etc/hostname/", "/a/b/c", "/x"], NONE);
        let expected = [
            "/proc",
            "/dev",
            "/dev/pts",
            "/dev/mqueue",
            "/sys",
            "/sys/fs/cgroup",
            "/x",
            "/etc/hostname/",
            "/etc/resolv.conf",
            "/dev/shm",
            "/a/b/c",
        ];
        assert_eq!(targets(&mounts), expected);
        let own_dev = container(&["/dev"], NONE);
        assert!(!targets(&own_dev).contains(&"/dev/pts"));
    }

    #[test]
    fn only_a_privileged_pod_has_a_writable_sysfs() {
        let sys = |mounts: &[Mount]| {
            mounts.iter().find(|m| m.target == Path::new("/sys")).map(|m| m.what.clone()).expect("every member has it")
        };
        let of = |privileged, pod| match sys(&container(&[], Privilege { member: privileged, pod })) {
            What::Filesystem { flags, read_only_here, .. } => (flags.contains(MsFlags::MS_RDONLY), read_only_here),
            other => panic!("{other:?}"),
        };
        assert_eq!(of(false, false), (true, false));
        assert_eq!(of(false, true), (false, true));
        assert_eq!(of(true, true), (false, false));
    }
}
