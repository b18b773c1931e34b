//! Where a mount comes from: a volume, a file that every runtime mounts, the kernel, or the host.

use super::mounts::Classes;
use super::naming::Known;
use super::path::place;
use crate::observe::Mount;

/// Files that every runtime puts into a container, by where: their sources lie in directories of the runtime's own.
const MANAGED: [(&str, &str); 4] = [
    ("/etc/hosts", "hosts"),
    ("/etc/hostname", "hostname"),
    ("/etc/resolv.conf", "resolv.conf"),
    ("/dev/termination-log", "termination-log"),
];

/// File systems that the kernel makes out of nothing: their type says all of where they come from.
const KERNEL: [&str; 14] = [
    "proc",
    "sysfs",
    "cgroup",
    "cgroup2",
    "devpts",
    "mqueue",
    "tmpfs",
    "devtmpfs",
    "ramfs",
    "bpf",
    "debugfs",
    "tracefs",
    "securityfs",
    "hugetlbfs",
];

/// Of these each mount on the host is a file system of its own: elsewhere it is still the host's.
const ONE_EACH: [&str; 2] = ["tmpfs", "ramfs"];

/// Where a mount comes from.
pub(super) struct Source {
    pub class: String,
    pub root: String,
    /// Flags that the source has on the host; `None` if it is no file of a host's file system.
    pub inherited: Option<Vec<String>>,
    /// A volume that is a tmpfs of its own: its size is of interest.
    pub in_memory: bool,
}

/// A path that a mount's source has on the host, and the options of the host's mount that it lies on.
type OnHost<'a> = (String, &'a [String]);

impl Classes<'_> {
    pub(super) fn source(&self, mount: &Mount) -> Source {
        let kernel = KERNEL.contains(&mount.kind.as_str());
        let source = |class: &str, root: &str, inherited: Option<&[String]>| Source {
            class: class.to_owned(),
            root: root.to_owned(),
            inherited: inherited.map(<[String]>::to_vec),
            in_memory: false,
        };
        if mount.target == "/" {
            let bound = !kernel && mount.kind != "overlay";
            return source("rootfs", if bound { "/" } else { &mount.root }, bound.then_some(&[][..]));
        }
        let on_host = self.on_host(mount);
        if let Some(asked) = self.asked(mount, &on_host) {
            return asked;
        }
        if is_mask(mount) {
            return source("masked", "/", None);
        }
        if let Some(known) = self.known(mount, &on_host) {
            return known;
        }
        if mount.target == "/dev/shm" && mount.kind == "tmpfs" {
            // The host's own is what the host made it, like any bind of its files.
            let hosts = on_host.iter().find(|(path, _)| path == "/dev/shm");
            return source("shm", "/", hosts.map(|(_, options)| *options));
        }
        let first = on_host.first();
        let of_host =
            |(path, options): &OnHost<'_>| source(&format!("host:{}", self.names.text(path)), "/", Some(options));
        match (self.managed(mount), mount.kind.as_str()) {
            (Some(class), _) => source(class, "/", Some(first.map_or(&[][..], |(_, options)| options))),
            (_, "cgroup" | "cgroup2") => source(&mount.kind, &self.cgroup_root(mount), None),
            (_, "devpts") if mount.root != "/" => source("devpts", "/<pty>", None),
            (_, kind) if kernel && !ONE_EACH.contains(&kind) => source(kind, &self.names.text(&mount.root), None),
            (_, kind) => match first {
                Some(first) => of_host(first),
                None if kernel => source(kind, &self.names.text(&mount.root), None),
                None => source(&self.names.text(&mount.source), &self.names.text(&mount.root), None),
            },
        }
    }

    /// What the manifest mounts just here, whole or in part.
    fn asked(&self, mount: &Mount, on_host: &[OnHost<'_>]) -> Option<Source> {
        let here: Vec<&str> =
            self.asked.iter().filter(|(_, place)| *place == mount.target).map(|(class, _)| *class).collect();
        on_host.iter().find_map(|source| {
            let mut known = self.names.paths(&source.0);
            known.find(|known| here.contains(&known.class)).map(|known| self.of(known, mount, source))
        })
    }

    /// A volume of the Pod's own elsewhere than at its place. A path of the host is a volume only where the manifest mounts it:
    /// a runtime may have the same file system mounted for another reason, as the kernel's own. And what the host has mounted
    /// within such a path is the host's.
    fn known(&self, mount: &Mount, on_host: &[OnHost<'_>]) -> Option<Source> {
        let within = |place: &str| mount.target.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'));
        if self.asked.iter().any(|(class, place)| within(place) && !self.names.is_own(class)) {
            return None;
        }
        on_host.iter().find_map(|source| {
            let mut known = self.names.paths(&source.0);
            known.find(|known| self.names.is_own(known.class)).map(|known| self.of(known, mount, source))
        })
    }

    fn of(&self, known: Known<'_>, mount: &Mount, (_, options): &OnHost<'_>) -> Source {
        Source {
            // All of it, or a subPath below: the file system's root is the volume's.
            in_memory: mount.kind == "tmpfs" && self.names.is_own(known.class) && mount.root == known.root,
            class: known.class.to_owned(),
            root: known.root,
            inherited: Some(options.to_vec()),
        }
    }

    /// What a file is that every runtime mounts at its place.
    fn managed(&self, mount: &Mount) -> Option<&'static str> {
        let is_here = |path: &str| place(self.places, path) == mount.target;
        MANAGED.iter().find(|(path, _)| mount.root != "/" && is_here(path)).map(|(_, class)| *class)
    }

    /// The paths that a mount's source has on the host, each with the options of the host's mount that it lies on. The one
    /// below the deepest root comes first: the others may be covered.
    fn on_host(&self, mount: &Mount) -> Vec<OnHost<'_>> {
        let below = |host: &Mount| {
            let rest = mount.root.strip_prefix(host.root.trim_end_matches('/'))?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{}{rest}", host.target.trim_end_matches('/')))
        };
        let mut found: Vec<(usize, OnHost<'_>)> = self
            .host
            .iter()
            .filter(|host| host.device == mount.device && !self.names.is_alias(&host.target))
            .filter_map(|host| Some((host.root.len(), (below(host)?, host.options.as_slice()))))
            .map(|(length, (path, options))| {
                let path = if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { "/".to_owned() };
                (length, (path, options))
            })
            .collect();
        // Of equals the last: it covers those before.
        found.reverse();
        found.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
        found.into_iter().map(|(_, source)| source).collect()
    }

    fn cgroup_root(&self, mount: &Mount) -> String {
        let own = self.memberships.v1.iter().any(|(name, path)| mount.superblock.contains(name) && *path == mount.root)
            || mount.kind == "cgroup2" && self.memberships.unified.as_ref() == Some(&mount.root);
        if own && mount.root != "/" { "<own>".to_owned() } else { self.names.cgroup(&mount.root) }
    }
}

/// Something that hides what is below: a null device, or an empty read-only tmpfs in a file system of the kernel's.
fn is_mask(mount: &Mount) -> bool {
    let read_only = mount.options.iter().chain(&mount.superblock).any(|word| word == "ro");
    let in_kernel = mount.target.starts_with("/proc/") || mount.target.starts_with("/sys/");
    match mount.kind.as_str() {
        "tmpfs" | "devtmpfs" if mount.root == "/null" => mount.target != "/dev/null",
        "tmpfs" => in_kernel && read_only && mount.root == "/" && mount.target != "/sys/fs/cgroup",
        _ => false,
    }
}
