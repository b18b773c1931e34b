//! Sysctls of network and IPC namespaces: which differ from those of a namespace that is new.
//!
//! What a new one has depends on the kernel and on the host, so it is asked of one made for that.

use super::error::{Malformed, ObserveError};
use super::history::History;
use super::observation::{MemberSeen, Seen};
use super::read::{KernelDir, senseless, unreadable};
use nix::sched::{CloneFlags, unshare};
use std::collections::BTreeMap;
use std::io;

/// Name → value, fields apart by one space.
pub type Sysctls = BTreeMap<&'static str, String>;

/// Without it there is nothing to compare a member's sysctls with.
const ABILITY: &str = "new-namespaces";

/// Where the kernel has them.
const ROOT: &str = "/proc/sys";

/// Of a network namespace: what a manifest may ask for, and what runtimes set of their own accord.
pub const NET: &[&str] = &[
    "net.core.somaxconn",
    "net.ipv4.ip_forward",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

/// Of an IPC namespace.
pub const IPC: &[&str] = &[
    "fs.mqueue.msg_max",
    "fs.mqueue.msgsize_max",
    "fs.mqueue.queues_max",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shm_rmid_forced",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
];

/// Those of the calling thread's namespace; what this kernel lacks is missing.
///
/// # Errors
/// One that is there cannot be read, or is empty.
pub fn here(names: &'static [&'static str]) -> Result<Sysctls, ObserveError> {
    below(ROOT, names)
}

fn below(root: &str, names: &'static [&'static str]) -> Result<Sysctls, ObserveError> {
    let mut all = Sysctls::new();
    // One directory after another: most of a path is the way to it.
    for of_one in names.chunk_by(|one, other| split(one).0 == split(other).0) {
        let path = format!("{root}/{}", split(of_one[0]).0.replace('.', "/"));
        let Some(dir) = KernelDir::open(&path).map_err(unreadable(&path))? else { continue };
        for name in of_one {
            let file = format!("{path}/{}", split(name).1);
            if let Some(text) = dir.text(split(name).1).map_err(unreadable(&file))? {
                all.insert(name, value(&text).map_err(senseless(file))?);
            }
        }
    }
    Ok(all)
}

