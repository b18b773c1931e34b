//! Mounts without the host in them.

use super::document::Mount as Fact;
use super::dropped;
use super::naming::Names;
use crate::observe::{Memberships, Mount};
use std::collections::BTreeMap;

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

/// Key under which v1 controllers' mounts stand that are alike.
const CONTROLLERS: &str = "/sys/fs/cgroup/<controller>";

/// What mounts are compared with.
#[derive(Debug)]
pub struct Classes<'a> {
    /// Names of this run's texts.
    pub names: &'a Names<'a>,
    /// Mounts of the host.
    pub host: &'a [Mount],
    /// Cgroups of the member.
    pub memberships: &'a Memberships,
}

/// Where a mount comes from.
struct Source {
    class: String,
    root: String,
    /// Flags that the source has on the host; `None` if it is no file of a host's file system.
    inherited: Option<Vec<String>>,
    /// A volume that is a tmpfs of its own: its size is of interest.
    in_memory: bool,
}

impl Classes<'_> {
    /// Target → mount. One that another mount covers on the same target is kept as `<target> (covered)`.
    pub fn mounts(&self, mounts: &[Mount]) -> BTreeMap<String, Fact> {
        let mut facts: BTreeMap<String, Fact> = BTreeMap::new();
        let mut controllers = Vec::new();
        for mount in mounts {
            let fact = self.fact(mount);
            if mount.kind == "cgroup" && mount.target.starts_with("/sys/fs/cgroup/") {
                controllers.push((mount.target.clone(), fact));
                continue;
            }
            let target = self.names.text(&mount.target);
            if let Some(covered) = facts.insert(target.clone(), fact) {
                let free = (1..)
                    .map(|n| if n == 1 { format!("{target} (covered)") } else { format!("{target} (covered {n})") });
                facts.extend(free.into_iter().find(|key| !facts.contains_key(key)).map(|key| (key, covered)));
            }
        }
        collapse(controllers, &mut facts);
        facts
    }

    fn fact(&self, mount: &Mount) -> Fact {
        let source = self.source(mount);
        let masked = source.class == "masked";
        let own = source.inherited.is_none() || source.in_memory;
        let class = if masked {
            "masked"
        } else if own {
            mount.kind.as_str()
        } else {
            "bind"
        };
        let inherited = source.inherited.unwrap_or_default();
        let mut options: Vec<String> = mount.options.clone();
        options.retain(|word| dropped::option(class, word).is_none());
        options.retain(|word| word == "ro" || word == "rw" || !inherited.contains(word));
        options.sort();
        let mut superblock: Vec<String> = mount.superblock.clone();
        superblock.retain(|word| dropped::superblock(&mount.kind, word).is_none());
        superblock.sort();
        let has_superblock = own && !masked && !mount.kind.starts_with("cgroup");
        Fact {
            kind: if own && !(masked && mount.root == "/null") { mount.kind.clone() } else { "bind".to_owned() },
            options: (!masked).then_some(options),
            superblock: has_superblock.then_some(superblock),
            propagation: propagation(&mount.target, &mount.propagation),
            source: source.class,
            root: source.root,
        }
    }

    fn source(&self, mount: &Mount) -> Source {
        let kernel = KERNEL.contains(&mount.kind.as_str());
        let source = |class: &str, root: &str, inherited| Source {
            class: class.to_owned(),
            root: root.to_owned(),
            inherited,
            in_memory: false,
        };
        if mount.target == "/" {
            let bound = !kernel && mount.kind != "overlay";
            return source("rootfs", if bound { "/" } else { &mount.root }, bound.then(Vec::new));
        }
        if is_mask(mount) {
            return source("masked", "/", None);
        }
        if mount.target == "/dev/shm" && mount.kind == "tmpfs" {
            // The host's own is what the host made it, like any bind of its files.
            let hosts = self.on_host(mount).filter(|(path, _)| path == "/dev/shm");
            return source("shm", "/", hosts.map(|(_, options)| options));
        }
        let on_host = self.on_host(mount);
        let flags =
            |found: &Option<(String, Vec<String>)>| Some(found.as_ref().map(|(_, o)| o.clone()).unwrap_or_default());
        let known = on_host.as_ref().and_then(|(path, _)| self.names.path(path));
        let own_volume = on_host.as_ref().is_some_and(|(path, _)| self.names.is_in_own_volume(path));
        let managed = MANAGED.iter().find(|(target, _)| *target == mount.target && mount.root != "/");
        match (known, managed) {
            (Some((class, root)), managed) if root == "/" || managed.is_none() || own_volume => {
                // All of it, or a subPath below: the file system's root is the volume's.
                let in_memory = mount.kind == "tmpfs" && class.starts_with("volume:") && mount.root == root;
                Source { in_memory, ..source(class, &root, flags(&on_host)) }
            }
            (_, Some((_, class))) => source(class, "/", flags(&on_host)),
            _ if mount.kind.starts_with("cgroup") => source(&mount.kind, &self.cgroup_root(mount), None),
            _ if mount.kind == "devpts" && mount.root != "/" => source("devpts", "/<pty>", None),
            _ if kernel => source(&mount.kind, &self.names.text(&mount.root), None),
            _ => match on_host {
                Some((path, options)) => source(&format!("host:{}", self.names.text(&path)), "/", Some(options)),
                None => source(&self.names.text(&mount.source), &self.names.text(&mount.root), None),
            },
        }
    }

    /// The path that a mount's source has on the host, and the options of the host's mount it lies on.
    fn on_host(&self, mount: &Mount) -> Option<(String, Vec<String>)> {
        let below = |host: &Mount| {
            let rest = mount.root.strip_prefix(host.root.trim_end_matches('/'))?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{}{rest}", host.target.trim_end_matches('/')))
        };
        self.host
            .iter()
            .filter(|host| host.device == mount.device && !self.names.is_alias(&host.target))
            .filter_map(|host| Some((host.root.len(), below(host)?, host)))
            .max_by_key(|(length, ..)| *length)
            .map(|(_, path, host)| {
                (
                    if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { "/".to_owned() },
                    host.options.clone(),
                )
            })
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

/// `private`, `shared`, `slave`, `unbindable`, or several of them. A root that is a slave and nothing else counts as private.
fn propagation(target: &str, fields: &[String]) -> String {
    let mut kinds: Vec<&str> = fields
        .iter()
        .filter_map(|field| match field.split_once(':').map_or(field.as_str(), |(name, _)| name) {
            "master" => Some("slave"),
            "propagate_from" => None,
            other => Some(other),
        })
        .collect();
    kinds.sort_unstable();
    if kinds.is_empty() || target == "/" && kinds == ["slave"] { "private".to_owned() } else { kinds.join(",") }
}

/// Controllers' mounts that are as most of them are stand as one; the others under their own targets.
fn collapse(controllers: Vec<(String, Fact)>, facts: &mut BTreeMap<String, Fact>) {
    let alike = |fact: &Fact| controllers.iter().filter(|(_, other)| other == fact).count();
    let Some(common) = controllers.iter().map(|(_, fact)| fact).max_by_key(|fact| alike(fact)).cloned() else { return };
    facts.extend(controllers.into_iter().filter(|(_, fact)| *fact != common));
    facts.insert(CONTROLLERS.to_owned(), common);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Naming;
    use crate::observe::{Host, Observation, parse_mountinfo};

    const HOST: &str = "\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
28 27 0:40 / /run rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,size=2468408k,mode=755
29 24 0:41 / /dev/shm rw,nosuid,nodev - tmpfs tmpfs rw,size=12342042k
24 27 0:6 / /dev rw,relatime - devtmpfs devtmpfs rw,size=12334460k,nr_inodes=3083615,mode=755
";

    /// As runc 1.1 makes a container on a host with cgroup v1.
    const CONTAINER: &str = "\
131 85 0:50 / / ro,relatime - overlay overlay rw,lowerdir=/x/lower,upperdir=/x/up,workdir=/x/wk,uuid=on
132 131 0:52 / /proc rw,relatime - proc proc rw
133 131 0:53 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755,inode64
134 133 0:54 / /dev/pts rw,nosuid,noexec,relatime - devpts devpts rw,gid=5,mode=620,ptmxmode=666
135 133 0:39 / /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs shm rw,size=65536k
138 137 0:55 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - tmpfs tmpfs ro,mode=755
139 138 0:29 /podcheck/x/kubepods/app /sys/fs/cgroup/cpu ro,nosuid,relatime - cgroup cgroup rw,cpu
142 138 0:32 /podcheck/x/kubepods/app /sys/fs/cgroup/memory ro,nosuid,relatime - cgroup cgroup rw,memory
143 138 0:33 / /sys/fs/cgroup/devices rw,nosuid,relatime - cgroup cgroup rw,devices
148 131 0:40 /podcheck/x/hosts /etc/hosts rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,size=2468408k,mode=755
149 131 254:0 /var/lib/c/sandboxes/0b8d/hostname /etc/hostname ro,relatime - ext4 /dev/vda rw,discard
151 131 0:40 /podcheck/x/volumes/data/sub /data ro,nosuid,nodev,noexec,relatime master:3 - tmpfs tmpfs rw,size=2468408k
152 131 254:0 /srv/www /www rw,nosuid,noatime shared:7 master:2 - ext4 /dev/vda rw,discard
88 132 0:52 /irq /proc/irq ro,relatime - proc proc rw
90 132 0:56 / /proc/acpi ro,relatime - tmpfs tmpfs ro
91 132 0:53 /null /proc/keys rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
92 132 0:6 /null /proc/timer_list rw - devtmpfs devtmpfs rw,size=12334460k
93 133 0:60 /3 /dev/console rw,nosuid,noexec,relatime - devpts devpts rw,gid=5
94 131 0:61 / /data rw - nfs4 server:/export rw,vers=4.2
";

    fn facts() -> BTreeMap<String, Fact> {
        let naming = Naming {
            cgroup_root: "/podcheck/x".to_owned(),
            paths: [("hosts", "hosts"), ("volumes/data", "volume:data")]
                .map(|(path, class)| (format!("/run/podcheck/x/{path}"), class.to_owned()))
                .to_vec(),
            ..Naming::default()
        };
        let host = Host { mounts: parse_mountinfo(HOST).expect("good text").into(), ..Host::default() };
        let observation = Observation { members: Vec::new(), pod: None, host, evidence: BTreeMap::new() };
        let own = "/podcheck/x/kubepods/app".to_owned();
        let v1 = ["cpu", "memory", "devices"].map(|name| (name.to_owned(), own.clone())).into();
        let memberships = Memberships { v1, unified: None };
        let names = Names::new(&naming, &observation);
        let classes = Classes { names: &names, host: &observation.host.mounts, memberships: &memberships };
        classes.mounts(&parse_mountinfo(CONTAINER).expect("good text"))
    }

    /// `type source root propagation options | superblock`.
    fn line(fact: &Fact) -> String {
        let words = |list: &Option<Vec<String>>| list.as_ref().map_or_else(|| "-".to_owned(), |list| list.join(","));
        let Fact { kind, source, root, propagation, .. } = fact;
        format!("{kind} {source} {root} {propagation} {} | {}", words(&fact.options), words(&fact.superblock))
    }

    #[test]
    fn a_containers_mounts_have_no_host_in_them() {
        let facts = facts();
        let lines: Vec<String> = facts.iter().map(|(target, fact)| format!("{target}: {}", line(fact))).collect();
        assert_eq!(
            lines,
            [
                "/: overlay rootfs / private relatime,ro | rw",
                "/data: nfs4 server:/export / private rw | rw,vers=4.2",
                "/data (covered): bind volume:data /sub slave ro | -",
                "/dev: tmpfs tmpfs / private nosuid,rw | mode=755,rw,size=65536k",
                "/dev/console: devpts devpts /<pty> private noexec,nosuid,relatime,rw | gid=5,rw",
                "/dev/pts: devpts devpts / private noexec,nosuid,relatime,rw | gid=5,mode=620,ptmxmode=666,rw",
                "/dev/shm: tmpfs shm / private nodev,noexec,nosuid,relatime,rw | rw,size=65536k",
                "/etc/hostname: bind hostname / private ro | -",
                "/etc/hosts: bind hosts / private rw | -",
                "/proc: proc proc / private relatime,rw | rw",
                "/proc/acpi: tmpfs masked / private - | -",
                "/proc/irq: proc proc /irq private relatime,ro | rw",
                "/proc/keys: bind masked / private - | -",
                "/proc/timer_list: bind masked / private - | -",
                "/sys/fs/cgroup: tmpfs tmpfs / private nodev,noexec,nosuid,relatime,ro | mode=755,ro",
                "/sys/fs/cgroup/<controller>: cgroup cgroup <own> private nosuid,relatime,ro | -",
                "/sys/fs/cgroup/devices: cgroup cgroup / private nosuid,relatime,rw | -",
                "/www: bind host:/srv/www / shared,slave nosuid,rw | -",
            ]
        );
    }

    #[test]
    fn the_hosts_shared_memory_has_none_of_its_size() {
        let mounts = "1 0 0:41 / /dev/shm ro,nosuid,nodev - tmpfs tmpfs rw,size=12342042k\n";
        let mounts = parse_mountinfo(mounts).expect("good text");
        let host = parse_mountinfo(HOST).expect("good text");
        let (naming, memberships) = (Naming::default(), Memberships::default());
        let observation =
            Observation { members: Vec::new(), pod: None, host: Host::default(), evidence: BTreeMap::new() };
        let names = Names::new(&naming, &observation);
        let facts = Classes { names: &names, host: &host, memberships: &memberships }.mounts(&mounts);
        assert_eq!(line(&facts["/dev/shm"]), "bind shm / private ro | -");
    }

    #[test]
    fn a_copied_root_is_a_bind_of_the_host() {
        let mounts = parse_mountinfo("1 0 254:0 /run/x/root / rw,relatime - ext4 /dev/vda rw\n").expect("good text");
        let (naming, memberships) = (Naming::default(), Memberships::default());
        let observation =
            Observation { members: Vec::new(), pod: None, host: Host::default(), evidence: BTreeMap::new() };
        let names = Names::new(&naming, &observation);
        let facts = Classes { names: &names, host: &[], memberships: &memberships }.mounts(&mounts);
        assert_eq!(line(&facts["/"]), "bind rootfs / private rw | -");
    }
}
