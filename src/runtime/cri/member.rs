//! From a sandbox or container id to its process: held at once, shown to be the right one, past its runtime's init.

use super::client::{Client, QUICK};
use super::messages::{
    ContainerState, ContainerStatus, ContainerStatusRequest, PodSandboxStatus, PodSandboxStatusRequest,
};
use crate::host::{OciRuntimes, Process, poll_until, scaled};
use crate::runtime::{Member, RuntimeError};
use std::collections::BTreeMap;
use std::time::Instant;

/// Holds the sandbox's process and gives its status.
///
/// # Errors
/// It runs no more, or never left the runtime's init.
pub(super) fn sandbox(
    client: &Client,
    runtimes: &OciRuntimes,
    id: &str,
) -> Result<(Member, PodSandboxStatus), RuntimeError> {
    let request = PodSandboxStatusRequest { pod_sandbox_id: id.to_owned(), verbose: true };
    let answer = client.call(request, "ask for the sandbox's status", QUICK)?;
    let member = hold(client, "sandbox", id, &answer.info)?
        .ok_or_else(|| client.failed("hold the sandbox".to_owned(), "it runs no more"))?;
    await_program(client, runtimes, &member)?;
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
pub(super) fn await_program(client: &Client, runtimes: &OciRuntimes, member: &Member) -> Result<(), RuntimeError> {
    let left = poll_until(Instant::now() + scaled(QUICK), || match runtimes.still_run(&member.process) {
        Ok(true) => None,
        Ok(false) => Some(Ok(())),
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

/// Target and source of each mount in a verbose answer whose source is a directory of the container's own, as its id in the
/// path says: `{"runtimeSpec": {"mounts": [{"destination": …, "source": …}]}}`.
pub(super) fn own_mounts(info: &BTreeMap<String, String>, id: &str) -> Vec<(String, String)> {
    let info = info.get("info").and_then(|info| serde_json::from_str::<serde_json::Value>(info).ok());
    let mounts = info.as_ref().and_then(|info| info.pointer("/runtimeSpec/mounts")?.as_array());
    let pair = |mount: &serde_json::Value| {
        let text = |key: &str| mount.get(key)?.as_str().map(str::to_owned);
        Some((text("destination")?, text("source")?))
    };
    let is_own = |(_, source): &(String, String)| !id.is_empty() && source.split('/').any(|part| part == id);
    mounts.into_iter().flatten().filter_map(pair).filter(is_own).collect()
}

/// Whether one of the lines of `/proc/<pid>/cgroup` ends below a directory that carries the id.
fn is_in(cgroups: &str, id: &str) -> bool {
    !id.is_empty() && cgroups.lines().filter_map(|line| line.splitn(3, ':').nth(2)).any(|path| path.contains(id))
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_containers_own_mounts_stand_in_the_verbose_answer() {
        let text = r#"{"runtimeSpec":{"mounts":[{"destination":"/proc","type":"proc","source":"proc"},
            {"destination":"/data","source":"/c/containers/0123/volumes/f00","type":"bind"},
            {"destination":"/data2","source":"/etc","type":"bind"},{"destination":"/x"}]}}"#;
        let info = BTreeMap::from([("info".to_owned(), text.to_owned())]);
        let own = ("/data".to_owned(), "/c/containers/0123/volumes/f00".to_owned());
        assert_eq!(own_mounts(&info, "0123"), [own]);
        assert!(own_mounts(&info, "012").is_empty() && own_mounts(&info, "").is_empty());
        assert!(own_mounts(&BTreeMap::new(), "0123").is_empty());
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
