//! Results as JUnit XML, for continuous integration.

use super::{Record, Results, value_text};
use crate::judge::{Check, Outcome, Verdict};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

/// One suite a runtime, one test case a record; a skip carries its reason, and so does a result that is partial.
///
/// # Errors
/// A text that XML cannot hold.
pub fn junit(results: &Results) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("podcheck");
    let mut runtimes: Vec<&str> = results.records.iter().map(|r| r.runtime.as_str()).collect();
    runtimes.sort_unstable();
    runtimes.dedup();
    for runtime in runtimes {
        let mut suite = TestSuite::new(runtime);
        suite.add_test_cases(results.records.iter().filter(|r| r.runtime == runtime).map(test_case));
        report.add_test_suite(suite);
    }
    if !results.partial.is_empty() {
        report.add_test_suite(partial(&results.partial));
    }
    report.to_string()
}

/// That records are missing is an error of its own, or whoever counts failures would take the rest for the whole.
fn partial(why: &str) -> TestSuite {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(format!("partial: {why}"));
    let mut suite = TestSuite::new("podcheck");
    suite.add_test_case(TestCase::new("podcheck::all-were-run", status));
    suite
}

fn test_case(record: &Record) -> TestCase {
    let status = match record.verdict {
        Verdict::Passed | Verdict::Deviates => TestCaseStatus::success(),
        Verdict::Failed => failure(NonSuccessKind::Failure, record),
        Verdict::Broken => failure(NonSuccessKind::Error, record),
        Verdict::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(record.reason.clone());
            status
        }
    };
    let mut case = TestCase::new(record.id.clone(), status);
    case.set_classname(record.runtime.clone());
    let seconds: f64 = record.durations_ms.values().sum::<f64>() / 1000.0;
    case.set_time(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    case
}

fn failure(kind: NonSuccessKind, record: &Record) -> TestCaseStatus {
    let lines: Vec<String> = record.findings.iter().filter(|c| c.outcome == Outcome::Broken).map(line).collect();
    let mut status = TestCaseStatus::non_success(kind);
    let message =
        if record.reason.is_empty() { lines.first().cloned().unwrap_or_default() } else { record.reason.clone() };
    status.set_message(message);
    status.set_description(lines.join("\n"));
    status
}

fn line(check: &Check) -> String {
    let level = value_text(&serde_json::to_value(check.level).unwrap_or_default());
    let from = [&check.place, &check.file].into_iter().filter(|text| !text.is_empty());
    let from: Vec<&str> = from.map(String::as_str).collect();
    let Check { property, member, at, expected, seen, .. } = check;
    format!("{property} {member} {at}: {level} be {expected}, is {seen} ({})", from.join(", "))
}
