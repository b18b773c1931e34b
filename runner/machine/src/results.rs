//! The conformance suite's results, as `podcheck schema result` has them, as far as a table needs them.

use crate::error::Error;
use serde::Deserialize;
use std::path::Path;

/// A run's results.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Results {
    host: Host,
    records: Vec<Record>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Host {
    kernel: String,
    cgroup: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Record {
    verdict: String,
}

/// How many cases came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Every check held.
    pub passed: usize,
    /// Broken checks, exactly the declared ones.
    pub deviating: usize,
    /// Not run, with a reason.
    pub skipped: usize,
    /// Findings that nobody declared, and what could not be judged.
    pub bad: usize,
}

impl Results {
    /// As the harness wrote them.
    ///
    /// # Errors
    /// The file is not there, or is no result.
    pub fn read(file: &Path) -> Result<Results, Error> {
        let text = std::fs::read_to_string(file).map_err(Error::at("read", file))?;
        serde_json::from_str(&text).map_err(Error::at("read", file))
    }

    /// The kernel's release.
    pub fn kernel(&self) -> &str {
        &self.host.kernel
    }

    /// `v1`, `hybrid` or `v2`, as podcheck saw it.
    pub fn cgroup(&self) -> &str {
        &self.host.cgroup
    }

    /// Counts the records by their verdict.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for record in &self.records {
            match record.verdict.as_str() {
                "passed" => tally.passed += 1,
                "deviates" => tally.deviating += 1,
                "skipped" => tally.skipped += 1,
                _ => tally.bad += 1,
            }
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_counted() {
        let verdicts = ["passed", "passed", "deviates", "skipped", "failed", "broken"];
        let records: Vec<String> =
            verdicts.iter().map(|verdict| format!(r#"{{"verdict":"{verdict}","id":"x"}}"#)).collect();
        let text = format!(r#"{{"host":{{"kernel":"6.1.0","cgroup":"v2"}},"records":[{}]}}"#, records.join(","));
        let results: Results = serde_json::from_str(&text).expect("a result");
        assert_eq!(results.tally(), Tally { passed: 2, deviating: 1, skipped: 1, bad: 2 });
        assert_eq!((results.kernel(), results.cgroup()), ("6.1.0", "v2"));
    }
}
