//! From text to trees: the events of the YAML parser, stacked.

use super::lenient::Source;
use super::node::{Entry, Kind, Mark, Node};
use super::{Faults, scalar, text};
use crate::diagnostic::Diagnostic;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use std::collections::{HashMap, HashSet};

/// Deeper than any Pod; keeps every recursion over a tree short.
const MAX_DEPTH: usize = 64;
/// Aliases counted as often as they are used, so that a few lines cannot grow into gigabytes.
const MAX_NODES: usize = 600_000;

type Fault = Box<Diagnostic>;

/// The documents of a text, empty ones as null.
///
/// # Errors
/// The first thing that is no YAML, or that podcheck does not take of it; boxed for being large.
pub fn documents(source: &str, faults: &Faults) -> Result<Vec<Node>, Fault> {
    if source.len() > text::MAX_BYTES {
        return Err(Box::new(text::too_large(faults.file())));
    }
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    if let Some(fault) = control_character(source, faults) {
        return Err(fault);
    }
    let mut lenient = Source::new(source);
    loop {
        match build(&lenient, faults)? {
            Ok(documents) => return Ok(documents),
            Err(error) if lenient.mend(&error) => {}
            Err(error) => return Err(syntax_error(&error, source, &lenient, faults)),
        }
    }
}

/// The documents, or what the parser says of them.
fn build(source: &Source, faults: &Faults) -> Result<Result<Vec<Node>, ScanError>, Fault> {
    let text = source.text();
    let mut builder =
        Builder { faults, source, stack: Vec::new(), done: Vec::new(), anchors: HashMap::new(), nodes: 0 };
    let mut parser = Parser::new_from_str(&text);
    while let Some(next) = parser.next_event() {
        match next {
            Ok((event, span)) => builder.event(event, span)?,
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(builder.done))
}

fn syntax_error(error: &ScanError, source: &str, lenient: &Source, faults: &Faults) -> Fault {
    let marker = error.marker();
    let mut at = lenient.place(Mark { line: marker.line().max(1), column: marker.col() + 1, width: 1 });
    let mut help = "";
    if error.info().contains("tab") {
        help = "indent with spaces; YAML allows no tabs there";
        // The parser may only have noticed that the line before did not go on.
        let indentation = |line: &str| line.chars().take_while(|c| c.is_whitespace()).position(|c| c == '\t');
        let found =
            source.lines().enumerate().skip(at.line - 1).take(3).find_map(|(n, line)| Some((n, indentation(line)?)));
        if let Some((number, column)) = found {
            at = Mark { line: number + 1, column: column + 1, width: 1 };
        }
    }
    let last = source.lines().count().max(1);
    if at.line > last {
        let column = source.lines().last().map_or(0, |line| line.chars().count()) + 1;
        at = Mark { line: last, column, width: 1 };
    }
    faults.make(at, "", format!("not valid YAML: {}", error.info()), help)
}

/// The first character that no YAML file may have.
fn control_character(source: &str, faults: &Faults) -> Option<Fault> {
    for (number, line) in source.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Some((column, found)) =
            line.chars().enumerate().find(|(_, c)| c.is_control() && *c != '\t' && *c != '\u{85}')
        {
            let at = Mark { line: number + 1, column: column + 1, width: 1 };
            let message = format!("a control character, U+{:04X}, in the text", u32::from(found));
            return Some(faults.make(at, "", message, "a case or a Pod manifest is a text file in YAML"));
        }
    }
    None
}

/// A list or map that is being filled.
struct Frame {
    at: Mark,
    anchor: usize,
    body: Body,
}

enum Body {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, seen: HashSet<String>, key: Option<(String, Mark, bool)>, merged: Vec<Entry> },
}

struct Builder<'a> {
    faults: &'a Faults,
    source: &'a Source,
    stack: Vec<Frame>,
    done: Vec<Node>,
    /// Each with its number of nodes.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

