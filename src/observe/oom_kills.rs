//! What the kernel killed for want of memory in a member's cgroup, also after the member and its cgroup are gone.
//!
//! v2 counts upwards: what went with a container's cgroup still stands in the Pod's, which podcheck made and which outlives
//! it. v1 counts in the cgroup itself alone (`memcg_memory_event` of the kernel stops there), so it is read in the moment
//! between the end of the process and its runtime's removal of the cgroup; after that no trace is left.

use super::cgroup::memberships;
use super::words::keyed;
use crate::host::Process;
use crate::host::cgroup::Hierarchies;
use std::path::{Path, PathBuf};

/// The count of one member.
#[derive(Debug)]
pub struct OomKills {
    /// The file of the member's own cgroup; `None` if it had ended before, or there is no memory controller in view.
    own: Option<PathBuf>,
    /// v2 alone.
    pod: Option<PodCount>,
    /// The last count read, and whether that was after the end.
    last: Option<(u64, bool)>,
}

/// A count that holds those of the Pod's members, living and gone.
#[derive(Debug)]
struct PodCount {
    file: PathBuf,
    /// Files of the other members' own; `None` if not all of them are known.
    others: Option<Vec<PathBuf>>,
}

impl OomKills {
    /// The count of a member, to be made while it lives. `others` are the Pod's other members; `pod_cgroup` is the Pod's
    /// cgroup as [`super::Scope`] has it.
    pub fn of(member: &Process, others: &[&Process], pod_cgroup: &str) -> OomKills {
        let pod = v2_memory().map(|dir| PodCount {
            file: dir(pod_cgroup).join("memory.events"),
            others: others.iter().map(|process| file_of(process)).collect(),
        });
        let mut count = OomKills { own: file_of(member), pod, last: None };
        count.look(false);
        count
    }

    /// Reads the count; `ended` says that the member is known to have ended. To be called at once then.
    pub fn look(&mut self, ended: bool) {
        let own = self.own.as_deref().and_then(read);
        // What others were killed is theirs; one whose cgroup is gone cannot be told from this one.
        let of_pod = || {
            let pod = self.pod.as_ref()?;
            let others = pod.others.as_ref()?.iter().map(|file| read(file)).sum::<Option<u64>>()?;
            Some(read(&pod.file)?.saturating_sub(others))
        };
        if let Some(count) = own.or_else(of_pod) {
            self.last = Some((count, ended));
        }
    }

    /// How many of its processes were killed; `None` if that could not be read in time. A 0 is one that was read after the
    /// end.
    pub fn counted(&self) -> Option<u64> {
        self.last.filter(|(count, ended)| *ended || *count > 0).map(|(count, _)| count)
    }
}

/// The directories of the v2 hierarchy, if memory is its.
fn v2_memory() -> Option<impl Fn(&str) -> PathBuf> {
    let memory = Hierarchies::detect().ok()?.controller("memory").filter(|hierarchy| hierarchy.unified)?;
    Some(|path: &str| memory.dir(path))
}

/// The file with the count of a process's own cgroup.
fn file_of(process: &Process) -> Option<PathBuf> {
    let memberships = memberships(&process.read("cgroup").ok()?).ok()?;
    let memory = Hierarchies::detect().ok()?.controller("memory")?;
    let (path, file) = match memory.unified {
        true => (memberships.unified?, "memory.events"),
        false => (memberships.v1.get("memory")?.clone(), "memory.oom_control"),
    };
    Some(memory.below_mount(&path)?.join(file))
}

fn read(file: &Path) -> Option<u64> {
    keyed(&std::fs::read_to_string(file).ok()?, "oom_kill").ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(folder: &Path, name: &str, kills: u64) -> PathBuf {
        let file = folder.join(name);
        std::fs::write(&file, format!("low 0\noom 9\noom_kill {kills}\noom_group_kill 7\n")).expect("is writable");
        file
    }

    #[test]
    fn a_count_of_0_holds_only_after_the_end_and_any_other_always() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = counts(folder.path(), "own", 0);
        let mut seen = OomKills { own: Some(own.clone()), pod: None, last: None };
        seen.look(false);
        assert_eq!(seen.counted(), None);
        seen.look(true);
        assert_eq!(seen.counted(), Some(0));
        counts(folder.path(), "own", 1);
        seen.look(false);
        assert_eq!(seen.counted(), Some(1));
        std::fs::remove_file(own).expect("was there");
        seen.look(true);
        assert_eq!(seen.counted(), Some(1), "what was read stays true");
        let nothing = OomKills { own: None, pod: None, last: None };
        assert_eq!(nothing.counted(), None);
    }

    #[test]
    fn the_pods_count_stands_for_a_cgroup_that_is_gone_less_what_others_were_killed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, other) = (counts(folder.path(), "pod", 3), counts(folder.path(), "other", 2));
        let pod = PodCount { file: file.clone(), others: Some(vec![other.clone()]) };
        let mut seen = OomKills { own: Some(folder.path().join("gone")), pod: Some(pod), last: None };
        seen.look(true);
        assert_eq!(seen.counted(), Some(1));
        let nobody_known = PodCount { file, others: None };
        let mut blind = OomKills { own: Some(folder.path().join("gone")), pod: Some(nobody_known), last: None };
        blind.look(true);
        assert_eq!(blind.counted(), None, "whose the three are cannot be told");
        seen.last = None;
        std::fs::remove_file(other).expect("was there");
        seen.look(true);
        assert_eq!(seen.counted(), None, "which of the two that are gone was killed cannot be told");
    }
}
