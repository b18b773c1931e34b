//! Names of Linux capabilities.

use crate::diagnostic::nearest;
use crate::diagnostic::yaml::Cursor;

/// All of them up to Linux 6.x, as manifests name them.
const NAMES: &[&str] = &[
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

/// A list of capabilities in upper case, `ALL` possible; a fault for each that is none.
pub(super) fn list(cursor: &Cursor<'_>) -> Vec<String> {
    let items = cursor.items().unwrap_or_default();
    items.iter().filter_map(one).collect()
}

fn one(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.text()?;
    // Runtimes put them in upper case themselves.
    let upper = text.to_ascii_uppercase();
    if upper == "ALL" || NAMES.contains(&upper.as_str()) {
        return Some(upper);
    }
    let help = match upper.strip_prefix("CAP_") {
        Some(bare) if NAMES.contains(&bare) || bare == "ALL" => {
            format!("Kubernetes' names have no CAP_: write {bare}")
        }
        bare => match nearest(bare.unwrap_or(&upper), NAMES.iter().copied()) {
            Some(name) => format!("did you mean {name}?"),
            None => "expected a name as in capabilities(7), without CAP_: NET_ADMIN".to_owned(),
        },
    };
    cursor.fault(format!("{text:?} is not a capability"), help);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_has_forty_one() {
        assert_eq!(NAMES.len(), 41);
        assert!(NAMES.is_sorted());
    }
}
