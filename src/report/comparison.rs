//! Where runtimes differ on the same case.

use super::table::{columns, cut};
use super::{Record, Style, seen_text, side_text, value_text};
use crate::facts;
use serde_json::Value;
use std::collections::BTreeMap;

/// The differences of one case between the first runtime and each of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Runtimes compared, the one that the others are held against first.
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
    /// As the runtimes of the comparison have it, in their order; `None` where it is as the first has it.
    pub values: Vec<String>,
    /// Why, for each runtime that differs and has it declared; a runtime that differs and is not here is undeclared.
    pub declared: BTreeMap<String, String>,
    /// Runtimes that differ without being declared.
    pub undeclared: Vec<String>,
}

/// Says why a runtime's record may have that value at that member and path; `None` if nobody declared it.
pub type Declared<'a> = dyn Fn(&Record, &str, &str, &str) -> Option<String> + 'a;

/// Compares the facts of records of one case. Records without facts are left out.
pub fn compare(records: &[&Record], declared: &Declared<'_>) -> Comparison {
    let records: Vec<&Record> = records.iter().copied().filter(|r| !r.facts.is_null()).collect();
    let runtimes = records.iter().map(|r| r.runtime.clone()).collect();
    let Some((base, others)) = records.split_first() else { return Comparison { runtimes, rows: Vec::new() } };
    let mut cells: BTreeMap<String, BTreeMap<usize, (String, String)>> = BTreeMap::new();
    let mut base_values: BTreeMap<String, String> = BTreeMap::new();
    for (index, other) in others.iter().enumerate() {
        for difference in facts::differences(&base.facts, &other.facts) {
            if difference.incomparable.is_some() {
                continue;
            }
            base_values.insert(difference.path.clone(), side_text(&difference.left));
            let shown = list_change(&difference).unwrap_or_else(|| side_text(&difference.right));
            let seen = seen_text(&difference.left, &difference.right);
            cells.entry(difference.path).or_default().insert(index, (shown, seen));
        }
    }
    let mut rows: Vec<Row> = Vec::new();
    for (path, differing) in cells {
        let (member, at) = split_member(&path);
        let base_value = &base_values[&path];
        let mut row = Row {
            members: if member.is_empty() { Vec::new() } else { vec![member.to_owned()] },
            at: at.to_owned(),
            values: vec![base_value.clone()],
            declared: BTreeMap::new(),
            undeclared: Vec::new(),
        };
        for (index, other) in others.iter().enumerate() {
            let Some((shown, seen)) = differing.get(&index) else {
                row.values.push(base_value.clone());
                continue;
            };
            row.values.push(shown.clone());
            match declared(other, member, at, seen) {
                Some(why) => drop(row.declared.insert(other.runtime.clone(), why)),
                None => row.undeclared.push(other.runtime.clone()),
            }
        }
        match rows.iter_mut().find(|known| same_but_for_members(known, &row)) {
            Some(known) => known.members.extend(row.members),
            None => rows.push(row),
        }
    }
    rows.sort_by_key(|row| (rank(&row.at), row.members == ["sandbox"]));
    Comparison { runtimes, rows }
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
        let mut reasons: Vec<String> = Vec::new();
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
            text.push_str(&format!("  [{}] {reason}\n", index + 1));
        }
        text
    }
}

fn why_cell(row: &Row, reasons: &mut Vec<String>, style: Style) -> String {
    let mut words = Vec::new();
    for why in row.declared.values() {
        let number = reasons.iter().position(|known| known == why).unwrap_or_else(|| {
            reasons.push(why.clone());
            reasons.len() - 1
        });
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
mod tests {
    use super::split_member;

    #[test]
    fn a_path_names_its_member() {
        assert_eq!(split_member("members.app.namespaces.uts"), ("app", "namespaces.uts"));
        assert_eq!(split_member("members[beside/app].uts.hostname"), ("beside/app", "uts.hostname"));
        assert_eq!(split_member("members.app"), ("app", ""));
        assert_eq!(split_member("pod.network.up"), ("", "pod.network.up"));
    }
}
