//! From text or a tree to a [`Pod`].

use super::{Pod, SeccompFilter, fields, names, node, spec};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::yaml::{self, Cursor, Kind};
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
}

/// Parses a file that holds one v1 Pod, in YAML or JSON.
///
/// # Errors
/// All of its faults.
pub fn parse_manifest(text: &str, file: &Path) -> Result<Parsed, Vec<Diagnostic>> {
    let (node, faults) = yaml::only_document(text, file, "one v1 Pod")?;
    let parsed = whole(&Cursor::top(&node, &faults), None);
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
        return whole(cursor, Some(within));
    }
    let mut not_acted_on = Vec::new();
    fields::check(cursor, fields::SPEC, &mut not_acted_on);
    let mut spec = spec::read(cursor, Some(within.image), &mut not_acted_on);
    node::settle(cursor, &mut spec, Some(within));
    let pod =
        Pod { name: within.name.to_owned(), namespace: "default".to_owned(), uid: None, labels: BTreeMap::new(), spec };
    Some(Parsed { pod, not_acted_on })
}

fn whole(cursor: &Cursor<'_>, within: Option<Within<'_>>) -> Option<Parsed> {
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
    let labels = field("labels").and_then(|labels| labels.entries()).unwrap_or_default();
    let labels =
        labels.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.text()?.to_owned()))).collect();
    let Some(spec) = cursor.get("spec") else {
        cursor.fault_at_key("the Pod has no spec", "add spec: {containers: [...]}");
        return None;
    };
    let image = within.map(|within| within.image);
    if !matches!(spec.node().kind, Kind::Map(_)) {
        return None;
    }
    let cursor = spec;
    let mut spec = spec::read(&cursor, image, &mut not_acted_on);
    node::settle(&cursor, &mut spec, within);
    let pod = Pod { name, namespace: namespace.unwrap_or_else(|| "default".to_owned()), uid, labels, spec };
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
