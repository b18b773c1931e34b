//! podcheck answers one question: **is this really a Pod?**
//!
//! It brings a Kubernetes Pod up on a container runtime, reads from the kernel what its processes really share and are
//! held to, and judges that against the Pod contract. ARCHITECTURE.md has the map.

pub mod case;
pub mod cli;
pub mod diagnostic;
pub mod engine;
pub mod facts;
pub mod host;
pub mod judge;
pub mod kubelet;
pub mod node;
pub mod observe;
pub mod payload;
pub mod plan;
pub mod pod;
pub mod report;
pub mod runtime;
pub mod trial;

mod hand_over;
pub use hand_over::hand_over;
pub(crate) use hand_over::has_handed_over;
