//! `securityContext` of Pods and containers.

use super::{AppArmorProfile, Container, ContainerSecurity, PodSecurity, capability, is_own_image, seccomp, sysctl};
use crate::diagnostic::yaml::Cursor;

/// The largest user or group id that Kubernetes takes.
const MOST_ID: i64 = i32::MAX as i64;

/// Reads a Pod's.
pub(super) fn of_pod(cursor: &Cursor<'_>) -> PodSecurity {
    let groups = cursor.get("supplementalGroups").and_then(|groups| groups.items()).unwrap_or_default();
    PodSecurity {
        run_as_user: id(cursor, "runAsUser"),
        run_as_group: id(cursor, "runAsGroup"),
        run_as_non_root: cursor.get("runAsNonRoot").and_then(|value| value.boolean()),
        supplemental_groups: groups.iter().filter_map(as_id).collect(),
        sysctls: cursor.get("sysctls").map(|list| sysctl::list(&list)).unwrap_or_default(),
        seccomp: cursor.get("seccompProfile").and_then(|value| seccomp::profile(&value)),
        apparmor: cursor.get("appArmorProfile").and_then(|value| apparmor(&value)),
        fs_group: id(cursor, "fsGroup"),
    }
}

/// Reads a container's, and refuses what Kubernetes refuses.
pub(super) fn of_container(cursor: &Cursor<'_>) -> ContainerSecurity {
    let truth = |name: &str| cursor.get(name).and_then(|value| value.boolean());
    let capabilities = |name: &str| {
        let list = cursor.get("capabilities").and_then(|capabilities| capabilities.get(name));
        list.map(|list| capability::list(&list)).unwrap_or_default()
    };
    let security = ContainerSecurity {
        privileged: truth("privileged").unwrap_or_default(),
        unmasked: cursor.get("procMount").and_then(|value| value.one_of(&["Default", "Unmasked"])) == Some("Unmasked"),
        allow_privilege_escalation: truth("allowPrivilegeEscalation"),
        read_only_root_filesystem: truth("readOnlyRootFilesystem").unwrap_or_default(),
        run_as_user: id(cursor, "runAsUser"),
        run_as_group: id(cursor, "runAsGroup"),
        run_as_non_root: truth("runAsNonRoot"),
        capabilities_add: capabilities("add"),
        capabilities_drop: capabilities("drop"),
        seccomp: cursor.get("seccompProfile").and_then(|value| seccomp::profile(&value)),
        apparmor: cursor.get("appArmorProfile").and_then(|value| apparmor(&value)),
    };
    if security.privileged
        && security.allow_privilege_escalation == Some(false)
        && let Some(value) = cursor.get("allowPrivilegeEscalation")
    {
        value.fault(
            "a privileged container cannot do without privilege escalation",
            "remove one of privileged: true and allowPrivilegeEscalation: false",
        );
    }
    security
}

/// Refuses a user that `runAsNonRoot` excludes, and podcheck's own image without one, which runs as root; a kubelet would not
/// start either.
pub(super) fn non_root(cursor: &Cursor<'_>, pod: &PodSecurity, container: &Container) {
    let own = &container.security;
    if own.run_as_non_root.or(pod.run_as_non_root) != Some(true) {
        return;
    }
    let place = cursor.get("securityContext").unwrap_or_else(|| cursor.clone());
    match own.run_as_user.or(pod.run_as_user) {
        Some(0) => {
            place.fault_at_key("runAsNonRoot excludes runAsUser: 0", "the kubelet would not start this container")
        }
        None if is_own_image(&container.image) => place.fault_at_key(
            "runAsNonRoot excludes an image that runs as root, as podcheck's does",
            "say who it runs as: runAsUser",
        ),
        // What the image says is seen when the container is started.
        Some(_) | None => {}
    }
}

/// What is loaded into the kernel only the node knows: a runtime refuses a name that is not.
fn apparmor(cursor: &Cursor<'_>) -> Option<AppArmorProfile> {
    let (kind, name) = seccomp::typed(cursor)?;
    Some(match kind {
        "Unconfined" => AppArmorProfile::Unconfined,
        "Localhost" => AppArmorProfile::Localhost(name),
        _ => AppArmorProfile::RuntimeDefault,
    })
}

fn id(cursor: &Cursor<'_>, name: &str) -> Option<u32> {
    as_id(&cursor.get(name)?)
}

fn as_id(cursor: &Cursor<'_>) -> Option<u32> {
    cursor.integer(0, MOST_ID).and_then(|id| u32::try_from(id).ok())
}
