//! Holds the table to the fields that Kubernetes itself has: `v1.36.0.txt`.

use super::{Class, Field, Object, POD, Shape};
use std::collections::{BTreeMap, BTreeSet};

const FIELDS: &str = include_str!("v1.36.0.txt");

/// Types of the API, and of each the kinds of its fields: `[]=Container`, `:int`, nothing for text.
type Types = BTreeMap<&'static str, BTreeMap<&'static str, &'static str>>;

fn types() -> Types {
    let mut types = Types::new();
    let mut current = "";
    for line in FIELDS.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line;
        if !line.starts_with(' ')
            && let Some((name, rest)) = line.split_once(':')
        {
            (current, fields) = (name, rest);
        }
        for field in fields.split_whitespace() {
            let end = field.find(|c: char| !c.is_alphanumeric()).unwrap_or(field.len());
            let known = types.entry(current).or_default().insert(&field[..end], &field[end..]);
            assert_eq!(known, None, "{current} has {field} twice");
        }
    }
    types
}

/// What of an object and all below it is not as the API has it.
fn differences(types: &Types, object: &'static Object, of: &str, at: &str, found: &mut BTreeSet<String>) {
    let Some(fields) = types.get(of) else {
        found.insert(format!("{at}: there is no type {of}"));
        return;
    };
    let names: BTreeSet<&str> = object.fields.iter().map(|field| field.name).collect();
    if names.len() < object.fields.len() {
        found.insert(format!("{at}: a field stands there twice"));
    }
    found.extend(fields.keys().filter(|name| !names.contains(*name)).map(|name| format!("{at}.{name} is missing")));
    for field in object.fields {
        let at = format!("{at}.{}", field.name);
        match fields.get(field.name) {
            None => drop(found.insert(format!("{at} is no field of {of}"))),
            Some(kind) => one(types, field, kind, &at, found),
        }
    }
}

fn one(types: &Types, field: &'static Field, kind: &str, at: &str, found: &mut BTreeSet<String>) {
    let of = kind.rsplit_once('=').map_or("", |(_, of)| of);
    let fits = match field.shape {
        Shape::Text => kind.is_empty(),
        Shape::Bool => kind == ":bool",
        Shape::Integer => kind == ":int",
        Shape::Texts => kind == "[]",
        Shape::TextMap | Shape::Resources => kind == "{}",
        Shape::Object(object) => {
            differences(types, object, of, at, found);
            kind.starts_with('=')
        }
        Shape::Objects(object) => {
            differences(types, object, of, &format!("{at}[]"), found);
            kind.starts_with("[]=")
        }
        // What is refused need not be looked into; what is accepted is, so that a misspelt key is none.
        Shape::Any => of.is_empty() || matches!(field.class, Class::NotYet(_)),
    };
    if !fits {
        found.insert(format!("{at} is {:?} here and {kind:?} in the API", field.shape));
    }
}

#[test]
fn the_table_has_the_fields_of_the_api_and_no_other() {
    let mut found = BTreeSet::new();
    differences(&types(), POD, "Pod", "Pod", &mut found);
    assert!(found.is_empty(), "{}", found.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_type_that_is_named_is_there() {
    let types = types();
    assert!(types.len() > 80, "{}", types.len());
    for (of, fields) in &types {
        for (name, kind) in fields {
            let known = match kind.rsplit_once('=') {
                Some((form, named)) => matches!(form, "" | "[]") && types.contains_key(named),
                None => ["", ":bool", ":int", ":any", "[]", "{}"].contains(kind),
            };
            assert!(known, "{of}.{name}{kind}");
        }
    }
}

#[test]
fn a_difference_is_found() {
    static WRONG: &Object = &Object {
        name: "hostPath",
        fields: &[
            super::acted("path", Shape::Bool),
            super::acted("typ", Shape::Text),
            super::ignored("type", Shape::Text),
        ],
    };
    let mut found = BTreeSet::new();
    differences(&types(), WRONG, "HostPath", "hostPath", &mut found);
    let found: Vec<String> = found.into_iter().collect();
    assert_eq!(found, ["hostPath.path is Bool here and \"\" in the API", "hostPath.typ is no field of HostPath"]);
}
