//! Capability sets, as runc 1.1 gives them: effective, permitted and bounding alike, inheritable and ambient empty.

use super::fault::{Context, Fault};
use nix::errno::Errno;
use nix::libc;

/// In the order of their numbers. Source: linux/capability.h.
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

/// The 14 that containerd and Docker give. Source: containerd pkg/oci/spec.go, `defaultUnixCaps`.
const DEFAULT: CapabilitySet = CapabilitySet(0xa804_25fb);

const VERSION_3: u32 = 0x2008_0522;

/// A set of capabilities, a bit for each number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapabilitySet(u64);

impl CapabilitySet {
    /// What a container gets that asks for nothing.
    pub fn default_set() -> Self {
        DEFAULT
    }

    /// All that this process may hand on.
    ///
    /// # Errors
    /// The kernel's.
    pub fn current() -> nix::Result<Self> {
        let header = Header { version: VERSION_3, pid: 0 };
        let mut data = [Data::default(); 2];
        // SAFETY: version 3 fills two of `Data`; both structs are the kernel's own layout and live across the call.
        Errno::result(unsafe { libc::syscall(libc::SYS_capget, &raw const header, data.as_mut_ptr()) })?;
        Ok(CapabilitySet(u64::from(data[0].permitted) | u64::from(data[1].permitted) << 32))
    }

    /// `self` with a manifest's wishes, as containerd applies them: ALL first, then name by name, drops last.
    ///
    /// # Errors
    /// A name that is no capability.
    pub fn adjusted(self, add: &[String], drop: &[String], all: CapabilitySet) -> Result<Self, Fault> {
        let is_all = |name: &&String| name.eq_ignore_ascii_case("ALL");
        let mut set = if add.iter().any(|n| is_all(&n)) { all } else { self };
        if drop.iter().any(|n| is_all(&n)) {
            set = CapabilitySet(0);
        }
        for name in add.iter().filter(|n| !is_all(n)) {
            set.0 |= bit(name)?;
        }
        for name in drop.iter().filter(|n| !is_all(n)) {
            set.0 &= !bit(name)?;
        }
        Ok(set)
    }

    /// Whether a capability is in it, by its name without `CAP_`.
    pub fn has(self, name: &str) -> bool {
        bit(name).is_ok_and(|bit| self.0 & bit != 0)
    }

    /// Takes everything else out of the bounding set. Before the user changes: it needs SETPCAP.
    ///
    /// # Errors
    /// The kernel's.
    pub fn bound(self) -> nix::Result<()> {
        for number in 0..64 {
            // SAFETY: prctl with plain numbers.
            let held = unsafe { libc::prctl(libc::PR_CAPBSET_READ, number, 0, 0, 0) };
            if held < 0 {
                break; // past the kernel's last capability
            }
            if held == 1 && self.0 & (1 << number) == 0 {
                // SAFETY: prctl with plain numbers.
                Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) })?;
            }
        }
        Ok(())
    }

    /// Makes this the effective and permitted set, with nothing inheritable or ambient.
    ///
    /// # Errors
    /// EPERM for one that this process has not.
    pub fn apply(self) -> nix::Result<()> {
        let header = Header { version: VERSION_3, pid: 0 };
        let half = |bits: u64| {
            let bits = u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0);
            Data { effective: bits, permitted: bits, inheritable: 0 }
        };
        let data = [half(self.0), half(self.0 >> 32)];
        // SAFETY: as in `current`; the kernel only reads both.
        Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) })?;
        // SAFETY: prctl with plain numbers.
        Errno::result(unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) })?;
        Ok(())
    }
}

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

fn bit(name: &str) -> Result<u64, Fault> {
    let plain = name.to_ascii_uppercase();
    let plain = plain.strip_prefix("CAP_").unwrap_or(&plain);
    let number = NAMES.iter().position(|n| *n == plain);
    number.map(|n| 1 << n).ok_or("no capability has this name").to(|| format!("find the capability {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&n| n.to_owned()).collect()
    }

    #[test]
    fn the_default_set_is_the_fourteen_known_ones() {
        let wanted = [
            "CHOWN",
            "DAC_OVERRIDE",
            "FSETID",
            "FOWNER",
            "MKNOD",
            "NET_RAW",
            "SETGID",
            "SETUID",
            "SETFCAP",
            "SETPCAP",
            "NET_BIND_SERVICE",
            "SYS_CHROOT",
            "KILL",
            "AUDIT_WRITE",
        ];
        let built = CapabilitySet(0).adjusted(&names(&wanted), &[], CapabilitySet(0)).expect("all are known");
        assert_eq!(built, CapabilitySet::default_set());
    }

    #[test]
    fn wishes_are_applied_as_containerd_does() {
        let all = CapabilitySet((1 << 41) - 1);
        let set = |add: &[&str], drop: &[&str]| DEFAULT.adjusted(&names(add), &names(drop), all).map(|s| s.0);
        assert_eq!(set(&["ALL"], &["CHOWN"]), Ok(((1 << 41) - 1) & !1));
        assert_eq!(set(&["NET_BIND_SERVICE"], &["all"]), Ok(1 << 10));
        assert_eq!(set(&["cap_sys_time"], &["KILL"]), Ok(0xa804_25fb & !(1 << 5) | 1 << 25));
        assert!(set(&["FLY"], &[]).is_err());
    }
}
