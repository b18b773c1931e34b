//! A Pod, the document of what is seen of it where all is well, and changes to that document.

mod kinds;
mod kinds_of_containers;
mod places;
mod pod_level;
mod red;
mod security;
mod unseen;
mod volumes;

use super::*;
use crate::pod::{DnsConfig, PodSpec, Quantity, Resources, Volume, VolumeMount, VolumeSource};
use serde_json::{Map, json};

const MI: u128 = 1000 << 20;

fn quantity(milli: u128) -> Option<Quantity> {
    Some(Quantity { milli })
}

fn host(cgroup: &str) -> HostCaps {
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    HostCaps {
        cgroup: cgroup.to_owned(),
        driver: CgroupDriver::Cgroupfs,
        abilities: names(&["cap-sys-resource"]),
        paths: paths_to_probe().map(str::to_owned).collect(),
        capabilities: names(&["AUDIT_WRITE", "CHOWN", "MKNOD", "NET_ADMIN", "SYS_ADMIN", "SYS_PTRACE"]),
        page_bytes: 4096,
    }
}

/// Two containers with all that a manifest can ask for spread over them.
fn pod() -> Pod {
    let mut app = Container { name: "app".to_owned(), image: "podcheck".to_owned(), ..Container::default() };
    app.resources = Resources {
        cpu_limit: quantity(500),
        cpu_request: quantity(250),
        memory_limit: quantity(256 * MI),
        ..Resources::default()
    };
    app.env = vec![("COLOUR".to_owned(), "red".to_owned())];
    app.working_dir = Some("/data".to_owned());
    app.volume_mounts = vec![
        VolumeMount { name: "data".to_owned(), mount_path: "/data/".to_owned(), ..VolumeMount::default() },
        VolumeMount {
            name: "keys".to_owned(),
            mount_path: "/keys".to_owned(),
            read_only: true,
            ..VolumeMount::default()
        },
    ];
    let mut side = Container { name: "side".to_owned(), image: "podcheck".to_owned(), ..Container::default() };
    side.resources.memory_limit = quantity(10_000_001_000);
    side.security.run_as_user = Some(1000);
    side.security.run_as_group = Some(2000);
    side.security.run_as_non_root = Some(true);
    side.security.allow_privilege_escalation = Some(false);
    side.security.read_only_root_filesystem = true;
    side.security.capabilities_add = vec!["NET_ADMIN".to_owned()];
    side.security.capabilities_drop = vec!["MKNOD".to_owned()];
    let volume = |name: &str| Volume { name: name.to_owned(), source: VolumeSource::EmptyDir };
    let mut spec =
        PodSpec { containers: vec![app, side], volumes: vec![volume("data"), volume("keys")], ..Default::default() };
    spec.security.supplemental_groups = vec![3000];
    spec.dns = Some(DnsConfig {
        nameservers: vec!["10.0.0.10".to_owned()],
        searches: vec!["example".to_owned()],
        options: vec!["ndots:5".to_owned()],
    });
    Pod { name: "foo".to_owned(), namespace: "default".to_owned(), uid: None, labels: Default::default(), spec }
}

fn stand_ins() -> BTreeMap<String, Vec<String>> {
    let argv = |name: &str| vec!["/bin/serve".to_owned(), "--name".to_owned(), name.to_owned()];
    ["app", "side"].into_iter().map(|name| (name.to_owned(), argv(name))).collect()
}

const DEFAULT_SET: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn mount(kind: &str, access: &str, source: &str) -> Value {
    json!({"type": kind, "options": [access, "nosuid", "nodev", "noexec"], "superblock": ["rw", "size=65536k", "ptmxmode=666"],
        "propagation": "private", "source": source, "root": "/"})
}

fn volume(access: &str, source: &str) -> Value {
    let mut volume = mount("bind", access, source);
    volume["options"] = json!([access]);
    volume
}

fn inherited() -> Value {
    let mut facts = json!({"umask": "0022", "limits": {}});
    for fact in ["nice", "policy", "io_priority", "cpus", "mems", "personality"] {
        facts[fact] = json!("inherited");
    }
    facts
}

