//! Other people's programs, run with a deadline.

use duct::Expression;
use std::io;
use std::process::Output;
use std::time::Duration;

/// Runs a program without input, whatever its exit status, and keeps what it prints; `None` if it took longer than that, and was
/// killed.
///
/// # Errors
/// It could not be started, or not be waited for.
pub fn run_within(program: &Expression, within: Duration) -> io::Result<Option<Output>> {
    let handle = program.stdin_null().stdout_capture().stderr_capture().unchecked().start()?;
    let output = handle.wait_timeout(within)?.cloned();
    if output.is_none() {
        // The deadline is what is told; a program that cannot be killed is gone already.
        let _ = handle.kill();
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_killed() {
        let shell = |script: &str| duct::cmd("/bin/sh", ["-c", script]);
        let ended = run_within(&shell("echo out; echo err >&2; exit 3"), Duration::from_secs(60));
        let ended = ended.expect("it starts").expect("it ends");
        assert_eq!((ended.status.code(), ended.stdout, ended.stderr), (Some(3), b"out\n".into(), b"err\n".into()));
        let late = run_within(&shell("exec sleep 61.5"), Duration::from_millis(20)).expect("it starts");
        assert!(late.is_none());
    }
}
