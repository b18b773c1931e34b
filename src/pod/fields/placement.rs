//! Where a Pod is placed: nothing of it is acted on, and a misspelt key in it is a fault all the same.

use super::{Object, Shape, ignored};

pub(super) static AFFINITY: &Object = &Object {
    name: "affinity",
    fields: &[
        ignored("nodeAffinity", Shape::Object(NODE_AFFINITY)),
        ignored("podAffinity", Shape::Object(POD_AFFINITY)),
        ignored("podAntiAffinity", Shape::Object(POD_AFFINITY)),
    ],
};

/// What holds while a Pod is placed and not later; there is no other kind.
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

static NODE_AFFINITY: &Object = &Object {
    name: "nodeAffinity",
    fields: &[ignored(REQUIRED, Shape::Object(NODE_SELECTOR)), ignored(PREFERRED, Shape::Objects(PREFERRED_NODE))],
};

static NODE_SELECTOR: &Object =
    &Object { name: "a node selector", fields: &[ignored("nodeSelectorTerms", Shape::Objects(NODE_TERM))] };

static PREFERRED_NODE: &Object = &Object {
    name: "a preferred node",
    fields: &[ignored("preference", Shape::Object(NODE_TERM)), ignored("weight", Shape::Integer)],
};

static NODE_TERM: &Object = &Object {
    name: "a node selector's term",
    fields: &[
        ignored("matchExpressions", Shape::Objects(REQUIREMENT)),
        ignored("matchFields", Shape::Objects(REQUIREMENT)),
    ],
};

static REQUIREMENT: &Object = &Object {
    name: "a requirement",
    fields: &[ignored("key", Shape::Text), ignored("operator", Shape::Text), ignored("values", Shape::Texts)],
};

static POD_AFFINITY: &Object = &Object {
    name: "an affinity to Pods",
    fields: &[ignored(REQUIRED, Shape::Objects(POD_TERM)), ignored(PREFERRED, Shape::Objects(PREFERRED_POD))],
};

static PREFERRED_POD: &Object = &Object {
    name: "a preferred Pod",
    fields: &[ignored("podAffinityTerm", Shape::Object(POD_TERM)), ignored("weight", Shape::Integer)],
};

static POD_TERM: &Object = &Object {
    name: "a Pod affinity's term",
    fields: &[
        ignored("labelSelector", Shape::Object(LABEL_SELECTOR)),
        ignored("matchLabelKeys", Shape::Texts),
        ignored("mismatchLabelKeys", Shape::Texts),
        ignored("namespaceSelector", Shape::Object(LABEL_SELECTOR)),
        ignored("namespaces", Shape::Texts),
        ignored("topologyKey", Shape::Text),
    ],
};

static LABEL_SELECTOR: &Object = &Object {
    name: "a label selector",
    fields: &[ignored("matchExpressions", Shape::Objects(REQUIREMENT)), ignored("matchLabels", Shape::TextMap)],
};

pub(super) static TOPOLOGY_SPREAD: &Object = &Object {
    name: "a topology spread constraint",
    fields: &[
        ignored("labelSelector", Shape::Object(LABEL_SELECTOR)),
        ignored("matchLabelKeys", Shape::Texts),
        ignored("maxSkew", Shape::Integer),
        ignored("minDomains", Shape::Integer),
        ignored("nodeAffinityPolicy", Shape::Text),
        ignored("nodeTaintsPolicy", Shape::Text),
        ignored("topologyKey", Shape::Text),
        ignored("whenUnsatisfiable", Shape::Text),
    ],
};

pub(super) static SCHEDULING_GROUP: &Object =
    &Object { name: "a scheduling group", fields: &[ignored("podGroupName", Shape::Text)] };
