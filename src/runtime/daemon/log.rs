//! The end of a daemon's log, for errors.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// How many lines an error shows.
const LINES: usize = 12;
/// How much of the file is read for them.
const BYTES: u64 = 16 * 1024;

/// The last lines of a log with a newline before each; a line of its own if there is nothing to show.
pub(crate) fn last_lines(path: &Path) -> String {
    match read_end(path) {
        Ok(text) if !text.trim().is_empty() => shown(&text),
        Ok(_) => format!("\n  ({} is empty)", path.display()),
        Err(error) => format!("\n  (cannot read {}: {error})", path.display()),
    }
}

fn read_end(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn shown(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(LINES);
    lines[from..].iter().map(|line| format!("\n  {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_shown() {
        let text: String = (0..100).map(|n| format!("line {n}\n\n")).collect();
        let shown = shown(&text);
        assert_eq!(shown.lines().filter(|line| !line.is_empty()).count(), LINES);
        assert!(shown.starts_with("\n  line 88\n") && shown.ends_with("\n  line 99"), "{shown}");
    }

    #[test]
    fn a_log_that_is_not_there_is_said() {
        assert!(last_lines(Path::new("/nowhere/log")).contains("cannot read /nowhere/log"));
    }
}
