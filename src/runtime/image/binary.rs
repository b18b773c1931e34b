//! The running program, as a file to pack.

use super::{Doing, ImageError};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::sync::Mutex;

/// Opens it. The link of /proc leads to it even after it was replaced or removed.
pub(super) fn open() -> Result<File, ImageError> {
    if !cfg!(target_feature = "crt-static") {
        return Err(ImageError::NotStatic);
    }
    File::open("/proc/self/exe").doing(|| "open the running program".to_owned())
}

/// Its SHA-256 in hexadecimal; read once in a process.
pub(super) fn digest() -> Result<String, ImageError> {
    static DIGEST: Mutex<Option<String>> = Mutex::new(None);
    let mut known = DIGEST.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(digest) = &*known {
        return Ok(digest.clone());
    }
    let mut hasher = Sha256::new();
    io::copy(&mut open()?, &mut hasher).doing(|| "read the running program".to_owned())?;
    Ok(known.insert(hex(&hasher.finalize())).clone())
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
