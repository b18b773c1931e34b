//! One Pod's process ahead: it has started by the time that a Pod needs it.

use super::connection::Connection;
use crate::runtime::RuntimeError;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Pods' processes of a run, of which one waits for the next Pod. It knows of none yet, holds nothing of the run, and ends
/// when its socket closes: when the runtime is dropped, or this process ends, however it does.
#[derive(Debug)]
pub struct Processes {
    log: PathBuf,
    floor_4_19: bool,
    waiting: Mutex<Option<Connection>>,
}

impl Processes {
    /// None waits yet. What they have to say of themselves is added to `log`.
    pub fn new(log: PathBuf, floor_4_19: bool) -> Processes {
        Processes { log, floor_4_19, waiting: Mutex::new(None) }
    }

    /// The one that waits, or a new one where none does.
    ///
    /// # Errors
    /// The host refused.
    pub fn take(&self) -> Result<Connection, RuntimeError> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut process) = waiting
            && process.is_alive()
        {
            return Ok(process);
        }
        Connection::open(&self.log, self.floor_4_19)
    }

    /// Starts one to wait, if none does. Best while this process has something else to wait for.
    pub fn prepare(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_none() {
            // What keeps it from starting is said to the Pod that needs one.
            *waiting = Connection::open(&self.log, self.floor_4_19).ok();
        }
    }
}
