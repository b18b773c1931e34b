//! Changes to an OCI runtime's config.json. Each panics where what it is to change is not there: the runtime's call fails
//! then, and the trial with it.

use serde_json::{Value, json};
use std::path::Path;

/// Puts a value at a pointer, whose parents are made if they are not there.
pub fn set(config: &mut Value, pointer: &str, value: Value) {
    let mut at = config;
    for key in pointer.split('/').skip(1) {
        at = at.as_object_mut().expect("an object").entry(key).or_insert(json!({}));
    }
    *at = value;
}

/// Takes a value away.
pub fn remove(config: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = config.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    parent.remove(key).expect("was there");
}

/// A list, made if it is not there.
pub fn list<'a>(config: &'a mut Value, pointer: &str) -> &'a mut Vec<Value> {
    if config.pointer(pointer).is_none() {
        set(config, pointer, json!([]));
    }
    config.pointer_mut(pointer).and_then(Value::as_array_mut).expect("a list")
}

/// Takes a text out of a list.
pub fn without(config: &mut Value, pointer: &str, text: &str) {
    let list = list(config, pointer);
    let at = list.iter().position(|item| item == text).expect("was in the list");
    list.remove(at);
}

/// Multiplies a number.
pub fn times(config: &mut Value, pointer: &str, factor: i64) {
    let number = config.pointer_mut(pointer).expect("a number");
    *number = json!(number.as_i64().expect("a number") * factor);
}

/// The namespace of a kind becomes a new one (`Some("")`), one of a path, or is left out: the host's.
pub fn namespace(config: &mut Value, kind: &str, path: Option<&str>) {
    let all = list(config, "/linux/namespaces");
    all.retain(|namespace| namespace["type"] != kind);
    match path {
        None => {}
        Some("") => all.push(json!({"type": kind})),
        Some(path) => all.push(json!({"type": kind, "path": path})),
    }
}

/// The path of a namespace that the container joins.
pub fn joined(config: &mut Value, kind: &str) -> String {
    let all = list(config, "/linux/namespaces");
    let path = all.iter().find(|namespace| namespace["type"] == kind).and_then(|namespace| namespace["path"].as_str());
    path.expect("it joins one").to_owned()
}

/// The mount on a target.
pub fn mount<'a>(config: &'a mut Value, target: &str) -> &'a mut Value {
    let mounts = list(config, "/mounts");
    mounts.iter_mut().find(|mount| mount["destination"] == target).expect("is mounted")
}

/// Adds an option to the mount on a target.
pub fn option(config: &mut Value, target: &str, option: &str) {
    list(mount(config, target), "/options").push(json!(option));
}

/// Puts one option in the place of another.
pub fn instead(config: &mut Value, target: &str, old: &str, new: &str) {
    let mount = mount(config, target);
    without(mount, "/options", old);
    list(mount, "/options").push(json!(new));
}

/// Leaves the mount on a target out.
pub fn unmount(config: &mut Value, target: &str) {
    mount(config, target);
    list(config, "/mounts").retain(|mount| mount["destination"] != target);
}

/// A bind of a path of the host's.
pub fn bind(target: &str, source: &str, access: &str) -> Value {
    json!({"destination": target, "type": "bind", "source": source, "options": ["rbind", "rprivate", access]})
}

/// Puts another mount in the place of that on its target.
pub fn remount(config: &mut Value, other: Value) {
    let target = other["destination"].as_str().expect("has a target").to_owned();
    *mount(config, &target) = other;
}

/// A copy of the file that is mounted on a target, changed, takes its place.
pub fn copy(config: &mut Value, bundle: &Path, target: &str, change: impl FnOnce(String) -> String) {
    let mount = mount(config, target);
    let source = mount["source"].as_str().expect("a bind");
    let text = std::fs::read_to_string(source).expect("the file can be read");
    let copy = bundle.join("copy");
    std::fs::write(&copy, change(text)).expect("the bundle can be written");
    mount["source"] = json!(copy);
}

/// Adds capabilities to some of the sets.
pub fn capable(config: &mut Value, sets: &[&str], name: &str) {
    for set in sets {
        list(config, &format!("/process/capabilities/{set}")).push(json!(name));
    }
}

/// Takes a capability from some of the sets.
pub fn incapable(config: &mut Value, sets: &[&str], name: &str) {
    for set in sets {
        without(config, &format!("/process/capabilities/{set}"), name);
    }
}

/// A variable of the environment has another value, or is not there.
pub fn variable(config: &mut Value, name: &str, value: Option<&str>) {
    let all = list(config, "/process/env");
    all.retain(|entry| !entry.as_str().is_some_and(|entry| entry.starts_with(&format!("{name}="))));
    all.extend(value.map(|value| json!(format!("{name}={value}"))));
}

/// A resource limit, soft and hard.
pub fn limit(config: &mut Value, name: &str, number: u64) {
    list(config, "/process/rlimits").push(json!({"type": name, "soft": number, "hard": number}));
}
