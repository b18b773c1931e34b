//! Programs that print and write text.

use super::fault::{Doing, Fault, Outcome, exactly, print};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;

/// `true`.
pub(super) fn yes(_: &[OsString]) -> Outcome {
    Ok(0)
}

/// `false`.
pub(super) fn no(_: &[OsString]) -> Outcome {
    Ok(1)
}

/// `echo [-n] [WORD]…`
pub(super) fn echo(args: &[OsString]) -> Outcome {
    let (words, end) = match args {
        [first, rest @ ..] if first == "-n" => (rest, &b""[..]),
        _ => (args, &b"\n"[..]),
    };
    let mut line = words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>().join(&b' ');
    line.extend_from_slice(end);
    print(line).map(|()| 0)
}

/// `cat [FILE]…`: goes on after a file that cannot be read, and fails in the end.
pub(super) fn cat(args: &[OsString]) -> Outcome {
    if args.is_empty() {
        return copy(&mut io::stdin().lock(), "standard input").map(|()| 0);
    }
    let mut first_fault = Ok(0);
    for name in args {
        let shown = name.display();
        let copied = match File::open(name).doing(format!("open {shown}")) {
            Ok(mut file) => copy(&mut file, &shown.to_string()),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = copied {
            first_fault = first_fault.and(Err(fault));
        }
    }
    first_fault
}

fn copy(from: &mut dyn Read, name: &str) -> Result<(), Fault> {
    let mut part = [0; 16 * 1024];
    loop {
        match from.read(&mut part) {
            Ok(0) => return Ok(()),
            Ok(length) => print(&part[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).doing(format!("read {name}")),
        }
    }
}

/// `write FILE TEXT`: in one write, as the kernel's own files want it, with a newline.
pub(super) fn write(args: &[OsString]) -> Outcome {
    put(args, OpenOptions::new().write(true).create(true).truncate(true))
}

/// `append FILE TEXT`
pub(super) fn append(args: &[OsString]) -> Outcome {
    put(args, OpenOptions::new().append(true).create(true))
}

fn put(args: &[OsString], how: &OpenOptions) -> Outcome {
    let [name, text] = exactly(args)?;
    let mut file = how.open(name).doing(format!("open {} for writing", name.display()))?;
    let line = [text.as_bytes(), b"\n"].concat();
    file.write_all(&line).doing(format!("write {}", name.display()))?;
    Ok(0)
}
