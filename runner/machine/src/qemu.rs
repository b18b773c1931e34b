//! A QEMU that runs: its process, which ends with this program however that ends, and the guest's console.

use crate::command::{Reaped, dies_with_us, tail, wait};
use crate::deadline::Deadline;
use crate::error::Error;
use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// How long QEMU may take to open its sockets.
const OPEN: Duration = Duration::from_secs(30);
/// The console and QEMU's own words, in the folder of the run.
const CONSOLE: &str = "console";

/// The process, killed when this is dropped.
pub struct Qemu {
    process: Reaped,
    folder: PathBuf,
}

impl Qemu {
    /// Starts QEMU in the folder of the run. What goes to its standard output, the guest's console, is kept in a file there.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(arguments: &[String], folder: &Path) -> Result<Qemu, Error> {
        let file = folder.join(CONSOLE);
        let console = File::create(&file).map_err(Error::at("make", &file))?;
        let errors = console.try_clone().map_err(Error::at("open", &file))?;
        let mut command = dies_with_us("qemu-system-x86_64");
        // The overlay of a restored disk is a file without a name below TMPDIR.
        command.args(arguments).current_dir(folder).env("TMPDIR", folder).stdout(Stdio::from(console)).stderr(errors);
        let process = command.spawn().map_err(|why| Error::failed("start qemu-system-x86_64", why))?;
        Ok(Qemu { process: Reaped(process), folder: folder.to_owned() })
    }

    /// Everything that the console has said until now.
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.folder.join(CONSOLE)).unwrap_or_default()).into_owned()
    }

    /// The console's last lines, to show why something failed.
    pub fn last_words(&self) -> String {
        let words = tail(self.console().as_bytes(), 20);
        if words.is_empty() { String::new() } else { format!("\nthe console's last lines:\n{words}") }
    }

    /// Fails once the process has ended.
    ///
    /// # Errors
    /// It has.
    pub fn still_there(&mut self) -> Result<(), Error> {
        match self.process.0.try_wait().map_err(|why| Error::failed("wait for QEMU", why))? {
            None => Ok(()),
            Some(status) => Err(Error::failed(format!("QEMU ended, {status}"), self.last_words())),
        }
    }

    /// Waits for the end of the process.
    ///
    /// # Errors
    /// It is late, or a signal asked for the end.
    pub fn ended(&mut self, deadline: &Deadline) -> Result<(), Error> {
        wait(&mut self.process, deadline).map(drop)
    }

    /// Connects to one of its sockets.
    ///
    /// # Errors
    /// QEMU has ended, or does not open it.
    pub fn connect(&mut self, name: &str) -> Result<UnixStream, Error> {
        // By way of a descriptor: a socket's path may have 107 bytes, and a user's cache may lie deeper.
        let folder = File::open(&self.folder).map_err(Error::at("open", &self.folder))?;
        let path = format!("/proc/self/fd/{}/{name}", std::os::fd::AsRawFd::as_raw_fd(&folder));
        let deadline = Deadline::start(format!("QEMU's socket {name}"), OPEN);
        deadline.poll(|| match UnixStream::connect(&path) {
            Ok(stream) => Ok(Some(stream)),
            Err(_) => self.still_there().map(|()| None),
        })
    }
}
