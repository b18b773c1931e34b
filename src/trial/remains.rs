//! What is left of a Pod once its runtime has removed it: looked for by what it had while it was up.

use super::up::{Up, subjects};
use crate::host::{Process, poll_until, scaled};
use crate::judge::{NamespaceLeft, Remains};
use crate::observe::{Held, Holding, Scope};
use crate::plan::Scope as Sharing;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::ffi::CString;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A runtime's helpers may take this long to end once it has said that a Pod is gone.
const WITHIN: Duration = Duration::from_secs(5);
/// The kernel takes network namespaces down in the background, one after the other, and with them their interfaces.
const INTERFACE_WITHIN: Duration = Duration::from_secs(10);
/// How podcheck's own removal names an interface.
const INTERFACE: &str = "interface ";
/// And what stays on the host because a Pod wrote there: nobody's fault.
const STAYS: &str = "hostPath ";

/// What a Pod has while it is up, by which it is looked for when it is gone.
pub(super) struct Trace {
    held: Held,
    daemon: Option<Process>,
    /// The id of the sandbox that has a lease in the books of CNI, and where the daemons' books are.
    lease: Option<(String, PathBuf)>,
    /// Index of the host's end of its veth pair.
    interface: Option<u32>,
}

impl Trace {
    /// Of a Pod that is about to be removed.
    pub(super) fn of(up: &Up) -> Result<Trace, String> {
        let members = subjects(up);
        let daemon = up.kubelet.pod().daemon();
        let scope = Scope { host: daemon, pod_cgroup: None, inherits: false, since: None };
        let held = Held::of(&members, &scope).map_err(|error| error.to_string())?;
        let daemon = daemon.map(Process::again).transpose().map_err(|error| error.to_string())?;
        let own = up.plan.namespaces.network != Sharing::Node;
        let id = members.first().map_or("", |sandbox| sandbox.id);
        let run = up.run.dir();
        let has_lease = own && !id.is_empty() && !leases_of(run, id)?.is_empty();
        let lease = has_lease.then(|| (id.to_owned(), run.to_owned()));
        let alive = members.iter().filter(|_| own).find(|member| member.process.is_alive());
        let interface = alive.map(|member| host_end(member.process)).transpose()?.flatten();
        Ok(Trace { held, daemon, lease, interface })
    }

    /// Looks for it, for as long as it may take to go.
    pub(super) fn follow(self) -> Result<Remains, String> {
        let Trace { held, daemon, lease, interface } = self;
        let own = Process::open(std::process::id().cast_signed()).map_err(|error| error.to_string())?;
        let views: Vec<&Process> = std::iter::once(&own).chain(&daemon).collect();
        let look = || held.holders(&views).map_err(|error| error.to_string());
        let mut last = look()?;
        let deadline = Instant::now() + scaled(WITHIN);
        while !last.is_empty() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
            last = look()?;
        }
        // As long as we hold its network namespace, its interface stays.
        drop(held);
        let looked = lease.is_some() || interface.is_some();
        let leased = lease.map(|(id, run)| leases_of(&run, &id)).transpose()?.unwrap_or_default();
        let mut network: Vec<String> = leased.iter().map(|file| format!("lease {}", file.display())).collect();
        network.extend(interface.map(stays).transpose()?.flatten());
        Ok(of_holding(last, looked.then_some(network)))
    }
}

fn of_holding(holding: Holding, network: Option<Vec<String>>) -> Remains {
    let namespaces = holding.namespaces.into_iter().map(|holders| NamespaceLeft {
        member: holders.member,
        kind: holders.kind.to_owned(),
        holders: holders.by,
    });
    Remains { namespaces: namespaces.collect(), network, other: holding.marked }
}

/// What podcheck's own removal of a Pod's corner of the host found there.
pub(super) fn of_left(left: &[String]) -> Remains {
    let (interfaces, others): (Vec<&String>, Vec<&String>) = left.iter().partition(|left| left.starts_with(INTERFACE));
    let others = others.into_iter().filter(|left| !left.starts_with(STAYS));
    let network = if interfaces.is_empty() { None } else { Some(interfaces.into_iter().cloned().collect()) };
    Remains { namespaces: Vec::new(), network, other: others.cloned().collect() }
}

/// The files in which CNI has written down the addresses of a run's Pods: each is called as its address.
///
/// # Errors
/// The books are there and cannot be read.
pub(super) fn leases(run: &Path) -> Result<Vec<PathBuf>, String> {
    let daemons = entries(&run.join("daemons"))?;
    let networks = all(daemons.iter().map(|daemon| entries(&daemon.join("ipam"))))?;
    let files = all(networks.iter().map(|network| entries(network)))?;
    Ok(files.into_iter().filter(|file| address_of(file).is_some()).collect())
}

fn all(lists: impl Iterator<Item = Result<Vec<PathBuf>, String>>) -> Result<Vec<PathBuf>, String> {
    Ok(lists.collect::<Result<Vec<_>, _>>()?.concat())
}

/// What is in a folder; nothing where there is none, or where there is a file.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let listed = match std::fs::read_dir(dir) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        listed => listed.and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect()),
    };
    listed.map_err(|error| format!("cannot list {}: {error}", dir.display()))
}

fn address_of(file: &Path) -> Option<IpAddr> {
    file.file_name()?.to_str()?.parse().ok()
}

/// Those of a sandbox: by its id, since an address may be another's at once.
fn leases_of(run: &Path, id: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for file in leases(run)? {
        match std::fs::read_to_string(&file) {
            Ok(text) if text.contains(id) => found.push(file),
            Ok(_) => {}
            // Another Pod's, which has gone meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(format!("cannot read the lease {}: {error}", file.display())),
        }
    }
    Ok(found)
}

