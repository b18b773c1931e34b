//! Names for what is the host's or this run's own.

use super::path::place;
use crate::observe::Observation;
use std::collections::{BTreeMap, BTreeSet};

/// What the observer knew of a Pod beforehand.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    /// The cgroup that is cut off the front of cgroup paths. If it is a slice, systemd makes the Pod's cgroups.
    pub cgroup_root: String,
    /// What is cut off the front of those that are not below it: where podcheck keeps its cgroups on this host. Empty for
    /// the root of the hierarchies.
    pub cgroup_base: String,
    /// Name of the cgroup in which each private daemon has one of its own; empty if there is none. A daemon's name says where
    /// on this host its OCI runtime is.
    pub daemons: String,
    /// Processes and threads that systemd lets every scope have for which nobody says otherwise, if it makes the Pod's.
    pub default_pids: Option<u64>,
    /// The Pod's uid; empty if it is not known.
    pub pod_uid: String,
    /// A path of the host → its class as the source of mounts: `volume:data`, `hosts`, `termination-log`.
    pub paths: Vec<(String, String)>,
    /// Member → the class of each mount that is asked for there, and the path as the manifest has it.
    pub asked: BTreeMap<String, Vec<(String, String)>>,
    /// Members whose variable HOSTNAME the manifest sets.
    pub sets_hostname: BTreeSet<String>,
    /// Files whose text the manifest gives: never a copy of the host's, not even where the two are alike.
    pub given: Vec<String>,
    /// Files that are the host's with something added by the manifest: told line by line.
    pub amended: Vec<String>,
    /// Any other text of this run → what stands for it.
    pub texts: Vec<(String, String)>,
    /// A folder of the host: what is mounted below it are only other names for what is elsewhere, too.
    pub aliases: Option<String>,
    /// A folder of the host with volumes of the Pod's own: nobody else puts a file there.
    pub volumes: Option<String>,
}

/// Bytes of an id as Docker shortens it, and the fewest by which an id is known within a text.
const SHORT_ID: usize = 12;

/// Replaces texts of this run by names.
#[derive(Debug)]
pub struct Names<'a> {
    naming: &'a Naming,
    words: Vec<Word>,
    /// The host's name.
    host: Option<&'a str>,
    /// The naming's, the longest first.
    paths: Vec<&'a (String, String)>,
    members: Vec<(&'a str, &'a str)>,
}

/// A text of this run.
#[derive(Debug)]
struct Word {
    text: String,
    /// What stands for it.
    name: String,
    /// What may not be beside it: then it is part of another word.
    beside: fn(char) -> bool,
}

impl Word {
    fn new(text: &str, name: impl Into<String>, beside: fn(char) -> bool) -> Self {
        Word { text: text.to_owned(), name: name.into(), beside }
    }
}

impl<'a> Names<'a> {
    /// Names for everything in an observation.
    pub fn new(naming: &'a Naming, observation: &'a Observation) -> Self {
        let in_name = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
        let mut words: Vec<Word> = Vec::new();
        words.extend(naming.texts.iter().map(|(text, name)| Word::new(text, name, char::is_alphanumeric)));
        for (name, id, seen) in &observation.members {
            if id.len() >= SHORT_ID && id.is_ascii() {
                words.push(Word::new(id, format!("<{name}>"), char::is_alphanumeric));
                words.push(Word::new(&id[..SHORT_ID], format!("<{name}>"), char::is_alphanumeric));
            }
            let addresses = seen.iter().flat_map(|seen| seen.own_addresses());
            words.extend(addresses.map(|address| Word::new(&address.to_string(), "<address>", in_name)));
        }
        words.push(Word::new(&naming.pod_uid, "<uid>", |_| false));
        words.push(Word::new(&naming.pod_uid.replace('-', "_"), "<uid>", |_| false));
        words.retain(|word| !word.text.is_empty());
        // A name that says nothing of a host.
        let host = Some(observation.host.hostname.as_str()).filter(|name| !["", "localhost"].contains(name));
        let members = observation.members.iter().map(|(name, id, _)| (name.as_str(), id.as_str())).collect();
        let mut paths: Vec<&(String, String)> = naming.paths.iter().collect();
        paths.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Names { naming, words, host, paths, members }
    }

