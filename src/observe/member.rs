//! Looks at one member, consistently: it is the same program before and after.

use super::cgroup::{self, Hierarchy};
use super::cgroup_files::PodDir;
use super::error::{Malformed, ObserveError};
use super::host_mounts::HostMounts;
use super::idmap::{self, IdMaps};
use super::inherited::Inherited;
use super::mountinfo::Mount;
use super::observation::{Host, InodeId, MemberSeen, Namespaces, Security, Seen, Subject};
use super::read::{self, Evidence, Root, of_process, senseless, unreadable};
use super::stat::Stat;
use super::words::{nul_separated, number};
use super::{Scope, inherited, mountinfo, stat, status};
use crate::host::{Process, poll_until};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Kinds of namespaces, in the order of the document.
pub const KINDS: [&str; 8] = ["net", "ipc", "uts", "pid", "mnt", "user", "cgroup", "time"];

/// Small files that the Pod contract speaks of.
pub const FILES: [&str; 3] = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

/// Where the log of a container's end is unless its manifest says otherwise.
const TERMINATION_LOG: &str = "/dev/termination-log";

/// The namespaces that count as the host's.
pub fn host_namespaces(scope: &Scope<'_>) -> Result<Namespaces, ObserveError> {
    let namespaces = match scope.host {
        Some(daemon) => read::namespaces(daemon, &KINDS),
        None => read::own_namespaces(&KINDS).cloned(),
    };
    namespaces.map_err(unreadable("the host's namespaces"))
}

/// The host as members are compared with it. Not to be asked for in another UTS namespace: its name is that of the calling
/// thread's.
pub fn host(
    scope: &Scope<'_>,
    namespaces: Namespaces,
    mounts: &HostMounts,
    evidence: &mut Evidence,
) -> Result<Host, ObserveError> {
    evidence.keep("host", "mountinfo", mounts.text.as_ref().to_owned());
    let names = nix::sys::utsname::uname().map_err(|e| unreadable("the host name")(e.into()))?;
    Ok(Host {
        namespaces,
        hostname: names.nodename().to_string_lossy().into_owned(),
        domainname: names.domainname().to_string_lossy().into_owned(),
        inherited: if scope.inherits { Some(of_daemon(scope.host)?) } else { None },
        cpus: inherited::processors(1)?,
        mems: mems(scope)?,
        changed: Vec::new(),
        files: own_files()?,
        mounts: mounts.mounts.clone(),
        shm: read::host_directory("/dev/shm").map_err(unreadable("/dev/shm"))?,
        apparmor: apparmor()?,
    })
}

/// The lists of NUMA nodes that a process has from the host: see [`inherited::nodes_from`].
fn mems(scope: &Scope<'_>) -> Result<BTreeSet<String>, ObserveError> {
    const NODES: &str = "/sys/devices/system/node/has_memory";
    let there = read::host_text(NODES).map_err(unreadable(NODES))?;
    let first = Process::open(1).map_err(unreadable("/proc/1"))?;
    let mut lists = BTreeSet::new();
    for process in std::iter::once(&first).chain(scope.host.filter(|_| scope.inherits)) {
        let file = || of_process(process.pid(), "status");
        let text = read::text(process, "status").map_err(unreadable(file()))?;
        if let Seen::Value(list) = status::parse(&text).map_err(senseless(file()))?.mems {
            lists.extend(inherited::nodes_from(&list, there.as_deref()).map_err(senseless(NODES))?);
        }
    }
    Ok(lists)
}

/// The host's own small files.
fn own_files() -> Result<BTreeMap<&'static str, String>, ObserveError> {
    let mut files = BTreeMap::new();
    for file in FILES {
        files.extend(read::host_text(file).map_err(unreadable(file))?.map(|text| (file, text)));
    }
    Ok(files)
}

/// Whether AppArmor is on: until the next boot.
fn apparmor() -> Result<bool, ObserveError> {
    static IS_ON: OnceLock<bool> = OnceLock::new();
    if let Some(is_on) = IS_ON.get() {
        return Ok(*is_on);
    }
    let file = "/sys/module/apparmor/parameters/enabled";
    let text = read::host_text(file).map_err(unreadable(file))?;
    let is_on = is_apparmor_on(text.as_deref()).map_err(senseless(file))?;
    Ok(*IS_ON.get_or_init(|| is_on))
}

