//! `spec.volumes[]`.

use super::{Object, Shape, acted, ignored, later};

pub(in crate::pod) static VOLUME: &Object = &Object {
    name: "a volume",
    fields: &[
        acted("name", Shape::Text),
        acted("emptyDir", Shape::Object(EMPTY_DIR)),
        acted("hostPath", Shape::Object(HOST_PATH)),
        later("awsElasticBlockStore"),
        later("azureDisk"),
        later("azureFile"),
        later("cephfs"),
        later("cinder"),
        later("configMap"),
        later("csi"),
        later("downwardAPI"),
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
        later("projected"),
        later("quobyte"),
        later("rbd"),
        later("scaleIO"),
        later("secret"),
        later("storageos"),
        later("vsphereVolume"),
    ],
};

static EMPTY_DIR: &Object = &Object {
    name: "emptyDir",
    // A kubelet evicts a Pod for an emptyDir on disk that grows beyond its sizeLimit; the directory itself has no bound.
    fields: &[later("medium"), ignored("sizeLimit", Shape::Any)],
};

static HOST_PATH: &Object =
    &Object { name: "hostPath", fields: &[acted("path", Shape::Text), acted("type", Shape::Text)] };
