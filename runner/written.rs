//! What is written where: standard output that takes nothing, a result's file that may not be lost, and the part of a
//! result that there is when a signal comes.

use super::{file, is_root, output, podcheck, scratch, text};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const ONE: [&str; 3] = ["run", "--filter", "limits/oom-score"];

/// Command lines that print something.
fn that_print() -> Vec<Vec<String>> {
    let own = std::process::id().to_string();
    let mut lines: Vec<Vec<&str>> = vec![
        vec!["--help"],
        vec!["--version"],
        vec!["run", "--help"],
        vec!["list"],
        vec!["list", "--format", "json"],
        vec!["list", "--properties"],
        vec!["doctor"],
        vec!["schema", "case"],
    ];
    if is_root() {
        lines.extend([vec!["inspect", &own], vec!["inspect", "--format", "json", &own], ONE.to_vec()]);
        lines.extend(["json", "junit"].map(|format| [&ONE[..], &["--format", format]].concat()));
        lines.push(vec!["compare", "--filter", "limits/oom-score", "-r", "engine"]);
    }
    lines.into_iter().map(|line| line.into_iter().map(str::to_owned).collect()).collect()
}

fn line(words: &[String]) -> std::process::Command {
    podcheck(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn standard_output_that_cannot_be_written_is_an_error() {
    for words in that_print() {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("there is /dev/full");
        let ended = line(&words).stdout(full).output().expect("podcheck starts");
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(3), "{words:?}: {said}");
        assert!(said.contains("standard output") && said.contains("No space left"), "{words:?}: {said}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_podcheck_without_a_word() {
    for words in that_print() {
        let (reader, writer) = std::io::pipe().expect("there are pipes");
        drop(reader);
        let ended = line(&words).stdout(writer).output().expect("podcheck starts");
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(128 + 13), "{words:?}: {said}");
        assert_eq!(said, "", "{words:?}");
    }
}

#[test]
fn a_difference_that_cannot_be_written_is_an_error() {
    let folder = scratch();
    let host = r#"{"kernel": "6.1", "cgroup": "v2", "abilities": {}}"#;
    let result = format!(r#"{{"schema_version": 1, "podcheck": "0.1.0", "host": {host}, "records": []}}"#);
    let result = file(folder.path(), "result.json", &result).display().to_string();
    let whole = output(&["diff", &result, &result]);
    assert_eq!(whole.status.code(), Some(0), "{}", text(&whole.stderr));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("there is /dev/full");
    assert_eq!(podcheck(&["diff", &result, &result]).stdout(full).output().expect("starts").status.code(), Some(3));
}

#[test]
fn inspect_looks_at_somebody_or_says_that_it_cannot() {
    for arguments in [
        &[][..],
        &["--format", "json"],
        &["--docker", ""],
        &["--docker", "@unix:///run/docker.sock"],
        &["--docker", "infra@docker.sock"],
        &["--cri", ""],
        &["--cri", "@unix:///run/containerd/containerd.sock"],
        &["--cri", "foo@tcp://127.0.0.1:1"],
        &[""],
        &["=1"],
        &["1", "--docker", "infra"],
    ] {
        let ended = output(&[&["inspect"], arguments].concat());
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {}", text(&ended.stdout));
        assert_eq!(text(&ended.stdout), "", "{arguments:?}");
        assert!(!ended.stderr.is_empty(), "{arguments:?}");
    }
    if is_root() {
        let mut ended = podcheck(&["--version"]).stdout(Stdio::null()).spawn().expect("podcheck starts");
        let stat = format!("/proc/{}/stat", ended.id());
        while !fs::read_to_string(&stat).expect("nobody has waited for it").contains(") Z ") {
            std::thread::sleep(Duration::from_millis(5));
        }
        let zombie = output(&["inspect", "--format", "json", &ended.id().to_string()]);
        assert_eq!((zombie.status.code(), text(&zombie.stdout).as_str()), (Some(2), ""), "{}", text(&zombie.stderr));
        ended.wait().expect("it has ended");
    }
    let gone = output(&["inspect", "--cri", "foo@unix:///nosuch.sock", "--format", "json"]);
    assert_eq!((gone.status.code(), text(&gone.stdout).as_str()), (Some(3), ""), "{}", text(&gone.stderr));
}

/// A tiny file system, unmounted at the end.
struct Tiny(PathBuf);

impl Tiny {
    fn mount(at: PathBuf) -> Tiny {
        fs::create_dir(&at).expect("the temporary folder is writable");
        mount(Some("tmpfs"), &at, Some("tmpfs"), MsFlags::empty(), Some("size=16k")).expect("root may mount");
        Tiny(at)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("readable").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}

#[test]
fn a_full_disk_leaves_the_earlier_result() {
    if !is_root() {
        return;
    }
    let folder = scratch();
    let tiny = Tiny::mount(folder.path().join("tiny"));
    let result = file(&tiny.0, "result.json", "the earlier result");
    let ended = podcheck(&ONE).args(["--format", "json", "-o"]).arg(&result).output().expect("podcheck starts");
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.contains("result.json") && said.contains("No space left"), "{said}");
    assert_eq!(fs::read_to_string(&result).expect("it is there"), "the earlier result");
    assert_eq!(tiny.names(), ["result.json"]);
}

/// Two cases: one that ends at once and one that sleeps, for a time that no other process sleeps.
fn cases(folder: &Path) -> String {
    let token = format!("25.{}", std::process::id());
    let case = |name: &str, steps: &str| {
        let text = format!("about: A lamp.\nshows: [N1]\npod: {{containers: [{{name: lamp}}]}}\n{steps}");
        file(folder, name, &text);
    };
    case("a-quick.yaml", "");
    case("b-slow.yaml", &format!("steps:\n- {{in: lamp, run: [sleep, '{token}']}}\n"));
    token
}

/// Waits until a process has that word on its command line.
fn await_word(word: &str, child: &mut Child) {
    let begun = Instant::now();
    let is_there = || {
        let processes = fs::read_dir("/proc").expect("there is /proc").flatten();
        let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
        lines.filter(|line| line.split(|byte| *byte == 0).any(|part| part == word.as_bytes())).count() > 0
    };
    while !is_there() {
        assert!(child.try_wait().expect("it is a child").is_none(), "podcheck ended early");
        assert!(begun.elapsed() < Duration::from_secs(60), "nobody sleeps for {word} s");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Interrupts a run of both cases while the second one sleeps, and gives what it printed.
fn interrupted(folder: &Path, more: &[&str]) -> String {
    let token = cases(folder);
    let mut run = podcheck(&["run", "--jobs", "1"]);
    run.args([folder.join("a-quick.yaml"), folder.join("b-slow.yaml")]).args(more).current_dir(folder);
    let mut child = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("podcheck starts");
    await_word(&token, &mut child);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).expect("podcheck runs");
    let mut printed = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut printed).expect("text");
    assert_eq!(child.wait().expect("podcheck ends").code(), Some(130), "{printed}");
    printed
}

#[test]
fn an_interrupted_run_reports_what_there_is_and_says_that_it_is_a_part() {
    if !is_root() {
        return;
    }
    let folder = scratch();
    let folder = folder.path();
    let pretty = interrupted(folder, &[]);
    assert!(pretty.contains("a-quick") && pretty.contains("1 conform"), "{pretty}");
    assert!(pretty.contains("partial: interrupted by SIGINT: 1 of 2 were run"), "{pretty}");
    let parsed = |json: &str| -> serde_json::Value { serde_json::from_str(json).expect("the result is JSON") };
    let result = file(folder, "result.json", "the earlier result");
    let path = result.display().to_string();
    let nothing = interrupted(folder, &["--format", "json", "--output", &path]);
    let written = parsed(&fs::read_to_string(&result).expect("it is there"));
    assert_eq!(nothing, "");
    assert_eq!(written["records"].as_array().map(Vec::len), Some(1));
    assert_eq!(written["partial"], "interrupted by SIGINT: 1 of 2 were run");
    let junit = interrupted(folder, &["--format", "junit"]);
    assert!(junit.contains("errors=\"1\"") && junit.contains("partial: interrupted by SIGINT"), "{junit}");
    // Where nothing was finished there is nothing to put in the place of the earlier result.
    let earlier = fs::read_to_string(&result).expect("it is there");
    interrupted(folder, &["--format", "json", "--output", &path, "--filter", "b-slow"]);
    assert_eq!(fs::read_to_string(&result).expect("it is there"), earlier);
    let compared = output(&["diff", &path, &path]);
    assert!(text(&compared.stdout).contains("the earlier result is partial"), "{}", text(&compared.stdout));
}
