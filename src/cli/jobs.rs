//! Which cases run where, and what their records come to.

use super::args::{NodeChoice, Selection};
use super::{Failure, Status, output};
use crate::case::{self, Case, Known, Loaded};
use crate::diagnostic::Diagnostic;
use crate::host::CgroupRoot;
use crate::pod::Missing;
use crate::report::{Record, Results};
use crate::runtime::RuntimeName;
use crate::trial::{self, Required, Settings};
use std::path::PathBuf;
use std::sync::Arc;

/// Whether files or Pods were refused, of which the user has been told.
#[derive(Clone, Copy)]
pub(super) struct Refused(bool);

impl Refused {
    /// The status to end with: what was refused comes before what became of the others.
    pub(super) fn or(self, status: Status) -> Status {
        if self.0 { Status::Usage } else { status }
    }
}

/// The cases of these paths (the built-in suite if there are none) whose id has `filter` in it, at least one. What cannot be
/// read is said and does not stop the others. If `strict` nothing stands in for what a Pod takes from elsewhere.
pub(super) fn select(paths: &[PathBuf], filter: Option<&str>, strict: bool) -> Result<(Vec<Case>, Refused), Failure> {
    let missing = if strict { Missing::Refuse } else { Missing::StandIn };
    let loaded = match paths {
        [] => Loaded { cases: case::builtin().map_err(unreadable)?, faults: Vec::new() },
        paths => case::load_each(paths, missing),
    };
    let wanted = |case: &Case| filter.is_none_or(|text| case.id.contains(text));
    let cases: Vec<Case> = loaded.cases.into_iter().filter(wanted).collect();
    let refused = !loaded.faults.is_empty();
    match (cases.is_empty(), refused) {
        (true, true) => Err(unreadable(loaded.faults)),
        (true, false) => Err(Failure { status: Status::Nothing, message: "no case matches".to_owned() }),
        (false, _) => {
            if refused {
                output::error(&unreadable(loaded.faults).message);
            }
            Ok((cases, Refused(refused)))
        }
    }
}

pub(super) fn unreadable(faults: Vec<Diagnostic>) -> Failure {
    let frames: Vec<String> = faults.iter().map(|fault| fault.render(false)).collect();
    Failure { status: Status::Usage, message: frames.join("\n") }
}

/// What all cases of an invocation have in common.
pub(super) fn settings(selection: &Selection) -> Result<Settings, Failure> {
    let known: Vec<Known> = case::builtin_known().map_err(unreadable)?;
    let root = cgroup_root(selection.cgroup_root.as_ref())?;
    let node = match selection.node {
        NodeChoice::Constant => trial::constant_node(&root),
        NodeChoice::Host => trial::host_node(&root).map_err(Failure::broken)?,
    };
    let mut required = Required::from_env().map_err(Failure::usage)?;
    selection.require.iter().for_each(|more| required.add(more));
    let evidence = std::env::current_dir().ok();
    Ok(Settings { node, known, strict: selection.strict, required, evidence, keep: None })
}

/// Something to run: a case on a runtime.
pub(super) struct Job {
    pub(super) case: Arc<Case>,
    pub(super) runtime: RuntimeName,
}

/// Every case on every runtime, runtimes of one case beside each other; a case that no runtime has a part in once.
pub(super) fn jobs(cases: Vec<Case>, runtimes: &[RuntimeName]) -> Vec<Job> {
    let mut jobs = Vec::new();
    for case in cases {
        let case = Arc::new(case);
        let runtimes = if case.asks_runtime() { runtimes } else { &runtimes[..runtimes.len().min(1)] };
        jobs.extend(runtimes.iter().map(|runtime| Job { case: Arc::clone(&case), runtime: runtime.clone() }));
    }
    jobs
}

/// How many cases go side by side.
pub(super) fn width(selection: &Selection) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    selection.jobs.map_or_else(processors, usize::from)
}

/// Below which cgroup podcheck makes its own: as it is given, else as the environment has it.
pub(super) fn cgroup_root(given: Option<&CgroupRoot>) -> Result<CgroupRoot, Failure> {
    given.map_or_else(|| CgroupRoot::from_env().map_err(Failure::usage), |root| Ok(root.clone()))
}

/// Records as a result; `partial` says why some are missing.
pub(super) fn results(records: Vec<Record>, partial: &str) -> Results {
    Results {
        schema_version: crate::report::SCHEMA_VERSION,
        podcheck: env!("CARGO_PKG_VERSION").to_owned(),
        host: trial::host_record(),
        partial: partial.to_owned(),
        records,
    }
}

/// The status that records ask for: broken before failed before nothing.
pub(super) fn status(records: &[Record]) -> Status {
    use crate::judge::Verdict;
    let any = |verdict| records.iter().any(|r| r.verdict == verdict);
    if any(Verdict::Broken) {
        Status::Broken
    } else if any(Verdict::Failed) {
        Status::Fails
    } else if records.iter().all(|r| r.verdict == Verdict::Skipped) {
        Status::Nothing
    } else {
        Status::Conforms
    }
}
