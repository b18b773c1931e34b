//! From what was seen to the document.

use super::document::{self, Fact, LimitFact, ShareFact};
use super::mounts::Classes;
use super::naming::{Names, Naming};
use super::path::plain;
use super::{Facts, capabilities, inherited, instances, network};
use crate::observe::{
    self, CgroupSeen, InodeId, Limit, Limits, MemberSeen, Memberships, Observation, Outside, Seccomp, Seen,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Kinds of namespaces in the document's order.
const KINDS: [&str; 8] = ["net", "ipc", "uts", "pid", "mnt", "user", "cgroup", "time"];

/// Identity of a namespace of a kind that the kernel lacks: everybody is in the same.
const NO_SUCH_KIND: &str = "none";

/// Makes the document of an observation.
pub fn normalise(observation: &Observation, naming: &Naming) -> Facts {
    let names = Names::new(naming, observation);
    let view = View { observation, names: &names };
    let mut facts = Facts::default();
    let mut members = Map::new();
    for (name, _, seen) in &observation.members {
        let member = match seen {
            Some(seen) => {
                facts.identities.insert(name.clone(), identities(seen));
                sources(&mut facts.sources, name, seen);
                view.member(name, seen)
            }
            None => document::Member { state: "exited", ..document::Member::default() },
        };
        members.insert(name.clone(), value(&member));
    }
    if let Some(pod) = &observation.pod {
        cgroup_sources(&mut facts.sources, "pod.cgroup", "pod.events", &pod.cgroup);
    }
    let document = [("pod".to_owned(), value(&view.pod())), ("members".to_owned(), Value::Object(members))];
    facts.document = Value::Object(Map::from_iter(document));
    facts
}

struct View<'a> {
    observation: &'a Observation,
    names: &'a Names<'a>,
}

