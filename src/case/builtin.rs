//! The suite that is built into the binary: the files below `cases/`, as build.rs found them.

use super::load::{KNOWN, NO_CASES, UNCOVERED};
use super::{Case, Known, Uncovered, parse_case, parse_known, parse_uncovered};
use crate::diagnostic::Diagnostic;
use std::path::{Path, PathBuf};

include!(concat!(env!("OUT_DIR"), "/cases.rs"));

/// The embedded files: path below `cases/`, text.
pub fn builtin_files() -> &'static [(&'static str, &'static str)] {
    FILES
}

/// The embedded cases, in the order of their ids.
///
/// # Errors
/// All of their faults.
pub fn builtin() -> Result<Vec<Case>, Vec<Diagnostic>> {
    let mut cases = Vec::new();
    let mut faults = Vec::new();
    for (path, text) in FILES.iter().filter(|(path, _)| !NO_CASES.contains(path)) {
        let id = Path::new(path).with_extension("");
        match parse_case(text, &file(path), &id.to_string_lossy()) {
            Ok(parsed) => cases.extend(parsed),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() { Ok(cases) } else { Err(faults) }
}

/// The embedded known differences.
///
/// # Errors
/// All of their faults.
pub fn builtin_known() -> Result<Vec<Known>, Vec<Diagnostic>> {
    match FILES.iter().find(|(path, _)| *path == KNOWN) {
        Some((path, text)) => parse_known(text, &file(path)),
        None => Ok(Vec::new()),
    }
}

/// Why no embedded case shows a property.
///
/// # Errors
/// All of their faults.
pub fn builtin_uncovered() -> Result<Vec<Uncovered>, Vec<Diagnostic>> {
    match FILES.iter().find(|(path, _)| *path == UNCOVERED) {
        Some((path, text)) => parse_uncovered(text, &file(path)),
        None => Ok(Vec::new()),
    }
}

fn file(path: &str) -> PathBuf {
    Path::new("cases").join(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(dir: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, root, found);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
            }
        }
    }

    #[test]
    fn the_embedded_suite_is_the_one_below_cases() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
        let mut found = Vec::new();
        below(&root, &root, &mut found);
        found.sort_by_key(|path| PathBuf::from(path));
        let embedded: Vec<&str> = FILES.iter().map(|(path, _)| *path).collect();
        assert_eq!(embedded, found);
        for (path, text) in FILES {
            assert_eq!(*text, std::fs::read_to_string(root.join(path)).unwrap(), "{path}");
        }
    }

    /// The tree with places has to mean what serde_yaml, which people's other tools build on, reads.
    #[test]
    fn the_tree_agrees_with_serde_yaml() {
        for (path, text) in FILES {
            let (node, _) = crate::diagnostic::yaml::only_document(text, Path::new(path), "one case").unwrap();
            let value: serde_json::Value = serde_yaml::from_str(text).unwrap();
            assert_eq!(node.to_json(), value, "{path}");
        }
    }

    #[test]
    fn every_embedded_file_is_without_fault() {
        let shown =
            |faults: Vec<Diagnostic>| faults.iter().map(|fault| fault.render(false)).collect::<Vec<_>>().join("\n");
        builtin().map_err(shown).unwrap();
        builtin_known().map_err(shown).unwrap();
        builtin_uncovered().map_err(shown).unwrap();
    }
}
