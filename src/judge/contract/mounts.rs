//! M and the /dev/shm halves of I: what a container sees mounted.

use super::places::{place, takes_over};
use super::volumes;
use super::{Court, Member, Rule, is, must, should, shown};
use crate::facts::Looked;
use crate::judge::look::within;
use crate::pod::Container;
use serde_json::{Map, Value, json};

const FILESYSTEMS: &str =
    "https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-filesystems";
const SECURITY: &str = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/";
const PROC_MOUNT: &str = "https://github.com/kubernetes/kubernetes/blob/master/pkg/securitycontext/util.go";
const UNMASKED: &str =
    "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#managing-access-to-the-proc-filesystem";
const PRIVILEGED: &str = "https://kubernetes.io/docs/concepts/workloads/pods/#privileged-mode-for-containers";
const CGROUP_MOUNT: &str = "https://github.com/containerd/containerd/blob/main/internal/cri/server/container_create.go";
const SHM: &str = "https://github.com/containerd/containerd/blob/main/internal/cri/server/helpers_linux.go";
const POD: &str = "https://kubernetes.io/docs/concepts/workloads/pods/#resource-sharing-and-communication";
const MOUNT_NAMESPACES: &str = "https://man7.org/linux/man-pages/man7/mount_namespaces.7.html";

/// Paths that a kubelet asks to cover.
const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// Paths that a kubelet asks to make read-only.
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Paths whose presence on the host decides whether a container can have them covered: for [`super::HostCaps::paths`].
pub fn paths_to_probe() -> impl Iterator<Item = &'static str> {
    MASKED.into_iter().chain(READ_ONLY)
}

pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    let Some(container) = member.container else { return };
    let Some(mounts) = mounts(court, container) else { return };
    judge_root(court, container, mounts);
    volumes::judge(court, container, mounts);
    judge_file_systems(court, container, mounts);
    judge_shm(court, container, mounts);
    judge_cgroup_mount(court, container, mounts);
    judge_covered(court, container, mounts);
}

/// The mounts of a member; a finding if they are not known.
fn mounts<'a>(court: &mut Court<'a>, container: &Container) -> Option<&'a Map<String, Value>> {
    if let Looked::Value(Value::Object(mounts)) = court.look(&container.name, "mounts") {
        return Some(mounts);
    }
    court.check(must("M11", FILESYSTEMS), (&container.name, "mounts"), "a list of mounts", |seen| Err(shown(seen)));
    None
}

/// Asks something of the mount on a path; `Err` is what was seen instead.
pub(super) fn ask(
    court: &mut Court<'_>,
    rule: Rule,
    (container, target): (&Container, &str),
    mounts: &Map<String, Value>,
    expected: &str,
    test: impl FnOnce(&Value) -> Result<String, String>,
) {
    let place = place(court.facts, &container.name, target);
    let result = mounts.get(&place).map_or_else(|| Err("no mount there".to_owned()), test);
    court.found(rule, (&container.name, &within("mounts", &place)), expected, result);
}

pub(super) fn text<'a>(mount: &'a Value, key: &str) -> &'a str {
    mount.get(key).and_then(Value::as_str).unwrap_or("unknown")
}

pub(super) fn has(mount: &Value, key: &str, option: &str) -> bool {
    mount.get(key).and_then(Value::as_array).is_some_and(|list| list.iter().any(|o| o.as_str() == Some(option)))
}

/// `ro` or `rw`, as the mount's own flags say; a read-only file system below is read-only too.
pub(super) fn access(mount: &Value) -> &'static str {
    match (has(mount, "options", "ro") || has(mount, "superblock", "ro"), has(mount, "options", "rw")) {
        (true, _) => "ro",
        (false, true) => "rw",
        (false, false) => "neither ro nor rw",
    }
}

pub(super) fn is_access(mount: &Value, wanted: &str) -> Result<String, String> {
    match access(mount) {
        seen if seen == wanted => Ok(seen.to_owned()),
        // Said apart: one file system for several mounts is what whoever mounted it first made it.
        "ro" if has(mount, "options", "rw") => Err("ro by its superblock".to_owned()),
        seen => Err(seen.to_owned()),
    }
}

pub(super) fn is_text(mount: &Value, key: &str, wanted: &str) -> Result<String, String> {
    let seen = text(mount, key);
    if seen == wanted { Ok(seen.to_owned()) } else { Err(seen.to_owned()) }
}

/// M5.
fn judge_root(court: &mut Court<'_>, container: &Container, mounts: &Map<String, Value>) {
    let wanted = if container.security.read_only_root_filesystem { "ro" } else { "rw" };
    ask(court, must("M5", SECURITY), (container, "/"), mounts, wanted, |mount| is_access(mount, wanted));
}

