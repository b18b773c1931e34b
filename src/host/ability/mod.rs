//! Abilities: what this host can or cannot do, probed once and without a trace, with the reason in every result.
//!
//! To add one: a line in one of the lists below, or a probe of its own.

mod probe;

use super::cgroup::{CgroupRoot, Hierarchies, Mode};
use super::{Process, huge_pages};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

/// Something that a host can or cannot do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ability {
    /// It can.
    pub present: bool,
    /// How that is known, or why it cannot.
    pub reason: String,
}

impl Ability {
    fn new(present: bool, reason: impl Into<String>) -> Ability {
        Ability { present, reason: reason.into() }
    }
}

/// Controllers that are an ability each, `<name>-controller`.
const CONTROLLERS: [&str; 10] =
    ["blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "hugetlb", "io", "memory", "pids"];

/// Namespace kinds that not every kernel has: the ability, and the file below /proc/self/ns.
const NAMESPACES: [(&str, &str); 3] =
    [("cgroup-namespaces", "cgroup"), ("time-namespaces", "time"), ("user-namespaces", "user")];

/// Capabilities that are an ability each, `cap-<name>`, with their numbers from `linux/capability.h`.
const CAPABILITIES: [(&str, u32); 9] = [
    ("mknod", 27),
    ("net-admin", 12),
    ("net-raw", 13),
    ("setfcap", 31),
    ("sys-admin", 21),
    ("sys-boot", 22),
    ("sys-chroot", 18),
    ("sys-ptrace", 19),
    ("sys-resource", 24),
];

/// What is not probed but known by the kernel's release: the ability, and the first release.
const BY_RELEASE: [(&str, (u32, u32)); 3] =
    [("clone-into-cgroup", (5, 7)), ("mount-setattr", (5, 12)), ("idmapped-tmpfs", (6, 3))];

/// Free huge pages of 2 MiB that are an ability: what a Pod of the suite uses at once, twice.
const FREE_HUGE_PAGES: u64 = 8;

/// What this host can do, by name. Probed at the first call, which takes some milliseconds.
pub fn abilities() -> &'static BTreeMap<String, Ability> {
    static FOUND: OnceLock<BTreeMap<String, Ability>> = OnceLock::new();
    FOUND.get_or_init(probe_all)
}

/// Whether this host has an ability.
pub fn can(name: &str) -> bool {
    abilities().get(name).is_some_and(|ability| ability.present)
}

fn probe_all() -> BTreeMap<String, Ability> {
    let mut all = BTreeMap::new();
    let mut add = |name: &str, ability| drop(all.insert(name.to_owned(), ability));
    cgroups(&mut add);
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let effective = effective_capabilities(&read("/proc/self/status"));
    for (name, number) in CAPABILITIES {
        let present = effective.is_some_and(|set| set & (1 << number) != 0);
        let among = if present { "among" } else { "not among" };
        add(&format!("cap-{name}"), Ability::new(present, format!("{among} podcheck's effective capabilities")));
    }
    for (name, file) in NAMESPACES {
        add(name, namespace(file, &read(&format!("/proc/sys/user/max_{file}_namespaces"))));
    }
    let release = read("/proc/sys/kernel/osrelease");
    for (name, since) in BY_RELEASE {
        let present = release_number(&release).is_some_and(|number| number >= since);
        add(
            name,
            Ability::new(present, format!("Linux {}.{} brought it, this is {}", since.0, since.1, release.trim())),
        );
    }
    security(&mut add);
    add("free-huge-pages", free_huge_pages());
    let swaps = read("/proc/swaps").lines().count() > 1;
    add("swap", Ability::new(swaps, "what /proc/swaps lists"));
    add("systemd", there("/run/systemd/system"));
    add("ipv6", there("/proc/net/if_inet6"));
    add("pidfd", pidfd());
    add("overlayfs", probe::overlayfs());
    for kind in ["bridge", "veth"] {
        add(kind, probe::interface(kind));
    }
    all
}

fn cgroups(add: &mut impl FnMut(&str, Ability)) {
    let hierarchies = match Hierarchies::detect() {
        Ok(hierarchies) => hierarchies,
        Err(error) => {
            let names = CONTROLLERS.map(|name| format!("{name}-controller"));
            let others = [
                "cgroup-v1",
                "cgroup-v2",
                "cgroup-hybrid",
                "v1-controllers",
                "v1-misc-controller",
                "v1-rdma-controller",
                "swap-accounting",
                "huge-page-limits",
            ];
            let names = names.iter().map(String::as_str).chain(others);
            names.for_each(|name| add(name, Ability::new(false, error.to_string())));
            return;
        }
    };
    let reason = format!("the mounted hierarchies make this a {} host", hierarchies.mode().name());
    for (name, mode) in [("cgroup-v1", Mode::V1), ("cgroup-hybrid", Mode::Hybrid), ("cgroup-v2", Mode::V2)] {
        add(name, Ability::new(hierarchies.mode() == mode, reason.clone()));
    }
    let in_v1 = |name: &&str| hierarchies.controller(name).is_some_and(|hierarchy| !hierarchy.unified);
    add("v1-controllers", Ability::new(CONTROLLERS.iter().any(in_v1), reason.clone()));
    // Some runtimes do not join these.
    for name in ["misc", "rdma"] {
        add(&format!("v1-{name}-controller"), Ability::new(in_v1(&name), reason.clone()));
    }
    for name in CONTROLLERS {
        let ability = match hierarchies.controller(name) {
            Some(hierarchy) => Ability::new(true, format!("mounted at {}", hierarchy.mount_point.display())),
            // On v2 these two are the kernel's own and no controllers.
            None if hierarchies.mode() == Mode::V2 && name == "freezer" => Ability::new(true, "part of cgroup v2"),
            None if hierarchies.mode() == Mode::V2 && name == "devices" => {
                Ability::new(true, "cgroup v2 has BPF programs instead")
            }
            None => Ability::new(false, "no mounted cgroup hierarchy has it"),
        };
        add(&format!("{name}-controller"), ability);
    }
    add("swap-accounting", swap_accounting(hierarchies));
    let limits = huge_pages::limits(hierarchies, &CgroupRoot::from_env().unwrap_or_default());
    let present = limits.is_ok();
    add("huge-page-limits", Ability::new(present, limits.unwrap_or_else(|reason| reason)));
}

