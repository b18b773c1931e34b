//! Looks at the host, the members and the Pod's cgroup side by side: reading is nearly all that an observation does.

use super::Scope;
use super::controls::Control;
use super::enter::{self, Answer};
use super::error::ObserveError;
use super::host_mounts::HostMounts;
use super::member::{self, Reader};
use super::observation::{CgroupSeen, Host, MemberSeen, Subject};
use super::read::Evidence;
use super::strays;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Name, runtime's id, and what was seen.
type Member = (String, String, Option<MemberSeen>);

/// What was seen.
pub struct Looked {
    pub host: Host,
    pub members: Vec<Member>,
    /// What the Pod's cgroup holds its processes to, and the pids of those that are in it.
    pub pod: Option<(CgroupSeen, BTreeSet<i32>)>,
    /// What was asked within the namespaces that are the first member's.
    pub answers: Vec<Answer>,
}

/// What one of two has seen.
#[derive(Default)]
struct Parts {
    /// By their place among the subjects.
    members: Vec<(usize, Option<MemberSeen>)>,
    cgroup: Option<CgroupSeen>,
    processes: Option<BTreeSet<i32>>,
    evidence: Evidence,
}

/// What is shared out, one thing after another.
struct Work<'a> {
    next: AtomicUsize,
    reader: &'a Reader<'a>,
    subjects: &'a [Subject<'a>],
    pod: Option<&'a str>,
}

/// Looks at everything, with one helper: a Pod of three members is halved by two, and quartered by four hardly faster than
/// threads start. The helper enters namespaces, which concerns a single thread and is all the same to what it reads then.
pub fn look(
    reader: &Reader<'_>,
    subjects: &[Subject<'_>],
    scope: &Scope<'_>,
    mounts: &HostMounts,
    evidence: &mut Evidence,
) -> Result<Looked, ObserveError> {
    let work = Work { next: AtomicUsize::new(0), reader, subjects, pod: scope.pod_cgroup };
    let (host, ours, helper) = std::thread::scope(|threads| {
        let helper = threads.spawn(|| (enter::ahead(subjects, reader.host), work.run()));
        let host = member::host(scope, reader.host.clone(), mounts, evidence);
        // Joined, so that the helper has left the namespaces.
        (host, work.run(), helper.join())
    });
    let (answers, theirs) = helper.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let mut members: Vec<Member> = subjects.iter().map(|s| (s.name.to_owned(), s.id.to_owned(), None)).collect();
    let (mut cgroup, mut processes) = (None, None);
    for parts in [ours?, theirs?] {
        evidence.append(parts.evidence);
        cgroup = cgroup.or(parts.cgroup);
        processes = processes.or(parts.processes);
        for (index, seen) in parts.members {
            members[index].2 = seen;
        }
    }
    Ok(Looked { host: host?, members, pod: cgroup.zip(processes), answers })
}

impl Work<'_> {
    /// Takes one thing after another until none is left, what takes longest first.
    fn run(&self) -> Result<Parts, ObserveError> {
        let mut parts = Parts::default();
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            match (self.subjects.get(index), self.pod, index.checked_sub(self.subjects.len())) {
                (Some(subject), ..) => {
                    parts.members.push((index, self.reader.member(subject, &mut parts.evidence)?));
                }
                (None, Some(_), Some(0)) => {
                    parts.processes = Some(strays::processes(self.reader, self.subjects)?);
                }
                (None, Some(path), Some(1)) => {
                    let path = |_: &_| Some(path.to_owned());
                    let seen = self.reader.cgroup(path, "pod", Control::is_compared, &mut parts.evidence)?;
                    parts.cgroup = Some(seen);
                }
                _ => return Ok(parts),
            }
        }
    }
}
