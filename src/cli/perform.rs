//! Runs the jobs of `run` and `compare` side by side and hands their records to who reports them: all of them, or after
//! a signal those that there are.

use super::args::Selection;
use super::jobs::{self, Job};
use super::{Failure, Status, interrupt};
use crate::host::Run;
use crate::report::Record;
use crate::trial::{self, Runtimes, Settings};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is to be run.
pub(super) struct Work {
    pub(super) jobs: Vec<Job>,
    pub(super) settings: Settings,
    /// Start nothing after the first failure.
    pub(super) fail_fast: bool,
}

/// A command that reports records.
pub(super) trait Report: Send + Sync + 'static {
    /// What it has run.
    fn work(&self) -> &Work;

    /// Called with each record as it comes. An error ends the run.
    fn came(&self, record: &Record) -> Result<(), Failure>;

    /// Reports the records, in the order of the jobs. `partial` says why some are missing; empty if none is.
    fn end(&self, records: Vec<Record>, partial: &str) -> Result<Status, Failure>;
}

/// Runs the work and reports it.
pub(super) fn perform(report: impl Report, selection: &Selection) -> Result<Status, Failure> {
    let report = Arc::new(report);
    let gathered = Arc::new(Gathered::default());
    let root = jobs::cgroup_root(selection.cgroup_root.as_ref())?;
    let run = Run::begin_below(&root).map_err(Failure::broken)?;
    let (partly, there) = (Arc::clone(&report), Arc::clone(&gathered));
    interrupt::guard(&run, move |signal| interrupted(partly.as_ref(), &there, signal));
    let opened = Runtimes::new(Arc::clone(&run));
    let came = execute(report.as_ref(), &opened, &gathered, jobs::width(selection));
    drop(opened);
    interrupt::yield_to_signal();
    let ended = run.end().map_err(|error| Failure::broken(format!("{error}; `podcheck sweep` tries again")));
    let Some(records) = gathered.close() else {
        // A signal came this moment and reports them.
        interrupt::yield_to_signal();
        return Ok(Status::Nothing);
    };
    came?;
    let total = report.work().jobs.len();
    let partial = match records.len() {
        count if count < total => format!("--fail-fast: {count} of {total} were run"),
        _ => String::new(),
    };
    let status = report.end(records, &partial)?;
    ended.map(|_| status)
}

/// Reports what there is when a signal has ended the run.
fn interrupted(report: &impl Report, gathered: &Gathered, signal: &str) {
    let Some(records) = gathered.close() else {
        // All of it is being reported; the process ends with that.
        loop {
            std::thread::park();
        }
    };
    let partial = format!("interrupted by {signal}: {} of {} were run", records.len(), report.work().jobs.len());
    if let Err(failure) = report.end(records, &partial) {
        failure.say();
    }
}

/// Records as they come, with the place of each in the order of the jobs.
struct Gathered {
    /// `None` once somebody has taken them to report them.
    records: Mutex<Option<Vec<(usize, Record)>>>,
}

impl Default for Gathered {
    fn default() -> Gathered {
        Gathered { records: Mutex::new(Some(Vec::new())) }
    }
}

impl Gathered {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<(usize, Record)>>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a record in, unless they have been taken away, and tells `report` of it.
    fn add(&self, index: usize, record: Record, report: &impl Report) -> Result<(), Failure> {
        let mut records = self.lock();
        let Some(records) = records.as_mut() else { return Ok(()) };
        records.push((index, record));
        let record = &records[records.len() - 1].1;
        report.came(record)
    }

    /// All that there are, in the order of the jobs; none are taken in any more. `None` if they were taken before.
    fn close(&self) -> Option<Vec<Record>> {
        let mut records = self.lock().take()?;
        records.sort_by_key(|(index, _)| *index);
        Some(records.into_iter().map(|(_, record)| record).collect())
    }
}

/// Runs the jobs, `width` side by side. An error is what kept a record from being reported as it came.
fn execute(report: &impl Report, runtimes: &Runtimes, gathered: &Gathered, width: usize) -> Result<(), Failure> {
    let Work { jobs, settings, fail_fast } = report.work();
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let failure: Mutex<Option<Failure>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..width.min(jobs.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { return };
                    if stop.load(Ordering::Relaxed) || interrupt::interrupted() {
                        return;
                    }
                    let record = trial::run(&job.case, &job.runtime, runtimes, settings).record;
                    // The run was taken away under it: what it saw says nothing.
                    interrupt::yield_to_signal();
                    if *fail_fast && record.verdict.is_bad() {
                        stop.store(true, Ordering::Relaxed);
                    }
                    if let Err(unwritten) = gathered.add(index, record, report) {
                        stop.store(true, Ordering::Relaxed);
                        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(unwritten);
                    }
                }
            });
        }
    });
    failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}
