//! Mounts and volumes.

use crate::pod::{Container, HostPathType, Volume, VolumeMount, VolumeSource};
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
}

/// Source of a bind mount; [`crate::host::TrialDir`] resolves it to a path of the host.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum MountSource {
    /// A volume of the Pod by name.
    Volume(String),
    /// The Pod's /etc/hosts, written once its address is known. Shared by its containers.
    Hosts,
    /// /dev/termination-log of the container with this name.
    TerminationLog(String),
}

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum VolumePlan {
    /// A directory that podcheck makes (mode 0777, as a kubelet's emptyDir).
    EmptyDir {
        /// Its name.
        name: String,
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
            VolumePlan::EmptyDir { name } | VolumePlan::HostPath { name, .. } => name,
        }
    }
}

/// Where a kubelet mounts the Pod's hosts file.
const HOSTS: &str = "/etc/hosts";
/// `terminationMessagePath` where a manifest does not say otherwise.
const TERMINATION_LOG: &str = "/dev/termination-log";

/// Mounts of a container in the order a kubelet asks for them. A volume on /etc/hosts takes the place of the managed file.
pub(super) fn of_container(container: &Container) -> Vec<MountPlan> {
    let volume = |mount: &VolumeMount| MountPlan {
        source: MountSource::Volume(mount.name.clone()),
        target: mount.mount_path.clone(),
        read_only: mount.read_only,
    };
    let mut mounts: Vec<MountPlan> = container.volume_mounts.iter().map(volume).collect();
    if !mounts.iter().any(|mount| mount.target == HOSTS) {
        mounts.push(MountPlan { source: MountSource::Hosts, target: HOSTS.to_owned(), read_only: false });
    }
    mounts.push(MountPlan {
        source: MountSource::TerminationLog(container.name.clone()),
        target: TERMINATION_LOG.to_owned(),
        read_only: false,
    });
    mounts
}

/// A volume of the Pod.
pub(super) fn volume(volume: &Volume) -> VolumePlan {
    let name = volume.name.clone();
    match &volume.source {
        VolumeSource::EmptyDir => VolumePlan::EmptyDir { name },
        VolumeSource::HostPath { path, kind } => VolumePlan::HostPath { name, path: path.clone(), kind: *kind },
    }
}
