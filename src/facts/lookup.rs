//! Looking a fact up by its path, and telling what is not set from what does not exist.

use super::document::UNOBSERVABLE;
use super::{Facts, Looked, path};
use serde_json::Value;

/// Every path the vocabulary has: `*` is any name, `**` is anything below.
const VOCABULARY: &[&str] = &[
    "pod.host_sysctls.*",
    "pod.network.interfaces.*.**",
    "pod.network.up.**",
    "pod.network.routes.**",
    "pod.strays.**",
    "pod.cgroup.{limits}",
    "pod.events.{events}",
    "members.*.state",
    "members.*.is_pid_one",
    "members.*.namespaces.net",
    "members.*.namespaces.ipc",
    "members.*.namespaces.uts",
    "members.*.namespaces.pid",
    "members.*.namespaces.mnt",
    "members.*.namespaces.user",
    "members.*.namespaces.cgroup",
    "members.*.namespaces.time",
    "members.*.cgroup.path",
    "members.*.cgroup.elsewhere.*",
    "members.*.cgroup.outside.**",
    "members.*.cgroup.unified",
    "members.*.cgroup.scope",
    "members.*.limits.{limits}",
    "members.*.credentials.uid.**",
    "members.*.credentials.gid.**",
    "members.*.credentials.groups.**",
    "members.*.credentials.uid_map.**",
    "members.*.credentials.gid_map.**",
    "members.*.credentials.capabilities.effective.**",
    "members.*.credentials.capabilities.permitted.**",
    "members.*.credentials.capabilities.inheritable.**",
    "members.*.credentials.capabilities.bounding.**",
    "members.*.credentials.capabilities.ambient.**",
    "members.*.security.no_new_privs",
    "members.*.security.seccomp",
    "members.*.security.apparmor",
    "members.*.security.devices.**",
    "members.*.mounts.*.type",
    "members.*.mounts.*.options.**",
    "members.*.mounts.*.superblock.**",
    "members.*.mounts.*.propagation",
    "members.*.mounts.*.source",
    "members.*.mounts.*.root",
    "members.*.paths.*",
    "members.*.instances.*",
    "members.*.shm.of",
    "members.*.shm.mode",
    "members.*.shm.size_bytes",
    "members.*.uts.hostname",
    "members.*.asked_sysctls.*",
    "members.*.uts.domainname",
    "members.*.oom.score_adj",
    "members.*.environment.args.**",
    "members.*.environment.env.*",
    "members.*.environment.cwd",
    "members.*.environment.executable",
    "members.*.inherited.umask",
    "members.*.inherited.nice",
    "members.*.inherited.policy",
    "members.*.inherited.io_priority",
    "members.*.inherited.cpus",
    "members.*.inherited.mems",
    "members.*.inherited.personality",
    "members.*.inherited.limits.*",
    "members.*.controls.*",
    "members.*.sysctls.*",
    "members.*.files.*",
    "members.*.events.{events}",
];

/// `{limits}` of the vocabulary.
const LIMITS: [&str; 8] = [
    "memory_bytes",
    "memory_swap_bytes",
    "cpu_quota_usec",
    "cpu_period_usec",
    "cpu_share",
    "pids",
    "oom_group",
    "huge_pages",
];
/// What stands below `cpu_share`.
const SHARES: [&str; 2] = ["cpu.shares", "cpu.weight"];
/// `{events}` of the vocabulary.
const EVENTS: [&str; 3] = ["nr_throttled", "oom_kill", "pids_max"];

impl Facts {
    /// Looks a fact up. `path` is dotted; a part with dots or slashes stands in brackets:
    /// `members.app.mounts[/etc/hosts].options`. A number picks one of a list.
    pub fn lookup(&self, path: &str) -> Looked<'_> {
        let Some(parts) = path::parts(path).filter(|parts| is_known(parts)) else { return Looked::Unknown };
        let mut value = &self.document;
        for (depth, part) in parts.iter().enumerate() {
            let next = match value {
                Value::Object(map) => map.get(*part),
                Value::Array(list) => part.parse::<usize>().ok().and_then(|index| list.get(index)),
                _ => None,
            };
            match next {
                // A member that is not there is a misspelt one.
                None if depth == 1 && parts[0] == "members" => return Looked::Unknown,
                None | Some(Value::Null) => return Looked::Absent,
                Some(next) => value = next,
            }
            if let Some(ability) = unobservable(value) {
                return Looked::Unobservable(ability);
            }
        }
        Looked::Value(value)
    }

    /// The kernel's file that a fact was read from.
    pub fn source(&self, path: &str) -> Option<&str> {
        let at_part =
            |key: &str| path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        self.sources
            .iter()
            .filter(|(key, _)| at_part(key))
            .max_by_key(|(key, _)| key.len())
            .map(|(_, file)| file.as_str())
    }
}

