//! What the docker client complains of. It prints text alone, so the text is read here, and nowhere else.

use crate::runtime::daemon::Ended;

/// What the client prints before what a daemon answered.
const ANSWER: &str = "Error response from daemon: ";

/// A line that the docker client printed because it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Complaint<'a> {
    /// The daemon has no container or image of that name.
    NotFound(&'a str),
    /// The daemon refused.
    Daemon(&'a str),
    /// The client could not reach the daemon, or could not read its own arguments.
    Client(&'a str),
}

impl<'a> Complaint<'a> {
    /// The complaints of a client that failed; none of one that did not.
    pub fn all(ended: &'a Ended) -> Vec<Complaint<'a>> {
        match ended.code {
            0 => Vec::new(),
            _ => ended.complaint_lines().map(Complaint::read).collect(),
        }
    }

    fn read(line: &'a str) -> Complaint<'a> {
        let said = line.strip_prefix("docker: ").unwrap_or(line);
        match said.strip_prefix(ANSWER) {
            Some(answer) if is_no_such(answer) => Complaint::NotFound(answer),
            Some(answer) => Complaint::Daemon(answer),
            None if said.strip_prefix("Error: ").is_some_and(is_no_such) => Complaint::NotFound(said),
            None => Complaint::Client(said),
        }
    }
}

/// Docker's words for what is not there: `No such container: x`, or `no such image: x: No such image: x:latest`.
fn is_no_such(said: &str) -> bool {
    said.starts_with("No such ") || said.starts_with("no such ")
}

/// Whether the client failed, and only because what it was asked for is not there.
pub(super) fn found_nothing(ended: &Ended) -> bool {
    let complaints = Complaint::all(ended);
    !complaints.is_empty() && complaints.iter().all(|complaint| matches!(complaint, Complaint::NotFound(_)))
}

/// Whether the daemon refused, as opposed to a client that could not reach it.
pub(super) fn daemon_refused(ended: &Ended) -> bool {
    Complaint::all(ended).iter().any(|complaint| !matches!(complaint, Complaint::Client(_)))
}

/// Why `docker exec` did not run the command at all; `None` if the exit status is the command's own.
pub(super) fn not_run(ended: &Ended) -> Option<String> {
    match ended.code {
        1 if daemon_refused(ended) => Some(ended.complaint()),
        // Some versions print this where the command would have written.
        126 | 127 => [&ended.stderr, &ended.stdout]
            .into_iter()
            .find(|text| text.starts_with("OCI runtime exec failed"))
            .map(|text| text.trim().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: i32, stdout: &str, stderr: &str) -> Ended {
        Ended { code, stdout: stdout.to_owned(), stderr: stderr.to_owned() }
    }

    #[test]
    fn a_refusal_is_the_daemons_word() {
        let refused = "docker: Error response from daemon: failed to create shim: invalid argument: unknown.\n";
        assert!(daemon_refused(&ended(125, "", refused)));
        for other in [
            "docker: Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?\n",
            "docker: error during connect: Post \"http://x\": EOF.\n",
            "unknown flag: --sysctls\n",
            // Not where the client says who answered.
            "docker: open Error response from daemon: : no such file or directory.\n",
        ] {
            assert!(!daemon_refused(&ended(125, "", other)), "{other}");
        }
        assert!(!daemon_refused(&ended(0, "", refused)));
    }

    #[test]
    fn a_missing_container_is_told_from_one_that_would_not_go() {
        let missing = "Error response from daemon: No such container: x-app\nError: No such container: x-sandbox\n";
        assert!(found_nothing(&ended(1, "", missing)));
        let image = "Error response from daemon: no such image: example.org/x: No such image: example.org/x:latest\n";
        assert!(found_nothing(&ended(1, "\n", image)));
        assert!(found_nothing(&ended(1, "[]\n", "Error: No such image: x\n")));
        let stuck = "Error response from daemon: removal of container No such container is already in progress\n";
        assert!(!found_nothing(&ended(1, "", stuck)));
        assert!(!found_nothing(&ended(1, "", &format!("{missing}{stuck}"))));
        assert!(!found_nothing(&ended(1, "", "")));
        assert!(!found_nothing(&ended(0, "", missing)));
    }

    #[test]
    fn a_command_that_failed_is_told_from_one_that_never_ran() {
        assert_eq!(not_run(&ended(1, "", "touch: open /data/x: EROFS\n")), None);
        assert_eq!(not_run(&ended(127, "", "sh: nonesuch: not found\n")), None);
        let gone = "Error response from daemon: Container 1 is not running\n";
        assert_eq!(not_run(&ended(1, "", gone)).as_deref(), Some(gone.trim()));
        let missing = "OCI runtime exec failed: exec failed: executable file not found in $PATH: unknown\r\n";
        assert_eq!(not_run(&ended(126, missing, "")).as_deref(), Some(missing.trim()));
    }
}
