//! `/proc/<pid>/mountinfo`. Source: the kernel's Documentation/filesystems/proc.rst, 3.5.
//!
//! Not by procfs, which leaves octal escapes as they are and cuts superblock options at a space.

use super::error::Malformed;

/// One mount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// `major:minor` of its file system.
    pub device: String,
    /// Which directory or file of the file system is mounted.
    pub root: String,
    /// Where, below the process's root.
    pub target: String,
    /// Options of this mount: `ro`, `nosuid`, …
    pub options: Vec<String>,
    /// Optional fields: `shared:7`, `master:2`, `unbindable`, …
    pub propagation: Vec<String>,
    /// Type of the file system.
    pub kind: String,
    /// What the file system was mounted from, as whoever mounted it said.
    pub source: String,
    /// Options of the file system, the same for all its mounts.
    pub superblock: Vec<String>,
}

/// Parses the whole file, keeping its order: of two mounts on one target the later covers the earlier.
///
/// # Errors
/// A line that is no mount.
pub fn parse(text: &str) -> Result<Vec<Mount>, Malformed> {
    text.lines().map(line).collect()
}

fn line(line: &str) -> Result<Mount, Malformed> {
    let malformed = || Malformed::new("`id parent major:minor root target options … - type source superblock`", line);
    let (front, back) = line.split_once(" - ").ok_or_else(malformed)?;
    let mut front = front.split(' ').skip(2);
    let mut back = back.splitn(3, ' ');
    let mut field = || front.next().ok_or_else(malformed);
    let (device, root, target, options) = (field()?, field()?, field()?, field()?);
    let mut field = || back.next().ok_or_else(malformed);
    let (kind, source) = (field()?, field()?);
    let words = |text: &str| text.split(',').filter(|w| !w.is_empty()).map(unescape).collect();
    Ok(Mount {
        device: device.to_owned(),
        root: unescape(root),
        target: unescape(target),
        options: words(options),
        propagation: front.filter(|field| !field.is_empty()).map(str::to_owned).collect(),
        kind: unescape(kind),
        source: unescape(source),
        // To the end: some file systems print a space among their options without escaping it.
        superblock: words(back.next().unwrap_or_default()),
    })
}

/// Undoes the kernel's octal escapes of space, tab, newline, backslash and hash.
fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let octal = tail.get(..3).filter(|d| *first == b'\\' && d.iter().all(|c| (b'0'..=b'7').contains(c)));
        match octal.and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| u8::from_str_radix(d, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_kept() {
        let text = "25 24 0:23 /sub /dev/shm ro,nosuid,relatime shared:7 master:2 - tmpfs shm rw,size=65536k\n";
        let [mount] = parse(text).expect("good text").try_into().expect("one line");
        assert_eq!((mount.device.as_str(), mount.root.as_str(), mount.target.as_str()), ("0:23", "/sub", "/dev/shm"));
        assert_eq!(mount.options, ["ro", "nosuid", "relatime"]);
        assert_eq!(mount.propagation, ["shared:7", "master:2"]);
        assert_eq!((mount.kind.as_str(), mount.source.as_str()), ("tmpfs", "shm"));
        assert_eq!(mount.superblock, ["rw", "size=65536k"]);
    }

    #[test]
    fn escapes_are_undone_and_an_empty_source_is_one() {
        let text = r"40 1 0:5 /a\040b /mnt/tab\011\134\303 rw - tmpfs  rw";
        let [mount] = parse(text).expect("good text").try_into().expect("one line");
        assert_eq!((mount.root.as_str(), mount.source.as_str()), ("/a b", ""));
        assert_eq!(mount.target, "/mnt/tab\t\\\u{fffd}");
        assert_eq!(unescape(r"\04"), r"\04");
        assert_eq!(unescape(r"\777x"), r"\777x");
    }

    #[test]
    fn a_line_without_its_dash_is_refused() {
        for text in ["", "22 27 0:21 / /proc", "22 27 0:21 / /proc rw proc proc rw", "22 27 0:21 - proc proc rw"] {
            assert!(parse(&format!("{text}\n")).is_err(), "{text:?}");
        }
        assert_eq!(parse(""), Ok(Vec::new()));
    }
}
