//! Probes that do the thing itself, in a thread with a namespace of its own that goes with the thread.

use super::Ability;
use crate::host::link;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use std::path::Path;

/// Mounts an overlay on a tmpfs that no other process sees.
pub(super) fn overlayfs() -> Ability {
    apart(CloneFlags::CLONE_NEWNS, "a mount namespace", || {
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).map_err(|e| format!("mount(2): {e}"))?;
        let at = Path::new("/tmp");
        mount(Some("podcheck"), at, Some("tmpfs"), MsFlags::empty(), none).map_err(|e| format!("tmpfs: {e}"))?;
        for name in ["lower", "upper", "work", "merged"] {
            std::fs::create_dir(at.join(name)).map_err(|e| e.to_string())?;
        }
        let options = "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work";
        mount(Some("podcheck"), &at.join("merged"), Some("overlay"), MsFlags::empty(), Some(options))
            .map_err(|e| format!("mount(2): {e}"))?;
        Ok("mount(2) mounted one")
    })
}

/// Makes an interface of a kind in a network that nothing else is in.
pub(super) fn interface(kind: &'static str) -> Ability {
    apart(CloneFlags::CLONE_NEWNET, "a network namespace", move || {
        link::create(kind, "pchkprobe").map_err(|e| e.to_string())?;
        Ok("rtnetlink(7) made one")
    })
}

fn apart<F>(flags: CloneFlags, what: &str, probe: F) -> Ability
where
    F: FnOnce() -> Result<&'static str, String> + Send + 'static,
{
    let thread = std::thread::Builder::new().spawn(move || unshare(flags).map(|()| probe()));
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(Ok(reason)))) => Ability::new(true, reason),
        Ok(Ok(Ok(Err(reason)))) => Ability::new(false, reason),
        Ok(Ok(Err(errno))) => Ability::new(false, format!("podcheck may not make {what}: {errno}")),
        Ok(Err(_)) => Ability::new(false, "the probe panicked"),
        Err(error) => Ability::new(false, format!("no thread to probe in: {error}")),
    }
}
