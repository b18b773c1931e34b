//! From text or a tree to a [`Pod`].

use super::elsewhere::{Elsewhere, Metadata};
use super::{Objects, Pod, SeccompFilter, fields, names, network, node, spec};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::yaml::{self, Cursor, Faults, Kind, Node};
use std::collections::BTreeMap;
use std::path::Path;

/// A Pod and what its manifest says beyond what podcheck acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The Pod.
    pub pod: Pod,
    /// Paths of fields that change nothing podcheck observes, each once: `spec.containers[].livenessProbe`.
    pub not_acted_on: Vec<String>,
}

/// What a Pod takes over from the case it stands in.
#[derive(Clone, Copy, Debug)]
pub struct Within<'a> {
    /// The name of a Pod that has none.
    pub name: &'a str,
    /// The image of containers that name none.
    pub image: &'a str,
    /// Sysctls that its node allows although they are not safe; `*` at the end stands for any rest.
    pub unsafe_sysctls: &'a [String],
    /// Seccomp profiles that lie on its node, by name.
    pub seccomp_profiles: &'a BTreeMap<String, SeccompFilter>,
    /// ConfigMaps and Secrets that it may take from.
    pub objects: &'a Objects,
}

/// Parses a file that holds one v1 Pod, in YAML or JSON, beside it perhaps ConfigMaps and Secrets that it takes from.
///
/// # Errors
/// All of its faults.
pub fn parse_manifest(text: &str, file: &Path) -> Result<Parsed, Vec<Diagnostic>> {
    let (nodes, faults) = yaml::stream(text, file, "one v1 Pod")?;
    parse_documents(&nodes, faults)
}

/// The same from documents that were read already: one Pod, in any place, and v1 ConfigMaps and Secrets.
///
/// # Errors
/// All of their faults.
pub fn parse_documents(nodes: &[Node], faults: Faults) -> Result<Parsed, Vec<Diagnostic>> {
    let is_pod = |node: &&Node| node.get("kind").is_some_and(|kind| kind.written == "Pod");
    let pod = nodes.iter().find(is_pod).or(nodes.first());
    let mut objects = Objects::default();
    for other in nodes.iter().filter(|node| pod.is_none_or(|pod| !std::ptr::eq(pod, *node))) {
        objects.read_document(&Cursor::top(other, &faults));
    }
    let parsed = pod.and_then(|pod| whole(&Cursor::top(pod, &faults), &objects, None));
    match (parsed, faults.is_empty()) {
        (Some(parsed), true) => Ok(parsed),
        _ => Err(faults.into_vec()),
    }
}

/// Parses a Pod that stands in a case: a whole manifest or only its spec. Faults go to the cursor's collector; `None` only
/// together with one.
pub fn parse_pod_value(cursor: &Cursor<'_>, within: Within<'_>) -> Option<Parsed> {
    let Kind::Map(entries) = &cursor.node().kind else {
        cursor.entries();
        return None;
    };
    if entries.iter().any(|entry| matches!(entry.key.as_str(), "apiVersion" | "kind" | "metadata" | "spec" | "status"))
    {
        return whole(cursor, within.objects, Some(within));
    }
    let mut not_acted_on = Vec::new();
    fields::check(cursor, fields::SPEC, &mut not_acted_on);
    let mut metadata =
        Metadata { name: within.name.to_owned(), namespace: "default".to_owned(), ..Metadata::default() };
    of_spec(cursor, &mut metadata);
    let elsewhere = Elsewhere { objects: within.objects, metadata: &metadata };
    let mut spec = spec::read(cursor, Some(within.image), &elsewhere, &mut not_acted_on);
    network::fqdn(cursor, &spec, &metadata);
    node::settle(cursor, &mut spec, Some(within));
    let pod =
        Pod { name: within.name.to_owned(), namespace: "default".to_owned(), uid: None, labels: BTreeMap::new(), spec };
    Some(Parsed { pod, not_acted_on })
}

