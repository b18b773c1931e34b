//! The host as trials need it: abilities, the turn of cases that run alone, and what known differences depend on.

use super::Settings;
use crate::case::Case;
use crate::facts;
use crate::host::{self, CgroupRoot, Run};
use crate::judge::{self, Context, HostCaps};
use crate::node::{CgroupDriver, Node};
use crate::pod::{HugePageSize, Pod};
use crate::report::{AbilityRecord, HostRecord, Record, Why};
use crate::runtime::RuntimeName;
use nix::fcntl::{Flock, FlockArg};
use procfs::{Current, Meminfo};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::Path;

/// The host, for results.
pub fn host_record() -> HostRecord {
    let record = |a: &host::Ability| AbilityRecord { present: a.present, reason: a.reason.clone() };
    HostRecord {
        kernel: kernel(),
        cgroup: cgroup().to_owned(),
        abilities: host::abilities().iter().map(|(name, ability)| (name.clone(), record(ability))).collect(),
    }
}

/// The machine that plans pretend: constant, but for the huge pages, whose limits are files of this host's. Below another
/// cgroup than the hierarchies' root they may not be there.
pub fn constant_node(root: &CgroupRoot) -> Node {
    Node { huge_page_sizes: host::limited_huge_page_sizes(root).to_vec(), ..Node::default() }
}

/// This machine as the node of the plan.
///
/// # Errors
/// The kernel does not say how much memory there is, or how many processors.
pub fn host_node(root: &CgroupRoot) -> Result<Node, String> {
    let memory = Meminfo::current().map_err(|error| format!("cannot read /proc/meminfo: {error}"))?;
    let cores = std::thread::available_parallelism().map_err(|error| format!("cannot count processors: {error}"))?;
    Ok(Node { memory_bytes: memory.mem_total, cpu_milli: cores.get() as u64 * 1000, ..constant_node(root) })
}

fn kernel() -> String {
    nix::sys::utsname::uname().map_or_else(|_| String::new(), |uts| uts.release().to_string_lossy().into_owned())
}

/// `v1`, `hybrid` or `v2`.
fn cgroup() -> &'static str {
    ["v2", "hybrid"].into_iter().find(|mode| host::can(&format!("cgroup-{mode}"))).unwrap_or("v1")
}

/// What the contract needs to know of the host, and of who makes a Pod's cgroups there.
///
/// # Errors
/// podcheck's own capabilities cannot be read.
pub(super) fn caps(driver: CgroupDriver) -> Result<HostCaps, String> {
    let abilities = host::abilities();
    Ok(HostCaps {
        cgroup: cgroup().to_owned(),
        driver,
        abilities: abilities.iter().filter(|(_, a)| a.present).map(|(name, _)| name.clone()).collect(),
        paths: judge::paths_to_probe().filter_map(is_here).collect::<Result<_, _>>()?,
        capabilities: own_bounding_set()?,
        page_bytes: host::page_size(),
    })
}

/// A path of the kernel's that this one has.
fn is_here(path: &str) -> Option<Result<String, String>> {
    match Path::new(path).try_exists() {
        Ok(true) => Some(Ok(path.to_owned())),
        Ok(false) => None,
        Err(error) => Some(Err(format!("cannot look at {path}: {error}"))),
    }
}

/// The capabilities that a process of ours, and so a privileged container, can have at most.
fn own_bounding_set() -> Result<BTreeSet<String>, String> {
    let status = procfs::process::Process::myself().and_then(|own| own.status());
    let status = status.map_err(|error| format!("cannot read podcheck's own status: {error}"))?;
    let mask = status.capbnd.ok_or("/proc/self/status has no CapBnd")?;
    Ok(facts::capability_names(mask).into_iter().collect())
}

/// What cases require that is a runtime's and not the host's: it has systemd make cgroups.
const SYSTEMD_DRIVER: &str = "systemd-driver";

/// Why a case cannot run on a runtime with that driver.
pub(super) fn why_not_driver(case: &Case, driver: CgroupDriver) -> Option<String> {
    let reason = "needs systemd-driver: a runtime that has systemd make cgroups, as containerd:systemd";
    let wanted = case.requires.iter().any(|ability| ability == SYSTEMD_DRIVER);
    (wanted && driver != CgroupDriver::Systemd).then(|| reason.to_owned())
}

