//! From the text of a case file to cases.

use super::keys::{CASE, NODE};
use super::load::Loaded;
use super::members::Members;
use super::{Case, Lines, Refusal, expect, known, life, refusal, resize, rows, steps};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::yaml::{self, Cursor, Faults, Kind, Node};
use crate::pod::{self, Missing, Objects, Parsed, Pod, Within};
use std::path::Path;

/// The image of containers in a case that name none: podcheck's own.
const OWN_IMAGE: &str = "podcheck";

/// Parses a case file, or a plain manifest, each of whose Pods is a case without expectations. One with rows is several cases.
/// What a Pod takes from elsewhere must be there.
///
/// # Errors
/// All of its faults.
pub fn parse_case(text: &str, file: &Path, id: &str) -> Result<Vec<Case>, Vec<Diagnostic>> {
    let Loaded { cases, faults } = read(text, file, id, Missing::Refuse, false);
    if faults.is_empty() { Ok(cases) } else { Err(faults) }
}

/// Reads a file's cases. A case with a fault refuses its file, a Pod of a manifest with a fault only itself. A manifest
/// without a Pod is a fault unless it was found in a folder.
pub(super) fn read(text: &str, file: &Path, id: &str, missing: Missing, in_folder: bool) -> Loaded {
    let (nodes, faults) = match yaml::stream(text, file, WHAT) {
        Ok(read) => read,
        Err(faults) => return Loaded { cases: Vec::new(), faults },
    };
    if nodes.first().is_some_and(is_manifest) {
        return manifest(&nodes, faults, id, missing, in_folder);
    }
    match cases(nodes, faults, id) {
        Ok(cases) => Loaded { cases, faults: Vec::new() },
        Err(faults) => Loaded { cases: Vec::new(), faults },
    }
}

/// What a file holds.
const WHAT: &str = "one case, or manifests of Pods";

fn manifest(nodes: &[Node], faults: Faults, id: &str, missing: Missing, in_folder: bool) -> Loaded {
    let of_file = faults.of_same_file();
    let mut found = pod::parse_documents(nodes, faults, missing);
    if found.pods.is_empty() && found.faults.is_empty() && !in_folder {
        found.faults.push(pod::no_pod(&of_file, &found.passed_over));
    }
    // One Pod needs no name beside its file's.
    let alone = found.pods.len() == 1 && found.faults.is_empty() && found.pods[0].template_of.is_empty();
    let case = |pod: pod::Found| {
        let id = if alone { id.to_owned() } else { format!("{id}[{}]", pod.name) };
        let mut case = plain(pod.parsed, of_file.file(), &id);
        if !pod.template_of.is_empty() {
            case.about = format!("The Pod template of {}.", pod.template_of);
        }
        // Said once for the file's Pods together.
        case.not_acted_on.extend(found.passed_over.iter().cloned());
        case
    };
    Loaded { cases: found.pods.into_iter().map(case).collect(), faults: found.faults }
}

fn cases(nodes: Vec<Node>, faults: Faults, id: &str) -> Result<Vec<Case>, Vec<Diagnostic>> {
    let (node, faults) = yaml::only(nodes, faults, WHAT)?;
    let top = Cursor::top(&node, &faults);
    if !matches!(node.kind, Kind::Map(_)) {
        top.fault(
            format!("expected a case or a v1 Pod, found {}", node.described()),
            "a case begins with `about:`, a Pod with `apiVersion: v1`",
        );
        return Err(faults.into_vec());
    }
    let cases: Vec<Case> = match top.get("rows") {
        None => one(&top, id).into_iter().collect(),
        Some(rows) => {
            let expanded = rows::expand(&top, &rows);
            let read = |(name, node): &(String, Node)| one(&Cursor::top(node, &faults), &format!("{id}[{name}]"));
            expanded.iter().filter_map(read).collect()
        }
    };
    if faults.is_empty() { Ok(cases) } else { Err(faults.into_vec()) }
}

/// Whether a document is a manifest by the keys that no case has.
fn is_manifest(node: &Node) -> bool {
    node.get("apiVersion").is_some() || node.get("kind").is_some()
}

