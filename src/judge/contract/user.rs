//! S1, S2 and S4: whom a container runs as.

use super::{Court, Member, must, should, shown};
use crate::facts::Looked;
use serde_json::{Value, json};

const SECURITY: &str = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/";
const MERGED: &str = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#implicit-group-memberships-defined-in-etc-group-in-the-container-image";
const OWN_GROUP: &str = "https://nvd.nist.gov/vuln/detail/CVE-2022-36109";
const CAPABILITIES: &str = "https://man7.org/linux/man-pages/man7/capabilities.7.html";

pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    let Some(container) = member.container else { return };
    let (pods, own) = (&court.pod.spec.security, &container.security);
    let (user, group) = (own.run_as_user.or(pods.run_as_user), own.run_as_group.or(pods.run_as_group));
    // podcheck's image names no user; another image's is unknown.
    let image_user = court.stand_ins.contains_key(member.name).then_some(0);
    if let Some(uid) = user.or(image_user) {
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
    if let Some(gid) = group.or(image_user.map(|_| image_group(user))) {
        all_four(court, (member.name, "credentials.gid"), gid);
    }
    judge_own_group(court, member);
    let memberships = image_user.map_or(&[][..], |_| image_memberships(user));
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
    user.filter(|user| [50001, 65534].contains(user)).unwrap_or(0)
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
