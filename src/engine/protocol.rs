//! What the harness and a Pod's process say to each other: one JSON document a frame over a stream socket.

use super::cgroup::Hierarchy;
use super::fault::Fault;
use crate::plan::{LinuxResources, Plan};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

/// Descriptor on which the Pod's process finds its socket: standard input, so that nothing unsafe is needed to pass it.
pub const SOCKET_FD: i32 = 0;

/// Most bytes of one output stream that exec keeps.
pub const OUTPUT_LIMIT: usize = 1 << 20;

const FRAME_LIMIT: u32 = 64 << 20;

/// What the harness asks of a Pod's process.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// The first one: bring the Pod up.
    Start(Box<StartRequest>),
    /// The pids are held: from here on the dead may be reaped. Not answered.
    Held,
    /// Start containers of the plan.
    StartContainers {
        /// Their names.
        names: Vec<String>,
        /// The host's path of each mount's source, by container.
        sources: BTreeMap<String, Vec<PathBuf>>,
    },
    /// The stop signal, grace period, SIGKILL; answered when they have ended.
    StopContainers {
        /// Their names.
        names: Vec<String>,
        /// Time between the two signals.
        grace: Duration,
    },
    /// Hold a running container, and what is started in its place, to other resources.
    Resize {
        /// Its name.
        name: String,
        /// All that it is to be held to.
        resources: LinuxResources,
        /// The score of what is started in its place.
        oom_score_adj: i32,
    },
    /// Take what is left of a container away.
    Remove {
        /// Its name.
        name: String,
    },
    /// Run a command in a container.
    Exec {
        /// Name of the container.
        container: String,
        /// The command.
        argv: Vec<String>,
        /// After which it is killed.
        timeout: Duration,
    },
    /// How the containers are.
    Status,
    /// The stop signal, grace period, SIGKILL; the process ends after its answer.
    Stop {
        /// Time between the two signals.
        grace: Duration,
    },
}

/// Everything that a Pod's process needs to know.
#[derive(Debug, Serialize, Deserialize)]
pub struct StartRequest {
    /// The Pod.
    pub plan: Plan,
    /// Names of the containers to start together with the sandbox.
    pub first: Vec<String>,
    /// A directory to cover with one of the Pod's own, which nobody else sees: every Pod's may be the same.
    pub dir: PathBuf,
    /// Directory for what the members print.
    pub logs: PathBuf,
    /// Name of the host's end of the Pod's veth pair.
    pub interface: String,
    /// Every cgroup hierarchy, in the order of the mount table.
    pub hierarchies: Vec<Hierarchy>,
    /// Image of the sandbox.
    pub pause: Image,
    /// Image of each container, in the plan's order.
    pub images: Vec<Image>,
    /// The host's path of each mount's source, of each container that is started with it.
    pub sources: BTreeMap<String, Vec<PathBuf>>,
    /// A mount point below which what one member mounts others may see, if the Pod asks for that.
    pub shared: Option<PathBuf>,
    /// Address of the Pod, unless it uses the host's network.
    pub address: Option<Address>,
    /// Ids of a user namespace of the Pod's own.
    pub ids: Option<IdRange>,
}

/// Ids of the host that are a Pod's from 0 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdRange {
    /// The first on the host.
    pub base: u32,
    /// How many.
    pub length: u32,
}

/// An image as it lies on the host.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Image {
    /// Its root directory, which the engine only reads.
    pub root: PathBuf,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// What it runs, unless a command is asked for.
    pub entrypoint: Vec<String>,
    /// The arguments of that, unless others are.
    pub cmd: Vec<String>,
    /// User as images name it: empty, `uid`, `name`, `uid:gid`.
    pub user: String,
    /// Empty for `/`.
    pub working_dir: String,
}

/// Address of a Pod in a subnet of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The Pod's.
    pub pod: Ipv4Addr,
    /// The host's end, which is the Pod's way out.
    pub gateway: Ipv4Addr,
    /// Length of the subnet's prefix.
    pub prefix: u8,
}

/// The answers, one for each request.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// Pid, as the host counts them, of each that was asked for, in that order and the sandbox first if it was; or why that
    /// one did not start.
    Started(Vec<Result<i32, Fault>>),
    /// The command ended.
    Executed {
        /// Exit status, 128 + signal for a killed one.
        code: i32,
        /// Standard output, at most [`OUTPUT_LIMIT`].
        stdout: Vec<u8>,
        /// Standard error, at most [`OUTPUT_LIMIT`].
        stderr: Vec<u8>,
    },
    /// The command took too long and is gone.
    TimedOut,
    /// By name.
    Status(BTreeMap<String, ContainerStatus>),
    /// Done.
    Done,
    /// The kernel refused what was asked of a container.
    Refused(Fault),
    /// It did not work.
    Failed(Fault),
}

/// How a container is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerStatus {
    /// Exit status once its init ended, 128 + signal for a killed one.
    pub exit_code: Option<i32>,
    /// Whether the kernel killed a process of its cgroup for want of memory.
    pub oom_killed: bool,
}

/// Writes one frame.
///
/// # Errors
/// The socket's; `BrokenPipe` if the other side is gone.
pub fn send<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend_from_slice(&body);
    to.write_all(&frame)
}

/// Reads one frame; `None` if the other side closed between frames.
///
/// # Errors
/// The socket's, or what came is no frame of ours.
pub fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(length);
    if length > FRAME_LIMIT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length as usize];
    from.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_went() {
        let mut wire = Vec::new();
        send(&mut wire, &Reply::Started(vec![Ok(7), Ok(8)])).expect("a vector takes everything");
        send(&mut wire, &Reply::Done).expect("a vector takes everything");
        let mut from = wire.as_slice();
        assert!(matches!(receive(&mut from), Ok(Some(Reply::Started(pids))) if pids == [Ok(7), Ok(8)]));
        assert!(matches!(receive(&mut from), Ok(Some(Reply::Done))));
        assert!(matches!(receive::<Reply>(&mut from), Ok(None)));
    }

    #[test]
    fn a_torn_or_foreign_frame_is_an_error() {
        assert!(receive::<Reply>(&mut [9, 0, 0, 0, b'x'].as_slice()).is_err());
        assert!(receive::<Reply>(&mut [255; 8].as_slice()).is_err());
    }
}
