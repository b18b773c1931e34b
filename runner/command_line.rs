//! The command line as a user meets it: what it prints, how it ends, and what it leaves on the host.

mod elsewhere;
mod lives;
mod manifests;
mod places;
mod refusals;
mod required;
mod written;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PODCHECK: &str = env!("CARGO_BIN_EXE_podcheck");
const NOBODY: u32 = 65534;

/// A Pod that is no case: nothing in it is podcheck's.
const MANIFEST: &str = "apiVersion: v1
kind: Pod
metadata: {name: plain, labels: {team: blue}}
spec:
  tolerations: [{operator: Exists}]
  containers:
  - {name: web, image: nginx:1.27, ports: [{containerPort: 8088}], resources: {limits: {memory: 64Mi, cpu: 200m}}}
  - {name: tail, image: busybox, command: [sh, -c, 'tail -f /dev/null']}
";

fn podcheck(args: &[&str]) -> Command {
    let mut command = Command::new(PODCHECK);
    command.args(args).env_remove("PODCHECK_REQUIRE").env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

fn output(args: &[&str]) -> Output {
    podcheck(args).output().expect("podcheck starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("the temporary folder is writable");
    path
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("there is a folder for temporary files")
}

/// Whether a runtime is on this machine, as `podcheck doctor` says it.
fn is_here(runtime: &str) -> bool {
    let said = text(&output(&["doctor"]).stdout);
    said.lines().any(|line| line.trim() == format!("✓ {runtime}"))
}

/// Tests that bring Pods up need root; as an ordinary user they say so and end.
fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        eprintln!("skipped: needs root");
    }
    root
}

#[test]
fn help_is_no_error_and_wrong_usage_is() {
    assert_eq!(output(&["--help"]).status.code(), Some(0));
    assert_eq!(output(&[]).status.code(), Some(2));
    assert_eq!(output(&["run", "--nonsense"]).status.code(), Some(2));
    let bad = output(&["run", "--runtime", "podman"]);
    assert_eq!(bad.status.code(), Some(2));
    assert!(text(&bad.stderr).contains("engine, docker or containerd"), "{}", text(&bad.stderr));
}

