//! Signals that ask for the end: noticed wherever something is waited for, so that everything is dropped in order.

use crate::error::Error;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Notices SIGINT, SIGTERM and SIGHUP from now on.
///
/// # Errors
/// The kernel refuses the handlers.
pub fn watch() -> Result<(), Error> {
    let asked = ASKED.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(asked))
            .map_err(|why| Error::failed(format!("sigaction of signal {signal}"), why))?;
    }
    Ok(())
}

/// Ends what is being done if a signal has asked for it.
///
/// # Errors
/// One has.
pub fn check() -> Result<(), Error> {
    match ASKED.get() {
        Some(asked) if asked.load(Ordering::Relaxed) => Err(Error::Interrupted),
        _ => Ok(()),
    }
}
