//! The suite as `cargo test`: one trial a case and runtime, named `<runtime>::<area>/<case>`; `podcheck::<area>/<case>` where
//! the Pod is refused before any runtime is asked.
//!
//! The facts of each Pod are held against reviewed snapshots, see `snapshot.rs`. Runtimes that are not here are skipped
//! with the reason, unless `PODCHECK_REQUIRE` names them; with `no-skips` in it no trial may be skipped.
//!
//! `PODCHECK_RESULTS` names a file for the results, as `podcheck run --format json` writes them.

mod snapshot;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use podcheck::case::{self, Case};
use podcheck::diagnostic::Diagnostic;
use podcheck::host::{CgroupRoot, Run};
use podcheck::judge::Verdict;
use podcheck::report::{self, Record, Results, Style, record_text};
use podcheck::runtime::{Kind, RuntimeName, why_unavailable};
use podcheck::trial::{self, Required, Runtimes, Settings};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Environment variable with the file for the results.
const RESULTS_VARIABLE: &str = "PODCHECK_RESULTS";

fn main() -> ExitCode {
    podcheck::hand_over();
    let arguments = Arguments::from_args();
    let suite = match Suite::gather() {
        Ok(suite) => Arc::new(suite),
        Err(message) => {
            eprintln!("conformance: {message}");
            return ExitCode::from(3);
        }
    };
    let trials = suite.trials();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Err(message) = suite.end() {
        eprintln!("conformance: {message}");
        return ExitCode::from(3);
    }
    conclusion.exit_code()
}

/// Cases, runtimes, and the run that is begun when the first trial needs it.
struct Suite {
    cases: Vec<Arc<Case>>,
    faults: Vec<(String, Vec<Diagnostic>)>,
    runtimes: Vec<RuntimeName>,
    settings: Settings,
    opened: OnceLock<Result<Runtimes, String>>,
    /// Where the results go, and what they are until now.
    results: Option<(PathBuf, Mutex<Vec<Record>>)>,
}

impl Suite {
    fn gather() -> Result<Suite, String> {
        podcheck::host::check_time_factor().map_err(|error| error.to_string())?;
        let required = Required::from_env()?;
        let mut runtimes: Vec<RuntimeName> = Kind::ALL.map(RuntimeName::plain).into();
        for extra in required.runtimes.iter().filter(|name| !Kind::ALL.map(RuntimeName::plain).contains(name)) {
            runtimes.push(extra.clone());
        }
        let (cases, faults) = read_cases();
        if cases.is_empty() && faults.is_empty() {
            return Err("there is no case at all".to_owned());
        }
        let known =
            case::builtin_known().map_err(|faults| faults.iter().map(|f| f.render(false)).collect::<String>())?;
        let settings = Settings {
            node: trial::constant_node(&CgroupRoot::from_env().unwrap_or_default()),
            known,
            strict: false,
            required,
            evidence: Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR"))),
            keep: None,
        };
        let results = std::env::var_os(RESULTS_VARIABLE).map(|file| (PathBuf::from(file), Mutex::default()));
        Ok(Suite { cases, faults, runtimes, settings, opened: OnceLock::new(), results })
    }

    fn trials(self: &Arc<Self>) -> Vec<Trial> {
        let mut trials = Vec::new();
        for (name, faults) in &self.faults {
            let text: String = faults.iter().map(|fault| fault.render(false)).collect();
            trials.push(Trial::test(format!("cases::{name}"), move || Err(Failed::from(text))));
        }
        for case in self.cases.iter().filter(|case| !case.asks_runtime()) {
            let (suite, case) = (Arc::clone(self), Arc::clone(case));
            let name = format!("{}::{}", case::NOBODY, case.id);
            trials.push(Trial::ignorable_test(name, move || suite.refused(&case)));
        }
        for runtime in &self.runtimes {
            // nextest shows a trial that skips itself as passed, so it must be told when it asks for the list.
            let ignored = std::env::var_os("NEXTEST").is_some() && self.why_skipped(runtime).is_some();
            for case in self.cases.iter().filter(|case| case.asks_runtime()) {
                let (suite, case, runtime) = (Arc::clone(self), Arc::clone(case), runtime.clone());
                let name = format!("{runtime}::{}", case.id);
                let trial = Trial::ignorable_test(name, move || suite.one(&case, &runtime));
                trials.push(trial.with_ignored_flag(ignored));
            }
        }
        let (suite, stale) = (Arc::clone(self), "snapshots::none_is_stale");
        trials.push(Trial::test(stale, move || {
            snapshot::none_is_stale(&suite.cases, &suite.runtimes).map_err(Failed::from)
        }));
        trials
    }

