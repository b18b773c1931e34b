//! A machine that has booted, saved: its memory in a file, the state of its devices in another, its disk an overlay over the image.

use crate::accel::Accel;
use crate::cache::{Cache, Held};
use crate::command;
use crate::control::{Control, Word};
use crate::deadline::{self, Deadline};
use crate::error::Error;
use crate::hardware::{self, IN_BYTES, OUT_BYTES, Parts, Use, name};
use crate::image::Image;
use crate::key::Key;
use crate::kind::Kind;
use crate::progress::Step;
use crate::qcow2;
use crate::qemu::Qemu;
use crate::qmp::Monitor;
use serde_json::json;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A frozen machine in the cache, with the image it stands on.
pub struct Frozen {
    /// Its kind.
    pub kind: Kind,
    /// How it was frozen and so has to be run.
    pub accel: Accel,
    /// Its image.
    pub image: Image,
    held: Held,
}

impl Frozen {
    /// The frozen machine of this kind; image and machine are made where they are not there.
    ///
    /// # Errors
    /// A tool is missing, or one of the phases fails twice.
    pub fn get(kind: Kind, cache: &Cache) -> Result<Frozen, Error> {
        command::require_tools()?;
        let image = Image::get(kind.suite, cache, false)?;
        let accel = {
            let run = cache.run_folder()?;
            Accel::probe(&image, run.path())?
        };
        let key = key(kind, accel, &image.identity()?)?;
        let held = cache.get("frozen", &format!("{}-{key}", kind.slug()), |folder| {
            let step = Step::begin(format!("{kind}: booting and freezing"));
            // Under load a boot may stop for good at something that it passes the next time.
            once_more(&format!("{kind}: freezing"), || freeze(kind, accel, &image, cache, folder))?;
            step.done();
            Ok(())
        })?;
        Ok(Frozen { kind, accel, image, held })
    }

    /// The disk's overlay over the image.
    pub fn disk(&self) -> PathBuf {
        self.held.path.join("disk.qcow2")
    }

    /// The memory.
    pub fn memory(&self) -> PathBuf {
        self.held.path.join("memory")
    }

    /// The state of the devices.
    pub fn state(&self) -> PathBuf {
        self.held.path.join("state")
    }
}

/// Tries what may fail for no reason of its own: a second time, and says so. Never what is run in the machine.
///
/// # Errors
/// The second failure, or an interruption.
pub fn once_more<T>(what: &str, mut attempt: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    match attempt() {
        Err(Error::Interrupted) => Err(Error::Interrupted),
        Err(error) => {
            crate::progress::say(&format!("{what} failed, once more: {error}"));
            attempt()
        }
        good => good,
    }
}

/// Everything that goes into a frozen machine; its devices are QEMU's own, so its version is among it.
fn key(kind: Kind, accel: Accel, image: &str) -> Result<Key, Error> {
    let nowhere = Path::new("-");
    let parts = Parts { kernel: nowhere, initrd: nowhere, disk: nowhere, memory: nowhere };
    let version = command::output(Command::new("qemu-system-x86_64").arg("--version"))?;
    let key = Key::new()
        .with("image", image)
        .with("qemu", &version)
        .with("arguments", &hardware::arguments(kind, accel, Use::Freeze, &parts).join("\n"))
        .with("drives", &format!("{IN_BYTES} {OUT_BYTES}"));
    // `-cpu host` is another processor on another host.
    let processor = || fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = |text: String| text.lines().find(|line| line.starts_with("model name")).unwrap_or_default().to_owned();
    Ok(if accel == Accel::Kvm { key.with("processor", &model(processor())) } else { key })
}

fn freeze(kind: Kind, accel: Accel, image: &Image, cache: &Cache, folder: &Path) -> Result<(), Error> {
    let run = cache.run_folder()?;
    let (disk, memory, state) = (folder.join("disk.qcow2"), folder.join("memory"), folder.join("state"));
    for left in [&disk, &memory, &state] {
        let _ = fs::remove_file(left);
    }
    let (kernel, initrd) = (image.kernel(), image.initrd());
    let below = image.disk();
    let size = fs::metadata(&below).map_err(Error::at("look at", &below))?.len();
    qcow2::write_overlay(&disk, &below, size)?;
    empty_drive(&run.path().join(name::IN), IN_BYTES)?;
    empty_drive(&run.path().join(name::OUT), OUT_BYTES)?;
    let parts = Parts { kernel: &kernel, initrd: &initrd, disk: &disk, memory: &memory };
    let mut qemu = Qemu::start(&hardware::arguments(kind, accel, Use::Freeze, &parts), run.path())?;
    let mut monitor = Monitor::open(qemu.connect(name::MONITOR)?)?;
    let mut control = Control::new(qemu.connect(name::CONTROL)?)?;
    let boot = Deadline::start(format!("the boot of {kind}"), deadline::BOOT);
    let ready = boot.poll(|| match control.hear()? {
        Some(Word::Ready) => Ok(Some(())),
        _ => qemu.still_there().map(|()| None),
    });
    ready.map_err(|error| with_last_words(error, &qemu))?;
    monitor.command("stop", json!({}))?;
    ignore_shared(&mut monitor)?;
    monitor.command("migrate-set-parameters", json!({"max-bandwidth": 1_u64 << 40}))?;
    monitor.command("migrate", json!({"uri": format!("exec:cat > {}", quoted(&state))}))?;
    let save = Deadline::start(format!("saving {kind}"), deadline::SAVE);
    save.poll(|| {
        let answer = monitor.command("query-migrate", json!({}))?;
        match answer["status"].as_str() {
            Some("completed") => Ok(Some(())),
            Some("failed" | "cancelled") => Err(Error::failed(format!("saving {kind}"), &answer["error-desc"])),
            _ => Ok(None),
        }
    })?;
    monitor.command("quit", json!({}))?;
    qemu.ended(&Deadline::start("QEMU's end", deadline::POWER_OFF))
}

/// Memory stays in its file and out of the stream.
///
/// # Errors
/// QEMU refuses.
pub fn ignore_shared(monitor: &mut Monitor) -> Result<(), Error> {
    let capabilities = json!({"capabilities": [{"capability": "x-ignore-shared", "state": true}]});
    monitor.command("migrate-set-capabilities", capabilities).map(drop)
}

/// A late phase, also with what the console said last.
pub fn with_last_words(error: Error, qemu: &Qemu) -> Error {
    match error {
        Error::Late { phase, limit, detail } => Error::Late { phase, limit, detail: detail + &qemu.last_words() },
        other => other,
    }
}

/// Makes an empty drive of that many bytes, without blocks.
///
/// # Errors
/// The file system's.
pub fn empty_drive(file: &Path, bytes: u64) -> Result<(), Error> {
    File::create(file).and_then(|file| file.set_len(bytes)).map_err(Error::at("make", file))
}

/// For the shell that QEMU starts.
pub fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_tried_twice_and_no_more() {
        let mut tries = 0;
        let result: Result<(), Error> = once_more("it", || {
            tries += 1;
            Err(Error::failed("it", tries))
        });
        assert_eq!((tries, result.expect_err("it fails").to_string()), (2, "it: 2".to_owned()));
        let mut tries = 0;
        let interrupted: Result<(), Error> = once_more("it", || {
            tries += 1;
            Err(Error::Interrupted)
        });
        assert!(interrupted.is_err() && tries == 1);
    }

    #[test]
    fn paths_are_quoted_for_the_shell() {
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
