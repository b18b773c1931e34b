//! The images that podcheck brings itself, packed from the running program: the payload's, which stands in for images
//! that are not there, and the pause process's.

mod archive;
mod binary;
mod rootfs;
mod tree;

pub use archive::archive;
pub use rootfs::{Images, unpack};

use crate::plan::{SERVER, SERVER_ARGS};
use std::io;

/// One of the two images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Image {
    /// Every program of [`crate::payload`] under `/bin`, with `/bin/serve` as entry point.
    Payload,
    /// The sandbox's process, `/pause`.
    Pause,
}

impl Image {
    /// Both.
    pub const ALL: [Image; 2] = [Image::Payload, Image::Pause];

    /// Name of its directory, and the last part of its repository.
    pub fn name(self) -> &'static str {
        match self {
            Image::Payload => "payload",
            Image::Pause => "pause",
        }
    }

    /// What a runtime runs it with where nothing else is asked for.
    pub fn config(self) -> ImageConfig {
        let (entrypoint, cmd, user): (_, &'static [_], _) = match self {
            Image::Payload => (&[SERVER], &SERVER_ARGS, ""),
            Image::Pause => (&["/pause"], &[], "65535:65535"),
        };
        ImageConfig { env: &[("PATH", PATH)], entrypoint, cmd, working_dir: "/", user }
    }
}

/// The usual search path of images.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The part of an image's configuration that says how its process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageConfig {
    /// Name and value of variables.
    pub env: &'static [(&'static str, &'static str)],
    /// What is run.
    pub entrypoint: &'static [&'static str],
    /// Its arguments, unless others are given.
    pub cmd: &'static [&'static str],
    /// Where it starts.
    pub working_dir: &'static str,
    /// `uid:gid`; empty is root.
    pub user: &'static str,
}

/// What the image is called: `podcheck.local/payload:<first 12 hex digits of the program's SHA-256>`.
///
/// # Errors
/// The running program could not be read.
pub fn reference(image: Image) -> Result<String, ImageError> {
    let digest = binary::digest()?;
    Ok(format!("podcheck.local/{}:{}", image.name(), &digest[..12]))
}

/// Why an image could not be packed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The program needs libraries that the images do not have.
    #[error(
        "cannot pack the images: podcheck is not linked statically (build it in the repository's folder, where \
         .cargo/config.toml is, and without RUSTFLAGS: `env -u RUSTFLAGS cargo build --release`)"
    )]
    NotStatic,
    /// The host refused. `action` is an infinitive: `create /run/podcheck/x/image`.
    #[error("cannot {action}: {why}")]
    Io {
        /// What was tried.
        action: String,
        /// What the host said.
        why: io::Error,
    },
}

/// Names what was tried when a call fails.
trait Doing<T> {
    fn doing(self, action: impl FnOnce() -> String) -> Result<T, ImageError>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, action: impl FnOnce() -> String) -> Result<T, ImageError> {
        self.map_err(|why| ImageError::Io { action: action(), why: why.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_name_the_program_they_were_packed_from() {
        let payload = reference(Image::Payload).expect("the running program is readable");
        let pause = reference(Image::Pause).expect("the running program is readable");
        let tag = payload.strip_prefix("podcheck.local/payload:").expect("the repository is ours");
        assert!(tag.len() == 12 && tag.bytes().all(|b| b.is_ascii_hexdigit()), "{tag}");
        assert_eq!(pause, format!("podcheck.local/pause:{tag}"));
    }
}
