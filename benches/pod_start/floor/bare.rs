//! The lower floor: a sandbox, two more in its net, ipc and uts namespaces, and a program for each. No root file system,
//! no cgroup, no address.

use super::{Setup, clone_into, until_gone, until_ready};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, execve};
use std::convert::Infallible;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;

/// Namespaces that containers take over from their sandbox.
pub const SHARED: [(&str, CloneFlags); 3] =
    [("net", CloneFlags::CLONE_NEWNET), ("ipc", CloneFlags::CLONE_NEWIPC), ("uts", CloneFlags::CLONE_NEWUTS)];

/// Namespaces that every member has of its own.
pub const OWN: CloneFlags = CloneFlags::CLONE_NEWPID.union(CloneFlags::CLONE_NEWNS);

/// The namespaces of `pid` that containers take over.
pub fn shared_of(pid: Pid) -> io::Result<Vec<(File, CloneFlags)>> {
    SHARED.iter().map(|(name, kind)| Ok((File::open(format!("/proc/{pid}/ns/{name}"))?, *kind))).collect()
}

pub struct Pod {
    program: CString,
    argv: [CString; 2],
    containers: usize,
}

impl Pod {
    pub fn new(setup: &Setup) -> io::Result<Pod> {
        let program = CString::new(setup.payload.join("bin/podcheck").as_os_str().as_bytes())?;
        Ok(Pod { program, argv: [c"sleep".to_owned(), c"3650d".to_owned()], containers: setup.plan.containers.len() })
    }

    pub fn up(&self) -> io::Result<Vec<Pid>> {
        let all = SHARED.iter().fold(OWN, |all, (_, kind)| all | *kind);
        let sandbox = clone_into(all, None, || self.run())?;
        let joins = shared_of(sandbox)?;
        let mut pids = vec![sandbox];
        for _ in 0..self.containers {
            pids.push(clone_into(OWN, None, || {
                joins.iter().try_for_each(|(namespace, kind)| setns(namespace, *kind))?;
                self.run()
            })?);
        }
        until_ready(&pids)?;
        Ok(pids)
    }

    pub fn down(&self, pids: &[Pid]) -> io::Result<()> {
        pids.iter().try_for_each(|pid| kill(*pid, Signal::SIGKILL))?;
        until_gone(pids)
    }

    fn run(&self) -> io::Result<Infallible> {
        Ok(execve(&self.program, &self.argv, &[] as &[CString])?)
    }
}