/// A kernel without AppArmor has no such file.
fn is_apparmor_on(text: Option<&str>) -> Result<bool, Malformed> {
    match text.map(str::trim) {
        None | Some("N") => Ok(false),
        Some("Y") => Ok(true),
        Some(other) => Err(Malformed::new("Y or N", other)),
    }
}

/// What a daemon, or podcheck itself, has to pass on.
fn of_daemon(daemon: Option<&Process>) -> Result<Inherited, ObserveError> {
    let us;
    let daemon = match daemon {
        Some(daemon) => daemon,
        None => {
            us = Process::open(std::process::id().cast_signed()).map_err(unreadable("/proc/self"))?;
            &us
        }
    };
    let file = || of_process(daemon.pid(), "stat");
    let stat = read::text(daemon, "stat").map_err(unreadable(file()))?;
    inherited::read(daemon, &stat::parse(&stat).map_err(senseless(file()))?)
}

/// The small files in a member's root.
fn files(root: &Root, pid: i32) -> Result<BTreeMap<&'static str, String>, ObserveError> {
    let mut files = BTreeMap::new();
    for file in FILES {
        let text = root.text(file).map_err(unreadable(in_root(pid, file)))?;
        files.extend(text.map(|text| (file, text)));
    }
    Ok(files)
}

/// Where paths lead in a member's root: those that are asked for, and those of the files that a runtime mounts.
fn places(root: &Root, subject: &Subject<'_>) -> Result<BTreeMap<String, String>, ObserveError> {
    let mut places = BTreeMap::new();
    for path in subject.paths.iter().map(String::as_str).chain(FILES).chain([TERMINATION_LOG]) {
        let place = root.place(path).map_err(unreadable(in_root(subject.process.pid(), path)))?;
        places.extend(place.map(|place| (path.to_owned(), place)));
    }
    Ok(places)
}

/// What a path in a member's root is called on the host.
fn in_root(pid: i32, path: &str) -> impl Display {
    std::fmt::from_fn(move |f| write!(f, "/proc/{pid}/root{path}"))
}

/// Controllers that the v2 hierarchy has; none where it is not mounted.
pub fn controllers(hierarchies: &[Hierarchy], evidence: &mut Evidence) -> Result<BTreeSet<String>, ObserveError> {
    let Some(unified) = hierarchies.iter().find(|h| h.is_unified()) else { return Ok(BTreeSet::new()) };
    let file = format!("{}/cgroup.controllers", unified.mount_point);
    // What is mounted over it may hide the file: then no controller can be seen.
    let text = read::host_text(&file).map_err(unreadable(file))?.unwrap_or_default();
    let mut controllers: BTreeSet<String> = text.split_whitespace().map(str::to_owned).collect();
    if hierarchies.len() > 1 {
        // On hybrid hosts runtimes set no limits there, so that there is nothing to read.
        controllers.remove("hugetlb");
    }
    evidence.keep("host", "cgroup.controllers", text);
    Ok(controllers)
}

/// Whether a process has ended, or does within moments: one that is exiting has no memory, and so no executable and no
/// arguments, before it is seen to be a zombie. That it is exiting the kernel says before it takes these away.
pub fn is_ending(process: &Process) -> bool {
    let exiting = || read::text(process, "stat").is_ok_and(|text| stat::parse(&text).is_ok_and(|stat| stat.exiting));
    let moments = Instant::now() + Duration::from_millis(50);
    poll_until(moments, || (!process.is_alive() || exiting()).then_some(())).is_some()
}

/// What every member of a Pod is read with.
pub struct Reader<'a> {
    /// The namespaces that count as the host's.
    pub host: &'a Namespaces,
    /// Mounted cgroup hierarchies.
    pub hierarchies: &'a [Hierarchy],
    /// Controllers of the v2 one.
    pub controllers: &'a BTreeSet<String>,
    /// The Pod's cgroup in each hierarchy, in the same order, where it is known and can be seen.
    pub pod: Vec<Option<PodDir>>,
}

