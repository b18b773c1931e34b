//! The fields of a v1 Pod that podcheck acts on, after parsing: defaults applied, names resolved, nothing left as text.

use super::{HugePageSize, Quantity, SeccompProfile};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A Pod as its manifest asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, `default` if unset.
    pub namespace: String,
    /// `metadata.uid`, if the manifest carries one (as a Pod read back from a cluster does).
    pub uid: Option<String>,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `spec`.
    pub spec: PodSpec,
}

/// `spec` of a Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodSpec {
    /// `initContainers`: before the others, in order. Names are unique among all.
    pub init_containers: Vec<Container>,
    /// `containers`, at least one, names unique.
    pub containers: Vec<Container>,
    /// `ephemeralContainers`: started once the others are up, and not counted among them.
    pub ephemeral_containers: Vec<Container>,
    /// `volumes`.
    pub volumes: Vec<Volume>,
    /// `hostNetwork`.
    pub host_network: bool,
    /// `hostIPC`.
    pub host_ipc: bool,
    /// `hostPID`; excludes `share_process_namespace`.
    pub host_pid: bool,
    /// `shareProcessNamespace`.
    pub share_process_namespace: bool,
    /// `hostUsers: false`: a user namespace of the Pod's own.
    pub own_users: bool,
    /// `hostname`, if set; otherwise the Pod's name is the host name.
    pub hostname: Option<String>,
    /// `restartPolicy`, `Always` if unset.
    pub restart_policy: RestartPolicy,
    /// `terminationGracePeriodSeconds`, 30 if unset.
    pub termination_grace_period_seconds: u64,
    /// `priorityClassName`: `system-node-critical` changes the oom score.
    pub priority_class_name: Option<String>,
    /// `subdomain`, if set.
    pub subdomain: Option<String>,
    /// `setHostnameAsFQDN`: the kernel's host name is the one with the domain.
    pub set_hostname_as_fqdn: bool,
    /// `hostnameOverride`: the kernel's host name, whatever the others say.
    pub hostname_override: Option<String>,
    /// `hostAliases`.
    pub host_aliases: Vec<HostAlias>,
    /// `dnsPolicy: None` together with `dnsConfig`; otherwise the host's resolv.conf is used.
    pub dns: Option<DnsConfig>,
    /// `resources` of the Pod as a whole; requests as written.
    pub resources: Option<Resources>,
    /// `overhead`, as requests: what running the Pod takes beside its containers.
    pub overhead: Option<Resources>,
    /// `dnsConfig` of another policy: what is added to the host's resolv.conf.
    pub dns_added: Option<DnsConfig>,
    /// Pod-wide defaults of the containers' users.
    pub security: PodSecurity,
}

/// One of `spec.hostAliases`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HostAlias {
    /// `ip`.
    pub ip: String,
    /// `hostnames`.
    pub hostnames: Vec<String>,
}

/// `restartPolicy` of a Pod: which containers that ended are started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum RestartPolicy {
    /// All.
    #[default]
    Always,
    /// Those that did not end with 0.
    OnFailure,
    /// None.
    Never,
}

/// `spec.dnsConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DnsConfig {
    /// `nameservers`.
    pub nameservers: Vec<String>,
    /// `searches`.
    pub searches: Vec<String>,
    /// `options` as they stand in resolv.conf: `ndots:5`, `rotate`.
    pub options: Vec<String>,
}

/// `spec.securityContext`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodSecurity {
    /// `runAsUser`.
    pub run_as_user: Option<u32>,
    /// `runAsGroup`.
    pub run_as_group: Option<u32>,
    /// `runAsNonRoot`.
    pub run_as_non_root: Option<bool>,
    /// `supplementalGroups`.
    pub supplemental_groups: Vec<u32>,
    /// `fsGroup`: owns the Pod's volumes, and every container has it.
    pub fs_group: Option<u32>,
    /// `sysctls`, in order.
    pub sysctls: Vec<Sysctl>,
    /// `seccompProfile`, for containers that name none.
    pub seccomp: Option<SeccompProfile>,
    /// `appArmorProfile`, for containers that name none.
    pub apparmor: Option<AppArmorProfile>,
}

