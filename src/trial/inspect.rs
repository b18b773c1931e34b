//! The facts of a Pod that somebody else started.

use crate::facts::{self, Facts, Naming};
use crate::host::Process;
use crate::observe::{self, Scope, Subject};
use crate::runtime::Member;

/// Observes members of a Pod that podcheck did not start; namespaces of `daemon` (podcheck's own if `None`) are the host's.
///
/// # Errors
/// What could not be read.
pub fn inspect(members: &[Member], daemon: Option<&Process>) -> Result<Facts, String> {
    let subjects: Vec<Subject<'_>> = members.iter().map(|m| Subject::new(&m.name, &m.id, &m.process)).collect();
    let scope = Scope { host: daemon, pod_cgroup: None, inherits: false, since: None };
    let observation = observe::pod(&subjects, &scope).map_err(|error| error.to_string())?;
    Ok(facts::normalise(&observation, &Naming::default()))
}
