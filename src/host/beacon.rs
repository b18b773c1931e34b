//! Signs that a run is held, for a podcheck that does not see the run's directory: one that has another /run.
//!
//! The locks are for whoever shares the run's cgroups, the name is for whoever shares its network.

use super::cgroup::Hierarchies;
use super::run::DAEMONS;
use super::{HostError, lock, places, poll_until, scaled};
use nix::fcntl::{Flock, FlockArg};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What the name of a run in its network namespace begins with: an abstract Unix socket's.
const NAME: &str = "podcheck/";
/// A sweep holds the locks of a dead run for as long as it takes that run's cgroups away.
const LIT_WITHIN: Duration = Duration::from_secs(30);

/// The signs of a run. They go with whoever has lit them.
#[derive(Debug)]
pub(super) struct Beacon {
    _locks: CgroupLocks,
    _name: UnixDatagram,
}

impl Beacon {
    /// Lights the signs of a run whose cgroups are there.
    pub(super) fn light(id: &str) -> Result<Beacon, HostError> {
        let locks = lock_cgroups(Hierarchies::detect()?, &places::cgroup_top(&places::run_dir(id))?, id)?;
        let name = SocketAddr::from_abstract_name(format!("{NAME}{id}"))
            .and_then(|name| UnixDatagram::bind_addr(&name))
            .map_err(|e| HostError::os(format!("take the name {NAME}{id} in the network namespace"), e))?;
        Ok(Beacon { _locks: locks, _name: name })
    }
}

/// Shared locks on the cgroups of a run's daemons, in every hierarchy. A podcheck may see another first than the run does.
#[derive(Debug)]
pub(super) struct CgroupLocks(#[expect(dead_code, reason = "held, not read")] Vec<Flock<File>>);

/// Makes the cgroups of a new run's daemons, with the locks on them. A podcheck with another /run may take them for nobody's
/// before they are locked, and remove them.
pub(super) fn make_and_lock_cgroups(hierarchies: &Hierarchies, top: &str, id: &str) -> Result<CgroupLocks, HostError> {
    let path = places::cgroup(top, id, DAEMONS);
    let mut attempts = 0..3;
    loop {
        attempts.next();
        hierarchies.create(&path)?;
        match lock_cgroups(hierarchies, top, id) {
            Err(_) if !attempts.is_empty() => {}
            other => return other,
        }
    }
}

/// Takes the locks. The cgroups must be there.
fn lock_cgroups(hierarchies: &Hierarchies, top: &str, id: &str) -> Result<CgroupLocks, HostError> {
    let deadline = Instant::now() + scaled(LIT_WITHIN);
    let locks = cgroups(hierarchies, top, id).map(|dir| lock_shared(&dir, deadline));
    locks.collect::<Result<_, _>>().map(CgroupLocks)
}

fn lock_shared(dir: &Path, deadline: Instant) -> Result<Flock<File>, HostError> {
    let failed = |e: std::io::Error| HostError::os(format!("lock {}", dir.display()), e);
    let attempt = || match File::open(dir).map(|file| Flock::lock(file, FlockArg::LockSharedNonblock)) {
        Ok(Ok(lock)) => Some(Ok(lock)),
        // A sweep has just asked whether the run is held.
        Ok(Err((_, nix::Error::EWOULDBLOCK | nix::Error::EINTR))) => None,
        Ok(Err((_, errno))) => Some(Err(failed(errno.into()))),
        Err(error) => Some(Err(failed(error))),
    };
    let lock = poll_until(deadline, attempt);
    let lock = lock.unwrap_or_else(|| Err(failed(ErrorKind::TimedOut.into())))?;
    // A sweep may have removed it between the two calls: a lock on that is worth nothing.
    let (ours, there) = (lock.metadata().map_err(failed)?, std::fs::symlink_metadata(dir).map_err(failed)?);
    if (ours.dev(), ours.ino()) == (there.dev(), there.ino()) {
        Ok(lock)
    } else {
        Err(failed(ErrorKind::NotFound.into()))
    }
}

/// The locks of a run that nobody holds, taken so that nobody lights them meanwhile; `None` if somebody holds the run, or that
/// cannot be known.
pub(super) fn claim(hierarchies: &Hierarchies, top: &str, id: &str) -> Option<Vec<Flock<File>>> {
    let mut claimed = Vec::new();
    for dir in cgroups(hierarchies, top, id) {
        match File::open(&dir) {
            Ok(file) => claimed.push(lock::attempt(file).ok()??),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(_) => return None,
        }
    }
    Some(claimed)
}

fn cgroups(hierarchies: &Hierarchies, top: &str, id: &str) -> impl Iterator<Item = PathBuf> {
    let path = places::cgroup(top, id, DAEMONS);
    hierarchies.list().iter().map(move |hierarchy| hierarchy.dir(&path))
}

/// The runs that are held in our network namespace.
///
/// # Errors
/// The kernel's.
pub(super) fn in_our_network() -> std::io::Result<BTreeSet<String>> {
    // Names of others may have any byte in them; procfs refuses the whole table for a line break in one.
    let table = std::fs::read("/proc/self/net/unix")?;
    Ok(runs_in(&String::from_utf8_lossy(&table)))
}

/// The runs in a text of `/proc/net/unix`, where a `@` stands before an abstract name.
fn runs_in(table: &str) -> BTreeSet<String> {
    let names = table.lines().filter_map(|line| line.rsplit(' ').next()?.strip_prefix('@')?.strip_prefix(NAME));
    names.filter(|name| places::is_id(name)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_known_by_its_name_in_the_network() {
        let table = "Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00000000 0002 01 12345 @podcheck/abcd1234
0000000000000000: 00000002 00000000 00010000 0001 01 12346 /run/podcheck/zzzz9999/x.sock
0000000000000000: 00000003 00000000 00000000 0001 03 12347
0000000000000000: 00000002 00000000 00000000 0002 01 12348 @podcheck/other
odd
";
        assert_eq!(runs_in(table), BTreeSet::from(["abcd1234".to_owned()]));
        let id = places::random_id();
        let name = SocketAddr::from_abstract_name(format!("{NAME}{id}")).expect("a name");
        let held = UnixDatagram::bind_addr(&name).expect("nobody has it");
        assert!(in_our_network().expect("is readable").contains(&id));
        drop(held);
        assert!(!in_our_network().expect("is readable").contains(&id));
    }

    #[test]
    fn what_cannot_be_asked_is_held() {
        let hierarchies = Hierarchies::detect().expect("there are cgroups");
        assert!(claim(hierarchies, "/no-such-top", "abcd1234").is_some_and(|locks| locks.is_empty()));
        // A file stands where a directory is looked for, which is not absence.
        assert!(claim(hierarchies, "/cgroup.procs", "abcd1234").is_none());
    }
}
