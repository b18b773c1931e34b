//! The documents of a file: Pods, workloads that have the template of one, lists of these, and what stands beside them.

use super::objects::Kind as ObjectKind;
use super::parse::{Missing, Parsed, Source};
use super::{Objects, parse, workload};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::yaml::{Cursor, Faults, Kind, Mark, Node};
use std::collections::HashMap;

/// A Pod that a file asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What tells it from the others of the file: `web`, or `Deployment/web` for the Pod of a workload's template.
    pub name: String,
    /// The workload whose Pod template it is, as in `Deployment web`; empty for a Pod.
    pub template_of: String,
    /// The Pod.
    pub parsed: Parsed,
}

/// What stands in the documents of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifests {
    /// Pods without a fault, in the order of the file.
    pub pods: Vec<Found>,
    /// Documents that say nothing of a Pod, as in `Service web`.
    pub passed_over: Vec<String>,
    /// Faults of the other Pods, and of the documents beside them: these refuse every Pod of the file.
    pub faults: Vec<Diagnostic>,
}

/// Reads every Pod of a file's documents. One with a fault does not stop the others.
pub fn parse_documents(nodes: &[Node], faults: Faults, missing: Missing) -> Manifests {
    let mut items = Vec::new();
    for node in nodes {
        flatten(Cursor::top(node, &faults), None, &mut items);
    }
    let mut objects = ByNamespace::default();
    let mut found = Manifests::default();
    let mut pods = Vec::new();
    for item in items {
        let cursor = &item.cursor;
        let Some(kind) = item.kind() else {
            if pods.is_empty() && nodes.len() == 1 {
                pods.push(item);
                continue;
            }
            let help = "every document of a manifest says its kind: Pod, ConfigMap, Service, …";
            cursor.fault("the document has no kind", help);
            continue;
        };
        match kind {
            "Pod" => pods.push(item),
            "ConfigMap" => objects.of(&item).read_document(cursor, ObjectKind::ConfigMap, item.in_list.is_some()),
            "Secret" => objects.of(&item).read_document(cursor, ObjectKind::Secret, item.in_list.is_some()),
            kind if workload::is_one(kind) => pods.push(item),
            "LimitRange" => cursor.fault(
                "a LimitRange is not implemented yet",
                "it would give containers limits that they do not name; remove it to judge the rest",
            ),
            other => match misspelt(other) {
                Some(right) => {
                    let at = cursor.get("kind").unwrap_or_else(|| cursor.clone());
                    at.fault(
                        format!("expected {right:?}, found {other:?}"),
                        "kinds are told by their letters' case, too",
                    );
                }
                None => pass_over(&item, other, &mut found.passed_over),
            },
        }
    }
    objects.settle(&pods);
    for item in &pods {
        let own = faults.of_same_file();
        let source = Source { objects: objects.seen_by(item), within: None, missing };
        let read = one(item, &own, source);
        match (read, own.is_empty()) {
            (Some(pod), true) => found.pods.push(pod),
            _ => found.faults.extend(own.into_vec()),
        }
    }
    if !faults.is_empty() {
        found.pods.clear();
    }
    found.faults.extend(faults.into_vec());
    found.faults.sort_by_key(|fault| (fault.at.line, fault.at.column));
    tell_apart(&mut found.pods);
    found
}

/// The fault of a file in which there is no Pod.
pub fn no_pod(faults: &Faults, passed_over: &[String]) -> Diagnostic {
    let there = match passed_over {
        [] => String::new(),
        there => format!("it has {}; ", there.join(", ")),
    };
    let help = format!("{there}podcheck judges Pods, and the Pod templates of {}", workload::KINDS.join(", "));
    *faults.make(Mark::default(), "", "there is no Pod in this file", help)
}

/// One object of a file.
struct Item<'a> {
    cursor: Cursor<'a>,
    /// The kind that its list says it is of; its own word comes first.
    in_list: Option<&'a str>,
}

