//! How long a program stays by itself, as far as its command line tells.

use super::{find, operand, serve};
use std::ffi::OsString;
use std::time::Duration;

/// How long a program stays unless somebody ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// Until it is stopped, if it can listen on these ports.
    Ever(Vec<u16>),
    /// For this time at least.
    For(Duration),
    /// It does its work and ends.
    Ends,
    /// Its command line does not tell.
    Unknown,
}

/// How long the program of this command line stays, which is called correctly.
pub fn lasting(argv: &[String]) -> Lasting {
    let Some((command, args)) = argv.split_first() else { return Lasting::Unknown };
    let Some(program) = find(command) else { return Lasting::Unknown };
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let time = |durations: &[OsString]| match operand::durations(durations) {
        Ok(None) => Lasting::Ever(Vec::new()),
        Ok(Some(time)) => Lasting::For(time),
        Err(_) => Lasting::Unknown,
    };
    match (program.name, &args[..]) {
        ("serve", args) => serve::ports_it_needs(args).map_or(Lasting::Unknown, Lasting::Ever),
        ("pause", []) => Lasting::Ever(Vec::new()),
        ("sleep", durations @ [_, ..]) | ("stubborn", durations @ [_]) => time(durations),
        _ if !program.stays => Lasting::Ends,
        _ => Lasting::Unknown,
    }
}

/// A program that stays no longer than this may have ended before it is looked at.
const BRIEF: Duration = Duration::from_secs(300);

/// Whether a program of ours may have ended before it is looked at, unless the host has it wait: see [`super::HOLD`].
pub fn is_brief(argv: &[String]) -> bool {
    let held = argv.first().and_then(|command| find(command)).is_some_and(super::Program::may_be_held);
    held && match lasting(argv) {
        Lasting::Ends => true,
        Lasting::For(time) => time <= BRIEF,
        Lasting::Ever(_) | Lasting::Unknown => false,
    }
}

/// The exit status of a program that ends, where its command line tells.
pub fn exit_status(argv: &[String]) -> Option<i32> {
    let (command, args) = argv.split_first()?;
    match (find(command)?.name, args) {
        ("true" | "echo", _) => Some(0),
        ("false", _) => Some(1),
        ("exit", [status]) => status.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_tells_how_long_its_program_stays() {
        let ever = |ports: &[u16]| Lasting::Ever(ports.to_vec());
        let seconds = |seconds| Lasting::For(Duration::from_secs(seconds));
        for (argv, lasts) in [
            ("/bin/serve --name web --port 80 --declared 81", ever(&[80])),
            ("serve", ever(&[])),
            ("serve --name", Lasting::Unknown),
            ("pause", ever(&[])),
            ("pause now", Lasting::Unknown),
            ("sleep inf", ever(&[])),
            ("sleep 1h 30m", seconds(5400)),
            ("sleep", Lasting::Unknown),
            ("sleep soon", Lasting::Unknown),
            ("stubborn 60", seconds(60)),
            ("cat /etc/hosts", Lasting::Ends),
            ("burn 60", Lasting::Unknown),
            ("/opt/server", Lasting::Unknown),
            ("", Lasting::Unknown),
        ] {
            let words: Vec<String> = argv.split_whitespace().map(str::to_owned).collect();
            assert_eq!(lasting(&words), lasts, "{argv}");
        }
    }

    #[test]
    fn what_may_have_ended_is_brief() {
        for (argv, brief, status) in [
            ("cat /etc/hosts", true, None),
            ("/bin/true", true, Some(0)),
            ("false", true, Some(1)),
            ("exit 7", true, Some(7)),
            ("echo hello", true, Some(0)),
            ("sleep 5", true, None),
            ("sleep 1d", false, None),
            ("serve", false, None),
            ("held word cat", false, None),
            ("burn 5", false, None),
            ("/opt/job", false, None),
        ] {
            let words: Vec<String> = argv.split_whitespace().map(str::to_owned).collect();
            assert_eq!((is_brief(&words), exit_status(&words)), (brief, status), "{argv}");
        }
    }
}
