//! Ctrl-C: the first one cleans up, reports what there is and ends; the second ends at once and says who cleans up then.

use super::output;
use crate::host::Run;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether a signal asked podcheck to end; what fails after that is no finding.
pub(super) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// After a signal, waits for the signal's thread to end the process: nothing is said about a Pod that was taken away.
pub(super) fn yield_to_signal() {
    while interrupted() {
        std::thread::park();
    }
}

/// From now on SIGINT, SIGTERM and SIGHUP take the run down, have `report` say what there is, with the signal's name, and
/// then end podcheck with 128 + signal.
pub(super) fn guard(run: &Arc<Run>, report: impl Fn(&str) + Send + Sync + 'static) {
    let (run, report) = (Arc::clone(run), Arc::new(report));
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else { return };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if INTERRUPTED.swap(true, Ordering::Relaxed) {
                output::note("podcheck: ending at once; the run's supervisor goes on to remove what is left");
                std::process::exit(128 + signal);
            }
            output::note("podcheck: interrupted, removing what was started (once more to end at once)");
            let (run, report) = (Arc::clone(&run), Arc::clone(&report));
            std::thread::spawn(move || {
                if let Err(error) = run.end() {
                    output::error(&format!("{error}; `podcheck sweep` tries again"));
                }
                report(signal_hook::low_level::signal_name(signal).unwrap_or("a signal"));
                std::process::exit(128 + signal);
            });
        }
    });
}
