//! Just enough of rtnetlink: one request, its acknowledgement, nested attributes.

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, socket,
};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

const HEADER: usize = 16;

/// A socket in the network namespace it was opened in, for good.
#[derive(Debug)]
pub struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

impl Netlink {
    /// Opens one here.
    ///
    /// # Errors
    /// The kernel's.
    pub fn open() -> nix::Result<Netlink> {
        let route = SockProtocol::NetlinkRoute;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, route)?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(Netlink { socket, sequence: 0 })
    }

    /// Sends a request and waits for its acknowledgement.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn ask(&mut self, request: Message) -> nix::Result<()> {
        self.sequence += 1;
        let bytes = request.finish(self.sequence);
        send(self.socket.as_raw_fd(), &bytes, MsgFlags::empty())?;
        let mut buffer = [0_u8; 8192];
        loop {
            let length = recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
            if let Some(answer) = acknowledged(buffer.get(..length).unwrap_or_default(), self.sequence) {
                return answer;
            }
        }
    }
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Looks for the acknowledgement of `sequence` in what came.
fn acknowledged(mut bytes: &[u8], sequence: u32) -> Option<nix::Result<()>> {
    while let Some((header, _)) = bytes.split_at_checked(HEADER) {
        let word = |at: usize| header.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_ne_bytes);
        let length = word(0) as usize;
        let kind = u16::from_ne_bytes([header[4], header[5]]);
        if i32::from(kind) == libc::NLMSG_ERROR && word(8) == sequence {
            let code = bytes.get(HEADER..HEADER + 4)?.try_into().map_or(0, i32::from_ne_bytes);
            return Some(if code == 0 { Ok(()) } else { Err(Errno::from_raw(-code)) });
        }
        bytes = bytes.get(length.max(HEADER).next_multiple_of(4)..)?;
    }
    None
}

/// A request under construction.
#[derive(Debug)]
pub struct Message {
    bytes: Vec<u8>,
    open: Vec<usize>,
}

impl Message {
    /// A request of that type (`RTM_NEWLINK`) with its fixed part.
    pub fn new(kind: u16, flags: i32, fixed: &[u8]) -> Message {
        let flags = u16::try_from(flags | libc::NLM_F_REQUEST | libc::NLM_F_ACK).unwrap_or(0);
        let mut bytes = vec![0; 4];
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&flags.to_ne_bytes());
        bytes.resize(HEADER, 0);
        bytes.extend_from_slice(fixed);
        Message { bytes, open: Vec::new() }
    }

    /// Adds an attribute.
    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Message {
        let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    /// Begins an attribute that holds others, after a fixed part of its own.
    pub fn begin(mut self, kind: u16, fixed: &[u8]) -> Message {
        self.open.push(self.bytes.len());
        self.bytes.extend_from_slice(&[0, 0]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(fixed);
        self
    }

    /// Ends the attribute begun last.
    pub fn end(mut self) -> Message {
        if let Some(start) = self.open.pop() {
            let length = u16::try_from(self.bytes.len() - start).unwrap_or(u16::MAX);
            self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        }
        self
    }

    fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_nested() {
        let message = Message::new(16, 0, &[0; 16]).attribute(3, b"eth0\0").begin(18, &[]).attribute(1, b"veth").end();
        let bytes = message.finish(7);
        assert_eq!(bytes.len(), 16 + 16 + 12 + 4 + 8);
        assert_eq!(bytes[0..4], 56_u32.to_ne_bytes());
        assert_eq!(bytes[8..12], 7_u32.to_ne_bytes());
        assert_eq!(bytes[32..36], [9, 0, 3, 0].map(|b| b));
        assert_eq!(bytes[44..48], [12, 0, 18, 0]);
    }

    #[test]
    fn only_the_own_acknowledgement_counts() {
        let answer = |sequence: u32, code: i32| {
            let mut bytes = 36_u32.to_ne_bytes().to_vec();
            bytes.extend_from_slice(&[2, 0, 0, 0]);
            bytes.extend_from_slice(&sequence.to_ne_bytes());
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(&code.to_ne_bytes());
            bytes.resize(36, 0);
            bytes
        };
        let both = [answer(1, 0), answer(2, -17)].concat();
        assert_eq!(acknowledged(&both, 2), Some(Err(Errno::EEXIST)));
        assert_eq!(acknowledged(&both, 1), Some(Ok(())));
        assert_eq!(acknowledged(&both, 3), None);
        assert_eq!(acknowledged(&[1, 2], 1), None);
    }
}