/// The ability that is missing, if this is a fact that cannot be seen.
pub fn unobservable(value: &Value) -> Option<&str> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    map.get(UNOBSERVABLE)?.as_str()
}

fn is_known(parts: &[&str]) -> bool {
    VOCABULARY.iter().any(|pattern| fits(pattern, parts))
}

/// `parts` is a path that the pattern describes, or the beginning of one.
fn fits(pattern: &str, parts: &[&str]) -> bool {
    let mut parts = parts.iter();
    for word in pattern.split('.') {
        if word == "**" {
            return true;
        }
        let Some(part) = parts.next() else { return true };
        let fits = match word {
            "*" => true,
            "{limits}" => LIMITS.contains(part),
            "{events}" => EVENTS.contains(part),
            word => word == *part,
        };
        if !fits {
            return false;
        }
        if word == "{limits}" && *part == "cpu_share" {
            return parts.next().is_none_or(|share| SHARES.contains(share)) && parts.next().is_none();
        }
        if word == "{limits}" && *part == "huge_pages" {
            return parts
                .next()
                .is_none_or(|size| size.ends_with("KB") || size.ends_with("MB") || size.ends_with("GB"))
                && parts.next().is_none();
        }
    }
    parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts() -> Facts {
        let document = json!({
            "pod": {"network": "host", "strays": []},
            "members": {
                "app": {
                    "state": "running",
                    "limits": {"memory_bytes": 4096, "pids": null, "cpu_share": {"cpu.shares": 2}, "huge_pages": {"2MB": 0}},
                    "security": {"devices": {"unobservable": "devices-list"}},
                    "mounts": {"/etc/hosts": {"type": "bind", "options": ["rw"], "superblock": null}},
                    "environment": {"args": ["sleep", "1d"], "env": {"A": "b"}},
                },
                "old": {"state": "exited", "limits": null},
            },
        });
        Facts { document, ..Facts::default() }
    }

    #[test]
    fn a_fact_is_a_value_absent_unobservable_or_misspelt() {
        let facts = facts();
        for (path, value) in [
            ("members.app.limits.memory_bytes", json!(4096)),
            ("members.app.limits.cpu_share[cpu.shares]", json!(2)),
            ("members.app.limits.huge_pages.2MB", json!(0)),
            ("members.app.mounts[/etc/hosts].options", json!(["rw"])),
            ("members.app.environment.args[1]", json!("1d")),
            ("pod.strays", json!([])),
        ] {
            assert_eq!(facts.lookup(path), Looked::Value(&value), "{path}");
        }
        for path in [
            "members.app.limits.pids",
            "members.app.limits.cpu_share[cpu.weight]",
            "members.app.limits.huge_pages.1GB",
            "members.app.mounts[/nowhere]",
            "members.app.mounts[/nowhere].type",
            "members.app.mounts[/etc/hosts].superblock",
            "members.app.environment.env.HOME",
            "members.old.limits.memory_bytes",
            "pod.network.interfaces.eth0",
        ] {
            assert_eq!(facts.lookup(path), Looked::Absent, "{path}");
        }
        for path in ["members.app.security.devices", "members.app.security.devices[0]"] {
            assert_eq!(facts.lookup(path), Looked::Unobservable("devices-list"), "{path}");
        }
        for path in [
            "members.ap.limits.memory_bytes",
            "members.app.limits.memory",
            "members.old.limit",
            "members.app.mounts[/etc/hosts].flags",
            "members.app.namespaces.network",
            "members.app.state.x",
            "members.app.limits.cpu_share[cpu.idle]",
            "members.app.limits.huge_pages.2Mi",
            "limits.memory_bytes",
            "",
        ] {
            assert_eq!(facts.lookup(path), Looked::Unknown, "{path}");
        }
    }

    #[test]
    fn the_nearest_source_is_given() {
        let mut facts = facts();
        facts.sources.insert("members.app.limits".to_owned(), "all".to_owned());
        facts.sources.insert("members.app.limits.pids".to_owned(), "pids.max".to_owned());
        assert_eq!(facts.source("members.app.limits.pids"), Some("pids.max"));
        assert_eq!(facts.source("members.app.limits.memory_bytes"), Some("all"));
        assert_eq!(facts.source("members.app.limitsx"), None);
    }
}
