//! What can only be asked from within a namespace: the names of a UTS namespace, the interfaces and
//! sysctls of a network one, the sysctls of an IPC one.
//!
//! Entering concerns a single thread, so a helper thread enters, asks, and ends; the rest of podcheck never moves.

use super::error::ObserveError;
use super::network::{self, Interface, Network};
use super::observation::{Host, InodeId, MemberSeen, Subject};
use super::read::{senseless, text, unreadable};
use super::sysctls::{self, Sysctls};
use crate::host::Process;
use nix::fcntl::OFlag;
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
    member: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Uts,
    Net,
    Ipc,
}

/// What was asked there.
enum Answer {
    Names { host: String, domain: String },
    Network { network: Network, sysctls: Sysctls },
    Ipc(Sysctls),
}

/// Fills in host names and networks. A network that is the host's is left out.
pub fn enter(
    subjects: &[Subject<'_>],
    host: &Host,
    members: &mut [(String, String, Option<MemberSeen>)],
) -> Result<(), ObserveError> {
    let visits = visits(subjects, host, members)?;
    if visits.is_empty() {
        return Ok(());
    }
    let answers = std::thread::scope(|scope| scope.spawn(|| visits.iter().map(visit).collect::<Vec<_>>()).join());
    let answers: Vec<Answer> = match answers {
        Ok(answers) => answers.into_iter().collect::<Result<_, _>>()?,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    for (visit, answer) in visits.iter().zip(answers) {
        for seen in members.iter_mut().filter_map(|(_, _, seen)| seen.as_mut()) {
            match &answer {
                Answer::Names { host, domain } if seen.namespaces.get("uts") == Some(&visit.id) => {
                    seen.hostname = Some(host.clone());
                    seen.domainname = Some(domain.clone());
                }
                Answer::Ipc(sysctls) if seen.namespaces.get("ipc") == Some(&visit.id) => {
                    seen.sysctls.extend(sysctls.clone());
                }
                Answer::Network { network, sysctls } if seen.namespaces.get("net") == Some(&visit.id) => {
                    seen.network = Some(network.clone());
                    seen.sysctls.extend(sysctls.clone());
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn visits<'a>(
    subjects: &[Subject<'a>],
    host: &Host,
    members: &[(String, String, Option<MemberSeen>)],
) -> Result<Vec<Visit<'a>>, ObserveError> {
    let mut visits: Vec<Visit<'a>> = Vec::new();
    for (subject, (_, _, seen)) in subjects.iter().zip(members) {
        let Some(seen) = seen else { continue };
        for (kind, name) in [(Kind::Uts, "uts"), (Kind::Net, "net"), (Kind::Ipc, "ipc")] {
            let Some(id) = seen.namespaces.get(name).copied() else { continue };
            let of_host = kind != Kind::Uts && host.namespaces.get(name).is_some_and(|of_host| of_host.contains(&id));
            if of_host || visits.iter().any(|v| v.kind == kind && v.id == id) {
                continue;
            }
            let file = subject
                .process
                .open_at(&format!("ns/{name}"), OFlag::O_RDONLY)
                .map_err(unreadable(format!("/proc/{}/ns/{name}", seen.pid)))?;
            visits.push(Visit { process: subject.process, kind, id, file, member: subject.name.to_owned() });
        }
    }
    Ok(visits)
}

fn visit(visit: &Visit<'_>) -> Result<Answer, ObserveError> {
    let (action, flag) = match visit.kind {
        Kind::Uts => ("ask the host name", CloneFlags::CLONE_NEWUTS),
        Kind::Net => ("list the interfaces", CloneFlags::CLONE_NEWNET),
        Kind::Ipc => ("read the sysctls", CloneFlags::CLONE_NEWIPC),
    };
    let failed = |errno| ObserveError::Enter { action, member: visit.member.clone(), cause: io::Error::from(errno) };
    setns(&visit.file, flag).map_err(failed)?;
    match visit.kind {
        Kind::Uts => names().map_err(failed),
        Kind::Ipc => Ok(Answer::Ipc(sysctls::set(sysctls::here(sysctls::IPC)))),
        Kind::Net => {
            let interfaces = interfaces().map_err(failed)?;
            let file = || format!("/proc/{}/net/route", visit.process.pid());
            let routes = text(visit.process, "net/route").map_err(unreadable(file()))?;
            let network = Network { interfaces, routes: network::routes(&routes).map_err(senseless(file()))? };
            Ok(Answer::Network { network, sysctls: sysctls::set(sysctls::here(sysctls::NET)) })
        }
    }
}

fn names() -> nix::Result<Answer> {
    let names = nix::sys::utsname::uname()?;
    let text = |name: &std::ffi::OsStr| name.to_string_lossy().into_owned();
    Ok(Answer::Names { host: text(names.nodename()), domain: text(names.domainname()) })
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
