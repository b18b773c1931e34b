//! M1, S1, S3, L15, D1 and F12: what a member has and nobody asked for.
//!
//! The other rules look for what must be there. A runtime that gives more (a directory of the host's, a variable, a group,
//! capabilities that outlive an exec) satisfies them all and still gives no such Pod.

use super::places::is_of_volume;
use super::privileges::DEFAULT_CAPABILITIES;
use super::user::{image_group, image_memberships, uid};
use super::{Court, Member, devices, is_one_of, must, should, shown, texts};
use crate::facts::Looked;
use crate::node::CgroupDriver;
use crate::pod::Container;
use serde_json::{Value, json};

const ROOT: &str = "https://kubernetes.io/docs/concepts/storage/volumes/";
const ENVIRONMENT: &str =
    "https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/";
const SECURITY: &str = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/";
const AMBIENT: &str = "https://github.com/kubernetes/kubernetes/issues/56374";
const INHERITABLE: &str = "https://nvd.nist.gov/vuln/detail/CVE-2022-24769";
const PIDS: &str = "https://kubernetes.io/docs/concepts/policy/pid-limiting/";
const CRI_SANDBOX: &str =
    "https://github.com/containerd/containerd/blob/main/internal/cri/server/podsandbox/sandbox_run_linux.go";

/// What runtimes set of their own accord, and podcheck's mark.
const USUAL_VARIABLES: [&str; 5] = ["CONTAINER_NAME", "HOME", "HOSTNAME", "PATH", "TERM"];

pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    judge_mounts(court, member);
    judge_capabilities(court, member);
    match member.container {
        Some(container) => {
            judge_groups(court, container);
            judge_variables(court, container);
            // Neither a manifest nor a kubelet can ask it of a container.
            let (allowed, words): (&[&str], _) = match court.host.driver {
                CgroupDriver::Cgroupfs => (&["max"], "max"),
                CgroupDriver::Systemd => (&["max", "default"], "max, or systemd's default"),
            };
            let allowed: Vec<Value> = allowed.iter().map(|limit| json!(limit)).collect();
            court.check(should("L15", PIDS), (member.name, "limits.pids"), words, |seen| is_one_of(seen, &allowed));
        }
        None => judge_sandbox(court, member),
    }
}

/// File systems of the kernel's that show the host, or more than the container, and below which every container has them. A
/// tmpfs that is not the host's is empty.
const KERNEL: [(&str, &str); 10] = [
    ("proc", "/proc"),
    ("sysfs", "/sys"),
    ("cgroup", "/sys"),
    ("cgroup2", "/sys"),
    ("bpf", "/sys"),
    ("debugfs", "/sys"),
    ("securityfs", "/sys"),
    ("tracefs", "/sys"),
    ("devpts", "/dev"),
    ("devtmpfs", "/dev"),
];

/// Nothing of the host's files and no volume where the manifest does not put it, and nothing of the kernel's but where
/// programs expect it. What lies within a volume is the volume's.
fn judge_mounts(court: &mut Court<'_>, member: Member<'_>) {
    let nothing = "nothing of the host's but what the manifest mounts";
    let Looked::Value(Value::Object(mounts)) = court.look(member.name, "mounts") else {
        let unknown = Err("podcheck has no facts of its mounts".to_owned());
        return court.found(must("M1", ROOT), (member.name, "mounts"), nothing, unknown);
    };
    let asked = |target: &str| member.container.is_some_and(|container| is_of_volume(container, target));
    let is_usual = |usual: &str, target: &str| {
        target.strip_prefix(usual).is_some_and(|r| r.is_empty() || r.starts_with(['/', ' ']))
    };
    let foreign = |source: &str, target: &str| {
        let of_kernel = KERNEL.iter().find(|(kind, _)| *kind == source);
        source.starts_with("host:")
            || source.starts_with("volume:")
            || of_kernel.is_some_and(|(_, usual)| !is_usual(usual, target))
    };
    let surplus: Vec<String> = mounts
        .iter()
        .filter_map(|(target, mount)| Some((target, mount.get("source")?.as_str()?)))
        .filter(|(target, source)| foreign(source, target) && !asked(target))
        .map(|(target, source)| format!("{source} at {target}"))
        .collect();
    let result = if surplus.is_empty() { Ok(nothing.to_owned()) } else { Err(surplus.join(", ")) };
    court.found(must("M1", ROOT), (member.name, "mounts"), nothing, result);
}

