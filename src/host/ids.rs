//! Ranges of user and group ids for Pods with a user namespace of their own: 65536 ids each, no two Pods the same.
//!
//! A run takes blocks of ranges, one file each, as it takes subnets; a Pod takes a range of its run's.

use super::{HostError, Run, TrialDir, lock, places};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

/// Ids of a range, as a kubelet gives them.
pub const RANGE_LENGTH: u32 = 65536;
/// Directory of a run with a file for each range taken.
const RANGES: &str = "ids";
/// Ranges of a block.
const BLOCK: u32 = 64;
/// The first range. It is far above what people and `/etc/subuid` use, and all of them are below 2^31.
const FIRST: u32 = 16384;
const BLOCKS: u32 = 128;

fn blocks_dir() -> PathBuf {
    Path::new(places::ROOT).join("ids")
}

impl Run {
    /// The first id of the range of a trial's Pod, a multiple of [`RANGE_LENGTH`]; taken at the first call and given back by
    /// [`TrialDir::remove`].
    ///
    /// # Errors
    /// Every range is taken, or the host refused.
    pub fn ids_for(&self, trial: &TrialDir) -> Result<u32, HostError> {
        let mut known = trial.ids().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(base) = *known {
            return Ok(base);
        }
        let failed = |e: std::io::Error| HostError::os("take a range of ids for a Pod", e);
        let dir = self.dir().join(RANGES);
        lock::private_dir(&dir).map_err(failed)?;
        for nth in 0..BLOCKS {
            let block = self.block(&dir, nth)?;
            for range in 0..BLOCK {
                let base = (FIRST + block * BLOCK + range) * RANGE_LENGTH;
                match OpenOptions::new().write(true).create_new(true).open(dir.join(base.to_string())) {
                    Ok(_) => {
                        *known = Some(base);
                        return Ok(base);
                    }
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(failed(error)),
                }
            }
        }
        Err(HostError::new("take a range of ids for a Pod", "every one is taken"))
    }

    /// The run's n-th block, taken at the first call.
    fn block(&self, dir: &Path, nth: u32) -> Result<u32, HostError> {
        let failed = |e: std::io::Error| HostError::os("take a block of ids", e);
        let file = dir.join(format!("block-{nth}"));
        let known = || std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
        if let Some(block) = known() {
            return Ok(block);
        }
        let _root = lock::RootLock::take()?;
        if let Some(block) = known() {
            return Ok(block);
        }
        lock::private_dir(&blocks_dir()).map_err(failed)?;
        for block in 0..BLOCKS {
            let taken = blocks_dir().join(block.to_string());
            match std::fs::read_to_string(&taken) {
                Ok(text) if text.split_whitespace().next().is_some_and(places::may_have_run) => continue,
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
            std::fs::write(&taken, format!("{}\n", self.id())).map_err(failed)?;
            std::fs::write(&file, block.to_string()).map_err(failed)?;
            return Ok(block);
        }
        Err(HostError::new("take a block of ids", "every one is taken by a run that is still there"))
    }
}

/// Gives back the range of a trial, if it has one.
pub(super) fn release_of_trial(trial: &TrialDir) {
    let base = trial.ids().lock().unwrap_or_else(PoisonError::into_inner).take();
    let (Some(base), Some(run)) = (base, trial.dir().ancestors().nth(2)) else { return };
    // If it is not there, nobody has it.
    let _ = std::fs::remove_file(run.join(RANGES).join(base.to_string()));
}

/// Gives back the blocks that a run has taken, and their directory with the last. Under the root's lock.
pub(super) fn release(run: &str) {
    let Ok(entries) = std::fs::read_dir(blocks_dir()) else { return };
    for path in entries.flatten().map(|e| e.path()) {
        let owner = std::fs::read_to_string(&path).unwrap_or_default();
        if owner.split_whitespace().next() == Some(run) {
            // Only its own run removes it.
            let _ = std::fs::remove_file(path);
        }
    }
    // It stays as long as another run has a block.
    let _ = std::fs::remove_dir(blocks_dir());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_is_one_that_a_kubelet_could_give() {
        let last = (FIRST + (BLOCKS - 1) * BLOCK + BLOCK - 1) * RANGE_LENGTH;
        assert!(FIRST * RANGE_LENGTH >= RANGE_LENGTH && last.checked_add(RANGE_LENGTH).is_some());
        assert!(last + RANGE_LENGTH <= 1 << 31);
    }
}
