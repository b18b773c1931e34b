//! `spec.volumes[]`.

use super::container::{FIELD_REF, RESOURCE_FIELD_REF};
use super::{Object, Shape, acted, ignored, later};

pub(in crate::pod) static VOLUME: &Object = &Object {
    name: "a volume",
    fields: &[
        acted("name", Shape::Text),
        acted("emptyDir", Shape::Object(EMPTY_DIR)),
        acted("hostPath", Shape::Object(HOST_PATH)),
        acted("configMap", Shape::Object(CONFIG_MAP)),
        acted("downwardAPI", Shape::Object(DOWNWARD_API)),
        acted("projected", Shape::Object(PROJECTED)),
        acted("secret", Shape::Object(SECRET)),
        later("awsElasticBlockStore"),
        later("azureDisk"),
        later("azureFile"),
        later("cephfs"),
        later("cinder"),
        later("csi"),
        later("ephemeral"),
        later("fc"),
        later("flexVolume"),
        later("flocker"),
        later("gcePersistentDisk"),
        later("gitRepo"),
        later("glusterfs"),
        later("image"),
        later("iscsi"),
        later("nfs"),
        later("persistentVolumeClaim"),
        later("photonPersistentDisk"),
        later("portworxVolume"),
        later("quobyte"),
        later("rbd"),
        later("scaleIO"),
        later("storageos"),
        later("vsphereVolume"),
    ],
};

static EMPTY_DIR: &Object =
    &Object { name: "emptyDir", fields: &[acted("medium", Shape::Text), acted("sizeLimit", Shape::Any)] };

static CONFIG_MAP: &Object = &Object {
    name: "a configMap",
    fields: &[
        acted("name", Shape::Text),
        acted("items", Shape::Objects(KEY_TO_PATH)),
        acted("defaultMode", Shape::Any),
        acted("optional", Shape::Bool),
    ],
};

static SECRET: &Object = &Object {
    name: "a secret",
    fields: &[
        acted("secretName", Shape::Text),
        acted("items", Shape::Objects(KEY_TO_PATH)),
        acted("defaultMode", Shape::Any),
        acted("optional", Shape::Bool),
    ],
};

static KEY_TO_PATH: &Object = &Object {
    name: "an item",
    fields: &[acted("key", Shape::Text), acted("path", Shape::Text), acted("mode", Shape::Any)],
};

static DOWNWARD_API: &Object = &Object {
    name: "a downwardAPI",
    fields: &[acted("items", Shape::Objects(DOWNWARD_FILE)), acted("defaultMode", Shape::Any)],
};

static DOWNWARD_FILE: &Object = &Object {
    name: "an item",
    fields: &[
        acted("path", Shape::Text),
        acted("fieldRef", Shape::Object(FIELD_REF)),
        acted("resourceFieldRef", Shape::Object(RESOURCE_FIELD_REF)),
        acted("mode", Shape::Any),
    ],
};

static PROJECTED: &Object = &Object {
    name: "a projected volume",
    fields: &[acted("sources", Shape::Objects(PROJECTION)), acted("defaultMode", Shape::Any)],
};

static PROJECTION: &Object = &Object {
    name: "a projected source",
    fields: &[
        acted("configMap", Shape::Object(PROJECTED_OBJECT)),
        acted("secret", Shape::Object(PROJECTED_OBJECT)),
        acted("downwardAPI", Shape::Object(PROJECTED_POD)),
        acted("serviceAccountToken", Shape::Object(TOKEN)),
        later("clusterTrustBundle"),
        later("podCertificate"),
    ],
};

static TOKEN: &Object = &Object {
    name: "a serviceAccountToken",
    fields: &[
        acted("path", Shape::Text),
        ignored("audience", Shape::Text),
        ignored("expirationSeconds", Shape::Integer),
    ],
};

static PROJECTED_OBJECT: &Object = &Object {
    name: "a projected object",
    fields: &[acted("name", Shape::Text), acted("items", Shape::Objects(KEY_TO_PATH)), acted("optional", Shape::Bool)],
};

static PROJECTED_POD: &Object =
    &Object { name: "a projected downwardAPI", fields: &[acted("items", Shape::Objects(DOWNWARD_FILE))] };

static HOST_PATH: &Object =
    &Object { name: "hostPath", fields: &[acted("path", Shape::Text), acted("type", Shape::Text)] };