#[test]
fn a_file_that_cannot_be_read_names_file_line_column_and_what_to_do() {
    let folder = scratch();
    let path = file(folder.path(), "typo.yaml", &MANIFEST.replace("ports:", "prots:"));
    let bad = output(&["run", &path.display().to_string()]);
    let said = text(&bad.stderr);
    assert_eq!(bad.status.code(), Some(2), "{said}");
    assert!(said.contains("typo.yaml:7:36"), "{said}");
    assert!(said.contains("ports"), "{said}");
    let missing = output(&["run", "/nonexistent/pod.yaml"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("/nonexistent/pod.yaml"));
}

#[test]
fn what_is_not_implemented_is_refused_by_name() {
    let folder = scratch();
    let labelled = MANIFEST.replace("spec:\n", "spec:\n  securityContext: {seLinuxOptions: {type: spc_t}}\n");
    let path = file(folder.path(), "labelled.yaml", &labelled);
    let refused = output(&["run", &path.display().to_string()]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("seLinuxOptions"), "{said}");
}

#[test]
fn nothing_executed_is_status_4() {
    assert_eq!(output(&["run", "--filter", "no-case-has-this-name"]).status.code(), Some(4));
    assert_eq!(output(&["list", "--filter", "no-case-has-this-name"]).status.code(), Some(4));
}

#[test]
fn the_suite_lists_itself_and_its_properties() {
    let cases = text(&output(&["list"]).stdout);
    assert!(cases.contains("pod/article"), "{cases}");
    let properties = text(&output(&["list", "--properties"]).stdout);
    let line = |id: &str| properties.lines().find(|line| line.starts_with(id)).unwrap_or_default();
    assert!(line("N3 ").contains("pod/article") && line("N3 ").contains("known otherwise on docker"), "{properties}");
    assert!(line("P3 ").contains("CRI-O"), "{properties}");
    let part = text(&output(&["list", "--properties", "--filter", "uts/hostname"]).stdout);
    assert!(part.contains("\n1 of ") && part.contains("no case here"), "{part}");
}

#[test]
fn lists_are_json_for_programs() {
    let list = |args: &[&str]| -> serde_json::Value {
        let printed = output(&[&["list", "--format", "json"], args].concat());
        assert_eq!(printed.status.code(), Some(0));
        serde_json::from_slice(&printed.stdout).expect("a list is JSON")
    };
    let cases = list(&[]);
    let article = cases["cases"].as_array().expect("a list").iter().find(|case| case["id"] == "pod/article");
    assert!(article.is_some_and(|case| case["shows"].to_string().contains("N3")), "{cases}");
    let properties = list(&["--properties"]);
    for of in properties["properties"].as_array().expect("a list") {
        let shown = of["cases"].as_array().is_some_and(|cases| !cases.is_empty());
        assert_eq!(shown, of["why_not"].is_null(), "{of}");
        let on: Vec<&str> = of["runtimes"].as_array().into_iter().flatten().filter_map(|name| name.as_str()).collect();
        // What is refused before a runtime is asked is shown by podcheck.
        let runtimes = on.iter().filter(|name| **name != "podcheck").count();
        let all = if on.contains(&"podcheck") && runtimes == 0 { 0 } else { 3 };
        assert_eq!(runtimes, if shown { all } else { 0 }, "{of}");
    }
}

#[test]
fn schemas_are_json_and_the_stored_one_is_current() {
    for of in ["case", "result"] {
        let printed = output(&["schema", of]);
        assert_eq!(printed.status.code(), Some(0));
        let schema: serde_json::Value = serde_json::from_slice(&printed.stdout).expect("a schema is JSON");
        assert!(schema.get("$schema").is_some(), "{schema}");
        let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/{of}.json"));
        let stored = std::fs::read_to_string(&stored).expect("the schema is in the repository");
        assert!(stored == text(&printed.stdout), "store it: podcheck schema {of} > schema/{of}.json");
    }
}

#[test]
fn a_plain_manifest_is_judged_by_the_contract_alone() {
    if !is_root() {
        return;
    }
    let folder = scratch();
    let path = file(folder.path(), "plain.yaml", MANIFEST);
    let path = path.display().to_string();
    let judged =
        podcheck(&["run", &path, "--format", "json"]).current_dir(folder.path()).output().expect("podcheck starts");
    assert_eq!(judged.status.code(), Some(0), "{}{}", text(&judged.stdout), text(&judged.stderr));
    let results: serde_json::Value = serde_json::from_slice(&judged.stdout).expect("the result is JSON");
    let records = results["records"].as_array().expect("records are a list");
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!(record["verdict"], "passed");
    assert!(record["checks_run"].as_u64().is_some_and(|checks| checks > 40), "{record}");
    assert_eq!(record["stand_ins"], serde_json::json!(["web", "tail"]));
    assert_eq!(record["replaced_commands"], serde_json::json!(["tail"]));
    assert!(record["not_acted_on"].to_string().contains("tolerations"), "{record}");
    assert_eq!(record["facts"]["members"]["web"]["limits"]["memory_bytes"], 67_108_864);
    let strict = podcheck(&["run", &path, "--strict"]).current_dir(folder.path()).output().expect("podcheck starts");
    assert_eq!(strict.status.code(), Some(3), "{}", text(&strict.stdout));
}

#[test]
fn a_result_compares_with_itself_and_shows_what_changed() {
    if !is_root() {
        return;
    }
    let folder = scratch();
    let old = folder.path().join("old.json").display().to_string();
    let run = output(&["run", "--filter", "limits/oom-score", "--format", "json", "--output", &old]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert_eq!(output(&["diff", &old, &old]).status.code(), Some(0));
    let changed =
        std::fs::read_to_string(&old).expect("the result is there").replace("\"score_adj\": 969", "\"score_adj\": 970");
    let new = file(folder.path(), "new.json", &changed).display().to_string();
    let diff = output(&["diff", &old, &new]);
    assert_eq!(diff.status.code(), Some(1));
    assert!(text(&diff.stdout).contains("oom.score_adj: 969 → 970"), "{}", text(&diff.stdout));
    let unwritable = output(&["run", "--filter", "limits/oom-score", "--output", "/nonexistent/result.json"]);
    assert_eq!(unwritable.status.code(), Some(2), "{}", text(&unwritable.stderr));
}

#[test]
fn a_skip_for_want_of_an_ability_is_no_failure_until_it_is_forbidden() {
    if !is_root() {
        return;
    }
    // No host has both generations of cgroups for the same controller: one of the two is skipped anywhere.
    let folder = scratch();
    for ability in ["cgroup-v1", "cgroup-v2"] {
        let case = format!(
            "about: A case for one generation.\nshows: [N1]\nrequires: [{ability}]\n\
             source: https://docs.kernel.org/admin-guide/cgroup-v2.html\n\
             pod: {{containers: [{{name: lamp, image: podcheck}}]}}\n"
        );
        file(folder.path(), &format!("{ability}.yaml"), &case);
    }
    let run = |require: &str| {
        let path = folder.path().display().to_string();
        let args = ["run", path.as_str(), "--format", "json"];
        let output = podcheck(&args).env("PODCHECK_REQUIRE", require).current_dir(folder.path()).output();
        let output = output.expect("podcheck starts");
        let results: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the result is JSON");
        let records = results["records"].as_array().expect("records are a list").clone();
        (output.status.code(), records)
    };
    let (status, records) = run("engine");
    assert!(matches!(status, Some(0 | 4)), "{status:?}");
    let skipped = records.iter().find(|record| record["verdict"] == "skipped").expect("one is skipped");
    let (status, records) = run("engine,no-skips");
    assert_eq!(status, Some(3));
    let forbidden = records.iter().find(|record| record["id"] == skipped["id"]).expect("the same case");
    assert_eq!(forbidden["verdict"], "broken");
    let (why, because) = (skipped["reason"].as_str().expect("text"), forbidden["reason"].as_str().expect("text"));
    assert!(because.contains(why) && because.contains("PODCHECK_REQUIRE"), "{because}");
}

#[test]
fn an_ordinary_user_is_told_that_root_is_needed() {
    if !is_root() {
        return;
    }
    // The build folder need not be open to others: a copy is.
    let folder = tempfile::Builder::new().permissions(open_to_all()).tempdir().expect("a temporary folder");
    let copy = folder.path().join("podcheck");
    std::fs::copy(PODCHECK, &copy).expect("the binary can be copied");
    let refused = Command::new(&copy).args(["run"]).uid(NOBODY).gid(NOBODY).output().expect("podcheck starts");
    let said = text(&refused.stdout) + &text(&refused.stderr);
    assert!(matches!(refused.status.code(), Some(3 | 4)), "{:?} {said}", refused.status);
    assert!(said.contains("root"), "{said}");
    assert_eq!(
        Command::new(&copy).args(["list"]).uid(NOBODY).gid(NOBODY).output().expect("starts").status.code(),
        Some(0)
    );
}

fn open_to_all() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o755)
}

