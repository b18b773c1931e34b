//! Programs that end when they are told to, as they are told to.

use super::fault::{Doing, Fault, Outcome, exactly};
use super::operand;
use super::stay::{self, Signals};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// Between two looks at a file.
const PAUSE: Duration = Duration::from_millis(5);

/// `exit-when FILE STATUS`: ends once the file is there, or with 143 by SIGTERM. As PID 1 it would take with it whoever made
/// the file, so it lets everybody else in its PID namespace end first.
pub(super) fn exit_when(args: &[OsString]) -> Outcome {
    let [file, status] = exactly(args)?;
    let status = operand::number::<u8>(status)?;
    let signals = Signals::take()?;
    stay::ready("exit-when")?;
    while !Path::new(file).exists() || has_company() {
        if let Some(signal) = stay::stay(&signals, Instant::now().checked_add(PAUSE))? {
            return Ok(128 + signal as i32);
        }
    }
    Ok(i32::from(status))
}

/// Whether a PID 1 is not alone in its PID namespace; no signal is sent.
fn has_company() -> bool {
    getpid() == Pid::from_raw(1) && kill(Pid::from_raw(-1), None) != Err(Errno::ESRCH)
}

/// `exit-each FILE STATUS…`: ends with the first status when run for the first time, with the second the next time, and so
/// on; the last one stays. FILE keeps count.
pub(super) fn exit_each(args: &[OsString]) -> Outcome {
    let Some((file, statuses)) = args.split_first().filter(|(_, statuses)| !statuses.is_empty()) else {
        return Err(Fault::usage("a file and a status are wanted"));
    };
    let statuses = statuses.iter().map(|status| operand::number::<u8>(status)).collect::<Result<Vec<u8>, _>>()?;
    let open = OpenOptions::new().append(true).create(true).open(file);
    let mut counted = open.doing(format!("open {}", file.display()))?;
    let before = counted.metadata().doing(format!("look at {}", file.display()))?.len();
    counted.write_all(b".").doing(format!("write {}", file.display()))?;
    let status = usize::try_from(before).ok().and_then(|before| statuses.get(before)).or(statuses.last());
    Ok(status.map_or(0, |status| i32::from(*status)))
}

/// `note-signal [--as TEXT] FILE D`: waits for a signal, takes D to handle it, adds its name to the file, after TEXT if
/// there is one, and ends with 0.
pub(super) fn note_signal(args: &[OsString]) -> Outcome {
    let (text, args) = match args {
        [option, text, rest @ ..] if option == "--as" => (format!("{} ", operand::text(text)?), rest),
        args => (String::new(), args),
    };
    let [file, handling] = exactly(args)?;
    let handling = operand::duration(handling)?.ok_or_else(|| Fault::usage("a time that ends is wanted"))?;
    use Signal::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    let signals = Signals::take_these(&[SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2])?;
    stay::ready("note-signal")?;
    let Some(signal) = signals.next(None)? else { return Err(Fault::Other("no signal came".to_owned())) };
    std::thread::sleep(handling);
    let open = OpenOptions::new().append(true).create(true).open(file);
    let mut noted = open.doing(format!("open {}", file.display()))?;
    writeln!(noted, "{text}{}", stay::short(signal)).doing(format!("write {}", file.display()))?;
    Ok(0)
}
