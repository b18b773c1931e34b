//! Y1 and Y4: the sysctls that a Pod asks for, seen by all of its members, and not by the host.

use super::{Court, Member, must};
use serde_json::json;

const SYSCTLS: &str = "https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/";

/// Each has its value in the namespaces of every member.
pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    for sysctl in &court.pod.spec.security.sysctls {
        let at = format!("asked_sysctls[{}]", sysctl.name);
        // The kernel prints the fields of a value apart by a tab, a manifest has what it likes.
        let value = sysctl.value.split_whitespace().collect::<Vec<_>>().join(" ");
        court.equals(must("Y1", SYSCTLS), (member.name, &at), json!(value));
    }
}

/// The host's own are as they were before the Pod.
pub(super) fn judge_host(court: &mut Court<'_>) {
    for sysctl in &court.pod.spec.security.sysctls {
        let at = format!("pod.host_sysctls[{}]", sysctl.name);
        court.equals(must("Y4", SYSCTLS), ("", &at), json!("unchanged"));
    }
}
