//! YAML with places: every key and value knows its line and column, so that any fault can be shown where it stands.
//!
//! Text becomes a tree of [`Node`]s, which is read through [`Cursor`]s; faults are collected, not thrown, so that a file's
//! faults are all named at once. What a plain scalar means is serde_yaml's to say. A duplicate key is a fault.

mod cursor;
mod lenient;
mod node;
mod scalar;
#[cfg(test)]
mod tests;
mod text;
mod tree;

pub use cursor::{Cursor, Faults};
pub use node::{Entry, Kind, Mark, Node};
pub use text::{read, read_from};
pub use tree::documents;

use super::Diagnostic;
use std::path::Path;

/// The only document of a text, with the collector of its faults.
///
/// # Errors
/// Empty, not YAML, or more than one document; `what` (`one Pod`) says what a file holds.
pub fn only_document(text: &str, file: &Path, what: &str) -> Result<(Node, Faults), Vec<Diagnostic>> {
    let (all, faults) = stream(text, file, what)?;
    only(all, faults, what)
}

/// The only one of the documents of [`stream`].
///
/// # Errors
/// There are more.
pub fn only(mut all: Vec<Node>, faults: Faults, what: &str) -> Result<(Node, Faults), Vec<Diagnostic>> {
    if let Some(second) = all.get(1) {
        faults.add(
            second.at,
            "",
            "a second YAML document begins here",
            format!("a file holds {what}; put each into a file of its own"),
        );
        return Err(faults.into_vec());
    }
    match all.pop() {
        Some(node) => Ok((node, faults)),
        None => Err(faults.into_vec()),
    }
}

/// All documents of a text, at least one, empty ones left out, with the collector of their faults.
///
/// # Errors
/// Empty or not YAML; `what` (`one Pod`) says what a file holds.
pub fn stream(text: &str, file: &Path, what: &str) -> Result<(Vec<Node>, Faults), Vec<Diagnostic>> {
    let faults = Faults::new(text, file);
    let mut all = match documents(text, &faults) {
        Ok(all) => all,
        Err(fault) => return Err(vec![*fault]),
    };
    all.retain(|node| !matches!(node.kind, Kind::Null));
    if all.is_empty() {
        faults.add(Mark::default(), "", "the file is empty", format!("it should hold {what}"));
        return Err(faults.into_vec());
    }
    Ok((all, faults))
}
