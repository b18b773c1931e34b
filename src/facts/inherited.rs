//! What a member inherited, and what of its cgroup is as the kernel made it: said by a word, so that no number of the host
//! stands in the document, or by the value where somebody set one.

use super::document::{self, Fact};
use super::normalise::value;
use crate::observe::{CONTROLS, Inherited, MemberSeen, Observation, Seen};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Stands for whatever whoever starts members has.
const INHERITED: &str = "inherited";

/// Without it nobody knows what a sandbox was started with: a daemon of somebody else's may pass orders on to another process.
const STARTER: &str = "private-daemon";

/// Without it nobody knows what a member's cgroup has from the Pod's.
const POD: &str = "pod-cgroup";

/// A container is compared with the first member, the sandbox; that with the process that starts them, if it is known.
pub fn inherited(name: &str, seen: &MemberSeen, observation: &Observation) -> document::Inherited {
    let first = observation.members.iter().find_map(|(first, _, seen)| Some((first, seen.as_ref()?)));
    let sandbox = first.filter(|(first, _)| *first != name).map(|(_, seen)| &seen.inherited);
    let host = &observation.host;
    let (own, from) = (&seen.inherited, Origin(sandbox.or(host.inherited.as_ref())));
    // A runtime may undo that its daemon is kept to some of the processors.
    let has_hosts_cpus = sandbox.is_none() && own.cpus == host.cpus;
    let cpus = if has_hosts_cpus { json!(INHERITED) } else { from.word(own, |of| json!(of.cpus)) };
    document::Inherited {
        umask: own.umask.map(|umask| format!("{umask:04o}")),
        nice: from.word(own, |of| json!(of.nice)),
        policy: from.word(own, |of| json!(of.policy)),
        io_priority: from.word(own, |of| value(&Fact(of.io_priority))),
        cpus,
        mems: mems(own, sandbox, observation),
        personality: from.word(own, |of| json!(format!("{:08x}", of.personality))),
        limits: Fact(match from.0 {
            Some(from) => Seen::Value(limits(own, from, sandbox.is_none())),
            None => Seen::Unobservable(STARTER),
        }),
    }
}

/// Where a process has from what it has.
struct Origin<'a>(Option<&'a Inherited>);

impl Origin<'_> {
    /// The word for what is the same in both; what the process has where that is another or cannot be seen.
    fn word(&self, own: &Inherited, of: impl Fn(&Inherited) -> Value) -> Value {
        let unseen = |value: &Value| super::unobservable(value).is_some();
        match (of(own), self.0.map(&of)) {
            (own, _) if unseen(&own) => own,
            (_, None) => value(&Fact::<()>(Seen::Unobservable(STARTER))),
            (_, Some(from)) if unseen(&from) => from,
            (own, Some(from)) if own == from => json!(INHERITED),
            (own, _) => own,
        }
    }
}

