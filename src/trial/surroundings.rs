//! What a run has on its host beside its trials, before and after a Pod that must not come up. Such a Pod has no members by
//! which it could be looked for; it has its turn alone, so that whatever there is more afterwards is of that Pod.

use super::remains::leases;
use crate::host::{Process, Run, scaled};
use crate::judge::Remains;
use crate::observe::parse_mountinfo;
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
    /// As they are now, as a daemon sees them, or podcheck itself if there is none.
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
    fn without(self, before: &Seen) -> Seen {
        Seen { network: &self.network - &before.network, other: &self.other - &before.other }
    }
}

fn look(run: &Run, daemon: Option<&Process>) -> Result<Seen, String> {
    let mut seen = Seen::default();
    seen.network.extend(leases(run.dir()).into_iter().map(|file| format!("lease {}", file.display())));
    seen.network.extend(run.bridge_ports().into_iter().map(|port| format!("interface {port}")));
    let own = Process::open(std::process::id().cast_signed()).map_err(|error| error.to_string())?;
    for process in std::iter::once(&own).chain(daemon) {
        let text = process.read("mountinfo").map_err(|error| format!("cannot read a mount table: {error}"))?;
        mounts(&text, run.dir(), &mut seen)?;
    }
    for pid in run.daemon_processes() {
        // What has ended meanwhile is not there.
        let Some(process) = Process::open(pid).ok().filter(Process::is_alive) else { continue };
        seen.other.insert(format!("process {pid}: {}", process.describe()));
    }
    Ok(seen)
}

/// Mounts in a run's folder, a trial's own aside, and wherever a runtime has something of its own: not the host's, which
/// come and go as they like.
fn mounts(text: &str, run: &Path, seen: &mut Seen) -> Result<(), String> {
    const THEIRS: [&str; 3] = ["/run/containerd", "/run/docker", "/run/netns"];
    let trials = run.join("trials");
    for mount in parse_mountinfo(text).map_err(|error| error.to_string())? {
        let target = Path::new(&mount.target);
        let theirs = THEIRS.into_iter().any(|dir| target.starts_with(dir));
        let ours = target.starts_with(run) && !target.starts_with(&trials);
        if mount.kind == "nsfs" && mount.root.starts_with("net:") {
            seen.network.insert(format!("network namespace {}", mount.target));
        } else if mount.kind == "nsfs" || theirs || ours {
            seen.other.insert(format!("mount {}", mount.target));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_more_and_a_runs_own_counts() {
        let run = Path::new("/run/podcheck/abcd1234");
        let line = |root: &str, target: &str, kind: &str| format!("1 0 0:4 {root} {target} rw - {kind} {kind} rw\n");
        let of = |lines: &[String]| {
            let mut seen = Seen::default();
            mounts(&lines.concat(), run, &mut seen).expect("good text");
            seen
        };
        let before = [
            line("/", "/run/netns", "tmpfs"),
            line("net:[4026532007]", "/run/netns/old", "nsfs"),
            line("/", "/run/podcheck/abcd1234/daemons/docker", "ext4"),
        ];
        let after = [
            line("net:[4026532008]", "/run/netns/new", "nsfs"),
            line("/", "/run/podcheck/abcd1234/daemons/docker/root/x", "overlay"),
            line("/", "/run/podcheck/abcd1234/trials/efgh5678/volumes/v", "tmpfs"),
            line("/", "/run/podcheck/zzzz9999/daemons/docker/root/x", "overlay"),
            line("/", "/media/stick", "vfat"),
        ];
        let more = of(&[&before[..], &after[..]].concat()).without(&of(&before));
        let words = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
        assert_eq!(words(&more.network), ["network namespace /run/netns/new"]);
        assert_eq!(words(&more.other), ["mount /run/podcheck/abcd1234/daemons/docker/root/x"]);
        assert_eq!(of(&before).without(&of(&[&before[..], &after[..]].concat())), Seen::default());
    }
}
