//! Keeps the import rules of ARCHITECTURE.md: who may see whom, where packages have their home, where `unsafe` may stand.

mod imports;

use imports::{Named, module_of, named};
use std::path::{Path, PathBuf};

/// Module → what it may not name.
const MAY_NOT_SEE: &[(&str, &[&str])] = &[
    ("runtime", &["kubelet", "observe", "facts", "judge", "trial", "report", "cli", "case"]),
    ("kubelet", &["engine", "observe", "facts", "judge", "trial", "report", "cli", "case"]),
    ("engine", &["runtime", "kubelet", "observe", "facts", "judge", "trial", "report", "cli", "case"]),
    ("observe", &["runtime", "kubelet", "engine", "judge", "facts", "trial", "report", "cli", "case", "plan", "pod"]),
    ("facts", &["runtime", "kubelet", "engine", "judge", "trial", "report", "cli", "case", "plan"]),
    ("judge", &["runtime", "kubelet", "engine", "observe", "trial", "report", "cli", "host", "plan"]),
    ("host", &["runtime", "kubelet", "engine", "observe", "facts", "judge", "trial", "report", "cli", "case"]),
    ("plan", &["runtime", "kubelet", "engine", "observe", "facts", "judge", "trial", "report", "cli", "case", "host"]),
    (
        "pod",
        &[
            "runtime", "kubelet", "engine", "observe", "facts", "judge", "trial", "report", "cli", "case", "host",
            "plan",
        ],
    ),
    (
        "node",
        &[
            "runtime", "kubelet", "engine", "observe", "facts", "judge", "trial", "report", "cli", "case", "host",
            "plan",
        ],
    ),
    ("case", &["runtime", "kubelet", "engine", "observe", "facts", "judge", "trial", "report", "cli", "host", "plan"]),
    ("report", &["kubelet", "engine", "observe", "trial", "cli", "host", "plan"]),
    (
        "payload",
        &[
            "runtime", "kubelet", "engine", "observe", "facts", "judge", "trial", "report", "cli", "case", "host",
            "plan",
        ],
    ),
    ("trial", &["engine", "cli"]),
];

/// Modules without input and output: text that must not stand in them.
const PURE: &[&str] = &["facts", "judge", "report", "pod", "plan", "node"];
const INPUT_AND_OUTPUT: &[&str] =
    &["std::fs", "std::net::Tcp", "std::process::Command", "println!", "eprintln!", "nix::", "duct::", "std::env::var"];

/// Package → modules that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("duct", &["host", "runtime"]),
    ("tonic", &["runtime"]),
    ("prost", &["runtime"]),
    ("tokio", &["runtime"]),
    ("procfs", &["host", "observe", "trial"]),
    ("clap", &["cli"]),
    ("signal_hook", &["cli"]),
    ("quick_junit", &["report"]),
    ("annotate_snippets", &["diagnostic"]),
    ("saphyr_parser", &["diagnostic"]),
    ("tar", &["runtime"]),
    ("sha2", &["runtime", "host"]),
];

/// Where `unsafe` may stand.
const UNSAFE: &[&str] = &["engine", "payload", "observe"];

