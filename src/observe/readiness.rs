//! Whether a process has become what it is to be: past the runtime's init, and for our payload past its own start.

use super::read;
use crate::host::{OciRuntimes, Process};
use std::io;

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
    match looked_at(process, program) {
        Ok(true) => Readiness::Ready,
        Ok(false) => Readiness::Starting,
        Err(error) if read::is_gone(&error) => Readiness::Gone,
        // Not seen is not there yet: whoever asks does so again, and gives up at a deadline.
        Err(_) => Readiness::Starting,
    }
}

fn looked_at(process: &Process, program: Program<'_>) -> io::Result<bool> {
    match program {
        Program::Payload => Ok(says_ready(process.read("comm")?.trim_end())),
        Program::Foreign { host } => Ok(!OciRuntimes::default().still_run(process)? && left(process, host)?),
    }
}

/// A long name is cut, and its mark with it.
fn says_ready(comm: &str) -> bool {
    comm.ends_with(MARK)
        || comm.len() == COMM_BYTES && comm.rsplit_once('+').is_some_and(|(_, end)| MARK[1..].starts_with(end))
}

/// Its mount namespace is not the host's any more.
fn left(process: &Process, host: Option<&Process>) -> io::Result<bool> {
    let of_host = match host {
        Some(host) => read::if_there(read::namespace(host, "mnt"))?.flatten(),
        None => read::namespace(&Process::open(std::process::id().cast_signed())?, "mnt")?,
    };
    let own = read::namespace(process, "mnt")?;
    Ok(own.is_some() && of_host.is_some() && own != of_host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

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
    fn what_cannot_be_looked_at_is_not_ready() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| folder.path().join(name);
        for (name, text) in [("comm", "app\n"), ("stat", crate::observe::stat::SLEEP), ("cmdline", "app\0")] {
            std::fs::write(file(name), text).expect("written");
        }
        std::fs::create_dir(file("ns")).expect("made");
        symlink("/bin/true", file("exe")).expect("made");
        let process = Process::in_folder(7, folder.path()).expect("a folder");
        let foreign = || is_ready(&process, Program::Foreign { host: None });
        assert_eq!(foreign(), Readiness::Starting, "it has no mount namespace that could be another");
        symlink("mnt:[77]", file("ns/mnt")).expect("made");
        assert_eq!(foreign(), Readiness::Ready);
        let ended = Process::in_folder(8, &file("ns")).expect("a folder");
        let of_ended = Program::Foreign { host: Some(&ended) };
        assert_eq!(is_ready(&process, of_ended), Readiness::Starting, "its daemon has no namespace to compare with");
        std::fs::remove_file(file("comm")).expect("there");
        std::fs::create_dir(file("comm")).expect("made");
        assert_eq!(is_ready(&process, Program::Payload), Readiness::Starting, "its name cannot be read");
        std::fs::remove_dir(file("comm")).expect("there");
        assert_eq!(is_ready(&process, Program::Payload), Readiness::Gone);
    }
}
