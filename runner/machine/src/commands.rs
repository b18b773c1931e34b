//! What each command does.

use crate::cache::Cache;
use crate::cargo::{self, Surroundings};
use crate::cli::{Command, Limit, kind_or_default};
use crate::command;
use crate::error::Error;
use crate::freeze::Frozen;
use crate::image::Image;
use crate::job::Job;
use crate::kind::{Kind, Suite};
use crate::packages::Packages;
use crate::progress::say;
use crate::results::Results;
use crate::table::{self, Row};
use crate::{run, suite, terminal};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Carries out a command and returns the exit status.
///
/// # Errors
/// Whatever keeps it from a result.
pub fn execute(command: Command) -> Result<u8, Error> {
    let cache = Cache::of_user()?;
    match command {
        Command::Image { suites } => {
            command::require_tools()?;
            let all = || Suite::ALL.to_vec();
            for suite in if suites.is_empty() { all() } else { suites } {
                let image = Image::get(suite, &cache, true)?;
                say(&format!("{suite}: {}", image.packages()?.summary()));
            }
            Ok(0)
        }
        Command::Freeze { machines } => {
            for kind in machines.kinds()? {
                Frozen::get(kind, &cache)?;
                say(&format!("{kind}: frozen"));
            }
            Ok(0)
        }
        Command::Test { machines, test, limit, arguments } => {
            run_suite(&cache, &machines.kinds()?, &test, &arguments, minutes(&limit))
        }
        Command::Exec { on, limit, words } => {
            let frozen = Frozen::get(kind_or_default(on)?, &cache)?;
            let mut job = suite::job(&repository()?, Path::new(&words[0]), &words[1..], frozen.accel)?;
            job.folder = called_from().unwrap_or(job.folder);
            Ok(run::run(&frozen, &cache, &job, minutes(&limit))?.status)
        }
        Command::Table { into, what } => {
            let table = table::markdown(&table::kept(&rows_folder(&repository()?), &what)?);
            match into {
                Some(file) => table::put_into(&called_from().unwrap_or_default().join(file), &table)?,
                None => print!("{table}"),
            }
            Ok(0)
        }
        Command::Shell { on } => shell(&cache, kind_or_default(on)?),
        Command::List => list(&cache),
        Command::Clean { kinds } => clean(&cache, &kinds),
    }
}

fn minutes(limit: &Limit) -> Duration {
    Duration::from_secs(limit.minutes.saturating_mul(60))
}

/// The repository that this program was built in.
fn repository() -> Result<PathBuf, Error> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    here.canonicalize().map_err(Error::at("find", &here))
}

/// The folder that `runner/vm` was called in; it goes into the repository's itself.
fn called_from() -> Option<PathBuf> {
    std::env::var_os("PODCHECK_VM_FROM").map(PathBuf::from)
}

/// Where what came of each suite is kept for `table`.
fn rows_folder(repository: &Path) -> PathBuf {
    repository.join("target/vm/rows")
}

/// What came of a test in one machine.
struct Tested {
    packages: Packages,
    results: Result<Results, String>,
    status: u8,
    took: Duration,
}

/// A test in one machine after the other. What goes wrong with one does not keep the others from theirs.
fn run_suite(cache: &Cache, kinds: &[Kind], test: &str, arguments: &[String], limit: Duration) -> Result<u8, Error> {
    let repository = repository()?;
    let binary = cargo::test_binary(&repository, test)?;
    let (mut rows, mut statuses) = (Vec::new(), Vec::new());
    for kind in kinds {
        let Tested { packages, results, status, took } = match test_in(*kind, cache, &binary, arguments, limit) {
            Err(error @ (Error::Interrupted | Error::Usage(_))) => return Err(error),
            Err(error) => {
                say(&format!("{kind}: {error}"));
                let results = Err(error.to_string());
                Tested { packages: Packages::default(), results, status: error.status(), took: Duration::ZERO }
            }
            Ok(tested) => tested,
        };
        // A suite that ended well and wrote nothing has not run.
        let unsaid = test == "conformance" && results.is_err();
        statuses.push(if unsaid && status == 0 { 3 } else { status });
        let row = Row::new(*kind, &packages, arguments, &results, status, took);
        if results.is_ok()
            && let Err(error) = row.keep(&rows_folder(&repository))
        {
            say(&format!("{kind}: {error}"));
            statuses.push(error.status());
        }
        rows.push(row);
    }
    if test == "conformance" {
        println!("\n{}", table::markdown(&rows));
    }
    Ok(statuses.into_iter().find(|status| *status != 0).unwrap_or_default())
}

