//! What the guest's service and the runner say to each other over ttyS1, a word a line; `guest/podcheck-vm` is the other side.

use crate::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{SystemTime, UNIX_EPOCH};

/// The line, with what was read of a word that is not whole yet.
pub struct Control {
    stream: UnixStream,
    read: Vec<u8>,
}

/// What the guest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Booted and warm.
    Ready,
    /// What is to be run begins.
    Started,
    /// It still runs.
    Alive,
    /// It has ended with this status, and what came of it is on its drive.
    Ended(u8),
}

impl Control {
    /// Takes the line over.
    ///
    /// # Errors
    /// It cannot be made not to block.
    pub fn new(stream: UnixStream) -> Result<Control, Error> {
        stream.set_nonblocking(true).map_err(|why| Error::failed("make the control line not block", why))?;
        Ok(Control { stream, read: Vec::new() })
    }

    /// Says that there is something to run, in an archive of so many MiB, and what time it is.
    ///
    /// # Errors
    /// QEMU has gone.
    pub fn go(&mut self, mebibytes: u64) -> Result<(), Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = format!("go {}.{:03} {mebibytes}\n", now.as_secs(), now.subsec_millis());
        self.stream.write_all(line.as_bytes()).map_err(|why| Error::failed("say go to the guest", why))
    }

    /// The next word, if one is there.
    ///
    /// # Errors
    /// The line is broken.
    pub fn hear(&mut self) -> Result<Option<Word>, Error> {
        let mut buffer = [0; 256];
        match self.stream.read(&mut buffer) {
            Ok(count) => self.read.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            // QEMU has gone; whoever waits sees that for itself.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => return Err(Error::failed("listen to the guest", error)),
        }
        while let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.read.drain(..=end).collect();
            if let Some(word) = parse(String::from_utf8_lossy(&line).trim()) {
                return Ok(Some(word));
            }
        }
        Ok(None)
    }
}

fn parse(line: &str) -> Option<Word> {
    match line.split_once(' ') {
        None if line == "ready" => Some(Word::Ready),
        None if line == "started" => Some(Word::Started),
        None if line == "alive" => Some(Word::Alive),
        Some(("ended", status)) => status.parse().ok().map(Word::Ended),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_whole_and_in_order() {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair of sockets");
        let mut control = Control::new(ours).expect("takes it");
        assert_eq!(control.hear().expect("hears"), None);
        theirs.write_all(b"rea").expect("writes");
        assert_eq!(control.hear().expect("hears"), None);
        theirs.write_all(b"dy\nnoise\nstarted\r\nalive\nended 101\nended 300\n").expect("writes");
        let words: Vec<_> = (0..5).map(|_| control.hear().expect("hears")).collect();
        assert_eq!(words, [Some(Word::Ready), Some(Word::Started), Some(Word::Alive), Some(Word::Ended(101)), None]);
        control.go(7).expect("says");
        let mut heard = [0; 64];
        let count = theirs.read(&mut heard).expect("reads");
        assert!(heard.starts_with(b"go ") && heard[..count].ends_with(b" 7\n"));
    }
}
