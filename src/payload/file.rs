//! Programs about files.

use super::fault::{Doing, Fault, Outcome, exactly, print};
use super::operand;
use nix::unistd::{Gid, Uid};
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::fs::{self, FileTimes, Metadata, OpenOptions, Permissions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::SystemTime;

/// Takes one-letter options off the front; an option that is not among `known` is a wrong call.
fn options<'a>(args: &'a [OsString], known: &str) -> Result<(String, &'a [OsString]), Fault> {
    let is_option = |arg: &OsString| arg.to_str().is_some_and(|text| text.starts_with('-') && text.len() > 1);
    let count = args.iter().take_while(|arg| is_option(arg)).count();
    let (given, operands) = args.split_at(count);
    let letters: String = given.iter().filter_map(|arg| arg.to_str()).flat_map(|text| text.chars().skip(1)).collect();
    match letters.chars().find(|&letter| !known.contains(letter)) {
        Some(letter) => Err(Fault::usage(format!("-{letter} is no option"))),
        None => Ok((letters, operands)),
    }
}

fn some(operands: &[OsString]) -> Result<&[OsString], Fault> {
    if operands.is_empty() { Err(Fault::usage("a path is wanted")) } else { Ok(operands) }
}

/// `touch FILE…`
pub(super) fn touch(args: &[OsString]) -> Outcome {
    for name in some(args)? {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(name)
            .doing(format!("open {}", name.display()))?;
        let now = FileTimes::new().set_modified(SystemTime::now()).set_accessed(SystemTime::now());
        file.set_times(now).doing(format!("set the times of {}", name.display()))?;
    }
    Ok(0)
}

/// `mkdir [-p] DIRECTORY…`
pub(super) fn mkdir(args: &[OsString]) -> Outcome {
    let (given, names) = options(args, "p")?;
    for name in some(names)? {
        let made = if given.contains('p') { fs::create_dir_all(name) } else { fs::create_dir(name) };
        made.doing(format!("create {}", name.display()))?;
    }
    Ok(0)
}

/// `cp FROM TO`: content and mode.
pub(super) fn cp(args: &[OsString]) -> Outcome {
    let [from, to] = exactly(args)?;
    fs::copy(from, to).doing(format!("copy {} to {}", from.display(), to.display())).map(|_| 0)
}

/// `rm [-r] [-f] PATH…`
pub(super) fn rm(args: &[OsString]) -> Outcome {
    let (given, names) = options(args, "rf")?;
    for name in some(names)? {
        let is_directory = fs::symlink_metadata(name).is_ok_and(|m| m.is_dir());
        let removed =
            if is_directory && given.contains('r') { fs::remove_dir_all(name) } else { fs::remove_file(name) };
        match removed {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && given.contains('f') => {}
            other => other.doing(format!("remove {}", name.display()))?,
        }
    }
    Ok(0)
}

/// `ln -s TARGET LINK`
pub(super) fn ln(args: &[OsString]) -> Outcome {
    let [option, target, link] = exactly(args)?;
    if option != "-s" {
        return Err(Fault::usage("only symbolic links are made"));
    }
    symlink(target, link).doing(format!("create {}", link.display())).map(|()| 0)
}

/// `readlink LINK`: also the kernel's own, such as /proc/self/ns/net.
pub(super) fn readlink(args: &[OsString]) -> Outcome {
    let [link] = exactly(args)?;
    let target = fs::read_link(link).doing(format!("read the link {}", link.display()))?;
    print(format!("{}\n", target.display())).map(|()| 0)
}

/// `chmod MODE FILE`
pub(super) fn chmod(args: &[OsString]) -> Outcome {
    let [mode, name] = exactly(args)?;
    let mode = u32::from_str_radix(operand::text(mode)?, 8).ok().filter(|&mode| mode <= 0o7777);
    let mode = mode.ok_or_else(|| Fault::usage("a mode is octal, such as 0644"))?;
    fs::set_permissions(name, Permissions::from_mode(mode))
        .doing(format!("set the mode of {}", name.display()))
        .map(|()| 0)
}