    /// A text of a member that is in the host's UTS namespace, with names in it, and `<host>` for the host's own. Elsewhere a
    /// word that is the same is the Pod's: it may be called as the host is.
    pub fn text_of_host(&self, text: &str) -> String {
        // In a path it is the name of a file: a host may be called podcheck.
        let beside = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '/');
        let text = self.text(text);
        match self.host {
            Some(host) => replace(text, host, "<host>", beside),
            None => text,
        }
    }

    /// Whether the manifest itself sets the variable HOSTNAME of a member.
    pub fn sets_hostname(&self, member: &str) -> bool {
        self.naming.sets_hostname.contains(member)
    }

    /// A text with names in it.
    pub fn text(&self, text: &str) -> String {
        // Most texts are shorter than any word.
        let words = self.words.iter().filter(|word| word.text.len() <= text.len());
        words.fold(text.to_owned(), |text, word| replace(text, &word.text, &word.name, word.beside))
    }

    /// What systemd lets every scope have.
    pub fn default_pids(&self) -> Option<u64> {
        self.naming.default_pids
    }

    /// Whether a file is the host's with something added.
    pub fn is_amended(&self, file: &str) -> bool {
        self.naming.amended.iter().any(|amended| amended == file)
    }

    /// Whether a file's text is the manifest's own.
    pub fn is_given(&self, file: &str) -> bool {
        self.naming.given.iter().any(|given| given == file)
    }

    /// A cgroup path from the root of its hierarchy; without leading slash where it lies below the root that is cut off. What
    /// systemd names exactly as it should has the name that it stands for: `kubepods/burstable/pod<uid>/<app>`.
    pub fn cgroup(&self, path: &str) -> String {
        let below = self.below(path);
        if let Some(named) = below.and_then(|below| self.slices(below)) {
            return named;
        }
        let elsewhere = || path.strip_prefix(&self.naming.cgroup_base).filter(|rest| rest.starts_with('/'));
        let mut above = "";
        let mut named = Vec::new();
        for part in below.or_else(elsewhere).unwrap_or(path).split('/') {
            let of_daemon = !above.is_empty() && above == self.naming.daemons;
            named.push(if of_daemon { "<daemon>".to_owned() } else { self.cgroup_part(part, self.is_pods(above)) });
            above = part;
        }
        named.join("/")
    }

    /// The rest of a path below the root that is cut off.
    fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        let root = Some(self.naming.cgroup_root.trim_end_matches('/')).filter(|root| !root.is_empty())?;
        path.strip_prefix(root)?.strip_prefix('/')
    }

    /// What slices and a scope below a root slice stand for; `None` if one is not named after all above it.
    fn slices(&self, below: &str) -> Option<String> {
        let mut prefix = self.naming.cgroup_root.strip_suffix(".slice")?.rsplit('/').next()?;
        let mut named = Vec::new();
        let mut parts = below.split('/');
        for part in parts.by_ref() {
            if let Some(unit) = part.strip_suffix(".scope") {
                let (_, id) = unit.rsplit_once('-')?;
                named.push(self.cgroup_part(id, true));
                break;
            }
            let slice = part.strip_suffix(".slice")?;
            let name = slice.strip_prefix(prefix)?.strip_prefix('-').filter(|name| !name.contains('-'))?;
            named.push(self.text(name));
            prefix = slice;
        }
        // Some runtimes have a cgroup of their own within the scope.
        named.extend(parts.map(|part| self.cgroup_part(part, false)));
        Some(named.join("/"))
    }

    /// The scope in a path below the root that is cut off, with names in it: `cri-containerd-<app>.scope`.
    pub fn scope(&self, path: &str) -> Option<String> {
        let scope = self.below(path)?.split('/').find(|part| part.ends_with(".scope"))?;
        Some(self.text(scope))
    }

    /// Whether a cgroup is the Pod's, in which those of its members are.
    fn is_pods(&self, cgroup: &str) -> bool {
        cgroup.contains(self.naming.pod_uid.as_str())
    }

    /// A member's cgroup is called by its id, or by its name: a container may be called `kubepods`, and that is no name but where
    /// members are.
    fn cgroup_part(&self, part: &str, by_name: bool) -> String {
        let is = |(name, id): &&(&str, &str)| by_name && part == *name || part == *id && !id.is_empty();
        match self.members.iter().find(is) {
            Some((name, _)) => format!("<{name}>"),
            None => self.text(part),
        }
    }

    /// Whether a class is that of a volume of the Pod's own, and not of a path of the host.
    pub fn is_own(&self, class: &str) -> bool {
        let own = |path: &str| self.naming.volumes.as_deref().is_some_and(|folder| path.starts_with(folder));
        class.starts_with("volume:") && self.naming.paths.iter().any(|(path, of)| of == class && own(path))
    }

    /// Whether a mount of the host is only another name for something.
    pub fn is_alias(&self, target: &str) -> bool {
        self.naming.aliases.as_deref().is_some_and(|folder| target.starts_with(folder))
    }

    /// What of this Pod a path of the host is or lies in, the narrowest first.
    pub fn paths<'p>(&self, path: &'p str) -> impl Iterator<Item = Known<'a>> + use<'_, 'a, 'p> {
        self.paths.iter().filter_map(move |(text, class)| {
            let rest = path.strip_prefix(text.trim_end_matches('/'))?;
            let root = match rest {
                "" => "/",
                rest if rest.starts_with('/') => rest,
                _ => return None,
            };
            Some(Known { path: text, class, root: root.to_owned() })
        })
    }

    /// Classes of what is asked for in a member, and where these mounts are.
    pub fn asked(&self, member: &str, places: &BTreeMap<String, String>) -> Vec<(&'a str, String)> {
        let asked = self.naming.asked.get(member).into_iter().flatten();
        asked.map(|(class, path)| (class.as_str(), place(places, path))).collect()
    }
}