/// A manifest cannot ask for ambient capabilities; inheritable ones come back through a file's own.
fn judge_capabilities(court: &mut Court<'_>, member: Member<'_>) {
    for (set, rule) in [("ambient", must("S3", AMBIENT)), ("inheritable", should("S3", INHERITABLE))] {
        let at = format!("credentials.capabilities.{set}");
        let are_none = |at: &str| court.look(member.name, at) == Looked::Value(&json!([]));
        // Of no capabilities none can outlive anything: that says nothing of the runtime.
        if are_none(&at) && are_none("credentials.capabilities.bounding") {
            continue;
        }
        court.check(rule, (member.name, &at), "none", |seen| match texts(seen) {
            Some(names) if names.is_empty() => Ok(()),
            _ => Err(shown(seen)),
        });
    }
}

/// No group but the container's own and the Pod's supplemental ones; podcheck's image names none, another's may.
fn judge_groups(court: &mut Court<'_>, container: &Container) {
    if !court.stand_ins.contains_key(&container.name) {
        return;
    }
    let pods = &court.pod.spec.security;
    let user = uid(court, container);
    let own = container.security.run_as_group.or(pods.run_as_group).unwrap_or_else(|| image_group(user));
    let allowed: Vec<Value> = std::iter::once(&own)
        .chain(&pods.supplemental_groups)
        .chain(&pods.fs_group)
        .chain(image_memberships(user))
        .map(|group| json!(group))
        .collect();
    court.check(must("S1", SECURITY), (&container.name, "credentials.groups"), "no other group", |seen| {
        let groups = seen.and_then(Value::as_array).ok_or_else(|| shown(seen))?;
        let other: Vec<String> = groups.iter().filter(|g| !allowed.contains(g)).map(|g| format!("with {g}")).collect();
        if other.is_empty() { Ok(()) } else { Err(other.join(", ")) }
    });
}

/// No variable but the manifest's and the usual ones, where the image is ours and has none of its own.
fn judge_variables(court: &mut Court<'_>, container: &Container) {
    if !court.stand_ins.contains_key(&container.name) {
        return;
    }
    let asked = |name: &str| USUAL_VARIABLES.contains(&name) || container.env.iter().any(|(n, _)| n == name);
    let nothing = "no other variable";
    court.check(must("F12", ENVIRONMENT), (&container.name, "environment.env"), nothing, |seen| {
        let variables = seen.and_then(Value::as_object).ok_or_else(|| shown(seen))?;
        let other: Vec<String> = variables
            .iter()
            .filter(|(name, _)| !asked(name))
            .map(|(name, value)| format!("with {name}={}", shown(Some(value))))
            .collect();
        if other.is_empty() { Ok(()) } else { Err(other.join(", ")) }
    });
}

/// The pause process needs less than any container, unless it is privileged for a container's sake.
fn judge_sandbox(court: &mut Court<'_>, member: Member<'_>) {
    if court.pod.spec.all().any(|container| container.security.privileged) {
        return;
    }
    let at = (member.name, "credentials.capabilities.bounding");
    court.check(should("S3", CRI_SANDBOX), at, "no more than a container's default", |seen| {
        let names = texts(seen).ok_or_else(|| shown(seen))?;
        let more: Vec<&str> = names.into_iter().filter(|name| !DEFAULT_CAPABILITIES.contains(name)).collect();
        if more.is_empty() { Ok(()) } else { Err(format!("with {}", more.join(", "))) }
    });
    devices::judge_others(court, member.name, should("D1", CRI_SANDBOX));
}
