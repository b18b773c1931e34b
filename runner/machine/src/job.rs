//! What is run in a machine: a program at the path that it has on the host, with what it reads, and what comes back.

use crate::error::Error;
use crate::hardware::IN_BYTES;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Component, Path, PathBuf};
use tar::{Builder, Header, HeaderMode};

/// Names in the repository's folder that no program in a machine reads.
const NOT_SENT: [&str; 3] = ["target", ".git", "podcheck-evidence"];

/// A program to run, and its surroundings.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Where it is run.
    pub folder: PathBuf,
    /// What its environment has beside PATH and HOME.
    pub environment: BTreeMap<String, String>,
    /// Files, and folders with all that is in them, that lie at the same paths in the machine.
    pub sent: Vec<PathBuf>,
    /// Folders, made where they are not there, below which every file that comes or changes is brought back to the host.
    pub back: Vec<PathBuf>,
    /// A person at a terminal, of so many rows and columns.
    pub terminal: Option<(u16, u16)>,
}

impl Job {
    /// Writes the archive that the guest unpacks: `podcheck-vm/job`, a script, `podcheck-vm/back`, and what is sent. Returns
    /// in how many MiB of the drive it is.
    ///
    /// # Errors
    /// A file cannot be read, a path is no UTF-8, or all of it is larger than the drive.
    pub fn write(&self, file: &Path) -> Result<u64, Error> {
        let archive = File::create(file).map_err(Error::at("make", file))?;
        let mut archive = Builder::new(archive);
        // Root's, and long ago: what is newer than the start has changed.
        archive.mode(HeaderMode::Deterministic);
        archive.follow_symlinks(false);
        add_text(&mut archive, "podcheck-vm/job", &self.script()?)?;
        let back: String = self.back.iter().map(|folder| format!("{}\n", inside(folder).display())).collect();
        add_text(&mut archive, "podcheck-vm/back", &back)?;
        for path in &self.sent {
            add(&mut archive, path)?;
        }
        let written = archive.into_inner().map_err(Error::at("write", file))?;
        let length = written.metadata().map_err(Error::at("look at", file))?.len();
        if length > IN_BYTES {
            return Err(Error::failed(
                "what is to be run",
                format!("{} MiB are too many for the machine's drive of {} MiB", length >> 20, IN_BYTES >> 20),
            ));
        }
        written.set_len(IN_BYTES).map_err(Error::at("size", file))?;
        Ok(length.div_ceil(1 << 20))
    }

    fn script(&self) -> Result<String, Error> {
        let mut script = String::from("export HOME=/root\n");
        for (name, value) in &self.environment {
            script.push_str(&format!("export {name}={}\n", quoted(value)));
        }
        for folder in self.back.iter().chain([&self.folder]) {
            script.push_str(&format!("mkdir -p {}\n", quoted(text(folder)?)));
        }
        script.push_str(&format!("cd {} || exit 127\n", quoted(text(&self.folder)?)));
        let words: Vec<String> = self.words.iter().map(|word| quoted(word)).collect();
        let words = words.join(" ");
        script.push_str(&match self.terminal {
            None => format!("exec {words} >/podcheck-vm/stdout 2>/podcheck-vm/stderr\n"),
            Some((rows, columns)) => {
                let shell = quoted(&format!("stty rows {rows} cols {columns}; exec {words}"));
                format!("exec script -qec {shell} /dev/null <>/podcheck-vm/stdout >&0 2>/podcheck-vm/stderr\n")
            }
        });
        Ok(script)
    }
}

/// Unpacks what came back to where it belongs, below one of these folders and nowhere else.
///
/// # Errors
/// It is no archive, or a file cannot be written.
pub fn unpack(archive: &Path, back: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let file = File::open(archive).map_err(Error::at("open", archive))?;
    let mut unpacked = Vec::new();
    for entry in tar::Archive::new(file).entries().map_err(Error::at("read", archive))? {
        let mut entry = entry.map_err(Error::at("read", archive))?;
        let path = Path::new("/").join(entry.path().map_err(Error::at("read", archive))?);
        let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        if !plain || !entry.header().entry_type().is_file() || !back.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        let folder = path.parent().unwrap_or(Path::new("/"));
        std::fs::create_dir_all(folder).map_err(Error::at("make the folder", folder))?;
        entry.unpack(&path).map_err(Error::at("write", &path))?;
        unpacked.push(path);
    }
    Ok(unpacked)
}

fn add(archive: &mut Builder<File>, path: &Path) -> Result<(), Error> {
    let failed = |why| Error::failed(format!("pack {}", path.display()), why);
    if path.symlink_metadata().map_err(failed)?.is_dir() {
        let entries = std::fs::read_dir(path).map_err(failed)?;
        let mut below: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        below.sort();
        let sent = |path: &&PathBuf| path.file_name().is_some_and(|name| NOT_SENT.iter().all(|not| name != *not));
        return below.iter().filter(sent).try_for_each(|path| add(archive, path));
    }
    archive.append_path_with_name(path, inside(path)).map_err(failed)
}

fn add_text(archive: &mut Builder<File>, path: &str, text: &str) -> Result<(), Error> {
    let mut header = Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, path, text.as_bytes()).map_err(|why| Error::failed(format!("pack {path}"), why))
}

/// A path as it stands in an archive.
fn inside(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

fn text(path: &Path) -> Result<&str, Error> {
    path.to_str().ok_or_else(|| Error::usage(format!("{} is not UTF-8", path.display())))
}

/// One word for the shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_script_runs_exactly_the_words() {
        let job = Job {
            words: ["/t/it's", "--skip", "a b", "$HOME"].map(str::to_owned).into(),
            folder: "/work".into(),
            environment: BTreeMap::from([("PODCHECK_REQUIRE".to_owned(), "engine".to_owned())]),
            ..Job::default()
        };
        let script = job.script().expect("a script");
        assert!(
            script.ends_with("exec '/t/it'\\''s' '--skip' 'a b' '$HOME' >/podcheck-vm/stdout 2>/podcheck-vm/stderr\n"),
            "{script}"
        );
        assert!(script.contains("export PODCHECK_REQUIRE='engine'\n") && script.contains("cd '/work' || exit 127\n"));
    }

    #[test]
    fn what_is_sent_arrives_and_comes_back_where_it_belongs() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let repository = folder.path().join("repository");
        for path in ["cases/a.yaml", "target/big", ".git/config"] {
            let file = repository.join(path);
            fs::create_dir_all(file.parent().expect("a parent")).expect("makes");
            fs::write(file, path).expect("writes");
        }
        let drive = folder.path().join("in.tar");
        let job = Job { sent: vec![repository.clone()], back: vec![repository.clone()], ..Job::default() };
        assert_eq!(job.write(&drive).expect("packs"), 1);
        assert_eq!(fs::metadata(&drive).expect("is there").len(), IN_BYTES);
        fs::remove_dir_all(&repository).expect("removes");
        assert_eq!(unpack(&drive, &[folder.path().join("elsewhere")]).expect("unpacks nothing"), Vec::<PathBuf>::new());
        let back = unpack(&drive, &job.back).expect("unpacks");
        assert_eq!(back, [repository.join("cases/a.yaml")]);
        assert_eq!(fs::read_to_string(&back[0]).expect("reads"), "cases/a.yaml");
    }

    #[test]
    fn an_empty_drive_brings_nothing_back() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.as_file().set_len(1 << 20).expect("sizes");
        assert!(unpack(file.path(), &["/".into()]).expect("no archive, no files").is_empty());
    }
}