impl View<'_> {
    fn pod(&self) -> document::Pod {
        let pod = self.observation.pod.as_ref();
        let mut running = self.observation.members.iter().filter_map(|(_, _, seen)| seen.as_ref()).peekable();
        let network = match (running.peek().is_some(), running.find_map(|seen| seen.network.as_ref())) {
            (_, Some(network)) => value(&network::network(network)),
            (true, None) => Value::from("host"),
            (false, None) => Value::Null,
        };
        document::Pod {
            network,
            strays: pod.map(|pod| pod.strays.iter().map(|line| self.names.text(line)).collect()),
            cgroup: pod.map(|pod| limits(&pod.cgroup.limits)),
            events: pod.map(|pod| events(&pod.cgroup.events)),
        }
    }

    fn member(&self, name: &str, seen: &MemberSeen) -> document::Member {
        let (host, places) = (&self.observation.host.mounts, &seen.places);
        let asked = self.names.asked(name, places);
        let classes = Classes { names: self.names, host, memberships: &seen.memberships, places, asked };
        document::Member {
            state: "running",
            is_pid_one: seen.own_pid.map(|pid| pid == 1),
            namespaces: Some(self.namespaces(name, seen)),
            cgroup: Some(self.cgroup(seen)),
            limits: Some(self.limits(&seen.cgroup.limits)),
            credentials: Some(credentials(&seen.credentials, seen.ids.as_ref())),
            security: Some(security(seen)),
            mounts: Some(classes.mounts(&seen.mounts)),
            paths: places.iter().filter(|(path, place)| plain(path) != **place).map(owned).collect(),
            instances: Some(instances::instances(seen, self.observation, |has| self.first_with(name, has))),
            shm: self.shm(name, seen),
            uts: Some(document::Uts {
                hostname: seen.hostname.as_deref().map(|hostname| self.text_of(seen, hostname)),
                domainname: seen.domainname.as_ref().map(|name| self.domainname(name)),
            }),
            oom: Some(document::Oom { score_adj: seen.oom_score_adj }),
            environment: Some(self.environment(name, seen)),
            inherited: Some(inherited::inherited(name, seen, self.observation)),
            controls: Some(inherited::controls(seen, self.observation)),
            sysctls: Fact(seen.sysctls.clone()),
            files: Some(
                seen.files.iter().map(|(path, text)| ((*path).to_owned(), self.file(seen, path, text))).collect(),
            ),
            events: Some(events(&seen.cgroup.events)),
        }
    }

    fn namespaces(&self, name: &str, seen: &MemberSeen) -> Map<String, Value> {
        KINDS
            .into_iter()
            .map(|kind| {
                let shared = match seen.namespaces.get(kind) {
                    None => "host".to_owned(),
                    Some(id) if self.observation.host.namespaces.get(kind).is_some_and(|host| host.contains(id)) => {
                        "host".to_owned()
                    }
                    Some(id) => self.first_with(name, |other| other.namespaces.get(kind) == Some(id)),
                };
                (kind.to_owned(), Value::String(shared))
            })
            .collect()
    }

    /// `own`, or the first member in order that has the same.
    fn first_with(&self, name: &str, has: impl Fn(&MemberSeen) -> bool) -> String {
        let first = self.observation.members.iter().find(|(_, _, other)| other.as_ref().is_some_and(&has));
        match first.map(|(first, _, _)| first.as_str()) {
            Some(first) if first != name => {
                if first == "sandbox" {
                    "sandbox".to_owned()
                } else {
                    format!("={first}")
                }
            }
            _ => "own".to_owned(),
        }
    }

    fn limits(&self, seen: &Limits) -> document::Limits {
        let mut facts = limits(seen);
        if let Seen::Value(Limit::At(pids)) = seen.pids
            && self.names.default_pids() == Some(pids)
        {
            facts.pids = Fact(Seen::Value(LimitFact::Default));
        }
        facts
    }

    fn cgroup(&self, seen: &MemberSeen) -> document::Cgroup {
        let memberships = &seen.memberships;
        let outside = Fact(seen.outside.clone().map(|found| found.iter().map(|one| self.outside(one)).collect()));
        let unified_is_mounted = self.observation.host.mounts.iter().any(|mount| mount.kind == "cgroup2");
        let unified = memberships.unified.as_deref().filter(|_| unified_is_mounted);
        let Some(path) = main_path(memberships) else {
            let own = memberships.unified.as_deref();
            let (path, scope) = (own.map(|path| self.names.cgroup(path)), own.and_then(|path| self.names.scope(path)));
            return document::Cgroup { path, elsewhere: BTreeMap::new(), outside, unified: None, scope };
        };
        let elsewhere = memberships.v1.iter().filter(|(_, other)| *other != path);
        document::Cgroup {
            path: Some(self.names.cgroup(path)),
            elsewhere: elsewhere.map(|(controller, other)| (controller.clone(), self.names.cgroup(other))).collect(),
            outside,
            unified: unified.map(|path| self.names.cgroup(path)),
            scope: self.names.scope(path),
        }
    }

    /// `sleep 60 in / (cpu, memory)`.
    fn outside(&self, outside: &Outside) -> String {
        let mut by_path: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (hierarchy, path) in &outside.cgroups {
            by_path.entry(self.names.cgroup(path)).or_default().push(hierarchy);
        }
        let places: Vec<String> = by_path.iter().map(|(path, all)| format!("{path} ({})", all.join(", "))).collect();
        format!("{} in {}", self.names.text(&outside.command), places.join(", "))
    }

    fn domainname(&self, name: &str) -> String {
        if name == self.observation.host.domainname { "<host>".to_owned() } else { self.names.text(name) }
    }

    fn shm(&self, name: &str, seen: &MemberSeen) -> Option<document::Shm> {
        let shm = seen.shm?;
        let is_host = self.observation.host.shm == Some(shm.id);
        let of = if is_host {
            "host".to_owned()
        } else {
            self.first_with(name, |other| other.shm.is_some_and(|other| other.id == shm.id))
        };
        Some(document::Shm { of, mode: format!("{:04o}", shm.mode), size_bytes: (!is_host).then_some(shm.size_bytes) })
    }

    /// A text in which the host's name may stand, if the member is in the host's UTS namespace.
    fn text_of(&self, seen: &MemberSeen, text: &str) -> String {
        if self.is_in_hosts_uts(seen) { self.names.text_of_host(text) } else { self.names.text(text) }
    }

    fn is_in_hosts_uts(&self, seen: &MemberSeen) -> bool {
        let (own, of_host) = (seen.namespaces.get("uts"), self.observation.host.namespaces.get("uts"));
        own.is_some_and(|own| of_host.is_some_and(|of_host| of_host.contains(own)))
    }

    fn environment(&self, name: &str, seen: &MemberSeen) -> document::Environment {
        let mut env = BTreeMap::new();
        for entry in &seen.env {
            let (variable, text) = entry.split_once('=').unwrap_or((entry, ""));
            let of_runtime = variable == "HOSTNAME" && !self.names.sets_hostname(name);
            let text = if of_runtime { self.text_of(seen, text) } else { self.names.text(text) };
            // Of a name that is there twice, getenv finds the first.
            env.entry(variable.to_owned()).or_insert(text);
        }
        document::Environment {
            args: seen.args.iter().map(|arg| self.names.text(arg)).collect(),
            env,
            cwd: self.names.text(&seen.cwd),
            executable: self.names.text(&executable(&seen.executable)),
        }
    }

    fn file(&self, seen: &MemberSeen, path: &str, text: &str) -> String {
        let own_name = path == "/etc/hostname" && !self.is_in_hosts_uts(seen);
        let host = self.observation.host.files.get(path).filter(|_| !self.names.is_given(path) && !own_name);
        let is_hosts = !self.names.is_amended(path) && host.is_some_and(|host| lines(host).eq(lines(text)));
        if is_hosts && lines(text).next().is_some() {
            return "<host>".to_owned();
        }
        match host {
            // Whatever is the host's stands in these as whole lines: the rest is the manifest's.
            Some(host) if KEPT_BESIDE_THE_HOSTS.contains(&path) => self.names.text(&without_hosts_lines(text, host)),
            _ => self.text_of(seen, text),
        }
    }
}