fn plain(parsed: pod::Parsed, file: &Path, id: &str) -> Case {
    Case {
        id: id.to_owned(),
        file: file.to_owned(),
        about: String::new(),
        shows: Vec::new(),
        source: String::new(),
        requires: Vec::new(),
        alone: false,
        pod: parsed.pod,
        beside: None,
        pod_pids_limit: None,
        single_process_oom_kill: false,
        back_off_ms: None,
        refused: None,
        look_while: None,
        lines: Lines::default(),
        expect: Vec::new(),
        steps: Vec::new(),
        known: Vec::new(),
        not_acted_on: parsed.not_acted_on,
        stood_in: parsed.stood_in,
    }
}

fn one(cursor: &Cursor<'_>, id: &str) -> Option<Case> {
    CASE.check(cursor);
    let name = pod_name(id);
    let objects = &objects(cursor);
    let profiles = cursor.get("seccomp_profiles").map(|map| pod::parse_seccomp_profiles(&map)).unwrap_or_default();
    let allowed = cursor.get("node").map(|node| unsafe_sysctls(&node)).unwrap_or_default();
    let within =
        Within { name: &name, image: OWN_IMAGE, objects, unsafe_sysctls: &allowed, seccomp_profiles: &profiles };
    let refused = cursor.get("refused").map(|value| refusal::read(cursor, &value));
    let value = cursor.get("pod");
    let (parsed, said) = match &refused {
        Some(Some(refused)) if refused.is_of_manifest() => {
            value.map(|value| against(&value, within)).unwrap_or_default()
        }
        _ => (value.and_then(|value| pod::parse_pod_value(&value, within)), Vec::new()),
    };
    let beside_name = format!("{name}-beside");
    let within = Within { name: &beside_name, ..within };
    let beside = cursor.get("beside").and_then(|value| pod::parse_pod_value(&value, within));
    let words = |name: &str| {
        let items = cursor.get(name).and_then(|list| list.items()).unwrap_or_default();
        items.iter().filter_map(|item| known::word(item, "")).collect::<Vec<_>>()
    };
    let node = cursor.get("node").inspect(|node| {
        NODE.check(node);
    });
    let mut case = Case {
        about: cursor.get("about").and_then(|value| about(&value)).unwrap_or_default(),
        shows: shows(cursor),
        source: cursor.get("source").and_then(|value| known::link(&value)).unwrap_or_default(),
        requires: words("requires"),
        alone: cursor.get("alone").and_then(|value| value.boolean()).unwrap_or_default(),
        back_off_ms: node.as_ref().and_then(|node| node.get("back_off")).and_then(|value| life::milliseconds(&value)),
        pod_pids_limit: node.as_ref().and_then(pod_pids_limit),
        single_process_oom_kill: node.as_ref().is_some_and(single_process_oom_kill),
        ..plain(parsed?, cursor.faults().file(), id)
    };
    case.refused = refused.flatten().map(|refused| refused.after(said));
    // What is left of it is told from what there was before.
    case.alone |= case.refused.as_ref().is_some_and(Refusal::asks_runtime);
    if let Some(beside) = beside {
        case.not_acted_on.extend(beside.not_acted_on);
        case.beside = Some(beside.pod);
    }
    case.lines = lines(cursor);
    case.look_while = cursor.get("while").and_then(|value| look_while(&value, &case));
    let members = Members::of(&case.pod, case.beside.as_ref());
    case.expect = cursor.get("expect").map(|list| expect::list(&list, &members)).unwrap_or_default();
    if let Some(list) = cursor.get("steps") {
        case.steps = steps::list(&list, &members);
        resize::check(&list, &case);
    }
    case.known = cursor.get("known").map(|list| known::list(&list, Some(&members))).unwrap_or_default();
    Some(case)
}

