//! `spec.volumes[]`.

use super::elsewhere::{Elsewhere, Found, From, STAND_IN, optional};
use super::objects::Data;
use super::{HostPathType, Volume, VolumeFile, VolumeSource, fields, names, resource_field, resources, token};
use crate::diagnostic::yaml::{Cursor, Kind};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Mode of files from ConfigMaps and the like, if nothing else is said.
const DEFAULT_MODE: u32 = 0o644;

/// Names of the volumes, of those with faults too: what mounts them is not at fault.
pub(super) fn volume_names(spec: &Cursor<'_>) -> Vec<String> {
    let items = spec.get("volumes").and_then(|volumes| volumes.items()).unwrap_or_default();
    items.iter().filter_map(|item| item.node().get("name")).map(|name| name.written.clone()).collect()
}

/// Names of those that are paths of the host.
pub(super) fn host_paths(spec: &Cursor<'_>) -> Vec<String> {
    let items = spec.get("volumes").and_then(|volumes| volumes.items()).unwrap_or_default();
    let of_host = items.iter().filter(|item| item.node().get("hostPath").is_some());
    of_host.filter_map(|item| item.node().get("name")).map(|name| name.written.clone()).collect()
}

/// Reads the volumes of a spec whose fields have been checked.
pub(super) fn volumes(spec: &Cursor<'_>, elsewhere: &Elsewhere<'_>, not_acted_on: &mut Vec<String>) -> Vec<Volume> {
    let mut volumes: Vec<Volume> = Vec::new();
    for item in spec.get("volumes").and_then(|volumes| volumes.items()).unwrap_or_default() {
        let Kind::Map(_) = item.node().kind else {
            continue;
        };
        let Some(name_at) = item.get("name") else {
            item.fault("a volume has no name", "add name:");
            continue;
        };
        let Some(name) = names::label(&name_at) else {
            continue;
        };
        if volumes.iter().any(|volume| volume.name == name) {
            name_at
                .fault(format!("the Pod has a volume {name:?} already"), "each volume of a Pod has a name of its own");
        }
        // A kubelet evicts a Pod for an emptyDir on disk that grows beyond its sizeLimit; the directory itself has no bound.
        let source = volume_source(&item, &name, elsewhere);
        if let (Some(VolumeSource::EmptyDir), Some(limit)) =
            (&source, item.get("emptyDir").and_then(|dir| dir.get("sizeLimit")))
        {
            fields::note(not_acted_on, limit.path());
        }
        if let Some(source) = source {
            volumes.push(Volume { name, source });
        }
    }
    volumes
}

/// A volume that says nothing is an emptyDir, as the API server has it.
fn volume_source(item: &Cursor<'_>, volume: &str, elsewhere: &Elsewhere<'_>) -> Option<VolumeSource> {
    let entries = item.entries()?;
    let sources: Vec<_> =
        entries.iter().filter(|(key, value)| *key != "name" && !matches!(value.node().kind, Kind::Null)).collect();
    if let Some((_, second)) = sources.get(1) {
        second.fault_at_key("a volume has one source", "remove the other one");
        return None;
    }
    let Some((key, value)) = sources.first() else { return Some(VolumeSource::EmptyDir) };
    if *key == "hostPath" {
        return host_path(value);
    }
    if *key == "emptyDir" {
        return empty_dir(value);
    }
    let content = Content { volume, elsewhere };
    let mode = value.get("defaultMode").map_or(Some(DEFAULT_MODE), |value| mode(&value));
    let memory = *key != "configMap";
    let files = match *key {
        "configMap" => content.of_object(value, "name", From::ConfigMap, mode?),
        "secret" => content.of_object(value, "secretName", From::Secret, mode?),
        "downwardAPI" => content.of_pod(value, mode?),
        "projected" => content.projected(value, mode?),
        _ => {
            // The check of the fields takes an empty value for an unset one.
            if value.node().is_empty() {
                value.fault_at_key(
                    "not implemented yet",
                    "only emptyDir, hostPath, configMap, secret, downwardAPI and projected so far",
                );
            }
            return None;
        }
    };
    Some(VolumeSource::Files { memory, files })
}

fn empty_dir(cursor: &Cursor<'_>) -> Option<VolumeSource> {
    let size = match cursor.get("sizeLimit") {
        Some(value) => Some(resources::quantity(&value)?),
        None => None,
    };
    match cursor.get("medium").map(|value| value.one_of(&["", "Memory"])) {
        None | Some(Some("")) => Some(VolumeSource::EmptyDir),
        Some(Some(_)) => Some(VolumeSource::Memory { size_bytes: size.map(|size| size.value()).filter(|s| *s > 0) }),
        Some(None) => None,
    }
}

/// What files are made of.
struct Content<'a> {
    /// The volume's name.
    volume: &'a str,
    elsewhere: &'a Elsewhere<'a>,
}

