//! The sysctls that a Pod asks for: what every member sees, and that the host's own stay as they were.

use crate::facts::Facts;
use crate::observe::{self, Subject};
use crate::pod::Pod;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The host's values before the Pod was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    names: Vec<String>,
    host: BTreeMap<String, Option<String>>,
}

impl Asked {
    /// Takes note of the host's values of what a Pod is about to ask for.
    pub(super) fn before(pod: &Pod) -> Asked {
        let names: Vec<String> = pod.spec.security.sysctls.iter().map(|sysctl| sysctl.name.clone()).collect();
        let host = observe::sysctls_here(&names);
        Asked { names, host }
    }

    /// Adds `members.<name>.asked_sysctls` and `pod.host_sysctls` to the facts of a Pod that asks for some.
    pub(super) fn add(&self, facts: &mut Facts, subjects: &[Subject<'_>]) -> Result<(), String> {
        if self.names.is_empty() {
            return Ok(());
        }
        for subject in subjects {
            let Some(member) = object(&mut facts.document, &["members", subject.name]) else { continue };
            if member.get("state").and_then(Value::as_str) != Some("running") {
                continue;
            }
            let seen = observe::sysctls_of(subject, &self.names).map_err(|error| error.to_string())?;
            let seen: Map<String, Value> = seen.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
            member.insert("asked_sysctls".to_owned(), Value::Object(seen));
        }
        let now = observe::sysctls_here(&self.names);
        let changed = |(name, value): (String, Option<String>)| {
            let same = self.host.get(&name) == Some(&value);
            (name, if same { Value::from("unchanged") } else { Value::from(value) })
        };
        if let Some(pod) = object(&mut facts.document, &["pod"]) {
            pod.insert("host_sysctls".to_owned(), Value::Object(now.into_iter().map(changed).collect()));
        }
        Ok(())
    }
}

fn object<'a>(document: &'a mut Value, path: &[&str]) -> Option<&'a mut Map<String, Value>> {
    path.iter().try_fold(document, |value, key| value.get_mut(key))?.as_object_mut()
}