/// Files that may be the host's with something added.
const KEPT_BESIDE_THE_HOSTS: [&str; 2] = ["/etc/hosts", "/etc/resolv.conf"];

/// The text with `<host>` for what stands in the host's file as well, said once. A Pod's own hosts file has the usual names
/// of every hosts file, which say nothing: they stay.
fn without_hosts_lines(text: &str, host: &str) -> String {
    /// As many as there can be: whether there is room for another is of interest.
    const MOST_NAMESERVERS: usize = 3;
    if text.starts_with("# Kubernetes-managed hosts file.\n") {
        return text.to_owned();
    }
    let theirs: Vec<&str> = lines(host).collect();
    let each = theirs.iter().filter(|line| line.starts_with("nameserver ")).count() >= MOST_NAMESERVERS;
    let mut out: Vec<String> = Vec::new();
    for line in text.lines() {
        let keyword = line.split_whitespace().next().filter(|word| word.starts_with(|c: char| c.is_alphabetic()));
        let kept = match (theirs.contains(&line.trim_end()), keyword) {
            (false, _) => line.to_owned(),
            (true, Some(keyword)) => format!("{keyword} <host>"),
            (true, None) => "<host>".to_owned(),
        };
        if each || !kept.ends_with("<host>") || out.last() != Some(&kept) {
            out.push(kept);
        }
    }
    out.iter().map(|line| format!("{line}\n")).collect()
}

/// Lines that mean something.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']))
}

/// A program in memory by its name alone: the rest is how the kernel says that it is in memory.
fn executable(path: &str) -> String {
    match path.strip_prefix("/memfd:") {
        Some(name) => format!("memfd:{}", name.strip_suffix(" (deleted)").unwrap_or(name)),
        None => path.to_owned(),
    }
}