/// One of a Pod's `sysctls`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sysctl {
    /// With dots; a dot within a part stands as a slash.
    pub name: String,
    /// As written.
    pub value: String,
}

/// `appArmorProfile` of a Pod or container.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum AppArmorProfile {
    /// The runtime's own, which is what holds where a manifest names none.
    #[default]
    RuntimeDefault,
    /// None.
    Unconfined,
    /// One that the node's kernel has, by name.
    Localhost(String),
}

impl PodSpec {
    /// Init containers, then the others: those that a Pod is made of, and its resources are counted by.
    pub fn all(&self) -> impl Iterator<Item = &Container> {
        self.init_containers.iter().chain(&self.containers)
    }

    /// These, then the ephemeral ones: everything that runs in the Pod.
    pub fn everyone(&self) -> impl Iterator<Item = &Container> {
        self.all().chain(&self.ephemeral_containers)
    }

    /// The container of that name, of any kind.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.everyone().find(|container| container.name == name)
    }

    /// The same of those that a Pod is made of, to change it.
    pub fn container_mut(&mut self, name: &str) -> Option<&mut Container> {
        self.init_containers.iter_mut().chain(&mut self.containers).find(|container| container.name == name)
    }
}

/// One of `spec.containers`, `spec.initContainers` or `spec.ephemeralContainers`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// `name`.
    pub name: String,
    /// `image` as written.
    pub image: String,
    /// `command`: replaces the image's entry point.
    pub command: Vec<String>,
    /// `args`.
    pub args: Vec<String>,
    /// `workingDir`.
    pub working_dir: Option<String>,
    /// `envFrom` and `env` in order, each name once, values from elsewhere filled in and `$(NAME)` expanded.
    pub env: Vec<(String, String)>,
    /// `ports[].containerPort` in order.
    pub ports: Vec<Port>,
    /// `resources`.
    pub resources: Resources,
    /// `volumeMounts`.
    pub volume_mounts: Vec<VolumeMount>,
    /// `securityContext`.
    pub security: ContainerSecurity,
    /// `terminationMessagePath`, if it is not the usual one.
    pub termination_log: Option<String>,
    /// `lifecycle.postStart`.
    pub post_start: Option<Hook>,
    /// `lifecycle.preStop`.
    pub pre_stop: Option<Hook>,
    /// `lifecycle.stopSignal`, as `SIGUSR1`.
    pub stop_signal: Option<String>,
    /// An init container with `restartPolicy: Always`, a sidecar.
    pub stays: bool,
    /// `targetContainerName` of an ephemeral one.
    pub target: Option<String>,
}

/// What a kubelet does at a turn of a container's life.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Hook {
    /// Runs this command in the container.
    Exec(Vec<String>),
    /// Waits that many seconds.
    Sleep(u64),
}

/// A declared port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// `containerPort`.
    pub container_port: u16,
    /// `protocol`, `TCP` if unset.
    pub protocol: Protocol,
}

/// `protocol` of a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// TCP, the default.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// `resources` of a container. Requests are as written: defaulting from limits is the plan's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// `limits.cpu`, cores.
    pub cpu_limit: Option<Quantity>,
    /// `requests.cpu`, cores.
    pub cpu_request: Option<Quantity>,
    /// `limits.memory`, bytes.
    pub memory_limit: Option<Quantity>,
    /// `requests.memory`, bytes.
    pub memory_request: Option<Quantity>,
    /// `limits.hugepages-<size>`, bytes. What is requested is the same.
    pub huge_pages: BTreeMap<HugePageSize, u64>,
}

impl Resources {
    /// These with what `change` says in place of what they say; what it does not say stays.
    pub fn resized(&self, change: &Resources) -> Resources {
        Resources {
            cpu_limit: change.cpu_limit.or(self.cpu_limit),
            cpu_request: change.cpu_request.or(self.cpu_request),
            memory_limit: change.memory_limit.or(self.memory_limit),
            memory_request: change.memory_request.or(self.memory_request),
            huge_pages: self.huge_pages.clone(),
        }
    }
}

