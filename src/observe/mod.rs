//! Reads what the kernel holds of a Pod's processes. Knows nothing of runtimes: it sees only processes and cgroup paths,
//! so that every runtime is judged by the same eyes.
//!
//! The parsers are pure functions on text, one file a subject. Files are read in `read` and nowhere else; what has to
//! be asked from within a namespace is asked in `enter.rs`.

mod asked;
mod beside;
mod cgroup;
mod cgroup_files;
mod controls;
mod enter;
mod error;
mod held;
mod history;
mod host_mounts;
mod huge_pages;
mod idmap;
mod inherited;
mod limits;
mod look;
mod member;
mod mountinfo;
mod network;
mod observation;
mod oom_kills;
mod outside;
mod read;
mod readiness;
mod stat;
mod status;
mod steady;
mod strays;
mod sysctls;
mod words;

pub use asked::{sysctls_here, sysctls_of};
pub use beside::beside;
pub use controls::{CONTROLS, Control};
pub use error::{Malformed, ObserveError};
pub use held::{Held, Holders, Holding};
pub use history::Changed;
pub use idmap::{IdMaps, IdRange};
pub use inherited::{Inherited, ResourceLimits};
pub use limits::{CpuShare, Events, Limit, Limits};
pub use mountinfo::{Mount, parse as parse_mountinfo};
pub use network::{Interface, Network, Route};
pub use observation::{
    Capabilities, CgroupSeen, Credentials, Host, InodeId, MemberSeen, Memberships, Observation, Outside, PodSeen,
    Seccomp, Security, Seen, Shm, Subject,
};
pub use oom_kills::OomKills;
pub use readiness::{Program, Readiness, is_ready};
pub use steady::note_host;

use crate::host::Process;
use cgroup_files::PodDir;
use read::Evidence;
use std::time::Instant;

/// What an observation is compared with, and where the Pod's cgroup is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// Whose namespaces count as the host's: the runtime's daemon, or podcheck itself if `None`.
    pub host: Option<&'a Process>,
    /// The Pod's cgroup from the root of each hierarchy (`/podcheck/x/kubepods/burstable/pod<uid>`); `None` for a Pod
    /// that podcheck did not make: its cgroup is then not looked into.
    pub pod_cgroup: Option<&'a str>,
    /// Members inherit from what counts as the host: its daemon is a private one. A daemon of somebody else's may only
    /// pass orders on to a process that has other limits.
    pub inherits: bool,
    /// When [`note_host`] was called, before the Pod was made: what of the host has changed since is told.
    pub since: Option<Instant>,
}

/// Observes a Pod: the sandbox first, then its containers.
///
/// # Errors
/// A file that a running process must have could not be read or made no sense, or a member kept changing.
pub fn pod(subjects: &[Subject<'_>], scope: &Scope<'_>) -> Result<Observation, ObserveError> {
    let mut evidence = Evidence::default();
    let mounts = host_mounts::host_mounts()?;
    let namespaces = member::host_namespaces(scope)?;
    let hierarchies = &mounts.hierarchies;
    let controllers = member::controllers(hierarchies, &mut evidence)?;
    let of_pod = |hierarchy| scope.pod_cgroup.map_or(Ok(None), |path| PodDir::open(hierarchy, path));
    let pod = hierarchies.iter().map(of_pod).collect::<Result<_, _>>()?;
    let reader = member::Reader { host: &namespaces, hierarchies, controllers: &controllers, pod };
    let look::Looked { mut host, mut members, pod, answers } =
        look::look(&reader, subjects, scope, &mounts, &mut evidence)?;
    if let Err(error) = enter::enter(subjects, &namespaces, &mut members, &answers) {
        // One that ended meanwhile is no member any more; if none did, the error stands.
        let mut ended = false;
        for (subject, (_, _, seen)) in subjects.iter().zip(&mut members) {
            if seen.is_some() && member::is_ending(subject.process) {
                *seen = None;
                ended = true;
            }
        }
        if !ended {
            return Err(error);
        }
        enter::enter(subjects, &namespaces, &mut members, &answers)?;
    }
    outside::outside(subjects, &mut members, scope.pod_cgroup)?;
    let pod = match pod {
        Some((cgroup, processes)) => {
            Some(PodSeen { cgroup, strays: strays::strays(&processes, &reader, subjects, &members)? })
        }
        None => None,
    };
    steady::compare(&mut members, &mut host, scope);
    Ok(Observation { members, pod, host, evidence: evidence.into_texts() })
}