impl Content<'_> {
    fn of_object(&self, cursor: &Cursor<'_>, name: &str, from: From, mode: u32) -> Vec<VolumeFile> {
        let found = self.elsewhere.object(cursor, name, from);
        let Some(items) = cursor.get("items") else {
            return match found {
                Found::Data(all) => all.iter().map(|(path, content)| file(path.clone(), content, mode)).collect(),
                Found::StandIn => self.mounted().map(|path| file(path, STAND_IN.as_bytes(), mode)).collect(),
                Found::Absent => Vec::new(),
            };
        };
        let one = |item: &Cursor<'_>| {
            let (key, path) = (field(item, "key")?, path(item)?);
            let mode = item_mode(item, mode)?;
            match found {
                Found::Data(data) => file_of_key(data, &key, path, mode, optional(cursor)),
                Found::StandIn => Some(file(path, STAND_IN.as_bytes(), mode)),
                Found::Absent => None,
            }
        };
        items.items().unwrap_or_default().iter().filter_map(one).collect()
    }

    /// Names of files of the volume as far as the containers say them: what they mount alone.
    fn mounted(&self) -> impl Iterator<Item = String> {
        let lists = ["containers", "initContainers"].map(|kind| self.elsewhere.spec.get(kind)?.items());
        let containers = lists.into_iter().flatten().flatten();
        let mounts = containers.filter_map(|container| container.get("volumeMounts")?.items()).flatten();
        let of_volume = mounts.filter(|mount| mount.node().get("name").is_some_and(|name| name.written == self.volume));
        let paths = of_volume.filter_map(|mount| mount.node().get("subPath").map(|path| path.written.clone()));
        let files: BTreeSet<String> = paths.filter(|path| is_file_path(path)).collect();
        files.into_iter()
    }

    /// The downward API.
    fn of_pod(&self, cursor: &Cursor<'_>, mode: u32) -> Vec<VolumeFile> {
        let items = cursor.get("items").and_then(|items| items.items()).unwrap_or_default();
        let one = |item: &Cursor<'_>| {
            let path = path(item)?;
            let mode = item_mode(item, mode)?;
            let text = match (item.get("fieldRef"), item.get("resourceFieldRef")) {
                (Some(field), None) => self.elsewhere.field(&field, true)?,
                (None, Some(reference)) => resource_field::value(&reference, None, self.elsewhere)?,
                _ => {
                    item.fault("a file has one source", "either fieldRef or resourceFieldRef");
                    return None;
                }
            };
            Some(file(path, text.as_bytes(), mode))
        };
        items.iter().filter_map(one).collect()
    }

    /// Several in one directory; a later one takes the place of an earlier at the same path.
    fn projected(&self, cursor: &Cursor<'_>, mode: u32) -> Vec<VolumeFile> {
        let mut files: Vec<VolumeFile> = Vec::new();
        for source in cursor.get("sources").and_then(|sources| sources.items()).unwrap_or_default() {
            for (key, value) in source.entries().unwrap_or_default() {
                let more = match key {
                    "configMap" => self.of_object(&value, "name", From::ConfigMap, mode),
                    "secret" => self.of_object(&value, "name", From::Secret, mode),
                    "downwardAPI" => self.of_pod(&value, mode),
                    "serviceAccountToken" => token::file(&value, mode, self.elsewhere).into_iter().collect(),
                    _ => continue,
                };
                for file in more {
                    files.retain(|other| other.path != file.path);
                    files.push(file);
                }
            }
        }
        files
    }
}

fn file(path: String, content: &[u8], mode: u32) -> VolumeFile {
    VolumeFile { path, content: content.to_vec(), mode, owner: None }
}

fn file_of_key(data: &Data, key: &Cursor<'_>, path: String, mode: u32, optional: bool) -> Option<VolumeFile> {
    let name = key.text()?;
    let found = data.get(name);
    if found.is_none() && !optional {
        let known: Vec<&str> = data.keys().map(String::as_str).collect();
        key.fault(format!("it has no key {name:?}"), format!("it has {}", known.join(", ")));
    }
    Some(file(path, found?, mode))
}

fn field<'a>(item: &Cursor<'a>, name: &str) -> Option<Cursor<'a>> {
    let found = item.get(name);
    if found.is_none() {
        item.fault(format!("a file has no {name}"), format!("add {name}:"));
    }
    found
}

fn is_file_path(text: &str) -> bool {
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    !text.starts_with("..") && text.split('/').all(plain)
}

/// A path below the volume.
pub(super) fn path(item: &Cursor<'_>) -> Option<String> {
    let value = field(item, "path")?;
    let text = value.text()?;
    if !is_file_path(text) {
        value.fault(format!("{text:?} cannot be a file of a volume"), "expected a relative path without `..`");
        return None;
    }
    Some(text.to_owned())
}

fn item_mode(item: &Cursor<'_>, default: u32) -> Option<u32> {
    item.get("mode").map_or(Some(default), |value| mode(&value))
}

/// `0644` is octal to the YAML that Kubernetes reads.
fn mode(value: &Cursor<'_>) -> Option<u32> {
    let node = value.node();
    if let Kind::Text(text) = &node.kind
        && !node.quoted
        && let Some(digits) = text.strip_prefix('0')
        && let Ok(mode) = u32::from_str_radix(digits, 8)
        && mode <= 0o777
    {
        return Some(mode);
    }
    value.integer(0, 0o777).and_then(|mode| u32::try_from(mode).ok())
}

fn host_path(cursor: &Cursor<'_>) -> Option<VolumeSource> {
    let kinds = ["", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket", "CharDevice", "BlockDevice"];
    let kind = match cursor.get("type") {
        None => HostPathType::Unset,
        Some(value) => match value.one_of(&kinds)? {
            "Directory" => HostPathType::Directory,
            "DirectoryOrCreate" => HostPathType::DirectoryOrCreate,
            "File" => HostPathType::File,
            "FileOrCreate" => HostPathType::FileOrCreate,
            "Socket" => HostPathType::Socket,
            "CharDevice" => HostPathType::CharDevice,
            "BlockDevice" => HostPathType::BlockDevice,
            _ => HostPathType::Unset,
        },
    };
    let Some(value) = cursor.get("path") else {
        cursor.fault_at_key("a hostPath has no path", "add path:");
        return None;
    };
    let path = value.text()?;
    if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
        value.fault(format!("{path:?} cannot be a hostPath"), "expected an absolute path without `..`");
        return None;
    }
    Some(VolumeSource::HostPath { path: PathBuf::from(path), kind })
}
