//! How long the article's Pod takes from start to ready and from stop to gone: on each runtime, and on two floors made of
//! the kernel's calls alone (see [`floor`]). All take part in every round of one run, so that what else the machine does
//! meets all of them; a runtime with a daemon, being slow, takes part in one round of [`SLOW_EVERY`].
//!
//! `cargo bench -- --rounds 100 --runtimes engine,containerd --json FILE`. Nothing here fails for being slow.

mod floor;
mod measure;
mod report;

use clap::Parser;
use floor::Floors;
use measure::lap;
use podcheck::host::Run;
use podcheck::node::Node;
use podcheck::plan;
use podcheck::pod::Pod;
use podcheck::runtime::{self, Kind, Runtime, RuntimeName, Tenancy};
use report::Report;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// The case whose Pod is measured.
const CASE: &str = "pod/article";

/// Rounds from one Pod of a runtime with a daemon to the next.
const SLOW_EVERY: u32 = 5;

/// After each Pod: the kernel takes a network namespace apart in the background and holds up whoever makes the next.
const SETTLE: Duration = Duration::from_millis(50);

/// Measures how long one Pod takes, up and down.
#[derive(Debug, Parser)]
struct Options {
    /// Pods of the engine and of each floor; of other runtimes a fifth.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Runtimes to measure, by name.
    #[arg(long, value_delimiter = ',', default_value = "engine,docker,containerd,containerd+crun")]
    runtimes: Vec<RuntimeName>,
    /// Also writes every single time here.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    podcheck::hand_over();
    let outcome = if std::env::args().nth(1).as_deref() == Some(floor::ROLE) {
        floor::serve().map_err(|e| e.to_string())
    } else {
        bench(&Options::parse())
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pod_start: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(options: &Options) -> Result<(), String> {
    let faults = |faults: Vec<podcheck::diagnostic::Diagnostic>| format!("the suite has {} faults", faults.len());
    let case = podcheck::case::builtin().map_err(faults)?.into_iter().find(|case| case.id == CASE);
    let pod = case.ok_or_else(|| format!("there is no case {CASE}"))?.pod;
    // Whatever ends this process, the run's supervisor takes everything down.
    let run = Run::begin().map_err(|e| e.to_string())?;
    let mut report = Report::default();
    let runtimes = open(&options.runtimes, &run, &mut report);
    let plan = plan::plan(&pod, &Node::default(), "00000000-0000-4000-8000-000000000000");
    let mut floors = Floors::open(&run, &plan)?;
    let measured = rounds(options, &mut floors, &runtimes, &run, &pod, &mut report);
    let closed = floors.close();
    drop(runtimes);
    let ended = run.end().map(drop).map_err(|e| e.to_string());
    report.peak_rss_mib = peak_rss_mib();
    print!("{}", report.text());
    if let Some(file) = &options.json {
        std::fs::write(file, report.json()).map_err(|e| format!("cannot write {}: {e}", file.display()))?;
    }
    measured.and(closed).and(ended)
}

/// Those that are here; of the others the report says why they are not.
fn open(names: &[RuntimeName], run: &Arc<Run>, report: &mut Report) -> Vec<Box<dyn Runtime>> {
    let mut here = Vec::new();
    for name in names {
        match runtime::open(name, run, Tenancy::Shared) {
            Ok(runtime) => here.push(runtime),
            Err(error) => report.skipped.push((name.to_string(), error.to_string())),
        }
    }
    here
}

/// One round to warm up, which does not count, and then as many as asked for.
fn rounds(
    options: &Options,
    floors: &mut Floors,
    runtimes: &[Box<dyn Runtime>],
    run: &Arc<Run>,
    pod: &Pod,
    report: &mut Report,
) -> Result<(), String> {
    for round in 0..=options.rounds {
        let counts = round > 0;
        for name in floor::NAMES {
            let lap = floors.lap(name)?;
            std::thread::sleep(SETTLE);
            report.add(counts, name, lap);
        }
        for runtime in runtimes {
            let name = runtime.name();
            let is_engine = name.kind == Kind::Engine;
            if !is_engine && counts && round % SLOW_EVERY != 1 % SLOW_EVERY {
                continue;
            }
            let (lap, observed) = lap(&**runtime, run, pod, is_engine).map_err(|e| format!("{name}: {e}"))?;
            std::thread::sleep(SETTLE);
            report.add(counts, &name.to_string(), lap);
            report.observation_ms.extend(observed.filter(|_| counts));
        }
    }
    Ok(())
}

/// The most memory this process ever had, which holds the same code as the test harness.
fn peak_rss_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB"))?;
    kib.trim().parse::<f64>().ok().map(|kib| kib / 1024.0)
}