/// A Pod that is held up by `--keep`, and the run it belongs to.
struct Kept {
    child: Child,
    run: String,
    pids: Vec<i32>,
}

impl Kept {
    fn start() -> Kept {
        Kept::start_with(&[])
    }

    fn start_with(more: &[&str]) -> Kept {
        Kept::start_by(&mut podcheck(&[]), more)
    }

    /// By a command that takes podcheck's arguments.
    fn start_by(command: &mut Command, more: &[&str]) -> Kept {
        let mut child = command
            .args(["run", "--filter", "pod/article", "--keep"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("podcheck starts");
        let stderr = child.stderr.take().expect("standard error is piped");
        let (mut run, mut pids, mut said) = (String::new(), Vec::new(), String::new());
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            said.push_str(&line);
            if let Some((_, rest)) = line.split_once("/run/podcheck/") {
                run = rest.split('/').next().unwrap_or_default().to_owned();
            }
            if let Some((_, pid)) = line.split_once(": pid ") {
                pids.push(pid.parse().expect("a pid"));
            }
            if line.contains("press Enter") {
                break;
            }
        }
        assert!(!run.is_empty() && pids.len() == 3, "no Pod came up: {said}");
        Kept { child, run, pids }
    }

    /// Ends it as a user does.
    fn end(&mut self) {
        self.child.stdin.take().expect("piped").write_all(b"\n").expect("podcheck reads");
        assert_eq!(self.child.wait().expect("podcheck ends").code(), Some(0));
        self.assert_gone();
    }

    /// Ends podcheck and the run's supervisor at once, so that nobody sweeps.
    fn kill_with_supervisor(&mut self) {
        let dir = format!("/run/podcheck/{}", self.run);
        let pids = podcheck::host::pids().expect("/proc is readable");
        let mut processes = pids.into_iter().filter_map(|pid| podcheck::host::Process::open(pid).ok());
        let supervises = |process: &podcheck::host::Process| {
            let words = process.read("cmdline").unwrap_or_default();
            words.split('\0').skip(1).take(2).eq([podcheck::host::SUPERVISOR_ROLE, &dir])
        };
        let supervisor = processes.find(supervises).expect("a run has a supervisor");
        supervisor.signal(nix::sys::signal::Signal::SIGKILL).expect("it is ours");
        self.child.kill().expect("podcheck runs");
        self.child.wait().expect("podcheck ends");
    }

    /// What of the run is still on the host.
    fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        if Path::new("/run/podcheck").join(&self.run).exists() {
            left.push(format!("/run/podcheck/{}", self.run));
        }
        left.extend(self.pids.iter().filter(|pid| alive(**pid)).map(|pid| format!("process {pid}")));
        let pattern = format!("*podcheck/{}*", self.run);
        let mut find = Command::new("find");
        find.args(["/sys/fs/cgroup", "-type", "d", "-path", &pattern]);
        left.extend(text(&find.output().expect("find runs").stdout).lines().map(str::to_owned));
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo is readable");
        left.extend(mounts.lines().filter(|line| line.contains(&self.run)).map(str::to_owned));
        left
    }

