//! What was seen, typed, still with the host's own pids, inodes and paths in it. [`crate::facts`] takes those out.

use super::history::Changed;
use super::inherited::Inherited;
use super::limits::{Events, Limits};
use super::mountinfo::Mount;
use super::network::Network;
use crate::host::Process;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// A process to look at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// `sandbox` or the container's name.
    pub name: &'a str,
    /// The runtime's id of it, as it may stand in cgroup paths; empty if it has none.
    pub id: &'a str,
    /// Its init.
    pub process: &'a Process,
    /// Paths in its root whose place is asked for.
    pub paths: &'a [String],
}

impl<'a> Subject<'a> {
    /// A process of which no path is asked.
    pub fn new(name: &'a str, id: &'a str, process: &'a Process) -> Self {
        Subject { name, id, process, paths: &[] }
    }
}

/// A value, its absence, or why it cannot be seen here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seen<T> {
    /// The kernel has it.
    Value(T),
    /// The kernel could have it, and it is not set.
    #[default]
    Absent,
    /// This host cannot show it: the ability that is missing.
    Unobservable(&'static str),
}

impl<T> Seen<T> {
    /// The value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Seen::Value(value) => Some(value),
            Seen::Absent | Seen::Unobservable(_) => None,
        }
    }

    /// The same with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Seen::Value(value) => Seen::Value(f(value)),
            Seen::Absent => Seen::Absent,
            Seen::Unobservable(ability) => Seen::Unobservable(ability),
        }
    }
}

/// A file of the kernel's that says which namespace or file system object this is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InodeId {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
}

/// Kind → the namespaces that count as the host's.
pub type Namespaces = BTreeMap<&'static str, Vec<InodeId>>;

/// Everything seen of a Pod.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Name, runtime's id and what was seen of each, in the order asked for; `None` for one that has exited.
    pub members: Vec<(String, String, Option<MemberSeen>)>,
    /// What was seen of the Pod's cgroup, if its path was known.
    pub pod: Option<PodSeen>,
    /// What the members are compared with.
    pub host: Host,
    /// `<member>/<file>` → the kernel's text as it was read, cut where it is long.
    pub evidence: BTreeMap<String, String>,
}

/// The Pod's cgroup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodSeen {
    /// Its limits and events.
    pub cgroup: CgroupSeen,
    /// Command lines of processes in or below it that belong to no member.
    pub strays: Vec<String>,
}

/// Limits of one cgroup, each with the file it was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CgroupSeen {
    /// What it holds its processes to.
    pub limits: Limits,
    /// What happened in it.
    pub events: Events,
    /// Rules of the devices controller as the kernel prints them.
    pub devices: Seen<Vec<String>>,
    /// Files that nobody has a reason to write, by their names: what stands there.
    pub controls: BTreeMap<&'static str, Seen<String>>,
    /// Name of the fact → the file.
    pub files: BTreeMap<&'static str, String>,
}

/// The host, as far as members are compared with it.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Kind → the namespaces that count as the host's: its own, for mnt also PID 1's.
    pub namespaces: Namespaces,
    /// Host name.
    pub hostname: String,
    /// The host's own of the small files that members have: some Pods are given copies.
    pub files: BTreeMap<&'static str, String>,
    /// The host's mounts, by which a bind mount's source is known.
    pub mounts: Arc<[Mount]>,
    /// `/dev/shm`, if there is one.
    pub shm: Option<InodeId>,
    /// Whether AppArmor is on.
    pub apparmor: bool,
    /// NIS domain name.
    pub domainname: String,
    /// What members inherit, if they inherit it from the process that counts as the host.
    pub inherited: Option<Inherited>,
    /// Processors that PID 1 may run on: a runtime may give a container these instead of its own.
    pub cpus: String,
    /// Lists of NUMA nodes that a process has from the host: those of PID 1 and of the process that counts as the host.
    pub mems: BTreeSet<String>,
    /// What of it was seen to change while the Pod was up, if it is known since when that is.
    pub changed: Vec<Changed>,
}

