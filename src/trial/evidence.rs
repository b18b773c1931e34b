//! What is kept of a failure: the raw kernel text that was read, and the record.

use crate::report::Record;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Writes the evidence below `target/podcheck-evidence` or `podcheck-evidence` of `root` and returns the folder;
/// empty if `root` is `None`.
///
/// # Errors
/// A folder or file that cannot be written.
pub(super) fn keep(root: Option<&Path>, record: &Record, files: &BTreeMap<String, String>) -> io::Result<String> {
    let Some(root) = root else { return Ok(String::new()) };
    let folder = root.join("podcheck-evidence").join(flat(&record.id));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    for (name, text) in files {
        std::fs::write(folder.join(flat(name)), text)?;
    }
    let record = serde_json::to_string_pretty(record).map_err(io::Error::other)?;
    std::fs::write(folder.join("record.json"), record)?;
    Ok(folder.display().to_string())
}

/// A name without separators, for a file.
fn flat(name: &str) -> String {
    name.trim_start_matches('/').replace("::", ".").replace(['/', ' '], ".")
}
