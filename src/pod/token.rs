//! `serviceAccountToken` of a projected volume: only an API server gives a token, so something stands in for it.
//! Sources: Kubernetes pkg/volume/projected/projected.go (`collectData`), pkg/volume/util/util.go (`FsUserFrom`).

use super::elsewhere::{Elsewhere, STAND_IN};
use super::{VolumeFile, volume};
use crate::diagnostic::yaml::{Cursor, Kind};

/// The file of a token. It is private to its owner where the Pod has a group for its volumes or one user for all of its
/// containers, to whom it belongs then.
pub(super) fn file(cursor: &Cursor<'_>, mode: u32, elsewhere: &Elsewhere<'_>) -> Option<VolumeFile> {
    let path = volume::path(cursor)?;
    if !elsewhere.stands_in("token of the service account") {
        cursor.fault_at_key("there is no token here", "only a cluster gives one; remove it to judge the rest");
        return None;
    }
    let owner = only_user(elsewhere.spec);
    let has_group = id(elsewhere.spec, "fsGroup").is_some();
    let mode = if has_group || owner.is_some() { 0o600 } else { mode };
    Some(VolumeFile { path, content: STAND_IN.as_bytes().to_vec(), mode, owner })
}

/// The user that all containers run as, if the manifest says so.
fn only_user(spec: &Cursor<'_>) -> Option<u32> {
    let of_pod = id(spec, "runAsUser");
    let lists = ["initContainers", "containers"].map(|kind| spec.get(kind).and_then(|list| list.items()));
    let mut users = lists.into_iter().flatten().flatten().map(|item| id(&item, "runAsUser").or(of_pod));
    let first = users.next()??;
    users.all(|user| user == Some(first)).then_some(first)
}

/// An id of a securityContext; faults of it are found where that is read.
fn id(of: &Cursor<'_>, name: &str) -> Option<u32> {
    match &of.node().get("securityContext")?.get(name)?.kind {
        Kind::Integer(id) => u32::try_from(*id).ok(),
        _ => None,
    }
}
