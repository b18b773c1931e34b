//! The Pod manifest as Kubernetes has it, read strictly: a field is acted on, named as not acted on, or refused.

mod capability;
mod container;
mod documents;
mod elsewhere;
mod ephemeral;
mod expand;
#[cfg(test)]
mod faults;
mod fields;
#[cfg(test)]
mod files;
mod huge_pages;
mod later;
mod lifecycle;
mod manifest;
mod names;
mod network;
mod node;
mod objects;
mod own_image;
mod parse;
mod quantity;
mod resource_field;
mod resources;
mod seccomp;
mod security;
mod spec;
mod sysctl;
#[cfg(test)]
mod taken_faults;
#[cfg(test)]
mod tests;
mod token;
mod volume;
mod workload;

pub use documents::{Found, Manifests, no_pod, parse_documents};
pub use huge_pages::HugePageSize;
pub use later::{Allocatable, Later};
pub use manifest::*;
pub use names::{is_label, is_subdomain};
pub use network::CLUSTER_DOMAIN;
pub use objects::{Data, Objects};
pub use own_image::is_own_image;
pub use parse::{Missing, Parsed, Within, parse_manifest, parse_pod_value};
pub use quantity::{Quantity, QuantityError};
pub use resources::parse_resize;
pub use seccomp::{Action, Condition, LocalProfile, Op, Rule, SeccompFilter, SeccompProfile, parse_seccomp_profiles};
pub use sysctl::is_sysctl_pattern;
