//! What is in the images' root file systems: one list for directories on disk and for archives.

use super::Image;
use crate::payload::PROGRAMS;

/// A file, directory or link of an image, owned by root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// Relative to the root, without a leading slash. The order of paths puts directories before what is in them.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
}

/// What an [`Entry`] is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EntryKind {
    /// A directory with its mode.
    Directory(u32),
    /// A small file of mode 0644.
    Text(&'static str),
    /// podcheck itself, mode 0555.
    Program,
    /// A symbolic link.
    Link(&'static str),
}

/// Name of podcheck itself in the payload's `/bin`. It is no program of the payload, so that the file alone does nothing
/// that a container needs.
const SELF: &str = "podcheck";

const PASSWD: &str = "root:x:0:0:root:/root:/bin/false\n\
    member:x:50001:50001:member:/home:/bin/false\n\
    nonroot:x:65532:65532:nonroot:/home:/bin/false\n\
    nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n";
const GROUP: &str =
    "root:x:0:\ntty:x:5:\ndisk:x:6:\nmember:x:50001:\ncrew:x:50002:member\nnonroot:x:65532:\nnogroup:x:65534:\n";

/// Directories that every image has: mount points of runtimes, and where people's manifests mount and write.
const DIRECTORIES: [(&str, u32); 18] = [
    ("dev", 0o755),
    ("etc", 0o755),
    ("home", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("usr/local", 0o755),
    ("usr/local/bin", 0o755),
    ("usr/share", 0o755),
    ("var", 0o755),
    ("var/lib", 0o755),
    ("var/tmp", 0o1777),
];

/// All of an image, sorted by path. /etc/hostname, hosts and resolv.conf are not there: runtimes make them.
pub(super) fn entries(image: Image) -> Vec<Entry> {
    let entry = |path: &str, kind| Entry { path: path.to_owned(), kind };
    let mut entries: Vec<Entry> =
        DIRECTORIES.iter().map(|&(path, mode)| entry(path, EntryKind::Directory(mode))).collect();
    entries.push(entry("etc/passwd", EntryKind::Text(PASSWD)));
    entries.push(entry("etc/group", EntryKind::Text(GROUP)));
    match image {
        Image::Pause => entries.push(entry("pause", EntryKind::Program)),
        Image::Payload => {
            entries.push(entry("bin", EntryKind::Directory(0o755)));
            entries.push(entry(&format!("bin/{SELF}"), EntryKind::Program));
            for program in PROGRAMS {
                entries.push(entry(&format!("bin/{}", program.name), EntryKind::Link(SELF)));
            }
            entries.push(entry("sbin", EntryKind::Link("bin")));
            entries.push(entry("usr/bin", EntryKind::Link("../bin")));
            entries.push(entry("usr/sbin", EntryKind::Link("../bin")));
            // As Debian's and Alpine's images have it: a cluster mounts its tokens below.
            entries.push(entry("var/run", EntryKind::Link("/run")));
        }
    }
    entries.sort();
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_entry_comes_once_and_after_its_directory() {
        for image in Image::ALL {
            let mut seen = BTreeSet::new();
            for entry in entries(image) {
                if let Some((parent, _)) = entry.path.rsplit_once('/') {
                    assert!(seen.contains(parent), "{} before its directory", entry.path);
                }
                assert!(seen.insert(entry.path.clone()), "{} twice", entry.path);
            }
        }
    }

    #[test]
    fn each_image_holds_the_program_once_and_what_its_entry_point_names() {
        for image in Image::ALL {
            let entries = entries(image);
            assert_eq!(entries.iter().filter(|e| e.kind == EntryKind::Program).count(), 1);
            let command = image.config().entrypoint[0].trim_start_matches('/');
            assert!(entries.iter().any(|e| e.path == command), "{command}");
        }
    }
}
