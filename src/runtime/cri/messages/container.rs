//! Containers.

use super::{ImageSpec, Int64Value, NamespaceOption, PodSandboxConfig, SecurityProfile};
use std::collections::BTreeMap;

/// Names a container within its sandbox.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ContainerMetadata {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(uint32, tag = "2")]
    pub attempt: u32,
}

/// An environment variable.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct KeyValue {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A bind mount.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct Mount {
    #[prost(string, tag = "1")]
    pub container_path: String,
    #[prost(string, tag = "2")]
    pub host_path: String,
    #[prost(bool, tag = "3")]
    pub readonly: bool,
    #[prost(enumeration = "MountPropagation", tag = "5")]
    pub propagation: i32,
    /// Known to containerd from 2.0 on.
    #[prost(bool, tag = "8")]
    pub recursive_read_only: bool,
}

/// Whether mounts travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(in crate::runtime::cri) enum MountPropagation {
    Private = 0,
    HostToContainer = 1,
    Bidirectional = 2,
}

/// What a container's cgroup holds it to; zero is not asked.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct LinuxContainerResources {
    #[prost(int64, tag = "1")]
    pub cpu_period: i64,
    #[prost(int64, tag = "2")]
    pub cpu_quota: i64,
    #[prost(int64, tag = "3")]
    pub cpu_shares: i64,
    #[prost(int64, tag = "4")]
    pub memory_limit_in_bytes: i64,
    #[prost(int64, tag = "5")]
    pub oom_score_adj: i64,
    #[prost(message, repeated, tag = "8")]
    pub hugepage_limits: Vec<HugepageLimit>,
    /// Files of cgroup v2 and what to write into them. runc refuses it elsewhere.
    #[prost(btree_map = "string, string", tag = "9")]
    pub unified: BTreeMap<String, String>,
    #[prost(int64, tag = "10")]
    pub memory_swap_limit_in_bytes: i64,
}

/// How many bytes of huge pages of a size a container may use.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct HugepageLimit {
    /// `2MB`, as in the names of the kernel's files.
    #[prost(string, tag = "1")]
    pub page_size: String,
    #[prost(uint64, tag = "2")]
    pub limit: u64,
}

/// Capabilities, without `CAP_`.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct Capability {
    #[prost(string, repeated, tag = "1")]
    pub add_capabilities: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub drop_capabilities: Vec<String>,
}

/// Security of a container.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct LinuxContainerSecurityContext {
    #[prost(message, optional, tag = "1")]
    pub capabilities: Option<Capability>,
    #[prost(bool, tag = "2")]
    pub privileged: bool,
    #[prost(message, optional, tag = "3")]
    pub namespace_options: Option<NamespaceOption>,
    #[prost(message, optional, tag = "5")]
    pub run_as_user: Option<Int64Value>,
    #[prost(string, tag = "6")]
    pub run_as_username: String,
    #[prost(bool, tag = "7")]
    pub readonly_rootfs: bool,
    #[prost(int64, repeated, tag = "8")]
    pub supplemental_groups: Vec<i64>,
    /// `apparmor` as it was before Kubernetes 1.24, the only one that containerd 1.4 reads.
    #[prost(string, tag = "9")]
    pub apparmor_profile: String,
    /// `seccomp` as it was before Kubernetes 1.19.
    #[prost(string, tag = "10")]
    pub seccomp_profile_path: String,
    #[prost(bool, tag = "11")]
    pub no_new_privs: bool,
    #[prost(message, optional, tag = "12")]
    pub run_as_group: Option<Int64Value>,
    #[prost(string, repeated, tag = "13")]
    pub masked_paths: Vec<String>,
    #[prost(string, repeated, tag = "14")]
    pub readonly_paths: Vec<String>,
    #[prost(message, optional, tag = "15")]
    pub seccomp: Option<SecurityProfile>,
    #[prost(message, optional, tag = "16")]
    pub apparmor: Option<SecurityProfile>,
}

/// The Linux part of a container.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct LinuxContainerConfig {
    #[prost(message, optional, tag = "1")]
    pub resources: Option<LinuxContainerResources>,
    #[prost(message, optional, tag = "2")]
    pub security_context: Option<LinuxContainerSecurityContext>,
}

