//! How long each phase of a virtual machine may take. Generous: they are there so that nothing hangs for ever.

use crate::error::Error;
use std::time::{Duration, Instant};

/// Installing the packages of an image: downloads, and dpkg's work.
pub const INSTALL: Duration = Duration::from_secs(30 * 60);
/// Each other tool that an image needs.
pub const TOOL: Duration = Duration::from_secs(5 * 60);
/// From the start of QEMU until the guest says that it is ready; about 20 s where nothing else runs, 100 s under load.
pub const BOOT: Duration = Duration::from_secs(3 * 60);
/// Saving memory and devices.
pub const SAVE: Duration = Duration::from_secs(60);
/// From the start of QEMU until the restored guest says that it has what it is to run; about 2 s where nothing else runs.
pub const RESTORE: Duration = Duration::from_secs(90);
/// What is run in the machine, unless the command line says otherwise.
pub const JOB: Duration = Duration::from_secs(120 * 60);
/// Without a sign of life of the guest, which gives one every 10 s where it has its processors to itself.
pub const SILENCE: Duration = Duration::from_secs(2 * 60);
/// From the end of what was run until QEMU has gone.
pub const POWER_OFF: Duration = Duration::from_secs(2 * 60);
/// An answer of QEMU's monitor.
pub const MONITOR: Duration = Duration::from_secs(30);

/// A phase with the time by which it has to be over.
#[derive(Clone, Debug)]
pub struct Deadline {
    phase: String,
    limit: Duration,
    end: Instant,
}

impl Deadline {
    /// Starts a phase, named as in "`phase` took longer than 60 s".
    pub fn start(phase: impl Into<String>, limit: Duration) -> Deadline {
        Deadline { phase: phase.into(), limit, end: Instant::now() + limit }
    }

    /// Waits a moment, 10 ms and never past the end.
    ///
    /// # Errors
    /// The phase is late, or a signal asked for the end.
    pub fn pause(&self) -> Result<(), Error> {
        crate::interrupt::check()?;
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::Late { phase: self.phase.clone(), limit: self.limit, detail: String::new() });
        }
        std::thread::sleep(left.min(Duration::from_millis(10)));
        Ok(())
    }

    /// Looks until there is something, with pauses.
    ///
    /// # Errors
    /// As [`Deadline::pause`], and what `look` fails with.
    pub fn poll<T>(&self, mut look: impl FnMut() -> Result<Option<T>, Error>) -> Result<T, Error> {
        loop {
            if let Some(found) = look()? {
                return Ok(found);
            }
            self.pause()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_phase_is_named() {
        let deadline = Deadline::start("the boot", Duration::ZERO);
        let late = deadline.poll(|| Ok(None::<()>)).expect_err("nothing comes");
        assert_eq!(late.to_string(), "the boot took longer than 0 s");
        assert_eq!(deadline.poll(|| Ok(Some(1))).expect("looks once even when late"), 1);
    }
}
