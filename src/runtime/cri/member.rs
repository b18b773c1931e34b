//! From a sandbox or container id to its process: held at once, shown to be the right one, past its runtime's init.

use super::client::{Client, QUICK};
use super::messages::{
    ContainerState, ContainerStatus, ContainerStatusRequest, PodSandboxStatus, PodSandboxStatusRequest,
};
use crate::host::{Process, poll_until, scaled};
use crate::runtime::{Member, RuntimeError};
use nix::fcntl::{OFlag, readlinkat};
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Instant;

/// The binaries of OCI runtimes on this host, by which a process is seen to be a runtime's init still.
#[derive(Debug, Default)]
pub(super) struct Inits {
    files: Vec<(u64, u64)>,
}

impl Inits {
    /// Of these paths; those that are not there do not matter.
    pub fn of(paths: impl IntoIterator<Item = PathBuf>) -> Inits {
        let files = paths.into_iter().filter_map(|path| std::fs::metadata(path).ok());
        Inits { files: files.map(|m| (m.dev(), m.ino())).collect() }
    }

    /// Whether a process runs something else than an OCI runtime's init.
    fn left_by(&self, process: &Process) -> std::io::Result<bool> {
        let comm = process.read("comm")?;
        let exe = readlinkat(process.as_fd(), "exe")?;
        if is_init(comm.trim_end(), &exe.to_string_lossy()) {
            return Ok(false);
        }
        let file = std::fs::File::from(process.open_at("exe", OFlag::O_PATH)?).metadata()?;
        Ok(!self.files.contains(&(file.dev(), file.ino())))
    }
}

/// What tells an init by itself: runc and youki name it (`runc:[2:INIT]`), and all of them run it from a sealed copy in
/// memory (`/memfd:runc_cloned:/proc/self/exe (deleted)`), which no program of an image is.
fn is_init(comm: &str, exe: &str) -> bool {
    comm.split_once(":[").is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
        || exe.starts_with("/memfd:")
}

/// Holds the sandbox's process and gives its status.
///
/// # Errors
/// It runs no more, or never left the runtime's init.
pub(super) fn sandbox(client: &Client, inits: &Inits, id: &str) -> Result<(Member, PodSandboxStatus), RuntimeError> {
    let request = PodSandboxStatusRequest { pod_sandbox_id: id.to_owned(), verbose: true };
    let answer = client.call(request, "ask for the sandbox's status", QUICK)?;
    let member = hold(client, "sandbox", id, &answer.info)?
        .ok_or_else(|| client.failed("hold the sandbox".to_owned(), "it runs no more"))?;
    await_program(client, inits, &member)?;
    Ok((member, answer.status.unwrap_or_default()))
}

/// Holds a started container's process. `Err` holds its last status if it runs no more.
///
/// # Errors
/// The daemon did not answer, or names a process that is not the container's.
pub(super) fn container(
    client: &Client,
    name: &str,
    id: &str,
) -> Result<Result<Member, ContainerStatus>, RuntimeError> {
    // It may end between the answer and our look at it; the daemon says so a moment later.
    let found = poll_until(Instant::now() + scaled(QUICK), || look(client, name, id).transpose());
    found.unwrap_or_else(|| Err(client.overdue(format!("say which process {name} is"), QUICK)))
}

/// One look; `None` if the daemon's answer and the kernel's do not fit together yet.
fn look(client: &Client, name: &str, id: &str) -> Result<Option<Result<Member, ContainerStatus>>, RuntimeError> {
    let request = ContainerStatusRequest { container_id: id.to_owned(), verbose: true };
    let answer = client.call(request, &format!("ask for the status of {name}"), QUICK)?;
    let status = answer.status.unwrap_or_default();
    if status.state() == ContainerState::Exited {
        return Ok(Some(Err(status)));
    }
    Ok(hold(client, name, id, &answer.info)?.map(Ok))
}

