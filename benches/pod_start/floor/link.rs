//! The Pod's link in as few rtnetlink requests as it takes: the pair, both addresses, both routes.

use nix::libc;
use nix::net::if_::if_nametoindex;
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};
use nix::unistd::Pid;
use std::fs::File;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};

const UP: u32 = libc::IFF_UP.cast_unsigned();
const INSIDE: &str = "eth0";
const VETH_INFO_PEER: u16 = 1;

/// Links the sandbox's network namespace with ours.
pub fn set_up(sandbox: Pid, name: &str, pod: Ipv4Addr, gateway: Ipv4Addr) -> io::Result<()> {
    let (ours, pods) = (File::open("/proc/self/ns/net")?, File::open(format!("/proc/{sandbox}/ns/net"))?);
    let outside = open()?;
    let namespace = attribute(libc::IFLA_NET_NS_FD, &pods.as_raw_fd().to_ne_bytes());
    let peer = [link(0, 0), attribute(libc::IFLA_IFNAME, INSIDE.as_bytes()), namespace].concat();
    let data = attribute(libc::IFLA_INFO_DATA, &attribute(VETH_INFO_PEER, &peer));
    let info = attribute(libc::IFLA_LINKINFO, &[attribute(libc::IFLA_INFO_KIND, b"veth"), data].concat());
    ask(&outside, libc::RTM_NEWLINK, &[link(0, UP), attribute(libc::IFLA_IFNAME, name.as_bytes()), info])?;
    let index = if_nametoindex(name)?;
    ask(&outside, libc::RTM_NEWADDR, &address(index, gateway, 32))?;
    let to = attribute(libc::RTA_DST, &pod.octets());
    ask(&outside, libc::RTM_NEWROUTE, &[route(32, libc::RT_SCOPE_LINK), to, through(index)])?;

    setns(&pods, CloneFlags::CLONE_NEWNET)?;
    let inside = open()?;
    ask(&inside, libc::RTM_NEWLINK, &[link(1, UP)])?;
    let index = if_nametoindex(INSIDE)?;
    ask(&inside, libc::RTM_NEWLINK, &[link(index, UP)])?;
    ask(&inside, libc::RTM_NEWADDR, &address(index, pod, 24))?;
    let by = attribute(libc::RTA_GATEWAY, &gateway.octets());
    ask(&inside, libc::RTM_NEWROUTE, &[route(0, libc::RT_SCOPE_UNIVERSE), by, through(index)])?;
    Ok(setns(&ours, CloneFlags::CLONE_NEWNET)?)
}

fn open() -> io::Result<OwnedFd> {
    let route = SockProtocol::NetlinkRoute;
    Ok(socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, route)?)
}

/// Sends a request and reads its acknowledgement: a floor that failed would be no floor.
fn ask(socket: &OwnedFd, kind: u16, parts: &[Vec<u8>]) -> io::Result<()> {
    let flags = libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE;
    let flags = u16::try_from(flags).map_err(io::Error::other)?;
    let body = parts.concat();
    let mut message = u32::try_from(16 + body.len()).map_err(io::Error::other)?.to_ne_bytes().to_vec();
    message.extend([kind.to_ne_bytes(), flags.to_ne_bytes()].concat());
    message.resize(16, 0);
    message.extend(body);
    send(socket.as_raw_fd(), &message, MsgFlags::empty())?;
    let mut answer = [0; 1024];
    recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    match i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]) {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(-errno)),
    }
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// `struct ifinfomsg`: flags and which of them change.
fn link(index: u32, up: u32) -> Vec<u8> {
    [0, index, up, up].iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// `struct ifaddrmsg` and its attributes.
fn address(index: u32, address: Ipv4Addr, prefix: u8) -> [Vec<u8>; 3] {
    let mut fixed = vec![libc::AF_INET.cast_unsigned().to_le_bytes()[0], prefix, 0, libc::RT_SCOPE_UNIVERSE];
    fixed.extend(index.to_ne_bytes());
    [fixed, attribute(libc::IFA_LOCAL, &address.octets()), attribute(libc::IFA_ADDRESS, &address.octets())]
}

/// `struct rtmsg` in the main table.
fn route(prefix: u8, scope: u8) -> Vec<u8> {
    let family = libc::AF_INET.cast_unsigned().to_le_bytes()[0];
    let mut fixed = vec![family, prefix, 0, 0, libc::RT_TABLE_MAIN, libc::RTPROT_BOOT, scope, libc::RTN_UNICAST];
    fixed.resize(12, 0);
    fixed
}

fn through(index: u32) -> Vec<u8> {
    attribute(libc::RTA_OIF, &index.to_ne_bytes())
}
