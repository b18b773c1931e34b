//! What goes wrong, with which Pod, and how.

mod config;
mod process;
mod table;
mod wrapper;

use podcheck::host::{CgroupRoot, limited_huge_page_sizes};
use serde_json::Value;
use std::path::Path;

pub use table::faults;
pub use wrapper::{is_wrapper, link, wrap};

/// Names of the containers, in the manifest's order. The last is the one that is struck alone, so that what compares
/// containers in their order names it.
pub const CONTAINERS: [&str; 3] = ["web", "log", "job"];

/// One fault of a runtime.
pub struct Fault {
    /// Name of the trial, and of the Pod.
    pub name: &'static str,
    /// The Pod that it is put into.
    pub shape: Shape,
    /// Which of its members.
    pub strikes: Strikes,
    /// What must be found.
    pub property: &'static str,
    /// And where: how the fact's path begins.
    pub at: &'static str,
    /// The fault itself.
    pub edit: Edit,
    /// What the host must have.
    pub needs: Needs,
    /// A cgroup is where the runtime did not make it for the Pod, and is left behind.
    pub leaves: bool,
}

/// How a fault is made.
#[derive(Clone, Copy)]
pub enum Edit {
    /// In the bundle's config.json, before the runtime reads it. The folder is the bundle.
    Config(fn(&mut Value, &Path)),
    /// To the process that the runtime has made, before its program starts: its pid.
    After(fn(i32) -> Result<(), String>),
    /// To a container's own process, when something is first run in it: its pid.
    Later(fn(i32) -> Result<(), String>),
    /// In the process.json of a command that is run in a container.
    Process(fn(&mut Value)),
    /// In runc's state.json of a container, as long as it runs a command in it.
    State(fn(&mut Value)),
    /// In what a container is resized to, as runc is told it; where nothing is left of that, runc is not called.
    Update(fn(&mut Value)),
    /// To a container's own process, when it has just been resized, whoever is struck: its pid.
    Resized(fn(i32) -> Result<(), String>),
}

/// Which members a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strikes {
    /// One container.
    Only(&'static str),
    /// All containers, not the sandbox.
    Every,
    /// The sandbox alone.
    Sandbox,
    /// The sandbox, and with it whatever of it the containers share or are compared with.
    SandboxAndSo,
    /// The sandbox, and what is found is the Pod's as a whole.
    Pod,
}

impl Strikes {
    /// Whether the member of this container name, or the sandbox, is struck.
    pub fn hits(self, container: Option<&str>) -> bool {
        match self {
            Strikes::Only(name) => container == Some(name),
            Strikes::Every => container.is_some(),
            Strikes::Sandbox | Strikes::SandboxAndSo | Strikes::Pod => container.is_none(),
        }
    }
}

/// What a fault can only be made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// Controllers of v1: on v2 there is no such setting, or it cannot be read.
    V1,
    /// cgroup v2 alone.
    V2,
    /// Limits of huge pages.
    HugePages,
    /// A processor to take away.
    TwoProcessors,
}

impl Fault {
    /// Why it cannot be made on this host.
    pub fn why_impossible(&self) -> Option<String> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        match self.needs {
            Needs::V1 if !Path::new("/sys/fs/cgroup/memory").exists() => {
                Some("needs controllers of cgroup v1".to_owned())
            }
            Needs::V2 if !Path::new("/sys/fs/cgroup/cgroup.controllers").exists() => {
                Some("needs cgroup v2 alone".to_owned())
            }
            Needs::HugePages if limited_huge_page_sizes(&CgroupRoot::from_env().unwrap_or_default()).is_empty() => {
                Some("needs limits of huge pages".to_owned())
            }
            Needs::TwoProcessors if processors < 2 => Some("needs two processors".to_owned()),
            _ => None,
        }
    }
}

/// Pods that faults are put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Three containers that ask for different things.
    Plain,
    /// The same with one PID namespace.
    SharedPid,
    /// In the host's network, …
    HostNetwork,
    /// … PID namespace, …
    HostPid,
    /// … and IPC namespace.
    HostIpc,
    /// With a privileged container, the last.
    Privileged,
    /// With a user whom the image has put in a group, in the last.
    Member,
    /// Filtered, and with a command run in each.
    Exec,
    /// With a sysctl that no kernel takes, for which it must be refused.
    Refused,
    /// With a command in the last container that is not there, for which that one must be.
    NotStarted,
    /// With the last container resized.
    Resize,
    /// With a container more that looks into the last.
    Ephemeral,
    /// With a low port that the last container serves on.
    LowPort,
    /// With a program in the last container that does its work and ends.
    Brief,
}

