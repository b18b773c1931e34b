//! Every field of a v1 Pod (Kubernetes 1.36) and what podcheck makes of it. A field that is not here does not exist.
//!
//! A field is *acted on*, *not acted on* (it changes nothing that podcheck observes: said once), or *not implemented yet*
//! (it would change what is observed: refused unless it says what is so anyway).
//! Source: <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>; `v1.36.0.txt` has the names, and a
//! test holds the table to them.

#[cfg(test)]
mod api;
mod container;
mod placement;
mod spec;
mod volume;

use crate::diagnostic::nearest;
use crate::diagnostic::yaml::Cursor;
pub(super) use container::CONTAINER;
pub(super) use spec::{POD, SPEC, TEMPLATE};
pub(super) use volume::VOLUME;

/// What a value looks like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// Text.
    Text,
    /// True or false.
    Bool,
    /// A whole number.
    Integer,
    /// Anything: what is below is Kubernetes' own affair.
    Any,
    /// A list of texts.
    Texts,
    /// A map from any key to text.
    TextMap,
    /// A map of resource quantities, read elsewhere.
    Resources,
    /// A map with these fields.
    Object(&'static Object),
    /// A list of maps with these fields.
    Objects(&'static Object),
}

/// A kind of map.
#[derive(Debug)]
pub(super) struct Object {
    /// With its article, for messages: `a container`.
    pub name: &'static str,
    /// All of its fields.
    pub fields: &'static [Field],
}

/// What podcheck makes of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Class {
    /// It has its effect.
    Acted,
    /// Changes nothing that podcheck observes.
    NotActedOn,
    /// Refused, unless it is one of these texts, which is what holds anyway.
    NotYet(&'static [&'static str]),
}

/// One field.
#[derive(Debug)]
pub(super) struct Field {
    /// Its name.
    pub name: &'static str,
    /// What podcheck makes of it.
    pub class: Class,
    /// What its value looks like.
    pub shape: Shape,
}

const fn acted(name: &'static str, shape: Shape) -> Field {
    Field { name, class: Class::Acted, shape }
}

const fn ignored(name: &'static str, shape: Shape) -> Field {
    Field { name, class: Class::NotActedOn, shape }
}

const fn later(name: &'static str) -> Field {
    Field { name, class: Class::NotYet(&[]), shape: Shape::Any }
}

const fn later_unless(name: &'static str, harmless: &'static [&'static str]) -> Field {
    Field { name, class: Class::NotYet(harmless), shape: Shape::Any }
}

/// Holds a map against its fields: unknown and unimplemented ones and wrong types are faults, what is not acted on is noted.
pub(super) fn check(cursor: &Cursor<'_>, object: &'static Object, not_acted_on: &mut Vec<String>) {
    walk(cursor, object, Some(not_acted_on));
}

/// `noted` is `None` below a field that is not acted on itself.
fn walk(cursor: &Cursor<'_>, object: &'static Object, mut noted: Option<&mut Vec<String>>) {
    let Some(entries) = cursor.entries() else {
        return;
    };
    for (key, value) in entries {
        let Some(field) = object.fields.iter().find(|field| field.name == key) else {
            match newer(key, object) {
                Some(version) => value.fault_at_key(
                    format!("`{}.{key}` is of Kubernetes {version}", object.name),
                    format!("podcheck knows the API of Kubernetes {VERSION}; remove it to judge the rest"),
                ),
                None => {
                    value.fault_at_key(format!("{} has no field {key:?}", object.name), right_name(key, object));
                }
            }
            continue;
        };
        if value.node().is_empty() && !matches!(field.class, Class::Acted) {
            continue;
        }
        match field.class {
            Class::Acted => shape(&value, field.shape, noted.as_deref_mut()),
            Class::NotActedOn => {
                if let Some(noted) = noted.as_deref_mut() {
                    note(noted, value.path());
                }
                shape(&value, field.shape, None);
            }
            Class::NotYet(harmless) if harmless.contains(&value.node().written.as_str()) => {}
            Class::NotYet(harmless) => refuse(&value, harmless),
        }
    }
}

fn shape(value: &Cursor<'_>, shape: Shape, mut noted: Option<&mut Vec<String>>) {
    if matches!(value.node().kind, crate::diagnostic::yaml::Kind::Null) {
        return;
    }
    match shape {
        Shape::Text => drop(value.text()),
        Shape::Bool => drop(value.boolean()),
        // Who reads one that is acted on knows its bounds.
        Shape::Integer if noted.is_some() => {}
        Shape::Integer => drop(value.integer(i64::MIN, i64::MAX)),
        Shape::Texts => drop(value.texts()),
        Shape::TextMap => {
            for (_, text) in value.entries().unwrap_or_default() {
                text.text();
            }
        }
        Shape::Any | Shape::Resources => {}
        Shape::Object(object) => walk(value, object, noted),
        Shape::Objects(object) => {
            for item in value.items().unwrap_or_default() {
                walk(&item, object, noted.as_deref_mut());
            }
        }
    }
}

fn refuse(value: &Cursor<'_>, harmless: &[&str]) {
    let help = match harmless {
        [] => "it would change what podcheck observes; remove it to judge the rest".to_owned(),
        [first, ..] => format!("only {first} so far: anything else would change what podcheck observes"),
    };
    value.fault_at_key("not implemented yet", help);
}

/// Notes a path once, whatever the index of its containers.
pub(super) fn note(noted: &mut Vec<String>, path: &str) {
    let mut general = String::new();
    let mut inside = false;
    for c in path.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            _ if inside => continue,
            _ => {}
        }
        general.push(c);
    }
    // Which of a list's Pods it is is of no interest.
    let mut path = general.as_str();
    while let Some(below) = path.strip_prefix("items[].") {
        path = below;
    }
    if !noted.iter().any(|known| known == path) {
        noted.push(path.to_owned());
    }
}

/// The version of Kubernetes whose API this table has.
const VERSION: &str = "1.36";
/// Fields that came after the API that this table has: kind of map, field, and the version of Kubernetes.
const NEWER: [(&str, &str, &str); 1] = [("emptyDir", "mode", "1.37")];

/// The version of Kubernetes that has a field which this table does not.
fn newer(key: &str, object: &Object) -> Option<&'static str> {
    NEWER.iter().find(|(of, field, _)| *of == object.name && *field == key).map(|(.., version)| *version)
}

fn right_name(key: &str, object: &Object) -> String {
    let names = || object.fields.iter().map(|field| field.name);
    if let Some(name) = nearest(key, names()) {
        return format!("did you mean {name}?");
    }
    for (place, other) in [("spec", SPEC), ("a container", CONTAINER), ("metadata", spec::METADATA)] {
        if other.name != object.name && other.fields.iter().any(|field| field.name == key) {
            return format!("{key} is a field of {place}; check the indentation");
        }
    }
    let mut common: Vec<&str> =
        object.fields.iter().filter(|f| matches!(f.class, Class::Acted)).map(|f| f.name).collect();
    if common.is_empty() {
        common = names().collect();
    }
    format!("it has {} and others of Kubernetes' Pod reference", common.join(", "))
}
