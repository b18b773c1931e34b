//! One case on one runtime, from plan to verdict: the only place where runtimes, observation and judgement meet.

mod beside;
mod brief;
mod ends;
mod evidence;
mod exec;
mod host;
mod inspect;
mod life;
mod live;
mod refused;
mod remains;
mod required;
mod resize;
mod restart;
mod runtimes;
mod steps;
mod surroundings;
mod sysctls;
mod up;

pub use host::{constant_node, declared, host_node, host_record};
pub use inspect::inspect;
pub use refused::read_alone;
pub use required::Required;
pub use runtimes::{Opened, Runtimes, here};

use crate::case::{Case, Known};
use crate::facts::Facts;
use crate::judge::{self, Check, Outcome as CheckOutcome, Verdict};
use crate::node::Node;
use crate::report::Record;
use crate::runtime::{self, Runtime, RuntimeName, Tenancy};
use live::Live;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;
use up::NotUp;

/// What all trials of an invocation have in common.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The machine the plan pretends.
    pub node: Node,
    /// Differences of the runtimes as such.
    pub known: Vec<Known>,
    /// Refuse stand-in processes.
    pub strict: bool,
    /// Which skips are failures.
    pub required: Required,
    /// Where a folder with the evidence of failures is made; `None` keeps none.
    pub evidence: Option<PathBuf>,
    /// Called, with a description of where the Pod is, before it is stopped.
    pub keep: Option<fn(&str)>,
}

/// What a trial gives.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The record, for results.
    pub record: Record,
    /// What was observed once the Pod was up; `None` if it never was.
    pub facts: Option<Facts>,
    /// Every check, those that held as well.
    pub checks: Vec<Check>,
}

/// Runs a case on a runtime: brings the Pod up, observes, judges, takes it down again. A case whose Pod is refused before any
/// runtime is asked is podcheck's own, whichever runtime is named: see [`crate::case::NOBODY`].
///
/// Nothing that a runtime or host does is an error of this function: it is in the record, as `broken`.
pub fn run(case: &Case, name: &RuntimeName, runtimes: &Runtimes, settings: &Settings) -> Outcome {
    if let Some(outcome) = refused::by_podcheck(case, runtimes.run(), settings) {
        return outcome;
    }
    let mut record = blank(case, &name.to_string());
    let missing = case.requires.iter().find_map(|ability| host::why_missing(ability));
    match missing {
        Some(Ok(reason)) => return skipped(record, settings.required.no_skips, reason),
        Some(Err(reason)) => return ended(record, Verdict::Broken, reason),
        None => {}
    }
    let lacking = [Some(&case.pod), case.beside.as_ref()].into_iter().flatten();
    if let Some(reason) = lacking.filter_map(|pod| host::why_no_huge_pages(pod, &settings.node)).next() {
        return skipped(record, settings.required.no_skips, reason);
    }
    let tenancy = if case.restarts_daemon() { Tenancy::Apart } else { Tenancy::Shared };
    if tenancy == Tenancy::Apart
        && let Some(reason) = runtime::why_not_restarted(name)
    {
        return skipped(record, settings.required.no_skips, reason);
    }
    let apart = match (tenancy == Tenancy::Apart).then(|| host::turn_apart(runtimes.run())).transpose() {
        Ok(turn) => turn,
        Err(error) => return ended(record, Verdict::Broken, error.to_string()),
    };
    // Before the runtime: a daemon that starts is something that a case alone must not have beside it.
    let turn = match host::turn(runtimes.run(), case.alone) {
        Ok(turn) => turn,
        Err(error) => return ended(record, Verdict::Broken, error.to_string()),
    };
    let runtime = match runtimes.get(name, tenancy) {
        Opened::Here(runtime) => runtime,
        Opened::Missing(reason) if settings.required.demands(name) => {
            return ended(record, Verdict::Broken, format!("{name} is required and is not here: {reason}"));
        }
        Opened::Missing(reason) => return ended(record, Verdict::Skipped, reason),
        Opened::Failed(reason) => return ended(record, Verdict::Broken, reason),
    };
    record.versions = runtime.versions();
    record.settings = runtime.settings();
    record.cgroup_driver = runtime.cgroup_driver().as_str().to_owned();
    if let Some(reason) = host::why_not_driver(case, runtime.cgroup_driver()) {
        return skipped(record, settings.required.no_skips, reason);
    }
    let outcome = with_runtime(case, runtime.as_ref(), runtimes, settings, record);
    drop((turn, apart));
    outcome
}

