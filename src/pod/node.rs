//! What a manifest asks of the node that it comes to: profiles that lie there, sysctls that it allows.

use super::{PodSpec, SeccompFilter, SeccompProfile, Within, sysctl};
use crate::diagnostic::nearest;
use crate::diagnostic::yaml::{Cursor, Kind};

/// Fills in what lies on the node, and refuses what does not. A plain manifest comes to a node about which nothing is known.
pub(super) fn settle(cursor: &Cursor<'_>, spec: &mut PodSpec, within: Option<Within<'_>>) {
    sysctl::settle(cursor, spec, within.map_or(&[], |within| within.unsafe_sysctls));
    local_filter(cursor, spec.security.seccomp.as_mut(), within);
    let own_users = spec.own_users;
    let lists = [
        ("initContainers", &mut spec.init_containers),
        ("containers", &mut spec.containers),
        ("ephemeralContainers", &mut spec.ephemeral_containers),
    ];
    for (kind, containers) in lists {
        let items = cursor.get(kind).and_then(|list| list.items()).unwrap_or_default();
        let maps = items.iter().filter(|item| matches!(item.node().kind, Kind::Map(_)));
        for (item, container) in maps.zip(containers) {
            local_filter(item, container.security.seccomp.as_mut(), within);
            if container.security.unmasked
                && !own_users
                && let Some(value) = item.get("securityContext").and_then(|security| security.get("procMount"))
            {
                let help =
                    "what /proc shows of the host is covered from who shares the host's users: add hostUsers: false";
                value.fault("procMount: Unmasked takes a Pod with users of its own", help);
            }
        }
    }
}

fn local_filter(cursor: &Cursor<'_>, profile: Option<&mut SeccompProfile>, within: Option<Within<'_>>) {
    let Some(SeccompProfile::Localhost(local)) = profile else { return };
    let place = cursor.get("securityContext").and_then(|security| security.get("seccompProfile"));
    let Some(value) = place.and_then(|profile| profile.get("localhostProfile")) else { return };
    let Some(within) = within else {
        let help = "it lies on a node: put the Pod into a case, with the profile under seccomp_profiles:";
        return value.fault("podcheck does not have this profile", help);
    };
    match within.seccomp_profiles.get(&local.name) {
        Some(filter) => local.filter = SeccompFilter::clone(filter),
        None => {
            let help = match nearest(&local.name, within.seccomp_profiles.keys().map(String::as_str)) {
                Some(name) => format!("did you mean {name}?"),
                None => "add it under seccomp_profiles: of the case".to_owned(),
            };
            value.fault(format!("the case gives no seccomp profile {:?}", local.name), help);
        }
    }
}
