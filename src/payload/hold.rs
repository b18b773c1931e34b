//! A program that does its work and ends waits before it begins, where the host asks for that, so that it can be looked at.
//!
//! The host asks in the container's termination log: it is the one file that each container has of the host's, whatever the
//! runtime, without an argument or a variable more. What is run in a container later finds the log empty.

use super::fault::{Doing, Fault};
use super::stay::{self, Signals};
use nix::sys::signal::Signal;
use std::ffi::CString;
use std::time::{Duration, Instant};

/// What stands in the termination log while a program is to wait.
pub const HOLD: &str = "podcheck looks at this container before its program begins\n";

/// Directory on the host that the logs lie in.
const LOGS: &str = "termination-log";

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits as long as the host asks for it. A signal that ends the program meanwhile is returned.
pub(super) fn until_let_go(program: &str) -> Result<Option<Signal>, Fault> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let Some(log) = log(&mounts).filter(|log| asks(log)) else { return Ok(None) };
    let signals = Signals::take()?;
    stay::ready(program)?;
    while asks(log) {
        match signals.next(Some(Instant::now() + PAUSE))? {
            Some(Signal::SIGCHLD) => stay::reap()?,
            Some(signal) => return Ok(Some(signal)),
            None => {}
        }
    }
    Signals::give_back();
    let name = CString::new(program).map_err(|_| Fault::Other("a name with a NUL".to_owned()))?;
    nix::sys::prctl::set_name(&name).doing("set the process's name").map(|()| None)
}

fn asks(log: &str) -> bool {
    std::fs::read(log).is_ok_and(|text| text == HOLD.as_bytes())
}

/// Where the termination log is mounted, by the text of mountinfo.
fn log(mounts: &str) -> Option<&str> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(3);
        let (root, target) = (fields.next()?, fields.next()?);
        let mut parts = root.rsplit('/').skip(1);
        // The kernel escapes a space; nobody has a log there.
        (parts.next() == Some(LOGS) && !target.contains('\\')).then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_found_wherever_it_is_mounted() {
        let other = "1 0 0:20 / / rw - overlay overlay rw\n2 1 0:33 /x1/hosts /etc/hosts rw - tmpfs t rw\n";
        let line = |root: &str, target: &str| format!("{other}3 1 0:33 {root} {target} rw - tmpfs t rw\n");
        let of = |root: &str, target: &str| log(&line(root, target)).map(str::to_owned);
        let usual = "/dev/termination-log";
        assert_eq!(of("/x1/termination-log/app", usual).as_deref(), Some(usual));
        assert_eq!(of("/x1/termination-log/app", "/var/end").as_deref(), Some("/var/end"));
        assert_eq!(of("/x1/volumes/termination-log", usual), None);
        assert_eq!(of("/x1/termination-log/app", "/a\\040b"), None);
        assert_eq!(log(other), None);
        assert_eq!(log("nonsense"), None);
    }
}
