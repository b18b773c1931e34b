//! From text or a tree to a [`Pod`].

use super::elsewhere::{Elsewhere, Metadata};
use super::{Objects, Pod, SeccompFilter, documents, fields, names, network, node, spec};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::yaml::{self, Cursor, Kind};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

/// A Pod and what its manifest says beyond what podcheck acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The Pod.
    pub pod: Pod,
    /// Paths of fields that change nothing podcheck observes, each once: `spec.containers[].livenessProbe`.
    pub not_acted_on: Vec<String>,
    /// What only the cluster has and something stands in for, each once: `Secret db`, `the name of the node`.
    pub stood_in: Vec<String>,
}

/// What is done where a Pod takes from what only the cluster has: a ConfigMap or Secret that is not given, a token, its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Something stands in for it.
    StandIn,
    /// It is a fault.
    Refuse,
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

/// What a Pod is read with.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    /// ConfigMaps and Secrets.
    pub objects: &'a Objects,
    /// The case that it stands in.
    pub within: Option<Within<'a>>,
    /// What is done about what is not there.
    pub missing: Missing,
}

/// Who a Pod is, before its spec is read.
pub(super) struct Identity<'a> {
    /// Its metadata, or its template's.
    pub metadata: Option<Cursor<'a>>,
    pub name: String,
    pub namespace: String,
    pub uid: Option<String>,
    /// Annotations that a controller adds.
    pub added: BTreeMap<String, String>,
}

/// Parses a file that holds one v1 Pod, in YAML or JSON, beside it perhaps ConfigMaps and Secrets that it takes from. What it
/// takes must be there.
///
/// # Errors
/// All of its faults; no Pod, or more than one.
pub fn parse_manifest(text: &str, file: &Path) -> Result<Parsed, Vec<Diagnostic>> {
    let (nodes, faults) = yaml::stream(text, file, "one v1 Pod")?;
    let file = faults.of_same_file();
    let mut found = documents::parse_documents(&nodes, faults, Missing::Refuse);
    match (found.pods.pop(), found.faults.is_empty()) {
        (Some(pod), true) if found.pods.is_empty() => Ok(pod.parsed),
        (None, true) => Err(vec![documents::no_pod(&file, &found.passed_over)]),
        _ => Err(found.faults),
    }
}

/// Parses a Pod that stands in a case: a whole manifest or only its spec. Faults go to the cursor's collector; `None` only
/// together with one.
pub fn parse_pod_value(cursor: &Cursor<'_>, within: Within<'_>) -> Option<Parsed> {
    let Kind::Map(entries) = &cursor.node().kind else {
        cursor.entries();
        return None;
    };
    let source = Source { objects: within.objects, within: Some(within), missing: Missing::Refuse };
    if entries.iter().any(|entry| matches!(entry.key.as_str(), "apiVersion" | "kind" | "metadata" | "spec" | "status"))
    {
        return whole(cursor, source, true);
    }
    let mut not_acted_on = Vec::new();
    fields::check(cursor, fields::SPEC, &mut not_acted_on);
    let identity = Identity {
        metadata: None,
        name: within.name.to_owned(),
        namespace: "default".to_owned(),
        uid: None,
        added: BTreeMap::new(),
    };
    with_spec(identity, cursor, source, not_acted_on)
}

/// Reads a whole Pod. `said` tells that what is around it says that it is one: a list, a case.
pub(super) fn whole(cursor: &Cursor<'_>, source: Source<'_>, said: bool) -> Option<Parsed> {
    if !matches!(cursor.node().kind, Kind::Map(_)) {
        cursor.fault(
            format!("expected a v1 Pod, found {}", cursor.node().described()),
            "it begins with `apiVersion: v1` and `kind: Pod`",
        );
        return None;
    }
    if !is_v1_pod(cursor, said) {
        return None;
    }
    let mut not_acted_on = Vec::new();
    fields::check(cursor, fields::POD, &mut not_acted_on);
    let metadata = cursor.get("metadata");
    let field = |name: &str| metadata.as_ref().and_then(|metadata| metadata.get(name));
    let name = match (field("name"), source.within) {
        (None, Some(within)) => Some(within.name.to_owned()),
        _ => own_name(cursor, metadata.as_ref(), "Pod"),
    };
    let namespace = field("namespace").and_then(|value| names::label(&value));
    let uid = field("uid").and_then(|value| names::label(&value));
    let Some(spec) = cursor.get("spec") else {
        cursor.fault_at_key("the Pod has no spec", "add spec: {containers: [...]}");
        return None;
    };
    let identity = Identity {
        metadata,
        name: name.unwrap_or_default(),
        namespace: namespace.unwrap_or_else(|| "default".to_owned()),
        uid,
        added: BTreeMap::new(),
    };
    with_spec(identity, &spec, source, not_acted_on)
}