/// One of `volumeMounts`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeMount {
    /// Name of the Pod's volume.
    pub name: String,
    /// Absolute path in the container.
    pub mount_path: String,
    /// `readOnly`.
    pub read_only: bool,
    /// `recursiveReadOnly`: whether what is mounted within the volume is read-only, too.
    pub recursive_read_only: RecursiveReadOnly,
    /// `mountPropagation`.
    pub propagation: Propagation,
    /// `subPath`, or `subPathExpr` expanded: a path below the volume; `None` for all of it.
    pub sub_path: Option<String>,
}

/// `recursiveReadOnly` of a volume mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum RecursiveReadOnly {
    /// What is mounted within a read-only volume stays as it is.
    #[default]
    Disabled,
    /// It becomes read-only where the runtime can do that.
    IfPossible,
    /// It becomes read-only, or the Pod does not run.
    Enabled,
}

/// `mountPropagation` of a volume mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Propagation {
    /// Private.
    #[default]
    None,
    /// What the host mounts in the volume is seen.
    HostToContainer,
    /// And the host, and every container that asks for it, sees what is mounted here.
    Bidirectional,
}

/// One of `spec.volumes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// `name`.
    pub name: String,
    /// Where it comes from.
    pub source: VolumeSource,
}

/// Source of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeSource {
    /// `emptyDir: {}`: a fresh directory of the Pod's own.
    EmptyDir,
    /// `emptyDir: {medium: Memory}`: a fresh tmpfs.
    Memory {
        /// `sizeLimit` in bytes, if there is one.
        size_bytes: Option<u64>,
    },
    /// `configMap`, `secret`, `downwardAPI`, `projected`: files that a kubelet writes, never writable to a container.
    Files {
        /// They lie on a tmpfs: all but a ConfigMap's.
        memory: bool,
        /// The files.
        files: Vec<VolumeFile>,
    },
    /// `hostPath`.
    HostPath {
        /// Absolute path on the host.
        path: PathBuf,
        /// `type`.
        kind: HostPathType,
    },
}

/// One file of a volume that a kubelet writes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VolumeFile {
    /// Below the volume, relative.
    pub path: String,
    /// What is in it.
    pub content: Vec<u8>,
    /// Its permissions.
    pub mode: u32,
    /// The user that it belongs to, if not root.
    pub owner: Option<u32>,
}

/// `hostPath.type`: what must be there before the mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum HostPathType {
    /// No check.
    #[default]
    Unset,
    /// A directory must be there.
    Directory,
    /// A directory is made (mode 0755) if nothing is there.
    DirectoryOrCreate,
    /// A file must be there.
    File,
    /// An empty file (mode 0644) is made if nothing is there.
    FileOrCreate,
    /// A UNIX socket must be there.
    Socket,
    /// A character device must be there.
    CharDevice,
    /// A block device must be there.
    BlockDevice,
}

/// `securityContext` of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerSecurity {
    /// `privileged`.
    pub privileged: bool,
    /// `procMount: Unmasked`: nothing of /proc and /sys is covered; only with users of the Pod's own.
    pub unmasked: bool,
    /// `allowPrivilegeEscalation`; `Some(false)` sets no_new_privs.
    pub allow_privilege_escalation: Option<bool>,
    /// `readOnlyRootFilesystem`.
    pub read_only_root_filesystem: bool,
    /// `runAsUser`.
    pub run_as_user: Option<u32>,
    /// `runAsGroup`.
    pub run_as_group: Option<u32>,
    /// `runAsNonRoot`.
    pub run_as_non_root: Option<bool>,
    /// `capabilities.add`, upper case without `CAP_`; `ALL` possible.
    pub capabilities_add: Vec<String>,
    /// `capabilities.drop`, upper case without `CAP_`; `ALL` possible.
    pub capabilities_drop: Vec<String>,
    /// `seccompProfile`.
    pub seccomp: Option<SeccompProfile>,
    /// `appArmorProfile`.
    pub apparmor: Option<AppArmorProfile>,
}