fn mounts(root_access: &str) -> Map<String, Value> {
    let mut mounts = Map::new();
    for (target, value) in [
        ("/", mount("overlay", root_access, "overlay")),
        ("/proc", mount("proc", "rw", "proc")),
        ("/dev", mount("tmpfs", "rw", "tmpfs")),
        ("/dev/pts", mount("devpts", "rw", "devpts")),
        ("/dev/mqueue", mount("mqueue", "rw", "mqueue")),
        ("/dev/shm", mount("tmpfs", "rw", "shm")),
        ("/sys", mount("sysfs", "ro", "sysfs")),
        ("/sys/fs/cgroup", mount("tmpfs", "ro", "tmpfs")),
        ("/sys/fs/cgroup/<controller>", mount("cgroup", "ro", "cgroup")),
        ("/etc/hosts", mount("bind", "rw", "hosts")),
        ("/etc/hostname", mount("bind", root_access, "hostname")),
        ("/etc/resolv.conf", mount("bind", root_access, "resolv.conf")),
        ("/dev/termination-log", mount("bind", "rw", "termination-log")),
    ] {
        mounts.insert(target.to_owned(), value);
    }
    for path in paths_to_probe() {
        let read_only = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"].contains(&path);
        let value = if read_only { mount("proc", "ro", "proc") } else { mount("tmpfs", "ro", "masked") };
        mounts.insert(path.to_owned(), value);
    }
    mounts
}

