//! The Pod itself, `metadata` and `spec`.

use super::container::{EPHEMERAL, RESOURCES};
use super::{CONTAINER, Field, Object, Shape, VOLUME, acted, ignored, later, later_unless, placement};

/// The document.
pub(in crate::pod) static POD: &Object = &Object {
    name: "a v1 Pod",
    fields: &[
        acted("apiVersion", Shape::Text),
        acted("kind", Shape::Text),
        acted("metadata", Shape::Object(METADATA)),
        acted("spec", Shape::Object(SPEC)),
        ignored("status", Shape::Any),
    ],
};

/// The Pod template of a workload.
pub(in crate::pod) static TEMPLATE: &Object = &Object {
    name: "a Pod template",
    fields: &[acted("metadata", Shape::Object(METADATA)), acted("spec", Shape::Object(SPEC))],
};

pub(super) static METADATA: &Object = &Object {
    name: "metadata",
    fields: &[
        acted("name", Shape::Text),
        acted("namespace", Shape::Text),
        acted("uid", Shape::Text),
        ignored("labels", Shape::TextMap),
        ignored("annotations", Shape::TextMap),
        ignored("generateName", Shape::Text),
        ignored("creationTimestamp", Shape::Any),
        ignored("deletionTimestamp", Shape::Any),
        ignored("deletionGracePeriodSeconds", Shape::Integer),
        ignored("finalizers", Shape::Texts),
        ignored("generation", Shape::Integer),
        ignored("managedFields", Shape::Any),
        ignored("ownerReferences", Shape::Objects(OWNER)),
        ignored("resourceVersion", Shape::Text),
        ignored("selfLink", Shape::Text),
    ],
};

static OWNER: &Object = &Object {
    name: "an owner reference",
    fields: &[
        ignored("apiVersion", Shape::Text),
        ignored("kind", Shape::Text),
        ignored("name", Shape::Text),
        ignored("uid", Shape::Text),
        ignored("controller", Shape::Bool),
        ignored("blockOwnerDeletion", Shape::Bool),
    ],
};

pub(in crate::pod) static SPEC: &Object = &Object {
    name: "a Pod's spec",
    fields: &[
        acted("containers", Shape::Objects(CONTAINER)),
        acted("initContainers", Shape::Objects(CONTAINER)),
        acted("volumes", Shape::Objects(VOLUME)),
        acted("hostNetwork", Shape::Bool),
        acted("hostIPC", Shape::Bool),
        acted("hostPID", Shape::Bool),
        acted("shareProcessNamespace", Shape::Bool),
        acted("hostname", Shape::Text),
        acted("subdomain", Shape::Text),
        acted("setHostnameAsFQDN", Shape::Bool),
        acted("hostnameOverride", Shape::Text),
        acted("hostAliases", Shape::Objects(HOST_ALIAS)),
        acted("terminationGracePeriodSeconds", Shape::Integer),
        acted("restartPolicy", Shape::Text),
        acted("priorityClassName", Shape::Text),
        acted("dnsPolicy", Shape::Text),
        acted("dnsConfig", Shape::Object(DNS)),
        acted("securityContext", Shape::Object(SECURITY)),
        acted("os", Shape::Object(OS)),
        // Where and when a Pod is placed, and who it is to the API server.
        ignored("affinity", Shape::Object(placement::AFFINITY)),
        ignored("automountServiceAccountToken", Shape::Bool),
        ignored("enableServiceLinks", Shape::Bool),
        ignored("imagePullSecrets", Shape::Objects(REFERENCE)),
        ignored("nodeName", Shape::Text),
        ignored("nodeSelector", Shape::TextMap),
        ignored("preemptionPolicy", Shape::Text),
        ignored("priority", Shape::Integer),
        ignored("readinessGates", Shape::Objects(READINESS_GATE)),
        ignored("schedulerName", Shape::Text),
        ignored("schedulingGates", Shape::Objects(REFERENCE)),
        ignored("schedulingGroup", Shape::Object(placement::SCHEDULING_GROUP)),
        ignored("serviceAccount", Shape::Text),
        ignored("serviceAccountName", Shape::Text),
        ignored("tolerations", Shape::Objects(TOLERATION)),
        ignored("topologySpreadConstraints", Shape::Objects(placement::TOPOLOGY_SPREAD)),
        // What a kubelet does later in a Pod's life than podcheck looks.
        ignored("activeDeadlineSeconds", Shape::Integer),
        acted("ephemeralContainers", Shape::Objects(EPHEMERAL)),
        acted("hostUsers", Shape::Bool),
        acted("overhead", Shape::Resources),
        later("resourceClaims"),
        acted("resources", Shape::Object(RESOURCES)),
        later("runtimeClassName"),
    ],
};

static OS: &Object = &Object { name: "os", fields: &[later_unless("name", &["linux"])] };

static REFERENCE: &Object = &Object { name: "a reference", fields: &[ignored("name", Shape::Text)] };

static READINESS_GATE: &Object = &Object { name: "a readiness gate", fields: &[ignored("conditionType", Shape::Text)] };

static TOLERATION: &Object = &Object {
    name: "a toleration",
    fields: &[
        ignored("key", Shape::Text),
        ignored("operator", Shape::Text),
        ignored("value", Shape::Text),
        ignored("effect", Shape::Text),
        ignored("tolerationSeconds", Shape::Integer),
    ],
};

static HOST_ALIAS: &Object =
    &Object { name: "a host alias", fields: &[acted("ip", Shape::Text), acted("hostnames", Shape::Any)] };

static DNS: &Object = &Object {
    name: "dnsConfig",
    fields: &[
        acted("nameservers", Shape::Texts),
        acted("searches", Shape::Texts),
        acted("options", Shape::Objects(DNS_OPTION)),
    ],
};

static DNS_OPTION: &Object =
    &Object { name: "a DNS option", fields: &[acted("name", Shape::Text), acted("value", Shape::Text)] };

static SYSCTL: &Object =
    &Object { name: "a sysctl", fields: &[acted("name", Shape::Text), acted("value", Shape::Text)] };

static SECURITY: &Object = &Object { name: "a Pod's securityContext", fields: SECURITY_FIELDS };

static SECURITY_FIELDS: &[Field] = &[
    acted("runAsUser", Shape::Integer),
    acted("runAsGroup", Shape::Integer),
    acted("runAsNonRoot", Shape::Bool),
    acted("supplementalGroups", Shape::Any),
    acted("fsGroup", Shape::Integer),
    acted("seccompProfile", Shape::Object(super::container::PROFILE)),
    acted("appArmorProfile", Shape::Object(super::container::PROFILE)),
    // A Pod's volumes are new: how often their owner is set makes no difference.
    ignored("fsGroupChangePolicy", Shape::Text),
    ignored("seLinuxChangePolicy", Shape::Text),
    later("seLinuxOptions"),
    later_unless("supplementalGroupsPolicy", &["Merge"]),
    acted("sysctls", Shape::Objects(SYSCTL)),
    later("windowsOptions"),
];