fn with_runtime(
    case: &Case,
    runtime: &dyn Runtime,
    runtimes: &Runtimes,
    settings: &Settings,
    mut record: Record,
) -> Outcome {
    let node = Node {
        pod_pids_limit: case.pod_pids_limit.or(settings.node.pod_pids_limit),
        single_process_oom_kill: case.single_process_oom_kill || settings.node.single_process_oom_kill,
        ..settings.node.clone()
    };
    if let Some(refusal) = &case.refused {
        return refused::by_runtime(case, refusal, (runtime, runtimes.run()), &node, settings, record);
    }
    let begun = Instant::now();
    let mut live = match Live::start(case, runtime, runtimes.run(), &node) {
        Ok(live) => live,
        Err(NotUp::Cannot(reason)) => return skipped(record, settings.required.no_skips, reason),
        Err(NotUp::Failed(reason) | NotUp::Refused { says: reason, .. }) => {
            return ended(record, Verdict::Broken, reason);
        }
    };
    took(&mut record, "up", begun);
    live.private = record.runtime.parse::<RuntimeName>().is_ok_and(|name| name.endpoint.is_none());
    live.describe(&mut record);
    let mut checks = Vec::new();
    let mut facts = None;
    let judged = if settings.strict && !(record.stand_ins.is_empty() && record.replaced_commands.is_empty()) {
        Err(format!("--strict: {} would run as stand-in", record.stand_ins.join(", ")))
    } else {
        judge(case, &mut live, &node, &mut record, &mut checks, &mut facts)
    };
    if let Some(keep) = settings.keep {
        keep(&live.whereabouts());
    }
    let evidence = live.evidence();
    let begun = Instant::now();
    let stopped = live.stop();
    took(&mut record, "down", begun);
    let left = stopped.map(|stopped| {
        // Where nothing could be said of the Pod, what is left of it says nothing either.
        if judged.is_ok() {
            checks.extend(judge::gone(&stopped.remains));
        }
        stopped.left
    });
    settle(case, settings, &mut record, &mut checks, judged, left);
    if record.verdict.is_bad() {
        match evidence::keep(settings.evidence.as_deref(), &record, &evidence) {
            Ok(folder) => record.evidence = folder,
            Err(error) => record.evidence = format!("none: {error}"),
        }
    }
    Outcome { record, facts, checks }
}

/// Observes and judges while the Pod is up. An error is the runtime's or host's: the trial is broken.
fn judge(
    case: &Case,
    live: &mut Live,
    node: &Node,
    record: &mut Record,
    checks: &mut Vec<Check>,
    seen: &mut Option<Facts>,
) -> Result<(), String> {
    live.await_ready()?;
    let begun = Instant::now();
    let observed = live.observe()?;
    took(record, "observe", begun);
    record.facts = observed.whole.stable();
    let ended = ends::judge(case, live, &observed.whole)?;
    let property = case.shows.first().map_or("", String::as_str);
    checks.extend(live.contract(node, &observed)?);
    for (index, expectation) in case.expect.iter().enumerate() {
        let asked = judge::expectations(std::slice::from_ref(expectation), &observed.whole, property, &case.source);
        checks.extend(placed(asked, &case.place(case.lines.expect.get(index))));
    }
    *seen = Some(observed.whole.clone());
    let begun = Instant::now();
    checks.extend(brief::judge(live)?);
    let complete = ended.is_empty();
    checks.extend(ended);
    // What is done in a Pod that lacks a container shows nothing more.
    if complete && !case.steps.is_empty() {
        let done = steps::run(case, live, checks);
        let ended = ends::during(case, live)?;
        if ended.is_empty() {
            done?;
            let now = live.observe()?;
            checks.extend(live.again(&observed, &now)?);
        }
        checks.extend(ended);
    }
    took(record, "steps", begun);
    record.reported = live.reported()?;
    Ok(())
}

