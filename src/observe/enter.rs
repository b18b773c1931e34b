//! What can only be asked from within a namespace: the names of a UTS namespace, the interfaces and
//! sysctls of a network one, the sysctls of an IPC one.
//!
//! Entering concerns a single thread, so a helper thread enters, asks, and ends; the rest of podcheck never moves. The helper
//! with which all members are looked at enters the first one's before it looks; whatever others have is asked for after that.

use super::error::ObserveError;
use super::network::{self, Interface, Network};
use super::observation::{InodeId, MemberSeen, Namespaces, Subject};
use super::read::{self, of_process, senseless, text, unreadable};
use super::sysctls::{self, Sysctls};
use crate::host::Process;
use nix::net::if_::InterfaceFlags;
use nix::sched::{CloneFlags, setns};
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

/// One namespace to enter, for the first member found in it.
struct Visit<'a> {
    process: &'a Process,
    kind: Kind,
    id: InodeId,
    file: OwnedFd,
    member: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Uts,
    Net,
    Ipc,
}

/// The kinds, and what their files are called.
const KINDS: [(Kind, &str); 3] = [(Kind::Uts, "uts"), (Kind::Net, "net"), (Kind::Ipc, "ipc")];

/// What was asked in a namespace.
pub struct Answer {
    kind: Kind,
    id: InodeId,
    said: Said,
}

enum Said {
    Names { host: String, domain: String },
    Network { network: Network, sysctls: Sysctls },
    Ipc(Sysctls),
}