/// Why a case that requires `ability` cannot run here; an error if there is no such ability at all.
pub(super) fn why_missing(ability: &str) -> Option<Result<String, String>> {
    match host::abilities().get(ability) {
        // Which the host cannot say: see `why_not_driver`.
        None if ability == SYSTEMD_DRIVER => None,
        Some(found) if found.present => None,
        Some(found) => Some(Ok(format!("needs {ability}: {}", found.reason))),
        None => {
            let names: Vec<&str> = host::abilities().keys().map(String::as_str).collect();
            Some(Err(format!("requires {ability:?}, which is no ability; there are {}", names.join(", "))))
        }
    }
}

/// Why a node cannot have a Pod: it asks for huge pages of a size that is not there. Where the host can limit none nothing is
/// said: the limit cannot be seen then.
pub(super) fn why_no_huge_pages(pod: &Pod, node: &Node) -> Option<String> {
    let asked = |size: &HugePageSize| pod.spec.all().any(|c| c.resources.huge_pages.get(size).is_some_and(|b| *b > 0));
    let sizes: BTreeSet<HugePageSize> = pod.spec.all().flat_map(|c| c.resources.huge_pages.keys().copied()).collect();
    let has = &node.huge_page_sizes;
    let lacking = sizes.into_iter().find(|size| !has.contains(size) && asked(size))?;
    if has.is_empty() {
        return host::can("huge-page-limits")
            .then(|| "asks for huge pages, and hugetlb is not handed down to the cgroup root".to_owned());
    }
    let has: Vec<String> = has.iter().map(HugePageSize::to_string).collect();
    Some(format!("asks for huge pages of {lacking}, and this host has them of {}", has.join(", ")))
}

/// Waits for this trial's turn: beside others, or alone where a case looks at host-wide state. Held across processes.
pub(super) fn turn(run: &Run, alone: bool) -> io::Result<Flock<File>> {
    lock(run, "turn", if alone { FlockArg::LockExclusive } else { FlockArg::LockShared })
}

/// The same on daemons that are restarted: one trial at a time.
pub(super) fn turn_apart(run: &Run) -> io::Result<Flock<File>> {
    lock(run, "turn-apart", FlockArg::LockExclusive)
}

fn lock(run: &Run, name: &str, how: FlockArg) -> io::Result<Flock<File>> {
    let file = File::create(run.dir().join(name))?;
    Flock::lock(file, how).map_err(|(_, errno)| errno.into())
}

/// What known differences of a record may depend on.
pub(super) fn context(record: &Record) -> Context {
    let name: Option<RuntimeName> = record.runtime.parse().ok();
    let abilities = host::abilities().iter().filter(|(_, a)| a.present).map(|(name, _)| name.clone()).collect();
    Context {
        runtime: name.as_ref().map_or_else(String::new, |n| n.kind.as_str().to_owned()),
        oci: name.and_then(|n| n.oci),
        versions: record.versions.clone(),
        settings: record.settings.clone(),
        cgroup: cgroup().to_owned(),
        driver: record.cgroup_driver.clone(),
        kernel: kernel(),
        abilities,
        networks: networks(&record.facts),
    }
}

/// Whose network each Pod of a document has.
fn networks(facts: &serde_json::Value) -> BTreeMap<String, String> {
    let of = |(pod, prefix): (&str, &str)| {
        let network = facts.get(pod)?.get("network").filter(|network| !network.is_null())?;
        Some((prefix.to_owned(), if network == "host" { "host" } else { "own" }.to_owned()))
    };
    [("pod", ""), ("beside", "beside/")].into_iter().filter_map(of).collect()
}

/// Why a case's record may have `seen` as the fact `at` of `member`: the reason and source of a known difference, the case's
/// own or one of the runtime as such, that says so.
pub fn declared(settings: &Settings, case: &Case, record: &Record, member: &str, at: &str, seen: &str) -> Option<Why> {
    let context = context(record);
    // The Pod beside is a Pod like the first.
    let of_beside = member.is_empty().then(|| at.strip_prefix("beside.")).flatten().map(|rest| format!("pod.{rest}"));
    let at = of_beside.as_deref().unwrap_or(at);
    let mut lists = [&case.known, &settings.known].into_iter();
    lists.find_map(|known| judge::declared(known, &context, member, at, seen)).map(|known| Why {
        reason: format!("{} ({})", known.because, known.source),
        file: known.file.display().to_string(),
        line: known.line,
    })
}