/// `chown UID[:GID] FILE`
pub(super) fn chown(args: &[OsString]) -> Outcome {
    let [owner, name] = exactly(args)?;
    let (uid, gid) = match operand::text(owner)?.split_once(':') {
        Some((uid, gid)) => (uid, Some(Gid::from_raw(operand::number(OsStr::new(gid))?))),
        None => (operand::text(owner)?, None),
    };
    let uid = Uid::from_raw(operand::number(OsStr::new(uid))?);
    nix::unistd::chown(Path::new(name), Some(uid), gid)
        .doing(format!("set the owner of {}", name.display()))
        .map(|()| 0)
}

/// `ls [-a] [-l] [PATH]…`: a name a line, sorted; with -l what `stat` says before each.
pub(super) fn ls(args: &[OsString]) -> Outcome {
    let (given, names) = options(args, "al1")?;
    let here = [OsString::from(".")];
    let mut lines = String::new();
    for path in if names.is_empty() { &here } else { names } {
        let metadata = fs::symlink_metadata(path).doing(format!("look at {}", path.display()))?;
        let mut entries = Vec::new();
        if metadata.is_dir() {
            let doing = || format!("list {}", path.display());
            for entry in fs::read_dir(path).doing(doing())? {
                let entry = entry.doing(doing())?;
                entries.push((entry.file_name(), entry.path()));
            }
        } else {
            entries.push((path.clone(), path.into()));
        }
        entries.retain(|(name, _)| {
            given.contains('a') || !metadata.is_dir() || !name.as_encoded_bytes().starts_with(b".")
        });
        entries.sort();
        for (name, path) in entries {
            if given.contains('l') {
                // A file that is gone by now is listed without its details.
                let details = fs::symlink_metadata(&path).map_or_else(|_| "?".to_owned(), |m| describe(&m));
                let _ = write!(lines, "{details} ");
            }
            let _ = writeln!(lines, "{}", name.display());
        }
    }
    print(lines).map(|()| 0)
}

/// `stat PATH`
pub(super) fn stat(args: &[OsString]) -> Outcome {
    let [name] = exactly(args)?;
    let metadata = fs::symlink_metadata(name).doing(format!("look at {}", name.display()))?;
    print(format!("{} {}\n", describe(&metadata), name.display())).map(|()| 0)
}

/// `character 0666 0:0 1,3`: kind, mode, owner, and the size or a device's numbers.
fn describe(metadata: &Metadata) -> String {
    let kind = metadata.file_type();
    let device = kind.is_char_device() || kind.is_block_device();
    let kind = match kind {
        k if k.is_file() => "file",
        k if k.is_dir() => "directory",
        k if k.is_symlink() => "link",
        k if k.is_char_device() => "character",
        k if k.is_block_device() => "block",
        k if k.is_fifo() => "fifo",
        _ => "socket",
    };
    let (major, minor) = (nix::sys::stat::major(metadata.rdev()), nix::sys::stat::minor(metadata.rdev()));
    let extent = if device { format!("{major},{minor}") } else { metadata.len().to_string() };
    format!("{kind} {:04o} {}:{} {extent}", metadata.mode() & 0o7777, metadata.uid(), metadata.gid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_taken_off_the_front() {
        let args: Vec<OsString> = ["-r", "-f", "a", "-b"].map(OsString::from).to_vec();
        assert!(matches!(options(&args, "rf"), Ok((given, operands)) if given == "rf" && operands.len() == 2));
        assert!(matches!(options(&args, "r"), Err(Fault::Usage(why)) if why == "-f is no option"));
    }

    #[test]
    fn a_device_is_described_by_its_numbers() {
        let null = fs::symlink_metadata("/dev/null").expect("every Linux has it");
        assert!(describe(&null).starts_with("character 0666 "));
        assert!(describe(&null).ends_with(" 1,3"));
    }
}