/// The sandbox has the nodes of its daemon or of the host, as far as these are there.
fn mems(own: &Inherited, sandbox: Option<&Inherited>, observation: &Observation) -> Value {
    let is_hosts = |list: &String| observation.host.mems.contains(list);
    match (&own.mems, sandbox) {
        (Seen::Unobservable(ability), None) => value(&Fact::<()>(Seen::Unobservable(ability))),
        (Seen::Value(list), None) if is_hosts(list) => json!(INHERITED),
        (_, None) if observation.host.mems.is_empty() => value(&Fact::<()>(Seen::Unobservable(STARTER))),
        (Seen::Value(list), None) => json!(list),
        (Seen::Absent, None) => Value::Null,
        (_, Some(sandbox)) => Origin(Some(sandbox)).word(own, |of| value(&Fact(of.mems.clone()))),
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
    let set = set.map(|(name, (soft, hard))| (name.clone(), format!("{soft}:{hard}")));
    let lacking = from.limits.keys().filter(|name| !own.limits.contains_key(*name));
    set.chain(lacking.map(|name| (name.clone(), "none".to_owned()))).collect()
}

/// Files of the member's cgroup that somebody wrote, though nobody has a reason to, and those that cannot be seen.
pub fn controls(seen: &MemberSeen, observation: &Observation) -> BTreeMap<&'static str, Fact<String>> {
    let pods = observation.pod.as_ref().map(|pod| &pod.cgroup.controls);
    let written = CONTROLS.iter().filter_map(|control| {
        let seen = seen.cgroup.controls.get(control.file)?;
        let of_pod = pods.and_then(|pods| pods.get(control.file)).and_then(Seen::value).map(String::as_str);
        let fact = match seen.value().map(|value| control.is_untouched(value, of_pod)) {
            Some(Some(true)) => return None,
            Some(None) => Seen::Unobservable(POD),
            Some(Some(false)) | None => seen.clone(),
        };
        Some((control.file, Fact(fact)))
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{CgroupSeen, Host, PodSeen};

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
        assert_eq!(limits(&Inherited::default(), &sandbox, false).len(), 2, "one that it lacks is not the same");
    }

    fn member(inherited: Inherited) -> MemberSeen {
        MemberSeen { inherited, ..MemberSeen::default() }
    }

    fn observed(members: Vec<MemberSeen>, host: Host) -> Observation {
        let names = ["sandbox", "app"].into_iter();
        let members = names.zip(members).map(|(name, seen)| (name.to_owned(), String::new(), Some(seen))).collect();
        Observation { members, pod: None, host, evidence: BTreeMap::new() }
    }

    fn words(name: &str, observation: &Observation) -> Value {
        let (_, _, seen) = observation.members.iter().find(|(other, ..)| other == name).expect("a member");
        value(&inherited(name, seen.as_ref().expect("it runs"), observation))
    }

    #[test]
    fn what_cannot_be_seen_is_not_inherited() {
        let blind = || {
            let (mems, io_priority) = (Seen::Unobservable("cpusets"), Seen::Unobservable("io-priority"));
            member(Inherited { mems, io_priority, cpus: "0-1".to_owned(), ..Inherited::default() })
        };
        let host = Host { inherited: Some(blind().inherited), cpus: "0-1".to_owned(), ..Host::default() };
        let observation = observed(vec![blind(), blind()], host);
        for name in ["sandbox", "app"] {
            let words = words(name, &observation);
            assert_eq!(words["io_priority"], json!({"unobservable": "io-priority"}), "{name}");
            assert!(words["mems"].get("unobservable").is_some(), "{name}: {words}");
            assert_eq!((&words["nice"], &words["cpus"]), (&json!("inherited"), &json!("inherited")), "{name}");
        }
    }

    #[test]
    fn a_sandbox_that_nobody_is_known_to_have_started_is_compared_with_nobody() {
        let seen = |nice, cpus: &str, mems: &str| {
            let (cpus, mems) = (cpus.to_owned(), Seen::Value(mems.to_owned()));
            member(Inherited { nice, cpus, mems, io_priority: Seen::Value(0), ..Inherited::default() })
        };
        let host = Host { cpus: "0-1".to_owned(), mems: ["0".to_owned()].into(), ..Host::default() };
        let unseen = json!({"unobservable": "private-daemon"});
        let observation = observed(vec![seen(5, "0", "0"), seen(5, "0-1", "1")], host);
        let sandbox = words("sandbox", &observation);
        for fact in ["nice", "policy", "io_priority", "cpus", "personality", "limits"] {
            assert_eq!(sandbox[fact], unseen, "{fact}");
        }
        assert_eq!(sandbox["mems"], json!("inherited"));
        let app = words("app", &observation);
        assert_eq!((&app["nice"], &app["cpus"], &app["mems"]), (&json!("inherited"), &json!("0-1"), &json!("1")));
    }

    #[test]
    fn a_control_that_cannot_be_seen_is_not_untouched() {
        let cgroup =
            |value: Seen<String>| CgroupSeen { controls: [("memory.swappiness", value)].into(), ..Default::default() };
        let of = |own: Seen<String>, pod: Option<Seen<String>>| {
            let seen = MemberSeen { cgroup: cgroup(own), ..MemberSeen::default() };
            let pod = pod.map(|value| PodSeen { cgroup: cgroup(value), ..PodSeen::default() });
            let observation =
                Observation { members: Vec::new(), pod, host: Host::default(), evidence: BTreeMap::new() };
            value(&controls(&seen, &observation))
        };
        let sixty = || Seen::Value("60".to_owned());
        let hidden = || Seen::Unobservable("cgroup-in-view");
        assert_eq!(of(sixty(), Some(sixty())), json!({}));
        assert_eq!(of(Seen::Value("1".to_owned()), Some(sixty())), json!({"memory.swappiness": "1"}));
        let unseen = |ability: &str| json!({"memory.swappiness": {"unobservable": ability}});
        assert_eq!(of(hidden(), Some(sixty())), unseen("cgroup-in-view"));
        assert_eq!(of(sixty(), Some(hidden())), unseen("pod-cgroup"));
        assert_eq!(of(sixty(), None), unseen("pod-cgroup"));
    }
}
