//! Sysctls by name, as a process sees them: of its own network and IPC namespaces.

use super::error::ObserveError;
use super::observation::Subject;
use super::read::unreadable;
use nix::fcntl::OFlag;
use nix::sched::{CloneFlags, setns};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;

/// Name → value, its fields apart by one space; `None` where the kernel has no such sysctl.
pub type Values = BTreeMap<String, Option<String>>;

const KINDS: [(&str, CloneFlags); 2] = [("net", CloneFlags::CLONE_NEWNET), ("ipc", CloneFlags::CLONE_NEWIPC)];

/// Those of a member. A helper thread enters its namespaces, reads and ends.
///
/// # Errors
/// Its namespaces cannot be entered.
pub fn sysctls_of(subject: &Subject<'_>, names: &[String]) -> Result<Values, ObserveError> {
    let open = |kind: &str| {
        let file = format!("/proc/{}/ns/{kind}", subject.process.pid());
        subject.process.open_at(&format!("ns/{kind}"), OFlag::O_RDONLY).map_err(unreadable(file))
    };
    let namespaces: Vec<(OwnedFd, CloneFlags)> =
        KINDS.into_iter().map(|(kind, flag)| Ok((open(kind)?, flag))).collect::<Result<_, ObserveError>>()?;
    let ask = || -> nix::Result<Values> {
        for (namespace, flag) in &namespaces {
            setns(namespace, *flag)?;
        }
        Ok(sysctls_here(names))
    };
    let answer = match std::thread::scope(|scope| scope.spawn(ask).join()) {
        Ok(answer) => answer,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    let failed = |errno| ObserveError::Enter {
        action: "read sysctls",
        member: subject.name.to_owned(),
        cause: io::Error::from(errno),
    };
    answer.map_err(failed)
}

/// Those of the calling thread's namespaces.
pub fn sysctls_here(names: &[String]) -> Values {
    let value = |name: &String| {
        let exchanged: String = name.chars().map(exchange).collect();
        let text = std::fs::read_to_string(format!("/proc/sys/{exchanged}")).ok();
        (name.clone(), text.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")))
    };
    names.iter().map(value).collect()
}

/// A dot within a part of a name stands as a slash.
fn exchange(c: char) -> char {
    match c {
        '.' => '/',
        '/' => '.',
        c => c,
    }
}
