//! A daemon's socket and who is behind it.

use crate::host::Process;
use crate::runtime::RuntimeError;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// The socket of an endpoint: `unix:///run/containerd/containerd.sock`, or the path alone.
///
/// # Errors
/// It is of another kind.
pub(super) fn socket(runtime: &str, endpoint: &str) -> Result<PathBuf, RuntimeError> {
    let path = endpoint.strip_prefix("unix://").unwrap_or(endpoint);
    if path.starts_with('/') {
        return Ok(PathBuf::from(path));
    }
    Err(RuntimeError::Unavailable {
        runtime: runtime.to_owned(),
        reason: format!("{endpoint:?} is no endpoint of CRI; expected unix:///run/containerd/containerd.sock"),
    })
}

/// The process that listens on a socket, as the kernel knows it.
pub(super) fn daemon(socket: &Path) -> Option<Process> {
    let stream = UnixStream::connect(socket).ok()?;
    let peer = getsockopt(&stream, PeerCredentials).ok()?;
    Process::open(peer.pid()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_unix_socket() {
        assert!(socket("c", "unix:///run/c.sock").is_ok_and(|p| p == Path::new("/run/c.sock")));
        assert!(socket("c", "/run/c.sock").is_ok_and(|p| p == Path::new("/run/c.sock")));
        for wrong in ["tcp://127.0.0.1:1", "c.sock", "unix://c.sock", ""] {
            assert!(socket("c", wrong).is_err_and(|e| e.to_string().contains("no endpoint")), "{wrong}");
        }
    }

    #[test]
    fn the_listener_is_the_daemon() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("s");
        let _listener = std::os::unix::net::UnixListener::bind(&path)?;
        assert_eq!(daemon(&path).map(|p| p.pid()), i32::try_from(std::process::id()).ok());
        assert!(daemon(&dir.path().join("other")).is_none());
        Ok(())
    }
}
