//! What Kubernetes' readers of YAML and JSON take and the parser does not: it is rewritten on its way to the parser. Places are
//! those of the file all the same.
//!
//! Kubernetes reads YAML with a Go port of libyaml, which asks for no indentation within brackets and quotes, takes tabs
//! after a key, and has `\'` as an escape. A file that is JSON is read as JSON: characters beyond U+FFFF are two escapes, and
//! documents follow each other without a mark.

use super::node::Mark;
use saphyr_parser::{Parser, ScanError};
use std::collections::BTreeMap;

/// Bytes that one file is parsed of at most, however often it is rewritten.
const MOST_BYTES: usize = 32 << 20;

/// Changes of a line, made at once.
struct Rewrite {
    line: usize,
    /// In order.
    shifts: Vec<Shift>,
}

/// What stands from a column on was at another.
struct Shift {
    column: usize,
    was: usize,
    /// Characters by which the line is longer there, all changes before counted.
    by: isize,
}

/// A change: so many characters from a column on, and what takes their place.
struct Edit {
    column: usize,
    count: usize,
    with: String,
}

/// A text on its way to the parser.
pub(super) struct Source {
    /// Each with its end.
    lines: Vec<String>,
    rewrites: Vec<Rewrite>,
    /// Lines that were indented.
    indented: Vec<usize>,
    /// Bytes that may still be parsed.
    left: usize,
}

impl Source {
    pub(super) fn new(text: &str) -> Source {
        let lines = text.split_inclusive('\n').map(str::to_owned).collect();
        let mut source = Source { lines, rewrites: Vec::new(), indented: Vec::new(), left: MOST_BYTES };
        if text.trim_start().starts_with('{') {
            source.read_json(text);
        }
        source
    }

    /// As the parser gets it.
    pub(super) fn text(&self) -> String {
        self.lines.concat()
    }

    /// Where a place of the parser's is in the file.
    pub(super) fn place(&self, mark: Mark) -> Mark {
        let mut column = mark.column.saturating_sub(1);
        for rewrite in self.rewrites.iter().rev().filter(|rewrite| rewrite.line + 1 == mark.line) {
            let before = rewrite.shifts.partition_point(|shift| shift.column <= column);
            if let Some(shift) = before.checked_sub(1).and_then(|last| rewrite.shifts.get(last)) {
                column = column.saturating_add_signed(-shift.by).max(shift.was);
            }
        }
        Mark { column: column + 1, ..mark }
    }

    /// Rewrites what the parser complains of, if Kubernetes takes it; false if not.
    pub(super) fn mend(&mut self, error: &ScanError) -> bool {
        let size = self.lines.iter().map(String::len).sum::<usize>();
        if self.left < size {
            return false;
        }
        self.left -= size;
        let (line, column) = (error.marker().line().saturating_sub(1), error.marker().col());
        match error.info() {
            "while parsing a quoted scalar, found unknown escape character" => self.plain_quotes(line, column),
            "':' must be followed by a valid YAML whitespace" => self.spaces_for_tabs(line, column),
            "invalid indentation" | "invalid indentation in flow construct" => self.indent(line),
            "invalid indentation in quoted scalar" => self.indent_scalar(line, column),
            info if info.starts_with("tabs disallowed") && self.is_within(line) => {
                let end = self.lines.get(line).map_or(0, |text| text.len() - text.trim_start().len());
                self.spaces_for_tabs(line, end) && self.indent(line)
            }
            _ => false,
        }
    }

    /// `\'` becomes `'` in the double-quoted scalar that begins there.
    fn plain_quotes(&mut self, line: usize, column: usize) -> bool {
        let mut places: BTreeMap<usize, Vec<Edit>> = BTreeMap::new();
        for (line, column, ..) in self.scalar(line, column).filter(|(.., escaped, c)| *escaped && *c == '\'') {
            let edit = Edit { column: column - 1, count: 1, with: String::new() };
            places.entry(line).or_default().push(edit);
        }
        let found = !places.is_empty();
        places.into_iter().for_each(|(line, edits)| self.rewrite(line, &edits));
        found
    }

    /// The characters of the quoted scalar that begins there, quotes included, each with line and column, and whether a
    /// backslash is before it.
    fn scalar(&self, line: usize, column: usize) -> impl Iterator<Item = (usize, usize, bool, char)> {
        let from = move |n: usize| if n == line { column } else { 0 };
        let lines = self.lines.iter().enumerate().skip(line);
        let all =
            lines.flat_map(move |(n, text)| text.chars().enumerate().skip(from(n)).map(move |(at, c)| (n, at, c)));
        let (mut quote, mut escaped, mut ended) = (None, false, false);
        all.map_while(move |(n, at, c)| {
            let before = std::mem::replace(&mut escaped, false);
            match quote {
                None => quote = Some(c),
                // Two single quotes stand for one.
                Some(_) if ended && !(quote == Some('\'') && c == '\'') => return None,
                Some(_) if ended => ended = false,
                Some(end) if c == end && !before => ended = true,
                Some('"') => escaped = c == '\\' && !before,
                Some(_) => {}
            }
            Some((n, at, before, c))
        })
    }

