//! Workloads: what makes Pods from a template. The template is judged, as the Pod that the workload's controller makes of it.

use super::documents::Found;
use super::parse::{self, Identity, Source};
use super::{Pod, RestartPolicy, fields, names};
use crate::diagnostic::yaml::{Cursor, Kind};
use std::collections::BTreeMap;

/// Their kinds.
pub(super) const KINDS: [&str; 7] =
    ["Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "ReplicationController", "Job", "CronJob"];

/// Whether it is one by its kind.
pub(super) fn is_one(kind: &str) -> bool {
    KINDS.contains(&kind)
}

fn api_version(kind: &str) -> &'static str {
    match kind {
        "ReplicationController" => "v1",
        "Job" | "CronJob" => "batch/v1",
        _ => "apps/v1",
    }
}

/// Where the template is.
fn path(kind: &str) -> &'static [&'static str] {
    match kind {
        "CronJob" => &["spec", "jobTemplate", "spec", "template"],
        _ => &["spec", "template"],
    }
}

/// Reads a workload's Pod. Faults go to the cursor's collector; `None` only together with one.
pub(super) fn read(cursor: &Cursor<'_>, kind: &str, in_list: bool, source: Source<'_>) -> Option<Found> {
    let version = api_version(kind);
    match cursor.get("apiVersion") {
        Some(value) => drop(value.one_of(&[version])?),
        None if in_list => {}
        None => {
            cursor.fault(format!("the {kind} has no apiVersion"), format!("add `apiVersion: {version}`"));
            return None;
        }
    }
    let metadata = cursor.get("metadata");
    let name = parse::own_name(cursor, metadata.as_ref(), kind)?;
    let mut template = cursor.clone();
    for (depth, key) in path(kind).iter().enumerate() {
        let Some(next) = template.get(key) else {
            let missing = path(kind)[..=depth].join(".");
            let help = format!("its Pod template is {}", path(kind).join("."));
            template.fault_at_key(format!("the {kind} has no {missing}"), help);
            return None;
        };
        template = next;
    }
    refuse_claims(cursor)?;
    if !matches!(template.node().kind, Kind::Map(_)) {
        template.entries();
        return None;
    }
    let mut not_acted_on = Vec::new();
    fields::check(&template, fields::TEMPLATE, &mut not_acted_on);
    let namespace = metadata.and_then(|metadata| metadata.get("namespace")).and_then(|value| names::label(&value));
    let is_indexed = is_indexed(cursor, kind);
    let identity = Identity {
        metadata: template.get("metadata"),
        name: pod_name(kind, &name),
        namespace: namespace.unwrap_or_else(|| "default".to_owned()),
        uid: None,
        added: if is_indexed { BTreeMap::from([(INDEX.to_owned(), FIRST.to_owned())]) } else { BTreeMap::new() },
    };
    let Some(spec) = template.get("spec") else {
        template.fault_at_key("the Pod template has no spec", "add spec: {containers: [...]}");
        return None;
    };
    let mut parsed = parse::with_spec(identity, &spec, source, not_acted_on)?;
    refuse_of_template(&spec, kind, parsed.pod.spec.restart_policy);
    if kind == "StatefulSet" {
        of_stateful_set(cursor, &mut parsed.pod);
    }
    if is_indexed {
        of_indexed_job(&name, &mut parsed.pod);
    }
    Some(Found { name: format!("{kind}/{name}"), template_of: format!("{kind} {name}"), parsed })
}

/// The name that a controller gives to the first Pod.
fn pod_name(kind: &str, name: &str) -> String {
    match kind {
        "StatefulSet" => format!("{name}-0"),
        _ => parse::generated(&format!("{name}-")),
    }
}

/// A StatefulSet's Pods have names in DNS. Source: Kubernetes pkg/controller/statefulset/stateful_set_utils.go.
fn of_stateful_set(cursor: &Cursor<'_>, pod: &mut Pod) {
    let service = cursor.get("spec").and_then(|spec| spec.get("serviceName"));
    pod.spec.subdomain = service.and_then(|name| names::label(&name)).or(pod.spec.subdomain.take());
    if names::is_label(&pod.name) {
        pod.spec.hostname = Some(pod.name.clone());
    }
}

/// The annotation that has the index of an indexed Job's Pod, and that of the first.
const INDEX: &str = "batch.kubernetes.io/job-completion-index";
const FIRST: &str = "0";

/// Whether each of a Job's Pods has an index.
fn is_indexed(cursor: &Cursor<'_>, kind: &str) -> bool {
    let of_job = match kind {
        "Job" => cursor.get("spec"),
        "CronJob" => cursor.get("spec").and_then(|spec| spec.get("jobTemplate")?.get("spec")),
        _ => None,
    };
    of_job.and_then(|spec| spec.get("completionMode")).is_some_and(|mode| mode.node().written == "Indexed")
}

/// A Pod of an indexed Job has its index in its name and in a variable. Source: Kubernetes pkg/controller/job/indexed_job_utils.go.
fn of_indexed_job(name: &str, pod: &mut Pod) {
    let hostname = format!("{name}-{FIRST}");
    if pod.spec.hostname.is_none() && names::is_label(&hostname) {
        pod.spec.hostname = Some(hostname);
    }
    let variable = "JOB_COMPLETION_INDEX";
    for container in pod.spec.init_containers.iter_mut().chain(&mut pod.spec.containers) {
        if !container.env.iter().any(|(known, _)| known == variable) {
            container.env.push((variable.to_owned(), FIRST.to_owned()));
        }
    }
}

/// Refuses a StatefulSet's claims, which are volumes of its Pods.
fn refuse_claims(cursor: &Cursor<'_>) -> Option<()> {
    let claims = cursor.get("spec").and_then(|spec| spec.get("volumeClaimTemplates"));
    let Some(claims) = claims.filter(|claims| !claims.node().is_empty()) else { return Some(()) };
    let help = "there is no storage to claim here; make them emptyDir volumes of the template to judge the rest";
    claims.fault_at_key("not implemented yet", help);
    None
}

/// Refuses what an API server refuses of a template and not of a Pod.
/// Source: Kubernetes pkg/apis/apps/validation and pkg/apis/batch/validation.
fn refuse_of_template(spec: &Cursor<'_>, kind: &str, policy: RestartPolicy) {
    let ends = matches!(kind, "Job" | "CronJob");
    let at = spec.get("restartPolicy").unwrap_or_else(|| spec.clone());
    match policy {
        RestartPolicy::Always if ends => {
            at.fault_at_key(format!("the Pods of a {kind} end"), "add restartPolicy: Never, or OnFailure");
        }
        RestartPolicy::Never | RestartPolicy::OnFailure if !ends => {
            at.fault(format!("the Pods of a {kind} are kept running"), "remove it, or write Always");
        }
        _ => {}
    }
    if let Some(value) =
        spec.get("ephemeralContainers").filter(|list| !matches!(&list.node().kind, Kind::List(all) if all.is_empty()))
    {
        value.fault_at_key(
            "a Pod template has no ephemeral containers",
            "they are added to a Pod that runs; remove them",
        );
    }
}