/// What there is to say against a Pod that must be refused for it: none of it is a fault of the case's file.
fn against(cursor: &Cursor<'_>, within: Within<'_>) -> (Option<Parsed>, Vec<Diagnostic>) {
    let faults = cursor.faults().of_same_file();
    let _ = pod::parse_pod_value(&cursor.telling(&faults), within);
    let nothing = Pod { name: within.name.to_owned(), ..Pod::default() };
    (Some(Parsed { pod: nothing, not_acted_on: Vec::new(), stood_in: Vec::new() }), faults.into_vec())
}

/// What the case gives its Pods to take from.
fn objects(cursor: &Cursor<'_>) -> Objects {
    let mut objects = Objects::default();
    for (name, into) in [("configMaps", &mut objects.config_maps), ("secrets", &mut objects.secrets)] {
        if let Some(value) = cursor.get(name) {
            Objects::read_case(into, &value);
        }
    }
    objects
}

fn lines(cursor: &Cursor<'_>) -> Lines {
    let of_items = |name: &str| {
        let items = cursor.get(name).and_then(|list| list.items()).unwrap_or_default();
        items.iter().map(|item| item.node().at.line).collect()
    };
    let refused = cursor.get("refused").map(|value| value.node().at.line);
    Lines { expect: of_items("expect"), steps: of_items("steps"), refused }
}

/// An init container of the case's Pod.
fn look_while(cursor: &Cursor<'_>, case: &Case) -> Option<String> {
    let name = cursor.text()?;
    let init = case.pod.spec.init_containers.iter().filter(|container| !container.stays);
    let names: Vec<&str> = init.map(|container| container.name.as_str()).collect();
    if names.contains(&name) {
        return Some(name.to_owned());
    }
    let help = match names.as_slice() {
        [] => "the Pod has none that ends".to_owned(),
        names => format!("there are {}", names.join(", ")),
    };
    cursor.fault(format!("no init container is called {name:?}"), help);
    None
}

/// One sentence on one line.
fn about(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.text()?;
    let more = [". ", "! ", "? ", "\n"].iter().any(|end| text.trim_end().contains(end));
    if text.trim().is_empty() || more || !text.ends_with('.') {
        cursor.fault(
            "expected one sentence",
            "say on one line what behaviour the case shows, and end it with a full stop",
        );
        return None;
    }
    Some(text.to_owned())
}

fn shows(cursor: &Cursor<'_>) -> Vec<String> {
    let Some(list) = cursor.get("shows") else {
        return Vec::new();
    };
    let items = list.items().unwrap_or_default();
    if items.is_empty() && matches!(list.node().kind, Kind::List(_)) {
        list.fault("no property is named", "expected ids, as in [N1, N2]");
    }
    let mut ids: Vec<String> = Vec::new();
    for item in &items {
        match expect::property_id(item) {
            Some(id) if ids.contains(&id) => item.fault(format!("{id} is named twice"), "name each property once"),
            id => ids.extend(id),
        }
    }
    ids
}

fn pod_pids_limit(cursor: &Cursor<'_>) -> Option<u64> {
    cursor.get("pod_pids_limit")?.integer(1, i64::MAX).and_then(|limit| u64::try_from(limit).ok())
}

fn unsafe_sysctls(cursor: &Cursor<'_>) -> Vec<String> {
    let items = cursor.get("allowed_unsafe_sysctls").and_then(|list| list.items()).unwrap_or_default();
    let pattern = |item: &Cursor<'_>| {
        let text = item.text()?;
        if !pod::is_sysctl_pattern(text) {
            let help = "as in net.core.somaxconn or kernel.msg*";
            item.fault(format!("{text:?} names no sysctl that a namespace has of its own"), help);
        }
        Some(text.to_owned())
    };
    items.iter().filter_map(pattern).collect()
}

fn single_process_oom_kill(cursor: &Cursor<'_>) -> bool {
    cursor.get("single_process_oom_kill").and_then(|value| value.boolean()).unwrap_or_default()
}

/// A Pod's name from a case's id: its last part, and the row.
fn pod_name(id: &str) -> String {
    let last = id.rsplit('/').next().unwrap_or_default();
    let name: String =
        last.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).take(50).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "pod".to_owned() } else { name.to_owned() }
}
