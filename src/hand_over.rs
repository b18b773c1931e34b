//! One file, several programs: the first line of every main of ours.

use std::sync::atomic::{AtomicBool, Ordering};

static HANDED_OVER: AtomicBool = AtomicBool::new(false);

/// Becomes another of podcheck's programs if this process was started as one, and returns otherwise.
///
/// The container payload is chosen by the name it is called by (`/bin/sleep`), the engine and the supervisor by a first
/// argument that nobody types. Must be the first line of `main`: the process is still single-threaded there, which the
/// engine needs to fork.
pub fn hand_over() {
    HANDED_OVER.store(true, Ordering::Relaxed);
    let mut args = std::env::args_os();
    let called = args.next().unwrap_or_default();
    let role = args.next().unwrap_or_default();
    match role.to_str() {
        Some(crate::engine::ROLE) => std::process::exit(crate::engine::main()),
        Some(crate::host::SUPERVISOR_ROLE) => std::process::exit(crate::host::supervisor_main()),
        Some(crate::runtime::daemon::LAUNCH_ROLE) => std::process::exit(crate::runtime::daemon::launch_main()),
        _ => {}
    }
    if let Some(code) = crate::payload::main_if_called(&called) {
        std::process::exit(code);
    }
}

/// True once [`hand_over`] ran in this process: without it a re-executed podcheck would run its caller's main again.
pub(crate) fn has_handed_over() -> bool {
    HANDED_OVER.load(Ordering::Relaxed)
}