/// The path that most v1 controllers have; of equals, the memory controller's.
fn main_path(memberships: &Memberships) -> Option<&String> {
    let count = |path: &String| memberships.v1.values().filter(|other| *other == path).count();
    memberships
        .v1
        .iter()
        .max_by_key(|(name, path)| (count(path), *name == "memory", std::cmp::Reverse(*name)))
        .map(|(_, path)| path)
}

fn limits(limits: &Limits) -> document::Limits {
    document::Limits {
        memory_bytes: Fact(limits.memory_bytes.map(LimitFact::Of)),
        memory_swap_bytes: Fact(limits.memory_swap_bytes.map(LimitFact::Of)),
        cpu_quota_usec: Fact(limits.cpu_quota_usec.map(LimitFact::Of)),
        cpu_period_usec: Fact(limits.cpu_period_usec),
        cpu_share: Fact(limits.cpu_share.map(ShareFact)),
        pids: Fact(limits.pids.map(LimitFact::Of)),
        oom_group: Fact(limits.oom_group),
        huge_pages: Fact(
            limits
                .huge_pages
                .clone()
                .map(|sizes| sizes.into_iter().map(|(size, limit)| (size, LimitFact::Of(limit))).collect()),
        ),
    }
}

fn events(events: &observe::Events) -> document::Events {
    document::Events {
        nr_throttled: Fact(events.nr_throttled),
        oom_kill: Fact(events.oom_kill),
        pids_max: Fact(events.pids_max),
    }
}

/// A map without this host's numbers: `<base>` for a multiple of 65536 that is none of the host's own first ones, as a kubelet
/// chooses it; any other number stands as it is.
fn id_map(map: &[observe::IdRange]) -> Vec<String> {
    let line = |range: &observe::IdRange| {
        let base = range.outside != 0 && range.outside.is_multiple_of(65536);
        let outside = if base { "<base>".to_owned() } else { range.outside.to_string() };
        format!("{} {outside} {}", range.inside, range.length)
    };
    map.iter().map(line).collect()
}

fn credentials(seen: &observe::Credentials, ids: Option<&observe::IdMaps>) -> document::Credentials {
    let mut groups = seen.groups.clone();
    groups.sort_unstable();
    let sets = &seen.capabilities;
    document::Credentials {
        uid: seen.uid,
        gid: seen.gid,
        groups,
        uid_map: ids.map(|ids| id_map(&ids.uid)),
        gid_map: ids.map(|ids| id_map(&ids.gid)),
        capabilities: document::Capabilities {
            effective: capabilities::names(sets.effective),
            permitted: capabilities::names(sets.permitted),
            inheritable: match sets.inheritable {
                set if set != 0 && set == sets.bounding => json!("bounding"),
                set => json!(capabilities::names(set)),
            },
            bounding: capabilities::names(sets.bounding),
            ambient: capabilities::names(sets.ambient),
        },
    }
}

fn security(seen: &MemberSeen) -> document::Security {
    let seccomp = seen.security.seccomp.map(|mode| match mode {
        Seccomp::Disabled => "disabled",
        Seccomp::Strict => "strict",
        Seccomp::Filter => "filter",
    });
    let devices = seen.cgroup.devices.clone().map(|mut rules| {
        rules.sort();
        rules
    });
    document::Security {
        no_new_privs: seen.security.no_new_privs,
        seccomp: Fact(seccomp),
        apparmor: Fact(seen.security.apparmor.clone()),
        devices: Fact(devices),
    }
}

