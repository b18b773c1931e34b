//! podcheck's image on a daemon that others use too: brought when it is missing, taken away again by who is last.

use super::client::{Client, QUICK};
use super::messages::{ImageSpec, RemoveImageRequest};
use crate::host::Run;
use crate::runtime::RuntimeError;
use crate::runtime::daemon::Command;
use crate::runtime::image::{self, Image as Own};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long unpacking an image may take.
const IMPORT_WITHIN: Duration = Duration::from_secs(120);
/// containerd's namespace of everything that came through CRI.
const NAMESPACE: &str = "k8s.io";

/// A stay on somebody else's daemon.
///
/// Several processes of one run may be on the same daemon (nextest has one for each test). Each holds a shared lock on a
/// file of the run for that daemon; an import is noted in it, and who gets the lock alone in the end removes the image.
pub(super) struct Guest {
    client: Arc<Client>,
    image: String,
    socket: PathBuf,
    run: Arc<Run>,
    /// Its mutex is held while importing, so that of several trials that miss the image one brings it.
    note: Mutex<File>,
}

impl Guest {
    /// Begins a stay.
    ///
    /// # Errors
    /// The run's file could not be opened or locked.
    pub fn begin(client: &Arc<Client>, image: &str, socket: &Path, run: &Arc<Run>) -> Result<Guest, RuntimeError> {
        let digest = Sha256::digest(socket.as_os_str().as_encoded_bytes());
        let name = format!("guest-{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]);
        let path = run.dir().join(name);
        let open = || {
            let note = File::options().read(true).append(true).create(true).open(&path)?;
            note.lock_shared()?;
            Ok(note)
        };
        let note = open().map_err(|e: std::io::Error| client.failed(format!("lock {}", path.display()), e))?;
        Ok(Guest {
            client: Arc::clone(client),
            image: image.to_owned(),
            socket: socket.to_owned(),
            run: Arc::clone(run),
            note: Mutex::new(note),
        })
    }

    /// Imports the image unless `is_there` says that somebody else just did.
    ///
    /// # Errors
    /// It could not be packed, or `ctr` refused.
    pub fn import(&self, is_there: impl FnOnce() -> Result<bool, RuntimeError>) -> Result<(), RuntimeError> {
        let mut note = self.note.lock().unwrap_or_else(PoisonError::into_inner);
        if is_there()? {
            return Ok(());
        }
        let action = format!("import podcheck's image at {}", self.socket.display());
        let failed = |detail: String| self.client.failed(action.clone(), detail);
        let folder = tempfile::tempdir_in(self.run.dir()).map_err(|e| failed(e.to_string()))?;
        let archive = folder.path().join("payload.tar");
        image::archive(Own::Payload, &archive).map_err(|e| failed(e.to_string()))?;
        // Noted first: what is noted and not there costs nothing in the end, the other way round it would stay.
        note.write_all(b"imported\n").map_err(|e| failed(e.to_string()))?;
        let argv = [OsStr::new("ctr"), OsStr::new("--address"), self.socket.as_os_str(), OsStr::new("--namespace")]
            .into_iter()
            .chain([OsStr::new(NAMESPACE), OsStr::new("images"), OsStr::new("import"), archive.as_os_str()])
            .map(OsStr::to_owned)
            .collect();
        let runtime = self.client.runtime();
        let command = Command { runtime, action: &action, argv, env: Vec::new(), within: IMPORT_WITHIN, log: None };
        command.read().map(drop)
    }

    /// Whether the image is this run's and nobody else's trial may still want it.
    fn is_last(&mut self) -> std::io::Result<bool> {
        let note = self.note.get_mut().unwrap_or_else(PoisonError::into_inner);
        // A shared lock is given up while an exclusive one is asked for; who fails to get it leaves without.
        if note.try_lock().is_err() {
            return Ok(false);
        }
        let mut text = String::new();
        note.rewind()?;
        note.read_to_string(&mut text)?;
        Ok(!text.is_empty())
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if self.is_last().unwrap_or(false) {
            let image = ImageSpec { image: self.image.clone(), user_specified_image: String::new() };
            // Nobody is left to be told, and an image harms nobody.
            let _ = self.client.call(RemoveImageRequest { image: Some(image) }, "remove podcheck's image", QUICK);
        }
    }
}
