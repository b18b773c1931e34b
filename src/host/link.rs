//! Network interfaces by rtnetlink(7): names, deleting, and making one for a probe.

use super::HostError;
use super::listing::names_in;
use nix::libc;
use nix::sys::socket::{AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket};
use std::os::fd::AsRawFd;
use std::path::Path;

/// Length of `nlmsghdr` and of `ifinfomsg`.
const HEADER: usize = 16;
const LINK: usize = 16;

/// Names of the interfaces in our network namespace. /sys may show those of another.
pub(super) fn names() -> Result<Vec<String>, HostError> {
    let all = nix::net::if_::if_nameindex().map_err(|e| HostError::os("list the network interfaces", e))?;
    Ok(all.iter().map(|interface| interface.name().to_string_lossy().into_owned()).collect())
}

/// Names of the interfaces that are ports of a bridge; none if it is no bridge.
pub(super) fn ports(bridge: &str) -> Result<Vec<String>, HostError> {
    names_in(Path::new(&format!("/sys/class/net/{bridge}/brif")))
}

/// Deletes an interface, and with it the other end of a veth pair; false if there is none of that name.
pub(super) fn delete(name: &str) -> Result<bool, HostError> {
    let action = || format!("delete the interface {name}");
    let index = match nix::net::if_::if_nametoindex(name) {
        Ok(index) => index,
        Err(nix::Error::ENODEV) => return Ok(false),
        Err(errno) => return Err(HostError::os(action(), errno)),
    };
    match talk(&message(libc::RTM_DELLINK, 0, index, &[])) {
        Ok(()) => Ok(true),
        Err(nix::Error::ENODEV) => Ok(false),
        Err(errno) => Err(HostError::os(action(), errno)),
    }
}

/// Makes an interface of a kind (`bridge`, `veth`) with the kernel's defaults.
pub(super) fn create(kind: &str, name: &str) -> Result<(), HostError> {
    let info = attribute(libc::IFLA_LINKINFO, &attribute(libc::IFLA_INFO_KIND, kind.as_bytes()));
    let mut attributes = attribute(libc::IFLA_IFNAME, &[name.as_bytes(), &[0]].concat());
    attributes.extend(info);
    talk(&message(libc::RTM_NEWLINK, libc::NLM_F_CREATE | libc::NLM_F_EXCL, 0, &attributes))
        .map_err(|e| HostError::os(format!("make the {kind} interface {name}"), e))
}

/// Sends one message and reads its acknowledgement.
fn talk(message: &[u8]) -> nix::Result<()> {
    let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    sendto(socket.as_raw_fd(), message, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = [0u8; 4096];
    let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    match errno_of(&answer[..length]) {
        Some(0) => Ok(()),
        Some(errno) => Err(nix::Error::from_raw(errno)),
        None => Err(nix::Error::EBADMSG),
    }
}

/// A message about an interface by its index, with an acknowledgement asked for.
fn message(kind: u16, flags: i32, index: u32, attributes: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER + LINK + attributes.len());
    let length = u32::try_from(HEADER + LINK + attributes.len()).unwrap_or(0);
    let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_ACK | flags).unwrap_or(0);
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]);
    // ifinfomsg: family, padding, type, index, flags, change.
    message.extend([0; 4]);
    message.extend(index.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(attributes);
    message
}

/// An attribute: length without padding, kind, value, padding to four bytes.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut attribute = Vec::with_capacity(value.len() + 8);
    attribute.extend(u16::try_from(value.len() + 4).unwrap_or(0).to_ne_bytes());
    attribute.extend(kind.to_ne_bytes());
    attribute.extend(value);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

/// The error number in an acknowledgement: 0 for done.
fn errno_of(answer: &[u8]) -> Option<i32> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    if i32::from(kind) != libc::NLMSG_ERROR {
        return None;
    }
    let errno = i32::from_ne_bytes(answer.get(HEADER..HEADER + 4)?.try_into().ok()?);
    Some(-errno)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        let request = message(libc::RTM_DELLINK, 0, 7, &attribute(1, b"abc"));
        assert_eq!(request.len(), 40);
        assert_eq!(request[32..], [7, 0, 1, 0, b'a', b'b', b'c', 0]);
        assert_eq!(request[..4], 40u32.to_ne_bytes());
        assert_eq!(request[20..24], 7u32.to_ne_bytes());
        let mut answer = vec![0; 36];
        answer[4..6].copy_from_slice(&2u16.to_ne_bytes());
        answer[16..20].copy_from_slice(&(-19i32).to_ne_bytes());
        assert_eq!(errno_of(&answer), Some(libc::ENODEV));
        assert_eq!(errno_of(&answer[..10]), None);
    }
}
