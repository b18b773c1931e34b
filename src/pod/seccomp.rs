//! Seccomp profiles: which one a manifest asks for, and the filter that a case gives with a Localhost one.

use crate::diagnostic::nearest;
use crate::diagnostic::yaml::{Cursor, Kind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `seccompProfile` of a Pod or container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SeccompProfile {
    /// No filter: what holds where a manifest names none.
    #[default]
    Unconfined,
    /// The runtime's own.
    RuntimeDefault,
    /// One that lies on the node.
    Localhost(LocalProfile),
}

/// A profile that lies on the node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalProfile {
    /// `localhostProfile`, relative to a kubelet's seccomp directory.
    pub name: String,
    /// What the file says.
    pub filter: SeccompFilter,
}

/// A filter of system calls in the format of the OCI runtime specification, which Docker's profiles share.
/// Source: <https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#seccomp>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeccompFilter {
    /// What becomes of a call that no rule speaks of.
    pub default_action: Action,
    /// The errno of that, EPERM if not given; only with [`Action::Errno`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_errno_ret: Option<u32>,
    /// Architectures beside the kernel's own: `SCMP_ARCH_X86`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub architectures: Vec<String>,
    /// The rules; the first that fits a call decides.
    pub syscalls: Vec<Rule>,
}

/// A rule of a filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// System calls by name; what an architecture has not is passed over.
    pub names: Vec<String>,
    /// What becomes of them.
    pub action: Action,
    /// The errno of [`Action::Errno`], EPERM if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errno_ret: Option<u32>,
    /// Conditions, all of which must hold; several on one argument are alternatives.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub args: Vec<Condition>,
}

/// A condition on an argument of a system call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which argument, from 0.
    pub index: u32,
    /// What it is compared with; the mask of [`Op::MaskedEq`].
    pub value: u64,
    /// What the masked argument is compared with.
    #[serde(default)]
    pub value_two: u64,
    /// How.
    pub op: Op,
}

/// What becomes of a system call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// It is made.
    #[serde(rename = "SCMP_ACT_ALLOW")]
    Allow,
    /// It fails with an errno.
    #[default]
    #[serde(rename = "SCMP_ACT_ERRNO")]
    Errno,
    /// It is made and logged.
    #[serde(rename = "SCMP_ACT_LOG")]
    Log,
    /// SIGSYS to the thread that makes it.
    #[serde(rename = "SCMP_ACT_TRAP")]
    Trap,
    /// Its thread is killed.
    #[serde(rename = "SCMP_ACT_KILL")]
    KillThread,
    /// Its process is killed.
    #[serde(rename = "SCMP_ACT_KILL_PROCESS")]
    KillProcess,
}

/// A comparison, of 64 bits without sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Not equal.
    #[serde(rename = "SCMP_CMP_NE")]
    Ne,
    /// Less.
    #[serde(rename = "SCMP_CMP_LT")]
    Lt,
    /// Less or equal.
    #[serde(rename = "SCMP_CMP_LE")]
    Le,
    /// Equal.
    #[serde(rename = "SCMP_CMP_EQ")]
    Eq,
    /// Greater or equal.
    #[serde(rename = "SCMP_CMP_GE")]
    Ge,
    /// Greater.
    #[serde(rename = "SCMP_CMP_GT")]
    Gt,
    /// Equal to the second value after masking with the first.
    #[serde(rename = "SCMP_CMP_MASKED_EQ")]
    MaskedEq,
}

const ACTIONS: [(&str, Action); 7] = [
    ("SCMP_ACT_ALLOW", Action::Allow),
    ("SCMP_ACT_ERRNO", Action::Errno),
    ("SCMP_ACT_LOG", Action::Log),
    ("SCMP_ACT_TRAP", Action::Trap),
    ("SCMP_ACT_KILL", Action::KillThread),
    ("SCMP_ACT_KILL_THREAD", Action::KillThread),
    ("SCMP_ACT_KILL_PROCESS", Action::KillProcess),
];

const OPS: [(&str, Op); 7] = [
    ("SCMP_CMP_NE", Op::Ne),
    ("SCMP_CMP_LT", Op::Lt),
    ("SCMP_CMP_LE", Op::Le),
    ("SCMP_CMP_EQ", Op::Eq),
    ("SCMP_CMP_GE", Op::Ge),
    ("SCMP_CMP_GT", Op::Gt),
    ("SCMP_CMP_MASKED_EQ", Op::MaskedEq),
];

/// The largest errno of the kernel.
const MOST_ERRNO: i64 = 4095;

/// Reads `seccompProfile`. A Localhost one has no filter yet: see [`super::node::settle`].
pub(super) fn profile(cursor: &Cursor<'_>) -> Option<SeccompProfile> {
    let (kind, name) = typed(cursor)?;
    Some(match kind {
        "RuntimeDefault" => SeccompProfile::RuntimeDefault,
        "Localhost" => SeccompProfile::Localhost(LocalProfile { name, ..LocalProfile::default() }),
        _ => SeccompProfile::Unconfined,
    })
}

