//! What normalising leaves out, each with its reason. This is the one place: what no line here names is kept word for word.

/// Of what a word is a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// An option of a file system, of these types (any if none is named).
    Superblock(&'static [&'static str]),
    /// An option of a mount that is classed so.
    Option(&'static str),
    /// An interface that is down and has no address.
    Interface,
    /// A whole field or entry, left out by the code that is named.
    Field(&'static str),
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Dropped {
    /// Where it would stand.
    pub part: Part,
    /// The word, or its name before `=`; `*` is any.
    pub word: &'static str,
    /// Why it is no fact of the Pod.
    pub reason: &'static str,
}

const fn drop(part: Part, word: &'static str, reason: &'static str) -> Dropped {
    Dropped { part, word, reason }
}

const OVERLAY: Part = Part::Superblock(&["overlay"]);
const TMPFS: Part = Part::Superblock(&["tmpfs", "devtmpfs"]);
const DEVTMPFS: Part = Part::Superblock(&["devtmpfs"]);
const ANY: Part = Part::Superblock(&[]);

/// The table.
pub const DROPPED: &[Dropped] = &[
    drop(OVERLAY, "lowerdir", "directories of the runtime's image store"),
    drop(OVERLAY, "lowerdir+", "directories of the runtime's image store"),
    drop(OVERLAY, "upperdir", "a directory of the runtime's, named by an id"),
    drop(OVERLAY, "workdir", "a directory of the runtime's, named by an id"),
    drop(OVERLAY, "uuid", "shown by kernels from 6.6 on, whether asked for or not"),
    drop(OVERLAY, "nouserxattr", "shown by some kernels for the default"),
    drop(OVERLAY, "xino", "follows from the file system below"),
    drop(TMPFS, "inode64", "how the kernel was built"),
    drop(TMPFS, "inode32", "how the kernel was built"),
    drop(TMPFS, "huge", "a setting of the host's kernel"),
    drop(DEVTMPFS, "size", "half of the host's memory"),
    drop(DEVTMPFS, "nr_inodes", "follows from the host's memory"),
    drop(ANY, "seclabel", "SELinux is on, on this host"),
    drop(ANY, "errors", "how the host's file system answers to damage"),
    drop(Part::Option("bind"), "relatime", "inherited from the host's mount"),
    drop(Part::Option("bind"), "noatime", "inherited from the host's mount"),
    drop(Part::Option("bind"), "nodiratime", "inherited from the host's mount"),
    drop(
        Part::Option("masked"),
        "*",
        "a mask is empty: its options are those of the /dev its null device was taken from",
    ),
    drop(Part::Interface, "tunl0", "made in every network namespace once the host has loaded ipip"),
    drop(Part::Interface, "gre0", "made in every network namespace once the host has loaded ip_gre"),
    drop(Part::Interface, "gretap0", "made in every network namespace once the host has loaded ip_gre"),
    drop(Part::Interface, "erspan0", "made in every network namespace once the host has loaded ip_gre"),
    drop(Part::Interface, "ip_vti0", "made in every network namespace once the host has loaded ip_vti"),
    drop(Part::Interface, "ip6_vti0", "made in every network namespace once the host has loaded ip6_vti"),
    drop(Part::Interface, "sit0", "made in every network namespace once the host has loaded sit"),
    drop(Part::Interface, "ip6tnl0", "made in every network namespace once the host has loaded ip6_tunnel"),
    drop(Part::Interface, "ip6gre0", "made in every network namespace once the host has loaded ip6_gre"),
    drop(Part::Field("mounts"), "id, parent, device", "numbers of this boot"),
    drop(Part::Field("mounts"), "peer group", "a number of this boot; that there is one stands in `propagation`"),
    drop(
        Part::Field("mounts"),
        "slave of /",
        "a container's root is a slave where its runtime keeps images on a shared mount of the host; nothing is mounted there",
    ),
    drop(Part::Field("mounts"), "propagate_from", "follows from where the group's other mounts are on the host"),
    drop(
        Part::Field("mounts"),
        "type and superblock of a bind mount",
        "the host's own file system, which the source was on",
    ),
    drop(
        Part::Field("mounts"),
        "options that a bind mount's source has on the host, but for ro and rw",
        "inherited, not asked for",
    ),
    drop(Part::Field("mounts"), "source of a proc, sysfs, tmpfs, …", "a name without meaning; the type says it"),
    drop(
        Part::Field("mounts"),
        "superblock of a v1 or v2 cgroup mount",
        "one for the whole host, mounted by its own init",
    ),
    drop(
        Part::Field("mounts"),
        "controllers' own mounts that are alike",
        "which controllers there are is the host's; they stand as one",
    ),
    drop(
        Part::Field("mounts"),
        "what the host has mounted within a hostPath, in snapshots and comparisons",
        "the host's own; whether it is read-only the contract asks",
    ),
    drop(Part::Field("network"), "IPv6 link-local addresses", "the kernel makes them up when it likes"),
    drop(
        Part::Field("network"),
        "own addresses and their prefixes",
        "handed out by the node; they stand as `ipv4`, `ipv6`",
    ),
    drop(
        Part::Field("network"),
        "routes to own subnets' numbers, and gateways",
        "follow from the address that was handed out",
    ),
    drop(Part::Field("network"), "the host's interfaces", "a Pod in the host's network stands as `host`"),
    drop(Part::Field("cgroup"), "the cgroup root", "where podcheck, or a node, keeps its Pods"),
    drop(
        Part::Field("cgroup"),
        "`unified` where v2 is not mounted",
        "the kernel prints that line whether it is used or not",
    ),
    drop(
        Part::Field("identity"),
        "pids, inodes, ids, uids of Pods",
        "of this run; they stand as names, or only as same and different",
    ),
    drop(
        Part::Field("inherited"),
        "limits, processors and scheduling that are inherited",
        "the host's, or those of whoever started podcheck; they stand as `inherited`",
    ),
    drop(
        Part::Field("controls"),
        "files that hold what the kernel put there",
        "which there are follows from the kernel",
    ),
    drop(Part::Field("sysctls"), "those that are as in a new namespace", "which there are follows from the kernel"),
    drop(Part::Field("shm"), "size of the host's /dev/shm", "half of the host's memory"),
    drop(
        Part::Field("files"),
        "a copy of the host's file, comments and empty lines aside",
        "resolv.conf without a dnsConfig, and hosts in the host's network: it stands as `<host>`",
    ),
];

/// The line that leaves `word` (`name` or `name=value`) out of an option list of a mount of this type.
pub fn superblock(kind: &str, word: &str) -> Option<&'static Dropped> {
    line(word, |part| matches!(part, Part::Superblock(kinds) if kinds.is_empty() || kinds.contains(&kind)))
}

/// The line that leaves an option of a mount of this class out.
pub fn option(class: &str, word: &str) -> Option<&'static Dropped> {
    line(word, |part| matches!(part, Part::Option(of) if of == class))
}