/// Checks of what a case itself asks for, with the place where it does.
fn placed(checks: Vec<Check>, place: &str) -> impl Iterator<Item = Check> {
    checks.into_iter().map(move |check| Check { place: place.to_owned(), ..check })
}

/// Applies known differences and comes to the verdict.
fn settle(
    case: &Case,
    settings: &Settings,
    record: &mut Record,
    checks: &mut Vec<Check>,
    judged: Result<(), String>,
    left: Result<Vec<String>, String>,
) {
    let context = host::context(record);
    let applied = judge::apply_known(std::mem::take(checks), &settings.known, &case.known, &context);
    *checks = applied.checks;
    let unmet = applied.unmet;
    record.checks_run = judge::checks_run(checks);
    record.findings = checks.iter().filter(|c| c.outcome != CheckOutcome::Held).cloned().collect();
    record.verdict = judge::verdict(checks, &unmet);
    if let Some(Known { file, line, property, seen, .. }) = unmet.first() {
        let file = file.display();
        record.reason = format!(
            "{file}:{line}: {property} {seen:?} is declared as known and was not seen: no longer true, remove it"
        );
    } else if record.verdict == Verdict::Broken {
        record.reason = "nothing was checked".to_owned();
    }
    match left {
        Ok(left) => record.left_behind = left,
        Err(reason) => broken(record, reason),
    }
    if let Err(reason) = judged {
        broken(record, reason);
    }
}

fn broken(record: &mut Record, reason: String) {
    record.verdict = Verdict::Broken;
    record.reason = reason;
}

fn took(record: &mut Record, phase: &str, begun: Instant) {
    record.durations_ms.insert(phase.to_owned(), begun.elapsed().as_secs_f64() * 1000.0);
}

/// Not run, with the reason; broken where `no-skips` forbids that.
fn skipped(record: Record, forbidden: bool, reason: String) -> Outcome {
    if forbidden {
        let why = "no-skips is required (--require or PODCHECK_REQUIRE), and this case would be skipped";
        ended(record, Verdict::Broken, format!("{why}: {reason}"))
    } else {
        ended(record, Verdict::Skipped, reason)
    }
}

fn ended(mut record: Record, verdict: Verdict, reason: String) -> Outcome {
    record.verdict = verdict;
    record.reason = reason;
    Outcome { record, facts: None, checks: Vec::new() }
}

fn blank(case: &Case, runtime: &str) -> Record {
    Record {
        id: format!("{runtime}::{}", case.id),
        case: case.id.clone(),
        about: case.about.clone(),
        runtime: runtime.to_owned(),
        verdict: Verdict::Broken,
        reason: String::new(),
        properties: case.shows.clone(),
        checks_run: 0,
        findings: Vec::new(),
        facts: serde_json::Value::Null,
        reported: BTreeMap::new(),
        versions: BTreeMap::new(),
        settings: BTreeMap::new(),
        cgroup_driver: String::new(),
        stand_ins: Vec::new(),
        replaced_commands: Vec::new(),
        left_out_hooks: Vec::new(),
        not_acted_on: case.not_acted_on.clone(),
        stood_in: case.stood_in.clone(),
        left_behind: Vec::new(),
        evidence: String::new(),
        durations_ms: BTreeMap::new(),
    }
}
