//! A Pod that must not come up: that it did not, and that what was said against it is what it is refused for.

use super::Check;
use super::step::{StepContext, outcome};
use crate::diagnostic::Diagnostic;

/// Where these checks are.
const AT: &str = "refused";

/// A case's first property, and its source.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The property.
    pub property: &'a str,
    /// The link.
    pub source: &'a str,
}

impl Shown<'_> {
    fn context(&self) -> StepContext<'_> {
        StepContext { at: AT, member: "", property: self.property, source: self.source }
    }
}

/// Judges what one who was asked for the Pod said; `None` if it was not refused.
pub fn refused(shown: Shown<'_>, by: &str, says: &[String], said: Option<&str>) -> Vec<Check> {
    let context = shown.context();
    let seen = said.map_or_else(|| "it was not refused".to_owned(), |said| format!("refused: {said}"));
    let mut checks = vec![outcome(&context, &format!("refused by {by}"), &seen, said.is_some())];
    for wanted in says {
        let holds = said.is_some_and(|said| has(said, wanted));
        checks.push(outcome(&context, &format!("{wanted:?} in what {by} says"), &seen, holds));
    }
    checks
}

/// Judges what a manifest was refused for when it was read: something, with the line that it is about, and nothing that the
/// case does not name.
pub fn unreadable(shown: Shown<'_>, says: &[String], said: &[Diagnostic]) -> Vec<Check> {
    let context = shown.context();
    let texts: Vec<String> = said.iter().map(text).collect();
    let all = if texts.is_empty() { None } else { Some(texts.join("; ")) };
    let mut checks = refused(shown, "whoever reads it", says, all.as_deref());
    for (fault, text) in said.iter().zip(&texts) {
        let line = fault.source_line.trim();
        let (file, number) = (fault.at.file.display().to_string(), fault.at.line);
        let place =
            outcome(&context, "said of a line of the file", &format!("line {number}: {line:?}"), !line.is_empty());
        checks.push(Check { file, ..place });
        let named = says.iter().any(|wanted| has(text, wanted));
        checks.push(outcome(&context, "refused for nothing else", text, named));
    }
    checks
}

fn has(text: &str, wanted: &str) -> bool {
    text.to_lowercase().contains(&wanted.to_lowercase())
}

/// What a fault says, and of which field, wherever that stands.
fn text(fault: &Diagnostic) -> String {
    let Diagnostic { field, message, help, .. } = fault;
    if help.is_empty() { format!("{field}: {message}") } else { format!("{field}: {message} ({help})") }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;
    use crate::diagnostic::Location;

    const SHOWN: Shown<'_> = Shown { property: "Y3", source: "https://example.com/" };

    fn fault(message: &str, source_line: &str) -> Diagnostic {
        Diagnostic {
            at: Location { file: "case.yaml".into(), line: 7, column: 3 },
            field: "pod.hostname".to_owned(),
            message: message.to_owned(),
            help: String::new(),
            source_line: source_line.to_owned(),
            width: 1,
        }
    }

    fn broken(checks: &[Check]) -> Vec<(&str, &str)> {
        let broken = checks.iter().filter(|check| check.outcome == Outcome::Broken);
        broken.map(|check| (check.expected.as_str(), check.seen.as_str())).collect()
    }

    #[test]
    fn a_pod_that_comes_up_is_a_finding() {
        let says = ["tcp_syncookies".to_owned()];
        let checks = refused(SHOWN, "the runtime", &says, None);
        assert_eq!(broken(&checks)[0], ("refused by the runtime", "it was not refused"));
        assert_eq!((checks[0].property.as_str(), checks[0].at.as_str()), ("Y3", "refused"));
        assert!(
            broken(&refused(SHOWN, "the runtime", &says, Some("write net.ipv4.TCP_SYNCOOKIES: EINVAL"))).is_empty()
        );
    }

    #[test]
    fn one_that_is_refused_for_another_reason_is_a_finding() {
        let says = ["tcp_syncookies".to_owned()];
        let checks = refused(SHOWN, "the runtime", &says, Some("no such image"));
        let seen = "refused: no such image";
        assert_eq!(broken(&checks), [("\"tcp_syncookies\" in what the runtime says", seen)]);
    }

    #[test]
    fn a_manifest_is_refused_with_its_line_and_for_nothing_else() {
        let says = ["too long".to_owned()];
        assert!(broken(&unreadable(SHOWN, &says, &[fault("it is TOO long", "  hostname: x")])).is_empty());
        assert_eq!(broken(&unreadable(SHOWN, &says, &[])).len(), 2);
        let more = unreadable(SHOWN, &says, &[fault("too long", "  hostname: x"), fault("misspelt", "  hostnam: x")]);
        assert_eq!(broken(&more), [("refused for nothing else", "pod.hostname: misspelt")]);
        let nowhere = unreadable(SHOWN, &says, &[fault("too long", "")]);
        assert_eq!(broken(&nowhere), [("said of a line of the file", "line 7: \"\"")]);
    }
}
