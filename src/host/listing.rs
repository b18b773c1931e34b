//! What is in a directory of the host's.

use super::HostError;
use std::io::ErrorKind;
use std::path::Path;

/// The entries of a directory; none if it is not there. What cannot be listed is not empty.
pub(super) fn names_in(dir: &Path) -> Result<Vec<String>, HostError> {
    let failed = |e: std::io::Error| HostError::os(format!("list {}", dir.display()), e);
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let names = entries.map(|entry| Ok(entry.map_err(failed)?.file_name().into_string().ok()));
    names.filter_map(Result::transpose).collect()
}