    fn assert_gone(&self) {
        let begun = Instant::now();
        while !self.left().is_empty() && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(self.left(), Vec::<String>::new());
    }
}

fn alive(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm"))
        .is_ok_and(|comm| comm.contains("ready") || comm.contains("pause"))
}

#[test]
fn a_kept_pod_stays_until_enter_and_is_gone_then() {
    if !is_root() {
        return;
    }
    let mut kept = Kept::start();
    assert!(!kept.left().is_empty(), "a kept Pod is on the host");
    let inspected = output(&["inspect", &kept.pids[0].to_string(), &format!("app={}", kept.pids[1])]);
    assert_eq!(inspected.status.code(), Some(0), "{}", text(&inspected.stderr));
    assert!(text(&inspected.stdout).contains("net    sandbox app   (shared)"), "{}", text(&inspected.stdout));
    kept.end();
}

#[test]
fn ctrl_c_leaves_nothing() {
    if !is_root() {
        return;
    }
    let mut kept = Kept::start();
    // Waiting for a child closes its standard input, and a kept Pod ends with that: it is held open here.
    let _stdin = kept.child.stdin.take();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(kept.child.id()).expect("a pid"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("podcheck runs");
    assert_eq!(kept.child.wait().expect("podcheck ends").code(), Some(130));
    assert_eq!(kept.left(), Vec::<String>::new());
}

#[test]
fn a_killed_run_is_swept() {
    if !is_root() {
        return;
    }
    let mut kept = Kept::start();
    kept.child.kill().expect("podcheck runs");
    kept.child.wait().expect("podcheck ends");
    let swept = output(&["sweep"]);
    assert_eq!(swept.status.code(), Some(0), "{}", text(&swept.stderr));
    kept.assert_gone();
}

/// A cgroup of the host in every hierarchy, gone again at the end.
struct Parent {
    path: String,
    dirs: Vec<PathBuf>,
    /// Files above them, and what takes back what was written into these.
    enabled: Vec<(PathBuf, String)>,
}

impl Parent {
    fn make() -> Parent {
        let path = format!("/podcheck-command-line-{}", std::process::id());
        let hierarchies = podcheck::host::cgroup::Hierarchies::detect().expect("there are cgroups");
        let dirs: Vec<PathBuf> = hierarchies.list().iter().map(|hierarchy| hierarchy.dir(&path)).collect();
        let mut enabled = Vec::new();
        for dir in &dirs {
            std::fs::create_dir(dir).expect("root may make cgroups");
            // What v2's root does not hand down yet is handed down for as long as this is there.
            let above = dir.parent().expect("the root");
            let file = above.join("cgroup.subtree_control");
            if let Ok(before) = std::fs::read_to_string(&file) {
                podcheck::host::cgroup::hand_down_in(above).expect("the root hands down");
                let after = std::fs::read_to_string(&file).expect("it was readable");
                let new = after.split_whitespace().filter(|name| before.split_whitespace().all(|old| old != *name));
                enabled.extend(new.map(|name| (file.clone(), format!("-{name}"))));
            }
            for name in ["cpuset.cpus", "cpuset.mems"].map(|name| dir.join(name)).iter().filter(|file| file.exists()) {
                let above = dir.parent().expect("the root").join(name.file_name().expect("a name"));
                if let Ok(value) = std::fs::read_to_string(above) {
                    std::fs::write(name, value.trim()).expect("a cpuset takes what its parent has");
                }
            }
        }
        Parent { path, dirs, enabled }
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        for dir in &self.dirs {
            let _ = std::fs::remove_dir(dir);
        }
        for (file, off) in &self.enabled {
            let _ = std::fs::write(file, off);
        }
    }
}

#[test]
fn the_cgroups_of_a_run_lie_below_the_root_that_is_asked_for_and_are_swept_there() {
    if !is_root() {
        return;
    }
    let parent = Parent::make();
    let arguments = ["--cgroup-root", parent.path.as_str()];
    let mut kept = Kept::start_with(&arguments);
    let cgroup = std::fs::read_to_string(format!("/proc/{}/cgroup", kept.pids[1])).expect("it runs");
    let own = format!(":{}/podcheck/{}-", parent.path, kept.run);
    assert!(cgroup.lines().all(|line| line.contains(&own)), "{cgroup}");
    kept.child.kill().expect("podcheck runs");
    kept.child.wait().expect("podcheck ends");
    // Without being told where: the run's record says so.
    let swept = output(&["sweep"]);
    assert_eq!(swept.status.code(), Some(0), "{}", text(&swept.stderr));
    kept.assert_gone();
    let ordinary = [&["run", "--filter", "limits/memory"], arguments.as_slice()].concat();
    assert_eq!(output(&ordinary).status.code(), Some(0));
    for dir in &parent.dirs {
        std::fs::remove_dir(dir).expect("nothing was left in it");
    }
}

#[test]
fn a_cgroup_root_that_cannot_be_is_said_once() {
    let relative = output(&["run", "--cgroup-root", "ci"]);
    assert_eq!(relative.status.code(), Some(2));
    assert!(text(&relative.stderr).contains("begins with `/`"), "{}", text(&relative.stderr));
    let node = podcheck(&["run"]).env("PODCHECK_CGROUP_ROOT", "/kubepods").output().expect("podcheck starts");
    assert_eq!(node.status.code(), Some(2));
    assert!(text(&node.stderr).contains("kubelet"), "{}", text(&node.stderr));
    if is_root() {
        let missing = output(&["run", "--cgroup-root", "/no-such-cgroup"]);
        assert_eq!(missing.status.code(), Some(3));
        assert_eq!(text(&missing.stderr).matches("no-such-cgroup").count(), 2, "{}", text(&missing.stderr));
    }
}

#[test]
fn what_crun_writes_where_the_unified_hierarchy_is_hidden_does_not_reach_the_host() {
    // crun is shown a hybrid host without it, and takes the mount point for a hierarchy all the same.
    let point = "/sys/fs/cgroup/unified";
    if !is_root() {
        return;
    }
    if !Path::new(point).join("cgroup.procs").exists() {
        eprintln!("skipped: no hybrid host, nothing is mounted at {point}");
        return;
    }
    let beneath = || {
        let look = format!("umount --lazy {point} && find {point}");
        let output = Command::new("unshare").args(["--mount", "sh", "-c", &look]).output().expect("unshare is there");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let before = beneath();
    let run = output(&["run", "--filter", "limits/oom-score", "--runtime", "containerd+crun"]);
    if text(&run.stderr).contains("containerd+crun is not here") {
        eprintln!("skipped: {}", text(&run.stderr));
        return;
    }
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stdout));
    let new: Vec<_> =
        beneath().lines().filter(|line| !before.lines().any(|old| old == *line)).map(str::to_owned).collect();
    assert_eq!(new, [""; 0]);
}

