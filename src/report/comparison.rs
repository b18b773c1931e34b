//! Where runtimes differ on the same case.

use super::findings::parent;
use super::table::{columns, cut};
use super::{Record, Style, seen_text, side_text, value_text};
use crate::facts;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Where the runtimes of one case differ. Whether a difference is declared does not depend on their order: every two are
/// compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Runtimes compared; the values of the others are shown against the first.
    pub runtimes: Vec<String>,
    /// What differs.
    pub rows: Vec<Row>,
}

/// One fact that is not the same everywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Members it differs at in the same way; empty for the Pod as a whole.
    pub members: Vec<String>,
    /// Path of the fact below the member.
    pub at: String,
    /// As the runtimes of the comparison have it, in their order; `–` where one has nothing there to compare.
    pub values: Vec<String>,
    /// Why, by the runtime whose known difference it is.
    pub declared: BTreeMap<String, Why>,
    /// Runtimes that differ from another where neither of the two has that declared.
    pub undeclared: Vec<String>,
}

/// Why a difference is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The reason and its source.
    pub reason: String,
    /// The file that declares it.
    pub file: String,
    /// The line there.
    pub line: usize,
}

/// Says why a runtime's record may have that value at that member and path; `None` if nobody declared it.
pub type Declared<'a> = dyn Fn(&Record, &str, &str, &str) -> Option<Why> + 'a;

/// Compares the facts of records of one case. Records without facts are left out.
pub fn compare(records: &[&Record], declared: &Declared<'_>) -> Comparison {
    let records: Vec<&Record> = records.iter().copied().filter(|r| !r.facts.is_null()).collect();
    let found = Found::between(&records);
    let mut rows: Vec<Row> = Vec::new();
    for path in found.pairs.keys() {
        let row = found.row(path, &records, declared);
        match rows.iter_mut().find(|known| same_but_for_members(known, &row)) {
            Some(known) => known.members.extend(row.members),
            None => rows.push(row),
        }
    }
    rows.sort_by_key(|row| (rank(&row.at), row.members == ["sandbox"]));
    Comparison { runtimes: records.iter().map(|r| r.runtime.clone()).collect(), rows }
}

/// A difference between two of the records.
struct Pair {
    left: usize,
    right: usize,
    difference: facts::Difference,
}

impl Pair {
    /// The two sides: whose, what stands there, and what the other one has.
    fn sides(&self) -> [(usize, &Value, &Value); 2] {
        let facts::Difference { left, right, .. } = &self.difference;
        [(self.left, left, right), (self.right, right, left)]
    }
}

/// Every difference between every two records, by its path.
struct Found {
    pairs: BTreeMap<String, Vec<Pair>>,
}

impl Found {
    fn between(records: &[&Record]) -> Found {
        let mut pairs: BTreeMap<String, Vec<Pair>> = BTreeMap::new();
        for (right, record) in records.iter().enumerate() {
            for (left, before) in records[..right].iter().enumerate() {
                let differences = facts::differences(&before.facts, &record.facts).into_iter();
                for difference in differences.filter(|difference| difference.incomparable.is_none()) {
                    pairs.entry(difference.path.clone()).or_default().push(Pair { left, right, difference });
                }
            }
        }
        Found { pairs }
    }

    fn row(&self, path: &str, records: &[&Record], declared: &Declared<'_>) -> Row {
        let (member, at) = split_member(path);
        let mut row = Row {
            members: if member.is_empty() { Vec::new() } else { vec![member.to_owned()] },
            at: at.to_owned(),
            values: (0..records.len()).map(|index| self.value(path, index)).collect(),
            declared: BTreeMap::new(),
            undeclared: Vec::new(),
        };
        let mut open: Vec<&Pair> = Vec::new();
        for pair in &self.pairs[path] {
            let mut is_declared = false;
            for (index, own, other) in pair.sides() {
                if let Some(why) = self.why(path, records[index], own, other, declared) {
                    row.declared.insert(records[index].runtime.clone(), why);
                    is_declared = true;
                }
            }
            if !is_declared {
                open.push(pair);
            }
        }
        // Against the first it is the other one that is named; of two others, both, unless that has named one of them.
        open.sort_by_key(|pair| (pair.left, pair.right));
        let mut named: Vec<usize> = Vec::new();
        for pair in open {
            match pair.left {
                0 => named.push(pair.right),
                left if !named.contains(&left) && !named.contains(&pair.right) => named.extend([left, pair.right]),
                _ => {}
            }
        }
        row.undeclared = named.iter().map(|index| records[*index].runtime.clone()).collect();
        row
    }

    /// Why a record may have `own` where another has `other`. What is declared to be there at all may be as it likes.
    fn why(&self, path: &str, record: &Record, own: &Value, other: &Value, declared: &Declared<'_>) -> Option<Why> {
        let (member, at) = split_member(path);
        let as_seen = declared(record, member, at, &seen_text(other, own));
        let lacks = |path: &&str| {
            let pairs = self.pairs.get(*path).into_iter().flatten();
            pairs.flat_map(Pair::sides).any(|(_, value, _)| value.is_null())
        };
        let mut above = std::iter::successors(Some(path), |path| parent(path)).filter(lacks);
        as_seen.or_else(|| {
            let present = |path: &str| match split_member(path).1 {
                "" => None,
                at => declared(record, member, at, "present"),
            };
            if own.is_null() { None } else { above.find_map(present) }
        })
    }

