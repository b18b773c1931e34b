//! Pod sandboxes.

use super::Int64Value;
use std::collections::BTreeMap;

/// resolv.conf in parts.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct DnsConfig {
    #[prost(string, repeated, tag = "1")]
    pub servers: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub searches: Vec<String>,
    #[prost(string, repeated, tag = "3")]
    pub options: Vec<String>,
}

/// Who shares a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(in crate::runtime::cri) enum NamespaceMode {
    Pod = 0,
    Container = 1,
    Node = 2,
    /// Another container's.
    Target = 3,
}

/// Who shares which namespace.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct NamespaceOption {
    #[prost(enumeration = "NamespaceMode", tag = "1")]
    pub network: i32,
    #[prost(enumeration = "NamespaceMode", tag = "2")]
    pub pid: i32,
    #[prost(enumeration = "NamespaceMode", tag = "3")]
    pub ipc: i32,
    /// Id of the container whose PID namespace it is, with [`NamespaceMode::Target`].
    #[prost(string, tag = "4")]
    pub target_id: String,
}

/// A profile of seccomp or AppArmor.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct SecurityProfile {
    #[prost(enumeration = "ProfileType", tag = "1")]
    pub profile_type: i32,
    /// Of seccomp the path of a file, of AppArmor the name of a loaded profile; only with Localhost.
    #[prost(string, tag = "2")]
    pub localhost_ref: String,
}

/// Which profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(in crate::runtime::cri) enum ProfileType {
    RuntimeDefault = 0,
    Unconfined = 1,
    Localhost = 2,
}

/// Security of the sandbox itself, not of its containers.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct LinuxSandboxSecurityContext {
    #[prost(message, optional, tag = "1")]
    pub namespace_options: Option<NamespaceOption>,
    #[prost(message, optional, tag = "3")]
    pub run_as_user: Option<Int64Value>,
    #[prost(int64, repeated, tag = "5")]
    pub supplemental_groups: Vec<i64>,
    #[prost(bool, tag = "6")]
    pub privileged: bool,
    /// `seccomp` as it was before Kubernetes 1.19.
    #[prost(string, tag = "7")]
    pub seccomp_profile_path: String,
    #[prost(message, optional, tag = "8")]
    pub run_as_group: Option<Int64Value>,
    #[prost(message, optional, tag = "9")]
    pub seccomp: Option<SecurityProfile>,
}

/// The Linux part of a sandbox.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct LinuxPodSandboxConfig {
    /// In the form of a path, whatever the daemon's cgroup driver.
    #[prost(string, tag = "1")]
    pub cgroup_parent: String,
    #[prost(message, optional, tag = "2")]
    pub security_context: Option<LinuxSandboxSecurityContext>,
    #[prost(btree_map = "string, string", tag = "3")]
    pub sysctls: BTreeMap<String, String>,
}

/// Names a sandbox.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct PodSandboxMetadata {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub uid: String,
    #[prost(string, tag = "3")]
    pub namespace: String,
    #[prost(uint32, tag = "4")]
    pub attempt: u32,
}

/// A sandbox as it is asked for.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct PodSandboxConfig {
    #[prost(message, optional, tag = "1")]
    pub metadata: Option<PodSandboxMetadata>,
    /// Empty only in the host's network.
    #[prost(string, tag = "2")]
    pub hostname: String,
    /// Below it lie the containers' `log_path`s.
    #[prost(string, tag = "3")]
    pub log_directory: String,
    /// None copies the host's resolv.conf.
    #[prost(message, optional, tag = "4")]
    pub dns_config: Option<DnsConfig>,
    #[prost(btree_map = "string, string", tag = "6")]
    pub labels: BTreeMap<String, String>,
    #[prost(message, optional, tag = "8")]
    pub linux: Option<LinuxPodSandboxConfig>,
}

/// Asks for a sandbox.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct RunPodSandboxRequest {
    #[prost(message, optional, tag = "1")]
    pub config: Option<PodSandboxConfig>,
    /// Empty for the daemon's default.
    #[prost(string, tag = "2")]
    pub runtime_handler: String,
}

/// The sandbox that was made.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct RunPodSandboxResponse {
    #[prost(string, tag = "1")]
    pub pod_sandbox_id: String,
}

/// Asks for its processes to end and its network to go.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct StopPodSandboxRequest {
    #[prost(string, tag = "1")]
    pub pod_sandbox_id: String,
}

/// Asks for a sandbox to be taken away with its containers.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct RemovePodSandboxRequest {
    #[prost(string, tag = "1")]
    pub pod_sandbox_id: String,
}

/// Asks for a sandbox's status.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct PodSandboxStatusRequest {
    #[prost(string, tag = "1")]
    pub pod_sandbox_id: String,
    /// With `info`.
    #[prost(bool, tag = "2")]
    pub verbose: bool,
}

/// A sandbox's status.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct PodSandboxStatusResponse {
    #[prost(message, optional, tag = "1")]
    pub status: Option<PodSandboxStatus>,
    /// `info`: JSON with the pid and more.
    #[prost(btree_map = "string, string", tag = "2")]
    pub info: BTreeMap<String, String>,
}

/// A sandbox's status.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct PodSandboxStatus {
    #[prost(message, optional, tag = "5")]
    pub network: Option<PodSandboxNetworkStatus>,
}

/// A sandbox's network.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct PodSandboxNetworkStatus {
    /// Empty in the host's network.
    #[prost(string, tag = "1")]
    pub ip: String,
}

/// Asks for sandboxes.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ListPodSandboxRequest {
    #[prost(message, optional, tag = "1")]
    pub filter: Option<PodSandboxFilter>,
}

/// Which sandboxes; everything that is set must hold.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct PodSandboxFilter {
    #[prost(btree_map = "string, string", tag = "3")]
    pub label_selector: BTreeMap<String, String>,
}

/// Sandboxes.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ListPodSandboxResponse {
    #[prost(message, repeated, tag = "1")]
    pub items: Vec<PodSandbox>,
}

/// A sandbox in a list.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct PodSandbox {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(message, optional, tag = "2")]
    pub metadata: Option<PodSandboxMetadata>,
    #[prost(enumeration = "PodSandboxState", tag = "3")]
    pub state: i32,
}

/// Whether a sandbox is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(in crate::runtime::cri) enum PodSandboxState {
    Ready = 0,
    NotReady = 1,
}
