//! The document's shape. Fields are always there, `null` where the kernel has nothing; maps hold only what is there.

use crate::observe::{CpuShare, Limit, Seen};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// Key of a fact that cannot be seen on this host; its value is the missing ability.
pub const UNOBSERVABLE: &str = "unobservable";

/// A fact: a value, `null`, or `{unobservable: ability}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fact<T>(pub Seen<T>);

impl<T: Serialize> Serialize for Fact<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Seen::Value(value) => value.serialize(serializer),
            Seen::Absent => serializer.serialize_none(),
            Seen::Unobservable(ability) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(UNOBSERVABLE, ability)?;
                map.end()
            }
        }
    }
}

/// A number, `max` or `default`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LimitFact {
    Of(Limit),
    /// What systemd gives every scope for which nobody asks for another.
    Default,
}

impl Serialize for LimitFact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            LimitFact::Of(Limit::Max) => serializer.serialize_str("max"),
            LimitFact::Of(Limit::At(number)) => serializer.serialize_u64(*number),
            LimitFact::Default => serializer.serialize_str("default"),
        }
    }
}

/// `{cpu.shares: 2}` or `{cpu.weight: 1}`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShareFact(pub CpuShare);

impl Serialize for ShareFact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (name, number) = match self.0 {
            CpuShare::Shares(shares) => ("cpu.shares", shares),
            CpuShare::Weight(weight) => ("cpu.weight", weight),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(name, &number)?;
        map.end()
    }
}

/// `pod`.
#[derive(serde::Serialize)]
pub struct Pod {
    pub network: Value,
    pub strays: Option<Vec<String>>,
    pub cgroup: Option<Limits>,
    pub events: Option<Events>,
}

/// `pod.network` where it is not the host's.
#[derive(serde::Serialize)]
pub struct Network {
    pub interfaces: BTreeMap<String, Vec<String>>,
    pub up: Vec<String>,
    pub routes: Vec<String>,
}

/// `members.<name>`; of one that has exited only the state is left.
#[derive(serde::Serialize, Default)]
pub struct Member {
    pub state: &'static str,
    pub is_pid_one: Option<bool>,
    pub namespaces: Option<serde_json::Map<String, Value>>,
    pub cgroup: Option<Cgroup>,
    pub limits: Option<Limits>,
    pub credentials: Option<Credentials>,
    pub security: Option<Security>,
    pub mounts: Option<BTreeMap<String, Mount>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub paths: BTreeMap<String, String>,
    pub instances: Option<BTreeMap<&'static str, String>>,
    pub shm: Option<Shm>,
    pub uts: Option<Uts>,
    pub oom: Option<Oom>,
    pub environment: Option<Environment>,
    pub inherited: Option<Inherited>,
    pub controls: Option<BTreeMap<&'static str, Fact<String>>>,
    pub sysctls: Fact<BTreeMap<&'static str, String>>,
    pub files: Option<BTreeMap<String, String>>,
    pub events: Option<Events>,
}

/// `cgroup`.
#[derive(serde::Serialize)]
pub struct Cgroup {
    pub path: Option<String>,
    pub elsewhere: BTreeMap<String, String>,
    pub outside: Fact<Vec<String>>,
    pub unified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// `limits`.
#[derive(serde::Serialize)]
pub struct Limits {
    pub memory_bytes: Fact<LimitFact>,
    pub memory_swap_bytes: Fact<LimitFact>,
    pub cpu_quota_usec: Fact<LimitFact>,
    pub cpu_period_usec: Fact<u64>,
    pub cpu_share: Fact<ShareFact>,
    pub pids: Fact<LimitFact>,
    pub oom_group: Fact<u64>,
    pub huge_pages: Fact<BTreeMap<&'static str, LimitFact>>,
}

/// `credentials`.
#[derive(serde::Serialize)]
pub struct Credentials {
    pub uid: [u32; 4],
    pub gid: [u32; 4],
    pub groups: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid_map: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gid_map: Option<Vec<String>>,
    pub capabilities: Capabilities,
}

/// `credentials.capabilities`.
#[derive(serde::Serialize)]
pub struct Capabilities {
    pub effective: Vec<String>,
    pub permitted: Vec<String>,
    /// A list, or `bounding` for just what that set has.
    pub inheritable: Value,
    pub bounding: Vec<String>,
    pub ambient: Vec<String>,
}

/// `security`.
#[derive(serde::Serialize)]
pub struct Security {
    pub no_new_privs: bool,
    pub seccomp: Fact<&'static str>,
    pub apparmor: Fact<String>,
    pub devices: Fact<Vec<String>>,
}

/// One of `mounts`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Mount {
    #[serde(rename = "type")]
    pub kind: String,
    pub options: Option<Vec<String>>,
    pub superblock: Option<Vec<String>>,
    pub propagation: String,
    pub source: String,
    pub root: String,
}

/// `shm`.
#[derive(serde::Serialize)]
pub struct Shm {
    pub of: String,
    pub mode: String,
    pub size_bytes: Option<u64>,
}

/// `uts`.
#[derive(serde::Serialize)]
pub struct Uts {
    pub hostname: Option<String>,
    pub domainname: Option<String>,
}

/// `oom`.
#[derive(serde::Serialize)]
pub struct Oom {
    pub score_adj: i32,
}

/// `inherited`: the word itself where a process has what it was started with.
#[derive(serde::Serialize)]
pub struct Inherited {
    pub umask: Option<String>,
    pub nice: Value,
    pub policy: Value,
    pub io_priority: Value,
    pub cpus: Value,
    pub mems: Value,
    pub personality: Value,
    pub limits: Fact<BTreeMap<String, String>>,
}

/// `environment`.
#[derive(serde::Serialize)]
pub struct Environment {
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub cwd: String,
    pub executable: String,
}

/// `events`.
#[derive(serde::Serialize)]
pub struct Events {
    pub nr_throttled: Fact<u64>,
    pub oom_kill: Fact<u64>,
    pub pids_max: Fact<u64>,
}
