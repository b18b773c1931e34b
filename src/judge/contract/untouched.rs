//! L4, L5, L7, L8, L13, L18, T8 and Y2: settings that nobody asked for stand as the kernel made them.

use super::{Court, Member, Rule, must, should, shown};
use crate::facts::{Looked, unobservable};
use crate::judge::Outcome;
use crate::judge::look::within;
use serde_json::{Map, Value};

const CGROUPS: &str = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/";
const MEMORY_QOS: &str = "https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/#memory-qos-with-cgroup-v2";
const OOM: &str = "https://docs.kernel.org/admin-guide/cgroup-v1/memory.html#oom-control";
const BANDWIDTH: &str = "https://docs.kernel.org/scheduler/sched-bwc.html";
const SYSCTLS: &str = "https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/";

const OPENED: &str = "https://github.com/containerd/containerd/blob/main/internal/cri/config/config_unix.go";

/// What Docker and containerd 2 set in every network namespace of a Pod's own.
const OPEN: [(&str, &str); 2] =
    [("net.ipv4.ip_unprivileged_port_start", "0"), ("net.ipv4.ping_group_range", "0 2147483647")];

/// Files of cgroups by the property that they are about; the last is for all others.
const FILES: [(&str, &str, &[&str]); 6] = [
    ("L4", MEMORY_QOS, &["memory.high"]),
    ("L5", MEMORY_QOS, &["memory.min", "memory.low", "memory.soft_limit_in_bytes"]),
    ("L7", OOM, &["memory.oom_control"]),
    ("L8", BANDWIDTH, &["cpu.cfs_burst_us", "cpu.max.burst"]),
    ("L13", BANDWIDTH, &["cpu.idle"]),
    ("L18", CGROUPS, &[]),
];

pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    for (property, source, files) in FILES {
        let others = || FILES.iter().flat_map(|(_, _, files)| files.iter());
        let of_it = |name: &str, _: &str| {
            if files.is_empty() { !others().any(|other| *other == name) } else { files.contains(&name) }
        };
        let words = match files {
            [] => "no other setting that was not asked for".to_owned(),
            files => format!("{} as the kernel made it", files.join(", ")),
        };
        none(court, must(property, source), (member.name, "controls"), &words, of_it);
    }
    let at = (member.name, "sysctls");
    let sysctls = &court.pod.spec.security.sysctls;
    let asked = |name: &str| sysctls.iter().any(|sysctl| sysctl.name == name);
    let of_network = |name: &str| name.starts_with("net.");
    // Those of the host's namespaces are the host's: nobody reads them.
    let is_hosts = |kind: &str| {
        let seen = court.look(member.name, &within("namespaces", kind));
        matches!(seen, Looked::Value(Value::String(of)) if of == "host")
    };
    let (hosts_network, hosts_ipc) = (is_hosts("net"), is_hosts("ipc"));
    if !hosts_network {
        let words = "net.* as in a new network namespace, but for ports and pings open to everybody";
        none(court, should("T8", OPENED), at, words, |name, value| {
            of_network(name) && !OPEN.contains(&(name, value)) && !asked(name)
        });
    }
    if !hosts_ipc {
        let words = "kernel.* and fs.mqueue.* as in a new IPC namespace";
        none(court, should("Y2", SYSCTLS), at, words, |name, _| !of_network(name) && !asked(name));
    }
}

/// No setting of these names. Where one of them cannot be seen and none is set, nothing is known.
fn none(court: &mut Court<'_>, rule: Rule, at: (&str, &str), expected: &str, of_it: impl Fn(&str, &str) -> bool) {
    court.check(rule, at, expected, |seen| {
        let set: &Map<String, Value> = seen.and_then(Value::as_object).ok_or_else(|| shown(seen))?;
        let set = set.iter().filter(|(_, value)| unobservable(value).is_none());
        let set = set.map(|(name, value)| (name, shown(Some(value))));
        let set = set.filter(|(name, value)| of_it(name, value));
        let set: Vec<String> = set.map(|(name, value)| format!("{name} = {value}")).collect();
        if set.is_empty() { Ok(()) } else { Err(set.join(", ")) }
    });
    let Looked::Value(Value::Object(all)) = court.look(at.0, at.1) else { return };
    let unseen = |(name, value): (&String, &'_ Value)| {
        unobservable(value).filter(|_| of_it(name, "")).map(|ability| (name.clone(), ability.to_owned()))
    };
    if let Some((name, ability)) = all.iter().find_map(unseen)
        && let Some(check) = court.checks.last_mut()
        && check.outcome == Outcome::Held
    {
        check.seen = format!("{name} not visible without {ability}");
        check.outcome = Outcome::Unobservable(ability);
    }
}
