//! Who owns a run: this process, or the nextest process that started it and its neighbours.

use super::{HostError, Process, places};
use sha2::{Digest, Sha256};

/// Set by nextest in each test it runs, to the id of the whole run.
const NEXTEST: &str = "NEXTEST_RUN_ID";

/// The process with which a run ends.
#[derive(Debug)]
pub(super) struct Owner {
    /// Its pid.
    pub pid: i32,
    /// When it started, which tells it from a later one of that pid.
    pub start: u64,
    key: Option<String>,
}

impl Owner {
    /// The owner of the run that this process is to begin or join.
    pub(super) fn find() -> Result<Owner, HostError> {
        let own = Process::open(std::process::id().cast_signed());
        let (process, key) = match std::env::var(NEXTEST) {
            Ok(key) => (own.and_then(|own| runner(own, &key)), Some(key)),
            Err(_) => (own, None),
        };
        let described = process.and_then(|p| Ok((p.pid(), p.start_time()?)));
        let (pid, start) = described.map_err(|e| HostError::os("find the owner of the run", e))?;
        Ok(Owner { pid, start, key })
    }

    /// The id of a run that several processes join; `None` for one of its own.
    pub(super) fn run_id(&self) -> Option<String> {
        let digest = Sha256::digest(self.key.as_ref()?);
        let number = digest.iter().take(16).fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
        Some(places::id_from(number))
    }

    /// Whether this process owns the run.
    pub(super) fn is_self(&self) -> bool {
        self.key.is_none()
    }
}

/// The nearest ancestor that is not in the nextest run itself: nextest. Between it and us may stand a target runner,
/// `sudo -E` say, which ends with one test.
fn runner(own: Process, key: &str) -> std::io::Result<Process> {
    let variable = format!("{NEXTEST}={key}");
    let mut process = own;
    loop {
        let parent = process.parent()?;
        if parent <= 1 {
            // Its runner is gone, or is init: what is left is as good an owner as any.
            return Ok(process);
        }
        process = Process::open(parent)?;
        if !process.read("environ")?.split('\0').any(|v| v == variable) {
            return Ok(process);
        }
    }
}
