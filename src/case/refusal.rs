//! `refused:` of a case: its Pod must not come up, and somebody has to say so.

use super::keys::REFUSAL;
use super::steps::text_or_list;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::yaml::{Cursor, Kind};

/// Who stands for a runtime where none is asked, in records and names of trials.
pub const NOBODY: &str = "podcheck";

/// A Pod that must not come up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Who refuses it.
    pub by: Refuser,
    /// Texts that stand in what is said against it, whatever the case of their letters; at least one.
    pub says: Vec<String>,
}

/// Who refuses a Pod, in the order in which they are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refuser {
    /// podcheck, which reads the manifest in the place of the API server and a kubelet: all that it says against it.
    Reader(Vec<Diagnostic>),
    /// podcheck, which makes volumes ready in the place of a kubelet, before a runtime is asked.
    Kubelet,
    /// The runtime, which is asked for the Pod.
    Runtime,
}

impl Refusal {
    /// Whether a runtime has any part in it.
    pub fn asks_runtime(&self) -> bool {
        self.by == Refuser::Runtime
    }
}

/// Where a case says that its Pod is refused, as `at:` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Parse,
    Prepare,
    Create,
}

/// What a case says, before its Pod is read.
#[derive(Debug)]
pub(super) struct Asked {
    at: At,
    says: Vec<String>,
}

/// Keys of a case that take a Pod that is up.
const OF_A_POD_THAT_IS_UP: [&str; 4] = ["beside", "while", "expect", "steps"];
/// Keys that are for a runtime.
const FOR_A_RUNTIME: [&str; 3] = ["requires", "alone", "known"];

impl Asked {
    /// Whether it is the manifest that is at fault.
    pub fn is_of_manifest(&self) -> bool {
        self.at == At::Parse
    }

    /// With what the reader said against the Pod.
    pub fn after(self, said: Vec<Diagnostic>) -> Refusal {
        let by = match self.at {
            At::Parse => Refuser::Reader(said),
            At::Prepare => Refuser::Kubelet,
            At::Create => Refuser::Runtime,
        };
        Refusal { by, says: self.says }
    }
}

/// Reads `refused:` of a case; `None` only together with a fault.
pub(super) fn read(case: &Cursor<'_>, cursor: &Cursor<'_>) -> Option<Asked> {
    if !REFUSAL.check(cursor) {
        return None;
    }
    let at = cursor.get("at").and_then(|value| at(&value));
    let says = cursor.get("says").map(|value| {
        let says = text_or_list(&value);
        if matches!(&value.node().kind, Kind::List(items) if items.is_empty()) {
            value.fault("nothing is named", "name some text of what is said against the Pod");
        }
        says
    });
    for (name, value) in OF_A_POD_THAT_IS_UP.iter().filter_map(|name| Some((name, case.get(name)?))) {
        value.fault_at_key(format!("{name} takes a Pod that comes up"), "remove it, or refused:");
    }
    let (at, says) = (at?, says?);
    if at != At::Create {
        for (name, value) in FOR_A_RUNTIME.iter().filter_map(|name| Some((name, case.get(name)?))) {
            value.fault_at_key(format!("{name} takes a runtime, and none is asked for this Pod"), "remove it");
        }
    }
    Some(Asked { at, says })
}

fn at(cursor: &Cursor<'_>) -> Option<At> {
    if cursor.text() == Some("start") {
        cursor
            .fault("a Pod as a whole does not start", "of a container that must not there is a step: {refused: NAME}");
        return None;
    }
    Some(match cursor.one_of(&["parse", "prepare", "create"])? {
        "parse" => At::Parse,
        "prepare" => At::Prepare,
        _ => At::Create,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Case, Refuser, parse_case};
    use std::path::Path;

    const SPEC: &str = "pod: {containers: [{name: a}], hostUsers: false, hostPID: true}\n";

    fn parse(more: &str) -> Result<Case, Vec<String>> {
        let text = format!("about: A Pod.\nshows: [B5]\n{more}");
        let parsed = parse_case(&text, Path::new("case.yaml"), "area/case");
        parsed.map(|mut cases| cases.remove(0)).map_err(|faults| {
            faults.iter().map(|fault| fault.to_string().trim_start_matches("case.yaml:").to_owned()).collect()
        })
    }

    #[test]
    fn what_the_reader_says_is_the_cases_and_no_fault_of_the_file() {
        let case = parse(&format!("{SPEC}refused: {{at: parse, says: [excludes]}}\n")).expect("a good case");
        let refusal = case.refused.expect("is refused");
        assert_eq!(refusal.says, ["excludes"]);
        assert!(!refusal.asks_runtime());
        let Refuser::Reader(said) = refusal.by else { panic!("{:?}", refusal.by) };
        let said: Vec<String> = said.iter().map(|fault| format!("{}: {}", fault.at.line, fault.message)).collect();
        assert_eq!(said, ["3: hostPID excludes hostUsers: false"]);
        let good = SPEC.replace(", hostPID: true", "");
        let case = parse(&format!("{good}refused: {{at: parse, says: x}}\n")).expect("whether it is true shows later");
        assert_eq!(case.refused.map(|refusal| refusal.by), Some(Refuser::Reader(Vec::new())));
    }

    #[test]
    fn a_pod_that_gets_past_the_reader_has_to_be_a_good_one() {
        let faults = parse(&format!("{SPEC}refused: {{at: create, says: x}}\n")).expect_err("the manifest is bad");
        assert!(faults[0].starts_with("3:59: pod.hostPID: hostPID excludes hostUsers: false"), "{faults:?}");
    }

    #[test]
    fn wrong_use_is_named() {
        let good = "pod: {containers: [{name: a}]}\n";
        let table = [
            ("refused: create\n", vec!["4:10: refused: expected a map (`key: value`), found text"]),
            (
                "refused: {at: start, say: x}\n",
                vec![
                    "4:1: refused: a refusal has no says (add says:)",
                    "4:15: refused.at: a Pod as a whole does not start (of a container that must not there is a step: {refused: NAME})",
                    "4:22: refused.say: a refusal has no field \"say\" (did you mean says?)",
                ],
            ),
            (
                "refused: {says: []}\n",
                vec![
                    "4:1: refused: a refusal has no at (add at:)",
                    "4:17: refused.says: nothing is named (name some text of what is said against the Pod)",
                ],
            ),
            (
                "refused: {at: create, says: ''}\n",
                vec!["4:29: refused.says: an empty text is in every output (name some text)"],
            ),
            (
                "refused: {at: create, says: x}\nsteps: []\nwhile: a\n",
                vec![
                    "5:1: steps: steps takes a Pod that comes up (remove it, or refused:)",
                    "6:1: while: while takes a Pod that comes up (remove it, or refused:)",
                    "6:8: while: no init container is called \"a\" (the Pod has none that ends)",
                ],
            ),
            (
                "refused: {at: prepare, says: x}\nalone: true\n",
                vec!["5:1: alone: alone takes a runtime, and none is asked for this Pod (remove it)"],
            ),
        ];
        for (more, expected) in table {
            assert_eq!(parse(&format!("{good}{more}")).expect_err(more), expected, "{more}");
        }
        parse(&format!("{good}refused: {{at: create, says: x}}\nalone: true\nrequires: [swap]\n")).expect("all fit");
    }
}
