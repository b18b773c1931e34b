//! Looks at two processes side by side, without their Pod: what a runtime ran in a container, and the container's init.

use super::error::ObserveError;
use super::observation::{MemberSeen, Observation, Subject};
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
    let mut host = member::host(scope, member::host_namespaces(scope)?, &mounts, &mut evidence)?;
    // Which cgroups they are in is wanted, not what these hold: no hierarchy is looked into.
    let controllers = BTreeSet::new();
    let namespaces = host.namespaces.clone();
    let reader = member::Reader { host: &namespaces, hierarchies: &[], controllers: &controllers, pod: Vec::new() };
    let members: Vec<(String, String, Option<MemberSeen>)> = subjects
        .iter()
        .map(|subject| Ok((subject.name.to_owned(), subject.id.to_owned(), reader.member(subject, &mut evidence)?)))
        .collect::<Result<_, ObserveError>>()?;
    // The first is what the others are compared with, whoever started it.
    if let Some((_, _, Some(first))) = members.first() {
        host.mems.extend(first.inherited.mems.value().cloned());
        host.inherited = Some(first.inherited.clone());
    }
    Ok(Observation { members, pod: None, host, evidence: evidence.into_texts() })
}