/// M11: the file systems that every program expects.
fn judge_file_systems(court: &mut Court<'_>, container: &Container, mounts: &Map<String, Value>) {
    let rule = must("M11", FILESYSTEMS);
    for (target, kind) in
        [("/proc", "proc"), ("/sys", "sysfs"), ("/dev", "tmpfs"), ("/dev/pts", "devpts"), ("/dev/mqueue", "mqueue")]
    {
        if !takes_over(court.facts, container, target) {
            ask(court, rule, (container, target), mounts, kind, |mount| is_text(mount, "type", kind));
        }
    }
    judge_proc_and_pts(court, container, mounts);
    if !takes_over(court.facts, container, "/dev") {
        ask(court, should("M11", FILESYSTEMS), (container, "/dev"), mounts, "rw", |mount| is_access(mount, "rw"));
    }
    if !takes_over(court.facts, container, "/sys") {
        let privileged = container.security.privileged;
        let (rule, wanted) =
            if privileged { (must("S5", PRIVILEGED), "rw") } else { (should("M11", FILESYSTEMS), "ro") };
        ask(court, rule, (container, "/sys"), mounts, wanted, |mount| is_access(mount, wanted));
    }
}

/// How the two that are made anew for each container are mounted: /proc whole, and safe from what could be put there; a
/// terminal multiplexer that everyone can open.
fn judge_proc_and_pts(court: &mut Court<'_>, container: &Container, mounts: &Map<String, Value>) {
    let rule = should("M11", FILESYSTEMS);
    if !takes_over(court.facts, container, "/proc") {
        ask(court, rule, (container, "/proc"), mounts, "rw, nosuid, nodev and noexec", |mount| {
            let missing: Vec<&str> =
                ["rw", "nosuid", "nodev", "noexec"].into_iter().filter(|o| !has(mount, "options", o)).collect();
            if missing.is_empty() {
                Ok("as it should be".to_owned())
            } else {
                Err(format!("without {}", missing.join(", ")))
            }
        });
        ask(court, rule, (container, "/proc"), mounts, "every process shown", |mount| {
            let superblock = mount.get("superblock");
            let options = super::texts(superblock).ok_or_else(|| shown(superblock))?;
            let hides = |o: &&str| o.starts_with("hidepid=") || o.starts_with("subset=");
            let hiding: Vec<&str> = options.into_iter().filter(hides).collect();
            if hiding.is_empty() { Ok("every process shown".to_owned()) } else { Err(hiding.join(", ")) }
        });
    }
    if !takes_over(court.facts, container, "/dev/pts") {
        ask(court, rule, (container, "/dev/pts"), mounts, "ptmxmode=666", |mount| {
            if has(mount, "superblock", "ptmxmode=666") {
                Ok("ptmxmode=666".to_owned())
            } else {
                Err(shown(mount.get("superblock")))
            }
        });
    }
}

/// I2 to I4: the Pod's shared memory, 64 MiB that nothing is executed from; with hostIPC the host's.
fn judge_shm(court: &mut Court<'_>, container: &Container, mounts: &Map<String, Value>) {
    const AT: &str = "/dev/shm";
    if takes_over(court.facts, container, AT) {
        return;
    }
    let name = container.name.as_str();
    if court.pod.spec.host_ipc {
        return court.check(must("I4", POD), (name, "shm.of"), "the host's /dev/shm", |seen| is(seen, &json!("host")));
    }
    court.check(must("I2", POD), (name, "shm.of"), "the Pod's /dev/shm", |seen| match seen.and_then(Value::as_str) {
        Some(of) if matches!(of, "sandbox" | "own") || of.starts_with('=') => Ok(()),
        _ => Err(shown(seen)),
    });
    ask(court, must("I2", POD), (container, AT), mounts, "tmpfs", |mount| is_text(mount, "type", "tmpfs"));
    ask(court, must("I2", POD), (container, AT), mounts, "rw", |mount| is_access(mount, "rw"));
    court.equals(should("I3", SHM), (name, "shm.size_bytes"), json!(64 << 20));
    court.equals(should("I3", SHM), (name, "shm.mode"), json!("1777"));
    ask(court, should("I3", SHM), (container, AT), mounts, "nosuid, nodev and noexec", |mount| {
        let missing: Vec<&str> =
            ["nosuid", "nodev", "noexec"].into_iter().filter(|o| !has(mount, "options", o)).collect();
        match missing.is_empty() {
            true => Ok("nosuid, nodev and noexec".to_owned()),
            false => Err(format!("without {}", missing.join(", "))),
        }
    });
}