/// What was seen of one member.
#[derive(Clone, Debug, Default)]
pub struct MemberSeen {
    /// Its pid here, for the names of files in findings.
    pub pid: i32,
    /// Its pid in its own PID namespace.
    pub own_pid: Option<i32>,
    /// Kind → namespace; kinds that the kernel lacks are missing.
    pub namespaces: BTreeMap<&'static str, InodeId>,
    /// Cgroups it is in.
    pub memberships: Memberships,
    /// Its descendants that are not in its cgroup.
    pub outside: Seen<Vec<Outside>>,
    /// What its own cgroup holds it to.
    pub cgroup: CgroupSeen,
    /// User, groups, capabilities; ids as its user namespace calls them.
    pub credentials: Credentials,
    /// The ids of its user namespace, if that is not the host's.
    pub ids: Option<super::idmap::IdMaps>,
    /// What it may not do.
    pub security: Security,
    /// Mounts it can reach, in the kernel's order.
    pub mounts: Vec<Mount>,
    /// Host name in its UTS namespace.
    pub hostname: Option<String>,
    /// NIS domain name in its UTS namespace.
    pub domainname: Option<String>,
    /// What it inherited, or was given instead.
    pub inherited: Inherited,
    /// The PID namespace whose processes its `/proc` shows; `None` if that is no procfs.
    pub proc_shows: Option<InodeId>,
    /// Sysctls of its network and IPC namespaces that are not as in new ones; none of the host's namespaces.
    pub sysctls: Seen<BTreeMap<&'static str, String>>,
    /// `oom_score_adj`.
    pub oom_score_adj: i32,
    /// `comm`.
    pub comm: String,
    /// Arguments, the program's name first.
    pub args: Vec<String>,
    /// Environment as it was started with, in order.
    pub env: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// Program, as a path below its root.
    pub executable: String,
    /// Root directory.
    pub root: InodeId,
    /// Path that was asked for, or of a small file → where it leads in its root, without a link, `.` or `..`. One that leads
    /// nowhere is missing.
    pub places: BTreeMap<String, String>,
    /// `/dev/shm`, if its root has one.
    pub shm: Option<Shm>,
    /// Path → text of small files that the Pod contract speaks of; a path that is no regular file is missing.
    pub files: BTreeMap<&'static str, String>,
    /// The network of its network namespace; `None` where that is the host's.
    pub network: Option<Network>,
}

impl MemberSeen {
    /// Addresses that are its network's own: neither loopback nor made up by the kernel.
    pub fn own_addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.network.iter().flat_map(Network::own_addresses)
    }
}

/// Cgroup paths from the root of each hierarchy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memberships {
    /// v1 controller or `name=…` → path.
    pub v1: BTreeMap<String, String>,
    /// Path in the v2 hierarchy, where the kernel has one.
    pub unified: Option<String>,
}

/// A process of a member that is not in the member's cgroup.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outside {
    /// Its command line.
    pub command: String,
    /// Controller, `name=…` or `unified` → where it is instead; those in which it is at home are left out.
    pub cgroups: BTreeMap<String, String>,
}

/// `Uid`, `Gid`, `Groups` and capabilities of `/proc/<pid>/status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Real, effective, saved, file system.
    pub uid: [u32; 4],
    /// Real, effective, saved, file system.
    pub gid: [u32; 4],
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Capability sets.
    pub capabilities: Capabilities,
}

/// Capability sets as bit masks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "capabilities(7) has them under these names")]
pub struct Capabilities {
    pub effective: u64,
    pub permitted: u64,
    pub inheritable: u64,
    pub bounding: u64,
    pub ambient: u64,
}

/// What a process may not do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// `NoNewPrivs`.
    pub no_new_privs: bool,
    /// `Seccomp`.
    pub seccomp: Seen<Seccomp>,
    /// AppArmor's label.
    pub apparmor: Seen<String>,
}

/// How system calls are filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seccomp {
    /// Not at all.
    Disabled,
    /// read, write, exit and sigreturn only.
    Strict,
    /// By a program.
    Filter,
}

/// A member's `/dev/shm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shm {
    /// The directory.
    pub id: InodeId,
    /// Permission bits, the sticky bit included.
    pub mode: u32,
    /// Size of the file system in bytes.
    pub size_bytes: u64,
}