fn swap_accounting(hierarchies: &Hierarchies) -> Ability {
    let Some(memory) = hierarchies.controller("memory") else {
        return Ability::new(false, "there is no memory controller");
    };
    // The root of v2 has no limits: any cgroup below it shows whether there are any.
    let (file, mut dirs) = if memory.unified {
        let entries = std::fs::read_dir(memory.dir("")).into_iter().flatten().flatten();
        let below = entries.map(|e| e.path()).filter(|path| path.join("memory.max").exists());
        ("memory.swap.max", below.take(1).collect())
    } else {
        ("memory.memsw.limit_in_bytes", vec![memory.mount_point.clone()])
    };
    dirs.extend(memory.below_mount(&memory.own));
    let found = dirs.iter().map(|dir| dir.join(file)).find(|path| path.exists());
    match found {
        Some(path) => Ability::new(true, format!("there is {}", path.display())),
        None => Ability::new(false, format!("no cgroup has {file}: boot with swapaccount=1")),
    }
}

fn free_huge_pages() -> Ability {
    match huge_pages::free_pages() {
        Ok(free) => Ability::new(
            free >= FREE_HUGE_PAGES,
            format!("{free} pages of 2 MiB are free, and {FREE_HUGE_PAGES} are needed"),
        ),
        Err(reason) => Ability::new(false, reason),
    }
}

fn namespace(kind: &str, most: &str) -> Ability {
    let file = format!("/proc/self/ns/{kind}");
    if !Path::new(&file).exists() {
        return Ability::new(false, format!("the kernel has no {file}"));
    }
    match most.trim() {
        "0" => Ability::new(false, format!("/proc/sys/user/max_{kind}_namespaces is 0")),
        _ => Ability::new(true, format!("there is {file}")),
    }
}

fn security(add: &mut impl FnMut(&str, Ability)) {
    let actions = "/proc/sys/kernel/seccomp/actions_avail";
    add("seccomp", there(actions));
    let apparmor = std::fs::read_to_string("/sys/module/apparmor/parameters/enabled").unwrap_or_default();
    add("apparmor", Ability::new(apparmor.trim() == "Y", "what /sys/module/apparmor/parameters/enabled says"));
    add("selinux", there("/sys/fs/selinux/enforce"));
}

fn pidfd() -> Ability {
    let own = Process::open(std::process::id().cast_signed()).and_then(|process| process.pidfd());
    match own {
        Ok(Some(_)) => Ability::new(true, "pidfd_open(2) opened one"),
        Ok(None) => Ability::new(false, "pidfd_open(2) is not in this kernel (Linux 5.3 brought it)"),
        Err(error) => Ability::new(false, format!("pidfd_open(2): {error}")),
    }
}

fn there(file: &str) -> Ability {
    match Path::new(file).exists() {
        true => Ability::new(true, format!("there is {file}")),
        false => Ability::new(false, format!("there is no {file}")),
    }
}

fn effective_capabilities(status: &str) -> Option<u64> {
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(set.trim(), 16).ok()
}

/// The first two numbers of a release: `4.19.0-26-amd64` → 4, 19.
fn release_number(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.trim().split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_and_capabilities() {
        assert_eq!(release_number("4.19.0-26-amd64\n"), Some((4, 19)));
        assert_eq!(release_number("6.18-rc1"), Some((6, 18)));
        assert_eq!(release_number("unknown"), None);
        assert_eq!(effective_capabilities("CapPrm:\t0\nCapEff:\t000001fffeffffff\n"), Some(0x1ff_feff_ffff));
        assert_eq!(effective_capabilities("CapEff:\tx\n"), None);
    }

    #[test]
    fn every_ability_has_a_reason() {
        let all = abilities();
        assert!(all.values().all(|ability| !ability.reason.is_empty()));
        for name in ["memory-controller", "cap-sys-resource", "overlayfs", "veth", "pidfd", "cgroup-v2"] {
            assert!(all.contains_key(name), "{name}");
        }
        assert!(["cgroup-v1", "cgroup-hybrid", "cgroup-v2"].iter().filter(|n| all[**n].present).count() <= 1);
    }
}