/// Reads the spec of a Pod whose fields have been checked.
pub(super) fn with_spec(
    identity: Identity<'_>,
    place: &Cursor<'_>,
    source: Source<'_>,
    mut not_acted_on: Vec<String>,
) -> Option<Parsed> {
    if !matches!(place.node().kind, Kind::Map(_)) {
        return None;
    }
    let Identity { metadata, name, namespace, uid, added } = identity;
    let map = |name: &str| {
        let entries = metadata.as_ref().and_then(|m| m.get(name)).and_then(|map| map.entries()).unwrap_or_default();
        let pair = |(key, value): (&str, Cursor<'_>)| Some((key.to_owned(), value.text()?.to_owned()));
        entries.into_iter().filter_map(pair).collect::<BTreeMap<String, String>>()
    };
    let (labels, mut annotations) = (map("labels"), map("annotations"));
    annotations.extend(added);
    let mut metadata = Metadata {
        name: name.clone(),
        namespace: namespace.clone(),
        uid: uid.clone(),
        labels: labels.clone(),
        annotations,
        ..Metadata::default()
    };
    of_spec(place, &mut metadata);
    let stood_in = RefCell::new(Vec::new());
    let elsewhere = Elsewhere {
        objects: source.objects,
        metadata: &metadata,
        spec: place,
        stood_in: (source.missing == Missing::StandIn).then_some(&stood_in),
    };
    let image = source.within.map(|within| within.image);
    let mut spec = spec::read(place, image, &elsewhere, &mut not_acted_on);
    network::fqdn(place, &spec, &metadata);
    node::settle(place, &mut spec, source.within);
    let pod = Pod { name, namespace, uid, labels, spec };
    Some(Parsed { pod, not_acted_on, stood_in: stood_in.into_inner() })
}

/// The name that metadata give, or as an API server makes it of `generateName`.
pub(super) fn own_name(cursor: &Cursor<'_>, metadata: Option<&Cursor<'_>>, kind: &str) -> Option<String> {
    let field = |name: &str| metadata.and_then(|metadata| metadata.get(name));
    if let Some(name) = field("name") {
        return names::subdomain(&name);
    }
    let Some(prefix) = field("generateName") else {
        metadata.unwrap_or(cursor).fault_at_key(format!("the {kind} has no name"), "add metadata: {name: ...}");
        return None;
    };
    let name = generated(prefix.text()?);
    if !names::is_subdomain(&name) {
        let help = "expected lower-case letters, digits, `-` and `.`, to which five letters are added";
        prefix.fault(format!("{:?} is not the beginning of a DNS subdomain", prefix.node().written), help);
        return None;
    }
    Some(name)
}

/// A name as an API server generates it: five letters, here always the same, behind at most 58 of what is given.
/// Source: Kubernetes staging/src/k8s.io/apiserver/pkg/storage/names/generate.go.
pub(super) fn generated(prefix: &str) -> String {
    let prefix: String = prefix.chars().take(58).collect();
    format!("{prefix}pchck")
}

/// Whether it is a v1 Pod by its own word, which it need not say where that is `said` around it.
fn is_v1_pod(cursor: &Cursor<'_>, said: bool) -> bool {
    let mut right = true;
    for (name, wanted) in [("kind", "Pod"), ("apiVersion", "v1")] {
        match cursor.get(name) {
            Some(value) => match value.text() {
                Some(found) if found != wanted => {
                    // Of a manifest only what says that it is a Pod comes here.
                    let help = if name == "kind" {
                        "a case takes a v1 Pod, or the spec of one"
                    } else {
                        "podcheck takes a v1 Pod"
                    };
                    value.fault(format!("expected {wanted:?}, found {found:?}"), help);
                    return false;
                }
                found => right &= found.is_some(),
            },
            None if said => {}
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
