//! M2, M3 and M4: each volume is there, whole or the part asked for, as writable and as open to other mounts as asked.

use super::mounts::{access, ask, has, is_access, is_text, text};
use super::{Court, must, pod_level, shown};
use crate::pod::{Container, Propagation, Quantity, RecursiveReadOnly, VolumeMount, VolumeSource};
use serde_json::{Map, Value};

const VOLUMES: &str = "https://kubernetes.io/docs/concepts/storage/volumes/";
const SUB_PATH: &str = "https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath";
const PROPAGATION: &str = "https://kubernetes.io/docs/concepts/storage/volumes/#mount-propagation";
const RECURSIVE: &str = "https://kubernetes.io/docs/concepts/storage/volumes/#recursive-read-only-mounts";
const MEMORY: &str = "https://kubernetes.io/docs/concepts/storage/volumes/#emptydir";

/// The volumes of a container.
pub(super) fn judge(court: &mut Court<'_>, container: &Container, mounts: &Map<String, Value>) {
    for mount in &container.volume_mounts {
        let target = mount.mount_path.as_str();
        let source = format!("volume:{}", mount.name);
        let volume = court.pod.spec.volumes.iter().find(|volume| volume.name == mount.name).map(|v| &v.source);
        // What a kubelet writes nobody else does.
        let read_only = mount.read_only || matches!(volume, Some(VolumeSource::Files { .. }));
        let wanted = if read_only { "ro" } else { "rw" };
        ask(court, must("M2", VOLUMES), (container, target), mounts, &source, |m| is_text(m, "source", &source));
        judge_part(court, (container, mount), mounts, volume);
        ask(court, must("M3", VOLUMES), (container, target), mounts, wanted, |m| is_access(m, wanted));
        judge_propagation(court, (container, mount), mounts);
        judge_options(court, (container, target), mounts);
        if mount.recursive_read_only == RecursiveReadOnly::Enabled {
            judge_within(court, (container, target), mounts);
        }
        if let Some(VolumeSource::Memory { size_bytes }) = volume {
            judge_memory(court, (container, target), mounts, *size_bytes);
        }
        if let Some(VolumeSource::Files { memory: true, .. }) = volume {
            judge_memory(court, (container, target), mounts, None);
        }
    }
}

/// The whole volume, or the part that `subPath` names. A volume of files has those behind a link of the kubelet's, and of a
/// hostPath only the host knows what its links are.
fn judge_part(
    court: &mut Court<'_>,
    (container, mount): (&Container, &VolumeMount),
    mounts: &Map<String, Value>,
    volume: Option<&VolumeSource>,
) {
    let at = (container, mount.mount_path.as_str());
    let Some(sub_path) = &mount.sub_path else {
        return ask(court, must("M2", VOLUMES), at, mounts, "the whole volume", |m| is_text(m, "root", "/"));
    };
    let parts: Vec<&str> = sub_path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let path = format!("/{}", parts.join("/"));
    let words = format!("{path} of the volume");
    ask(court, must("M9", SUB_PATH), at, mounts, &words, |m| {
        let seen = text(m, "root");
        let held = match volume {
            Some(VolumeSource::Files { .. }) => seen.ends_with(&path),
            Some(VolumeSource::HostPath { .. }) => seen != "/" || path == "/",
            _ => seen == path,
        };
        if held { Ok(seen.to_owned()) } else { Err(seen.to_owned()) }
    });
}

/// Nothing comes in or goes out but as asked.
fn judge_propagation(
    court: &mut Court<'_>,
    (container, mount): (&Container, &VolumeMount),
    mounts: &Map<String, Value>,
) {
    let wanted = match mount.propagation {
        Propagation::None => "private",
        Propagation::HostToContainer => "slave",
        Propagation::Bidirectional => "shared",
    };
    ask(court, must("M4", PROPAGATION), (container, mount.mount_path.as_str()), mounts, wanted, |m| {
        let seen = text(m, "propagation");
        // One that passes mounts on may get them from elsewhere, too.
        let held = seen == wanted || wanted == "shared" && seen == "shared,slave";
        if held { Ok(seen.to_owned()) } else { Err(seen.to_owned()) }
    });
}

/// No `noexec` or the like that nobody asked for.
fn judge_options(court: &mut Court<'_>, at: (&Container, &str), mounts: &Map<String, Value>) {
    // With users of the Pod's own the owners of a volume's files are mapped, which restricts nobody.
    let own_users = court.pod.spec.own_users;
    ask(court, must("M3", VOLUMES), at, mounts, "no other restriction", |m| {
        let options = m.get("options");
        let more = super::texts(options).ok_or_else(|| shown(options))?;
        let usual = |option: &str| matches!(option, "ro" | "rw") || own_users && option == "idmapped";
        let more: Vec<&str> = more.into_iter().filter(|option| !usual(option)).collect();
        if more.is_empty() { Ok("none".to_owned()) } else { Err(more.join(", ")) }
    });
}

/// `recursiveReadOnly`: whatever is mounted within.
fn judge_within(court: &mut Court<'_>, (container, at): (&Container, &str), mounts: &Map<String, Value>) {
    let below = format!("{at}/");
    let own: Vec<&str> = container.volume_mounts.iter().map(|mount| mount.mount_path.as_str()).collect();
    // What another mount covers nobody reaches.
    let reached = |path: &str| path.starts_with(&below) && !own.contains(&path) && !path.contains(" (covered");
    let writable: Vec<&str> = mounts
        .iter()
        .filter(|(path, mount)| reached(path) && access(mount) != "ro")
        .map(|(path, _)| path.as_str())
        .collect();
    let words = "ro, and all that is mounted within";
    ask(court, must("M3", RECURSIVE), (container, at), mounts, words, |_| match writable.is_empty() {
        true => Ok("ro".to_owned()),
        false => Err(format!("writable: {}", writable.join(", "))),
    });
}

/// A tmpfs of the least of the limit, the Pod's memory limit, and the node's memory.
fn judge_memory(
    court: &mut Court<'_>,
    (container, at): (&Container, &str),
    mounts: &Map<String, Value>,
    limit: Option<u64>,
) {
    let of_pod = pod_level::totals(court.pod)[1].map(Quantity::value);
    let size = [limit, of_pod].into_iter().flatten().filter(|size| *size > 0).fold(court.node.memory_bytes, u64::min);
    // The kernel gives whole pages, and says so in KiB.
    let option = format!("size={}k", size.next_multiple_of(court.host.page()) / 1024);
    ask(court, must("M2", MEMORY), (container, at), mounts, "tmpfs", |mount| is_text(mount, "type", "tmpfs"));
    ask(court, must("M2", MEMORY), (container, at), mounts, &option, |mount| match has(mount, "superblock", &option) {
        true => Ok(option.clone()),
        false => Err(shown(mount.get("superblock"))),
    });
}