/// The fields of a value apart by one space. One that is empty still has its newline.
pub fn value(text: &str) -> Result<String, Malformed> {
    if text.is_empty() {
        return Err(Malformed::new("a line with the value", "an empty file"));
    }
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `net.ipv4` and `tcp_rmem`.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// Those of new namespaces, of both kinds together.
///
/// # Errors
/// None can be made, or their sysctls cannot be read.
pub fn fresh() -> Result<Sysctls, ObserveError> {
    let failed = |errno: nix::Error| unreadable("the sysctls of new namespaces")(io::Error::from(errno));
    let make = || {
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWIPC).map_err(failed)?;
        let (net, ipc) = (here(NET)?, here(IPC)?);
        if net.is_empty() || ipc.is_empty() {
            return Err(unreadable(ROOT)(io::ErrorKind::NotFound.into()));
        }
        Ok(net.into_iter().chain(ipc).collect())
    };
    match std::thread::scope(|scope| scope.spawn(make).join()) {
        Ok(fresh) => fresh,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Adds what one of a member's own namespaces has, as it is read.
pub fn add(seen: &mut MemberSeen, more: &Sysctls) {
    match &mut seen.sysctls {
        Seen::Value(sysctls) if !more.is_empty() => sysctls.extend(more.clone()),
        // A kernel without any says nothing of what is set.
        sysctls => *sysctls = Seen::Unobservable(ABILITY),
    }
}

/// What the history of the host calls one of them.
pub fn of_new(name: &str) -> String {
    format!("{name} of new namespaces")
}

/// Takes note of what new namespaces have, unless that is known. Where there is nothing to be known, that is found again
/// when it is needed.
pub fn note(history: &mut History, fresh: impl Fn() -> Result<Sysctls, ObserveError>) {
    if known(history).is_empty()
        && let Ok(fresh) = fresh()
    {
        renew(history, &fresh);
    }
}

/// Leaves of each member's sysctls those that are not as in new namespaces. Before any are left, new namespaces are asked
/// again: the host may have changed. Without anything to compare with they are unobservable.
pub fn compare(
    members: &mut [(String, String, Option<MemberSeen>)],
    history: &mut History,
    fresh: impl Fn() -> Result<Sysctls, ObserveError>,
) {
    note(history, &fresh);
    let mut members: Vec<&mut MemberSeen> = members.iter_mut().filter_map(|(_, _, seen)| seen.as_mut()).collect();
    let reference = known(history);
    let differs = |seen: &MemberSeen| differing(seen, &reference) != Seen::Value(Sysctls::new());
    let reference = match members.iter().any(|seen| differs(seen)) {
        true => fresh().inspect(|fresh| renew(history, fresh)).unwrap_or_default(),
        false => reference,
    };
    for seen in &mut members {
        seen.sysctls = differing(seen, &reference);
    }
}

fn known(history: &History) -> Sysctls {
    let known = |name: &&'static str| Some((*name, history.latest(&of_new(name))?.to_owned()));
    NET.iter().chain(IPC).filter_map(known).collect()
}

fn renew(history: &mut History, fresh: &Sysctls) {
    for (name, value) in fresh {
        history.note(&of_new(name), value);
    }
}

fn differing(seen: &MemberSeen, fresh: &Sysctls) -> Seen<Sysctls> {
    let Seen::Value(sysctls) = &seen.sysctls else { return seen.sysctls.clone() };
    let asked = |names: &'static [&'static str]| names.iter().any(|name| sysctls.contains_key(name));
    let kinds = [NET, IPC].into_iter().filter(|names| asked(names)).flatten();
    // The kernel hides some from a namespace that belongs to other users: what is hidden, nobody can have set there.
    let hides = seen.ids.is_some();
    let lacks = |name: &&str| match (fresh.contains_key(*name), sysctls.contains_key(*name)) {
        (true, false) => !hides,
        (false, has) => has,
        (true, true) => false,
    };
    if kinds.copied().any(|name| lacks(&name)) {
        return Seen::Unobservable(ABILITY);
    }
    let set = sysctls.iter().filter(|(name, value)| fresh.get(*name) != Some(value));
    Seen::Value(set.map(|(name, value)| (*name, value.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::time::Instant;

    fn pair(sem: &str, forward: &str) -> Sysctls {
        Sysctls::from([("kernel.sem", sem.to_owned()), ("net.ipv4.ip_forward", forward.to_owned())])
    }

    fn member(sysctls: Sysctls) -> (String, String, Option<MemberSeen>) {
        let seen = MemberSeen { sysctls: Seen::Value(sysctls), ..MemberSeen::default() };
        ("app".to_owned(), String::new(), Some(seen))
    }

    fn refused() -> Result<Sysctls, ObserveError> {
        Err(unreadable("new namespaces")(nix::Error::EPERM.into()))
    }

    fn seen(members: &[(String, String, Option<MemberSeen>)]) -> Seen<Sysctls> {
        members[0].2.as_ref().expect("it runs").sysctls.clone()
    }

    fn compared(
        sysctls: Sysctls,
        history: &mut History,
        fresh: impl Fn() -> Result<Sysctls, ObserveError>,
    ) -> Seen<Sysctls> {
        let mut members = [member(sysctls)];
        compare(&mut members, history, fresh);
        seen(&members)
    }

    #[test]
    fn only_what_differs_from_a_new_namespace_is_set() {
        let fresh = || Ok(pair("1 2", "0"));
        assert_eq!(compared(pair("1 2", "0"), &mut History::default(), fresh), Seen::Value(Sysctls::new()));
        let forward = Sysctls::from([("net.ipv4.ip_forward", "1".to_owned())]);
        assert_eq!(compared(pair("1 2", "1"), &mut History::default(), fresh), Seen::Value(forward));
    }

    #[test]
    fn without_new_namespaces_nothing_is_as_it_should_be() {
        let unseen = Seen::Unobservable("new-namespaces");
        assert_eq!(compared(pair("1 2", "1"), &mut History::default(), refused), unseen);
        // Neither if they cannot be asked again, …
        let mut history = History::default();
        note(&mut history, || Ok(pair("1 2", "0")));
        assert_eq!(compared(pair("1 2", "1"), &mut history, refused), unseen);
        // … or had one sysctl less than the member.
        let less = || Ok(Sysctls::from([("kernel.sem", "1 2".to_owned())]));
        assert_eq!(compared(pair("1 2", "0"), &mut History::default(), less), unseen);
        // A failure is not for ever.
        assert_eq!(compared(pair("1 2", "0"), &mut history, refused), Seen::Value(Sysctls::new()));
    }

    #[test]
    fn one_that_a_member_lacks_is_unseen_unless_the_kernel_hides_it_from_its_users() {
        let fresh =
            || Ok(Sysctls::from_iter([("net.core.somaxconn", "4096".to_owned())].into_iter().chain(pair("1", "0"))));
        let unseen = Seen::Unobservable("new-namespaces");
        assert_eq!(compared(pair("1", "0"), &mut History::default(), fresh), unseen);
        let mut members = [member(pair("1", "0"))];
        members[0].2.as_mut().expect("it runs").ids = Some(Default::default());
        compare(&mut members, &mut History::default(), fresh);
        assert_eq!(seen(&members), Seen::Value(Sysctls::new()));
        // A kind that was not asked for is the host's own.
        let ipc_alone = Sysctls::from([("kernel.sem", "1".to_owned())]);
        assert_eq!(compared(ipc_alone, &mut History::default(), fresh), Seen::Value(Sysctls::new()));
    }

    #[test]
    fn a_host_that_changes_is_asked_again_before_anybody_is_accused() {
        let (mut history, since) = (History::default(), Instant::now());
        let host = RefCell::new("0");
        let fresh = || Ok(pair("1 2", *host.borrow()));
        assert_eq!(compared(pair("1 2", "0"), &mut history, fresh), Seen::Value(Sysctls::new()));
        assert!(history.changes(since).is_empty());
        *host.borrow_mut() = "1";
        assert_eq!(compared(pair("1 2", "1"), &mut history, fresh), Seen::Value(Sysctls::new()));
        let changes: Vec<String> = history.changes(since).iter().map(ToString::to_string).collect();
        assert_eq!(changes, ["net.ipv4.ip_forward of new namespaces was 0, is 1"]);
        // The next Pod was made on the host as it is now.
        let since = Instant::now();
        assert_eq!(compared(pair("1 2", "1"), &mut history, fresh), Seen::Value(Sysctls::new()));
        assert!(history.changes(since).is_empty());
    }

    #[test]
    fn an_error_an_empty_file_and_a_missing_one_are_three_things() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().to_str().expect("text");
        let file = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(file("net/ipv4")).expect("made");
        std::fs::write(file("net/ipv4/tcp_rmem"), "1\t2\t3\n").expect("written");
        std::fs::write(file("net/ipv4/ip_local_reserved_ports"), "\n").expect("written");
        let seen = below(root, NET).expect("readable");
        let expected = [("net.ipv4.ip_local_reserved_ports", ""), ("net.ipv4.tcp_rmem", "1 2 3")];
        assert_eq!(seen, expected.map(|(name, value)| (name, value.to_owned())).into());
        std::fs::write(file("net/ipv4/ip_forward"), "").expect("written");
        assert!(below(root, NET).expect_err("is empty").to_string().contains("ip_forward makes no sense"));
        std::fs::remove_file(file("net/ipv4/ip_forward")).expect("there");
        std::fs::create_dir(file("net/ipv4/ip_forward")).expect("made");
        assert!(below(root, NET).expect_err("cannot be read").to_string().contains("cannot read"));
        std::fs::write(file("kernel"), "").expect("written");
        assert!(below(root, IPC).expect_err("is no folder").to_string().contains("cannot read"));
    }

    #[test]
    fn a_kernel_that_shows_none_says_nothing() {
        let mut seen = MemberSeen { sysctls: Seen::Value(Sysctls::new()), ..MemberSeen::default() };
        add(&mut seen, &Sysctls::new());
        add(&mut seen, &pair("1 2", "0"));
        assert_eq!(seen.sysctls, Seen::Unobservable("new-namespaces"));
    }

    #[test]
    fn ours_are_read_by_name_and_new_namespaces_have_all_of_them() {
        assert!(here(IPC).expect("readable").contains_key("kernel.sem"));
        if let Ok(fresh) = fresh() {
            assert!(fresh.contains_key("net.ipv4.ip_forward") && fresh.contains_key("kernel.sem"), "{fresh:?}");
        }
    }
}
