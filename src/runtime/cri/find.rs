//! Pods that somebody else started, for `podcheck inspect --cri`.

use super::client::{Client, QUICK};
use super::endpoint;
use super::member;
use super::messages::{
    Container, ContainerFilter, ContainerState, ListContainersRequest, ListPodSandboxRequest, PodSandbox,
    PodSandboxState,
};
use crate::host::{OciRuntimes, Process};
use crate::runtime::{Member, RuntimeError};

/// A Pod that runs on a daemon.
#[derive(Debug)]
pub struct FoundPod {
    /// `<namespace>/<name>`.
    pub name: String,
    /// The sandbox first, then the running containers in the order they were made.
    pub members: Vec<Member>,
    /// The daemon, whose namespaces count as the host's.
    pub daemon: Option<Process>,
}

/// Finds a Pod that is up on the daemon at `endpoint` (`unix:///run/containerd/containerd.sock`), by its name, its
/// namespace and name (`default/foo`), its uid, or the beginning of its sandbox's id.
///
/// # Errors
/// Nobody answers there, or not exactly one such Pod is up.
pub fn find_pod(endpoint: &str, pod: &str) -> Result<FoundPod, RuntimeError> {
    let runtime = format!("containerd@{endpoint}");
    let socket = endpoint::socket(&runtime, endpoint)?;
    let (client, _) = Client::connect(&runtime, &socket, None)?;
    let list = client.call(ListPodSandboxRequest { filter: None }, "list sandboxes", QUICK)?;
    let sandbox = choose(&list.items, pod).map_err(|why| client.failed(format!("find the Pod {pod}"), why))?;

    let filter = ContainerFilter { pod_sandbox_id: sandbox.id.clone() };
    let list = client.call(ListContainersRequest { filter: Some(filter) }, "list containers", QUICK)?;
    let runtimes = OciRuntimes::default();
    let mut members = vec![member::sandbox(&client, &runtimes, &sandbox.id)?.0];
    for container in running(list.containers) {
        let name = container.metadata.map(|m| m.name).unwrap_or_default();
        // One that ends while we look is no member any more.
        members.extend(member::container(&client, &name, &container.id)?);
    }
    Ok(FoundPod { name: full_name(sandbox), members, daemon: endpoint::daemon(&socket) })
}

/// The one sandbox that is up and meant.
fn choose<'a>(sandboxes: &'a [PodSandbox], pod: &str) -> Result<&'a PodSandbox, String> {
    let up: Vec<&PodSandbox> = sandboxes.iter().filter(|s| s.state() == PodSandboxState::Ready).collect();
    let meant: Vec<&PodSandbox> = up.iter().copied().filter(|s| is_meant(s, pod)).collect();
    match meant[..] {
        [one] => Ok(one),
        [] if up.is_empty() => Err("no Pod is up on that daemon".to_owned()),
        [] => Err(format!("up are {}", names(&up))),
        _ => Err(format!("more than one is meant: {}", names(&meant))),
    }
}

fn is_meant(sandbox: &PodSandbox, pod: &str) -> bool {
    let by_metadata = sandbox.metadata.as_ref().is_some_and(|m| m.name == pod || m.uid == pod);
    // A few digits, as people copy them from crictl; fewer would be anybody's.
    let by_id = pod.len() >= 6 && sandbox.id.starts_with(pod);
    by_metadata || by_id || full_name(sandbox) == pod
}

fn full_name(sandbox: &PodSandbox) -> String {
    sandbox.metadata.as_ref().map(|m| format!("{}/{}", m.namespace, m.name)).unwrap_or_default()
}

fn names(sandboxes: &[&PodSandbox]) -> String {
    let name = |s: &&PodSandbox| format!("{} ({})", full_name(s), s.id.get(..13).unwrap_or(&s.id));
    sandboxes.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Those that run, oldest first.
fn running(mut containers: Vec<Container>) -> Vec<Container> {
    containers.retain(|c| c.state() == ContainerState::Running);
    containers.sort_by_key(|c| c.created_at);
    containers
}

#[cfg(test)]
mod tests {
    use super::super::messages::{ContainerMetadata, PodSandboxMetadata};
    use super::*;

    fn sandbox(id: &str, namespace: &str, name: &str, state: PodSandboxState) -> PodSandbox {
        let metadata = PodSandboxMetadata {
            name: name.to_owned(),
            uid: format!("uid-{id}"),
            namespace: namespace.to_owned(),
            attempt: 0,
        };
        PodSandbox { id: id.to_owned(), metadata: Some(metadata), state: state.into() }
    }

    #[test]
    fn a_pod_is_found_by_name_uid_or_the_beginning_of_its_id() {
        use PodSandboxState::{NotReady, Ready};
        let list = [
            sandbox("aaaaaa111111", "default", "foo", Ready),
            sandbox("bbbbbb222222", "other", "foo", NotReady),
            sandbox("cccccc333333", "default", "bar", Ready),
            sandbox("dddddd444444", "other", "bar", Ready),
        ];
        let id = |pod| choose(&list, pod).map(|s| s.id.as_str());
        for pod in ["foo", "uid-aaaaaa111111", "aaaaaa", "aaaaaa111111", "default/foo"] {
            assert_eq!(id(pod), Ok("aaaaaa111111"), "{pod}");
        }
        assert_eq!(id("other/bar"), Ok("dddddd444444"));
        let two = "more than one is meant: default/bar (cccccc333333), other/bar (dddddd444444)";
        assert_eq!(id("bar"), Err(two.to_owned()));
        assert!(id("aaaaa").is_err_and(|why| why.starts_with("up are default/foo")));
        assert_eq!(choose(&list[1..2], "foo").map(|s| s.id.as_str()), Err("no Pod is up on that daemon".to_owned()));
    }

    #[test]
    fn containers_that_run_are_given_in_the_order_they_were_made() {
        let container = |name: &str, state: ContainerState, created_at| Container {
            metadata: Some(ContainerMetadata { name: name.to_owned(), attempt: 0 }),
            state: state.into(),
            created_at,
            ..Default::default()
        };
        let list = vec![
            container("late", ContainerState::Running, 3),
            container("ended", ContainerState::Exited, 1),
            container("early", ContainerState::Running, 2),
        ];
        let names: Vec<String> = running(list).into_iter().filter_map(|c| c.metadata).map(|m| m.name).collect();
        assert_eq!(names, ["early", "late"]);
    }
}
