//! Sysctls by name, as a process sees them: of its own network and IPC namespaces.

use super::error::ObserveError;
use super::observation::Subject;
use super::read::{self, senseless, unreadable};
use super::sysctls;
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
    let failed = |errno| ObserveError::Enter {
        action: "read sysctls",
        member: subject.name.to_owned(),
        cause: io::Error::from(errno),
    };
    let ask = || -> Result<Values, ObserveError> {
        for (namespace, flag) in &namespaces {
            setns(namespace, *flag).map_err(failed)?;
        }
        sysctls_here(names)
    };
    match std::thread::scope(|scope| scope.spawn(ask).join()) {
        Ok(answer) => answer,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Those of the calling thread's namespaces.
///
/// # Errors
/// One that is there cannot be read, or is empty.
pub fn sysctls_here(names: &[String]) -> Result<Values, ObserveError> {
    below("/proc/sys", names)
}

fn below(root: &str, names: &[String]) -> Result<Values, ObserveError> {
    let value = |name: &String| {
        let file = format!("{root}/{}", name.chars().map(exchange).collect::<String>());
        let text = read::host_text(&file).map_err(unreadable(&file))?;
        let value = text.map(|text| sysctls::value(&text)).transpose();
        Ok((name.clone(), value.map_err(senseless(file))?))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_cannot_be_read_is_not_one_that_is_not_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| folder.path().join(name);
        let names = ["net.ipv4.conf.a/b.forwarding".to_owned()];
        let seen = || below(folder.path().to_str().expect("text"), &names);
        assert_eq!(seen().expect("nothing there"), Values::from([(names[0].clone(), None)]));
        std::fs::create_dir_all(file("net/ipv4/conf/a.b")).expect("made");
        std::fs::write(file("net/ipv4/conf/a.b/forwarding"), "1\t2\n").expect("written");
        assert_eq!(seen().expect("there"), Values::from([(names[0].clone(), Some("1 2".to_owned()))]));
        std::fs::write(file("net/ipv4/conf/a.b/forwarding"), "").expect("written");
        assert!(seen().is_err(), "it is empty");
        std::fs::remove_file(file("net/ipv4/conf/a.b/forwarding")).expect("there");
        std::fs::create_dir(file("net/ipv4/conf/a.b/forwarding")).expect("made");
        assert!(seen().is_err(), "it cannot be read");
    }
}
