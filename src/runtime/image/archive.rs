//! The images as archives, in the form of `docker save`: `docker load` and `ctr images import` both read it.

use super::tree::{EntryKind, entries};
use super::{Doing, Image, ImageConfig, ImageError, binary, reference};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// Writes the image's archive to `out`. The same program gives the same bytes; `out` is there whole or not at all.
///
/// # Errors
/// podcheck is not linked statically, or the host refused.
pub fn archive(image: Image, out: &Path) -> Result<(), ImageError> {
    let mut program = binary::open()?;
    let length = program.metadata().doing(|| "look at the running program".to_owned())?.len();
    let reference = reference(image)?;
    let directory = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let writing = || format!("write {}", out.display());
    let mut whole = tempfile::NamedTempFile::new_in(directory).doing(writing)?;
    // The outer archive wants the layer's length and digest first, so it is written aside; in memory it would be too large.
    let mut layer = tempfile::tempfile_in(directory).doing(writing)?;
    let digest = write_layer(image, &mut program, length, &mut layer).doing(writing)?;
    layer.rewind().doing(writing)?;
    write_archive(image.config(), &reference, &digest, &mut layer, whole.as_file_mut()).doing(writing)?;
    whole.persist(out).map_err(|error| error.error).doing(writing)?;
    Ok(())
}

/// Writes the image's one layer and returns its SHA-256.
fn write_layer(image: Image, program: &mut dyn Read, length: u64, out: &mut File) -> io::Result<String> {
    let mut tar = Builder::new(Hashing { to: out, hasher: Sha256::new() });
    for entry in entries(image) {
        let path = &entry.path;
        match entry.kind {
            EntryKind::Directory(mode) => {
                tar.append_data(&mut header(EntryType::Directory, mode, 0), format!("{path}/"), io::empty())?;
            }
            EntryKind::Text(text) => {
                tar.append_data(&mut header(EntryType::Regular, 0o644, text.len() as u64), path, text.as_bytes())?;
            }
            EntryKind::Program => {
                tar.append_data(&mut header(EntryType::Regular, 0o555, length), path, (&mut *program).take(length))?;
            }
            EntryKind::Link(target) => tar.append_link(&mut header(EntryType::Symlink, 0o777, 0), path, target)?,
        }
    }
    Ok(binary::hex(&tar.into_inner()?.hasher.finalize()))
}

/// Writes manifest, configuration and layer.
fn write_archive(
    config: ImageConfig,
    reference: &str,
    digest: &str,
    layer: &mut File,
    out: &mut File,
) -> io::Result<()> {
    let config = serde_json::to_vec(&configuration(config, digest))?;
    let config_name = format!("{}.json", binary::hex(&Sha256::digest(&config)));
    let layer_name = format!("{digest}/layer.tar");
    let manifest = json!([{"Config": config_name, "RepoTags": [reference], "Layers": [layer_name]}]);
    let manifest = serde_json::to_vec(&manifest)?;
    let mut tar = Builder::new(out);
    for (name, bytes) in [("manifest.json", &manifest), (config_name.as_str(), &config)] {
        tar.append_data(&mut header(EntryType::Regular, 0o644, bytes.len() as u64), name, bytes.as_slice())?;
    }
    tar.append_data(&mut header(EntryType::Directory, 0o755, 0), format!("{digest}/"), io::empty())?;
    let length = layer.metadata()?.len();
    tar.append_data(&mut header(EntryType::Regular, 0o644, length), layer_name, layer)?;
    tar.into_inner()?.flush()
}

/// The image's configuration as OCI's image-spec has it (and Docker before).
fn configuration(config: ImageConfig, layer_digest: &str) -> serde_json::Value {
    let env: Vec<String> = config.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cmd = if config.cmd.is_empty() { json!(null) } else { json!(config.cmd) };
    json!({
        "architecture": architecture(),
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {
            "Env": env,
            "Entrypoint": config.entrypoint,
            "Cmd": cmd,
            "WorkingDir": config.working_dir,
            "User": config.user,
        },
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{layer_digest}")]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "podcheck"}],
    })
}

/// The machine in Go's spelling, which images use.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    }
}

/// A header that says nothing of when or by whom it was made.
fn header(kind: EntryType, mode: u32, length: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(length);
    header
}

/// Writes on, and takes the digest of what passes.
struct Hashing<W> {
    to: W,
    hasher: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.to.write(bytes)?;
        self.hasher.update(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn read_all(tar: impl Read) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(tar).entries().expect("an archive") {
            let mut entry = entry.expect("an entry");
            let name = entry.path().expect("a path").display().to_string();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("its bytes");
            files.insert(name, bytes);
        }
        files
    }

    #[test]
    fn the_same_program_gives_the_same_bytes() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (first, second) = (dir.path().join("1.tar"), dir.path().join("2.tar"));
        archive(Image::Payload, &first).expect("a first time");
        archive(Image::Payload, &second).expect("a second time");
        let bytes = std::fs::read(first).expect("it was written");
        assert_eq!(Sha256::digest(&bytes), Sha256::digest(std::fs::read(second).expect("it was written")));
        assert_eq!(std::fs::read_dir(dir.path()).expect("it is there").count(), 2);
    }

    #[test]
    fn the_manifest_names_what_is_in_the_archive_by_its_digest() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let out = dir.path().join("pause.tar");
        archive(Image::Pause, &out).expect("it is packed");
        let files = read_all(File::open(out).expect("it was written"));
        let manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
        let config_name = manifest[0]["Config"].as_str().expect("a name");
        assert_eq!(config_name, format!("{}.json", binary::hex(&Sha256::digest(&files[config_name]))));
        let config: serde_json::Value = serde_json::from_slice(&files[config_name]).expect("JSON");
        assert_eq!(config["config"]["Entrypoint"], json!(["/pause"]));
        assert_eq!(config["config"]["User"], "65535:65535");
        let layer = &files[manifest[0]["Layers"][0].as_str().expect("a name")];
        assert_eq!(config["rootfs"]["diff_ids"], json!([format!("sha256:{}", binary::hex(&Sha256::digest(layer)))]));
        assert_eq!(manifest[0]["RepoTags"], json!([reference(Image::Pause).expect("readable")]));
        let inside = read_all(layer.as_slice());
        assert_eq!(inside["pause"].len() as u64, std::fs::metadata("/proc/self/exe").expect("itself").len());
        assert!(inside.contains_key("etc/passwd") && !inside.contains_key("etc/hostname"));
    }
}
