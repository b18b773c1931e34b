//! The harness's side of a Pod's process.

use super::{PATIENCE, deadline, failed, refused};
use crate::engine::protocol::{Reply, Request, receive, send};
use crate::engine::{FLOOR_4_19, ROLE};
use crate::host::scaled;
use crate::runtime::RuntimeError;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::{File, OpenOptions};
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// The Pod's process. When the socket closes it takes the Pod down and ends: also if this process is killed.
///
/// It is not bound to us by PR_SET_PDEATHSIG, which would come at the end of the thread that started it.
#[derive(Debug)]
pub struct Connection {
    socket: Option<UnixStream>,
    child: Child,
}

impl Connection {
    /// Starts the process of a Pod that is yet to be named. What it may have to say of itself it adds to `log`.
    ///
    /// # Errors
    /// The host refused.
    pub fn open(log: &Path, floor_4_19: bool) -> Result<Connection, RuntimeError> {
        let action = "start the Pod's process";
        let fail = |e: io::Error| failed(action, e);
        let program = sealed_self().map_err(|e| failed(action, e))?;
        let (ours, its) = UnixStream::pair().map_err(fail)?;
        let log = OpenOptions::new().create(true).append(true).open(log).map_err(fail)?;
        // Neither a directory nor anything else that has to be set between fork and exec: so it is spawned without a copy
        // of this process's page tables.
        let child = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()))
            .arg0("podcheck")
            .arg(ROLE)
            .args(floor_4_19.then_some(FLOOR_4_19))
            .env_clear()
            .stdin(OwnedFd::from(its))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(fail)?;
        Ok(Connection { socket: Some(ours), child })
    }

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// It did not work, took too long, or the process is gone.
    pub fn ask(&mut self, request: &Request, action: &str, patience: Duration) -> Result<Reply, RuntimeError> {
        self.tell(request, action)?;
        self.hear(action, patience)
    }

    /// Says something, and does not wait for what it answers.
    ///
    /// # Errors
    /// The process is gone.
    pub fn tell(&mut self, request: &Request, action: &str) -> Result<(), RuntimeError> {
        let socket = self.socket.as_mut().ok_or_else(|| failed(action, "the Pod's process is gone"))?;
        send(socket, request).map_err(|_| self.lost(action))
    }

    /// Waits for the answer to what was told.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub fn hear(&mut self, action: &str, patience: Duration) -> Result<Reply, RuntimeError> {
        let patience = scaled(patience);
        let socket = self.socket.as_mut().ok_or_else(|| failed(action, "the Pod's process is gone"))?;
        match socket.set_read_timeout(Some(patience)).and_then(|()| receive(socket)) {
            Ok(Some(Reply::Failed(fault))) => Err(refused(action, fault)),
            Ok(Some(reply)) => Ok(reply),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                // An answer that comes late must not be taken for the next one. Without us the Pod goes.
                self.abandon();
                Err(deadline(action, patience))
            }
            Ok(None) | Err(_) => Err(self.lost(action)),
        }
    }

    fn lost(&mut self, action: &str) -> RuntimeError {
        self.abandon();
        failed(action, "the Pod's process ended without an answer")
    }

    fn abandon(&mut self) {
        // What close says is said by whoever finds the process gone.
        let _ = self.close();
    }

    /// Closes our side, upon which the process takes down what there still is, and waits for its end.
    ///
    /// # Errors
    /// It did not end, and was killed.
    pub fn close(&mut self) -> Result<(), RuntimeError> {
        let action = "wait for the Pod's process";
        if let Some(mut socket) = self.socket.take() {
            let patience = Some(scaled(PATIENCE));
            // Its side closes when it ends, so reading to the end is waiting without asking again and again.
            let ended = socket
                .shutdown(Shutdown::Write)
                .and_then(|()| socket.set_read_timeout(patience))
                .and_then(|()| io::copy(&mut socket, &mut io::sink()));
            if ended.is_err_and(|e| matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)) {
                // Its children go with it; what else is left is the trial's to sweep.
                self.child.kill().map_err(|e| failed("end the Pod's process", e))?;
                self.child.wait().map_err(|e| failed(action, e))?;
                return Err(deadline("take the Pod down", scaled(PATIENCE)));
            }
        }
        self.child.wait().map(drop).map_err(|e| failed(action, e))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // As well as can be: whoever wants to know calls stop.
        let _ = self.close();
    }
}

/// A copy of the running program that nobody can write to, made once: what a container reaches through `/proc/<pid>/exe`
/// while it is being made is not the file on the host (CVE-2019-5736).
fn sealed_self() -> Result<&'static OwnedFd, io::Error> {
    static COPY: OnceLock<OwnedFd> = OnceLock::new();
    if let Some(copy) = COPY.get() {
        return Ok(copy);
    }
    let copy = memfd_create(c"podcheck", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    let mut to = File::from(copy);
    io::copy(&mut File::open("/proc/self/exe")?, &mut to)?;
    fcntl(&to, FcntlArg::F_ADD_SEALS(SealFlag::all()))?;
    Ok(COPY.get_or_init(|| to.into()))
}
