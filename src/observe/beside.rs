//! Looks at two processes side by side, without their Pod: what a runtime ran in a container, and the container's init.

use super::error::ObserveError;
use super::observation::{Observation, Subject};
use super::read::Evidence;
use super::{Scope, host_mounts, member};
use std::collections::BTreeSet;

/// Observes processes as themselves: what is asked for from within their namespaces, and what their cgroups hold
/// them to, is left out.
///
/// # Errors
/// As [`super::pod`]; one that has ended is seen as such.
pub fn beside(subjects: &[Subject<'_>], scope: &Scope<'_>) -> Result<Observation, ObserveError> {
    let mut evidence = Evidence::default();
    let mounts = host_mounts::host_mounts()?;
    let host = member::host(scope, member::host_namespaces(scope)?, &mounts, &mut evidence)?;
    // Which cgroups they are in is wanted, not what these hold: no hierarchy is looked into.
    let controllers = BTreeSet::new();
    let reader =
        member::Reader { host: &host.namespaces, hierarchies: &[], controllers: &controllers, pod: Vec::new() };
    let members = subjects
        .iter()
        .map(|subject| Ok((subject.name.to_owned(), subject.id.to_owned(), reader.member(subject, &mut evidence)?)))
        .collect::<Result<_, ObserveError>>()?;
    Ok(Observation { members, pod: None, host, evidence: evidence.into_texts() })
}
