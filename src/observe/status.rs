//! `/proc/<pid>/status`: credentials, capabilities, no_new_privs, seccomp, the pid inside.

use super::error::Malformed;
use super::observation::{Capabilities, Credentials, Seccomp, Seen};
use super::words::number;

/// What is used of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// User, groups, capabilities.
    pub credentials: Credentials,
    /// `NoNewPrivs`.
    pub no_new_privs: bool,
    /// `Seccomp`; unobservable in a kernel built without it.
    pub seccomp: Seen<Seccomp>,
    /// The innermost of `NSpid`.
    pub own_pid: Option<i32>,
    /// `Umask`; kernels before 4.7 do not print it.
    pub umask: Option<u32>,
    /// `Mems_allowed_list`; unobservable in a kernel without cpusets.
    pub mems: Seen<String>,
}

/// Parses it.
pub fn parse(text: &str) -> Result<Status, Malformed> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let needed = |name: &str| field(name).ok_or_else(|| Malformed::new(format!("a line `{name}:`"), "none"));
    Ok(Status {
        credentials: Credentials {
            uid: four(needed("Uid")?)?,
            gid: four(needed("Gid")?)?,
            groups: numbers(needed("Groups")?)?,
            capabilities: Capabilities {
                effective: mask(needed("CapEff")?)?,
                permitted: mask(needed("CapPrm")?)?,
                inheritable: mask(needed("CapInh")?)?,
                bounding: mask(needed("CapBnd")?)?,
                ambient: mask(needed("CapAmb")?)?,
            },
        },
        no_new_privs: match needed("NoNewPrivs")? {
            "0" => false,
            "1" => true,
            other => return Err(Malformed::new("NoNewPrivs of 0 or 1", other)),
        },
        seccomp: match field("Seccomp") {
            None => Seen::Unobservable("seccomp"),
            Some("0") => Seen::Value(Seccomp::Disabled),
            Some("1") => Seen::Value(Seccomp::Strict),
            Some("2") => Seen::Value(Seccomp::Filter),
            Some(other) => return Err(Malformed::new("Seccomp of 0, 1 or 2", other)),
        },
        own_pid: field("NSpid").and_then(|pids| pids.split_whitespace().last()).map(number).transpose()?,
        umask: field("Umask").map(octal).transpose()?,
        mems: field("Mems_allowed_list").map_or(Seen::Unobservable("cpusets"), |list| Seen::Value(list.to_owned())),
    })
}

fn numbers(text: &str) -> Result<Vec<u32>, Malformed> {
    text.split_whitespace().map(number).collect()
}

fn four(text: &str) -> Result<[u32; 4], Malformed> {
    numbers(text)?.try_into().map_err(|_| Malformed::new("four ids: real, effective, saved, file system", text))
}

fn octal(text: &str) -> Result<u32, Malformed> {
    u32::from_str_radix(text, 8).map_err(|_| Malformed::new("a mask of octal digits", text))
}

fn mask(text: &str) -> Result<u64, Malformed> {
    u64::from_str_radix(text, 16).map_err(|_| Malformed::new("a mask of hexadecimal digits", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: &str = "Name:\tpause\nUmask:\t0022\nState:\tS (sleeping)\nPPid:\t8895\nUid:\t65535\t65535\t65535\t65535\n\
                         Gid:\t65535\t65535\t65535\t65535\nGroups:\t4 24 \nNSpid:\t8917\t1\nCapInh:\t0000000000000000\n\
                         CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\n\
                         CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n\
                         Mems_allowed_list:\t0-1\n";

    #[test]
    fn a_containers_status_is_read() {
        let status = parse(PAUSE).expect("good text");
        assert_eq!(status.credentials.uid, [65535; 4]);
        assert_eq!(status.credentials.groups, [4, 24]);
        assert_eq!(status.credentials.capabilities.bounding, 0xa804_25fb);
        assert_eq!((status.no_new_privs, status.own_pid), (true, Some(1)));
        assert_eq!(status.seccomp, Seen::Value(Seccomp::Filter));
        assert_eq!((status.umask, status.mems), (Some(0o022), Seen::Value("0-1".to_owned())));
    }

    #[test]
    fn a_kernel_without_seccomp_cpusets_or_pid_namespaces_says_so_by_leaving_them_out() {
        let text: String = PAUSE
            .lines()
            .filter(|l| !["Sec", "NS", "Mems"].iter().any(|s| l.starts_with(s)))
            .map(|l| format!("{l}\n"))
            .collect();
        let status = parse(&text).expect("good text");
        assert_eq!((status.seccomp, status.own_pid), (Seen::Unobservable("seccomp"), None));
        assert_eq!(status.mems, Seen::Unobservable("cpusets"));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (from, to, says) in [
            ("Uid:\t65535\t65535", "Uid:\t65535", "four ids"),
            ("Gid:", "Git:", "`Gid:`"),
            ("a80425fb", "a80425fx", "hexadecimal"),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t7", "NoNewPrivs"),
            ("Seccomp:\t2", "Seccomp:\tyes", "Seccomp"),
            ("Umask:\t0022", "Umask:\t0029", "octal"),
            ("Groups:\t4", "Groups:\tadm", "whole number"),
        ] {
            let error = parse(&PAUSE.replace(from, to)).expect_err(says).to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
