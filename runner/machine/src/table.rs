//! The table of suites in machines, in Markdown, for the README.

use crate::error::Error;
use crate::kind::Kind;
use crate::packages::Packages;
use crate::results::Results;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Between these two lines of a file stands the table.
const BEGIN: &str = "<!-- made by: runner/vm table --into -->";
const END: &str = "<!-- the end of that table -->";

/// One suite in one machine: a line of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    vm: String,
    kernel: String,
    cgroup: String,
    systemd: String,
    containerd: String,
    runc: String,
    docker: String,
    what: String,
    cases: String,
    seconds: u64,
}

impl Row {
    /// What is in the machine, the harness's arguments, what came of the suite or why nothing did, its exit status, and how
    /// long it took from restoring to the end.
    ///
    /// Cases that failed or broke are told only where there are some, as is an exit status that is not 0: a Pod may conform and
    /// yet leave something behind, or differ from its snapshot.
    pub fn new(
        kind: Kind,
        packages: &Packages,
        arguments: &[String],
        results: &Result<Results, String>,
        status: u8,
        took: Duration,
    ) -> Row {
        let (kernel, cgroup, cases) = match results {
            Ok(results) => {
                let tally = results.tally();
                let bad = if tally.bad > 0 { format!(", **{} bad**", tally.bad) } else { String::new() };
                let status = if status > 0 { format!(", **exit status {status}**") } else { String::new() };
                let cases = format!("{} / {} / {}{bad}{status}", tally.passed, tally.deviating, tally.skipped);
                (results.kernel(), results.cgroup(), cases)
            }
            Err(why) => (packages.linux(), "-", format!("no result: {}", why.lines().next().unwrap_or_default())),
        };
        let of = |name: &str| packages.upstream(name).to_owned();
        Row {
            vm: kind.to_string(),
            kernel: kernel.to_owned(),
            cgroup: cgroup.to_owned(),
            systemd: of("systemd"),
            containerd: of("containerd"),
            runc: of("runc"),
            docker: of("docker.io"),
            what: if arguments.is_empty() { "everything".to_owned() } else { arguments.join(" ") },
            cases,
            seconds: took.as_secs(),
        }
    }

    /// Keeps the row for a later table, in place of what the same words gave in the same machine before.
    ///
    /// # Errors
    /// The file system's.
    pub fn keep(&self, folder: &Path) -> Result<(), Error> {
        fs::create_dir_all(folder).map_err(Error::at("make the folder", folder))?;
        let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let file = folder.join(format!("{}.{}.json", plain(&self.vm), plain(&self.what)));
        let text = serde_json::to_string_pretty(self).map_err(Error::at("write", &file))?;
        fs::write(&file, text).map_err(Error::at("write", &file))
    }
}

/// The rows that were kept of these filters, or all, by machine, then by what was run.
///
/// # Errors
/// A file cannot be read or is no row.
pub fn kept(folder: &Path, what: &[String]) -> Result<Vec<Row>, Error> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let read = |file: std::path::PathBuf| {
        let text = fs::read_to_string(&file).map_err(Error::at("read", &file))?;
        serde_json::from_str(&text).map_err(Error::at("read", &file))
    };
    let mut rows: Vec<Row> = files.map(read).collect::<Result<_, Error>>()?;
    rows.retain(|row| what.is_empty() || what.contains(&row.what));
    rows.sort_by(|a, b| (&a.vm, &a.what).cmp(&(&b.vm, &b.what)));
    Ok(rows)
}

/// The whole table.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| VM | kernel | cgroup | systemd | containerd | runc | Docker | what | passed / deviating / skipped | seconds |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let Row { vm, kernel, cgroup, systemd, containerd, runc, docker, what, cases, seconds } = row;
        text.push_str(&format!(
            "| {vm} | {kernel} | {cgroup} | {systemd} | {containerd} | {runc} | {docker} | {what} | {cases} | {seconds} |\n"
        ));
    }
    text
}

/// Puts a table in the place of the one that stands in a file.
///
/// # Errors
/// The file cannot be read or written, or has no such place.
pub fn put_into(file: &Path, table: &str) -> Result<(), Error> {
    let text = fs::read_to_string(file).map_err(Error::at("read", file))?;
    let text = replaced(&text, table).ok_or_else(|| {
        Error::usage(format!("{} has no place for the table: the lines {BEGIN} and {END}", file.display()))
    })?;
    fs::write(file, text).map_err(Error::at("write", file))
}

fn replaced(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(arguments: &[&str], results: Result<&str, &str>, status: u8) -> Row {
        let mut packages = Packages::default();
        packages.add("runc", "1.1.5+ds1-1");
        packages.add("linux", "6.1.0-50-cloud-amd64");
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let results =
            results.map(|text| serde_json::from_str(text).expect("a result")).map_err(|why: &str| why.to_owned());
        let kind = "bookworm/v2".parse().expect("a kind");
        Row::new(kind, &packages, &arguments, &results, status, Duration::from_millis(61_900))
    }

    const RESULTS: &str =
        r#"{"host":{"kernel":"6.1.0","cgroup":"v2"},"records":[{"verdict":"passed"},{"verdict":"broken"}]}"#;

    #[test]
    fn a_line_a_machine_with_or_without_a_result() {
        let text = markdown(&[row(&["engine::", "--skip", "x"], Ok(RESULTS), 101), row(&[], Err("why\nmore"), 101)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[2],
            "| bookworm/v2 | 6.1.0 | v2 | - | - | 1.1.5 | - | engine:: --skip x | 1 / 0 / 0, **1 bad**, **exit status 101** | 61 |"
        );
        assert_eq!(
            lines[3],
            "| bookworm/v2 | 6.1.0-50-cloud-amd64 | - | - | - | 1.1.5 | - | everything | no result: why | 61 |"
        );
    }

    #[test]
    fn the_same_suite_in_the_same_machine_is_kept_once() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let rows = folder.path().join("rows");
        assert_eq!(kept(&rows, &[]).expect("nothing yet"), []);
        let (engine, old, new) =
            (row(&["engine::"], Ok(RESULTS), 0), row(&[], Ok(RESULTS), 101), row(&[], Ok(RESULTS), 0));
        for row in [&old, &engine, &new] {
            row.keep(&rows).expect("keeps");
        }
        assert_eq!(kept(&rows, &["everything".to_owned()]).expect("reads"), std::slice::from_ref(&new));
        assert_eq!(kept(&rows, &[]).expect("reads"), [engine, new]);
    }

    #[test]
    fn a_table_stands_between_its_marks_and_nowhere_else() {
        let text = format!("above\n{BEGIN}\nold\n{END}\nbelow\n");
        assert_eq!(replaced(&text, "| new |\n"), Some(format!("above\n{BEGIN}\n| new |\n{END}\nbelow\n")));
        assert_eq!(replaced("no table", "| new |\n"), None);
    }
}
