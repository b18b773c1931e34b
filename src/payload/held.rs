//! `held`: a command that waits before it begins, so that its process can be looked at from the host.

use super::fault::{Doing, Fault, Outcome};
use super::stay::{self, Signals};
use nix::sys::signal::Signal;
use nix::unistd::execvp;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// It does not wait longer than this to be let go.
const PATIENCE: Duration = Duration::from_secs(60);

/// `held WORD COMMAND…`: waits for SIGUSR1, then becomes the command. The word is for whoever looks for it.
pub(super) fn held(args: &[OsString]) -> Outcome {
    let [_, command @ ..] = args else { return Err(Fault::usage("a word and a command are wanted")) };
    let command: Vec<CString> = command
        .iter()
        .map(|word| CString::new(word.as_bytes()).map_err(|_| Fault::usage("a word with a NUL")))
        .collect::<Result<_, _>>()?;
    let program = command.first().ok_or_else(|| Fault::usage("a command is wanted"))?;
    // Blocked, not handled: so it reaches even the first process of a PID namespace.
    let signals = Signals::take_these(&[Signal::SIGUSR1])?;
    stay::ready("held")?;
    if signals.next(stay::after(Some(PATIENCE)))?.is_none() {
        return Err(Fault::Other("nobody let it go".to_owned()));
    }
    Signals::give_back();
    match execvp(program, &command).doing(format!("run {}", program.to_string_lossy()))? {}
}
