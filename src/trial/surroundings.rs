//! What a run has on its host beside its trials, before and after a Pod that must not come up. Such a Pod has no members by
//! which it could be looked for; it has its turn alone, so that whatever there is more afterwards is of that Pod.

use super::remains::leases;
use crate::host::{Process, Run, scaled};
use crate::judge::Remains;
use crate::observe::{Mount, parse_mountinfo};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A runtime's helpers may take this long to end.
const WITHIN: Duration = Duration::from_secs(10);

/// A run's surroundings at a moment, to be compared with a later one.
pub(super) struct Surroundings {
    run: Arc<Run>,
    daemon: Option<Process>,
    before: Seen,
}

/// What is there, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Addresses, network namespaces with a name, ports of the daemons' bridges.
    network: BTreeSet<String>,
    /// Processes of the daemons, other mounts.
    other: BTreeSet<String>,
}

impl Surroundings {
    /// As they are now. A `daemon` is a private one: what is in the mount namespace of somebody else's is theirs.
    pub(super) fn now(run: &Arc<Run>, daemon: Option<Process>) -> Result<Surroundings, String> {
        let before = look(run, daemon.as_ref())?;
        Ok(Surroundings { run: Arc::clone(run), daemon, before })
    }

    /// What there is more by now, once that does not go any more.
    pub(super) fn more(&self) -> Result<Remains, String> {
        let deadline = Instant::now() + scaled(WITHIN);
        loop {
            let more = look(&self.run, self.daemon.as_ref())?.without(&self.before);
            if more == Seen::default() || Instant::now() > deadline {
                return Ok(Remains {
                    namespaces: Vec::new(),
                    network: Some(more.network.into_iter().collect()),
                    other: more.other.into_iter().collect(),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Seen {
    fn add(&mut self, mount: &Mount) {
        if mount.kind == "nsfs" && mount.root.starts_with("net:") {
            self.network.insert(format!("network namespace {}", mount.target));
        } else {
            self.other.insert(format!("mount {}", mount.target));
        }
    }

    fn without(self, before: &Seen) -> Seen {
        Seen { network: &self.network - &before.network, other: &self.other - &before.other }
    }
}

fn look(run: &Run, daemon: Option<&Process>) -> Result<Seen, String> {
    let mut seen = Seen::default();
    seen.network.extend(leases(run.dir())?.into_iter().map(|file| format!("lease {}", file.display())));
    let ports = run.bridge_ports().map_err(|error| error.to_string())?;
    seen.network.extend(ports.into_iter().map(|port| format!("interface {port}")));
    let own = Process::open(std::process::id().cast_signed()).map_err(|error| error.to_string())?;
    let table = |process: &Process| {
        let text = process.read("mountinfo").map_err(|error| format!("cannot read a mount table: {error}"))?;
        parse_mountinfo(&text).map_err(|error| error.to_string())
    };
    let hosts = table(&own)?;
    of_run(&hosts, run.dir(), &mut seen);
    if let Some(daemon) = daemon {
        of_daemon(&table(daemon)?, &hosts, run.dir(), &mut seen);
    }
    for pid in run.daemon_processes().map_err(|error| error.to_string())? {
        let held = Process::find(pid).map_err(|error| format!("cannot look at the process {pid}: {error}"))?;
        // What has ended meanwhile is not there.
        let Some(process) = held.filter(Process::is_alive) else { continue };
        seen.other.insert(format!("process {pid}: {}", process.describe()));
    }
    Ok(seen)
}

/// Mounts in a run's folder, a trial's own aside. The host's others come and go as they like.
fn of_run(mounts: &[Mount], run: &Path, seen: &mut Seen) {
    let trials = run.join("trials");
    let ours = |mount: &&Mount| {
        let target = Path::new(&mount.target);
        target.starts_with(run) && !target.starts_with(&trials)
    };
    mounts.iter().filter(ours).for_each(|mount| seen.add(mount));
}

/// What a private daemon has in its own mount namespace, and not from the host: there, where every runtime has its own too.
fn of_daemon(mounts: &[Mount], hosts: &[Mount], run: &Path, seen: &mut Seen) {
    const THEIRS: [&str; 3] = ["/run/containerd", "/run/docker", "/run/netns"];
    let known: BTreeSet<(&str, &str)> = hosts.iter().map(|mount| (&*mount.target, &*mount.root)).collect();
    // Once more the host's.
    let copied = |mount: &Mount| Path::new(&mount.target).starts_with(run.join("host"));
    let is_own = |mount: &&Mount| !known.contains(&(&*mount.target, &*mount.root)) && !copied(mount);
    let own: Vec<Mount> = mounts.iter().filter(is_own).cloned().collect();
    of_run(&own, run, seen);
    let theirs = |mount: &&Mount| THEIRS.into_iter().any(|dir| Path::new(&mount.target).starts_with(dir));
    own.iter().filter(|mount| mount.kind == "nsfs" || theirs(mount)).for_each(|mount| seen.add(mount));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(set: &BTreeSet<String>) -> Vec<String> {
        set.iter().cloned().collect()
    }

    fn mount((root, target, kind): (&str, &str, &str)) -> Mount {
        let text = format!("1 0 0:4 {root} {target} rw - {kind} {kind} rw\n");
        parse_mountinfo(&text).expect("good text").remove(0)
    }

    #[test]
    fn only_what_is_more_and_a_runs_own_counts() {
        let run = Path::new("/run/podcheck/abcd1234");
        let hosts = [("/", "/media/stick", "vfat"), ("net:[4026532009]", "/run/netns/hosts", "nsfs")].map(mount);
        let before = [
            ("/", "/run/netns", "tmpfs"),
            ("net:[4026532007]", "/run/netns/old", "nsfs"),
            ("/", "/run/podcheck/abcd1234/daemons/docker", "ext4"),
        ];
        let after = [
            ("net:[4026532008]", "/run/netns/new", "nsfs"),
            ("ipc:[4026532010]", "/elsewhere", "nsfs"),
            ("/", "/run/podcheck/abcd1234/daemons/docker/root/x", "overlay"),
            ("/", "/run/podcheck/abcd1234/trials/efgh5678/volumes/v", "tmpfs"),
            ("/", "/run/podcheck/zzzz9999/daemons/docker/root/x", "overlay"),
            ("/", "/media/card", "vfat"),
            ("/", "/run/podcheck/abcd1234/host/media/card", "vfat"),
            ("net:[4026532011]", "/run/podcheck/abcd1234/host/run/netns/new", "nsfs"),
        ];
        let (before, after) = (before.map(mount), after.map(mount));
        let all = [&before[..], &after[..], &hosts[..]].concat();
        let of = |mounts: &[Mount]| {
            let mut seen = Seen::default();
            of_daemon(mounts, &hosts, run, &mut seen);
            seen
        };
        let more = of(&all).without(&of(&before));
        assert_eq!(words(&more.network), ["network namespace /run/netns/new"]);
        assert_eq!(words(&more.other), ["mount /elsewhere", "mount /run/podcheck/abcd1234/daemons/docker/root/x"]);
        assert_eq!(of(&before).without(&of(&all)), Seen::default());
        let mut seen = Seen::default();
        of_run(&all[..7], run, &mut seen);
        assert!(seen.network.is_empty(), "{seen:?}");
        assert_eq!(seen.other.len(), 2);
    }
}