fn identities(seen: &MemberSeen) -> BTreeMap<String, String> {
    let text = |id: &InodeId| format!("{}:{}", id.dev, id.ino);
    let mut identities: BTreeMap<String, String> = KINDS
        .into_iter()
        .map(|kind| (kind.to_owned(), seen.namespaces.get(kind).map_or_else(|| NO_SUCH_KIND.to_owned(), text)))
        .collect();
    identities.insert("root".to_owned(), text(&seen.root));
    // Ranges as a kubelet gives them are the same or apart.
    identities.extend(seen.ids.as_ref().map(|ids| ("ids".to_owned(), format!("{:?} {:?}", ids.uid, ids.gid))));
    identities.extend(instances::files(seen));
    identities.extend(seen.shm.map(|shm| ("shm".to_owned(), text(&shm.id))));
    let addresses: Vec<String> = seen.own_addresses().map(|address| address.to_string()).collect();
    identities.extend((!addresses.is_empty()).then(|| ("address".to_owned(), addresses.join(" "))));
    identities
}

fn sources(sources: &mut BTreeMap<String, String>, name: &str, seen: &MemberSeen) {
    let member = super::path::join("members", name);
    let directory = format!("/proc/{}/", seen.pid);
    let proc = |file: &str| [directory.as_str(), file].concat();
    for kind in KINDS {
        sources.insert([&member, ".namespaces.", kind].concat(), proc(&["ns/", kind].concat()));
    }
    for (fact, file) in [
        ("state", "stat"),
        ("is_pid_one", "status"),
        ("cgroup", "cgroup"),
        ("credentials", "status"),
        ("security", "status"),
        ("security.apparmor", "attr/current"),
        ("mounts", "mountinfo"),
        ("paths", "root"),
        ("shm", "root/dev/shm"),
        ("uts", "ns/uts"),
        ("oom", "oom_score_adj"),
        ("instances", "mountinfo"),
        ("instances[/proc]", "root/proc/1/ns/pid"),
        ("inherited.umask", "status"),
        ("inherited.mems", "status"),
        ("inherited.nice", "stat"),
        ("inherited.policy", "stat"),
        ("inherited.personality", "personality"),
        ("inherited.limits", "limits"),
        ("environment.args", "cmdline"),
        ("environment.env", "environ"),
        ("environment.cwd", "cwd"),
        ("environment.executable", "exe"),
    ] {
        sources.insert([&member, ".", fact].concat(), proc(file));
    }
    sources.insert(format!("{member}.cgroup.outside"), proc(&format!("task/{}/children", seen.pid)));
    for path in seen.files.keys() {
        sources.insert(super::path::join(&format!("{member}.files"), path), proc(&format!("root{path}")));
    }
    cgroup_sources(sources, &format!("{member}.limits"), &format!("{member}.events"), &seen.cgroup);
    for control in seen.cgroup.controls.keys() {
        let file = seen.cgroup.files.get(control).cloned();
        sources.extend(file.map(|file| (super::path::join(&format!("{member}.controls"), control), file)));
    }
    if let Some(file) = seen.cgroup.files.get("devices") {
        sources.insert(format!("{member}.security.devices"), file.clone());
    }
}

fn cgroup_sources(sources: &mut BTreeMap<String, String>, limits: &str, events: &str, seen: &CgroupSeen) {
    for (fact, file) in &seen.files {
        let at = match *fact {
            control if seen.controls.contains_key(control) => continue,
            "devices" => continue,
            "nr_throttled" | "oom_kill" | "pids_max" => events,
            _ => limits,
        };
        sources.insert([at, ".", fact].concat(), file.clone());
    }
}

fn owned((one, other): (&String, &String)) -> (String, String) {
    (one.clone(), other.clone())
}