/// The type of a profile of seccomp or AppArmor, and the name that goes with Localhost alone.
pub(super) fn typed(cursor: &Cursor<'_>) -> Option<(&'static str, String)> {
    let Some(kind) = cursor.get("type") else {
        cursor.fault("a profile has no type", "add type: RuntimeDefault, Unconfined or Localhost");
        return None;
    };
    let kind = kind.one_of(&["RuntimeDefault", "Unconfined", "Localhost"])?;
    let name = cursor.get("localhostProfile");
    match (kind, name) {
        ("Localhost", None) => {
            cursor.fault("a Localhost profile has no name", "add localhostProfile:");
            None
        }
        ("Localhost", Some(value)) => {
            let name = value.text()?;
            if name.is_empty() || name.starts_with('/') || name.split('/').any(|part| part == "..") {
                let help = "expected a path below the node's directory of profiles, without `..`";
                value.fault(format!("{name:?} cannot be a localhostProfile"), help);
                return None;
            }
            Some((kind, name.to_owned()))
        }
        (_, Some(value)) => {
            value.fault_at_key("localhostProfile goes with type: Localhost alone", "remove it, or change the type");
            None
        }
        (_, None) => Some((kind, String::new())),
    }
}

/// Reads the profiles that a case gives, by name. Faults go to the cursor's collector.
pub fn parse_seccomp_profiles(cursor: &Cursor<'_>) -> BTreeMap<String, SeccompFilter> {
    let entries = cursor.entries().unwrap_or_default();
    entries.into_iter().filter_map(|(name, value)| Some((name.to_owned(), filter(&value)?))).collect()
}

fn filter(cursor: &Cursor<'_>) -> Option<SeccompFilter> {
    known_keys(cursor, "a seccomp profile", &["defaultAction", "defaultErrnoRet", "architectures", "syscalls"])?;
    let Some(action) = cursor.get("defaultAction") else {
        cursor.fault("a seccomp profile has no defaultAction", "as in defaultAction: SCMP_ACT_ALLOW");
        return None;
    };
    let default_action = named(&action, &ACTIONS)?;
    let rules = cursor.get("syscalls").and_then(|rules| rules.items()).unwrap_or_default();
    Some(SeccompFilter {
        default_action,
        default_errno_ret: errno(cursor, "defaultErrnoRet", default_action),
        architectures: cursor.get("architectures").and_then(|list| list.texts()).unwrap_or_default(),
        syscalls: rules.iter().filter_map(rule).collect(),
    })
}

fn rule(cursor: &Cursor<'_>) -> Option<Rule> {
    known_keys(cursor, "a rule of a seccomp profile", &["names", "action", "errnoRet", "args"])?;
    let Some(names) = cursor.get("names").and_then(|names| names.texts()).filter(|names| !names.is_empty()) else {
        cursor.fault("a rule names no system call", "add names: [...]");
        return None;
    };
    let Some(action) = cursor.get("action") else {
        cursor.fault("a rule has no action", "as in action: SCMP_ACT_ERRNO");
        return None;
    };
    let action = named(&action, &ACTIONS)?;
    let args = cursor.get("args").and_then(|args| args.items()).unwrap_or_default();
    Some(Rule {
        names,
        action,
        errno_ret: errno(cursor, "errnoRet", action),
        args: args.iter().filter_map(condition).collect(),
    })
}

fn condition(cursor: &Cursor<'_>) -> Option<Condition> {
    known_keys(cursor, "a condition", &["index", "value", "valueTwo", "op"])?;
    let number = |name: &str, most: i64| cursor.get(name).map(|value| value.integer(0, most));
    let (Some(index), Some(op)) = (number("index", 5), cursor.get("op")) else {
        cursor.fault("a condition has an index, a value and an op", "as in {index: 0, value: 0, op: SCMP_CMP_EQ}");
        return None;
    };
    let wide = |name: &str| number(name, i64::MAX).flatten().and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
    Some(Condition {
        index: u32::try_from(index?).ok()?,
        value: wide("value"),
        value_two: wide("valueTwo"),
        op: named(&op, &OPS)?,
    })
}

fn errno(cursor: &Cursor<'_>, name: &str, action: Action) -> Option<u32> {
    let value = cursor.get(name)?;
    if action != Action::Errno {
        value.fault_at_key(format!("{name} goes with SCMP_ACT_ERRNO alone"), "remove it, or change the action");
        return None;
    }
    value.integer(1, MOST_ERRNO).and_then(|errno| u32::try_from(errno).ok())
}

fn named<T: Copy>(cursor: &Cursor<'_>, names: &[(&str, T)]) -> Option<T> {
    let text = cursor.text()?;
    if let Some((_, value)) = names.iter().find(|(name, _)| *name == text) {
        return Some(*value);
    }
    let all = || names.iter().map(|(name, _)| *name);
    let help = match nearest(text, all()) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("expected {}", all().collect::<Vec<_>>().join(", ")),
    };
    cursor.fault(format!("{text:?} is not known here"), help);
    None
}

/// Docker's `includes`, `excludes` and `archMap` depend on the daemon, and so are refused with all that is unknown.
fn known_keys(cursor: &Cursor<'_>, owner: &str, known: &[&str]) -> Option<()> {
    if !matches!(cursor.node().kind, Kind::Map(_)) {
        cursor.fault(format!("expected {owner}, found {}", cursor.node().described()), "");
        return None;
    }
    for (key, value) in cursor.entries()? {
        if !known.contains(&key) {
            value.unknown_key(owner, known);
            return None;
        }
    }
    Some(())
}
