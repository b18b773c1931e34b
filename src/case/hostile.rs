//! Whatever stands in a file: a case or a fault, never a panic, and always an end.

use super::{parse_case, parse_known};
use std::path::Path;

const SEEDS: &[&str] = &[
    "about: A ${n}.\nshows: [N1]\nsource: https://example.com/\nrequires: [swap]\npod:\n  hostNetwork: true\n  volumes:\n  - {name: v, hostPath: {path: /x, type: File}}\n  containers:\n  - name: a\n    args: [\"$(A)\", '$$(A)']\n    env:\n    - {name: A, value: \"x\"}\n    ports: [{containerPort: 80, protocol: UDP}]\n    resources: {limits: {memory: 64Mi, cpu: 0.5}, requests: {cpu: 1e-1}}\n    volumeMounts: [{name: v, mountPath: /y}]\n    securityContext: {runAsUser: 1, capabilities: {add: [NET_ADMIN]}}\nexpect:\n- {fact: limits.pids, of: [a], equals: 1}\n- {same: net, of: [sandbox, a]}\nsteps:\n- {in: a, run: [x], expect: {signal: KILL, stdout: '${m}'}}\n- {ends: a, exit: 1}\nknown:\n- {property: N3, seen: own, when: {kernel: \"<5\"}, because: b, source: https://x}\nrows:\n- {row: x, n: 1, m: a}\n- {row: y, n: 2, m: b}\n",
    "apiVersion: v1\nkind: Pod\nmetadata: &m\n  name: foo\n  labels: {a: b}\nspec:\n  <<: {hostPID: true}\n  containers:\n  - &c {name: a, image: b, tty: false}\n  - <<: *c\n    name: |\n      b\n  dnsPolicy: None\n  dnsConfig: {nameservers: [1.2.3.4], options: [{name: ndots, value: \"5\"}]}\n",
    "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"x\"}, \"spec\": {\"containers\": [{\"name\": \"a\", \"image\": \"b\", \"command\": [\"x\\n\\u00e9\"]}]}}\n",
    "# comment\r\n%YAML 1.2\r\n---\r\n- !!str 5\r\n- !x y\r\n- >-\r\n  folded\r\n  text\r\n- ? a\r\n  : b\r\n...\r\n",
];

const PIECES: &[&str] = &[
    "\n",
    "\t",
    " ",
    "  ",
    ":",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&a",
    "*a",
    "!",
    "!!int ",
    "|",
    ">",
    "'",
    "\"",
    "#",
    "%",
    "@",
    "`",
    "<<: ",
    "---\n",
    "...\n",
    "\u{0}",
    "\u{feff}",
    "\u{2028}",
    "é",
    "\r",
    "\\",
    "$(",
    "${",
    "-1",
    "9e999999999",
    "0x",
    ".inf",
    "~",
    "null",
    "? ",
    "spec:",
];

/// A small generator of numbers, so that a failure comes again.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most.max(1) as u64).unwrap()
    }
}

fn mutated(numbers: &mut Numbers) -> String {
    let mut text: Vec<char> = SEEDS[numbers.below(SEEDS.len())].chars().collect();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(text.len() + 1);
        match numbers.below(4) {
            0 => drop(text.splice(at..at, PIECES[numbers.below(PIECES.len())].chars())),
            1 => drop(text.drain(at..(at + numbers.below(20)).min(text.len()))),
            2 => {
                let from = numbers.below(text.len());
                let piece: Vec<char> = text[from..(from + numbers.below(40)).min(text.len())].to_vec();
                drop(text.splice(at..at, piece));
            }
            _ => text.truncate(at),
        }
    }
    text.into_iter().collect()
}

fn feed(text: &str) {
    let file = Path::new("x.yaml");
    assert_ne!(parse_case(text, file, "a/b").map(|cases| cases.len()), Ok(0), "taken without a case: {text:?}");
    for faults in [parse_case(text, file, "a/b").err(), parse_known(text, file).err()].into_iter().flatten() {
        assert!(!faults.is_empty(), "refused without a word: {text:?}");
        for fault in faults {
            assert!(fault.at.line >= 1 && fault.at.column >= 1 && !fault.message.is_empty(), "{fault:?}");
            fault.render(false);
        }
    }
}

#[test]
fn mutated_files() {
    let rounds = std::env::var("PODCHECK_MUTATIONS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3000);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..rounds {
        let text = mutated(&mut numbers);
        let outcome = std::panic::catch_unwind(|| feed(&text));
        assert!(outcome.is_ok(), "panicked at {text:?}");
    }
}

#[test]
fn exaggerated_files() {
    let bomb: String =
        (1..30).map(|n| format!("- &a{n} [*a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1)).collect();
    // Reading one whose effort grows out of bounds would not end.
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        "a:\n".repeat(100_000),
        format!("- &a0 x\n{bomb}"),
        "x".repeat(1 << 20),
        "x".repeat((1 << 20) + 1),
        format!("pod: \"{}\"", "\\n".repeat(400_000)),
        (0..60_000).map(|n| format!("k{n}: 1\n")).collect(),
        format!("about: A.\nshows: [{}]\npod: {{}}\n", "N1, ".repeat(20_000)),
        "\u{feff}".repeat(1000),
        "'".repeat(9999),
        "&a ".repeat(9999),
        "!".repeat(9999),
        "a: 'b".to_owned(),
    ] {
        feed(&text);
    }
}
