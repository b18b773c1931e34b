//! The idle server: one thread, one `poll` over its ports, its connections and the signals it answers to.

use super::fault::{Fault, Outcome};
use super::stay::{Signals, ready, reap, remaining, wait_readable};
use super::{complain, http, net, operand};
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::Signal;
use std::ffi::OsString;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// More connections at a time wait in the kernel's backlog, until one is done or has had its time.
const CONNECTIONS: usize = 64;
/// A client that is slower than this goes when another wants its place.
const FAIR: Duration = Duration::from_millis(200);
/// A client that has not taken its answer by then is let go.
const PATIENCE: Duration = Duration::from_secs(5);

/// What `serve` was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    name: Option<String>,
    /// It ends if it cannot have one of these.
    ports: Vec<u16>,
    /// It does without one of these that it cannot have.
    declared: Vec<u16>,
}

fn wanted(args: &[OsString]) -> Result<Wanted, Fault> {
    let mut wanted = Wanted::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let (option, value) = match operand::text(arg)?.split_once('=') {
            Some((option, value)) => (option, OsString::from(value)),
            None => {
                let value = args.next().ok_or_else(|| Fault::usage(format!("{} takes a value", arg.display())))?;
                (operand::text(arg)?, value.clone())
            }
        };
        match option {
            "--name" => wanted.name = Some(operand::text(&value)?.to_owned()),
            "--port" => wanted.ports.push(net::port_number(&value)?),
            "--declared" => wanted.declared.push(net::port_number(&value)?),
            _ => return Err(Fault::usage(format!("{option} is no option"))),
        }
    }
    Ok(wanted)
}

/// The ports without which `serve` ends, of these arguments; `None` if it is called wrongly.
pub(super) fn ports_it_needs(args: &[OsString]) -> Option<Vec<u16>> {
    wanted(args).ok().map(|wanted| wanted.ports)
}

/// `serve`: answers on its ports with its name until SIGTERM.
pub(super) fn serve(args: &[OsString]) -> Outcome {
    let wanted = wanted(args)?;
    let name = wanted.name.or_else(|| std::env::var("CONTAINER_NAME").ok()).unwrap_or_else(|| "podcheck".to_owned());
    let signals = Signals::take()?;
    let mut listeners = wanted.ports.iter().map(|&port| net::listener(port)).collect::<Result<Vec<_>, _>>()?;
    for port in wanted.declared {
        match net::listener(port) {
            Ok(listener) => listeners.push(listener),
            Err(fault) => complain(&format!("serve: {}; it stays without this port", fault.text())),
        }
    }
    ready("serve")?;
    let mut connections: Vec<Connection> = Vec::new();
    loop {
        wait(&signals, if has_room(&connections) { &listeners } else { &[] }, &connections)?;
        while let Some(signal) = signals.pending()? {
            match signal {
                Signal::SIGCHLD => reap()?,
                signal => return Ok(128 + signal as i32),
            }
        }
        for connection in &mut connections {
            connection.go_on(&name);
        }
        connections.retain(|connection| connection.state != State::Gone && connection.until() > Instant::now());
        for listener in &listeners {
            accept(listener, &mut connections);
        }
    }
}

fn wait(signals: &Signals, listeners: &[TcpListener], connections: &[Connection]) -> Result<(), Fault> {
    let mut fds = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
    fds.extend(listeners.iter().map(|l| PollFd::new(l.as_fd(), PollFlags::POLLIN)));
    fds.extend(connections.iter().map(|c| PollFd::new(c.stream.as_fd(), c.awaits())));
    let next_room = if has_room(connections) { None } else { connections.first().map(Connection::fair_until) };
    wait_readable(&mut fds, remaining(next_room.or(connections.first().map(Connection::until))))
}

/// Connections are held in the order they came: the first is the oldest.
fn has_room(connections: &[Connection]) -> bool {
    connections.len() < CONNECTIONS || connections.first().is_none_or(|oldest| oldest.fair_until() <= Instant::now())
}

fn accept(listener: &TcpListener, connections: &mut Vec<Connection>) {
    // An error is either that nobody is there, or that this one client went away again.
    while has_room(connections) {
        let Ok((stream, _)) = listener.accept() else { return };
        if connections.len() >= CONNECTIONS {
            connections.remove(0);
        }
        if stream.set_nonblocking(true).is_ok() {
            connections.push(Connection {
                stream,
                state: State::Reading,
                bytes: Vec::new(),
                sent: 0,
                came: Instant::now(),
            });
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// `bytes` is the head so far.
    Reading,
    /// `bytes` is the answer.
    Writing,
    /// The answer is out. What the client still sends is read and dropped: closing at once would reset the connection and
    /// could take the answer from it again.
    Draining,
    Gone,
}

struct Connection {
    stream: TcpStream,
    state: State,
    bytes: Vec<u8>,
    sent: usize,
    came: Instant,
}

impl Connection {
    fn until(&self) -> Instant {
        self.came + PATIENCE
    }

    fn fair_until(&self) -> Instant {
        self.came + FAIR
    }

    fn awaits(&self) -> PollFlags {
        match self.state {
            State::Writing => PollFlags::POLLOUT,
            _ => PollFlags::POLLIN,
        }
    }

    /// Does what can be done without waiting, in steps of bounded size.
    fn go_on(&mut self, name: &str) {
        let result = match self.state {
            State::Reading => self.read(name),
            State::Writing => self.write(),
            State::Draining => self.drain(),
            State::Gone => Ok(()),
        };
        match result {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.state = State::Gone,
        }
    }

    fn read(&mut self, name: &str) -> std::io::Result<()> {
        let mut part = [0; 2048];
        let length = self.stream.read(&mut part)?;
        self.bytes.extend_from_slice(&part[..length]);
        let request =
            if length == 0 && !self.bytes.is_empty() { http::Request::Malformed } else { http::request(&self.bytes) };
        match http::answer(request, name) {
            Some(answer) => {
                self.bytes = answer;
                self.state = State::Writing;
                self.write()
            }
            None if length == 0 => {
                self.state = State::Gone;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn write(&mut self) -> std::io::Result<()> {
        self.sent += self.stream.write(&self.bytes[self.sent..])?;
        if self.sent == self.bytes.len() {
            self.stream.shutdown(Shutdown::Write)?;
            self.state = State::Draining;
            return self.drain();
        }
        Ok(())
    }

    fn drain(&mut self) -> std::io::Result<()> {
        let mut part = [0; 2048];
        if self.stream.read(&mut part)? == 0 {
            self.state = State::Gone;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(texts: &[&str]) -> Vec<OsString> {
        texts.iter().map(OsString::from).collect()
    }

    #[test]
    fn options_may_be_repeated_and_joined() {
        let words = ["--name", "ledger", "--port", "80", "--port=8080", "--declared", "81"];
        let asked = wanted(&args(&words)).expect("a right call");
        assert_eq!(asked, Wanted { name: Some("ledger".to_owned()), ports: vec![80, 8080], declared: vec![81] });
        assert_eq!(wanted(&[]).expect("a right call"), Wanted::default());
    }

    #[test]
    fn a_wrong_call_is_refused() {
        for texts in
            [&["--port"][..], &["--port", "0"], &["--port", "70000"], &["--declared", "0"], &["80"], &["--poort", "80"]]
        {
            assert!(matches!(wanted(&args(texts)), Err(Fault::Usage(_))), "{texts:?}");
        }
    }
}
