//! What is wrong with a file, where, and what to do: one form for manifests, cases and known differences.

pub mod yaml;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::fmt;
use std::path::PathBuf;

/// A place in a file. Lines and columns count from 1, as editors do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file as the user named it.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One fault in an input file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where.
    pub at: Location,
    /// Dotted path of the field (`spec.containers[1].image`), empty for the whole document.
    pub field: String,
    /// What is wrong, a lowercase clause.
    pub message: String,
    /// What was expected and what to do, a lowercase clause; empty if the message says it all.
    pub help: String,
    /// The source line, for the frame around the place.
    pub source_line: String,
    /// How many characters are meant, from the place on; at least 1.
    pub width: usize,
}

/// Columns of a source line that a frame shows at most: a line of a megabyte helps nobody.
const SHOWN_COLUMNS: usize = 160;

impl Diagnostic {
    /// A fault of a file as a whole, which has no line to show: it is not there, or cannot be read.
    pub fn of_file(file: impl Into<PathBuf>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Diagnostic {
            at: Location { file: file.into(), line: 1, column: 1 },
            field: String::new(),
            message: message.into(),
            help: help.into(),
            source_line: String::new(),
            width: 1,
        }
    }

    /// The fault with its source line framed as compilers do, without a newline at the end; `coloured` for a terminal.
    pub fn render(&self, coloured: bool) -> String {
        let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
        let (line, span) = self.shown();
        let path = self.at.file.display().to_string();
        let title = Level::ERROR.primary_title(printable(&self.message));
        let mut group: Group<'_> = if line.trim().is_empty() {
            // Nothing to frame: the file as a whole is meant.
            title.element(Origin::path(path))
        } else {
            let mut annotation = AnnotationKind::Primary.span(span);
            if !self.field.is_empty() {
                annotation = annotation.label(printable(&self.field));
            }
            title.element(Snippet::source(line).line_start(self.at.line).path(path).annotation(annotation))
        };
        if !self.help.is_empty() {
            group = group.element(Level::HELP.message(printable(&self.help)));
        }
        renderer.render(&[group])
    }

    /// The part of the source line that is shown and the bytes of it that are meant.
    fn shown(&self) -> (String, std::ops::Range<usize>) {
        let column = self.at.column.saturating_sub(1);
        let skipped = if column + self.width > SHOWN_COLUMNS { column.saturating_sub(20) } else { 0 };
        let characters: Vec<char> = self
            .source_line
            .chars()
            .skip(skipped)
            .take(SHOWN_COLUMNS)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let start = (column - skipped).min(characters.len());
        let end = (start + self.width.max(1)).min(characters.len());
        let bytes = |upto: usize| characters[..upto].iter().map(|c| c.len_utf8()).sum::<usize>();
        (characters.iter().collect(), bytes(start)..bytes(end))
    }
}

/// Text of a file on its way to a terminal: without control characters, and not endlessly long.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).take(2000).collect()
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Location { file, line, column } = &self.at;
        write!(f, "{}:{line}:{column}: ", file.display())?;
        if !self.field.is_empty() {
            write!(f, "{}: ", printable(&self.field))?;
        }
        write!(f, "{}", printable(&self.message))?;
        if !self.help.is_empty() {
            write!(f, " ({})", printable(&self.help))?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// The known name that `found` is most likely meant to be, if any is near.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = found.to_lowercase();
    // Everything is near to a word of two letters.
    if lower.chars().count() < 3 {
        return None;
    }
    let limit = 1 + found.chars().count() / 4;
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= limit && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(source_line: &str, column: usize, width: usize) -> Diagnostic {
        Diagnostic {
            at: Location { file: "a.yaml".into(), line: 3, column },
            field: "spec.imag".to_owned(),
            message: "no such field".to_owned(),
            help: "did you mean image?".to_owned(),
            source_line: source_line.to_owned(),
            width,
        }
    }

    #[test]
    fn a_fault_is_framed() {
        let shown = fault("  imag: x", 3, 4).render(false);
        assert_eq!(
            shown,
            "error: no such field\n --> a.yaml:3:3\n  |\n3 |   imag: x\n  |   ^^^^ spec.imag\n  |\n  = help: did you mean image?"
        );
        assert!(fault("  imag: x", 3, 4).render(true).contains("\u{1b}["));
    }

    #[test]
    fn a_file_as_a_whole_has_no_frame() {
        let fault = Diagnostic::of_file("x.yaml", "there is no such file or folder", "name a case");
        assert_eq!(fault.render(false), "error: there is no such file or folder\n--> x.yaml\n = help: name a case");
        assert_eq!(fault.to_string(), "x.yaml:1:1: there is no such file or folder (name a case)");
    }

    #[test]
    fn places_outside_of_the_line_are_no_panic() {
        for (line, column, width) in
            [("", 1, 1), ("é", 2, 9), ("x", 70, 1), ("\t\u{0}", 0, 0), (&"ü".repeat(9999), 9000, 30)]
        {
            fault(line, column, width).render(false);
        }
    }

    #[test]
    fn near_names() {
        assert_eq!(nearest("hostnetwork", ["hostNetwork", "hostPID"]), Some("hostNetwork"));
        assert_eq!(nearest("imag", ["image", "env"]), Some("image"));
        assert_eq!(nearest("colour", ["image", "env"]), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("v3", ["v1", "v2"]), None);
    }
}
