//! The sysctls that a Pod asks for: what every member sees, and that the host's own stay as they were.

use crate::facts::{self, Facts};
use crate::observe::{self, Changed, Subject};
use crate::pod::Pod;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The host's values before the Pod was asked for.
#[derive(Debug)]
pub(super) struct Asked {
    names: Vec<String>,
    host: BTreeMap<String, Option<String>>,
}

impl Asked {
    /// Takes note of the host's values of what a Pod is about to ask for.
    pub(super) fn before(pod: &Pod) -> Result<Asked, String> {
        let names: Vec<String> = pod.spec.security.sysctls.iter().map(|sysctl| sysctl.name.clone()).collect();
        let host = observe::sysctls_here(&names).map_err(|error| error.to_string())?;
        Ok(Asked { names, host })
    }

    /// An error if the host has changed while the Pod was up, so that nothing can be said of the Pod. What the Pod itself
    /// asks for is held against its runtime instead, by [`Asked::add`].
    pub(super) fn refuse_changes(&self, changed: &[Changed]) -> Result<(), String> {
        let own = |change: &Changed| self.names.iter().any(|name| change.is_of_sysctl(name));
        let changed: Vec<String> = changed.iter().filter(|change| !own(change)).map(Changed::to_string).collect();
        if changed.is_empty() {
            Ok(())
        } else {
            Err(format!("the host changed during the run: {}", changed.join("; ")))
        }
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
        let now = observe::sysctls_here(&self.names).map_err(|error| error.to_string())?;
        if let Some(pod) = object(&mut facts.document, &["pod"]) {
            let of_host = now.into_iter().map(|(name, value)| {
                let fact = of_host(self.host.get(&name).and_then(Option::as_deref), value.as_deref());
                (name, fact)
            });
            pod.insert("host_sysctls".to_owned(), Value::Object(of_host.collect()));
        }
        Ok(())
    }
}

/// What became of one of the host's own. Of one that the host does not show nothing is known.
fn of_host(before: Option<&str>, now: Option<&str>) -> Value {
    match (before, now) {
        (Some(before), Some(now)) if before == now => Value::from("unchanged"),
        (_, Some(now)) => Value::from(now),
        (_, None) => json!({facts::UNOBSERVABLE: "host-sysctl"}),
    }
}

fn object<'a>(document: &'a mut Value, path: &[&str]) -> Option<&'a mut Map<String, Value>> {
    path.iter().try_fold(document, |value, key| value.get_mut(key))?.as_object_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sysctl_that_the_host_does_not_show_is_not_unchanged() {
        assert_eq!(of_host(Some("1"), Some("1")), json!("unchanged"));
        assert_eq!(of_host(Some("1"), Some("2")), json!("2"));
        assert_eq!(of_host(None, None), json!({"unobservable": "host-sysctl"}));
        assert_eq!(of_host(Some("1"), None), json!({"unobservable": "host-sysctl"}));
        assert_eq!(of_host(None, Some("1")), json!("1"));
    }

    #[test]
    fn a_host_that_changed_is_named_but_for_what_the_pod_asks_for() {
        let asked = Asked { names: vec!["kernel.sem".to_owned()], host: BTreeMap::new() };
        let change = |what: &str| Changed { what: what.to_owned(), was: vec!["0".to_owned()], is: "1".to_owned() };
        let own = change("kernel.sem of new namespaces");
        assert_eq!(asked.refuse_changes(&[]), Ok(()));
        assert_eq!(asked.refuse_changes(std::slice::from_ref(&own)), Ok(()));
        let said = asked.refuse_changes(&[own, change("net.ipv4.ip_forward of new namespaces")]).expect_err("a change");
        assert_eq!(said, "the host changed during the run: net.ipv4.ip_forward of new namespaces was 0, is 1");
    }
}
