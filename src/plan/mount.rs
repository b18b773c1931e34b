//! Mounts and volumes.

use super::totals;
use crate::node::Node;
use crate::pod::{
    Container, HostPathType, Later, Pod, Propagation, Quantity, RecursiveReadOnly, Volume, VolumeFile, VolumeMount,
    VolumeSource,
};
use std::path::PathBuf;

/// A bind mount.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MountPlan {
    /// Where it comes from.
    pub source: MountSource,
    /// Absolute path in the container.
    pub target: String,
    /// Read-only.
    pub read_only: bool,
    /// Whether what is mounted within is read-only, too.
    pub recursive_read_only: RecursiveReadOnly,
    /// Whether mounts made later come in, and go out.
    pub propagation: Propagation,
    /// Path below the volume; `None` for all of it.
    pub sub_path: Option<String>,
}

impl MountPlan {
    /// A file of the Pod's own.
    fn file(source: MountSource, target: &str) -> MountPlan {
        MountPlan {
            source,
            target: target.to_owned(),
            read_only: false,
            recursive_read_only: RecursiveReadOnly::Disabled,
            propagation: Propagation::None,
            sub_path: None,
        }
    }
}

/// Source of a bind mount; [`crate::host::TrialDir`] resolves it to a path of the host.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum MountSource {
    /// A volume of the Pod by name.
    Volume(String),
    /// The Pod's /etc/hosts, written once its address is known. Shared by its containers.
    Hosts,
    /// The termination log of the container with this name.
    TerminationLog(String),
}

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum VolumePlan {
    /// A directory that podcheck makes (mode 0777, as a kubelet's emptyDir).
    EmptyDir {
        /// Its name.
        name: String,
        /// Group that owns it.
        group: Option<u32>,
    },
    /// A tmpfs that podcheck mounts (mode 1777, as a kubelet's).
    Memory {
        /// Its name.
        name: String,
        /// Its size.
        size_bytes: u64,
        /// Group that owns it.
        group: Option<u32>,
    },
    /// Files that podcheck writes.
    Files {
        /// Its name.
        name: String,
        /// Size of the tmpfs that they lie on; `None` for a directory.
        size_bytes: Option<u64>,
        /// The files.
        files: Vec<VolumeFile>,
        /// Group that owns them.
        group: Option<u32>,
    },
    /// A path of the host.
    HostPath {
        /// Its name.
        name: String,
        /// The path.
        path: PathBuf,
        /// What must be there.
        kind: HostPathType,
    },
}

impl VolumePlan {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            VolumePlan::EmptyDir { name, .. }
            | VolumePlan::Memory { name, .. }
            | VolumePlan::Files { name, .. }
            | VolumePlan::HostPath { name, .. } => name,
        }
    }
}

/// Where a kubelet mounts the Pod's hosts file.
const HOSTS: &str = "/etc/hosts";
/// `terminationMessagePath` where a manifest does not say otherwise.
const TERMINATION_LOG: &str = "/dev/termination-log";

/// Mounts of a container in the order a kubelet asks for them. A volume on /etc/hosts takes the place of the managed file;
/// a volume of files is read-only whatever the manifest says.
pub(super) fn of_container(pod: &Pod, container: &Container) -> Vec<MountPlan> {
    let of_files = |name: &str| {
        let is_files = |volume: &Volume| volume.name == name && matches!(volume.source, VolumeSource::Files { .. });
        pod.spec.volumes.iter().any(is_files)
    };
    let volume = |mount: &VolumeMount| MountPlan {
        source: MountSource::Volume(mount.name.clone()),
        target: mount.mount_path.clone(),
        read_only: mount.read_only || of_files(&mount.name),
        recursive_read_only: mount.recursive_read_only,
        propagation: mount.propagation,
        sub_path: mount.sub_path.clone(),
    };
    let mut mounts: Vec<MountPlan> = container.volume_mounts.iter().map(volume).collect();
    if !mounts.iter().any(|mount| mount.target == HOSTS) {
        mounts.push(MountPlan::file(MountSource::Hosts, HOSTS));
    }
    let log = container.termination_log.as_deref().unwrap_or(TERMINATION_LOG);
    mounts.push(MountPlan::file(MountSource::TerminationLog(container.name.clone()), log));
    mounts
}

/// A volume of the Pod.
pub(super) fn volume(pod: &Pod, node: &Node, uid: &str, volume: &Volume) -> VolumePlan {
    let name = volume.name.clone();
    let group = pod.spec.security.fs_group;
    match &volume.source {
        VolumeSource::EmptyDir => VolumePlan::EmptyDir { name, group },
        VolumeSource::HostPath { path, kind } => VolumePlan::HostPath { name, path: path.clone(), kind: *kind },
        VolumeSource::Memory { size_bytes } => {
            VolumePlan::Memory { name, size_bytes: memory_size(pod, node, *size_bytes), group }
        }
        VolumeSource::Files { memory, files } => {
            let size_bytes = memory.then(|| memory_size(pod, node, None));
            let mut files = files.clone();
            files.iter_mut().for_each(|file| put_in(file, node, uid));
            VolumePlan::Files { name, size_bytes, files, group }
        }
    }
}

/// Puts in what is known now: the Pod's uid, and what the node has.
fn put_in(file: &mut VolumeFile, node: &Node, uid: &str) {
    // Only text has marks.
    if let Ok(mut text) = String::from_utf8(file.content.clone()) {
        Later::Uid.put_into(&mut text, uid);
        node.put_into(&mut text);
        file.content = text.into_bytes();
    }
}

/// The least of the limit asked for, the Pod's memory limit, and the node's memory.
/// Source: Kubernetes pkg/volume/emptydir/empty_dir.go, `calculateEmptyDirMemorySize`.
fn memory_size(pod: &Pod, node: &Node, limit: Option<u64>) -> u64 {
    let of_pod = totals::limit(pod, totals::Kind::Memory).map(Quantity::value);
    let sizes = [of_pod, limit].into_iter().flatten().filter(|size| *size > 0);
    sizes.fold(node.memory_bytes, u64::min)
}
