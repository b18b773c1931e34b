//! C10 and its like: what a runtime runs in a container is in all of it, and may no more than the container itself.

use super::look::{Question, text};
use super::{Check, Level, Outcome};
use crate::facts::{Facts, Looked};
use crate::pod::PodSpec;

/// Name of the process that exec started, in facts that it and its container's init share: no container can be called so.
pub const EXEC: &str = "+exec";

const CRI: &str = "https://github.com/kubernetes/cri-api/blob/master/pkg/apis/runtime/v1/api.proto";
const CGROUP: &str = "https://github.com/opencontainers/runc/blob/main/libcontainer/process_linux.go";
const SECURITY: &str = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/";

/// Property, what the two must have in common, and why.
type Rule = (&'static str, &'static str, Level, &'static str);

/// What the kernel tells apart by an identity.
const IDENTITIES: [Rule; 9] = [
    ("N1", "net", Level::Must, CRI),
    ("N2", "ipc", Level::Must, CRI),
    ("N3", "uts", Level::Must, CRI),
    ("N5", "pid", Level::Must, CRI),
    ("N4", "mnt", Level::Must, CRI),
    ("N7", "user", Level::Must, CRI),
    ("N6", "cgroup", Level::Must, CRI),
    ("N8", "time", Level::Must, CRI),
    ("M1", "root", Level::Must, CRI),
];

/// What is told apart by its value.
const VALUES: [Rule; 23] = [
    ("C10", "cgroup.path", Level::Must, CGROUP),
    ("C10", "cgroup.elsewhere", Level::Must, CGROUP),
    ("C10", "cgroup.unified", Level::Should, CGROUP),
    ("S1", "credentials.uid", Level::Must, SECURITY),
    ("S1", "credentials.gid", Level::Must, SECURITY),
    ("S1", "credentials.groups", Level::Must, SECURITY),
    ("S3", "credentials.capabilities.effective", Level::Must, SECURITY),
    ("S3", "credentials.capabilities.permitted", Level::Must, SECURITY),
    ("S3", "credentials.capabilities.inheritable", Level::Must, SECURITY),
    ("S3", "credentials.capabilities.bounding", Level::Must, SECURITY),
    ("S3", "credentials.capabilities.ambient", Level::Must, SECURITY),
    ("S6", "security.no_new_privs", Level::Must, SECURITY),
    ("S7", "security.seccomp", Level::Must, SECURITY),
    ("S8", "security.apparmor", Level::Must, SECURITY),
    ("L17", "oom.score_adj", Level::Should, CRI),
    ("L14", "inherited.cpus", Level::Must, CGROUP),
    ("L14", "inherited.mems", Level::Must, CGROUP),
    ("S10", "inherited.limits", Level::Should, CRI),
    ("S10", "inherited.umask", Level::Should, CRI),
    ("S10", "inherited.nice", Level::Should, CRI),
    ("S10", "inherited.policy", Level::Should, CRI),
    ("F12", "environment.env", Level::Must, CRI),
    ("F12", "environment.cwd", Level::Must, CRI),
];

/// Judges what exec started, by facts of it ([`EXEC`]) and of its container's init. `member` is what the container is called
/// in findings.
pub fn exec(spec: &PodSpec, facts: &Facts, container: &str, member: &str) -> Vec<Check> {
    let judge = Judge { facts, container, member };
    let identities = IDENTITIES.into_iter().map(|(property, kind, level, source)| {
        let property = match kind {
            "pid" if spec.host_pid => "P4",
            "pid" if spec.share_process_namespace => "P2",
            "net" if spec.host_network => "T3",
            "uts" if spec.host_network => "U3",
            "ipc" if spec.host_ipc => "I4",
            _ => property,
        };
        judge.identity((property, kind, level, source))
    });
    identities.chain(VALUES.into_iter().filter_map(|rule| judge.value(rule))).collect()
}

struct Judge<'a> {
    facts: &'a Facts,
    container: &'a str,
    member: &'a str,
}

impl Judge<'_> {
    fn identity(&self, (property, kind, level, source): Rule) -> Check {
        let of = |name: &str| self.facts.identity(name, kind);
        let fact = if kind == "root" { kind.to_owned() } else { format!("namespaces.{kind}") };
        let (seen, outcome) = match (of(self.container), of(EXEC)) {
            (Some(own), Some(seen)) if own == seen => ("its container's".to_owned(), Outcome::Held),
            (Some(_), Some(_)) => match self.look(EXEC, &fact) {
                Looked::Value(word) if word == "host" => ("the host's".to_owned(), Outcome::Broken),
                _ => ("another".to_owned(), Outcome::Broken),
            },
            _ => (format!("no {kind} to compare"), Outcome::Broken),
        };
        self.check((property, &fact, level, source), format!("the {kind} of its container"), seen, outcome)
    }

    /// `None` where neither can be seen: the check of the container itself says so already.
    fn value(&self, (property, fact, level, source): Rule) -> Option<Check> {
        let (own, seen) = (self.look(self.container, fact), self.look(EXEC, fact));
        let words = |looked: &Looked<'_>| match looked {
            Looked::Value(value) => text(value),
            Looked::Absent => "none".to_owned(),
            Looked::Unobservable(ability) => format!("not visible without {ability}"),
            Looked::Unknown => format!("podcheck has no such fact: {fact}"),
        };
        let outcome = match (&own, &seen) {
            (Looked::Unobservable(_), Looked::Unobservable(_)) => return None,
            (Looked::Unobservable(ability), _) | (_, Looked::Unobservable(ability)) => {
                Outcome::Unobservable((*ability).to_owned())
            }
            (Looked::Value(own), Looked::Value(seen)) if own == seen => Outcome::Held,
            (Looked::Absent, Looked::Absent) => Outcome::Held,
            _ => Outcome::Broken,
        };
        let expected = format!("as its container: {}", words(&own));
        Some(self.check((property, fact, level, source), expected, words(&seen), outcome))
    }

    fn look(&self, name: &str, fact: &str) -> Looked<'_> {
        self.facts.lookup(&super::look::path(name, fact))
    }

    fn check(
        &self,
        (property, fact, level, source): (&str, &str, Level, &str),
        expected: String,
        seen: String,
        outcome: Outcome,
    ) -> Check {
        let at = format!("exec.{fact}");
        let file = self.facts.source(&super::look::path(EXEC, fact)).unwrap_or_default().to_owned();
        let question = Question { property, member: self.member, at, level, expected, source };
        Check { file, ..question.answer(self.facts, seen, outcome) }
    }
}
