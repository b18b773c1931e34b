//! Faults of a runtime, put in on purpose: each must be found, by the right property, at the right member, and nowhere else.
//!
//! One private containerd calls this very binary as its OCI runtime. It edits what containerd asks for (`fault/table.rs`
//! says how, by the Pod's name) and becomes runc. A fault that leaves a Pod conforming is a fault of podcheck.

mod fault;

use fault::{CONTAINERS, Fault, Shape, Strikes};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use podcheck::case;
use podcheck::host::{CgroupRoot, Run};
use podcheck::judge::{Check, Outcome, Verdict};
use podcheck::report::{Style, record_text};
use podcheck::runtime::{Kind, RuntimeName, why_unavailable};
use podcheck::trial::{self, Required, Runtimes, Settings};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;

fn main() -> ExitCode {
    podcheck::hand_over();
    if fault::is_wrapper() {
        return fault::wrap();
    }
    let arguments = Arguments::from_args();
    let suite = match Suite::new() {
        Ok(suite) => Arc::new(suite),
        Err(message) => {
            eprintln!("faults: {message}");
            return ExitCode::from(3);
        }
    };
    let conclusion = libtest_mimic::run(&arguments, suite.trials());
    if let Err(message) = suite.end() {
        eprintln!("faults: {message}");
        return ExitCode::from(3);
    }
    conclusion.exit_code()
}

struct Suite {
    /// Holds the link by which this binary is called as a runtime, and the manifests.
    folder: TempDir,
    runtime: RuntimeName,
    skipped: Option<String>,
    settings: Settings,
    opened: OnceLock<Result<Runtimes, String>>,
}

impl Suite {
    fn new() -> Result<Suite, String> {
        podcheck::host::check_time_factor().map_err(|error| error.to_string())?;
        let folder = tempfile::tempdir().map_err(|error| format!("cannot make a folder for the wrapper: {error}"))?;
        let link = fault::link(folder.path()).map_err(|error| format!("cannot link the wrapper: {error}"))?;
        let plain = RuntimeName::plain(Kind::Containerd);
        let required = Required::from_env()?;
        let known =
            case::builtin_known().map_err(|faults| faults.iter().map(|f| f.render(false)).collect::<String>())?;
        Ok(Suite {
            skipped: if required.demands(&plain) { None } else { why_unavailable(&plain) },
            runtime: RuntimeName { oci: Some(link.display().to_string()), ..plain },
            folder,
            settings: Settings {
                node: trial::constant_node(&CgroupRoot::from_env().unwrap_or_default()),
                known,
                strict: false,
                required,
                evidence: None,
                keep: None,
            },
            opened: OnceLock::new(),
        })
    }

    fn trials(self: &Arc<Self>) -> Vec<Trial> {
        let ignored = std::env::var_os("NEXTEST").is_some() && self.skipped.is_some();
        let sound = Shape::ALL.into_iter().map(|shape| {
            let suite = Arc::clone(self);
            Trial::ignorable_test(format!("sound::{}", shape.name()), move || suite.sound(shape))
        });
        let faulty = fault::faults().into_iter().map(|fault| {
            let suite = Arc::clone(self);
            Trial::ignorable_test(format!("found::{}", fault.name), move || suite.faulty(&fault))
        });
        sound.chain(faulty).map(|trial| trial.with_ignored_flag(ignored)).collect()
    }

    /// Without a fault the same Pod is found to be one: it is not the wrapper that is found.
    fn sound(&self, shape: Shape) -> Result<Completion, Failed> {
        let name = format!("sound-{}", shape.name());
        self.run(&name, shape, false, |outcome| {
            let good = matches!(outcome.record.verdict, Verdict::Passed | Verdict::Deviates);
            if good { Ok(()) } else { Err("a Pod without a fault is found to have one\n".to_owned()) }
        })
    }

    fn faulty(&self, fault: &Fault) -> Result<Completion, Failed> {
        if let Some(reason) = fault.why_impossible() {
            let must = self.settings.required.no_skips;
            return if must { Err(Failed::from(reason)) } else { Ok(Completion::ignored_with(reason)) };
        }
        self.run(fault.name, fault.shape, fault.leaves, |outcome| verdict(fault, outcome))
    }

    fn run(
        &self,
        name: &str,
        shape: Shape,
        leaves: bool,
        judge: impl Fn(&trial::Outcome) -> Result<(), String>,
    ) -> Result<Completion, Failed> {
        if let Some(reason) = &self.skipped {
            return Ok(Completion::ignored_with(reason.clone()));
        }
        let begin = || Run::begin().map(Runtimes::new).map_err(|error| error.to_string());
        let opened = self.opened.get_or_init(begin).as_ref().map_err(Failed::from)?;
        let file = self.folder.path().join(format!("{name}.yaml"));
        std::fs::write(&file, shape.file(name)).map_err(|error| format!("{}: {error}", file.display()))?;
        let cases = case::load(&[file]).map_err(|faults| faults.iter().map(|f| f.render(false)).collect::<String>())?;
        let [case] = &cases[..] else { return Err(Failed::from("a manifest is one case")) };
        let outcome = trial::run(case, &self.runtime, opened, &self.settings);
        let mut wrong = judge(&outcome).err().unwrap_or_default();
        if outcome.record.left_behind.is_empty() == leaves {
            let left = outcome.record.left_behind.join(", ");
            wrong.push_str(&format!(
                "left behind: {}\n",
                if leaves { "nothing, and something should be" } else { &left }
            ));
        }
        if wrong.is_empty() {
            return Ok(Completion::Completed);
        }
        Err(Failed::from(wrong + &record_text(&outcome.record, Style::default())))
    }

    fn end(&self) -> Result<(), String> {
        match self.opened.get() {
            Some(Ok(runtimes)) => runtimes.run().end().map(drop).map_err(|error| error.to_string()),
            _ => Ok(()),
        }
    }
}

/// A finding of the fault's property, at its place, at every member that is struck; and none at a container that is not.
fn verdict(fault: &Fault, outcome: &trial::Outcome) -> Result<(), String> {
    let Fault { property, at, strikes, .. } = fault;
    if outcome.record.verdict != Verdict::Failed {
        return Err(format!("{property} should be found, and the verdict is {:?}\n", outcome.record.verdict));
    }
    let found: Vec<&Check> = outcome.record.findings.iter().filter(|check| check.outcome == Outcome::Broken).collect();
    let struck: Vec<&str> = match strikes {
        Strikes::Only(name) => vec![*name],
        Strikes::Every => CONTAINERS.to_vec(),
        Strikes::Pod => vec![""],
        Strikes::Sandbox | Strikes::SandboxAndSo => vec!["sandbox"],
    };
    let mut wrong = String::new();
    for member in &struck {
        let fits = |check: &&&Check| check.property == *property && check.member == *member && check.at.starts_with(at);
        if found.iter().find(fits).is_none() {
            wrong.push_str(&format!("no finding of {property} at {member}: {at}\n"));
        }
    }
    // What is the sandbox's is the Pod's, where it is shared.
    if *strikes != Strikes::SandboxAndSo {
        // That it leaves something is asked elsewhere.
        let others = found.iter().filter(|check| !(fault.leaves && check.property == "F9"));
        for check in others.filter(|check| !struck.contains(&check.member.as_str())) {
            wrong.push_str(&format!("{} is found at {:?}, which is sound\n", check.property, check.member));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}