/// A test in a machine that is made first if it is not there.
///
/// # Errors
/// There is no machine to run it in, or it was interrupted.
fn test_in(kind: Kind, cache: &Cache, binary: &Path, arguments: &[String], limit: Duration) -> Result<Tested, Error> {
    let frozen = Frozen::get(kind, cache)?;
    let target = Surroundings::of(binary).scratch.unwrap_or_else(std::env::temp_dir);
    let file = target.join("vm").join(kind.slug()).join("results.json");
    let _ = fs::remove_file(&file);
    let mut job = suite::job(&repository()?, binary, arguments, frozen.accel)?;
    suite::with_results(&mut job, &file);
    let packages = frozen.image.packages()?;
    say(&format!("{kind}: {}", packages.summary()));
    let began = Instant::now();
    let outcome = run::run(&frozen, cache, &job, limit);
    let took = began.elapsed();
    let (status, back, results) = match outcome {
        Err(Error::Interrupted) => return Err(Error::Interrupted),
        Err(error) => {
            say(&format!("{kind}: {error}"));
            (error.status(), 0, Err(error.to_string()))
        }
        Ok(outcome) => (outcome.status, outcome.back.len(), Results::read(&file).map_err(|error| error.to_string())),
    };
    say(&format!("{kind}: exit status {status} after {:.0} s, {back} files came back", took.as_secs_f64()));
    Ok(Tested { packages, results, status, took })
}

fn shell(cache: &Cache, kind: Kind) -> Result<u8, Error> {
    let frozen = Frozen::get(kind, cache)?;
    let job = Job {
        words: vec!["bash".to_owned(), "-l".to_owned()],
        folder: "/root".into(),
        environment: [("TERM".to_owned(), std::env::var("TERM").unwrap_or_else(|_| "linux".to_owned()))].into(),
        terminal: Some(terminal::size()),
        ..Job::default()
    };
    // As long as the person likes, but a year.
    Ok(run::run(&frozen, cache, &job, Duration::from_secs(365 * 24 * 60 * 60))?.status)
}

fn list(cache: &Cache) -> Result<u8, Error> {
    println!("{}", cache.root().display());
    for group in ["images", "frozen"] {
        for place in cache.places(group)? {
            let name = place.file_name().unwrap_or_default().to_string_lossy();
            println!("  {group}/{name}  {} MiB", used(&place) >> 20);
        }
    }
    Ok(0)
}

/// Bytes on the disk of the files in a folder; most here are sparse.
fn used(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|file| file.blocks() * 512).sum()
}

fn clean(cache: &Cache, kinds: &[Kind]) -> Result<u8, Error> {
    // Runs that were killed; what still runs is left alone.
    drop(cache.run_folder()?);
    let of_a_kind = |place: &Path| {
        let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        kinds.is_empty() || kinds.iter().any(|kind| name.starts_with(&format!("{}-", kind.slug())))
    };
    let mut places: Vec<PathBuf> = cache.places("frozen")?;
    places.retain(|place| of_a_kind(place));
    if kinds.is_empty() {
        places.extend(cache.places("images")?);
    }
    let mut status = 0;
    for place in places {
        if cache.remove(&place)? {
            say(&format!("removed {}", place.display()));
        } else {
            say(&format!("{} is in use: left", place.display()));
            status = 1;
        }
    }
    Ok(status)
}
