//! Images.

use super::Int64Value;
use std::collections::BTreeMap;

/// Names an image.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ImageSpec {
    /// A reference or an id.
    #[prost(string, tag = "1")]
    pub image: String,
    /// As the manifest has it (since v1 of Kubernetes 1.28).
    #[prost(string, tag = "18")]
    pub user_specified_image: String,
}

/// Asks whether an image is there.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ImageStatusRequest {
    #[prost(message, optional, tag = "1")]
    pub image: Option<ImageSpec>,
    /// With `info`.
    #[prost(bool, tag = "2")]
    pub verbose: bool,
}

/// The image, or none.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct ImageStatusResponse {
    #[prost(message, optional, tag = "1")]
    pub image: Option<Image>,
    /// `info`: JSON with the image's configuration.
    #[prost(btree_map = "string, string", tag = "2")]
    pub info: BTreeMap<String, String>,
}

/// An image that is there.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct Image {
    #[prost(string, tag = "1")]
    pub id: String,
    /// The user it runs as, if it is a number.
    #[prost(message, optional, tag = "5")]
    pub uid: Option<Int64Value>,
    /// The user it runs as, if it is a name.
    #[prost(string, tag = "6")]
    pub username: String,
}

/// Asks for an image to be taken away.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::runtime::cri) struct RemoveImageRequest {
    #[prost(message, optional, tag = "1")]
    pub image: Option<ImageSpec>,
}