/// The line that leaves an unused interface out.
pub fn interface(name: &str) -> Option<&'static Dropped> {
    line(name, |part| part == Part::Interface)
}

fn line(word: &str, fits: impl Fn(Part) -> bool) -> Option<&'static Dropped> {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    DROPPED.iter().find(|line| (line.word == name || line.word == "*") && fits(line.part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_dropped() {
        assert!(superblock("overlay", "upperdir=/var/lib/x").is_some());
        assert!(superblock("tmpfs", "inode64").is_some());
        assert!(superblock("tmpfs", "size=65536k").is_none());
        assert!(superblock("devtmpfs", "size=12334460k").is_some());
        assert!(superblock("xfs", "a-new-option").is_none());
        assert!(option("bind", "relatime").is_some());
        assert!(option("tmpfs", "relatime").is_none());
        assert!(option("masked", "nosuid").is_some());
        assert!(interface("sit0").is_some());
        assert!(interface("eth0").is_none());
    }

    #[test]
    fn every_line_has_a_reason_of_its_own_kind() {
        for line in DROPPED {
            assert!(line.reason.len() > 10, "{line:?}");
            let twins = DROPPED.iter().filter(|l| l.part == line.part && l.word == line.word).count();
            assert_eq!(twins, 1, "{line:?}");
        }
    }
}
