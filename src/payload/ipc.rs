//! System V shared memory and POSIX message queues: what an IPC namespace holds.

use super::fault::{Doing, Fault, Outcome, exactly, print};
use super::operand;
use nix::errno::Errno;
use nix::libc;
use nix::sys::statfs::{FsType, statfs};
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Size of a segment: a length and that many bytes.
const SEGMENT: usize = 4096;
const PREFIX: usize = size_of::<u32>();

/// An attached segment.
struct Segment(*mut u8);

impl Segment {
    fn attach(id: i32, flags: i32) -> Result<Segment, Fault> {
        // SAFETY: the kernel chooses the address; nothing that is in use is replaced.
        let start = unsafe { libc::shmat(id, std::ptr::null(), flags) };
        // shmat answers -1, as a pointer, where it fails.
        if start as isize == -1 { Err(Errno::last()).doing("attach the segment") } else { Ok(Segment(start.cast())) }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: attached by shmat and not detached before. Ending the process would do it too.
        unsafe { libc::shmdt(self.0.cast()) };
    }
}

fn segment_id(key: i32, size: usize, flags: i32) -> Result<i32, Fault> {
    // SAFETY: takes plain numbers.
    Errno::result(unsafe { libc::shmget(key, size, flags) }).doing(format!("find the segment {key}"))
}

/// `shm-put KEY TEXT`: makes the segment if need be.
pub(super) fn shm_put(args: &[OsString]) -> Outcome {
    let [key, text] = exactly(args)?;
    let bytes = text.as_bytes();
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= SEGMENT - PREFIX);
    let length = length.ok_or_else(|| Fault::usage("the text is too long for a segment"))?;
    let segment = Segment::attach(segment_id(operand::key(key)?, SEGMENT, libc::IPC_CREAT | 0o666)?, 0)?;
    let content = [&length.to_ne_bytes(), bytes].concat();
    // SAFETY: the segment is at least SEGMENT bytes (shmget refuses a smaller one) and the content no longer.
    unsafe { segment.0.copy_from_nonoverlapping(content.as_ptr(), content.len()) };
    Ok(0)
}

/// `shm-get KEY`
pub(super) fn shm_get(args: &[OsString]) -> Outcome {
    let [key] = exactly(args)?;
    let segment = Segment::attach(segment_id(operand::key(key)?, SEGMENT, 0)?, libc::SHM_RDONLY)?;
    let mut content = [0; SEGMENT];
    // SAFETY: the segment is at least SEGMENT bytes, for shmget was asked for that many.
    unsafe { segment.0.copy_to_nonoverlapping(content.as_mut_ptr(), SEGMENT) };
    let (length, bytes) = content.split_at(PREFIX);
    let length = length.try_into().map_or(0, u32::from_ne_bytes) as usize;
    let text = bytes.get(..length).ok_or_else(|| Fault::Other("the segment holds no text of shm-put".to_owned()))?;
    print([text, b"\n"].concat()).map(|()| 0)
}

/// `shm-rm KEY`
pub(super) fn shm_rm(args: &[OsString]) -> Outcome {
    let [key] = exactly(args)?;
    let id = segment_id(operand::key(key)?, 0, 0)?;
    // SAFETY: IPC_RMID reads no buffer.
    let removed = unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
    Errno::result(removed).doing("remove the segment").map(|_| 0)
}

/// Longest message.
const MESSAGE: usize = 1024;

/// An open queue.
struct Queue(libc::mqd_t);

impl Queue {
    fn open(name: &CString, flags: i32) -> Result<Queue, Fault> {
        // SAFETY: mq_attr is plain numbers, for which zero is a value.
        let mut attributes: libc::mq_attr = unsafe { std::mem::zeroed() };
        attributes.mq_maxmsg = 8;
        attributes.mq_msgsize = MESSAGE as _;
        let flags = flags | libc::O_NONBLOCK | libc::O_CLOEXEC;
        let mode: libc::c_uint = 0o666;
        // SAFETY: name and attributes live through the call; mode and attributes are read only with O_CREAT.
        let queue = unsafe { libc::mq_open(name.as_ptr(), flags, mode, &raw const attributes) };
        Errno::result(queue).map(Queue).doing(format!("open the queue {}", name.to_string_lossy()))
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: opened by mq_open and not closed before.
        unsafe { libc::mq_close(self.0) };
    }
}

/// A queue's name has one slash, at its front; it may be left out.
fn queue_name(operand: &OsStr) -> Result<CString, Fault> {
    let name = operand.as_bytes().strip_prefix(b"/").unwrap_or(operand.as_bytes());
    if name.is_empty() || name.contains(&b'/') {
        return Err(Fault::usage(format!("{} is no name of a queue", operand.display())));
    }
    CString::new([b"/", name].concat()).map_err(|_| Fault::usage("a name holds no NUL"))
}

/// `mq-put NAME TEXT`: makes the queue if need be.
pub(super) fn mq_put(args: &[OsString]) -> Outcome {
    let [name, text] = exactly(args)?;
    if text.len() > MESSAGE {
        return Err(Fault::usage("the text is too long for a message"));
    }
    let queue = Queue::open(&queue_name(name)?, libc::O_WRONLY | libc::O_CREAT)?;
    // SAFETY: the text lives through the call and has that length.
    let sent = unsafe { libc::mq_send(queue.0, text.as_bytes().as_ptr().cast(), text.len(), 0) };
    Errno::result(sent).doing("send a message").map(|_| 0)
}

/// `mq-get NAME`: takes a message; does not wait for one.
pub(super) fn mq_get(args: &[OsString]) -> Outcome {
    let [name] = exactly(args)?;
    let queue = Queue::open(&queue_name(name)?, libc::O_RDONLY)?;
    // The kernel wants room for the queue's longest message; queues of others may have longer ones than ours.
    let mut message = vec![0_u8; 64 * 1024];
    // SAFETY: the buffer has that length.
    let length = unsafe { libc::mq_receive(queue.0, message.as_mut_ptr().cast(), message.len(), std::ptr::null_mut()) };
    let length = Errno::result(length).doing("receive a message")?;
    message.truncate(usize::try_from(length).unwrap_or(0));
    message.push(b'\n');
    print(message).map(|()| 0)
}

/// `mq-rm NAME`
pub(super) fn mq_rm(args: &[OsString]) -> Outcome {
    let [name] = exactly(args)?;
    // SAFETY: the name lives through the call.
    let removed = unsafe { libc::mq_unlink(queue_name(name)?.as_ptr()) };
    Errno::result(removed).doing("remove the queue").map(|_| 0)
}

/// `MQUEUE_MAGIC` of Linux's ipc/mqueue.c.
const MQUEUE_MAGIC: FsType = FsType(0x1980_0202);

/// `mq-list`: what /dev/mqueue holds, if that is what it should be.
pub(super) fn mq_list(args: &[OsString]) -> Outcome {
    exactly::<0>(args)?;
    let kind = statfs("/dev/mqueue").doing("look at /dev/mqueue")?.filesystem_type();
    if kind != MQUEUE_MAGIC {
        return Err(Fault::Other("/dev/mqueue is not the kernel's file system of queues".to_owned()));
    }
    super::file::ls(&["/dev/mqueue".into()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queues_name_has_one_slash() {
        for text in ["a", "/a"] {
            assert_eq!(queue_name(OsStr::new(text)).ok().as_deref(), Some(c"/a"), "{text}");
        }
        for text in ["", "/", "//a", "a/b"] {
            assert!(queue_name(OsStr::new(text)).is_err(), "{text}");
        }
    }
}
