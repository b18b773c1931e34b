//! L: what the kernel holds a member to.

use super::pod_level;
use super::quality::{self, memory_limit};
use super::{Court, Member, Rule, is, is_one_of, must, should, shown};
use crate::judge::Outcome;
use crate::node::CgroupDriver;
use crate::pod::{HugePageSize, Quantity};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const RESOURCES: &str = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/";
const SWAP: &str = "https://kubernetes.io/docs/concepts/cluster-administration/swap-memory-management/";
const WEIGHT: &str = "https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files";
const OOM: &str =
    "https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#node-out-of-memory-behavior";
const CRI_SANDBOX: &str =
    "https://github.com/containerd/containerd/blob/main/internal/cri/server/podsandbox/sandbox_run_linux.go";
const PAGES: &str = "https://docs.kernel.org/admin-guide/cgroup-v1/memory.html";
const PIDS: &str = "https://kubernetes.io/docs/concepts/policy/pid-limiting/";
/// Kubernetes' own tests take both.
const ROUNDING: &str =
    "https://github.com/kubernetes/kubernetes/blob/v1.33.6/test/e2e/common/node/framework/cgroups/cgroups.go";
const OOM_GROUP: &str =
    "https://github.com/kubernetes/kubernetes/blob/v1.33.6/pkg/kubelet/kuberuntime/kuberuntime_container_linux.go";
const HUGE_PAGES: &str = "https://kubernetes.io/docs/tasks/manage-hugepages/scheduling-hugepages/";
/// Without it no process can lower its own oom_score_adj or that of its children.
const CAN_LOWER: &str = "cap-sys-resource";
/// oom_score_adj that CRI runtimes give the sandbox.
const SANDBOX_OOM_SCORE_ADJ: i64 = -998;

/// Its process has it from its start on.
pub(super) const OOM_SCORE: &str = "oom.score_adj";

/// Facts that follow a container's resources while it runs. [`OOM_SCORE`] does not.
pub(super) const RESIZABLE: [&str; 5] = [
    "limits.memory_bytes",
    "limits.memory_swap_bytes",
    "limits.cpu_quota_usec",
    "limits.cpu_period_usec",
    "limits.cpu_share",
];

pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    let name = member.name;
    match member.container {
        Some(container) => {
            let [cpu_limit, memory_limit] = pod_level::container_limits(court.pod, container);
            // One that has no limit of its own has the Pod's.
            let of = |own: Option<Quantity>, limit: Option<Quantity>, property| match (own, limit) {
                (None, Some(_)) => "L21",
                _ => property,
            };
            memory(court, (name, "limits"), memory_limit, of(container.resources.memory_limit, memory_limit, "L1"));
            swap(court, name, memory_limit);
            let property = of(container.resources.cpu_limit, cpu_limit, "L8");
            cpu(court, (name, "limits"), quality::cpu_quota(cpu_limit), property);
            let request = container.resources.cpu_request.or(cpu_limit).map_or(0, Quantity::milli_value);
            let shares = quality::shares(request);
            share(court, (name, "limits"), shares, must("L11", WEIGHT));
            oom(court, name, quality::oom_score_adj(court.pod, container, court.node.memory_bytes), must("L17", OOM));
            oom_group(court, (name, "limits"), !court.node.single_process_oom_kill);
            let own = &container.resources.huge_pages;
            huge_pages(court, (name, "limits"), must("L16", HUGE_PAGES), |size| json!(own.get(&size).unwrap_or(&0)));
        }
        None => {
            memory(court, (name, "limits"), None, "L1");
            cpu(court, (name, "limits"), None, "L8");
            share(court, (name, "limits"), 2, should("C6", CRI_SANDBOX));
            oom(court, name, SANDBOX_OOM_SCORE_ADJ, should("L17", CRI_SANDBOX));
            oom_group(court, (name, "limits"), false);
            huge_pages(court, (name, "limits"), should("L16", CRI_SANDBOX), |_| json!("max"));
        }
    }
}

/// L10 and L15: the Pod's own cgroup, which podcheck made.
pub(super) fn judge_pod(court: &mut Court<'_>) {
    const AT: (&str, &str) = ("", "pod.cgroup");
    let pod = court.pod;
    let property = match (&pod.spec.resources, &pod.spec.overhead) {
        (Some(_), _) => "L21",
        (None, Some(_)) => "L19",
        (None, None) => "L10",
    };
    let [cpu_limit, memory_limit] = pod_level::totals(pod);
    memory(court, AT, memory_limit, property);
    cpu(court, AT, quality::cpu_quota(cpu_limit), property);
    share(court, AT, quality::shares(pod_level::cpu_request(pod)), must(property, RESOURCES));
    oom_group(court, AT, false);
    let pids = court.node.pod_pids_limit.filter(|limit| *limit > 0);
    court.equals(must("L15", PIDS), ("", "pod.cgroup.pids"), limit(pids));
    huge_pages(court, AT, must("L16", HUGE_PAGES), |size| json!(pod_level::huge_pages(pod, size)));
}

/// A limit as facts have it.
fn limit(limit: Option<u64>) -> Value {
    limit.map_or(json!("max"), |number| json!(number))
}