#[test]
fn the_engine_holds_on_linux_4_19() {
    if !is_root() {
        return;
    }
    // Every system call younger than Linux 4.19 answers ENOSYS in the engine and in what it starts. The filter that does so
    // is seen in the containers, as S7 should: that and nothing else may be found, and shows that the filter was there.
    let folder = scratch();
    let mut run = podcheck(&["run", "--format", "json"]);
    let run = run.env("PODCHECK_ENGINE_FLOOR", "4.19").current_dir(folder.path()).output().expect("podcheck starts");
    let results: serde_json::Value = serde_json::from_slice(&run.stdout).expect("the result is JSON");
    let records = results["records"].as_array().expect("records are a list");
    assert!(records.len() > 30, "{}", text(&run.stderr));
    for record in records {
        let word = |key: &str| record[key].as_str().unwrap_or_default();
        let (id, reason) = (word("id"), word("reason"));
        if record["verdict"] == "skipped" {
            // The floor has no mounts whose users are mapped; what else is needed, this machine or the engine lacks without it too.
            let lacks = ["idmapped mounts", "the engine has no daemon"].iter().any(|what| reason.contains(what));
            assert!(lacks || reason.starts_with("needs "), "{id}: {reason}");
            continue;
        }
        let broken: Vec<_> =
            record["findings"].as_array().expect("a list").iter().filter(|f| f["outcome"] == "broken").collect();
        let other = broken.iter().find(|finding| finding["property"] != "S7");
        assert_eq!((other, reason), (None, ""), "{id}");
        // What is refused has no members.
        let Some(members) = record["facts"]["members"].as_object() else {
            assert!(record["facts"].is_null() && record["checks_run"] != 0, "{id}");
            continue;
        };
        let shows = members.iter().any(|(name, member)| name != "sandbox" && member["state"] == "running");
        // Where every container of a Pod has a profile, one filter more cannot be told from it.
        let told = shows && !id.contains("security/seccomp");
        assert!(!told || !broken.is_empty(), "{id} ran without the filter");
    }
}