/// M8: nobody changes their own limits.
fn judge_cgroup_mount(court: &mut Court<'_>, container: &Container, mounts: &Map<String, Value>) {
    const AT: &str = "/sys/fs/cgroup";
    if container.security.privileged || takes_over(court.facts, container, AT) {
        return;
    }
    // On v1 a tmpfs with nothing but mount points in it holds the hierarchies; that it is writable opens no cgroup.
    let is_cgroup = |mount: &Value| matches!(text(mount, "type"), "cgroup" | "cgroup2");
    let below = |target: &str| target == AT || target.starts_with("/sys/fs/cgroup/");
    let at_or_below: Vec<_> = mounts.iter().filter(|(target, mount)| below(target) && is_cgroup(mount)).collect();
    let open: Vec<&str> = at_or_below.iter().filter(|(_, m)| access(m) != "ro").map(|(t, _)| t.as_str()).collect();
    let result = match (at_or_below.is_empty(), open.is_empty()) {
        (true, _) => Err("no mount there".to_owned()),
        (false, true) => Ok("ro".to_owned()),
        (false, false) => Err(format!("writable: {}", open.join(", "))),
    };
    let place = at_or_below.first().map_or(AT, |(target, _)| target.as_str());
    court.found(must("M8", CGROUP_MOUNT), (&container.name, &within("mounts", place)), "ro", result);
}

/// M6 and M7, and that a privileged container has nothing covered (S5).
fn judge_covered(court: &mut Court<'_>, container: &Container, mounts: &Map<String, Value>) {
    let host = court.host;
    let present = |path: &&str| host.paths.contains(*path) && !takes_over(court.facts, container, path);
    for path in MASKED.into_iter().filter(present) {
        judge_one(court, (container, path), mounts, must("M6", PROC_MOUNT), "masked", |m| {
            is_text(m, "source", "masked")
        });
    }
    for path in READ_ONLY.into_iter().filter(present) {
        judge_one(court, (container, path), mounts, must("M7", PROC_MOUNT), "ro", |mount| is_access(mount, "ro"));
    }
}

fn judge_one(
    court: &mut Court<'_>,
    (container, path): (&Container, &str),
    mounts: &Map<String, Value>,
    rule: Rule,
    wanted: &str,
    test: impl Fn(&Value) -> Result<String, String>,
) {
    let (property, source, because) = match (container.security.privileged, container.security.unmasked) {
        (false, false) => return ask(court, rule, (container, path), mounts, wanted, test),
        (true, _) => ("S5", PRIVILEGED, "as it is privileged"),
        (false, true) => ("S9", UNMASKED, "as procMount asks"),
    };
    let seen = mounts.get(path).map(|mount| test(mount).is_ok());
    let result = if seen == Some(true) { Err(wanted.to_owned()) } else { Ok(format!("not {wanted}")) };
    let at = within("mounts", path);
    court.found(must(property, source), (&container.name, &at), format!("not {wanted}, {because}"), result);
}

/// I2, I4 and M1: one /dev/shm for all, a root for each.
pub(super) fn judge_sharing(court: &mut Court<'_>) {
    let running: Vec<Member<'_>> = court.running();
    let containers = || running.iter().filter_map(|m| m.container);
    let shm: Vec<&str> =
        containers().filter(|c| !takes_over(court.facts, c, "/dev/shm")).map(|c| c.name.as_str()).collect();
    for pair in shm.windows(2) {
        let rule = must(if court.pod.spec.host_ipc { "I4" } else { "I2" }, POD);
        let words = format!("the /dev/shm of {}", pair[0]);
        compare(
            court,
            rule,
            (pair[1], pair[0], "shm"),
            &words,
            |same| if same { Ok("the same") } else { Err("another") },
        );
    }
    let names: Vec<&str> = containers().map(|c| c.name.as_str()).collect();
    for (i, name) in names.iter().enumerate() {
        for other in &names[..i] {
            let words = format!("another root than {other}'s");
            compare(court, must("M1", MOUNT_NAMESPACES), (name, other, "root"), &words, |same| {
                if same { Err("the same root") } else { Ok("another root") }
            });
        }
    }
}

pub(super) fn compare(
    court: &mut Court<'_>,
    rule: Rule,
    (one, other, kind): (&str, &str, &str),
    expected: &str,
    test: impl FnOnce(bool) -> Result<&'static str, &'static str>,
) {
    let result = match (court.identity(one, kind), court.identity(other, kind)) {
        (Some(a), Some(b)) => test(a == b).map(str::to_owned).map_err(str::to_owned),
        (None, _) => Err(format!("{one} has no {kind} to compare")),
        (_, None) => Err(format!("{other} has no {kind} to compare")),
    };
    court.found(rule, (one, kind), expected, result);
}
