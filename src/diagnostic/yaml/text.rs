//! From a file to text that is worth parsing.

use crate::diagnostic::{Diagnostic, Location};
use std::io::Read;
use std::path::Path;

/// The largest file that is read: a manifest has a few kilobytes, and a list of a cluster's Pods some of these for each.
pub(super) const MAX_BYTES: usize = 8 << 20;

/// Reads a text file.
///
/// # Errors
/// It cannot be read, is too large, or is no text.
pub fn read(file: &Path) -> Result<String, Vec<Diagnostic>> {
    read_from(std::fs::File::open(file).map_err(|error| cannot_read(file, &error))?, file)
}

fn cannot_read(file: &Path, error: &std::io::Error) -> Vec<Diagnostic> {
    vec![Diagnostic::of_file(file, format!("cannot read the file: {error}"), "")]
}

/// Reads text from what is open, which is called `file`.
///
/// # Errors
/// As those of [`read`].
pub fn read_from(source: impl Read, file: &Path) -> Result<String, Vec<Diagnostic>> {
    let mut bytes = Vec::new();
    source.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| cannot_read(file, &error))?;
    if bytes.len() > MAX_BYTES {
        return Err(vec![too_large(file)]);
    }
    String::from_utf8(bytes).map_err(|error| vec![not_text(file, error.as_bytes(), error.utf8_error().valid_up_to())])
}

/// The fault of a file beyond [`MAX_BYTES`].
pub(super) fn too_large(file: &Path) -> Diagnostic {
    Diagnostic::of_file(
        file,
        "the file is larger than 8 MiB",
        "a manifest has a few kilobytes; split a list of very many Pods",
    )
}

/// The fault of a byte that is not part of UTF-8.
fn not_text(file: &Path, bytes: &[u8], offset: usize) -> Diagnostic {
    let before = String::from_utf8_lossy(bytes.get(..offset).unwrap_or_default()).into_owned();
    let line = 1 + before.matches('\n').count();
    let start = before.rsplit('\n').next().unwrap_or_default().to_owned();
    let byte = bytes.get(offset).copied().unwrap_or_default();
    Diagnostic {
        at: Location { file: file.to_owned(), line, column: 1 + start.chars().count() },
        field: String::new(),
        message: format!("byte 0x{byte:02x} is not UTF-8 text"),
        help: "a case or a Pod manifest is a text file in YAML".to_owned(),
        source_line: start,
        width: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.yaml");
        std::fs::write(&file, bytes).unwrap();
        let text = read(&file).unwrap_err()[0].to_string();
        text.replace(&format!("{}/", dir.path().display()), "")
    }

    #[test]
    fn files_that_are_no_text() {
        assert_eq!(
            fault(b"about: x\nab\xff\xfe"),
            "x.yaml:2:3: byte 0xff is not UTF-8 text (a case or a Pod manifest is a text file in YAML)"
        );
        assert_eq!(
            fault(&vec![b'a'; MAX_BYTES + 1]),
            "x.yaml:1:1: the file is larger than 8 MiB (a manifest has a few kilobytes; split a list of very many Pods)"
        );
        let missing = read(Path::new("/nonexistent/x.yaml")).unwrap_err()[0].to_string();
        assert_eq!(missing, "/nonexistent/x.yaml:1:1: cannot read the file: No such file or directory (os error 2)");
        assert!(read(Path::new("/")).unwrap_err()[0].to_string().contains("cannot read the file: Is a directory"));
    }
}
