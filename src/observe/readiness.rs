//! Whether a process has become what it is to be: past the runtime's init, and for our payload past its own start.

use super::read;
use crate::host::Process;

/// What a process is to become.
#[derive(Clone, Copy, Debug)]
pub enum Program<'a> {
    /// podcheck's payload, which says so itself by the end of its name.
    Payload,
    /// Any other program: ready once it is not the runtime's init any more and has a mount namespace that is not
    /// `host`'s (podcheck's own if `None`).
    Foreign {
        /// The runtime's daemon.
        host: Option<&'a Process>,
    },
}

/// How far a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Not there yet.
    Starting,
    /// It may be looked at.
    Ready,
    /// It has ended.
    Gone,
}

/// The mark at the end of a ready payload's name.
const MARK: &str = "+ready";

/// Bytes of a name that the kernel keeps.
const COMM_BYTES: usize = 15;

/// How far `process` is. Cheap enough to be asked in a loop.
pub fn is_ready(process: &Process, program: Program<'_>) -> Readiness {
    if !process.is_alive() {
        return Readiness::Gone;
    }
    let Ok(comm) = process.read("comm") else { return Readiness::Gone };
    let ready = match program {
        Program::Payload => says_ready(comm.trim_end()),
        Program::Foreign { host } => {
            !is_init(comm.trim_end(), &read::link(process, "exe").unwrap_or_default()) && left(process, host)
        }
    };
    if ready { Readiness::Ready } else { Readiness::Starting }
}

/// A long name is cut, and its mark with it.
fn says_ready(comm: &str) -> bool {
    comm.ends_with(MARK)
        || comm.len() == COMM_BYTES && comm.rsplit_once('+').is_some_and(|(_, end)| MARK[1..].starts_with(end))
}

/// The process is an OCI runtime's own program, before it executes the container's.
fn is_init(comm: &str, exe: &str) -> bool {
    ["runc:[", "crun", "youki"].iter().any(|name| comm.starts_with(name))
        || ["/memfd:runc", "/memfd:crun", "/memfd:youki"].iter().any(|name| exe.starts_with(name))
}

fn left(process: &Process, host: Option<&Process>) -> bool {
    let of_host = match host {
        Some(host) => read::namespace(host, "mnt").ok().flatten(),
        None => {
            Process::open(std::process::id().cast_signed()).and_then(|us| read::namespace(&us, "mnt")).ok().flatten()
        }
    };
    read::namespace(process, "mnt").ok().flatten() != of_host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_mark_is_a_mark() {
        for (comm, ready) in [
            ("serve+ready", true),
            ("signal-wait+rea", true),
            ("a-long-program+", true),
            ("serve+rea", false),
            ("serve", false),
            ("fourteen+letter", false),
        ] {
            assert_eq!(says_ready(comm), ready, "{comm}");
        }
    }

    #[test]
    fn an_init_is_known_by_its_name_or_its_file() {
        assert!(is_init("runc:[2:INIT]", "/usr/sbin/runc"));
        assert!(is_init("6", "/memfd:runc_cloned:/proc/self/exe (deleted)"));
        assert!(is_init("crun", "/usr/bin/crun"));
        assert!(!is_init("python3", "/usr/local/bin/python3.6"));
    }
}
