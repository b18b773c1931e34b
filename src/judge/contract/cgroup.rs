//! C and Q: where in the hierarchy a member is.

use super::quality::class;
use super::{Court, Member, Rule, is, is_one_of, must, should, shown};
use crate::facts::Looked;
use crate::node::CgroupDriver;
use serde_json::{Value, json};

const KUBELET: &str = "https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/";
const DRIVERS: &str = "https://kubernetes.io/docs/setup/production-environment/container-runtimes/#cgroup-drivers";
const CGROUPS: &str = "https://man7.org/linux/man-pages/man7/cgroups.7.html";

/// With what the names of scopes begin: containerd's, CRI-O's and Docker's.
const SCOPES: [&str; 3] = ["cri-containerd", "crio", "docker"];

pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    let class = class(court.pod);
    // Facts write the Pod's uid and the runtimes' ids as what they stand for.
    let pod = format!("{}/pod<uid>", class.parent());
    below(court, member, must(class.property(), KUBELET), class.parent(), |path| {
        path.rsplit_once("/pod<uid>/").map(|(parent, _)| parent == class.parent())
    });
    let property = if court.host.driver == CgroupDriver::Systemd { "C2" } else { "C1" };
    below(court, member, must(property, DRIVERS), &format!("{pod}/…"), |path| {
        Some(path.starts_with(&format!("{pod}/")))
    });
    judge_leaf(court, member, &pod);
    judge_scope(court, member);
    judge_siblings(court, member);
    judge_hierarchies(court, member);
    judge_descendants(court, member);
}

fn below(
    court: &mut Court<'_>,
    member: Member<'_>,
    rule: Rule,
    expected: &str,
    test: impl FnOnce(&str) -> Option<bool>,
) {
    court.check(rule, (member.name, "cgroup.path"), expected, |seen| {
        let holds = seen.and_then(Value::as_str).and_then(test);
        if holds == Some(true) { Ok(()) } else { Err(shown(seen)) }
    });
}

/// C3: a cgroup of its own directly below the Pod's, named after the container.
fn judge_leaf(court: &mut Court<'_>, member: Member<'_>, pod: &str) {
    let expected = format!("{pod}/<{}>", member.name);
    below(court, member, must("C3", DRIVERS), &expected, |path| Some(path == expected));
}

/// C4: with systemd's driver a scope that says whose it is, and without it none.
fn judge_scope(court: &mut Court<'_>, member: Member<'_>) {
    const AT: &str = "cgroup.scope";
    if court.host.driver != CgroupDriver::Systemd {
        return court.check(must("C4", DRIVERS), (member.name, AT), "no scope", |seen| match seen {
            None => Ok(()),
            seen => Err(shown(seen)),
        });
    }
    let expected = SCOPES.map(|of| format!("{of}-<{}>.scope", member.name));
    let allowed = expected.clone().map(Value::String);
    court.check(must("C4", DRIVERS), (member.name, AT), expected.join(" or "), |seen| is_one_of(seen, &allowed));
}

/// C6: the same parent as the sandbox.
fn judge_siblings(court: &mut Court<'_>, member: Member<'_>) {
    if member.container.is_none() {
        return;
    }
    let parent = |path: &str| path.rsplit_once('/').map(|(parent, _)| parent.to_owned());
    let sandbox = match court.look(super::SANDBOX, "cgroup.path") {
        Looked::Value(Value::String(path)) => parent(path),
        _ => None,
    };
    let words = "the sandbox's parent cgroup";
    below(court, member, must("C6", KUBELET), words, |path| sandbox.map(|sandbox| parent(path) == Some(sandbox)));
}

/// C5: the same path in every hierarchy. On a hybrid host that includes v2's, which only some runtimes join.
fn judge_hierarchies(court: &mut Court<'_>, member: Member<'_>) {
    let Looked::Value(Value::Object(cgroup)) = court.look(member.name, "cgroup") else {
        let missing = Err("podcheck has no facts of its cgroups".to_owned());
        return court.found(must("C5", CGROUPS), (member.name, "cgroup.elsewhere"), "facts of its cgroups", missing);
    };
    let words = "the same path in every hierarchy";
    // Each controller for itself: one may be known.
    let elsewhere = match cgroup.get("elsewhere") {
        Some(Value::Object(others)) if others.is_empty() => vec![Ok(words.to_owned())],
        Some(Value::Object(others)) => {
            others.iter().map(|(c, path)| Err(format!("{c}: {}", shown(Some(path))))).collect()
        }
        other => vec![Err(shown(other))],
    };
    for found in elsewhere {
        court.found(must("C5", CGROUPS), (member.name, "cgroup.elsewhere"), words, found);
    }
    if court.host.cgroup == "hybrid" {
        let path = cgroup.get("path").cloned().unwrap_or(json!("a path"));
        let words = "the same path in the v2 hierarchy";
        court.check(should("C5", CGROUPS), (member.name, "cgroup.unified"), words, |seen| is(seen, &path));
    }
}

/// C6: what a member starts stays in its cgroup or below.
fn judge_descendants(court: &mut Court<'_>, member: Member<'_>) {
    let words = "no process of it outside its cgroup";
    court.check(must("C6", KUBELET), (member.name, "cgroup.outside"), words, |seen| is(seen, &json!([])));
}