    /// Why the runtime is skipped here, if it may be.
    fn why_skipped(&self, runtime: &RuntimeName) -> Option<String> {
        if self.settings.required.demands(runtime) { None } else { why_unavailable(runtime) }
    }

    /// A case that no runtime has a part in: what is read takes no rights either.
    fn refused(&self, case: &Case) -> Result<Completion, Failed> {
        match trial::read_alone(case, &self.settings) {
            Some(outcome) => self.completed(case, &RuntimeName::plain(Kind::Engine), &outcome),
            None => self.one(case, &RuntimeName::plain(Kind::Engine)),
        }
    }

    fn one(&self, case: &Case, runtime: &RuntimeName) -> Result<Completion, Failed> {
        if let Some(reason) = self.why_skipped(runtime) {
            return Ok(Completion::ignored_with(reason));
        }
        let begin = || Run::begin().map(Runtimes::new).map_err(|error| error.to_string());
        let opened = self.opened.get_or_init(begin).as_ref().map_err(Failed::from)?;
        let outcome = trial::run(case, runtime, opened, &self.settings);
        self.completed(case, runtime, &outcome)
    }

    fn completed(&self, case: &Case, runtime: &RuntimeName, outcome: &trial::Outcome) -> Result<Completion, Failed> {
        let record = &outcome.record;
        if let Some((_, records)) = &self.results {
            records.lock().unwrap_or_else(PoisonError::into_inner).push(record.clone());
        }
        if record.verdict == Verdict::Skipped {
            return Ok(Completion::ignored_with(record.reason.clone()));
        }
        let mut faults = String::new();
        if record.verdict.is_bad() {
            faults.push_str(&record_text(record, Style::default()));
        }
        if !record.left_behind.is_empty() {
            faults.push_str(&format!("{runtime} left behind: {}\n", record.left_behind.join(", ")));
        }
        if let Err(difference) = snapshot::check(&self.settings, case, outcome) {
            faults.push_str(&difference);
        }
        if faults.is_empty() { Ok(Completion::Completed) } else { Err(Failed::from(faults)) }
    }

    fn end(&self) -> Result<(), String> {
        let ended = match self.opened.get() {
            Some(Ok(runtimes)) => runtimes.run().end().map(drop).map_err(|error| error.to_string()),
            _ => Ok(()),
        };
        self.write_results().and(ended)
    }

    fn write_results(&self) -> Result<(), String> {
        let Some((file, records)) = &self.results else { return Ok(()) };
        let mut records = records.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Trials run side by side; the order is the suite's whenever they ended.
        records.sort_by(|one, other| one.id.cmp(&other.id));
        let results = Results {
            schema_version: report::SCHEMA_VERSION,
            podcheck: env!("CARGO_PKG_VERSION").to_owned(),
            host: trial::host_record(),
            partial: String::new(),
            records,
        };
        replace(file, &report::json(&results)).map_err(|error| format!("{}: {error}", file.display()))
    }
}

/// Puts a text in the place of a file, as a whole.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let mut beside = tempfile::Builder::new().permissions(readable).tempfile_in(folder)?;
    beside.write_all(text.as_bytes())?;
    beside.as_file().sync_all()?;
    beside.persist(file).map(drop).map_err(|error| error.error)
}

/// Cases, and for each file that is none its faults.
type Read = (Vec<Arc<Case>>, Vec<(String, Vec<Diagnostic>)>);

/// The cases of the repository, each file read for itself so that one that cannot be read is one failing trial; the
/// built-in ones where there is no repository, as in a virtual machine.
fn read_cases() -> Read {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let (mut cases, mut faults) = (Vec::new(), Vec::new());
    let files = if folder.is_dir() { case::files(&folder) } else { Ok(Vec::new()) };
    match files {
        Ok(files) if !files.is_empty() => {
            for (file, _) in files {
                match case::load(std::slice::from_ref(&file)) {
                    Ok(read) => cases.extend(read.into_iter().map(Arc::new)),
                    Err(fault) => {
                        faults.push((file.strip_prefix(&folder).unwrap_or(&file).display().to_string(), fault))
                    }
                }
            }
        }
        _ => match case::builtin() {
            Ok(read) => cases.extend(read.into_iter().map(Arc::new)),
            Err(fault) => faults.push(("builtin".to_owned(), fault)),
        },
    }
    (cases, faults)
}
