//! Options of the host's cgroup2 mount: `nsdelegate`, `memory_recursiveprot`, … They are the whole hierarchy's, and
//! whoever mounts it anew from the host's cgroup namespace takes away those that it does not name. runc does that for a
//! privileged container of CRI's: <https://github.com/opencontainers/runc/issues/5258>. podcheck gives them back.

use super::Hierarchies;
use crate::host::{HostError, mounts};
use nix::mount::{MsFlags, mount};
use nix::sys::statfs::statfs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// File of a run with the options that were there when it began.
const RECORD: &str = "cgroup2-options";

impl Hierarchies {
    /// Notes the options in a run's directory. Nothing without cgroup2.
    pub(in crate::host) fn record_options(&self, run: &Path) -> Result<(), HostError> {
        let Some((_, options)) = self.options()? else { return Ok(()) };
        let file = run.join(RECORD);
        std::fs::write(&file, options.join(",")).map_err(|e| HostError::os(format!("write {}", file.display()), e))
    }

    /// Gives back those of the noted ones that have been lost. None is ever taken away: another may have set it since.
    pub(in crate::host) fn restore_options(&self, run: &Path) -> Result<(), HostError> {
        // A run that noted none has nothing to be given back.
        let file = run.join(RECORD);
        let noted = match std::fs::read_to_string(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            read => read.map_err(|e| HostError::os(format!("read {}", file.display()), e))?,
        };
        if noted.is_empty() {
            return Ok(());
        }
        let Some((point, present)) = self.options()? else { return Ok(()) };
        let Some(wanted) = with_lost(&noted, &present) else { return Ok(()) };
        let failed = |errno: nix::Error| {
            HostError::os(format!("give {} its options {noted} back", point.display()), std::io::Error::from(errno))
        };
        // Its own restrictions are numbered alike there; not so what else statfs says.
        let own = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        let flags = MsFlags::from_bits_truncate(statfs(&point).map_err(failed)?.flags().bits()) & own;
        let flags = flags | MsFlags::MS_REMOUNT;
        mount(None::<&str>, &point, None::<&str>, flags, Some(wanted.as_str())).map_err(failed)
    }

    /// Where cgroup2 is mounted, and its options but for `rw` and `ro`.
    fn options(&self) -> Result<Option<(PathBuf, Vec<String>)>, HostError> {
        let Some(unified) = self.list().iter().find(|hierarchy| hierarchy.unified) else { return Ok(None) };
        let file = "/proc/self/mountinfo";
        let text = std::fs::read_to_string(file).map_err(|e| HostError::os(format!("read {file}"), e))?;
        let mounted = mounts::parse(&text).into_iter().find(|mount| mount.mount_point == unified.mount_point);
        Ok(mounted.map(|mount| {
            let words = mount.super_options.split(',').filter(|word| !matches!(*word, "rw" | "ro"));
            (mount.mount_point, words.map(str::to_owned).collect())
        }))
    }
}

/// What is there together with what was noted, if that is more.
fn with_lost(noted: &str, present: &[String]) -> Option<String> {
    let lost: Vec<&str> = noted.split(',').filter(|word| !present.iter().any(|there| there == word)).collect();
    if lost.is_empty() {
        return None;
    }
    Some(present.iter().map(String::as_str).chain(lost).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_is_added_to_what_is_there() {
        let present = ["nsdelegate".to_owned(), "favordynmods".to_owned()];
        let wanted = with_lost("nsdelegate,memory_recursiveprot", &present);
        assert_eq!(wanted.as_deref(), Some("nsdelegate,favordynmods,memory_recursiveprot"));
        assert_eq!(with_lost("nsdelegate", &present), None);
        assert_eq!(with_lost("nsdelegate", &[]).as_deref(), Some("nsdelegate"));
    }
}
