//! What the daemon says of itself.

use std::collections::BTreeMap;

/// Asks for names and versions.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct VersionRequest {
    /// The caller's version of the interface; daemons ignore it.
    #[prost(string, tag = "1")]
    pub version: String,
}

/// Names and versions.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct VersionResponse {
    /// `containerd`.
    #[prost(string, tag = "2")]
    pub runtime_name: String,
    /// `1.6.20~ds1`.
    #[prost(string, tag = "3")]
    pub runtime_version: String,
}

/// Asks for conditions and configuration.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct StatusRequest {
    /// With the configuration.
    #[prost(bool, tag = "1")]
    pub verbose: bool,
}

/// Conditions and configuration.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct StatusResponse {
    #[prost(message, optional, tag = "1")]
    pub status: Option<RuntimeStatus>,
    /// `config`: the daemon's configuration as JSON.
    #[prost(btree_map = "string, string", tag = "2")]
    pub info: BTreeMap<String, String>,
    /// What each runtime handler can do; daemons before Kubernetes 1.30 say nothing.
    #[prost(message, repeated, tag = "3")]
    pub runtime_handlers: Vec<RuntimeHandler>,
}

/// What the daemon is ready for.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct RuntimeStatus {
    #[prost(message, repeated, tag = "1")]
    pub conditions: Vec<RuntimeCondition>,
}

/// One condition.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct RuntimeCondition {
    /// `RuntimeReady`, `NetworkReady`.
    #[prost(string, tag = "1")]
    pub kind: String,
    #[prost(bool, tag = "2")]
    pub status: bool,
    #[prost(string, tag = "3")]
    pub reason: String,
    #[prost(string, tag = "4")]
    pub message: String,
}

/// A runtime handler, by the name that RunPodSandbox takes.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct RuntimeHandler {
    /// Empty for the default one.
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub features: Option<RuntimeHandlerFeatures>,
}

/// What a runtime handler can do.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct RuntimeHandlerFeatures {
    #[prost(bool, tag = "2")]
    pub user_namespaces: bool,
}
