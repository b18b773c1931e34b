//! `lifecycle` of a container.

use super::Hook;
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

/// One of a container's hooks. Source: Kubernetes pkg/apis/core/validation (`validateHandler`).
pub(super) fn hook(container: &Cursor<'_>, name: &str, grace_seconds: u64) -> Option<Hook> {
    let hook = container.get("lifecycle")?.get(name)?;
    let handlers = hook.entries()?;
    if handlers.len() != 1 {
        let help = "one of exec and sleep";
        hook.fault(format!("a hook does one thing, and {name} names {}", handlers.len()), help);
        return None;
    }
    if let Some(exec) = hook.get("exec") {
        let command = exec.get("command").and_then(|command| command.texts()).unwrap_or_default();
        if command.is_empty() {
            exec.fault("there is no command", "as in exec: {command: [touch, /ready]}");
        }
        return Some(Hook::Exec(command));
    }
    let sleep = hook.get("sleep")?;
    let Some(value) = sleep.get("seconds") else {
        sleep.fault("sleep says no time", "as in sleep: {seconds: 5}");
        return None;
    };
    let seconds = u64::try_from(value.integer(0, i64::MAX)?).ok()?;
    if seconds > grace_seconds {
        let help = format!("at most terminationGracePeriodSeconds, which is {grace_seconds}");
        value.fault(format!("{seconds} s are longer than the Pod's grace period"), help);
    }
    Some(Hook::Sleep(seconds))
}

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