fn memory(court: &mut Court<'_>, (member, at): (&str, &str), asked: Option<Quantity>, property: &'static str) {
    let bytes = memory_limit(asked, court.host.page());
    let (property, source) = match bytes {
        Some((_, true)) if property == "L1" => ("L2", PAGES),
        _ => (property, RESOURCES),
    };
    court.equals(must(property, source), (member, &format!("{at}.memory_bytes")), limit(bytes.map(|(bytes, _)| bytes)));
}

/// L3: no swap on top of the memory limit.
fn swap(court: &mut Court<'_>, member: &str, asked: Option<Quantity>) {
    let bytes = limit(memory_limit(asked, court.host.page()).map(|(bytes, _)| bytes));
    let words = match &bytes {
        Value::String(_) => "max".to_owned(),
        number => format!("{number}: memory and swap together no more than memory alone"),
    };
    court.check(must("L3", SWAP), (member, "limits.memory_swap_bytes"), words, |seen| is(seen, &bytes));
}

/// L8: how long it may run in each period.
fn cpu(court: &mut Court<'_>, (member, at): (&str, &str), quota: Option<u64>, property: &'static str) {
    let rule = must(property, RESOURCES);
    match quota.map(|quota| (quota, rounded(quota))) {
        // L9: systemd knows whole hundredths of a second in each second, and what is finer it rounds up.
        Some((quota, rounded)) if court.host.driver == CgroupDriver::Systemd && rounded != quota => {
            let words = format!("{quota}, or {rounded} as systemd rounds it");
            let allowed = [json!(quota), json!(rounded)];
            court.check(must("L9", ROUNDING), (member, &format!("{at}.cpu_quota_usec")), words, |seen| {
                is_one_of(seen, &allowed)
            });
        }
        _ => court.equals(rule, (member, &format!("{at}.cpu_quota_usec")), limit(quota)),
    }
    if quota.is_some() {
        court.equals(rule, (member, &format!("{at}.cpu_period_usec")), json!(100_000));
    }
}

/// A quota in a period of 100 ms as systemd has it, which knows hundredths of each second.
fn rounded(quota: u64) -> u64 {
    quota.next_multiple_of(1000)
}

/// L11: the kernel's own number under the kernel's own name. A weight may come from either conversion that runtimes have.
fn share(court: &mut Court<'_>, (member, at): (&str, &str), shares: u64, rule: Rule) {
    let (linear, curved) = (quality::linear_weight(shares), quality::curved_weight(shares));
    let mut allowed = vec![json!({"cpu.shares": shares}), json!({"cpu.weight": linear})];
    if court.host.cgroup == "v2" {
        allowed.remove(0);
        allowed.push(json!({"cpu.weight": curved}));
    } else {
        allowed.truncate(1);
    }
    let mut words: Vec<String> = allowed.iter().map(share_text).collect();
    words.dedup();
    court.check(rule, (member, &format!("{at}.cpu_share")), words.join(" or "), |seen| match seen {
        Some(value) if allowed.contains(value) => Ok(()),
        Some(value) => Err(share_text(value)),
        None => Err(shown(None)),
    });
}

/// L6: the kernel kills all of it, and not one process; L18 where nobody asks for that. v1 has no choice to make.
fn oom_group(court: &mut Court<'_>, (member, at): (&str, &str), all: bool) {
    if court.host.cgroup == "v2" {
        let rule = must(if all { "L6" } else { "L18" }, OOM_GROUP);
        court.equals(rule, (member, &format!("{at}.oom_group")), json!(u64::from(all)));
    }
}

/// L16: huge pages are limited to what is asked for, and so to nothing where nothing is: of every size that the node has, and
/// of those that this Pod asks for, which cannot be seen where the host does not limit them.
fn huge_pages(court: &mut Court<'_>, (member, at): (&str, &str), rule: Rule, expected: impl Fn(HugePageSize) -> Value) {
    let own = court.pod.spec.container(member).map(|container| &container.resources.huge_pages);
    let sizes = court.node.huge_page_sizes.iter().chain(own.into_iter().flat_map(|own| own.keys()));
    let sizes: BTreeSet<HugePageSize> = sizes.copied().collect();
    for size in sizes {
        court.equals(rule, (member, &format!("{at}.huge_pages.{size}")), expected(size));
    }
}

/// `cpu.shares 512`.
fn share_text(value: &Value) -> String {
    match value.as_object().map(|o| o.iter().collect::<Vec<_>>()).as_deref() {
        Some([(name, number)]) => format!("{name} {number}"),
        _ => value.to_string(),
    }
}

/// L17. Lowering needs a capability: without it a value below zero cannot have been set, so nothing is learnt of the
/// runtime.
fn oom(court: &mut Court<'_>, member: &str, expected: i64, rule: Rule) {
    court.equals(rule, (member, OOM_SCORE), json!(expected));
    let cannot_lower = expected < 0 && !court.host.abilities.contains(CAN_LOWER);
    if let Some(check) = court.checks.last_mut()
        && cannot_lower
        && check.outcome == Outcome::Broken
        && check.seen.parse::<i64>().is_ok_and(|seen| seen > expected)
    {
        check.outcome = Outcome::Unobservable(CAN_LOWER.to_owned());
    }
}
