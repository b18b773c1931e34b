//! Programs that say where they run and as whom.

use super::fault::{Doing, Fault, Outcome, exactly, print};
use nix::sys::utsname::uname as kernel;
use nix::unistd::{getegid, geteuid, getgroups};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// `env`: as the process was given it, in order.
pub(super) fn env(args: &[OsString]) -> Outcome {
    exactly::<0>(args)?;
    let mut lines = Vec::new();
    for (name, value) in std::env::vars_os() {
        lines.extend_from_slice(&[name.as_bytes(), b"=", value.as_bytes(), b"\n"].concat());
    }
    print(lines).map(|()| 0)
}

/// `printenv NAME`
pub(super) fn printenv(args: &[OsString]) -> Outcome {
    let [name] = exactly(args)?;
    match std::env::var_os(name) {
        Some(value) => print([value.as_bytes(), b"\n"].concat()).map(|()| 0),
        None => Ok(1),
    }
}

/// `pwd`: by the kernel's account, not by `$PWD`.
pub(super) fn pwd(args: &[OsString]) -> Outcome {
    exactly::<0>(args)?;
    let directory = std::env::current_dir().doing("find the working directory")?;
    print(format!("{}\n", directory.display())).map(|()| 0)
}

/// `sync`
pub(super) fn sync(args: &[OsString]) -> Outcome {
    exactly::<0>(args)?;
    nix::unistd::sync();
    Ok(0)
}

/// `hostname [NAME]`
pub(super) fn hostname(args: &[OsString]) -> Outcome {
    match args {
        [] => {
            let name = nix::unistd::gethostname().doing("read the host name")?;
            print(format!("{}\n", name.display())).map(|()| 0)
        }
        [name] => nix::unistd::sethostname(name).doing("set the host name").map(|()| 0),
        _ => Err(Fault::usage("one name is wanted")),
    }
}

/// `uname [-a|-s|-n|-r|-m]`
pub(super) fn uname(args: &[OsString]) -> Outcome {
    let names = kernel().doing("ask for the kernel's names")?;
    let (system, node, release) = (names.sysname(), names.nodename(), names.release());
    let (version, machine) = (names.version(), names.machine());
    let option = match args {
        [] => "-s",
        [option] => option.to_str().unwrap_or_default(),
        _ => return Err(Fault::usage("one option is wanted")),
    };
    let wanted: &[_] = match option {
        "-s" => &[system],
        "-n" => &[node],
        "-r" => &[release],
        "-m" => &[machine],
        "-a" => &[system, node, release, version, machine],
        _ => return Err(Fault::usage(format!("{option} is no option"))),
    };
    let line = wanted.iter().map(|name| name.display().to_string()).collect::<Vec<_>>().join(" ");
    print(format!("{line}\n")).map(|()| 0)
}

/// `id [-u|-g|-G]`: numbers alone, for names are the image's affair.
pub(super) fn id(args: &[OsString]) -> Outcome {
    let (uid, gid) = (geteuid(), getegid());
    let mut groups = getgroups().doing("ask for the groups")?;
    if !groups.contains(&gid) {
        groups.insert(0, gid);
    }
    let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
    let line = match args {
        [] => format!("uid={uid} gid={gid} groups={}", groups.join(",")),
        [option] if option == "-u" => uid.to_string(),
        [option] if option == "-g" => gid.to_string(),
        [option] if option == "-G" => groups.join(" "),
        _ => return Err(Fault::usage("one of -u, -g and -G is known")),
    };
    print(format!("{line}\n")).map(|()| 0)
}
