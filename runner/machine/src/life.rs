//! Whether a machine still lives: its guest says so every few seconds, and one that has been silent for long hangs.

use crate::deadline;
use crate::error::Error;
use crate::qmp::Monitor;
use serde_json::json;
use std::fmt::Display;
use std::time::{Duration, Instant};

/// The longest time between two looks that counts as silence. Where it was longer this program, and QEMU with it, was
/// stopped or had no processor, and the guest could not say anything.
const LOOK: Duration = Duration::from_secs(1);

/// For how long a guest has been silent.
pub struct Silence {
    looked: Instant,
    lasted: Duration,
}

impl Silence {
    /// It has just been heard.
    pub fn begin() -> Silence {
        Silence { looked: Instant::now(), lasted: Duration::ZERO }
    }

    /// Takes in that it was heard since the last look, or was not.
    ///
    /// # Errors
    /// It was not for [`deadline::SILENCE`]: with where its processors are.
    pub fn look(&mut self, heard: bool, machine: impl Display, monitor: &mut Monitor) -> Result<(), Error> {
        let now = Instant::now();
        self.count(heard, now.duration_since(self.looked));
        self.looked = now;
        if self.lasted < deadline::SILENCE {
            return Ok(());
        }
        let phase = format!("{machine} hung: its next sign of life");
        let detail = format!(", with its processors at\n{}", processors(monitor));
        Err(Error::Late { phase, limit: deadline::SILENCE, detail })
    }

    fn count(&mut self, heard: bool, since: Duration) {
        self.lasted = if heard { Duration::ZERO } else { self.lasted + since.min(LOOK) };
    }
}

/// Where each processor is, a line each; why not, if QEMU does not say.
fn processors(monitor: &mut Monitor) -> String {
    match monitor.command("human-monitor-command", json!({"command-line": "info registers -a"})) {
        Ok(answer) => pointers(answer.as_str().unwrap_or_default()),
        Err(error) => error.to_string(),
    }
}

/// The lines with the instruction pointers.
fn pointers(registers: &str) -> String {
    let lines = registers.lines().filter(|line| line.starts_with("RIP=") || line.starts_with("EIP="));
    lines.map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_lasts_while_it_is_listened_to() {
        let mut silence = Silence::begin();
        let mut lasted = |heard, seconds| {
            silence.count(heard, Duration::from_secs_f64(seconds));
            silence.lasted.as_secs_f64()
        };
        assert_eq!(lasted(false, 0.5), 0.5);
        assert_eq!(lasted(false, 0.25), 0.75);
        assert_eq!(lasted(false, 3600.0), 1.75, "a laptop that slept");
        assert_eq!(lasted(true, 0.5), 0.0);
        assert_eq!(lasted(false, 0.5), 0.5);
    }

    #[test]
    fn of_the_registers_the_pointers_are_shown() {
        let registers = "\r\nCPU#0\r\nRAX=0 RBX=1\r\nRIP=ffffffff81000000 RFL=00000246 HLT=1\r\nES =0 0\r\nCPU#1\r\nRIP=1 HLT=0\r\n";
        assert_eq!(pointers(registers), "RIP=ffffffff81000000 RFL=00000246 HLT=1\nRIP=1 HLT=0");
    }
}
