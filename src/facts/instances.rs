//! Whose file system is mounted where: several of the kernel's own exist once a namespace or once a container, and look
//! alike.

use super::path::place;
use crate::observe::{MemberSeen, Observation};
use std::collections::BTreeMap;

/// Where they are mounted, and their types. That of /proc is told by whose processes are in it.
const INSTANCES: [(&str, &str); 4] =
    [("/sys", "sysfs"), ("/dev", "tmpfs"), ("/dev/pts", "devpts"), ("/dev/mqueue", "mqueue")];

/// Files that are the Pod's or one container's: kind of identity → where.
const FILES: [(&str, &str); 4] = [
    ("hosts", "/etc/hosts"),
    ("hostname", "/etc/hostname"),
    ("resolv-conf", "/etc/resolv.conf"),
    ("termination-log", "/dev/termination-log"),
];

/// Stands for a PID namespace that is neither the host's nor a member's.
const ANOTHER: &str = "another";

/// Target → `host`, or what `first_with` says of the first member that has the same: `sandbox`, `=NAME` or `own`.
pub fn instances(
    seen: &MemberSeen,
    observation: &Observation,
    first_with: impl Fn(&dyn Fn(&MemberSeen) -> bool) -> String,
) -> BTreeMap<&'static str, String> {
    let host = &observation.host;
    let mut instances = BTreeMap::new();
    for (target, kind) in INSTANCES {
        let Some(id) = device(seen, target, kind) else { continue };
        let of_host = host.mounts.iter().any(|mount| mount.kind == kind && mount.device == id);
        let of = if of_host { "host".to_owned() } else { first_with(&|other| device(other, target, kind) == Some(id)) };
        instances.insert(target, of);
    }
    if let Some(shown) = seen.proc_shows {
        let has = |other: &MemberSeen| other.namespaces.get("pid") == Some(&shown);
        let of = if host.namespaces.get("pid").is_some_and(|of_host| of_host.contains(&shown)) {
            "host".to_owned()
        } else if observation.members.iter().any(|(_, _, other)| other.as_ref().is_some_and(has)) {
            first_with(&has)
        } else {
            ANOTHER.to_owned()
        };
        instances.insert("/proc", of);
    }
    instances
}

/// The device of the file system of this type that is mounted there, on top.
fn device<'a>(seen: &'a MemberSeen, target: &str, kind: &str) -> Option<&'a str> {
    let top = seen.mounts.iter().rfind(|mount| mount.target == target)?;
    (top.kind == kind).then_some(top.device.as_str())
}

/// Kind → an identity of the file that is mounted at its place.
pub fn files(seen: &MemberSeen) -> impl Iterator<Item = (String, String)> + '_ {
    FILES.into_iter().filter_map(|(kind, path)| {
        let target = place(&seen.places, path);
        let mount = seen.mounts.iter().rfind(|mount| mount.target == target)?;
        Some((kind.to_owned(), format!("{} {}", mount.device, mount.root)))
    })
}