/// Enters the first member's namespaces with the calling thread, which can then read whatever these do not change. Most Pods
/// have no others. What fails here, [`enter`] asks for again, and shows.
pub fn ahead(subjects: &[Subject<'_>], host: &Namespaces) -> Vec<Answer> {
    let Some(first) = subjects.first() else { return Vec::new() };
    let ask = |(kind, name): (Kind, &'static str)| {
        let (id, file) = read::open_namespace(first.process, name).ok()?;
        let visit = Visit { process: first.process, kind, id, file, member: first.name };
        if is_hosts(kind, name, id, host) { None } else { visit.ask().ok() }
    };
    KINDS.into_iter().filter_map(ask).collect()
}

/// Fills in host names and networks, and asks for those that are not among `answers`. A network that is the host's is left
/// out.
pub fn enter(
    subjects: &[Subject<'_>],
    host: &Namespaces,
    members: &mut [(String, String, Option<MemberSeen>)],
    answers: &[Answer],
) -> Result<(), ObserveError> {
    let visits = visits(subjects, host, members, answers)?;
    let mut more: Vec<Answer> = Vec::new();
    if !visits.is_empty() {
        let ask = || visits.iter().map(Visit::ask).collect::<Result<_, _>>();
        match std::thread::scope(|scope| scope.spawn(ask).join()) {
            Ok(asked) => more = asked?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    for answer in answers.iter().chain(&more) {
        for seen in members.iter_mut().filter_map(|(_, _, seen)| seen.as_mut()) {
            answer.fill(seen);
        }
    }
    Ok(())
}

/// Whether nothing is asked there. A host name is: it is compared with the host's.
fn is_hosts(kind: Kind, name: &str, id: InodeId, host: &Namespaces) -> bool {
    kind != Kind::Uts && host.get(name).is_some_and(|of_host| of_host.contains(&id))
}

fn visits<'a>(
    subjects: &[Subject<'a>],
    host: &Namespaces,
    members: &[(String, String, Option<MemberSeen>)],
    answers: &[Answer],
) -> Result<Vec<Visit<'a>>, ObserveError> {
    let mut visits: Vec<Visit<'a>> = Vec::new();
    for (subject, (_, _, seen)) in subjects.iter().zip(members) {
        let Some(seen) = seen else { continue };
        for (kind, name) in KINDS {
            let Some(id) = seen.namespaces.get(name).copied() else { continue };
            let answered = answers.iter().any(|answer| answer.kind == kind && answer.id == id);
            let asked = || visits.iter().any(|visit| visit.kind == kind && visit.id == id);
            if answered || asked() || is_hosts(kind, name, id, host) {
                continue;
            }
            let path = std::fmt::from_fn(|f| write!(f, "/proc/{}/ns/{name}", seen.pid));
            let (_, file) = read::open_namespace(subject.process, name).map_err(unreadable(path))?;
            visits.push(Visit { process: subject.process, kind, id, file, member: subject.name });
        }
    }
    Ok(visits)
}

impl Answer {
    /// Fills it in for a member that is in that namespace.
    fn fill(&self, seen: &mut MemberSeen) {
        let is_in = |kind: &str| seen.namespaces.get(kind) == Some(&self.id);
        match &self.said {
            Said::Names { host, domain } if is_in("uts") => {
                seen.hostname = Some(host.clone());
                seen.domainname = Some(domain.clone());
            }
            Said::Ipc(sysctls) if is_in("ipc") => sysctls::add(seen, sysctls),
            Said::Network { network, sysctls } if is_in("net") => {
                seen.network = Some(network.clone());
                sysctls::add(seen, sysctls);
            }
            _ => {}
        }
    }
}

impl Visit<'_> {
    /// Enters, and asks.
    fn ask(&self) -> Result<Answer, ObserveError> {
        let (action, flag) = match self.kind {
            Kind::Uts => ("ask the host name", CloneFlags::CLONE_NEWUTS),
            Kind::Net => ("list the interfaces", CloneFlags::CLONE_NEWNET),
            Kind::Ipc => ("read the sysctls", CloneFlags::CLONE_NEWIPC),
        };
        let failed =
            |errno| ObserveError::Enter { action, member: self.member.to_owned(), cause: io::Error::from(errno) };
        setns(&self.file, flag).map_err(failed)?;
        let said = match self.kind {
            Kind::Uts => names().map_err(failed)?,
            Kind::Ipc => Said::Ipc(sysctls::here(sysctls::IPC)?),
            Kind::Net => {
                let interfaces = interfaces().map_err(failed)?;
                let file = || of_process(self.process.pid(), "net/route");
                let routes = text(self.process, "net/route").map_err(unreadable(file()))?;
                let network = Network { interfaces, routes: network::routes(&routes).map_err(senseless(file()))? };
                Said::Network { network, sysctls: sysctls::here(sysctls::NET)? }
            }
        };
        Ok(Answer { kind: self.kind, id: self.id, said })
    }
}

fn names() -> nix::Result<Said> {
    let names = nix::sys::utsname::uname()?;
    let text = |name: &std::ffi::OsStr| name.to_string_lossy().into_owned();
    Ok(Said::Names { host: text(names.nodename()), domain: text(names.domainname()) })
}

fn interfaces() -> nix::Result<Vec<Interface>> {
    let mut found: BTreeMap<String, Interface> = BTreeMap::new();
    for entry in nix::ifaddrs::getifaddrs()? {
        let interface = found.entry(entry.interface_name.clone()).or_default();
        interface.name.clone_from(&entry.interface_name);
        interface.up |= entry.flags.contains(InterfaceFlags::IFF_UP);
        let (Some(address), Some(mask)) = (entry.address, entry.netmask) else { continue };
        if let (Some(address), Some(mask)) = (address.as_sockaddr_in(), mask.as_sockaddr_in()) {
            interface.addresses.push((IpAddr::V4(address.ip()), prefix(u32::from(mask.ip()).count_ones())));
        }
        if let (Some(address), Some(mask)) = (address.as_sockaddr_in6(), mask.as_sockaddr_in6()) {
            interface.addresses.push((IpAddr::V6(address.ip()), prefix(u128::from(mask.ip()).count_ones())));
        }
    }
    Ok(found.into_values().collect())
}

fn prefix(bits: u32) -> u8 {
    u8::try_from(bits).unwrap_or(u8::MAX)
}