    /// What a record has at a path, as the table shows it.
    fn value(&self, path: &str, index: usize) -> String {
        let pairs = &self.pairs[path];
        if let Some(pair) = pairs.iter().find(|pair| (pair.left, pair.right) == (0, index)) {
            return list_change(&pair.difference).unwrap_or_else(|| side_text(&pair.difference.right));
        }
        let mut sides = pairs.iter().flat_map(Pair::sides);
        sides.find(|side| side.0 == index).map_or_else(|| "–".to_owned(), |(_, value, _)| side_text(value))
    }
}

/// What a Pod is made of before what belongs to its files and environment.
fn rank(at: &str) -> usize {
    const ORDER: [&str; 9] =
        ["namespaces", "cgroup", "limits", "oom", "credentials", "security", "uts", "shm", "pod.network"];
    ORDER.iter().position(|part| at.starts_with(part)).unwrap_or(ORDER.len())
}

fn same_but_for_members(a: &Row, b: &Row) -> bool {
    !a.members.is_empty()
        && !b.members.is_empty()
        && (&a.at, &a.values, &a.declared, &a.undeclared) == (&b.at, &b.values, &b.declared, &b.undeclared)
}

/// Of two lists what the second adds and lacks: the lists themselves are long and mostly the same.
fn list_change(difference: &facts::Difference) -> Option<String> {
    let (left, right) = (difference.left.as_array()?, difference.right.as_array()?);
    let only = |of: &[Value], than: &[Value], sign: &str| -> Vec<String> {
        of.iter().filter(|item| !than.contains(item)).map(|item| format!("{sign}{}", value_text(item))).collect()
    };
    let mut words = only(right, left, "+");
    words.extend(only(left, right, "−"));
    (!words.is_empty()).then(|| words.join(", "))
}

/// Splits the path of a fact: `members.app.namespaces.uts` is `app` and `namespaces.uts`; the member is empty for the Pod.
pub fn split_member(path: &str) -> (&str, &str) {
    let Some(rest) = path.strip_prefix("members") else { return ("", path) };
    if let Some((member, at)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (member, at.trim_start_matches('.'));
    }
    rest.strip_prefix('.').map_or(("", path), |rest| rest.split_once('.').unwrap_or((rest, "")))
}

impl Comparison {
    /// Whether some difference is not declared.
    pub fn has_undeclared(&self) -> bool {
        self.rows.iter().any(|row| !row.undeclared.is_empty())
    }

    /// The table, and below it the reasons.
    pub fn text(&self, style: Style) -> String {
        if self.runtimes.len() < 2 {
            return String::new();
        }
        if self.rows.is_empty() {
            return format!("  {} show the same facts.\n", self.runtimes.join(", "));
        }
        let mut reasons: Vec<Reason> = Vec::new();
        let mut head = vec!["difference".to_owned(), "at".to_owned()];
        head.extend(self.runtimes.iter().cloned());
        head.push("why".to_owned());
        let mut rows = vec![head];
        for row in &self.rows {
            let mut cells =
                vec![cut(&row.at, 44), if row.members.is_empty() { "Pod".to_owned() } else { row.members.join(" ") }];
            cells.extend(row.values.iter().map(|value| cut(value, 28)));
            cells.push(why_cell(row, &mut reasons, style));
            rows.push(cells);
        }
        let mut text = columns(&rows);
        for (index, reason) in reasons.iter().enumerate() {
            text.push_str(&format!("  [{}] {}, declared in {}\n", index + 1, reason.text, reason.places()));
        }
        text
    }
}

/// A reason below the table, with the lines of each file that declare it.
struct Reason {
    text: String,
    lines: BTreeMap<String, BTreeSet<usize>>,
}

impl Reason {
    /// `cases/known.yaml:5,9`.
    fn places(&self) -> String {
        let numbers = |lines: &BTreeSet<usize>| lines.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        self.lines.iter().map(|(file, lines)| format!("{file}:{}", numbers(lines))).collect::<Vec<_>>().join(" ")
    }
}

fn why_cell(row: &Row, reasons: &mut Vec<Reason>, style: Style) -> String {
    let mut words = Vec::new();
    for why in row.declared.values() {
        let number = reasons.iter().position(|known| known.text == why.reason).unwrap_or_else(|| {
            reasons.push(Reason { text: why.reason.clone(), lines: BTreeMap::new() });
            reasons.len() - 1
        });
        reasons[number].lines.entry(why.file.clone()).or_default().insert(why.line);
        let word = format!("[{}]", number + 1);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if !row.undeclared.is_empty() {
        words.push(style.bad(&format!("UNDECLARED ({})", row.undeclared.join(", "))));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests;