fn container_facts(name: &str) -> Value {
    let app = name == "app";
    let mut all = mounts(if app { "rw" } else { "ro" });
    if app {
        all.insert("/data".to_owned(), volume("rw", "volume:data"));
        all.insert("/keys".to_owned(), volume("ro", "volume:keys"));
    }
    let mut bounding: Vec<&str> = DEFAULT_SET.to_vec();
    if !app {
        bounding.retain(|c| *c != "MKNOD");
        bounding.push("NET_ADMIN");
        bounding.sort_unstable();
    }
    let effective = if app { bounding.clone() } else { Vec::new() };
    let (uid, gid) = if app { (0, 0) } else { (1000, 2000) };
    let mut env = json!({"CONTAINER_NAME": name, "HOSTNAME": "foo", "HOME": if app { "/root" } else { "/" },
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"});
    if app {
        env["COLOUR"] = json!("red");
    }
    let hosts = "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n<address>\tfoo\n";
    json!({
        "state": "running",
        "namespaces": {"net": "sandbox", "ipc": "sandbox", "uts": "sandbox", "pid": "own", "mnt": "own", "user": "host",
            "cgroup": "host", "time": "host"},
        "is_pid_one": true,
        "cgroup": {"path": format!("kubepods/burstable/pod<uid>/<{name}>"), "elsewhere": {}, "outside": [], "unified": null},
        "limits": {
            "memory_bytes": if app { 268_435_456 } else { 9_998_336 },
            "memory_swap_bytes": if app { 268_435_456 } else { 9_998_336 },
            "cpu_quota_usec": if app { json!(50_000) } else { json!("max") },
            "cpu_period_usec": 100_000,
            "cpu_share": {"cpu.shares": if app { 256 } else { 2 }},
            "pids": "max",
            "oom_group": 1},
        "credentials": {"uid": [uid, uid, uid, uid], "gid": [gid, gid, gid, gid], "groups": [gid, 3000],
            "capabilities": {"effective": effective, "permitted": effective, "inheritable": [], "bounding": bounding, "ambient": []}},
        "security": {"no_new_privs": !app, "seccomp": "disabled", "apparmor": null,
            "devices": ["c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm"]},
        "mounts": all,
        "instances": {"/proc": "own", "/sys": "sandbox", "/dev": "own", "/dev/pts": "own", "/dev/mqueue": "sandbox"},
        "inherited": inherited(),
        "controls": {},
        "sysctls": {},
        "shm": {"of": "sandbox", "mode": "1777", "size_bytes": 67_108_864},
        "uts": {"hostname": "foo", "domainname": "<host>"},
        "oom": {"score_adj": if app { 969 } else { 999 }},
        "environment": {"args": ["/bin/serve", "--name", name], "env": env, "cwd": if app { "/data" } else { "/" }, "executable": "/bin/serve"},
        "files": {"/etc/hostname": "foo\n", "/etc/hosts": hosts,
            "/etc/resolv.conf": "search example\nnameserver 10.0.0.10\noptions ndots:5\n"},
    })
}

fn sandbox_facts() -> Value {
    json!({
        "state": "running",
        "namespaces": {"net": "own", "ipc": "own", "uts": "own", "pid": "own", "mnt": "own", "user": "host", "cgroup": "host", "time": "host"},
        "is_pid_one": true,
        "cgroup": {"path": "kubepods/burstable/pod<uid>/<sandbox>", "elsewhere": {}, "outside": [], "unified": null},
        "limits": {"memory_bytes": "max", "memory_swap_bytes": "max", "cpu_quota_usec": "max", "cpu_period_usec": 100_000,
            "cpu_share": {"cpu.shares": 2}, "pids": "max", "oom_group": 0},
        "credentials": {"uid": [65535, 65535, 65535, 65535],
            "capabilities": {"inheritable": [], "bounding": DEFAULT_SET, "ambient": []}},
        "instances": {"/proc": "own", "/sys": "own", "/dev": "own", "/dev/pts": "own", "/dev/mqueue": "own"},
        "inherited": inherited(),
        "controls": {},
        "sysctls": {},
        "security": {"no_new_privs": true, "seccomp": "filter", "devices": ["c *:* m", "c 1:3 rwm", "c 5:2 rwm"]},
        "mounts": {"/": mount("overlay", "ro", "rootfs")},
        "uts": {"hostname": "foo", "domainname": "<host>"},
        "oom": {"score_adj": -998},
    })
}

fn facts() -> Facts {
    let document = json!({
        "members": {"sandbox": sandbox_facts(), "app": container_facts("app"), "side": container_facts("side")},
        "pod": {"network": {"interfaces": {"lo": ["127.0.0.1/8"], "eth0": ["ipv4"]}, "up": ["eth0", "lo"], "routes": ["default via gateway dev eth0"]}, "strays": [],
            "cgroup": {"memory_bytes": 278_433_792, "cpu_quota_usec": "max", "cpu_period_usec": 100_000, "cpu_share": {"cpu.shares": 256}, "pids": "max", "oom_group": 0}},
    });
    let mut identities = vec![("app", "root", "2"), ("side", "root", "3")];
    identities.extend([("app", "termination-log", "4"), ("side", "termination-log", "5")]);
    for kind in ["shm", "hosts", "hostname", "resolv-conf"] {
        identities.extend([("app", kind, "1"), ("side", kind, "1")]);
    }
    let mut facts = Facts { document, ..Facts::default() };
    for (member, kind, identity) in identities {
        facts.identities.entry(member.to_owned()).or_default().insert(kind.to_owned(), identity.to_owned());
    }
    facts.sources.insert("members.app.limits".to_owned(), "/sys/fs/cgroup/memory/x".to_owned());
    facts.sources.insert("members.app.limits.cpu_share".to_owned(), "/sys/fs/cgroup/cpu/x/cpu.shares".to_owned());
    facts
}

fn judged(pod: &Pod, facts: &Facts, host: &HostCaps) -> Vec<Check> {
    contract(pod, &Node::default(), facts, host, &stand_ins(), &Default::default())
}

/// Property, member and place of what does not hold.
fn findings(checks: &[Check]) -> Vec<(&str, &str, &str)> {
    let broken = checks.iter().filter(|check| check.outcome == Outcome::Broken);
    broken.map(|check| (check.property.as_str(), check.member.as_str(), check.at.as_str())).collect()
}

/// Puts a value where a JSON pointer says; null takes the key away.
fn change(facts: &mut Facts, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = facts.document.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
    let object = parent.as_object_mut().unwrap_or_else(|| panic!("{pointer}"));
    let key = key.replace("~1", "/");
    match value {
        Value::Null => assert!(object.remove(&key).is_some(), "{pointer} was not there"),
        value => assert_ne!(object.insert(key, value.clone()), Some(value), "{pointer} was so already"),
    }
}
