//! T4, T5, U1 and M12: the small files that a runtime mounts into every container. What stands in them is judged elsewhere.

use super::mounts::{ask, compare, is_access, is_text};
use super::places::takes_over;
use super::{Court, Rule, must, should};
use crate::facts::Looked;
use crate::pod::Container;
use serde_json::Value;

const HOSTS: &str = "https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/";
const RUNTIME: &str =
    "https://github.com/containerd/containerd/blob/main/internal/cri/server/container_create_linux.go";
const TERMINATION: &str = "https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/";

/// One of them.
struct Managed {
    target: &'static str,
    /// As the facts call it as a source.
    kind: &'static str,
    /// And as an identity.
    identity: &'static str,
    rule: Rule,
    /// It can be written whatever the root is: a kubelet asks for it, and not a runtime's default.
    always_writable: bool,
}

const SHARED: [Managed; 3] = [
    Managed { target: "/etc/hosts", kind: "hosts", identity: "hosts", rule: must("T5", HOSTS), always_writable: true },
    Managed {
        target: "/etc/hostname",
        kind: "hostname",
        identity: "hostname",
        rule: should("U1", RUNTIME),
        always_writable: false,
    },
    Managed {
        target: "/etc/resolv.conf",
        kind: "resolv.conf",
        identity: "resolv-conf",
        rule: should("T4", RUNTIME),
        always_writable: false,
    },
];
const TERMINATION_LOG: Managed = Managed {
    target: "/dev/termination-log",
    kind: "termination-log",
    identity: "termination-log",
    rule: must("M12", TERMINATION),
    always_writable: true,
};

pub(super) fn judge(court: &mut Court<'_>) {
    let containers: Vec<&Container> = court.running().iter().filter_map(|member| member.container).collect();
    for file in SHARED.iter().chain([&TERMINATION_LOG]) {
        let with: Vec<&Container> =
            containers.iter().copied().filter(|c| !takes_over(court.facts, c, place(c, file))).collect();
        for container in &with {
            judge_mount(court, container, file);
        }
        // In the host's network each may have a copy of what is the host's anyway.
        if court.pod.spec.host_network && !file.always_writable {
            continue;
        }
        // Whose a file at a place of its own is, a case has to ask.
        let usual = with.iter().filter(|container| place(container, file) == file.target);
        let names: Vec<&str> = usual.map(|container| container.name.as_str()).collect();
        judge_sharing(court, &names, file);
    }
}

/// Where it is in a container.
fn place<'a>(container: &'a Container, file: &Managed) -> &'a str {
    let own = container.termination_log.as_deref().filter(|_| file.kind == TERMINATION_LOG.kind);
    own.unwrap_or(file.target)
}

fn judge_mount(court: &mut Court<'_>, container: &Container, file: &Managed) {
    let Looked::Value(Value::Object(mounts)) = court.look(&container.name, "mounts") else { return };
    let place = (container, place(container, file));
    let words = format!("the {} file", file.kind);
    ask(court, file.rule, place, mounts, &words, |mount| is_text(mount, "source", file.kind));
    let read_only = container.security.read_only_root_filesystem && !file.always_writable;
    let access = if read_only { "ro" } else { "rw" };
    ask(court, file.rule, place, mounts, access, |mount| is_access(mount, access));
}

/// One file for all containers; of the termination log one for each.
fn judge_sharing(court: &mut Court<'_>, names: &[&str], file: &Managed) {
    let own = file.kind == TERMINATION_LOG.kind;
    for (i, name) in names.iter().enumerate().skip(1) {
        let others = if own { &names[..i] } else { &names[..1] };
        for other in others {
            let words = match own {
                true => format!("another {} than {other}'s", file.target),
                false => format!("the {} of {other}", file.target),
            };
            compare(court, file.rule, (name, other, file.identity), &words, |same| match (same, own) {
                (true, false) => Ok("the same"),
                (false, true) => Ok("another"),
                (true, true) => Err("the same"),
                (false, false) => Err("another"),
            });
        }
    }
}
