//! What a member inherited, and what of its cgroup is as the kernel made it: said by a word, so that no number of the host
//! stands in the document, or by the value where somebody set one.

use super::document;
use crate::observe::{CONTROLS, Inherited, MemberSeen, Observation};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Stands for whatever whoever starts members has.
const INHERITED: &str = "inherited";

/// A container is compared with the first member, the sandbox; that with the process that starts them, if it is known.
pub fn inherited(name: &str, seen: &MemberSeen, observation: &Observation) -> document::Inherited {
    let first = observation.members.iter().find_map(|(first, _, seen)| Some((first, seen.as_ref()?)));
    let sandbox = first.filter(|(first, _)| *first != name).map(|(_, seen)| &seen.inherited);
    let from = sandbox.or(observation.host.inherited.as_ref());
    let own = &seen.inherited;
    let word = |same: bool, value: Value| if same { json!(INHERITED) } else { value };
    let as_before = |same: fn(&Inherited, &Inherited) -> bool| from.is_none_or(|from| same(own, from));
    document::Inherited {
        umask: own.umask.map(|umask| format!("{umask:04o}")),
        nice: word(as_before(|own, from| own.nice == from.nice), json!(own.nice)),
        policy: word(as_before(|own, from| own.policy == from.policy), json!(own.policy)),
        io_priority: word(as_before(|own, from| own.io_priority == from.io_priority), json!(own.io_priority)),
        // A runtime may undo that its daemon is kept to some of the processors.
        cpus: word(
            as_before(|own, from| own.cpus == from.cpus) || sandbox.is_none() && own.cpus == observation.host.cpus,
            json!(own.cpus),
        ),
        // A daemon's list is that of another cpuset, which may have nodes in it that are not there.
        mems: word(sandbox.is_none_or(|from| own.mems == from.mems), json!(own.mems)),
        personality: word(
            as_before(|own, from| own.personality == from.personality),
            json!(format!("{:08x}", own.personality)),
        ),
        limits: from.map(|from| limits(own, from, sandbox.is_none())).unwrap_or_default(),
    }
}

/// Resource limits that are not as in `from`, as `soft:hard`. A daemon written in Go raises its own soft limit of open
/// files, and what it starts has the one from before or the raised one.
fn limits(own: &Inherited, from: &Inherited, of_daemon: bool) -> BTreeMap<String, String> {
    let same = |name: &str, limit: &(String, String)| match from.limits.get(name) {
        Some((_, hard)) if of_daemon && name == "nofile" => *hard == limit.1,
        other => other == Some(limit),
    };
    let set = own.limits.iter().filter(|(name, limit)| !same(name, limit));
    set.map(|(name, (soft, hard))| (name.clone(), format!("{soft}:{hard}"))).collect()
}

/// Files of the member's cgroup that somebody wrote, though nobody has a reason to.
pub fn controls(seen: &MemberSeen, observation: &Observation) -> BTreeMap<&'static str, String> {
    let pods = observation.pod.as_ref().map(|pod| &pod.cgroup.controls);
    let written = CONTROLS.iter().filter_map(|control| {
        let value = seen.cgroup.controls.get(control.file)?;
        let of_pod = pods.and_then(|pods| pods.get(control.file)).map(String::as_str);
        (!control.is_untouched(value, of_pod)).then(|| (control.file, value.clone()))
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(nofile: (&str, &str), core: &str) -> Inherited {
        let limit = |soft: &str, hard: &str| (soft.to_owned(), hard.to_owned());
        let limits = [("nofile", limit(nofile.0, nofile.1)), ("core", limit(core, core))];
        Inherited { limits: limits.map(|(name, limit)| (name.to_owned(), limit)).into(), ..Inherited::default() }
    }

    #[test]
    fn limits_that_were_set_stand_out() {
        let daemon = limited(("524288", "524288"), "0");
        let sandbox = limited(("1024", "524288"), "0");
        assert_eq!(limits(&sandbox, &daemon, true), BTreeMap::new(), "Go raised the daemon's own soft limit");
        let of_neighbour = limits(&limited(("524288", "524288"), "0"), &sandbox, false);
        assert_eq!(of_neighbour, BTreeMap::from([("nofile".to_owned(), "524288:524288".to_owned())]));
        let lowered = limits(&limited(("1024", "2048"), "unlimited"), &daemon, true);
        assert_eq!(lowered.keys().collect::<Vec<_>>(), ["core", "nofile"]);
    }
}