/// Index of the host's end of a Pod's veth pair, as the Pod's own sysfs has it; `None` where it has no such interface.
fn host_end(process: &Process) -> Result<Option<u32>, String> {
    let mut text = String::new();
    let opened = process.open_at("root/sys/class/net/eth0/iflink", OFlag::O_RDONLY);
    let read = opened.and_then(|file| File::from(file).take(16).read_to_string(&mut text));
    match read.map_err(|error| (error.raw_os_error().map(Errno::from_raw), error)) {
        Ok(_) => {}
        Err((Some(Errno::ENOENT | Errno::ENOTDIR | Errno::ESRCH), _)) => return Ok(None),
        Err((_, error)) => return Err(format!("cannot read eth0/iflink of process {}: {error}", process.pid())),
    }
    let Ok(index) = text.trim().parse() else { return Ok(None) };
    Ok(name_of(index)?.map(|_| index))
}

/// `None` if there is no interface of that index.
fn name_of(index: u32) -> Result<Option<String>, String> {
    named(nix::net::if_::if_indextoname(index))
}

fn named(answer: nix::Result<CString>) -> Result<Option<String>, String> {
    match answer {
        // As which some C libraries give one that is not there.
        Ok(name) if name.is_empty() => Ok(None),
        Ok(name) => Ok(Some(name.to_string_lossy().into_owned())),
        Err(Errno::ENXIO | Errno::ENODEV) => Ok(None),
        Err(errno) => Err(format!("cannot ask for an interface by its index: {errno}")),
    }
}

/// The interface, if it does not go.
fn stays(index: u32) -> Result<Option<String>, String> {
    let gone = || match name_of(index) {
        Ok(Some(_)) => None,
        Ok(None) => Some(Ok(())),
        Err(error) => Some(Err(error)),
    };
    match poll_until(Instant::now() + scaled(INTERFACE_WITHIN), gone) {
        Some(gone) => gone.map(|()| None),
        None => Ok(name_of(index)?.map(|name| format!("{INTERFACE}{name}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_are_read_as_cni_writes_them() {
        let run = tempfile::tempdir().expect("a folder");
        let network = run.path().join("daemons/containerd/ipam/podcheck");
        std::fs::create_dir_all(&network).expect("made");
        for (name, text) in [("10.213.0.2", "0123abcd\r\neth0"), ("last_reserved_ip.0", "10.213.0.2"), ("lock", "")] {
            std::fs::write(network.join(name), text).expect("written");
        }
        let files = leases(run.path()).expect("readable");
        assert_eq!(files, [network.join("10.213.0.2")]);
        assert_eq!(leases_of(run.path(), "0123abcd").as_ref(), Ok(&files));
        assert_eq!(leases_of(run.path(), "ffff"), Ok(Vec::new()));
        std::fs::write(&files[0], "ffff\r\neth0").expect("written");
        assert_eq!(leases_of(run.path(), "0123abcd"), Ok(Vec::new()));
    }

    #[test]
    fn books_that_cannot_be_read_are_not_empty_books() {
        let run = tempfile::tempdir().expect("a folder");
        assert_eq!(leases(run.path()), Ok(Vec::new()));
        let network = run.path().join("daemons/containerd/ipam/podcheck");
        std::fs::create_dir_all(network.join("10.213.0.2")).expect("made");
        let error = leases_of(run.path(), "0123abcd").expect_err("a folder is no lease");
        assert!(error.contains("10.213.0.2"), "{error}");
        let ipam = run.path().join("daemons/docker");
        std::fs::create_dir_all(&ipam).expect("made");
        std::os::unix::fs::symlink("ipam", ipam.join("ipam")).expect("linked");
        let error = leases(run.path()).expect_err("a link to itself");
        assert!(error.contains("docker/ipam"), "{error}");
    }

    #[test]
    fn what_was_removed_is_sorted_by_what_it_is() {
        let left = ["process 7: sleep", "interface pchkabc", "hostPath /x (stays)", "cgroup kubepods/x"];
        let remains = of_left(&left.map(str::to_owned));
        assert_eq!(remains.network.as_deref(), Some(&["interface pchkabc".to_owned()][..]));
        assert_eq!(remains.other, ["process 7: sleep", "cgroup kubepods/x"]);
        assert!(of_left(&["hostPath /x (stays)".to_owned()]).is_empty());
    }

    #[test]
    fn an_interface_that_is_there_stays_and_one_that_is_not_does_not() {
        assert_eq!(name_of(u32::MAX), Ok(None));
        assert_eq!(stays(u32::MAX), Ok(None));
        assert_eq!(name_of(1).expect("asked").as_deref(), Some("lo"));
    }

    #[test]
    fn an_interface_that_cannot_be_asked_for_is_not_gone() {
        assert_eq!(named(Err(Errno::ENXIO)), Ok(None));
        assert_eq!(named(Err(Errno::ENODEV)), Ok(None));
        let said = named(Err(Errno::EMFILE)).expect_err("no socket was left");
        assert!(said.contains("cannot ask for an interface"), "{said}");
    }

    #[test]
    fn a_pod_whose_sysfs_cannot_be_read_is_not_one_without_an_interface() {
        let folder = tempfile::tempdir().expect("a folder");
        let process = Process::in_folder(7, folder.path()).expect("a folder");
        assert_eq!(host_end(&process), Ok(None), "it has none mounted");
        let eth0 = folder.path().join("root/sys/class/net/eth0");
        std::fs::create_dir_all(eth0.join("iflink")).expect("made");
        assert!(host_end(&process).is_err(), "it cannot be read");
        std::fs::remove_dir(eth0.join("iflink")).expect("there");
        std::fs::write(eth0.join("iflink"), "1\n").expect("written");
        assert_eq!(host_end(&process), Ok(Some(1)));
    }
}
