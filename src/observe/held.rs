//! Who still has something of a Pod's that has been removed: its namespaces, told by their inodes, and what carries its ids.
//!
//! The kernel gives the number of a namespace that is gone to the next one that is made. So a Pod's namespaces are held open
//! while they are looked for: a number that is held means nothing else.

use super::error::ObserveError;
use super::member::KINDS;
use super::mountinfo;
use super::observation::{InodeId, Namespaces, Subject};
use super::read::{self, senseless, unreadable};
use super::{Scope, member};
use crate::host::{Process, pids};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::os::fd::OwnedFd;

/// A Pod's own namespaces, held open, and the ids that its runtime has given its members.
#[derive(Debug)]
pub struct Held {
    namespaces: Vec<Namespace>,
    ids: Vec<String>,
}

#[derive(Debug)]
struct Namespace {
    member: String,
    kind: &'static str,
    ino: u64,
    _open: OwnedFd,
}

/// A namespace, by the first member that was in it, and who has it beside the Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holders {
    /// The member.
    pub member: String,
    /// `net`.
    pub kind: &'static str,
    /// Processes in it, mounts of it.
    pub by: Vec<String>,
}

/// Who has what was held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Every namespace that is held, whether or not anybody else has it.
    pub namespaces: Vec<Holders>,
    /// Processes and mounts that carry an id of a member's, and have none of the namespaces.
    pub marked: Vec<String>,
}

impl Holding {
    /// Whether nobody has anything.
    pub fn is_empty(&self) -> bool {
        self.marked.is_empty() && self.namespaces.iter().all(|holders| holders.by.is_empty())
    }
}

impl Held {
    /// Holds the namespaces that members have and the host has not. A member that has ended has none any more.
    ///
    /// # Errors
    /// The host's namespaces cannot be read, or no descriptor is left.
    pub fn of(subjects: &[Subject<'_>], scope: &Scope<'_>) -> Result<Held, ObserveError> {
        let host = member::host_namespaces(scope)?;
        let own = member::host_namespaces(&Scope::default())?;
        let is_hosts = |kind: &str, id: InodeId| has(&host, kind, id) || has(&own, kind, id);
        let mut namespaces: Vec<Namespace> = Vec::new();
        for subject in subjects {
            for kind in KINDS {
                let (id, open) = match read::open_namespace(subject.process, kind) {
                    Ok(opened) => opened,
                    Err(error) if read::is_gone(&error) || !subject.process.is_alive() => continue,
                    Err(error) => {
                        return Err(unreadable(format!("/proc/{}/ns/{kind}", subject.process.pid()))(error));
                    }
                };
                if !is_hosts(kind, id) && !namespaces.iter().any(|held| held.ino == id.ino) {
                    let member = subject.name.to_owned();
                    namespaces.push(Namespace { member, kind, ino: id.ino, _open: open });
                }
            }
        }
        let ids = subjects.iter().map(|subject| subject.id).filter(|id| !id.is_empty()).map(str::to_owned).collect();
        Ok(Held { namespaces, ids })
    }

    /// Looks for them among all processes, and in the mount tables of `seen_by`, which are as many views of the host.
    ///
    /// # Errors
    /// The list of processes or a mount table cannot be read.
    pub fn holders(&self, seen_by: &[&Process]) -> Result<Holding, ObserveError> {
        let holders = |held: &Namespace| Holders { member: held.member.clone(), kind: held.kind, by: Vec::new() };
        let mut found = Holding { namespaces: self.namespaces.iter().map(holders).collect(), marked: Vec::new() };
        let us = Process::open(std::process::id().cast_signed()).map_err(unreadable("/proc/self"))?;
        for pid in pids().map_err(unreadable("/proc"))? {
            // What has ended meanwhile has nothing.
            let opened = Process::find(pid).map_err(unreadable(format!("/proc/{pid}")))?;
            let Some(process) = opened.filter(|_| pid != us.pid()) else { continue };
            match self.in_process(&process, &mut found) {
                // Some hosts let nobody look at their process 1. What was there before podcheck is nobody of a Pod's.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_older(&process, &us) => {}
                looked => looked.map_err(unreadable(format!("/proc/{pid}")))?,
            }
        }
        let mut tables = BTreeMap::new();
        for process in seen_by {
            let file = || format!("/proc/{}/mountinfo", process.pid());
            let text = match read::text(process, "mountinfo") {
                Ok(text) => text,
                // A daemon that has ended has no view of anything.
                Err(error) if read::is_gone(&error) => continue,
                Err(error) => return Err(unreadable(file())(error)),
            };
            tables.insert(text, file());
        }
        for (text, file) in tables {
            for mount in mountinfo::parse(&text).map_err(senseless(file))? {
                self.in_mount(&mount, &mut found);
            }
        }
        Ok(found)
    }

    fn in_process(&self, process: &Process, found: &mut Holding) -> io::Result<()> {
        let mut of_kind: BTreeMap<&str, Option<u64>> = BTreeMap::new();
        let mut holds = false;
        for (held, holders) in self.namespaces.iter().zip(&mut found.namespaces) {
            let of_kind = match of_kind.entry(held.kind) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(unknown) => {
                    let id = read::if_there(read::namespace(process, held.kind))?.flatten();
                    *unknown.insert(id.map(|id| id.ino))
                }
            };
            if of_kind == Some(held.ino) {
                holders.by.push(format!("process {}: {}", process.pid(), process.describe()));
                holds = true;
            }
        }
        if holds || self.ids.is_empty() {
            return Ok(());
        }
        let line = read::if_there(read::text(process, "cmdline"))?.unwrap_or_default();
        if self.ids.iter().any(|id| line.contains(id)) && process.is_alive() {
            found.marked.push(format!("process {}: {}", process.pid(), process.describe()));
        }
        Ok(())
    }

