//! The Pod's network: lo up, and an address of its own on a veth pair whose other end is on the host.

use super::fault::{Context, Fault};
use super::netlink::{Message, Netlink};
use super::protocol::Address;
use nix::libc;
use nix::net::if_::if_nametoindex;
use nix::sched::{CloneFlags, setns};
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};

const INSIDE: &str = "eth0";
const VETH_INFO_PEER: u16 = 1;
const LOOPBACK: u32 = 1;
const UP: u32 = libc::IFF_UP.unsigned_abs();

/// Sets up a new network namespace `pod`, held by its file in /proc, from a process in the namespace `host`. What it makes
/// goes with that namespace, which is an order of magnitude faster than deleting it.
///
/// # Errors
/// The kernel's, with the step.
pub fn set_up(host: &OwnedFd, pod: &OwnedFd, name: &str, address: Option<Address>) -> Result<(), Fault> {
    let outside = Netlink::open().to(|| "open a netlink socket")?;
    let enter = |namespace: &OwnedFd, which: &str| {
        setns(namespace, CloneFlags::CLONE_NEWNET).to(|| format!("enter the network namespace of the {which}"))
    };
    if let Some(address) = address {
        make_pair(outside, pod, name, address)?;
    }
    enter(pod, "Pod")?;
    let inside = set_up_inside(address);
    enter(host, "host")?;
    inside
}

fn make_pair(mut outside: Netlink, pod: &OwnedFd, name: &str, address: Address) -> Result<(), Fault> {
    let fd = pod.as_raw_fd().unsigned_abs();
    let pair = Message::new(libc::RTM_NEWLINK, libc::NLM_F_CREATE | libc::NLM_F_EXCL, &interface(0, UP))
        .attribute(libc::IFLA_IFNAME, &zero_ended(name))
        .begin(libc::IFLA_LINKINFO, &[])
        .attribute(libc::IFLA_INFO_KIND, b"veth")
        .begin(libc::IFLA_INFO_DATA, &[])
        .begin(VETH_INFO_PEER, &interface(0, 0)) // it has no other end yet, and cannot be up
        .attribute(libc::IFLA_IFNAME, &zero_ended(INSIDE))
        .attribute(libc::IFLA_NET_NS_FD, &fd.to_ne_bytes())
        .end()
        .end()
        .end();
    outside.ask(pair).to(|| format!("make the veth pair {name}"))?;
    let index = if_nametoindex(name).to(|| format!("find the interface {name}"))?;
    // Every Pod's host end has the same address: that is what answers when a Pod looks for its way out.
    outside.ask(new_address(index, address.gateway, 32)).to(|| format!("give {} to {name}", address.gateway))?;
    let to_pod = route(32, libc::RT_SCOPE_LINK)
        .attribute(libc::RTA_DST, &address.pod.octets())
        .attribute(libc::RTA_OIF, &index.to_ne_bytes());
    outside.ask(to_pod).to(|| format!("route {} to {name}", address.pod))
}

fn set_up_inside(address: Option<Address>) -> Result<(), Fault> {
    let mut netlink = Netlink::open().to(|| "open a netlink socket in the Pod")?;
    let lo = Message::new(libc::RTM_NEWLINK, 0, &interface(LOOPBACK, UP));
    netlink.ask(lo).to(|| "raise lo in the Pod's network namespace")?;
    let Some(address) = address else {
        return Ok(());
    };
    let index = if_nametoindex(INSIDE).to(|| "find eth0 in the Pod's network namespace")?;
    let raise = Message::new(libc::RTM_NEWLINK, 0, &interface(index, UP));
    netlink.ask(raise).to(|| "raise the Pod's eth0")?;
    let give = new_address(index, address.pod, address.prefix);
    netlink.ask(give).to(|| format!("give {}/{} to the Pod's eth0", address.pod, address.prefix))?;
    let default = route(0, libc::RT_SCOPE_UNIVERSE)
        .attribute(libc::RTA_GATEWAY, &address.gateway.octets())
        .attribute(libc::RTA_OIF, &index.to_ne_bytes());
    netlink.ask(default).to(|| format!("route the Pod by {}", address.gateway))
}

/// `struct ifinfomsg`.
fn interface(index: u32, up: u32) -> Vec<u8> {
    let mut fixed = vec![libc::AF_UNSPEC as u8, 0, 0, 0];
    fixed.extend_from_slice(&index.to_ne_bytes());
    fixed.extend_from_slice(&up.to_ne_bytes()); // flags
    fixed.extend_from_slice(&up.to_ne_bytes()); // which of them change
    fixed
}

/// `struct ifaddrmsg` and its attributes.
fn new_address(index: u32, address: Ipv4Addr, prefix: u8) -> Message {
    let mut fixed = vec![libc::AF_INET as u8, prefix, 0, libc::RT_SCOPE_UNIVERSE];
    fixed.extend_from_slice(&index.to_ne_bytes());
    let message = Message::new(libc::RTM_NEWADDR, libc::NLM_F_CREATE | libc::NLM_F_EXCL, &fixed)
        .attribute(libc::IFA_LOCAL, &address.octets())
        .attribute(libc::IFA_ADDRESS, &address.octets());
    let broadcast = u32::from(address) | u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
    if prefix < 31 { message.attribute(libc::IFA_BROADCAST, &broadcast.to_be_bytes()) } else { message }
}

/// `struct rtmsg` of a new route to a destination of that prefix.
fn route(prefix: u8, scope: u8) -> Message {
    let table = libc::RT_TABLE_MAIN;
    let fixed = [libc::AF_INET as u8, prefix, 0, 0, table, libc::RTPROT_BOOT, scope, libc::RTN_UNICAST, 0, 0, 0, 0];
    Message::new(libc::RTM_NEWROUTE, libc::NLM_F_CREATE | libc::NLM_F_EXCL, &fixed)
}

fn zero_ended(name: &str) -> Vec<u8> {
    [name.as_bytes(), &[0]].concat()
}