impl Reader<'_> {
    /// Looks at a member; `None` if it has exited.
    pub fn member(&self, subject: &Subject<'_>, evidence: &mut Evidence) -> Result<Option<MemberSeen>, ObserveError> {
        let process = subject.process;
        for _ in 0..2 {
            let Some(before) = identity(process)? else { return Ok(None) };
            let seen = match self.look(subject, &before, evidence) {
                Ok(seen) => seen,
                Err(_) if is_ending(process) => return Ok(None),
                Err(error) => return Err(error),
            };
            match identity(process)? {
                None => return Ok(None),
                Some(after) if after.is_same(&before) => return Ok(Some(seen)),
                Some(_) => {}
            }
        }
        Err(ObserveError::Unsteady { member: subject.name.to_owned(), pid: process.pid() })
    }

    fn look(
        &self,
        subject: &Subject<'_>,
        identity: &Identity,
        evidence: &mut Evidence,
    ) -> Result<MemberSeen, ObserveError> {
        let process = subject.process;
        let pid = process.pid();
        let mut texts = Texts { subject, evidence };
        let status = texts.parsed("status", status::parse)?;
        let memberships = texts.parsed("cgroup", cgroup::memberships)?;
        let mounts = texts.parsed("mountinfo", mountinfo::parse)?;
        let oom_score_adj = texts.parsed("oom_score_adj", number)?;
        let args = texts.parsed("cmdline", |text| Ok(nul_separated(text)))?;
        let env = texts.parsed("environ", |text| Ok(nul_separated(text)))?;
        let apparmor = if apparmor()? {
            let label = |text: &str| match text.trim_end_matches(['\n', '\0']) {
                "" => Err(Malformed::new("a label", "an empty file")),
                label => Ok(label.to_owned()),
            };
            Seen::Value(texts.parsed("attr/current", label)?)
        } else {
            Seen::Unobservable("apparmor")
        };
        let mut namespaces = BTreeMap::new();
        for kind in KINDS {
            let file = || std::fmt::from_fn(|f| write!(f, "/proc/{pid}/ns/{kind}"));
            match read::namespace(process, kind).map_err(unreadable(file()))? {
                Some(id) => drop(namespaces.insert(kind, id)),
                None if !self.has_kind(kind) => {}
                // Not a kind that the kernel lacks, but a process that has none any more.
                None => return Err(unreadable(file())(std::io::ErrorKind::NotFound.into())),
            }
        }
        let link = |name| read::link(process, name).map_err(unreadable(of_process(pid, name)));
        let (prefix, cwd) = (link("root")?, link("cwd")?);
        let root = Root::open(process).map_err(unreadable(of_process(pid, "root")))?;
        let of_member = |hierarchy: &Hierarchy| match hierarchy.controllers.first() {
            Some(controller) => memberships.v1.get(controller).cloned(),
            None => memberships.unified.clone(),
        };
        let ids = self.ids(process, namespaces.get("user").copied())?;
        let mounts = match &ids {
            Some(ids) => mounts.into_iter().map(|m| Mount { superblock: ids.options(m.superblock), ..m }).collect(),
            None => mounts,
        };
        Ok(MemberSeen {
            pid,
            own_pid: status.own_pid,
            namespaces,
            cgroup: self.cgroup(of_member, subject.name, |_| true, evidence)?,
            memberships,
            outside: Seen::Absent,
            credentials: match &ids {
                Some(ids) => ids.inside(status.credentials),
                None => status.credentials,
            },
            ids,
            security: Security { no_new_privs: status.no_new_privs, seccomp: status.seccomp, apparmor },
            mounts,
            hostname: None,
            domainname: None,
            inherited: Inherited {
                umask: status.umask,
                mems: status.mems,
                ..inherited::read(process, &identity.stat)?
            },
            proc_shows: root.proc_shows().map_err(unreadable(in_root(pid, "/proc")))?,
            sysctls: Seen::Value(BTreeMap::new()),
            oom_score_adj,
            comm: identity.stat.comm.clone(),
            args,
            env,
            cwd: below(&prefix, &cwd),
            executable: below(&prefix, &identity.executable),
            root: root.id().map_err(unreadable(in_root(pid, "")))?,
            places: places(&root, subject)?,
            shm: root.shm().map_err(unreadable(in_root(pid, "/dev/shm")))?,
            files: files(&root, pid)?,
            network: None,
        })
    }
}