impl<'a> Item<'a> {
    fn kind(&self) -> Option<&'a str> {
        self.cursor.node().get("kind").map(|kind| kind.written.as_str()).or(self.in_list)
    }

    fn namespace(&self) -> Option<&'a str> {
        self.cursor.node().get("metadata")?.get("namespace").map(|name| name.written.as_str())
    }
}

/// ConfigMaps and Secrets of each namespace; of none those that do not say theirs, which are in any.
#[derive(Default)]
struct ByNamespace<'a> {
    own: HashMap<Option<&'a str>, Objects>,
    /// With those that are in any.
    seen: HashMap<&'a str, Objects>,
}

impl<'a> ByNamespace<'a> {
    fn of(&mut self, item: &Item<'a>) -> &mut Objects {
        self.own.entry(item.namespace()).or_default()
    }

    /// Puts together what each of these sees.
    fn settle(&mut self, items: &[Item<'a>]) {
        for namespace in items.iter().map(|item| item.namespace().unwrap_or(DEFAULT)) {
            if !self.seen.contains_key(namespace) {
                let mut all = self.own.get(&None).cloned().unwrap_or_default();
                if let Some(own) = self.own.get(&Some(namespace)) {
                    all.config_maps.extend(own.config_maps.clone());
                    all.secrets.extend(own.secrets.clone());
                }
                self.seen.insert(namespace, all);
            }
        }
    }

    fn seen_by(&self, item: &Item<'a>) -> &Objects {
        &self.seen[item.namespace().unwrap_or(DEFAULT)]
    }
}

/// The namespace of who says none.
const DEFAULT: &str = "default";

/// Adds an object, or those of a list, whose `kind` is `List` or, from an API server, `PodList` and the like.
fn flatten<'a>(cursor: Cursor<'a>, in_list: Option<&'a str>, items: &mut Vec<Item<'a>>) {
    let kind = cursor.node().get("kind").map(|kind| kind.written.as_str());
    let list = kind.and_then(|kind| kind.strip_suffix("List")).filter(|_| cursor.node().get("items").is_some());
    let Some(of) = list else { return items.push(Item { cursor, in_list }) };
    for item in cursor.get("items").and_then(|items| items.items()).unwrap_or_default() {
        flatten(item, Some(of).filter(|of| !of.is_empty()), items);
    }
}

fn one(item: &Item<'_>, faults: &Faults, source: Source<'_>) -> Option<Found> {
    let cursor = item.cursor.telling(faults);
    let kind = item.kind().unwrap_or("Pod");
    match workload::is_one(kind) {
        true => workload::read(&cursor, kind, item.in_list.is_some(), source),
        false => {
            let parsed = parse::whole(&cursor, source, item.in_list.is_some())?;
            Some(Found { name: parsed.pod.name.clone(), template_of: String::new(), parsed })
        }
    }
}

/// The kind that podcheck reads and that is written so but for the case of its letters.
fn misspelt(kind: &str) -> Option<&'static str> {
    let known = ["Pod", "ConfigMap", "Secret"].into_iter().chain(workload::KINDS);
    known.into_iter().find(|known| known.eq_ignore_ascii_case(kind))
}

fn pass_over(item: &Item<'_>, kind: &str, passed_over: &mut Vec<String>) {
    let cursor = &item.cursor;
    if cursor.get("apiVersion").is_none() && item.in_list.is_none() {
        return cursor
            .fault("the document has no apiVersion", "every document of a manifest has one, as in v1 or apps/v1");
    }
    let name = cursor.node().get("metadata").and_then(|metadata| metadata.get("name"));
    let name = name.filter(|name| matches!(name.kind, Kind::Text(_))).map(|name| format!(" {}", name.written));
    passed_over.push(format!("{kind}{}", name.unwrap_or_default()));
}

/// Gives Pods of the same name, in other namespaces, a number.
fn tell_apart(pods: &mut [Found]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for pod in pods {
        let count = seen.entry(pod.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            pod.name = format!("{}#{count}", pod.name);
        }
    }
}
