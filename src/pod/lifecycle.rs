//! `lifecycle` of a container.

use crate::diagnostic::yaml::Cursor;

/// Signals that a container can be stopped by. Kubernetes knows the real-time ones as well, which no case needs.
/// Source: Kubernetes pkg/apis/core/types.go (`Signal`).
const SIGNALS: [&str; 31] = [
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCONT",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINT",
    "SIGIO",
    "SIGKILL",
    "SIGPIPE",
    "SIGPROF",
    "SIGPWR",
    "SIGQUIT",
    "SIGSEGV",
    "SIGSTKFLT",
    "SIGSTOP",
    "SIGSYS",
    "SIGTERM",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
    "SIGXFSZ",
];

/// `lifecycle.stopSignal` of a container; `os_is_named` says that the Pod has `os`, without which Kubernetes refuses it.
pub(super) fn stop_signal(container: &Cursor<'_>, os_is_named: bool) -> Option<String> {
    let value = container.get("lifecycle")?.get("stopSignal")?;
    let name = value.text()?;
    if name.starts_with("SIGRTM") {
        value.fault(format!("{name} is not implemented yet"), "real-time signals are not");
        return None;
    }
    if !SIGNALS.contains(&name) && SIGNALS.contains(&format!("SIG{name}").as_str()) {
        value.fault(format!("{name:?} is not known here"), format!("Kubernetes writes SIG{name}"));
        return None;
    }
    let name = value.one_of(&SIGNALS)?.to_owned();
    if !os_is_named {
        value.fault_at_key("a Pod with a stopSignal names its system", "add os: {name: linux} to the spec");
    }
    Some(name)
}
