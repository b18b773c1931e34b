//! Unix sockets: by a path, or by a name (`@line`) that lies in a network namespace and in no directory.

use super::fault::{Doing, Fault, Outcome, exactly, print};
use super::operand;
use super::stay::{Signals, ready, reap, remaining, wait_readable};
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::Signal;
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::Duration;

/// How long an answer may take, and what it may hold.
const PATIENCE: Duration = Duration::from_secs(5);
const ANSWER_LIMIT: u64 = 1 << 16;

fn address(operand: &OsStr) -> Result<SocketAddr, Fault> {
    let made = match operand::text(operand)?.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(operand),
    };
    made.doing(format!("make an address of {}", operand.display()))
}

/// `unix-serve PATH|@NAME TEXT`: tells everybody who connects the text, until SIGTERM.
pub(super) fn unix_serve(args: &[OsString]) -> Outcome {
    let [name, text] = exactly(args)?;
    let line = format!("{}\n", operand::text(text)?);
    let signals = Signals::take()?;
    let listener = UnixListener::bind_addr(&address(name)?).doing(format!("listen on {}", name.display()))?;
    listener.set_nonblocking(true).doing("not wait for clients")?;
    ready("unix-serve")?;
    loop {
        let fds = [signals.as_fd(), listener.as_fd()];
        wait_readable(&mut fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)), remaining(None))?;
        while let Some(signal) = signals.pending()? {
            match signal {
                Signal::SIGCHLD => reap()?,
                signal => return Ok(128 + signal as i32),
            }
        }
        // An error is either that nobody is there, or that this one client went away again.
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.write_all(line.as_bytes());
        }
    }
}

/// `unix-get PATH|@NAME`: prints what is told there.
pub(super) fn unix_get(args: &[OsString]) -> Outcome {
    let [name] = exactly(args)?;
    let stream = UnixStream::connect_addr(&address(name)?).doing(format!("connect to {}", name.display()))?;
    stream.set_read_timeout(Some(PATIENCE)).doing("set a timeout")?;
    let mut text = Vec::new();
    stream.take(ANSWER_LIMIT).read_to_end(&mut text).doing(format!("read from {}", name.display()))?;
    print(text).map(|()| 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_an_at_sign_is_in_no_directory() {
        let named = address(OsStr::new("@line")).expect("a name");
        assert_eq!(named.as_abstract_name(), Some(&b"line"[..]));
        let path = address(OsStr::new("/run/line")).expect("a path");
        assert_eq!(path.as_pathname(), Some(std::path::Path::new("/run/line")));
        assert!(address(OsStr::new(&"x".repeat(200))).is_err());
    }
}