/// A source file: its module, its path below src/, its code without comments, and all of it.
struct Source {
    module: String,
    path: String,
    code: Vec<(usize, String)>,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 30, "only {} files under {}", files.len(), root.display());
    files.into_iter().map(|file| read(&root, &file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("src is readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

fn read(root: &Path, file: &Path) -> Source {
    let path = file.strip_prefix(root).expect("below src").display().to_string();
    let module = path.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
    let text = std::fs::read_to_string(file).expect("sources are text");
    let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    let code = code.map(|(index, line)| (index + 1, line.to_owned())).collect();
    Source { module, path, code, text }
}

/// What is wrong about a path in a module: it leads to a forbidden one, or to the whole crate, and so to all of them.
fn fault(named: &Named, module: &str, forbidden: &[&str]) -> Option<String> {
    match named.path.first() {
        None => Some(format!("{module} names the whole crate: name the module")),
        Some(first) if forbidden.contains(&first.as_str()) => Some(format!("{module} may not see {first}")),
        Some(_) => None,
    }
}

#[test]
fn modules_see_only_what_they_may() {
    let mut faults = Vec::new();
    for source in sources() {
        let Some((_, forbidden)) = MAY_NOT_SEE.iter().find(|(module, _)| *module == source.module) else { continue };
        let all = named(&source.text, &module_of(Path::new(&source.path)));
        for one in all.unwrap_or_else(|error| panic!("src/{}: {error}", source.path)) {
            let fault = fault(&one, &source.module, forbidden);
            faults.extend(fault.map(|fault| format!("src/{}:{}: {fault}", source.path, one.line)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn pure_modules_do_no_input_or_output() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|s| PURE.contains(&s.module.as_str())) {
        for (number, line) in &source.code {
            for text in INPUT_AND_OUTPUT.iter().filter(|text| line.contains(**text)) {
                faults.push(format!("src/{}:{number}: {} is pure, {text} is not", source.path, source.module));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_package_has_one_home() {
    let mut faults = Vec::new();
    for source in sources() {
        for (package, homes) in HOMES.iter().filter(|(_, homes)| !homes.contains(&source.module.as_str())) {
            for (number, line) in source.code.iter().filter(|(_, line)| line.contains(&format!("{package}::"))) {
                let _ = line;
                faults.push(format!("src/{}:{number}: {package} belongs to {}", source.path, homes.join(", ")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn unsafe_code_stays_where_the_kernel_is_met() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|s| !UNSAFE.contains(&s.module.as_str())) {
        for (number, _) in source.code.iter().filter(|(_, line)| line.contains("unsafe ") || line.contains("unsafe{")) {
            faults.push(format!("src/{}:{number}", source.path));
        }
    }
    assert!(faults.is_empty(), "unsafe outside {}:\n{}", UNSAFE.join(", "), faults.join("\n"));
}

#[test]
fn only_the_command_line_prints() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|s| !matches!(s.module.as_str(), "cli" | "payload" | "engine" | "host")) {
        for (number, _) in source.code.iter().filter(|(_, l)| l.contains("println!") || l.contains("print!(")) {
            faults.push(format!("src/{}:{number}", source.path));
        }
    }
    assert!(faults.is_empty(), "printing outside cli:\n{}", faults.join("\n"));
}

#[test]
fn the_rules_can_fail() {
    let module = || ["judge", "contract"].map(str::to_owned);
    let faults = |text: &str| -> Vec<String> {
        let all = named(text, &module()).expect("Rust");
        let all = all.iter().filter_map(|one| Some(format!("{}: {}", one.line, fault(one, "judge", &["plan"])?)));
        all.collect()
    };
    for (text, line) in [
        ("use crate::plan::Node;", 1),
        ("use crate::{\n    facts,\n    plan,\n};", 3),
        ("use crate::{facts::{Facts, Looked}, plan::{self, Node}};", 1),
        ("use super::super::plan;", 1),
        ("use super::super::{\n    facts,\n    plan::Node,\n};", 3),
        ("fn f() {\n    crate::plan::plan();\n}", 2),
        ("fn f(node: &crate\n    ::plan::Node) {}", 1),
        ("fn f() {\n    assert!(\n        super::super::plan::plan());\n}", 3),
        ("mod tests {\n    use super::super::super::plan::Node;\n}", 2),
        ("pub(in crate::plan) fn f() {}", 1),
        ("pub use crate::plan as other;", 1),
    ] {
        let found = faults(text);
        assert!(found.iter().any(|fault| *fault == format!("{line}: judge may not see plan")), "{text}: {found:?}");
    }
    for text in ["use crate as all;", "use crate::*;", "use super::super::*;", "use crate::{self as all};"] {
        assert_eq!(faults(text), ["1: judge names the whole crate: name the module"], "{text}");
    }
    for text in [
        "use crate::planner::x;",
        "use self::plan;",
        "use super::plan::x;",
        "// crate::plan::Node",
        "const TEXT: &str = \"crate::plan::Node\";",
        "pub(crate) fn f(&self) { self.plan.take(); crate_plan::f() }",
        "mod tests {\n    use super::super::plan::Node;\n}",
        "use crate::facts::{plan, other as plan};",
    ] {
        assert_eq!(faults(text), [""; 0], "{text}");
    }
    assert_eq!(module_of(Path::new("judge/contract/mod.rs")), module());
    assert_eq!(module_of(Path::new("judge/contract.rs")), module());
}

#[test]
fn the_binary_is_static() {
    let is_static = cfg!(target_feature = "crt-static");
    assert!(is_static, "build in the repository's own folder and without RUSTFLAGS");
}
