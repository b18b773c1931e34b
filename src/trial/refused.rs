//! Cases whose Pod must not come up: by podcheck in the place of the API server and a kubelet, which is asked once and no
//! runtime with it; or by a runtime, after which nothing of the Pod may be left.

use super::live::Live;
use super::remains;
use super::surroundings::Surroundings;
use super::up::{NotUp, Stopped};
use super::{Outcome, Settings, blank, ended, placed, settle, skipped, took};
use crate::case::{Case, NOBODY, Refusal, Refuser};
use crate::host::Run;
use crate::judge::{self, Check, Shown, Verdict};
use crate::node::{CgroupDriver, Node};
use crate::plan;
use crate::report::Record;
use crate::runtime::Runtime;
use std::sync::Arc;
use std::time::Instant;

/// Judges a case whose manifest must be refused when it is read; `None` if it is another. It takes no host and no rights.
pub fn read_alone(case: &Case, settings: &Settings) -> Option<Outcome> {
    let Some(Refusal { by: Refuser::Reader(said), says }) = &case.refused else { return None };
    let checks = asked(case, judge::unreadable(shown(case), says, said));
    Some(over(case, settings, record(case), checks, Stopped::default()))
}

/// Judges a case whose Pod must be refused before a runtime is asked; `None` if one is asked.
pub(super) fn by_podcheck(case: &Case, run: &Arc<Run>, settings: &Settings) -> Option<Outcome> {
    let refusal = case.refused.as_ref().filter(|refusal| !refusal.asks_runtime())?;
    Some(read_alone(case, settings).unwrap_or_else(|| {
        prepare(case, refusal, run, settings).unwrap_or_else(|reason| ended(record(case), Verdict::Broken, reason))
    }))
}

/// Makes volumes ready, which must be refused. An error is the host's.
fn prepare(case: &Case, refusal: &Refusal, run: &Arc<Run>, settings: &Settings) -> Result<Outcome, String> {
    let uid = case.pod.uid.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let plan = plan::plan(&case.pod, &settings.node, &uid);
    let dir = run.trial(CgroupDriver::Cgroupfs).map_err(|error| error.to_string())?;
    let prepared = dir.prepare(&plan);
    let left = dir.remove().map_err(|error| error.to_string())?;
    let said = match prepared {
        Ok(()) => None,
        Err(error) if error.of_pod => Some(error.to_string()),
        Err(error) => return Err(error.to_string()),
    };
    let mut checks = asked(case, judge::refused(shown(case), "the kubelet", &refusal.says, said.as_deref()));
    checks.extend(judge::gone(&remains::of_left(&left)));
    Ok(over(case, settings, record(case), checks, Stopped { left, ..Stopped::default() }))
}

/// Asks a runtime for a Pod that it must refuse, and looks for what is left of it.
pub(super) fn by_runtime(
    case: &Case,
    refusal: &Refusal,
    (runtime, run): (&dyn Runtime, &Arc<Run>),
    node: &Node,
    settings: &Settings,
    mut record: Record,
) -> Outcome {
    let private = runtime.name().endpoint.is_none();
    let around = match Surroundings::now(run, runtime.daemon().filter(|_| private)) {
        Ok(around) => around,
        Err(reason) => return ended(record, Verdict::Broken, reason),
    };
    let begun = Instant::now();
    let started = Live::start(case, runtime, run, node);
    took(&mut record, "up", begun);
    let begun = Instant::now();
    let (said, stopped) = match started {
        Ok(live) => {
            live.describe(&mut record);
            (None, live.stop())
        }
        Err(NotUp::Refused { says, left }) => (Some(says), Ok(Stopped { remains: remains::of_left(&left), left })),
        Err(NotUp::Cannot(reason)) => return skipped(record, settings.required.no_skips, reason),
        Err(NotUp::Failed(reason)) => return ended(record, Verdict::Broken, reason),
    };
    took(&mut record, "down", begun);
    let mut checks = asked(case, judge::refused(shown(case), "the runtime", &refusal.says, said.as_deref()));
    let mut judged = Ok(());
    let stopped = stopped.map(|mut stopped| {
        match around.more() {
            Ok(more) => stopped.remains.append(more),
            Err(reason) => judged = Err(reason),
        }
        checks.extend(judge::gone(&stopped.remains));
        stopped
    });
    settle(case, settings, &mut record, &mut checks, judged, stopped.map(|stopped| stopped.left));
    Outcome { record, facts: None, checks }
}

/// Checks of the refusal, with the place where the case asks for it.
fn asked(case: &Case, checks: Vec<Check>) -> Vec<Check> {
    placed(checks, &case.place(case.lines.refused.as_ref())).collect()
}

fn shown(case: &Case) -> Shown<'_> {
    Shown { property: case.shows.first().map_or("", String::as_str), source: &case.source }
}

/// The record of a case that no runtime has a part in.
fn record(case: &Case) -> Record {
    blank(case, NOBODY)
}

fn over(case: &Case, settings: &Settings, mut record: Record, mut checks: Vec<Check>, stopped: Stopped) -> Outcome {
    settle(case, settings, &mut record, &mut checks, Ok(()), Ok(stopped.left));
    Outcome { record, facts: None, checks }
}
