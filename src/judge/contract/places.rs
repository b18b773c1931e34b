//! Where the paths of a manifest lead in each container's root: an image may have links on the way (`/var/run`).

use crate::facts::{Facts, plain};
use crate::pod::{Container, Pod};

/// The Pod as its containers see it: every path of the manifest is the place that it leads to.
pub(super) fn resolved(pod: &Pod, facts: &Facts) -> Pod {
    let mut pod = pod.clone();
    let spec = &mut pod.spec;
    let all = spec.init_containers.iter_mut().chain(&mut spec.containers).chain(&mut spec.ephemeral_containers);
    for Container { name, volume_mounts, termination_log, working_dir, .. } in all {
        let own = volume_mounts.iter_mut().map(|mount| &mut mount.mount_path);
        for path in own.chain(termination_log.as_mut()).chain(working_dir.as_mut()) {
            *path = place(facts, name, path);
        }
    }
    pod
}

/// Where a path leads in a member's root; as it is written where that is not known.
pub(super) fn place(facts: &Facts, member: &str, path: &str) -> String {
    let of_member = facts.document.get("members").and_then(|members| members.get(member));
    let place = of_member.and_then(|member| member.get("paths")?.get(path)?.as_str());
    place.map_or_else(|| plain(path), str::to_owned)
}

/// Whether the manifest puts a volume on or above what is at this path: then that is the manifest's.
pub(super) fn takes_over(facts: &Facts, container: &Container, path: &str) -> bool {
    is_of_volume(container, &place(facts, &container.name, path))
}

/// The same of a place. The container's own paths are places already.
pub(super) fn is_of_volume(container: &Container, place: &str) -> bool {
    let above = |target: &str| target == "/" || place.strip_prefix(target).is_some_and(|rest| rest.starts_with('/'));
    container.volume_mounts.iter().any(|mount| place == mount.mount_path || above(&mount.mount_path))
}
