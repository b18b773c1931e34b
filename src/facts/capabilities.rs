//! Names of capabilities. Source: the kernel's include/uapi/linux/capability.h.

/// In the order of their bits.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// Sorted names without `CAP_` of the bits in a mask; a bit that has no name here is `BIT_<n>`.
pub fn names(mask: u64) -> Vec<String> {
    let mut names: Vec<String> = (0..64usize)
        .filter(|bit| mask >> bit & 1 == 1)
        .map(|bit| NAMES.get(bit).map_or_else(|| format!("BIT_{bit}"), |name| (*name).to_owned()))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_fourteen_have_their_names() {
        assert_eq!(
            names(0xa804_25fb).join(" "),
            "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID \
             SYS_CHROOT"
        );
        assert!(names(0).is_empty());
        assert_eq!(names(1 << 45), ["BIT_45"]);
    }
}
