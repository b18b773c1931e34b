//! The table of a suite in several machines, in Markdown, for the README.

use crate::kind::Kind;
use crate::packages::Packages;
use crate::results::Results;
use std::time::Duration;

/// What a machine's line is made of.
pub struct Row {
    /// The machine.
    pub kind: Kind,
    /// What is in it.
    pub packages: Packages,
    /// What came of the suite, or why nothing did.
    pub results: Result<Results, String>,
    /// The exit status of the suite.
    pub status: u8,
    /// How long it took, from restoring to the end.
    pub took: Duration,
}

/// The whole table. Cases that failed or broke are shown only where there are some, as is an exit status that is not 0: a
/// Pod may conform and yet leave something behind, or differ from its snapshot.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| VM | kernel | cgroup | systemd | containerd | runc | Docker | passed / deviating / skipped | seconds |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let of = |name: &str| row.packages.upstream(name);
        let (kernel, cgroup, cases) = match &row.results {
            Ok(results) => {
                let tally = results.tally();
                let bad = if tally.bad > 0 { format!(", **{} bad**", tally.bad) } else { String::new() };
                let status = if row.status > 0 { format!(", **exit status {}**", row.status) } else { String::new() };
                let cases = format!("{} / {} / {}{bad}{status}", tally.passed, tally.deviating, tally.skipped);
                (results.kernel(), results.cgroup(), cases)
            }
            Err(why) => (row.packages.linux(), "-", format!("no result: {}", why.lines().next().unwrap_or_default())),
        };
        text.push_str(&format!(
            "| {} | {kernel} | {cgroup} | {} | {} | {} | {} | {cases} | {} |\n",
            row.kind,
            of("systemd"),
            of("containerd"),
            of("runc"),
            of("docker.io"),
            row.took.as_secs(),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_machine_with_or_without_a_result() {
        let mut packages = Packages::default();
        packages.add("runc", "1.1.5+ds1-1");
        packages.add("linux", "6.1.0-50-cloud-amd64");
        let results =
            r#"{"host":{"kernel":"6.1.0","cgroup":"v2"},"records":[{"verdict":"passed"},{"verdict":"broken"}]}"#;
        let row = |results| Row {
            kind: "bookworm/v2".parse().expect("a kind"),
            packages: packages.clone(),
            results,
            status: 101,
            took: Duration::from_millis(61_900),
        };
        let rows = [row(Ok(serde_json::from_str(results).expect("a result"))), row(Err("why\nmore".to_owned()))];
        let text = markdown(&rows);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[2],
            "| bookworm/v2 | 6.1.0 | v2 | - | - | 1.1.5 | - | 1 / 0 / 0, **1 bad**, **exit status 101** | 61 |"
        );
        assert_eq!(lines[3], "| bookworm/v2 | 6.1.0-50-cloud-amd64 | - | - | - | 1.1.5 | - | no result: why | 61 |");
    }
}
