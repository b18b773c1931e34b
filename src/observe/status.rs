//! `/proc/<pid>/status`: credentials, capabilities, no_new_privs, seccomp, the pid inside.

use super::error::Malformed;
use super::observation::{Capabilities, Credentials, Seccomp, Seen};
use procfs::{FromRead, ProcError};

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

/// Lines that every kernel from 4.19 on has and that are needed.
const LINES: [&str; 9] = ["Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs"];

/// Parses it.
pub fn parse(text: &str) -> Result<Status, Malformed> {
    let malformed = || Malformed::new("the lines of proc_pid_status(5)", text);
    let has = |name: &str| text.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')));
    if let Some(name) = LINES.into_iter().find(|name| !has(name)) {
        return Err(Malformed::new(format!("a line `{name}:`"), text));
    }
    let status = procfs::process::Status::from_read(text.as_bytes()).map_err(|error| match error {
        ProcError::InternalError(error) => Malformed::new("a line of proc_pid_status(5)", senseless(text, &error.msg)),
        _ => malformed(),
    })?;
    Ok(Status {
        credentials: Credentials {
            uid: [status.ruid, status.euid, status.suid, status.fuid],
            gid: [status.rgid, status.egid, status.sgid, status.fgid],
            groups: status.groups,
            capabilities: Capabilities {
                effective: status.capeff,
                permitted: status.capprm,
                inheritable: status.capinh,
                bounding: status.capbnd.ok_or_else(malformed)?,
                ambient: status.capamb.ok_or_else(malformed)?,
            },
        },
        no_new_privs: match status.nonewprivs {
            Some(0) => false,
            Some(1) => true,
            other => return Err(Malformed::new("NoNewPrivs of 0 or 1", format!("{other:?}"))),
        },
        seccomp: match status.seccomp {
            None => Seen::Unobservable("seccomp"),
            Some(0) => Seen::Value(Seccomp::Disabled),
            Some(1) => Seen::Value(Seccomp::Strict),
            Some(2) => Seen::Value(Seccomp::Filter),
            Some(other) => return Err(Malformed::new("Seccomp of 0, 1 or 2", other.to_string())),
        },
        own_pid: status.nspid.and_then(|pids| pids.last().copied()),
        umask: status.umask,
        mems: match status.mems_allowed_list {
            None if has("Mems_allowed_list") => return Err(Malformed::new("a Mems_allowed_list of nodes", text)),
            None => Seen::Unobservable("cpusets"),
            Some(ranges) => Seen::Value(list(&ranges)),
        },
    })
}

/// The line that procfs means: of that it says only the value, in brackets and quotes.
fn senseless<'a>(text: &'a str, says: &str) -> &'a str {
    let value = says.split_once("(\"").and_then(|(_, rest)| rest.split_once("\")")).map(|(value, _)| value);
    let line = value.and_then(|value| text.lines().find(|line| line.ends_with(value)));
    line.unwrap_or(text)
}

/// `0-1,3`, as the kernel prints it.
fn list(ranges: &[(u32, u32)]) -> String {
    let text = |(first, last): &(u32, u32)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: &str = "Name:\tru:[2\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t8917\nNgid:\t0\nPid:\t8917\nPPid:\t8895\nTracerPid:\t0\nUid:\t65535\t65535\t65535\t65535\n\
                         Gid:\t65535\t65535\t65535\t65535\nFDSize:\t64\nGroups:\t4 24 \nNSpid:\t8917\t1\nThreads:\t1\nSigQ:\t0/7\nSigPnd:\t0\nShdPnd:\t0\nSigBlk:\t0\nSigIgn:\t0\nSigCgt:\t0\nCapInh:\t0000000000000000\n\
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
            ("Uid:\t65535\t65535\t65535\t65535", "Uid:\t65535", "status"),
            ("Gid:", "Git:", "`Gid:`"),
            ("a80425fb", "a80425fx", "CapBnd"),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t7", "NoNewPrivs"),
            ("Seccomp:\t2", "Seccomp:\tyes", "yes"),
            ("Seccomp:\t2", "Seccomp:\t7", "Seccomp"),
            ("Umask:\t0022", "Umask:\t0029", "0029"),
            ("Groups:\t4", "Groups:\tadm", "adm"),
            ("list:\t0-1", "list:\tall", "Mems_allowed_list"),
        ] {
            let error = parse(&PAUSE.replace(from, to)).expect_err(says).to_string();
            assert!(error.contains(says) && error.len() < 900, "{error}");
        }
    }
}
