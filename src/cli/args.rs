//! What may be typed.

use crate::host::CgroupRoot;
use crate::runtime::RuntimeName;
use crate::trial::Required;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Is this really a Pod? Brings Pods up on container runtimes, reads from the kernel what their processes share and are
/// held to, and judges that.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, after_help = EXIT_STATUS)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_STATUS: &str = "Exit status, the first that applies:
  2  wrong usage, or a case or manifest that cannot be read (the others are run)
  3  a runtime or the host failed, or something required is missing
  1  a failure, or an undeclared difference
  4  nothing was executed
  128 + signal  a signal ended it; 141 where whoever reads the output went away
  0  otherwise, known deviations included

Environment:
  PODCHECK_REQUIRE       as --require, for run, compare and cargo test; both lists count
  PODCHECK_CGROUP_ROOT   as --cgroup-root, for every command and for cargo test
  PODCHECK_TIME_FACTOR   multiplies every deadline, for slow machines";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Judge cases or plain Pod manifests on one or more runtimes
    Run(RunArgs),
    /// Judge on every runtime that is here and show where they differ
    Compare(CompareArgs),
    /// Show what changed between two results
    Diff(DiffArgs),
    /// Show the facts of a Pod that runs already
    Inspect(InspectArgs),
    /// List cases, or properties and the cases that show them
    List(ListArgs),
    /// Say what this machine can do and which runtimes are here
    Doctor,
    /// Remove what killed runs left on this host
    Sweep(SweepArgs),
    /// Print a JSON schema
    Schema(SchemaArgs),
}

/// What to run and how; common to `run` and `compare`.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Cases, folders of cases, or manifests of Pods and workloads, `-` for one on standard input; none means the built-in
    /// suite. What cannot be read is said and does not stop the others: status 2 in the end
    pub(super) paths: Vec<PathBuf>,
    /// `KIND[:DRIVER][+OCI][@ENDPOINT]`: engine, docker, containerd, containerd:systemd, containerd+crun,
    /// containerd+/path/to/runtime, containerd@unix:///run/containerd/containerd.sock; may be given more than once. What is
    /// named must be here: status 3 otherwise
    #[arg(short, long = "runtime", value_name = "RUNTIME")]
    pub(super) runtimes: Vec<RuntimeName>,
    /// What may not be missing, separated by commas: runtimes, as engine,docker,containerd, which must be part of this run;
    /// no-skips, so that no case may be skipped. Status 3 otherwise
    #[arg(long, value_name = "LIST")]
    pub(super) require: Vec<Required>,
    /// Only cases whose id has this text in it
    #[arg(short, long, value_name = "TEXT")]
    pub(super) filter: Option<String>,
    /// Cases side by side; the number of processors if not given
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) jobs: Option<u16>,
    /// Refuse stand-ins: a container's command must run as the manifest has it, and what a Pod takes from ConfigMaps and
    /// Secrets must be there
    #[arg(long)]
    pub(super) strict: bool,
    /// The machine the plan pretends: the constants of a small node, or this host
    #[arg(long, value_enum, default_value_t = NodeChoice::Constant, value_name = "NODE")]
    pub(super) node: NodeChoice,
    /// Make podcheck's cgroup below this one, which is there in every hierarchy, rather than below the root
    #[arg(long, value_name = "PATH")]
    pub(super) cgroup_root: Option<CgroupRoot>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum NodeChoice {
    /// 4 cores, 8Gi of memory, wherever it runs
    Constant,
    /// As many cores and as much memory as this machine has
    Host,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) selection: Selection,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Pretty)]
    pub(super) format: Format,
    /// Write the result to a file instead of standard output; an earlier one is replaced as a whole, once there is another
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Start no further case after the first that fails
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Leave the Pod up for a look until Enter or Ctrl-C; one case and one runtime only
    #[arg(long)]
    pub(super) keep: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Pretty,
    /// For programs: `podcheck schema result`
    Json,
    /// For continuous integration
    Junit,
}

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    #[command(flatten)]
    pub(super) selection: Selection,
    /// Also show what changed since this result of `podcheck run --format json`
    #[arg(long, value_name = "RESULT.json")]
    pub(super) baseline: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The earlier result
    pub(super) old: PathBuf,
    /// The later result
    pub(super) new: PathBuf,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("target").args(["pids", "docker", "cri"]).required(true)))]
pub(super) struct InspectArgs {
    /// Processes to look at as members of one Pod, the first as its sandbox; NAME=PID gives one a name
    #[arg(value_name = "[NAME=]PID")]
    pub(super) pids: Vec<String>,
    /// Docker containers by name or id, the first as sandbox; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub(super) docker: Vec<String>,
    /// A CRI Pod by name, uid or sandbox id; POD@unix:///run/other.sock for another than containerd's usual socket
    #[arg(long, value_name = "POD[@ENDPOINT]")]
    pub(super) cri: Option<String>,
    /// Form of the result: a tree for people, or the facts as JSON
    #[arg(long, value_enum, default_value_t = InspectFormat::Pretty)]
    pub(super) format: InspectFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum InspectFormat {
    /// A tree
    Pretty,
    /// The facts
    Json,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Cases or folders of cases; none means the built-in suite
    pub(super) paths: Vec<PathBuf>,
    /// The suite's coverage: every property, the cases that show it and on which runtimes, or why none does
    #[arg(long)]
    pub(super) properties: bool,
    /// Form of the list
    #[arg(long, value_enum, default_value_t = ListFormat::Pretty)]
    pub(super) format: ListFormat,
    /// Only cases whose id has this text in it
    #[arg(short, long, value_name = "TEXT")]
    pub(super) filter: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// One line each
    Pretty,
    /// For programs
    Json,
}

#[derive(Debug, Args)]
pub(super) struct SweepArgs {
    /// Look for cgroups of runs without a record below this one, too
    #[arg(long, value_name = "PATH")]
    pub(super) cgroup_root: Option<CgroupRoot>,
}

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Of what
    #[arg(value_enum)]
    pub(super) of: SchemaOf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// Case files
    Case,
    /// What `run --format json` prints
    Result,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