impl Reader<'_> {
    /// Whether this kernel has a kind of namespaces: then the host has one.
    fn has_kind(&self, kind: &str) -> bool {
        self.host.get(kind).is_some_and(|of_host| !of_host.is_empty())
    }

    /// The maps of a user namespace, unless it is the host's.
    fn ids(&self, process: &Process, user: Option<InodeId>) -> Result<Option<IdMaps>, ObserveError> {
        let of_host = |id| self.host.get("user").is_some_and(|host| host.contains(&id));
        if user.is_none_or(of_host) {
            return Ok(None);
        }
        let map = |file: &str| {
            let path = || of_process(process.pid(), file);
            let text = read::text(process, file).map_err(unreadable(path()))?;
            idmap::parse(&text).map_err(senseless(path()))
        };
        Ok(Some(IdMaps { uid: map("uid_map")?, gid: map("gid_map")? }))
    }
}

/// A member's texts.
struct Texts<'a, 'e> {
    subject: &'a Subject<'a>,
    evidence: &'e mut Evidence,
}

impl Texts<'_, '_> {
    /// Reads a text, keeps it, and says what is in it.
    fn parsed<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, Malformed>) -> Result<T, ObserveError> {
        let process = self.subject.process;
        let path = || of_process(process.pid(), name);
        let text = read::text(process, name).map_err(unreadable(path()))?;
        let parsed = parse(&text).map_err(senseless(path()))?;
        let shown = if text.contains('\0') { text.replace('\0', "\n") } else { text };
        self.evidence.keep(self.subject.name, name, shown);
        Ok(parsed)
    }
}

/// Who a process is while it is looked at.
struct Identity {
    stat: Stat,
    executable: String,
}

impl Identity {
    /// It is the same program. What else its `stat` has may change at any time.
    fn is_same(&self, other: &Identity) -> bool {
        let who = |identity: &Identity| (identity.stat.started, identity.stat.comm.clone());
        who(self) == who(other) && self.executable == other.executable
    }
}

/// Who a process is; `None` once it has exited.
fn identity(process: &Process) -> Result<Option<Identity>, ObserveError> {
    let path = |name| of_process(process.pid(), name);
    let text = match read::text(process, "stat") {
        Ok(text) => text,
        Err(error) if read::is_gone(&error) => return Ok(None),
        Err(error) => return Err(unreadable(path("stat"))(error)),
    };
    let stat = stat::parse(&text).map_err(senseless(path("stat")))?;
    if !stat.is_running() {
        return Ok(None);
    }
    match read::link(process, "exe") {
        Ok(executable) => Ok(Some(Identity { stat, executable })),
        Err(_) if is_ending(process) => Ok(None),
        Err(error) => Err(unreadable(path("exe"))(error)),
    }
}

/// A path below a root directory, as it is called inside.
fn below(root: &str, path: &str) -> String {
    match path.strip_prefix(root) {
        Some("") => "/".to_owned(),
        Some(rest) if rest.starts_with('/') => rest.to_owned(),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apparmor_that_says_neither_is_not_off() {
        assert_eq!([None, Some("N\n"), Some("Y\n")].map(is_apparmor_on), [Ok(false), Ok(false), Ok(true)]);
        assert!(is_apparmor_on(Some("")).is_err());
    }

    #[test]
    fn paths_are_those_of_the_container() {
        for (root, path, inside) in [
            ("/", "/bin/sleep", "/bin/sleep"),
            ("/run/x/root", "/run/x/root/bin/sleep", "/bin/sleep"),
            ("/run/x/root", "/run/x/root", "/"),
            ("/run/x/root", "/run/x/rootless/bin", "/run/x/rootless/bin"),
        ] {
            assert_eq!(below(root, path), inside);
        }
    }
}