/// Something of a Pod's that a path of the host leads to or into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known<'a> {
    /// Its path on the host.
    pub path: &'a str,
    /// Its class as the source of mounts: `volume:data`.
    pub class: &'a str,
    /// The rest of the path below it, `/` for all of it.
    pub root: String,
}

/// Replaces `from` wherever neither neighbour is `beside`.
fn replace(text: String, from: &str, to: &str, beside: fn(char) -> bool) -> String {
    if !text.contains(from) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(from) {
        let (before, after) = (&rest[..at], &rest[at + from.len()..]);
        let joined = before.chars().next_back().or_else(|| out.chars().next_back()).is_some_and(beside)
            || after.chars().next().is_some_and(beside);
        out.push_str(before);
        out.push_str(if joined { from } else { to });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_replaced() {
        let beside: fn(char) -> bool = |c| c.is_alphanumeric() || c == '.';
        assert_eq!(
            replace("10.1.2.3\tfoo 10.1.2.34".to_owned(), "10.1.2.3", "<address>", beside),
            "<address>\tfoo 10.1.2.34"
        );
        assert_eq!(replace("aXaXa".to_owned(), "X", "y", |_| false), "ayaya");
        assert_eq!(replace("nodenode".to_owned(), "node", "<host>", char::is_alphanumeric), "nodenode");
    }

    #[test]
    fn cgroup_paths_are_cut_and_named() {
        let id = "0b8d71dc0b8d71dc0b8d71dc0b8d71dc0b8d71dc0b8d71dc0b8d71dc0b8d71dc";
        let observation = Observation {
            members: vec![("sandbox".to_owned(), String::new(), None), ("app".to_owned(), id.to_owned(), None)],
            pod: None,
            host: Default::default(),
            evidence: Default::default(),
        };
        let naming = Naming { cgroup_root: "/podcheck/x".to_owned(), pod_uid: "11-22".to_owned(), ..Naming::default() };
        let names = Names::new(&naming, &observation);
        for (path, named) in [
            (format!("/podcheck/x/kubepods/burstable/pod11-22/{id}"), "kubepods/burstable/pod<uid>/<app>"),
            (
                format!("/podcheck/x/a-pod11_22.slice/cri-containerd-{id}.scope"),
                "a-pod<uid>.slice/cri-containerd-<app>.scope",
            ),
            ("/podcheck/x/pod11-22/sandbox".to_owned(), "pod<uid>/<sandbox>"),
            ("/podcheck/xy/app".to_owned(), "/podcheck/xy/app"),
            ("/podcheck/x/app/pod11-22/app/app".to_owned(), "app/pod<uid>/<app>/app"),
            ("/".to_owned(), "/"),
        ] {
            assert_eq!(names.cgroup(&path), named);
        }
        assert_eq!(names.text("HOST=0b8d71dc0b8d"), "HOST=<app>");
    }

    #[test]
    fn what_systemd_names_as_it_should_has_the_kubelets_name() {
        let id = "0b8d71dc0b8d71dc0b8d71dc0b8d71dc0b8d71dc0b8d71dc0b8d71dc0b8d71dc";
        let observation = Observation {
            members: vec![("app".to_owned(), id.to_owned(), None)],
            pod: None,
            host: Default::default(),
            evidence: Default::default(),
        };
        let naming = Naming { cgroup_root: "/r.slice".to_owned(), pod_uid: "11-22".to_owned(), ..Naming::default() };
        let names = Names::new(&naming, &observation);
        let pod = "/r.slice/r-kubepods.slice/r-kubepods-burstable.slice/r-kubepods-burstable-pod11_22.slice";
        for (path, named) in [
            (format!("{pod}/cri-containerd-{id}.scope"), "kubepods/burstable/pod<uid>/<app>"),
            (format!("{pod}/cri-containerd-{id}.scope/container"), "kubepods/burstable/pod<uid>/<app>/container"),
            (pod.to_owned(), "kubepods/burstable/pod<uid>"),
            // A slice that is not named after the one above it, and a dash that leads one further down.
            (format!("/r.slice/kubepods.slice/c-{id}.scope"), "kubepods.slice/c-<app>.scope"),
            ("/r.slice/r-kubepods-x.slice".to_owned(), "r-kubepods-x.slice"),
            // The driver is that of slices, and this is none.
            (format!("/r.slice/r-kubepods.slice/{id}"), "r-kubepods.slice/<app>"),
            (format!("/system.slice/c-{id}.scope"), "/system.slice/c-<app>.scope"),
        ] {
            assert_eq!(names.cgroup(&path), named);
        }
        assert_eq!(names.scope(&format!("{pod}/c-{id}.scope/container")).as_deref(), Some("c-<app>.scope"));
        assert_eq!((names.scope(pod), names.scope("/user.slice/session-1.scope/x")), (None, None));
    }

    #[test]
    fn a_hosts_name_is_no_files() {
        let host = crate::observe::Host { hostname: "podcheck".to_owned(), ..Default::default() };
        let observation = Observation { members: Vec::new(), pod: None, host, evidence: Default::default() };
        let naming = Naming::default();
        let names = Names::new(&naming, &observation);
        assert_eq!(names.text_of_host("127.0.1.1 podcheck\tpodcheck.example"), "127.0.1.1 <host>\tpodcheck.example");
        assert_eq!(names.text_of_host("/bin/podcheck"), "/bin/podcheck");
        assert_eq!(names.text("127.0.1.1 podcheck"), "127.0.1.1 podcheck");
    }

    #[test]
    fn where_podcheck_keeps_its_cgroups_is_the_hosts_affair() {
        let observation =
            Observation { members: Vec::new(), pod: None, host: Default::default(), evidence: Default::default() };
        let naming = Naming {
            cgroup_root: "/ci/podcheck/x".to_owned(),
            cgroup_base: "/ci".to_owned(),
            daemons: "abcd1234-daemons".to_owned(),
            ..Naming::default()
        };
        let names = Names::new(&naming, &observation);
        for (path, named) in [
            ("/ci/podcheck/x/kubepods/a", "kubepods/a"),
            ("/ci/podcheck/y", "/podcheck/y"),
            ("/circle/y", "/circle/y"),
            ("/podcheck/y", "/podcheck/y"),
            ("/ci", "/ci"),
            ("/ci/podcheck/abcd1234-daemons/containerd+crun-b4772e/x", "/podcheck/abcd1234-daemons/<daemon>/x"),
            ("/podcheck/other-daemons/containerd", "/podcheck/other-daemons/containerd"),
        ] {
            assert_eq!(names.cgroup(path), named);
        }
    }

    #[test]
    fn without_a_root_nothing_is_cut() {
        let observation =
            Observation { members: Vec::new(), pod: None, host: Default::default(), evidence: Default::default() };
        let naming = Naming::default();
        let names = Names::new(&naming, &observation);
        assert_eq!((names.cgroup("/"), names.cgroup("/kubepods/x")), ("/".to_owned(), "/kubepods/x".to_owned()));
    }

    #[test]
    fn the_longest_known_path_names_a_source() {
        let paths =
            vec![("/".to_owned(), "volume:all".to_owned()), ("/run/v/data".to_owned(), "volume:data".to_owned())];
        let naming = Naming { paths, ..Naming::default() };
        let observation =
            Observation { members: Vec::new(), pod: None, host: Default::default(), evidence: Default::default() };
        let names = Names::new(&naming, &observation);
        let known = |path: &str| names.paths(path).map(|k| format!("{} {}", k.class, k.root)).collect::<Vec<_>>();
        assert_eq!(known("/run/v/data/sub"), ["volume:data /sub", "volume:all /run/v/data/sub"]);
        assert_eq!(known("/"), ["volume:all /"]);
        assert_eq!(known("/run/v/database"), ["volume:all /run/v/database"]);
    }
}
