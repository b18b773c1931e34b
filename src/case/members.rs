//! Who takes part in a case, for expectations that name them.

use crate::diagnostic::nearest;
use crate::diagnostic::yaml::Cursor;
use crate::pod::{Pod, VolumeSource};

/// Names of a case's members.
#[derive(Debug, Default)]
pub(super) struct Members {
    all: Vec<String>,
    volumes: Vec<String>,
}

impl Members {
    /// Of the Pod and the one beside it: `sandbox`, its containers, `beside/sandbox`, `beside/<container>`.
    pub(super) fn of(pod: &Pod, beside: Option<&Pod>) -> Self {
        let names = |pod: &Pod, before: &str| {
            let containers = pod.spec.everyone().map(|container| container.name.as_str());
            std::iter::once("sandbox").chain(containers).map(|name| format!("{before}{name}")).collect::<Vec<_>>()
        };
        let mut all = names(pod, "");
        all.extend(beside.map(|beside| names(beside, "beside/")).unwrap_or_default());
        let made = pod.spec.volumes.iter().filter(|volume| !matches!(volume.source, VolumeSource::HostPath { .. }));
        Members { all, volumes: made.map(|volume| volume.name.clone()).collect() }
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<String> {
        self.all.clone()
    }

    /// The member named at a cursor; a fault if there is none.
    pub(super) fn one(&self, cursor: &Cursor<'_>) -> Option<String> {
        self.named(cursor, "member", |_| true)
    }

    /// The container named at a cursor; a fault if there is none.
    pub(super) fn container(&self, cursor: &Cursor<'_>) -> Option<String> {
        self.named(cursor, "container", |name| name != "sandbox" && name != "beside/sandbox")
    }

    /// The volume named at a cursor, one that is made for the case's Pod; a fault if there is none.
    pub(super) fn volume(&self, cursor: &Cursor<'_>) -> Option<String> {
        let name = cursor.text()?;
        if !self.volumes.iter().any(|volume| volume == name) {
            let help = match self.volumes.as_slice() {
                [] => "none is made for this Pod".to_owned(),
                volumes => format!("those made for this Pod are {}", volumes.join(", ")),
            };
            cursor.fault(format!("no volume is called {name:?}"), help);
            return None;
        }
        Some(name.to_owned())
    }

    /// The members listed at a cursor, at least `least`, none twice.
    pub(super) fn list(&self, cursor: &Cursor<'_>, least: usize) -> Option<Vec<String>> {
        let items = cursor.items()?;
        let mut members: Vec<String> = Vec::new();
        let mut complete = true;
        for item in &items {
            match self.one(item) {
                Some(name) if members.contains(&name) => {
                    item.fault(format!("{name} is named twice"), "name each member once")
                }
                Some(name) => members.push(name),
                None => complete = false,
            }
        }
        if complete && members.len() < least {
            let wanted =
                if least == 1 { "at least one member".to_owned() } else { format!("at least {least} members") };
            cursor.fault(format!("expected {wanted}, found {}", members.len()), "");
        }
        complete.then_some(members)
    }

    fn named(&self, cursor: &Cursor<'_>, what: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
        let text = cursor.text()?;
        let known: Vec<&str> = self.all.iter().map(String::as_str).filter(|name| fits(name)).collect();
        if known.contains(&text) {
            return Some(text.to_owned());
        }
        let list = known.join(", ");
        let help = match nearest(text, known.iter().copied()) {
            Some(name) => format!("did you mean {name}? this case has {list}"),
            None => format!("this case has {list}"),
        };
        cursor.fault(format!("no {what} is called {text:?}"), help);
        None
    }
}
