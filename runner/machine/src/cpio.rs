//! A cpio archive as the kernel unpacks its initial RAM disk from: the "newc" format.

/// An archive that grows; everything in it belongs to root.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

const FOLDER: u32 = 0o040_755;
const FILE: u32 = 0o100_755;
const LINK: u32 = 0o120_777;

impl Archive {
    /// A folder; what lies in it comes after it.
    pub fn folder(&mut self, path: &str) {
        self.entry(path, FOLDER, 2, &[]);
    }

    /// A file that may be executed.
    pub fn file(&mut self, path: &str, content: &[u8]) {
        self.entry(path, FILE, 1, content);
    }

    /// A symbolic link.
    pub fn link(&mut self, path: &str, target: &str) {
        self.entry(path, LINK, 1, target.as_bytes());
    }

    /// The whole archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, 1, &[]);
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, links: u32, content: &[u8]) {
        self.entries += 1;
        let size = u32::try_from(content.len()).expect("an initial RAM disk has no file of 4 GiB");
        let name_size = u32::try_from(path.len() + 1).expect("paths are short");
        let fields = [self.entries, mode, 0, 0, links, 0, size, 0, 0, 0, 0, name_size, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_aligned_and_sized() {
        let mut archive = Archive::default();
        archive.folder("bin");
        archive.file("bin/a", b"hello");
        archive.link("bin/sh", "a");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8_lossy(&bytes);
        let file = text.find("bin/a\0").expect("the file's name");
        let header = &text[file - 110..file];
        assert!(header.starts_with("070701") && file % 4 == 2, "a name follows its header of 110 bytes");
        assert_eq!(&header[14..22], "000081ed", "mode");
        assert_eq!(&header[54..62], "00000005", "size");
        assert_eq!(&header[94..102], "00000006", "length of the name with its end");
        assert_eq!(&text[file + 6..file + 11], "hello", "the content begins at a multiple of four");
        assert!(text.contains("TRAILER!!!"));
    }
}
