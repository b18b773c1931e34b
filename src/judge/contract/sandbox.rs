//! S1, S6, S7 and M5 of the pause process, which CRI runtimes confine whatever the containers ask for.

use super::mounts::access;
use super::{Court, Member, is, should, shown};
use serde_json::{Value, json};

const PAUSE: &str = "https://github.com/kubernetes/kubernetes/blob/master/build/pause/Dockerfile";
const KUBELET: &str =
    "https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/kuberuntime/kuberuntime_sandbox.go";
const CRI_SANDBOX: &str =
    "https://github.com/containerd/containerd/blob/main/internal/cri/server/podsandbox/sandbox_run_linux.go";

pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    if member.container.is_some() {
        return;
    }
    let name = member.name;
    let privileged = court.pod.spec.all().any(|container| container.security.privileged);
    match court.pod.spec.security.run_as_user {
        Some(id) => court.equals(should("S1", KUBELET), (name, "credentials.uid"), json!([id, id, id, id])),
        None => court.check(should("S1", PAUSE), (name, "credentials.uid"), "not root", |seen| {
            let ids = seen.and_then(Value::as_array);
            if ids.is_some_and(|ids| ids.len() == 4 && !ids.contains(&json!(0))) { Ok(()) } else { Err(shown(seen)) }
        }),
    }
    court.equals(should("S6", CRI_SANDBOX), (name, "security.no_new_privs"), json!(true));
    let seccomp = if privileged { "disabled" } else { "filter" };
    court.equals(should("S7", KUBELET), (name, "security.seccomp"), json!(seccomp));
    court.check_as(should("M5", CRI_SANDBOX), (name, "mounts"), "mounts[/]", "ro", |seen| {
        match seen.and_then(|mounts| mounts.get("/")) {
            Some(root) => is(Some(&json!(access(root))), &json!("ro")),
            None => Err(shown(None)),
        }
    });
}
