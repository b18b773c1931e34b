//! S1, S2 and S4: whom a container runs as.

use super::{Court, Member, must, should, shown};
use crate::facts::Looked;
use crate::pod::{Container, is_own_image};
use serde_json::{Value, json};

const SECURITY: &str = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/";
const MERGED: &str = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#implicit-group-memberships-defined-in-etc-group-in-the-container-image";
const OWN_GROUP: &str = "https://nvd.nist.gov/vuln/detail/CVE-2022-36109";
const CAPABILITIES: &str = "https://man7.org/linux/man-pages/man7/capabilities.7.html";

pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    let Some(container) = member.container else { return };
    let (pods, own) = (&court.pod.spec.security, &container.security);
    let user = uid(court, container);
    let group = own.run_as_group.or(pods.run_as_group);
    let is_ours = court.stand_ins.contains_key(member.name);
    if let Some(uid) = user {
        all_four(court, (member.name, "credentials.uid"), uid);
        if uid != 0 {
            let nothing = "no effective capability, as it is not root";
            court.check(
                must("S4", CAPABILITIES),
                (member.name, "credentials.capabilities.effective"),
                nothing,
                |seen| {
                    if seen == Some(&json!([])) { Ok(()) } else { Err(shown(seen)) }
                },
            );
        }
    }
    if let Some(gid) = group.or(is_ours.then(|| image_group(user))) {
        all_four(court, (member.name, "credentials.gid"), gid);
    }
    judge_own_group(court, member);
    let memberships = if is_ours { image_memberships(user) } else { &[] };
    let asked = pods.supplemental_groups.iter().chain(&pods.fs_group).map(|group| (group, SECURITY));
    for (extra, source) in asked.chain(memberships.iter().map(|group| (group, MERGED))) {
        court.check(
            must("S1", source),
            (member.name, "credentials.groups"),
            format!("group {extra} among them"),
            |seen| {
                let groups = seen.and_then(Value::as_array);
                if groups.is_some_and(|groups| groups.contains(&json!(extra))) { Ok(()) } else { Err(shown(seen)) }
            },
        );
    }
    if own.run_as_non_root.or(pods.run_as_non_root) == Some(true) {
        court.check(must("S2", SECURITY), (member.name, "credentials.uid"), "not root", |seen| {
            let ids = seen.and_then(Value::as_array);
            if ids.is_some_and(|ids| !ids.is_empty() && !ids.contains(&json!(0))) { Ok(()) } else { Err(shown(seen)) }
        });
    }
}

/// As whom podcheck's image runs in the place of one that may not run as root.
const NON_ROOT_STAND_IN: u32 = 65532;

/// The uid that a container has to run as: the manifest's, else that of podcheck's image where it runs, which names no user.
/// What another image says is unknown.
pub(super) fn uid(court: &Court<'_>, container: &Container) -> Option<u32> {
    let (pods, own) = (&court.pod.spec.security, &container.security);
    let must_not_be_root = own.run_as_non_root.or(pods.run_as_non_root) == Some(true);
    let of_image = || match court.stand_ins.contains_key(&container.name) {
        true if must_not_be_root && !is_own_image(&container.image) => Some(NON_ROOT_STAND_IN),
        true => Some(0),
        false => None,
    };
    own.run_as_user.or(pods.run_as_user).or_else(of_image)
}

/// A file may allow a group less than everybody else. Who runs with that group, but is not among its members, may leave it
/// and with it the restriction.
fn judge_own_group(court: &mut Court<'_>, member: Member<'_>) {
    let effective = match court.look(member.name, "credentials.gid") {
        Looked::Value(Value::Array(ids)) => ids.get(1).cloned(),
        _ => None,
    };
    let words = "its own group among them";
    court.check(should("S1", OWN_GROUP), (member.name, "credentials.groups"), words, |seen| {
        let groups = seen.and_then(Value::as_array).ok_or_else(|| shown(seen))?;
        let is_among = effective.is_some_and(|group| groups.contains(&group));
        if is_among { Ok(()) } else { Err("without its own".to_owned()) }
    });
}

/// Primary group of a user that asks for none, by podcheck's own `/etc/passwd`; 0 for whom it does not name.
pub(super) fn image_group(user: Option<u32>) -> u32 {
    user.filter(|user| [50001, NON_ROOT_STAND_IN, 65534].contains(user)).unwrap_or(0)
}

/// Groups that podcheck's own `/etc/group` lists a user in.
pub(super) fn image_memberships(user: Option<u32>) -> &'static [u32] {
    if user == Some(50001) { &[50002] } else { &[] }
}

/// Real, effective, saved and file system id alike.
fn all_four(court: &mut Court<'_>, (member, at): (&str, &str), id: u32) {
    court.check(must("S1", SECURITY), (member, at), format!("{id}"), |seen| {
        if seen == Some(&json!([id, id, id, id])) { Ok(()) } else { Err(shown(seen)) }
    });
}