impl Shape {
    pub const ALL: [Shape; 14] = [
        Shape::Plain,
        Shape::SharedPid,
        Shape::HostNetwork,
        Shape::HostPid,
        Shape::HostIpc,
        Shape::Privileged,
        Shape::Member,
        Shape::Exec,
        Shape::Refused,
        Shape::NotStarted,
        Shape::Resize,
        Shape::Ephemeral,
        Shape::LowPort,
        Shape::Brief,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Shape::Plain => "plain",
            Shape::SharedPid => "shared-pid",
            Shape::HostNetwork => "host-network",
            Shape::HostPid => "host-pid",
            Shape::HostIpc => "host-ipc",
            Shape::Privileged => "privileged",
            Shape::Member => "member",
            Shape::Exec => "exec",
            Shape::Refused => "refused",
            Shape::NotStarted => "not-started",
            Shape::Resize => "resize",
            Shape::Ephemeral => "ephemeral",
            Shape::LowPort => "low-port",
            Shape::Brief => "brief",
        }
    }

    /// Its file under a name: a manifest, or a case of one where something is done in it.
    pub fn file(self, name: &str) -> String {
        let run = |name: &&str| format!("- {{in: {name}, run: [\"true\"]}}\n");
        let (about, shows, asked) = match self {
            Shape::Exec => {
                let steps: String = CONTAINERS.iter().map(run).collect();
                ("A command is run in each container.", "C10", format!("steps:\n{steps}"))
            }
            Shape::Refused => {
                let asked = "refused: {at: create, says: tcp_fin_timeout}\n";
                ("A sysctl that no kernel takes is refused.", "B5", asked.to_owned())
            }
            Shape::NotStarted => {
                let asked = "steps:\n- {refused: job, says: no such file or directory}\n";
                ("A command that is not there does not start.", "B1", asked.to_owned())
            }
            Shape::Resize => {
                let resources = "{limits: {memory: 80Mi, cpu: 600m}, requests: {cpu: 300m}}";
                let steps = format!("steps:\n- {{resize: job, resources: {resources}}}\n");
                ("A container is resized.", "L20", steps)
            }
            _ => return self.manifest(name),
        };
        let manifest: String = self.manifest(name).lines().map(|line| format!("  {line}\n")).collect();
        let source = "https://kubernetes.io/docs/concepts/workloads/pods/";
        format!("about: {about}\nshows: [{shows}]\nsource: {source}\npod:\n{manifest}{asked}")
    }

    /// Its manifest under a name.
    fn manifest(self, name: &str) -> String {
        let of_pod = match self {
            Shape::Plain | Shape::Privileged | Shape::Member | Shape::LowPort => "terminationGracePeriodSeconds: 30",
            Shape::Ephemeral => {
                "ephemeralContainers: [{name: peek, image: podcheck, command: [serve, --name, peek], targetContainerName: job}]"
            }
            Shape::SharedPid => "shareProcessNamespace: true",
            Shape::HostNetwork => "hostNetwork: true",
            Shape::HostPid => "hostPID: true",
            Shape::HostIpc => "hostIPC: true",
            Shape::Exec | Shape::Refused | Shape::Resize => "shareProcessNamespace: false",
            Shape::NotStarted | Shape::Brief => "restartPolicy: Never",
        };
        let job = match self {
            Shape::Privileged => "privileged: true",
            Shape::Member => "runAsUser: 50001",
            _ => "capabilities: {drop: [MKNOD], add: [NET_ADMIN]}",
        };
        let of_all = match self {
            Shape::Exec => ", seccompProfile: {type: RuntimeDefault}",
            Shape::Refused => ", sysctls: [{name: net.ipv4.tcp_fin_timeout, value: soon}]",
            _ => "",
        };
        let command = match self {
            Shape::NotStarted => "/no/such/program, --name, job",
            Shape::Brief => "cat, /etc/hosts",
            Shape::LowPort => "serve, --port, \"80\", --name, job",
            _ => "serve, --name, job",
        };
        format!(
            "\
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  {of_pod}
  securityContext: {{supplementalGroups: [3000]{of_all}}}
  volumes:
  - {{name: data, emptyDir: {{}}}}
  - {{name: keys, emptyDir: {{}}}}
  containers:
  - name: web
    image: podcheck
    command: [serve, --name, web]
    resources: {{limits: {{memory: 96Mi, cpu: 700m}}}}
    volumeMounts: [{{name: data, mountPath: /data}}]
  - name: log
    image: podcheck
    command: [serve, --name, log]
    securityContext: {{runAsUser: 1000, runAsGroup: 2000, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true}}
  - name: job
    image: podcheck
    command: [{command}]
    workingDir: /data
    env: [{{name: COLOUR, value: red}}]
    resources: {{limits: {{memory: 64Mi, cpu: 500m}}, requests: {{memory: 32Mi, cpu: 250m}}}}
    securityContext: {{{job}}}
    volumeMounts: [{{name: data, mountPath: /data}}, {{name: keys, mountPath: /keys, readOnly: true}}]
"
        )
    }
}
