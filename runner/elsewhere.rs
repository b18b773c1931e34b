//! A podcheck that shares a network with a run but does not see the run's record leaves the run's things alone.

use super::{Kept, PODCHECK, Parent, is_root, podcheck, text};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A mount namespace that was made before the run: what the run mounts is not seen in it.
struct Apart {
    child: Child,
}

impl Apart {
    /// One in which `script` has been run.
    fn begin(script: &str) -> Apart {
        Apart::begin_with(&[], script)
    }

    /// One that has other namespaces of its own besides.
    fn begin_with(others: &[&str], script: &str) -> Apart {
        let script = format!("set -e\n{script}\necho ready\nexec sleep 1000");
        let mut unshare = Command::new("unshare");
        unshare.args(others).args(["--mount", "--propagation", "private", "sh", "-c", &script]);
        let mut child = unshare.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("there is unshare");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("standard output is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it is text");
        assert_eq!(line, "ready\n");
        Apart { child }
    }

    /// podcheck in that namespace, without arguments yet.
    fn podcheck(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.child.id())).args(["--mount", "--net", "--", PODCHECK]);
        command.env_remove("PODCHECK_REQUIRE").env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    fn sweep(&self) -> Output {
        let swept = self.podcheck().arg("sweep").output().expect("there is nsenter");
        assert_eq!(swept.status.code(), Some(0), "{}", text(&swept.stderr));
        swept
    }

    /// Its root as the host sees it.
    fn root(&self) -> String {
        format!("/proc/{}/root", self.child.id())
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // It is our child, and not reaped before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The interfaces of a run's Pods that are there, by the names of its trials below a root directory.
fn interfaces(root: &str, kept: &Kept) -> BTreeSet<String> {
    let trials = format!("{root}/run/podcheck/{}/trials", kept.run);
    let tags = std::fs::read_dir(trials).expect("the run is there").flatten().map(|entry| entry.file_name());
    tags.map(|tag| format!("pchk{}", tag.to_string_lossy())).filter(|name| is_there(name)).collect()
}

/// Whether our network has an interface.
fn is_there(name: &str) -> bool {
    nix::net::if_::if_nametoindex(name).is_ok()
}

#[test]
fn the_interfaces_of_a_live_run_outlast_a_sweep_in_another_mount_namespace() {
    if !is_root() {
        return;
    }
    let apart = Apart::begin("");
    let mut kept = Kept::start();
    let before = interfaces("", &kept);
    assert!(!before.is_empty(), "a Pod with a network has an interface");
    let swept = apart.sweep();
    assert_eq!(interfaces("", &kept), before, "{}", text(&swept.stdout));
    kept.end();
    assert!(!before.iter().any(|name| is_there(name)), "{before:?}");
}

#[test]
fn the_interfaces_of_a_live_run_outlast_a_sweep_that_sees_neither_its_directory_nor_its_cgroups() {
    if !is_root() {
        return;
    }
    // As in a container that has the host's network, and everything else of its own.
    let parent = Parent::make();
    let hierarchies = podcheck::host::cgroup::Hierarchies::detect().expect("there are cgroups");
    let points = hierarchies.list().iter().map(|hierarchy| hierarchy.mount_point.display());
    let binds = parent.dirs.iter().zip(points).map(|(dir, point)| format!("mount --bind {} {point}\n", dir.display()));
    let apart = Apart::begin(&format!("mount -t tmpfs own /run\n{}", binds.collect::<String>()));
    let mut kept = Kept::start();
    let before = interfaces("", &kept);
    let swept = apart.sweep();
    assert_eq!(interfaces("", &kept), before, "{}", text(&swept.stdout));
    kept.end();
}

#[test]
fn a_killed_run_is_left_to_a_sweep_where_its_record_is_seen() {
    if !is_root() {
        return;
    }
    let apart = Apart::begin("");
    let mut kept = Kept::start_by(&mut apart.podcheck(), &[]);
    let before = interfaces(&apart.root(), &kept);
    assert!(!before.is_empty(), "a Pod with a network has an interface");
    kept.kill_with_supervisor();
    let swept = podcheck(&["sweep"]).output().expect("podcheck starts");
    let said = text(&swept.stdout);
    let there = Path::new("/run/podcheck").join(&kept.run).exists();
    assert!(there && said.contains(&kept.run) && said.contains("nsenter"), "{said}");
    let inside = apart.sweep();
    assert!(text(&inside.stdout).contains(&kept.run), "{}", text(&inside.stdout));
    kept.assert_gone();
    assert!(!before.iter().any(|name| is_there(name)), "{before:?}");
}

#[test]
fn a_killed_run_is_swept_once_nobody_can_see_its_record() {
    if !is_root() {
        return;
    }
    // The kernel's number of the first PID namespace, from which every process is seen.
    if std::fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() != "pid:[4026531836]") {
        eprintln!("skipped: processes outside this PID namespace may be in the run's mount namespace");
        return;
    }
    let apart = Apart::begin("");
    let mut kept = Kept::start_by(&mut apart.podcheck(), &[]);
    kept.kill_with_supervisor();
    drop(apart);
    // If a run of another test begins here first, that one sweeps.
    let swept = podcheck(&["sweep"]).output().expect("podcheck starts");
    assert_eq!(swept.status.code(), Some(0), "{}", text(&swept.stderr));
    kept.assert_gone();
}

/// A mount namespace with a network and a /run of its own, in which nothing of the host's files can be written.
fn read_only() -> Apart {
    let table = std::fs::read_to_string("/proc/self/mountinfo").expect("it is readable");
    let points = table.lines().filter_map(|line| line.split(' ').nth(4));
    let kernels = ["/proc", "/sys", "/dev"].map(Path::new);
    let files = points.filter(|point| !kernels.iter().any(|top| Path::new(point).starts_with(top)));
    // What is beneath another mount, or has a blank in its name, is not there by that name.
    let remounts = files.map(|point| format!("mount -o remount,bind,ro '{point}' 2>/dev/null || true\n"));
    let script = "ip link set lo up\nmount -t tmpfs own /run\n! touch /tmp/x 2>/dev/null\n! touch /var/x 2>/dev/null";
    Apart::begin_with(&["--net"], &format!("{}{script}", remounts.collect::<String>()))
}

#[test]
fn runtimes_write_nowhere_but_into_the_directory_of_their_run() {
    if !is_root() {
        return;
    }
    if std::fs::canonicalize("/etc/resolv.conf").is_ok_and(|file| file.starts_with("/run")) {
        eprintln!("skipped: /etc/resolv.conf leads into /run");
        return;
    }
    let apart = read_only();
    for runtime in ["engine", "containerd", "containerd+crun", "docker"] {
        let name = runtime.parse().expect("it is the name of a runtime");
        if let Some(reason) = podcheck::runtime::why_unavailable(&name) {
            eprintln!("skipped: {runtime}: {reason}");
            continue;
        }
        let mut command = apart.podcheck();
        let run = command.args(["run", "--filter", "exec/", "--runtime", runtime]);
        let run = run.output().expect("there is nsenter");
        let said = format!("{}{}", text(&run.stdout), text(&run.stderr));
        assert_eq!(run.status.code(), Some(0), "{runtime}: {said}");
        let left = std::fs::read_dir(format!("{}/run", apart.root())).expect("it is there");
        let left: Vec<_> = left.flatten().map(|entry| entry.file_name()).collect();
        assert!(left.is_empty(), "{runtime}: {left:?}");
    }
}