    fn in_mount(&self, mount: &mountinfo::Mount, found: &mut Holding) {
        let words = format!("mount {}", mount.target);
        for (held, holders) in self.namespaces.iter().zip(&mut found.namespaces) {
            if mount.kind == "nsfs" && mount.root == format!("{}:[{}]", held.kind, held.ino) {
                holders.by.push(words);
                return;
            }
        }
        let marked = |id: &String| mount.target.contains(id) || mount.root.contains(id);
        if self.ids.iter().any(marked) && !found.marked.contains(&words) {
            found.marked.push(words);
        }
    }
}

fn is_older(process: &Process, other: &Process) -> bool {
    matches!((process.start_time(), other.start_time()), (Ok(one), Ok(other)) if one < other)
}

fn has(namespaces: &Namespaces, kind: &str, id: InodeId) -> bool {
    namespaces.get(kind).is_some_and(|ids| ids.contains(&id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(member: &str, kind: &'static str, ino: u64) -> Namespace {
        let open = std::fs::File::open("/proc/self/ns/net").expect("there are namespaces").into();
        Namespace { member: member.to_owned(), kind, ino, _open: open }
    }

    fn mounts(text: &str) -> Vec<mountinfo::Mount> {
        mountinfo::parse(text).expect("good text")
    }

    #[test]
    fn a_mount_of_a_namespace_is_found_and_one_of_another_is_not() {
        let held = Held {
            namespaces: vec![held("sandbox", "net", 4026532007), held("app", "pid", 4026532007 + 1)],
            ids: vec!["0123abcd".to_owned()],
        };
        let text = "1 0 0:4 net:[4026532007] /run/netns/0123abcd rw - nsfs nsfs rw\n\
                    2 0 0:4 net:[4026532008] /run/netns/b rw - nsfs nsfs rw\n\
                    3 0 0:5 / /run/containerd/0123abcd/rootfs rw - overlay overlay rw\n\
                    4 0 0:6 / /else rw - tmpfs tmpfs rw\n";
        let mut found = held.holders(&[]).expect("seen");
        assert!(found.namespaces.iter().all(|holders| holders.by.is_empty()));
        for mount in mounts(text) {
            held.in_mount(&mount, &mut found);
        }
        assert_eq!(found.namespaces[0].by, ["mount /run/netns/0123abcd"]);
        assert!(found.namespaces[1].by.is_empty());
        assert_eq!(found.marked, ["mount /run/containerd/0123abcd/rootfs"]);
        assert!(!found.is_empty());
    }

    #[test]
    fn a_process_is_found_by_its_namespace_and_by_an_id_that_it_was_given() {
        let mut child = std::process::Command::new("/bin/sleep").arg("59.3").spawn().expect("there is a sleep");
        let process = Process::open(child.id().cast_signed()).expect("it is not reaped");
        let net = read::namespace(&process, "net").expect("seen").expect("there are namespaces").ino;
        let one = Held { namespaces: vec![held("app", "net", net)], ids: vec!["59.3".to_owned()] };
        let found = one.holders(&[]).expect("seen");
        child.kill().expect("it is ours");
        child.wait().expect("it ended");
        let wanted = format!("process {}: ", process.pid());
        assert!(found.namespaces[0].by.iter().any(|by| by.starts_with(&wanted)), "{found:?}");
        assert!(one.holders(&[]).expect("seen").marked.iter().all(|by| !by.starts_with(&wanted)));
    }

    #[test]
    fn a_process_that_cannot_be_looked_at_may_hold_anything() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| folder.path().join(name);
        std::fs::create_dir(file("ns")).expect("made");
        let process = Process::in_folder(7, folder.path()).expect("a folder");
        let one = Held { namespaces: vec![held("app", "net", 77)], ids: vec!["0123abcd".to_owned()] };
        let look = || one.in_process(&process, &mut one.holders(&[]).expect("seen"));
        assert!(look().is_ok(), "it has gone");
        std::fs::write(file("ns/net"), "").expect("written");
        assert!(look().is_err(), "its namespace is no link");
        std::fs::remove_file(file("ns/net")).expect("there");
        std::fs::create_dir(file("cmdline")).expect("made");
        assert!(look().is_err(), "its command line cannot be read");
    }

    #[test]
    fn what_is_the_hosts_is_not_held() {
        let us = Process::open(std::process::id().cast_signed()).expect("this process");
        let subjects = [Subject::new("app", "", &us)];
        let held = Held::of(&subjects, &Scope::default()).expect("seen");
        assert!(held.namespaces.is_empty(), "{held:?}");
    }
}