fn whole(cursor: &Cursor<'_>, objects: &Objects, within: Option<Within<'_>>) -> Option<Parsed> {
    if !matches!(cursor.node().kind, Kind::Map(_)) {
        cursor.fault(
            format!("expected a v1 Pod, found {}", cursor.node().described()),
            "it begins with `apiVersion: v1` and `kind: Pod`",
        );
        return None;
    }
    if !is_v1_pod(cursor, within.is_some()) {
        return None;
    }
    let mut not_acted_on = Vec::new();
    fields::check(cursor, fields::POD, &mut not_acted_on);
    let metadata = cursor.get("metadata");
    let field = |name: &str| metadata.as_ref().and_then(|metadata| metadata.get(name));
    let name = match (field("name"), within) {
        (Some(value), _) => names::subdomain(&value).unwrap_or_default(),
        (None, Some(within)) => within.name.to_owned(),
        (None, None) => {
            metadata.as_ref().unwrap_or(cursor).fault_at_key("the Pod has no name", "add metadata: {name: ...}");
            String::new()
        }
    };
    let namespace = field("namespace").and_then(|value| names::label(&value));
    let uid = field("uid").and_then(|value| names::label(&value));
    let map = |name: &str| {
        let entries = field(name).and_then(|map| map.entries()).unwrap_or_default();
        let pair = |(key, value): (&str, Cursor<'_>)| Some((key.to_owned(), value.text()?.to_owned()));
        entries.into_iter().filter_map(pair).collect::<BTreeMap<String, String>>()
    };
    let (labels, annotations) = (map("labels"), map("annotations"));
    let Some(spec) = cursor.get("spec") else {
        cursor.fault_at_key("the Pod has no spec", "add spec: {containers: [...]}");
        return None;
    };
    let image = within.map(|within| within.image);
    if !matches!(spec.node().kind, Kind::Map(_)) {
        return None;
    }
    let namespace = namespace.unwrap_or_else(|| "default".to_owned());
    let mut metadata = Metadata {
        name: name.clone(),
        namespace: namespace.clone(),
        uid: uid.clone(),
        labels: labels.clone(),
        annotations,
        ..Metadata::default()
    };
    of_spec(&spec, &mut metadata);
    let elsewhere = Elsewhere { objects, metadata: &metadata };
    let place = spec;
    let mut spec = spec::read(&place, image, &elsewhere, &mut not_acted_on);
    network::fqdn(&place, &spec, &metadata);
    node::settle(&place, &mut spec, within);
    let pod = Pod { name, namespace, uid, labels, spec };
    Some(Parsed { pod, not_acted_on })
}

/// Whether it is a v1 Pod by its own word; a case's need not say so.
fn is_v1_pod(cursor: &Cursor<'_>, in_case: bool) -> bool {
    let mut right = true;
    for (name, wanted) in [("kind", "Pod"), ("apiVersion", "v1")] {
        match cursor.get(name) {
            Some(value) => match value.text() {
                Some(found) if found != wanted => {
                    let help = match name {
                        "kind" => {
                            "podcheck takes a v1 Pod; of a Deployment and its like, take a Pod it makes: kubectl get pod NAME -o yaml"
                        }
                        _ => "podcheck takes a v1 Pod",
                    };
                    value.fault(format!("expected {wanted:?}, found {found:?}"), help);
                    return false;
                }
                found => right &= found.is_some(),
            },
            None if in_case => {}
            None => {
                cursor.fault(
                    format!("the manifest has no {name}"),
                    format!("podcheck takes a v1 Pod: add `{name}: {wanted}`"),
                );
                right = false;
            }
        }
    }
    right
}

/// What the downward API gives of a spec.
fn of_spec(spec: &Cursor<'_>, metadata: &mut Metadata) {
    let text = |name: &str| spec.get(name).and_then(|value| value.text().map(str::to_owned));
    metadata.node_name = text("nodeName");
    metadata.service_account = text("serviceAccountName");
    metadata.host_network = spec.get("hostNetwork").and_then(|value| value.boolean()).unwrap_or_default();
}