/// The structs of the document hold nothing that JSON cannot.
pub(super) fn value<T: serde::Serialize>(fact: &T) -> Value {
    serde_json::to_value(fact).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Looked, Relation};
    use crate::observe::{CpuShare, Host, Limit, Network, PodSeen, Seen, Shm};
    use serde_json::json;

    /// A member in namespaces of these inodes, `KINDS` in order.
    fn member(pid: i32, namespaces: [u64; 8]) -> MemberSeen {
        let ids = KINDS.into_iter().zip(namespaces).map(|(kind, ino)| (kind, InodeId { dev: 4, ino }));
        let mut cgroup = CgroupSeen::default();
        cgroup.limits.memory_bytes = Seen::Value(Limit::At(4096));
        cgroup.limits.memory_swap_bytes = Seen::Unobservable("swap-accounting");
        cgroup.limits.cpu_quota_usec = Seen::Value(Limit::Max);
        cgroup.limits.cpu_share = Seen::Value(CpuShare::Shares(512));
        cgroup.devices = Seen::Value(vec!["c 1:5 rwm".to_owned(), "c 1:3 rwm".to_owned()]);
        cgroup.files.insert("memory_bytes", "/sys/fs/cgroup/memory/x/memory.limit_in_bytes".to_owned());
        let paths = [("memory", "/root/pod/1"), ("cpu", "/root/pod/1"), ("pids", "/")];
        MemberSeen {
            ids: None,
            pid,
            own_pid: Some(1),
            namespaces: ids.filter(|(kind, _)| *kind != "time").collect(),
            memberships: Memberships {
                v1: paths.map(|(name, path)| (name.to_owned(), path.to_owned())).into(),
                unified: Some("/".to_owned()),
            },
            outside: Seen::Value(vec![Outside {
                command: "sleep 60".to_owned(),
                cgroups: ["cpu", "memory"].map(|name| (name.to_owned(), "/root/pod".to_owned())).into(),
            }]),
            cgroup,
            credentials: observe::Credentials { groups: vec![24, 4], ..observe::Credentials::default() },
            security: observe::Security { seccomp: Seen::Value(Seccomp::Filter), ..observe::Security::default() },
            mounts: observe::parse_mountinfo("1 0 0:1 / /proc ro - proc proc rw\n").expect("good text"),
            hostname: Some(if namespaces[2] == 1 { "node7" } else { "foo" }.to_owned()),
            domainname: Some("(none)".to_owned()),
            inherited: observe::Inherited { umask: Some(0o22), ..observe::Inherited::default() },
            proc_shows: Some(InodeId { dev: 4, ino: namespaces[3] }),
            sysctls: Seen::Value(BTreeMap::from([("kernel.sem", "1 2".to_owned())])),
            oom_score_adj: -998,
            comm: "pause".to_owned(),
            args: vec!["/pause".to_owned()],
            env: vec!["A=first".to_owned(), "A=second".to_owned(), "IP=10.213.4.2".to_owned()],
            cwd: "/".to_owned(),
            executable: "/memfd:pause (deleted)".to_owned(),
            places: BTreeMap::new(),
            root: InodeId { dev: 50, ino: u64::from(pid.unsigned_abs()) },
            shm: Some(Shm { id: InodeId { dev: 39, ino: 1 }, mode: 0o1777, size_bytes: 67_108_864 }),
            files: [
                ("/etc/hosts", "10.213.4.2 foo\n".to_owned()),
                ("/etc/resolv.conf", "nameserver 1.1.1.1\n".to_owned()),
            ]
            .into(),
            network: Some(Network {
                interfaces: vec![observe::Interface {
                    name: "eth0".to_owned(),
                    up: true,
                    addresses: vec![("10.213.4.2".parse().expect("an address"), 24)],
                }],
                routes: Vec::new(),
            }),
        }
    }

    fn observation() -> Observation {
        let named = |name: &str, seen| (name.to_owned(), String::new(), seen);
        let host = Host {
            namespaces: KINDS.into_iter().map(|kind| (kind, vec![InodeId { dev: 4, ino: 1 }])).collect(),
            hostname: "node7".to_owned(),
            files: [("/etc/resolv.conf", "# by hand\nnameserver 1.1.1.1\n".to_owned())].into(),
            ..Host::default()
        };
        Observation {
            members: vec![
                named("sandbox", Some(member(11, [20, 21, 22, 23, 24, 1, 1, 1]))),
                named("app", Some(member(12, [20, 21, 32, 33, 34, 1, 1, 1]))),
                named("peer", Some(member(13, [40, 21, 1, 33, 44, 1, 1, 1]))),
                named("old", None),
            ],
            pod: Some(PodSeen { strays: vec!["sleep 60".to_owned()], ..PodSeen::default() }),
            host,
            evidence: BTreeMap::new(),
        }
    }

    fn facts() -> Facts {
        normalise(&observation(), &Naming { cgroup_root: "/root".to_owned(), ..Naming::default() })
    }

    #[test]
    fn partial_sharing_of_namespaces_shows() {
        let facts = facts();
        let of = |member: &str| facts.document["members"][member]["namespaces"].clone();
        let all = |words: [&str; 8]| {
            Value::Object(KINDS.into_iter().map(str::to_owned).zip(words.map(Value::from)).collect())
        };
        assert_eq!(of("sandbox"), all(["own", "own", "own", "own", "own", "host", "host", "host"]));
        assert_eq!(of("app"), all(["sandbox", "sandbox", "own", "own", "own", "host", "host", "host"]));
        assert_eq!(of("peer"), all(["own", "sandbox", "host", "=app", "own", "host", "host", "host"]));
        assert_eq!(of("old"), Value::Null);
        assert_eq!(facts.relation("pid", "app", "peer"), Relation::Same);
        assert_eq!(facts.relation("time", "app", "peer"), Relation::Same, "the kernel has none: all are in the same");
        assert_eq!(facts.relation("root", "app", "peer"), Relation::Different);
        assert_eq!(facts.relation("pid", "app", "old"), Relation::Unknown);
        assert_eq!((facts.is_host("uts", "peer"), facts.is_host("uts", "app")), (Some(true), Some(false)));
    }

    #[test]
    fn what_is_this_hosts_or_runs_stands_as_its_name() {
        let facts = facts();
        for (path, value) in [
            ("members.app.uts.hostname", json!("foo")),
            ("members.peer.uts.hostname", json!("<host>")),
            (
                "members.app.cgroup",
                json!({"path": "pod/1", "elsewhere": {"pids": "/"}, "outside": ["sleep 60 in pod (cpu, memory)"], "unified": null}),
            ),
            ("members.app.files[/etc/hosts]", json!("<address> foo\n")),
            ("members.app.files[/etc/resolv.conf]", json!("<host>")),
            ("members.app.environment.env", json!({"A": "first", "IP": "<address>"})),
            ("members.app.environment.executable", json!("memfd:pause")),
            ("members.app.security.devices", json!(["c 1:3 rwm", "c 1:5 rwm"])),
            ("members.app.credentials.groups", json!([4, 24])),
            ("members.app.shm", json!({"of": "sandbox", "mode": "1777", "size_bytes": 67_108_864})),
            ("members.app.limits.cpu_share", json!({"cpu.shares": 512})),
            ("pod.network.interfaces.eth0", json!(["ipv4"])),
        ] {
            assert_eq!(facts.lookup(path), Looked::Value(&value), "{path}");
        }
        let text = facts.document.to_string();
        for leak in ["10.213", "node7", "/root", "1.1.1.1"] {
            assert!(!text.contains(leak), "{leak} stands in {text}");
        }
    }

    #[test]
    fn a_pod_may_be_called_as_its_host() {
        let mut observation = observation();
        observation.host.hostname = "foo".to_owned();
        observation.host.files.insert("/etc/hostname", "foo\n".to_owned());
        observation.host.files.insert("/etc/hosts", "127.0.0.1 foo\n".to_owned());
        for (_, _, seen) in &mut observation.members {
            let Some(seen) = seen else { continue };
            seen.hostname = Some("foo".to_owned());
            seen.env = vec!["HOSTNAME=foo".to_owned(), "SERVER=foo".to_owned()];
            seen.args = vec!["serve".to_owned(), "foo".to_owned()];
            seen.files.insert("/etc/hostname", "foo\n".to_owned());
        }
        let of = |facts: &Facts, member: &str, at: &str| match facts.lookup(&format!("members.{member}.{at}")) {
            Looked::Value(Value::String(text)) => text.clone(),
            other => panic!("{at}: {other:?}"),
        };
        let facts = normalise(&observation, &Naming::default());
        for (at, own, of_host) in [
            ("uts.hostname", "foo", "<host>"),
            ("files[/etc/hostname]", "foo\n", "<host>"),
            ("files[/etc/hosts]", "<address> foo\n", "<address> foo\n"),
            ("environment.env.HOSTNAME", "foo", "<host>"),
            ("environment.env.SERVER", "foo", "foo"),
            ("environment.args[1]", "foo", "foo"),
        ] {
            assert_eq!((of(&facts, "app", at), of(&facts, "peer", at)), (own.to_owned(), of_host.to_owned()), "{at}");
        }
        let sets_hostname = ["peer".to_owned()].into();
        let facts = normalise(&observation, &Naming { sets_hostname, ..Naming::default() });
        assert_eq!(of(&facts, "peer", "environment.env.HOSTNAME"), "foo");
    }

    #[test]
    fn a_file_that_the_manifest_gives_is_no_copy_of_the_hosts() {
        let given = vec!["/etc/resolv.conf".to_owned()];
        let facts = normalise(&observation(), &Naming { given, ..Naming::default() });
        let seen = facts.document["members"]["app"]["files"]["/etc/resolv.conf"].as_str().unwrap_or_default();
        assert!(seen.contains("nameserver"), "{seen:?}");
    }

    #[test]
    fn every_path_of_a_document_is_in_the_vocabulary() {
        let facts = facts();
        let mut paths = Vec::new();
        leaves("", &facts.document, &mut paths);
        assert!(paths.len() > 100, "{}", paths.len());
        for path in &paths {
            assert_ne!(facts.lookup(path), Looked::Unknown, "{path}");
        }
        assert_eq!(facts.lookup("members.app.limits.memory_swap_bytes"), Looked::Unobservable("swap-accounting"));
        assert_eq!(facts.lookup("members.app.limits.pids"), Looked::Absent);
        assert_eq!(
            facts.source("members.app.limits.memory_bytes"),
            Some("/sys/fs/cgroup/memory/x/memory.limit_in_bytes")
        );
        assert_eq!(facts.source("members.peer.namespaces.net"), Some("/proc/13/ns/net"));
    }

    fn leaves(path: &str, value: &Value, found: &mut Vec<String>) {
        match value.as_object() {
            Some(map) if super::super::lookup::unobservable(value).is_none() => {
                for (key, value) in map {
                    leaves(&super::super::path::join(path, key), value, found);
                }
            }
            _ => found.push(path.to_owned()),
        }
    }

    #[test]
    fn what_is_the_hosts_is_said_once_unless_there_is_room_for_no_more() {
        let two = "# x\nnameserver 1.1.1.1\nnameserver 1.1.1.2\n";
        let added = "search a\nnameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 9.9.9.9\n";
        assert_eq!(without_hosts_lines(added, two), "search a\nnameserver <host>\nnameserver 9.9.9.9\n");
        let three = format!("{two}nameserver 1.1.1.3\n");
        let text = format!("{three}options x\n");
        let kept = "# x\nnameserver <host>\nnameserver <host>\nnameserver <host>\noptions x\n";
        assert_eq!(without_hosts_lines(&text, &three), kept);
        let hosts = "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n::1 ip6\n\n9.9.9.9\ta\n";
        let kept = "# Kubernetes-managed hosts file (host network).\n<host>\n\n9.9.9.9\ta\n";
        assert_eq!(without_hosts_lines(hosts, "127.0.0.1 localhost\n"), kept.replace("<host>\n", "<host>\n::1 ip6\n"));
        let own = "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n";
        assert_eq!(without_hosts_lines(own, "127.0.0.1\tlocalhost\n"), own);
    }
}
