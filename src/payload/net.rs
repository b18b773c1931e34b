//! Sockets: listening on all addresses, and the programs `listen` and `get`.

use super::fault::{Doing, Fault, Outcome, exactly, print};
use super::{http, operand};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike, bind, listen as start_listening,
    setsockopt, socket, sockopt,
};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

/// Listens on a port of all addresses, IPv6 and IPv4; of IPv4 alone where there is no IPv6.
pub(super) fn listener(port: u16) -> Result<TcpListener, Fault> {
    let both = SockaddrIn6::from(SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0));
    let four = SockaddrIn::new(0, 0, 0, 0, port);
    match listener_at(AddressFamily::Inet6, &both) {
        Err(Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL) => listener_at(AddressFamily::Inet, &four),
        other => other,
    }
    .doing(format!("listen on port {port}"))
}

fn listener_at(family: AddressFamily, address: &impl SockaddrLike) -> Result<TcpListener, Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, SockType::Stream, flags, None)?;
    setsockopt(&socket, sockopt::ReuseAddr, &true)?;
    if family == AddressFamily::Inet6 {
        setsockopt(&socket, sockopt::Ipv6V6Only, &false)?;
    }
    bind(socket.as_raw_fd(), address)?;
    start_listening(&socket, Backlog::new(64)?)?;
    Ok(TcpListener::from(socket))
}

/// `listen PORT`: whether the port is free.
pub(super) fn listen(args: &[OsString]) -> Outcome {
    let [port] = exactly(args)?;
    listener(port_number(port)?).map(|_| 0)
}

/// A port that can be asked for: zero would be any.
pub(super) fn port_number(operand: &std::ffi::OsStr) -> Result<u16, Fault> {
    match operand::number(operand)? {
        0 => Err(Fault::usage("port 0 is no port")),
        port => Ok(port),
    }
}

/// An answer may not be longer.
const ANSWER_LIMIT: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(5);

/// `get HOST PORT [PATH]`: prints the body of the answer; a status that is not 2xx is a fault.
pub(super) fn get(args: &[OsString]) -> Outcome {
    let (host, port, path) = match args {
        [host, port] => (host, port, "/"),
        [host, port, path] => (host, port, operand::text(path)?),
        _ => return Err(Fault::usage("a host, a port and perhaps a path are wanted")),
    };
    let host = operand::text(host)?;
    let at = SocketAddr::new(resolve(host)?, port_number(port)?);
    let mut stream = TcpStream::connect_timeout(&at, PATIENCE).doing(format!("connect to {at}"))?;
    stream.set_read_timeout(Some(PATIENCE)).doing("set a timeout")?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).doing(format!("send to {at}"))?;
    let mut bytes = Vec::new();
    stream.take(ANSWER_LIMIT).read_to_end(&mut bytes).doing(format!("read from {at}"))?;
    let (status, body) =
        http::parse_answer(&bytes).ok_or_else(|| Fault::Other(format!("{at} did not answer in HTTP")))?;
    print(body)?;
    if (200..300).contains(&status) { Ok(0) } else { Err(Fault::Other(format!("{at} answered {status}"))) }
}

/// Looks a name up in /etc/hosts alone: a static program cannot load the libraries that resolvers come in.
fn resolve(host: &str) -> Result<IpAddr, Fault> {
    if let Ok(address) = host.parse() {
        return Ok(address);
    }
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    match look_up(&hosts, host) {
        Some(address) => Ok(address),
        None if host == "localhost" => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        None => Err(Fault::Other(format!("{host} is not in /etc/hosts"))),
    }
}

fn look_up(hosts: &str, host: &str) -> Option<IpAddr> {
    hosts.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse().ok()?;
        words.any(|name| name.eq_ignore_ascii_case(host)).then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_in_the_hosts_file() {
        let hosts = "# managed\n127.0.0.1\tlocalhost\nnot-an-address x\n10.1.2.3 ledger ledger.local # ours\n";
        assert_eq!(look_up(hosts, "Ledger.local"), Some(IpAddr::from([10, 1, 2, 3])));
        assert_eq!(look_up(hosts, "localhost"), Some(IpAddr::from([127, 0, 0, 1])));
        assert_eq!(look_up(hosts, "ours"), None);
        assert_eq!(look_up(hosts, "x"), None);
        assert_eq!(look_up("", "x"), None);
    }
}