/// Waits until a member runs its own program.
///
/// # Errors
/// It ended, or did not get there in time.
pub(super) fn await_program(client: &Client, inits: &Inits, member: &Member) -> Result<(), RuntimeError> {
    let left = poll_until(Instant::now() + scaled(QUICK), || match inits.left_by(&member.process) {
        Ok(false) => None,
        Ok(true) => Some(Ok(())),
        Err(error) => Some(Err(client.failed(format!("look at the process of {}", member.name), error))),
    });
    let overdue =
        || client.overdue(format!("run the program of {} (its process is still an init)", member.name), QUICK);
    left.unwrap_or_else(|| Err(overdue()))
}

/// Holds the process that `info` names; `None` if there is none of that pid (any more).
fn hold(
    client: &Client,
    name: &str,
    id: &str,
    info: &BTreeMap<String, String>,
) -> Result<Option<Member>, RuntimeError> {
    let Some(pid) = pid(info) else {
        return Ok(None);
    };
    let Ok(process) = Process::open(pid) else {
        return Ok(None);
    };
    // The pid may have gone to another process before it was held. Whoever it is, only a member is in the cgroup that
    // carries the member's id.
    match process.read("cgroup") {
        Ok(cgroups) if is_in(&cgroups, id) => Ok(Some(Member { name: name.to_owned(), process, id: id.to_owned() })),
        Ok(cgroups) if process.is_alive() && !process.is_ending() => Err(client.failed(
            format!("name the process of {name}"),
            format!("pid {pid} is in no cgroup of {id}, but in\n{}", cgroups.trim_end()),
        )),
        _ => Ok(None),
    }
}

/// The pid in a verbose answer.
fn pid(info: &BTreeMap<String, String>) -> Option<i32> {
    let info: serde_json::Value = serde_json::from_str(info.get("info")?).ok()?;
    info.get("pid")?.as_i64().and_then(|pid| i32::try_from(pid).ok()).filter(|&pid| pid > 0)
}

/// Whether one of the lines of `/proc/<pid>/cgroup` ends below a directory that carries the id.
fn is_in(cgroups: &str, id: &str) -> bool {
    !id.is_empty() && cgroups.lines().filter_map(|line| line.splitn(3, ':').nth(2)).any(|path| path.contains(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_init_is_known_by_its_name_or_its_copy_in_memory() {
        assert!(is_init("runc:[2:INIT]", "/usr/sbin/runc"));
        assert!(is_init("youki:[2:INIT]", "/usr/bin/youki"));
        assert!(is_init("3", "/memfd:crun_cloned:/proc/self/exe (deleted)"));
        assert!(!is_init("serve+ready", "/bin/serve"));
        assert!(!is_init("odd:[name", "/bin/odd"));
    }

    #[test]
    fn a_process_of_ours_has_left_every_init_but_itself() -> std::io::Result<()> {
        let own = Process::open(std::process::id().try_into().unwrap_or(i32::MAX))?;
        assert!(Inits::of([PathBuf::from("/nowhere")]).left_by(&own)?);
        assert!(!Inits::of([std::env::current_exe()?]).left_by(&own)?);
        Ok(())
    }

    #[test]
    fn the_pid_stands_in_the_verbose_answer() {
        let info = |text: &str| BTreeMap::from([("info".to_owned(), text.to_owned())]);
        assert_eq!(pid(&info(r#"{"sandboxID":"x","pid":4711}"#)), Some(4711));
        for none in [r#"{"pid":0}"#, r#"{"pid":"1"}"#, r#"{"pid":99999999999}"#, "{}", "", "pid"] {
            assert_eq!(pid(&info(none)), None, "{none}");
        }
        assert_eq!(pid(&BTreeMap::new()), None);
    }

    #[test]
    fn membership_is_read_from_cgroup_paths() {
        let v1 = "9:memory:/podcheck/a-b/kubepods/poduid/0123abcd\n0::/\n";
        assert!(is_in(v1, "0123abcd"));
        assert!(is_in("0::/kubepods.slice/cri-containerd-0123abcd.scope\n", "0123abcd"));
        assert!(!is_in(v1, "ffff"));
        assert!(!is_in("1:0123abcd:/\n", "0123abcd"));
        assert!(!is_in(v1, ""));
    }
}
