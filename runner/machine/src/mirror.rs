//! Where Debian's packages come from: the mirror that this machine's own apt is set up with.

use crate::cache::Cache;
use crate::command;
use crate::error::Error;
use crate::key::Key;
use crate::kind::Suite;
use crate::progress::say;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// Where Debian itself has them.
const FALLBACK: &str = "http://deb.debian.org/debian";
/// How long the mirror's answer is believed before it is asked anew.
const BELIEVED: Duration = Duration::from_secs(24 * 60 * 60);
/// What of apt's own configuration an image is built with as well: how the mirror is reached, and which dates it may have.
const PASSED_ON: [&str; 4] = ["Acquire::http", "Acquire::https", "Acquire::Check-Valid-Until", "Acquire::Check-Date"];

/// A Debian mirror, and how apt reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// As in sources.list, without a slash at its end.
    pub url: String,
    /// Lines of apt's configuration: `Acquire::http::Proxy "…";`.
    pub options: Vec<String>,
}

impl Mirror {
    /// The mirror of this machine, or Debian's own where apt has none.
    pub fn of_machine() -> Mirror {
        let format = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"];
        let targets = command::output(Command::new("apt-get").args(format)).unwrap_or_default();
        let options = command::output(Command::new("apt-config").arg("dump").args(PASSED_ON)).unwrap_or_default();
        Mirror {
            url: of_debian(&targets).unwrap_or_else(|| FALLBACK.to_owned()),
            options: options.lines().filter(|line| says_something(line)).map(str::to_owned).collect(),
        }
    }

    /// What the mirror has of a suite: a digest of its signed list of everything. It is asked at most once a day, unless
    /// `anew`; what was heard last holds as well where it cannot be reached.
    ///
    /// # Errors
    /// It was never reached, and is not now.
    pub fn state(&self, suite: Suite, cache: &Cache, anew: bool) -> Result<String, Error> {
        let heard = cache.root().join("releases").join(suite.name());
        let known = fs::read_to_string(&heard).ok().filter(|text| !text.is_empty());
        let age = fs::metadata(&heard).and_then(|file| file.modified()).map(|at| SystemTime::now().duration_since(at));
        let young = matches!(age, Ok(Ok(age)) if age < BELIEVED);
        if let Some(state) = known.clone().filter(|_| young && !anew) {
            return Ok(state);
        }
        match self.ask(suite) {
            Ok(state) => {
                keep(&heard, &state)?;
                Ok(state)
            }
            Err(error) => {
                known.ok_or(error).inspect(|_| say(&format!("{} is not reached: going by what it had", self.url)))
            }
        }
    }

    fn ask(&self, suite: Suite) -> Result<String, Error> {
        let url = format!("{}/dists/{suite}/InRelease", self.url);
        let folder = tempfile::tempdir().map_err(|why| Error::failed("make a folder for temporary files", why))?;
        let file = folder.path().join("InRelease");
        command::output(Command::new("/usr/lib/apt/apt-helper").args(["download-file", &url]).arg(&file))?;
        let text = fs::read_to_string(&file).map_err(Error::at("read", &file))?;
        Ok(Key::new().with("InRelease", &text).to_string())
    }
}

fn keep(file: &Path, text: &str) -> Result<(), Error> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder).map_err(Error::at("make the folder", folder))?;
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(Error::at("make a file in", folder))?;
    std::io::Write::write_all(&mut new, text.as_bytes()).map_err(Error::at("write", file))?;
    new.persist(file).map(drop).map_err(Error::at("write", file))
}

/// The first repository that is Debian's archive; not its security updates, nor anybody else's.
fn of_debian(targets: &str) -> Option<String> {
    targets.lines().map(|line| line.trim_end_matches('/')).find(|url| url.ends_with("/debian")).map(str::to_owned)
}

fn says_something(line: &str) -> bool {
    line.split_once(' ').is_some_and(|(_, value)| value != "\"\";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debians_own_archive_is_taken() {
        let targets =
            "https://deb.example/node_20.x/\nhttp://mirror.example/debian-security/\nhttp://mirror.example/debian/\n";
        assert_eq!(of_debian(targets).as_deref(), Some("http://mirror.example/debian"));
        assert_eq!(of_debian("https://deb.example/node_20.x/\n"), None);
    }

    #[test]
    fn empty_options_are_left_out() {
        assert!(says_something("Acquire::http::Proxy \"http://proxy.example:3128\";"));
        assert!(!says_something("Acquire::http \"\";"));
    }

    #[test]
    fn what_was_heard_today_is_not_asked_again() {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let cache = Cache::at(folder.path().to_owned());
        keep(&cache.root().join("releases/bookworm"), "abc").expect("writes");
        let mirror = Mirror { url: "http://nowhere.invalid/debian".to_owned(), options: Vec::new() };
        assert_eq!(mirror.state(Suite::Bookworm, &cache, false).expect("heard before"), "abc");
    }
}