impl Builder<'_> {
    fn fault(&self, at: Mark, message: impl Into<String>, help: &str) -> Fault {
        self.faults.make(at, "", message, help)
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let at = self.source.place(mark(span));
        match event {
            Event::Alias(id) => {
                let Some((node, size)) = self.anchors.get(&id).cloned() else {
                    return Err(self.fault(at, "this alias stands inside of what it refers to", ""));
                };
                self.count(at, size)?;
                self.push(Node { at, ..node }, true)
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(at, 1)?;
                let kind = scalar::resolve(&text, style, tag.as_deref())
                    .map_err(|message| self.fault(at, message, "write the value itself"))?;
                let node = Node { at, kind, written: text.into_owned(), quoted: style != ScalarStyle::Plain };
                if anchor > 0 {
                    self.anchors.insert(anchor, (node.clone(), 1));
                }
                self.push(node, style == ScalarStyle::Plain)
            }
            Event::SequenceStart(anchor, tag) => self.open(at, anchor, tag.as_deref(), "seq", Body::List(Vec::new())),
            Event::MappingStart(anchor, tag) => {
                let body = Body::Map { entries: Vec::new(), seen: HashSet::new(), key: None, merged: Vec::new() };
                self.open(at, anchor, tag.as_deref(), "map", body)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            _ => Ok(()),
        }
    }

    fn count(&mut self, at: Mark, nodes: usize) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            let message = format!("the file has more than {MAX_NODES} values, aliases counted each time");
            return Err(self.fault(at, message, "a manifest is far smaller; split a list of very many Pods"));
        }
        Ok(())
    }

    fn open(&mut self, at: Mark, anchor: usize, tag: Option<&Tag>, own: &str, body: Body) -> Result<(), Fault> {
        if let Some(tag) = tag.filter(|tag| !(tag.is_yaml_core_schema() && tag.suffix == own)) {
            return Err(self.fault(at, format!("the tag {tag} is not supported"), "write the value itself"));
        }
        if self.stack.len() >= MAX_DEPTH {
            return Err(self.fault(
                at,
                format!("nested more than {MAX_DEPTH} deep"),
                "a case or a Pod manifest is far flatter",
            ));
        }
        self.count(at, 1)?;
        self.stack.push(Frame { at, anchor, body });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        let kind = match frame.body {
            Body::List(items) => Kind::List(items),
            Body::Map { mut entries, mut seen, merged, .. } => {
                entries.extend(merged.into_iter().filter(|entry| seen.insert(entry.key.clone())));
                Kind::Map(entries)
            }
        };
        let node = Node { at: frame.at, kind, written: String::new(), quoted: false };
        if frame.anchor > 0 {
            let size = size(&node);
            self.anchors.insert(frame.anchor, (node.clone(), size));
        }
        self.push(node, false)
    }

    fn push(&mut self, node: Node, plain: bool) -> Result<(), Fault> {
        let at = node.at;
        let Some(frame) = self.stack.last_mut() else {
            self.done.push(node);
            return Ok(());
        };
        match &mut frame.body {
            Body::List(items) => items.push(node),
            Body::Map { entries, seen, key, merged } => match key.take() {
                None if matches!(node.kind, Kind::List(_) | Kind::Map(_)) => {
                    return Err(self.fault(
                        at,
                        format!("a key is text, and this is {}", node.described()),
                        "quote it, or check the indentation",
                    ));
                }
                None => {
                    let name = node.written;
                    if seen.contains(&name) {
                        let help = "each key stands once in a map; remove one of the two";
                        return Err(self.fault(at, format!("the key {name:?} stands here for the second time"), help));
                    }
                    let merge = plain && name == "<<";
                    seen.insert(name.clone());
                    *key = Some((name, at, merge));
                }
                Some((_, at, true)) => match merge_into(merged, node) {
                    true => {}
                    false => {
                        return Err(self.fault(at, "`<<` takes a map or a list of maps", "as in `<<: *common`"));
                    }
                },
                Some((key, key_at, false)) => entries.push(Entry { key, at: key_at, value: node }),
            },
        }
        Ok(())
    }
}

/// Takes over the entries of a merge key's value; false if it is neither a map nor a list of maps.
fn merge_into(merged: &mut Vec<Entry>, node: Node) -> bool {
    match node.kind {
        Kind::Map(entries) => merged.extend(entries),
        Kind::List(items) => {
            return items.into_iter().all(|item| matches!(item.kind, Kind::Map(_)) && merge_into(merged, item));
        }
        _ => return false,
    }
    true
}

fn size(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::List(items) => items.iter().map(size).sum(),
        Kind::Map(entries) => entries.iter().map(|entry| 1 + size(&entry.value)).sum(),
        _ => 0,
    }
}

fn mark(span: Span) -> Mark {
    let width = if span.start.line() == span.end.line() { span.end.col().saturating_sub(span.start.col()) } else { 1 };
    Mark { line: span.start.line().max(1), column: span.start.col() + 1, width: width.max(1) }
}