    fn spaces_for_tabs(&mut self, line: usize, before: usize) -> bool {
        let Some(text) = self.lines.get_mut(line) else { return false };
        let mut characters: Vec<char> = text.chars().collect();
        let blanks = characters.iter_mut().take(before).rev().take_while(|c| matches!(**c, ' ' | '\t'));
        let mut found = false;
        for c in blanks.filter(|c| **c == '\t') {
            *c = ' ';
            found = true;
        }
        *text = characters.into_iter().collect();
        found
    }

    /// Puts a line behind the keys of all lines before it.
    fn indent(&mut self, line: usize) -> bool {
        if line >= self.lines.len() || self.indented.contains(&line) {
            return false;
        }
        let indentation = |text: &String| text.chars().take_while(|c| matches!(c, ' ' | '-' | '?' | ':')).count();
        let depth = self.lines[..line].iter().map(indentation).max().unwrap_or(0) + 1;
        self.indented.push(line);
        self.begin_with(line, &" ".repeat(depth));
        true
    }

    fn indent_scalar(&mut self, line: usize, column: usize) -> bool {
        let last = self.scalar(line, column).last().map_or(line, |(line, ..)| line);
        let is_blank = |n: &usize| self.lines.get(*n).is_none_or(|text| text.trim().is_empty());
        let lines: Vec<usize> = (line + 1..=last).filter(|n| !is_blank(n)).collect();
        let mut mended = false;
        for line in lines {
            mended |= self.indent(line);
        }
        mended
    }

    /// Whether brackets or quotes are open before a line: then what is before it is no whole YAML.
    fn is_within(&self, line: usize) -> bool {
        let before = self.lines.get(..line).unwrap_or_default().concat();
        let mut parser = Parser::new_from_str(&before);
        std::iter::from_fn(|| parser.next_event()).any(|event| event.is_err())
    }

    /// Makes changes of a line, which are in order and do not overlap.
    fn rewrite(&mut self, line: usize, edits: &[Edit]) {
        let Some(text) = self.lines.get_mut(line).filter(|_| !edits.is_empty()) else { return };
        let characters: Vec<char> = text.chars().collect();
        let (mut new, mut done, mut by) = (String::new(), 0, 0_isize);
        let mut shifts = Vec::new();
        for edit in edits {
            new.extend(&characters[done..edit.column]);
            new.push_str(&edit.with);
            done = (edit.column + edit.count).min(characters.len());
            let column = edit.column.saturating_add_signed(by);
            by += edit.with.chars().count().cast_signed() - edit.count.cast_signed();
            shifts.push(Shift { column, was: edit.column, by });
        }
        new.extend(&characters[done..]);
        *text = new;
        self.rewrites.push(Rewrite { line, shifts });
    }

    /// Puts something before a line.
    fn begin_with(&mut self, line: usize, with: &str) {
        self.rewrite(line, &[Edit { column: 0, count: 0, with: with.to_owned() }]);
    }

    /// Rewrites what only JSON has. A text that is none is left to be read as YAML, as Kubernetes does.
    fn read_json(&mut self, text: &str) {
        let mut documents = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
        let mut ends = Vec::new();
        while let Some(document) = documents.next() {
            if document.is_err() {
                return;
            }
            ends.push(documents.byte_offset());
        }
        for line in 0..self.lines.len() {
            self.characters_for_surrogates(line);
        }
        ends.pop();
        for end in ends {
            let blank = text[end..].len() - text[end..].trim_start().len();
            // Two on one line would need a mark of their own.
            if text[end..end + blank].contains('\n') {
                let line = text[..end + blank].matches('\n').count();
                self.begin_with(line, "--- ");
            }
        }
    }

    /// Two escapes that are one character become it; half of such a pair becomes the character for what is none.
    fn characters_for_surrogates(&mut self, line: usize) {
        let escape = |characters: &[char], at: usize| {
            let digits: String = characters.get(at + 2..at + 6)?.iter().collect();
            let is_one = characters[at] == '\\' && characters[at + 1] == 'u';
            u16::from_str_radix(&digits, 16).ok().filter(|_| is_one)
        };
        let characters: Vec<char> = self.lines[line].chars().collect();
        let mut found = Vec::new();
        let mut at = 0;
        while at < characters.len() {
            if characters[at] != '\\' {
                at += 1;
                continue;
            }
            let length = match (escape(&characters, at), escape(&characters, at + 6)) {
                (Some(first @ 0xd800..=0xdfff), second) => {
                    let pair = [Some(first), second].into_iter().flatten();
                    let decoded = char::decode_utf16(pair).next().and_then(Result::ok);
                    let length = if decoded.is_some() { 12 } else { 6 };
                    let with = decoded.unwrap_or(char::REPLACEMENT_CHARACTER).to_string();
                    found.push(Edit { column: at, count: length, with });
                    length
                }
                _ => 2,
            };
            at += length;
        }
        self.rewrite(line, &found);
    }
}
