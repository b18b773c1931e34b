//! What a container's mounts are called, from the kernel's text.

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

/// Facts of these mounts on that host. Paths of the host have these classes; volumes are mounted where `asked` says.
fn named(host: &str, mounts: &str, paths: &[(&str, &str)], asked: &[(&str, &str)]) -> BTreeMap<String, Fact> {
    let owned = |(one, other): &(&str, &str)| ((*one).to_owned(), (*other).to_owned());
    let class = |volume: &str| if volume == "image-volume" { volume.to_owned() } else { format!("volume:{volume}") };
    let naming = Naming {
        cgroup_root: "/podcheck/x".to_owned(),
        paths: paths.iter().map(owned).collect(),
        volumes: Some("/run/podcheck/x/volumes".to_owned()),
        asked: BTreeMap::from([("app".to_owned(), asked.iter().map(|(v, at)| (class(v), (*at).to_owned())).collect())]),
        ..Naming::default()
    };
    let host = Host { mounts: parse_mountinfo(host).expect("good text").into(), ..Host::default() };
    let observation = Observation { members: Vec::new(), pod: None, host, evidence: BTreeMap::new() };
    let own = "/podcheck/x/kubepods/app".to_owned();
    let v1 = ["cpu", "memory", "devices"].map(|name| (name.to_owned(), own.clone())).into();
    let memberships = Memberships { v1, unified: None };
    let names = Names::new(&naming, &observation);
    let places = BTreeMap::from([("/var/run/token".to_owned(), "/run/token".to_owned())]);
    let asked = names.asked("app", &places);
    let (host, memberships, places) = (&observation.host.mounts, &memberships, &places);
    let classes = Classes { names: &names, host, memberships, places, asked };
    classes.mounts(&parse_mountinfo(mounts).expect("good text"))
}

/// `source root` of the mount on each target.
fn sources(facts: &BTreeMap<String, Fact>) -> Vec<String> {
    facts.iter().map(|(target, fact)| format!("{target}: {} {}", fact.source, fact.root)).collect()
}

/// `type source root propagation options | superblock`.
fn line(fact: &Fact) -> String {
    let words = |list: &Option<Vec<String>>| list.as_ref().map_or_else(|| "-".to_owned(), |list| list.join(","));
    let Fact { kind, source, root, propagation, .. } = fact;
    format!("{kind} {source} {root} {propagation} {} | {}", words(&fact.options), words(&fact.superblock))
}

#[test]
fn a_containers_mounts_have_no_host_in_them() {
    let paths = [("/run/podcheck/x/hosts", "hosts"), ("/run/podcheck/x/volumes/data", "volume:data")];
    let facts = named(HOST, CONTAINER, &paths, &[("data", "/data")]);
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
fn a_volume_of_the_image_is_one_only_where_the_image_declares_it() {
    let paths = [("/srv/www", "image-volume")];
    let source = |asked: &[(&str, &str)]| named(HOST, CONTAINER, &paths, asked)["/www"].source.clone();
    assert_eq!(source(&[("image-volume", "/www")]), "image-volume");
    assert_eq!(source(&[("image-volume", "/data")]), "host:/srv/www");
    assert_eq!(source(&[]), "host:/srv/www");
}

#[test]
fn the_hosts_shared_memory_has_none_of_its_size() {
    let mounts = "1 0 0:41 / /dev/shm ro,nosuid,nodev - tmpfs tmpfs rw,size=12342042k\n";
    assert_eq!(line(&named(HOST, mounts, &[], &[])["/dev/shm"]), "bind shm / private ro | -");
}

#[test]
fn a_copied_root_is_a_bind_of_the_host() {
    let mounts = "1 0 254:0 /run/x/root / rw,relatime - ext4 /dev/vda rw\n";
    assert_eq!(line(&named("", mounts, &[], &[])["/"]), "bind rootfs / private rw | -");
}

/// What a host has besides.
const MORE: &str = "\
40 27 0:70 / /run/podcheck/x/volumes/quick rw,relatime - tmpfs tmpfs rw,size=4096k
41 27 0:22 / /sys rw,nosuid,nodev,noexec,relatime - sysfs sysfs rw
42 41 0:29 / /sys/fs/cgroup/cpu rw,nosuid,nodev,noexec,relatime - cgroup cgroup rw,cpu
43 27 254:0 /srv/www /var/www rw,relatime - ext4 /dev/vda rw
";

#[test]
fn a_volume_in_memory_at_dev_shm_is_that_volume() {
    let host = format!("{HOST}{MORE}");
    let mounts = "1 0 0:70 / /dev/shm rw,relatime - tmpfs tmpfs rw,size=4096k\n";
    let paths = [("/run/podcheck/x/volumes/quick", "volume:quick")];
    let facts = named(&host, mounts, &paths, &[("quick", "/dev/shm")]);
    assert_eq!(line(&facts["/dev/shm"]), "tmpfs volume:quick / private rw | rw,size=4096k");
}

#[test]
fn a_path_of_the_host_is_a_volume_where_the_manifest_mounts_it() {
    let host = format!("{HOST}{MORE}");
    // In the host's network a container's own sysfs is the host's.
    let mounts = "\
1 0 0:22 / /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs rw
2 0 0:29 /podcheck/x/kubepods/app /sys/fs/cgroup/cpu ro,nosuid,relatime - cgroup cgroup rw,cpu
3 0 0:22 / /host/sys rw,nosuid,nodev,noexec,relatime - sysfs sysfs rw
4 0 0:29 / /host/sys/fs/cgroup/cpu rw,nosuid,nodev,noexec,relatime - cgroup cgroup rw,cpu
5 0 0:40 / /hidden rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,size=2468408k
6 0 0:6 /null /etc/muted rw,relatime - devtmpfs devtmpfs rw,size=12334460k
7 0 254:0 /srv/www /pages rw,relatime - ext4 /dev/vda rw
8 0 254:0 /srv/www /twins rw,relatime - ext4 /dev/vda rw
9 0 254:0 /var/log /logs rw,relatime - ext4 /dev/vda rw
10 0 254:0 /srv/www /stray rw,relatime - ext4 /dev/vda rw
11 0 0:40 /token /run/token rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,size=2468408k
12 0 0:22 / /elsewhere rw,nosuid,nodev,noexec,relatime - sysfs sysfs rw
";
    let paths = [
        ("/sys", "volume:sys"),
        ("/sys/fs/cgroup", "volume:cgroups"),
        ("/dev/null", "volume:nothing"),
        ("/srv/www", "volume:pages"),
        ("/srv/www", "volume:twins"),
        ("/", "volume:all"),
        ("/run/token", "volume:token"),
    ];
    let asked = [
        ("sys", "/host/sys"),
        ("nothing", "/etc//muted"),
        ("pages", "/pages"),
        ("twins", "/twins"),
        ("all", "/logs"),
        ("token", "/var/run/token"),
    ];
    assert_eq!(
        sources(&named(&host, mounts, &paths, &asked)),
        [
            "/elsewhere: sysfs /",
            "/etc/muted: volume:nothing /",
            "/hidden: host:/run /",
            "/host/sys: volume:sys /",
            "/host/sys/fs/cgroup/cpu: cgroup /",
            "/logs: volume:all /var/log",
            "/pages: volume:pages /",
            "/run/token: volume:token /",
            "/stray: host:/var/www /",
            "/sys: sysfs /",
            "/sys/fs/cgroup/<controller>: cgroup <own>",
            "/twins: volume:twins /",
        ]
    );
}
