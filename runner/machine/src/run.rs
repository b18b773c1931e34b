//! A frozen machine restored for one job, with its output as it comes.

use crate::cache::{Cache, RunFolder};
use crate::control::{Control, Word};
use crate::deadline::{self, Deadline};
use crate::error::Error;
use crate::freeze::{Frozen, empty_drive, ignore_shared, once_more, quoted, with_last_words};
use crate::hardware::{self, OUT_BYTES, Parts, Use, name};
use crate::job::{self, Job};
use crate::life::Silence;
use crate::qemu::Qemu;
use crate::qmp::Monitor;
use crate::terminal::Raw;
use serde_json::json;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What came of a job.
pub struct Outcome {
    /// Its exit status.
    pub status: u8,
    /// Files that it made or changed, now on the host.
    pub back: Vec<PathBuf>,
}

/// A machine in which the job begins.
struct Started {
    qemu: Qemu,
    monitor: Monitor,
    control: Control,
    output: Vec<JoinHandle<()>>,
    // Last, so that QEMU has gone before its folder does.
    _terminal: Option<Raw>,
}

/// Restores the machine, runs the job for at most `limit`, and brings back what it made.
///
/// # Errors
/// The machine cannot be restored in two tries, ends by itself or hangs, or the job takes too long. A job that fails is an
/// outcome.
pub fn run(frozen: &Frozen, cache: &Cache, job: &Job, limit: Duration) -> Result<Outcome, Error> {
    let folder = cache.run_folder()?;
    let mebibytes = job.write(&folder.path().join(name::IN))?;
    let what = format!("{}: restoring", frozen.kind);
    let mut machine = once_more(&what, || restore(frozen, &folder, mebibytes, job.terminal.is_some()))?;
    let Started { qemu, monitor, control, output, .. } = &mut machine;
    let running = Deadline::start(format!("what was run in {}", frozen.kind), limit);
    let mut silence = Silence::begin();
    let ended = running.poll(|| match control.hear()? {
        Some(Word::Ended(status)) => Ok(Some(status)),
        word => {
            qemu.still_there()?;
            silence.look(word.is_some(), frozen.kind, monitor).map(|()| None)
        }
    });
    let status = ended.map_err(|error| with_last_words(error, qemu))?;
    qemu.ended(&Deadline::start(format!("the power-off of {}", frozen.kind), deadline::POWER_OFF))?;
    for copying in output.drain(..) {
        // It only copies, and ends with QEMU's side of the socket.
        let _ = copying.join();
    }
    let back = job::unpack(&folder.path().join(name::OUT), &job.back)?;
    // Its service says something on the console only where something went wrong: then this is no result.
    match qemu.console().lines().find(|line| line.contains("podcheck-vm: ")) {
        Some(line) => Err(Error::failed(format!("in {}", frozen.kind), line)),
        None => Ok(Outcome { status, back }),
    }
}

fn restore(frozen: &Frozen, folder: &RunFolder, mebibytes: u64, interactive: bool) -> Result<Started, Error> {
    let (kernel, initrd, disk, memory) = (frozen.image.kernel(), frozen.image.initrd(), frozen.disk(), frozen.memory());
    let parts = Parts { kernel: &kernel, initrd: &initrd, disk: &disk, memory: &memory };
    empty_drive(&folder.path().join(name::OUT), OUT_BYTES)?;
    let mut qemu = Qemu::start(&hardware::arguments(frozen.kind, frozen.accel, Use::Restore, &parts), folder.path())?;
    let deadline = Deadline::start(format!("restoring {}", frozen.kind), deadline::RESTORE);
    let mut monitor = Monitor::open(qemu.connect(name::MONITOR)?)?;
    ignore_shared(&mut monitor)?;
    monitor.command("migrate-incoming", json!({"uri": format!("exec:cat {}", quoted(&frozen.state()))}))?;
    deadline.poll(|| {
        qemu.still_there()?;
        let answer = monitor.command("query-status", json!({}))?;
        Ok((answer["status"] != "inmigrate").then_some(()))
    })?;
    let mut control = Control::new(qemu.connect(name::CONTROL)?)?;
    let (stdout, stderr) = (qemu.connect(name::STDOUT)?, qemu.connect(name::STDERR)?);
    monitor.command("cont", json!({}))?;
    control.go(mebibytes)?;
    let started = deadline.poll(|| match control.hear()? {
        Some(Word::Started) => Ok(Some(())),
        _ => qemu.still_there().map(|()| None),
    });
    started.map_err(|error| with_last_words(error, &qemu))?;
    let terminal = if interactive { Some(type_into(&stdout)?) } else { None };
    let output = vec![copy(stdout, std::io::stdout()), copy(stderr, std::io::stderr())];
    Ok(Started { qemu, monitor, control, output, _terminal: terminal })
}

/// Copies as it comes, until QEMU closes its side. What cannot be written is dropped: the job goes on.
fn copy(mut from: UnixStream, mut to: impl Write + Send + 'static) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = [0; 16384];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let _ = to.write_all(&buffer[..count]).and_then(|()| to.flush());
        }
    })
}

/// Sends what is typed into the machine. The thread ends with the program: nothing wakes it from its read before.
fn type_into(stream: &UnixStream) -> Result<Raw, Error> {
    let raw = Raw::enter()?;
    let mut to = stream.try_clone().map_err(|why| Error::failed("share the terminal's socket", why))?;
    thread::spawn(move || std::io::copy(&mut std::io::stdin(), &mut to));
    Ok(raw)
}
