//! What of the host members are compared with, taken note of before a Pod is made and again when it is looked at: if that has
//! changed meanwhile, what is found of the Pod may be the host's doing.

use super::error::ObserveError;
use super::history::History;
use super::inherited::Inherited;
use super::observation::{Host, MemberSeen, Seen};
use super::read::Evidence;
use super::{Scope, host_mounts, member, sysctls};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Of this host, as this process has seen it.
static HISTORY: Mutex<History> = Mutex::new(History::new());

/// Takes note of the host before a Pod is made, and says when that was, for [`Scope::since`].
///
/// # Errors
/// Something that every host has cannot be read.
pub fn note_host() -> Result<Instant, ObserveError> {
    let now = Instant::now();
    let scope = Scope { inherits: true, ..Scope::default() };
    let mounts = host_mounts::host_mounts()?;
    let host = member::host(&scope, member::host_namespaces(&scope)?, &mounts, &mut Evidence::default())?;
    let mut history = HISTORY.lock().unwrap_or_else(PoisonError::into_inner);
    note(&mut history, &host, None);
    sysctls::note(&mut history, sysctls::fresh);
    Ok(now)
}

/// Compares what of members depends on the host as it was when they were made, and says what of the host has changed since.
pub fn compare(members: &mut [(String, String, Option<MemberSeen>)], host: &mut Host, scope: &Scope<'_>) {
    let mut history = HISTORY.lock().unwrap_or_else(PoisonError::into_inner);
    note(&mut history, host, scope.host.map(crate::host::Process::pid));
    sysctls::compare(members, &mut history, sysctls::fresh);
    host.changed = scope.since.map(|since| history.changes(since)).unwrap_or_default();
}

/// Takes note of the host. What members inherit is a process's own: that of `daemon`, or of podcheck.
fn note(history: &mut History, host: &Host, daemon: Option<i32>) {
    history.note("the host's name", &host.hostname);
    history.note("the host's NIS domain", &host.domainname);
    history.note("the processors of process 1", &host.cpus);
    for file in member::FILES {
        history.note(file, host.files.get(file).map_or("missing", String::as_str));
    }
    if let Some(inherited) = &host.inherited {
        let of = daemon.map_or_else(|| "podcheck".to_owned(), |pid| format!("the daemon (pid {pid})"));
        for (what, text) in texts(inherited) {
            history.note(&format!("{what} of {of}"), &text);
        }
    }
}

/// What a process passes on, in words.
fn texts(inherited: &Inherited) -> Vec<(String, String)> {
    let mut texts = vec![
        ("the nice value".to_owned(), inherited.nice.to_string()),
        ("the scheduling policy".to_owned(), inherited.policy.to_string()),
        ("the processors".to_owned(), inherited.cpus.clone()),
        ("the personality".to_owned(), format!("{:08x}", inherited.personality)),
    ];
    if let Seen::Value(priority) = inherited.io_priority {
        texts.push(("the I/O priority".to_owned(), priority.to_string()));
    }
    for (name, (soft, hard)) in &inherited.limits {
        // A program written in Go raises its own soft limit of open files.
        let limit = if name == "nofile" { hard.clone() } else { format!("{soft}:{hard}") };
        texts.push((format!("the limit {name}"), limit));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(history: &History, since: Instant) -> Vec<String> {
        history.changes(since).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_host_that_changes_is_told_by_what_changed() {
        let limit = |soft: &str| ("nofile".to_owned(), (soft.to_owned(), "4096".to_owned()));
        let inherited = Inherited { limits: [limit("1024")].into(), cpus: "0-1".to_owned(), ..Inherited::default() };
        let mut host = Host { hostname: "node7".to_owned(), inherited: Some(inherited), ..Host::default() };
        host.files.insert("/etc/resolv.conf", "nameserver 1.1.1.1\n".to_owned());
        let (mut history, since) = (History::new(), Instant::now());
        note(&mut history, &host, Some(7));
        note(&mut history, &host, None);
        assert_eq!(said(&history, since), [""; 0]);
        let own = host.inherited.as_mut().expect("set");
        own.limits.extend([limit("4096")]);
        note(&mut history, &host, Some(7));
        assert_eq!(said(&history, since), [""; 0], "Go raised the daemon's own soft limit");
        host.inherited.as_mut().expect("set").nice = 5;
        host.hostname = "node8".to_owned();
        host.files.remove("/etc/resolv.conf");
        note(&mut history, &host, Some(7));
        let expected = [
            "/etc/resolv.conf was \"nameserver 1.1.1.1\\n\", is missing",
            "the host's name was node7, is node8",
            "the nice value of the daemon (pid 7) was 0, is 5",
        ];
        assert_eq!(said(&history, since), expected);
        let since = Instant::now();
        note(&mut history, &host, Some(7));
        assert_eq!(said(&history, since), [""; 0], "this Pod was made later");
    }

    #[test]
    fn this_host_stays_as_it_is_while_nobody_changes_it() {
        let since = note_host().expect("readable");
        note_host().expect("readable");
        let history = HISTORY.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(history.latest("the processors of process 1").is_some_and(|cpus| !cpus.is_empty()));
        let changed = history.changes(since);
        assert!(changed.iter().all(|changed| changed.what != "the nice value of podcheck"), "{changed:?}");
    }
}