/// A container as it is asked for.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ContainerConfig {
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<ContainerMetadata>,
    #[prost(message, optional, tag = "2")]
    pub image: Option<ImageSpec>,
    /// Replaces the image's entry point if not empty.
    #[prost(string, repeated, tag = "3")]
    pub command: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    pub args: Vec<String>,
    #[prost(string, tag = "5")]
    pub working_dir: String,
    #[prost(message, repeated, tag = "6")]
    pub envs: Vec<KeyValue>,
    #[prost(message, repeated, tag = "7")]
    pub mounts: Vec<Mount>,
    #[prost(btree_map = "string, string", tag = "9")]
    pub labels: BTreeMap<String, String>,
    /// Below the sandbox's `log_directory`.
    #[prost(string, tag = "11")]
    pub log_path: String,
    #[prost(message, optional, tag = "15")]
    pub linux: Option<LinuxContainerConfig>,
}

/// Asks for a container.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct CreateContainerRequest {
    #[prost(string, tag = "1")]
    pub pod_sandbox_id: String,
    #[prost(message, optional, tag = "2")]
    pub config: Option<ContainerConfig>,
    /// The same as the sandbox was made with.
    #[prost(message, optional, tag = "3")]
    pub sandbox_config: Option<PodSandboxConfig>,
}

/// The container that was made.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct CreateContainerResponse {
    #[prost(string, tag = "1")]
    pub container_id: String,
}

/// Asks for a container to start.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct StartContainerRequest {
    #[prost(string, tag = "1")]
    pub container_id: String,
}

/// Asks for a running container to be held to other resources.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct UpdateContainerResourcesRequest {
    #[prost(string, tag = "1")]
    pub container_id: String,
    #[prost(message, optional, tag = "2")]
    pub linux: Option<LinuxContainerResources>,
}

/// Asks for a container to end.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct StopContainerRequest {
    #[prost(string, tag = "1")]
    pub container_id: String,
    /// Seconds between the stop signal and SIGKILL.
    #[prost(int64, tag = "2")]
    pub timeout: i64,
}

/// Asks for a container to be removed.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct RemoveContainerRequest {
    #[prost(string, tag = "1")]
    pub container_id: String,
}

/// Asks for a container's status.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ContainerStatusRequest {
    #[prost(string, tag = "1")]
    pub container_id: String,
    /// With `info`.
    #[prost(bool, tag = "2")]
    pub verbose: bool,
}

/// A container's status.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ContainerStatusResponse {
    #[prost(message, optional, tag = "1")]
    pub status: Option<ContainerStatus>,
    /// `info`: JSON with the pid and more.
    #[prost(btree_map = "string, string", tag = "2")]
    pub info: BTreeMap<String, String>,
}

/// A container's status.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ContainerStatus {
    #[prost(enumeration = "ContainerState", tag = "3")]
    pub state: i32,
    #[prost(int32, tag = "7")]
    pub exit_code: i32,
    /// `Completed`, `Error`, `OOMKilled`.
    #[prost(string, tag = "10")]
    pub reason: String,
    #[prost(string, tag = "11")]
    pub message: String,
}

/// Where a container stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(in crate::runtime::cri) enum ContainerState {
    Created = 0,
    Running = 1,
    Exited = 2,
    Unknown = 3,
}

/// Asks for containers.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ListContainersRequest {
    #[prost(message, optional, tag = "1")]
    pub filter: Option<ContainerFilter>,
}

/// Which containers.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ContainerFilter {
    #[prost(string, tag = "3")]
    pub pod_sandbox_id: String,
}

/// Containers.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ListContainersResponse {
    #[prost(message, repeated, tag = "1")]
    pub containers: Vec<Container>,
}

/// A container in a list.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct Container {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(message, optional, tag = "3")]
    pub metadata: Option<ContainerMetadata>,
    #[prost(enumeration = "ContainerState", tag = "6")]
    pub state: i32,
    #[prost(int64, tag = "7")]
    pub created_at: i64,
}

/// Asks for a command to be run in a container.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ExecSyncRequest {
    #[prost(string, tag = "1")]
    pub container_id: String,
    #[prost(string, repeated, tag = "2")]
    pub cmd: Vec<String>,
    /// Seconds; 0 for no end.
    #[prost(int64, tag = "3")]
    pub timeout: i64,
}

/// How the command ended.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ExecSyncResponse {
    #[prost(bytes = "vec", tag = "1")]
    pub stdout: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub stderr: Vec<u8>,
    #[prost(int32, tag = "3")]
    pub exit_code: i32,
}
