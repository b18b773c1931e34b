//! Values that a container or volume takes from elsewhere: ConfigMaps, Secrets, and the Pod itself (the downward API).
//! Source: Kubernetes pkg/kubelet/kubelet_pods.go, `makeEnvironmentVariables`, and pkg/fieldpath.

use super::later::Later;
use super::names;
use super::objects::{Data, Objects};
use crate::diagnostic::yaml::Cursor;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What stands in for the value of a key that only the cluster has.
pub(super) const STAND_IN: &str = "stand-in";
/// The name of the node that a Pod comes to which names none.
const NODE_NAME: &str = "podcheck-node";
/// The address of that node, one of those that are for documentation (RFC 5737): nobody has it.
const NODE_ADDRESS: &str = "192.0.2.1";

/// What may be taken.
pub(super) struct Elsewhere<'a> {
    /// ConfigMaps and Secrets.
    pub objects: &'a Objects,
    /// The Pod's own.
    pub metadata: &'a Metadata,
    /// The Pod's spec.
    pub spec: &'a Cursor<'a>,
    /// Where it is noted what was stood in for; `None` where nothing may be.
    pub stood_in: Option<&'a RefCell<Vec<String>>>,
}

/// `metadata` and what else of a Pod the downward API gives.
#[derive(Clone, Debug, Default)]
pub(super) struct Metadata {
    pub name: String,
    pub namespace: String,
    pub uid: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub node_name: Option<String>,
    pub service_account: Option<String>,
    /// The Pod has no address of its own.
    pub host_network: bool,
}

/// What became of a reference to an object.
#[derive(Clone, Copy)]
pub(super) enum Found<'a> {
    /// It is there.
    Data(&'a Data),
    /// Only the cluster has it, and something stands in for it.
    StandIn,
    /// It is optional and not there, or together with a fault.
    Absent,
}

/// A kind of object to take from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    ConfigMap,
    Secret,
}

impl Elsewhere<'_> {
    /// Whether something may stand in for what only the cluster has; if so it is noted.
    pub fn stands_in(&self, what: &str) -> bool {
        let Some(noted) = self.stood_in else { return false };
        let mut noted = noted.borrow_mut();
        if !noted.iter().any(|known| known == what) {
            noted.push(what.to_owned());
        }
        true
    }

    /// The object that a reference names under `key`.
    pub fn object(&self, cursor: &Cursor<'_>, key: &str, from: From) -> Found<'_> {
        let Some(value) = cursor.get(key) else {
            cursor.fault_at_key("the reference has no name", format!("add {key}:"));
            return Found::Absent;
        };
        let Some(name) = names::subdomain(&value) else { return Found::Absent };
        let (all, what, place) = match from {
            From::ConfigMap => (&self.objects.config_maps, "ConfigMap", "configMaps"),
            From::Secret => (&self.objects.secrets, "Secret", "secrets"),
        };
        match all.get(&name) {
            Some(data) => Found::Data(data),
            None if optional(cursor) => Found::Absent,
            None if self.stands_in(&format!("{what} {name}")) => Found::StandIn,
            None => {
                let help = format!("give it under {place}: in a case, or as a document in the manifest's file");
                value.fault(format!("there is no {what} {name:?}"), help);
                Found::Absent
            }
        }
    }

    /// The value of a `configMapKeyRef` or `secretKeyRef`; `None` if it is optional and not there, or together with a fault.
    pub fn key(&self, cursor: &Cursor<'_>, from: From) -> Option<String> {
        let data = self.object(cursor, "name", from);
        let Some(key) = cursor.get("key") else {
            cursor.fault_at_key("the reference has no key", "add key:");
            return None;
        };
        let name = key.text()?;
        let data = match data {
            Found::Data(data) => data,
            Found::StandIn => return Some(STAND_IN.to_owned()),
            Found::Absent => return None,
        };
        match data.get(name).map(|bytes| String::from_utf8(bytes.clone())) {
            Some(Ok(text)) if !text.contains('\0') => Some(text),
            Some(_) => {
                key.fault(format!("{name:?} is not text"), "an environment variable is text");
                None
            }
            None => {
                if !optional(cursor) {
                    let known: Vec<&str> = data.keys().map(String::as_str).collect();
                    key.fault(format!("it has no key {name:?}"), format!("it has {}", known.join(", ")));
                }
                None
            }
        }
    }

    /// The value of a `fieldRef`; whole maps of labels and annotations only as a file.
    pub fn field(&self, cursor: &Cursor<'_>, as_file: bool) -> Option<String> {
        if let Some(version) = cursor.get("apiVersion") {
            version.one_of(&["v1"])?;
        }
        let Some(value) = cursor.get("fieldPath") else {
            cursor.fault_at_key("the fieldRef has no fieldPath", "add fieldPath:");
            return None;
        };
        let path = value.text()?;
        let meta = self.metadata;
        let unknown = |what: &str| {
            let help =
                format!("only the cluster knows {what}; set it in the manifest, or remove this to judge the rest");
            value.fault(format!("{path} is not implemented yet"), help);
        };
        if let Some((map, key)) = path.strip_suffix(']').and_then(|path| path.split_once("['")) {
            let map = match map {
                "metadata.labels" => Some(&meta.labels),
                "metadata.annotations" => Some(&meta.annotations),
                _ => None,
            };
            if let (Some(map), Some(key)) = (map, key.strip_suffix('\'')) {
                return Some(map.get(key).cloned().unwrap_or_default());
            }
        }
        match path {
            "metadata.name" => return Some(meta.name.clone()),
            "metadata.namespace" => return Some(meta.namespace.clone()),
            "metadata.labels" if as_file => return Some(lines(&meta.labels)),
            "metadata.annotations" if as_file => return Some(lines(&meta.annotations)),
            "spec.serviceAccountName" if !as_file => {
                return Some(meta.service_account.clone().unwrap_or_else(|| "default".to_owned()));
            }
            "metadata.uid" if meta.uid.is_some() => return meta.uid.clone(),
            "metadata.uid" => return Some(Later::Uid.mark().to_owned()),
            "spec.nodeName" if !as_file && meta.node_name.is_some() => return meta.node_name.clone(),
            "spec.nodeName" if !as_file && self.stands_in("the name of the node") => return Some(NODE_NAME.to_owned()),
            "spec.nodeName" if !as_file => unknown("the node"),
            // The Pods of podcheck have one address.
            "status.podIP" | "status.podIPs" if !as_file && !meta.host_network => {
                return Some(Later::Address.mark().to_owned());
            }
            "status.hostIP" | "status.podIP" | "status.hostIPs" | "status.podIPs" if !as_file => {
                if self.stands_in("the address of the node") {
                    return Some(NODE_ADDRESS.to_owned());
                }
                unknown("a node's address");
            }
            _ => value.fault(
                format!("{path:?} is no field that a Pod gives"),
                "as in metadata.name, metadata.namespace, metadata.labels['KEY']",
            ),
        }
        None
    }
}

/// `optional: true`.
pub(super) fn optional(cursor: &Cursor<'_>) -> bool {
    cursor.get("optional").and_then(|value| value.boolean()).unwrap_or_default()
}

/// `key="value"`, a line each, sorted, without an end of line at the end.
fn lines(map: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (key, value) in map {
        let _ = writeln!(text, "{key}={value:?}");
    }
    text.trim_end_matches('\n').to_owned()
}
