//! The versions of what is in an image.

use crate::command;
use crate::error::Error;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The file in an image's folder.
const FILE: &str = "packages";

/// Package → version as Debian has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packages(BTreeMap<String, String>);

impl Packages {
    /// What is installed in a root file system.
    ///
    /// # Errors
    /// dpkg-query's.
    pub fn of_root(root: &Path) -> Result<Packages, Error> {
        let database = format!("--admindir={}", root.join("var/lib/dpkg").display());
        let format = "--showformat=${Package} ${Version}\\n";
        let list = command::output(Command::new("dpkg-query").args([&database, "--show", format]))?;
        Ok(parse(&list))
    }

    /// As [`Packages::write`] wrote them.
    ///
    /// # Errors
    /// The file system's.
    pub fn read(folder: &Path) -> Result<Packages, Error> {
        let file = folder.join(FILE);
        fs::read_to_string(&file).map(|text| parse(&text)).map_err(Error::at("read", &file))
    }

    /// Writes them into an image's folder.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let file = folder.join(FILE);
        let text: String = self.0.iter().map(|(name, version)| format!("{name} {version}\n")).collect();
        fs::write(&file, text).map_err(Error::at("write", &file))
    }

    /// Adds one that is no package of its own.
    pub fn add(&mut self, name: &str, version: &str) {
        self.0.insert(name.to_owned(), version.to_owned());
    }

    /// The upstream part of a version, `1.6.20` of `1.6.20~ds1-1+b1`; `-` if it is not there.
    pub fn upstream(&self, name: &str) -> &str {
        self.0.get(name).map_or("-", |version| upstream(version))
    }

    /// The ones that matter, in a line.
    pub fn summary(&self) -> String {
        let of = |name: &str| format!("{name} {}", self.upstream(name));
        ["systemd", "containerd", "docker.io", "runc", "crun"].map(of).join(", ") + &format!(", Linux {}", self.linux())
    }

    /// The kernel's release.
    pub fn linux(&self) -> &str {
        self.0.get("linux").map_or("-", String::as_str)
    }
}

fn parse(text: &str) -> Packages {
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    Packages(pairs.map(|(name, version)| (name.to_owned(), version.to_owned())).collect())
}

/// Without epoch, Debian's revision, and what was done to the source. A pre-release (`1.0.0~rc93`) keeps its name.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    let version = version.rsplit_once('-').map_or(version, |(rest, _)| rest);
    let end = [version.find('+'), version.find("~ds"), version.find("~dfsg")].into_iter().flatten().min();
    &version[..end.unwrap_or(version.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstream_versions_are_those_of_the_releases() {
        for (debian, expected) in [
            ("1.6.20~ds1-1+deb12u3", "1.6.20"),
            ("20.10.24+dfsg1-1+deb12u1+b6", "20.10.24"),
            ("1.0.0~rc93+ds1-5+deb11u5", "1.0.0~rc93"),
            ("252.39-1~deb12u1", "252.39"),
            ("1:2.3-4", "2.3"),
            ("1.21-1", "1.21"),
        ] {
            assert_eq!(upstream(debian), expected);
        }
    }

    #[test]
    fn the_list_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let mut packages = parse("runc 1.1.5+ds1-1+deb12u1\nsystemd 252.39-1~deb12u1\n");
        packages.add("linux", "6.1.0-50-cloud-amd64");
        packages.write(folder.path()).expect("writes");
        let read = Packages::read(folder.path()).expect("reads");
        assert_eq!(read, packages);
        assert_eq!((read.upstream("runc"), read.upstream("docker.io")), ("1.1.5", "-"));
    }
}
