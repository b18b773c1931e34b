//! The Pod's process: one thread, one Pod, one socket.

use super::exec;
use super::fault::{Context, Fault};
use super::member::SANDBOX;
use super::pod::Pod;
use super::protocol::{ContainerStatus, Reply, Request, SOCKET_FD, StartRequest, receive, send};
use super::seccomp::deny_newer_than_4_19;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::stat::Mode;
use nix::unistd::{chdir, dup2_stdin, setsid};
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Main of the Pod's process: serves until Stop, the end of the socket, or a signal.
pub fn main() -> i32 {
    let (mut socket, signals) = match prepare() {
        Ok(ready) => ready,
        Err(fault) => {
            eprintln!("podcheck's engine {fault}");
            return 2;
        }
    };
    let Ok(Some(Request::Start(request))) = receive(&mut socket) else {
        return 2;
    };
    let mut pod = Pod::default();
    let started = set_apart().and_then(|()| pod.bring_up(&request, socket.as_fd()));
    let mut session = Session { socket, signals, pod, ending: false, request };
    match started {
        Ok(born) => session.serve(born),
        Err(fault) => session.give_up(fault),
    }
}

/// Second argument of the Pod's process under the filter of [`deny_newer_than_4_19`].
pub const FLOOR_4_19: &str = "--floor-4.19";

/// Leaves the caller's session, so that Ctrl-C comes to podcheck alone, and everything it may have left open.
fn prepare() -> Result<(UnixStream, SignalFd), Fault> {
    if std::env::args_os().nth(2).is_some_and(|floor| floor == FLOOR_4_19) {
        deny_newer_than_4_19()?;
    }
    setsid().to(|| "begin a session")?;
    chdir("/").to(|| "leave the caller's directory")?;
    prctl::set_name(c"podcheck-pod").to(|| "set its name")?;
    // SAFETY: the harness passes its socket as descriptor 0, and nothing else in this process owns that number.
    let given = unsafe { BorrowedFd::borrow_raw(SOCKET_FD) };
    close_all_but_standard().to(|| "close what was left open")?;
    let socket = fcntl(given, FcntlArg::F_DUPFD_CLOEXEC(3)).to(|| "take the socket")?;
    // SAFETY: the number is new and nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty()).to(|| "open /dev/null")?;
    dup2_stdin(&null).to(|| "set standard input")?;
    let mut handled = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        handled.add(signal);
    }
    handled.thread_block().to(|| "block signals")?;
    let signals =
        SignalFd::with_flags(&handled, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).to(|| "listen for signals")?;
    prctl::set_child_subreaper(true).to(|| "take in orphans")?;
    Ok((UnixStream::from(socket), signals))
}

/// By `close_range` where it is, else one by one.
fn close_all_but_standard() -> Result<(), Fault> {
    // SAFETY: nothing in this process has opened a descriptor above 2 yet, so none is owned.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
    if Errno::result(closed).is_ok() {
        return Ok(());
    }
    let listed = fs::read_dir("/proc/self/fd").to(|| "list /proc/self/fd")?;
    let open: Vec<i32> = listed.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    for fd in open.into_iter().filter(|fd| *fd > 2) {
        // The list's own descriptor is closed by now; that is all that can fail.
        let _ = nix::unistd::close(fd);
    }
    Ok(())
}

/// A mount namespace in which nothing comes back to the host.
fn set_apart() -> Result<(), Fault> {
    unshare(CloneFlags::CLONE_NEWNS).to(|| "make a mount namespace")?;
    let flags = MsFlags::MS_SLAVE | MsFlags::MS_REC;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).to(|| "keep mounts from the host")
}

/// A Pod that is up, and who asks about it.
pub struct Session {
    /// The harness.
    pub socket: UnixStream,
    /// SIGCHLD, and those that ask us to end.
    pub signals: SignalFd,
    /// The Pod.
    pub pod: Pod,
    /// A signal that came in the middle of something asked us to end.
    pub ending: bool,
    request: Box<StartRequest>,
}

/// What woke us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Request,
    Signal,
    End,
}

impl Session {
    fn serve(&mut self, born: Vec<Result<i32, Fault>>) -> i32 {
        let mut answered = send(&mut self.socket, &Reply::Started(born));
        // Nobody is reaped before the harness holds them all: a pid must not come to mean somebody else.
        let mut held = false;
        while answered.is_ok() && !self.ending {
            match self.next(held) {
                Event::End => break,
                Event::Signal => self.pod.reap(),
                Event::Request => {
                    let Ok(Some(request)) = receive(&mut self.socket) else {
                        break;
                    };
                    if let Request::Stop { grace } = request {
                        return self.stop(grace);
                    }
                    held = !matches!(request, Request::StartContainers { .. });
                    answered = self.answer(request);
                }
            }
        }
        self.take_down(Duration::ZERO).map_or(1, |()| 0)
    }

    fn answer(&mut self, request: Request) -> std::io::Result<()> {
        let reply = match request {
            Request::Held => {
                self.pod.reap();
                return Ok(());
            }
            Request::Exec { container, argv, timeout } => {
                exec::exec(self, &container, &argv, timeout).unwrap_or_else(Reply::Failed)
            }
            Request::Status => Reply::Status(self.status()),
            Request::StartContainers { names, sources } => {
                self.request.sources = sources;
                let born = self.pod.start_containers(&self.request, &names, self.socket.as_fd());
                born.map_or_else(Reply::Failed, Reply::Started)
            }
            Request::StopContainers { names, grace } => {
                let signals = &self.signals;
                done(self.pod.stop(&names, grace, |time| wait_for(signals, time)))
            }
            Request::Resize { name, resources, oom_score_adj } => {
                let resized = self.pod.resize(&name, &resources);
                if resized.is_ok() {
                    for container in self.request.plan.containers.iter_mut().filter(|c| c.name == name) {
                        (container.resources, container.oom_score_adj) = (resources.clone(), oom_score_adj);
                    }
                }
                resized.map_or_else(Reply::Refused, |()| Reply::Done)
            }
            Request::Remove { name } => {
                let signals = &self.signals;
                done(self.pod.remove(&name, |time| wait_for(signals, time)))
            }
            Request::Start(_) | Request::Stop { .. } => {
                Reply::Failed(Fault::new("start the Pod", "it was started already"))
            }
        };
        send(&mut self.socket, &reply)
    }

    fn stop(&mut self, grace: Duration) -> i32 {
        let reply = done(self.take_down(grace));
        let code = i32::from(!matches!(reply, Reply::Done));
        // Whoever asked may be gone by now; what was asked is done.
        let _ = send(&mut self.socket, &reply);
        code
    }

    fn give_up(&mut self, fault: Fault) -> i32 {
        let fault = match self.take_down(Duration::ZERO) {
            Ok(()) => fault,
            Err(left) => Fault { detail: format!("{}; and afterwards {left}", fault.detail), ..fault },
        };
        // Nobody to tell means nobody to mind.
        let _ = send(&mut self.socket, &Reply::Failed(fault));
        1
    }

    fn take_down(&mut self, grace: Duration) -> Result<(), Fault> {
        let signals = &self.signals;
        self.pod.take_down(grace, |time| wait_for(signals, time))
    }

    fn status(&mut self) -> std::collections::BTreeMap<String, ContainerStatus> {
        self.pod.reap();
        // What it says of an end is the last that anybody learns of the container's cgroup.
        self.pod.remove_ended();
        let containers = self.pod.members.iter().filter(|m| m.spec.name != SANDBOX);
        let one = |m: &super::pod::Member| ContainerStatus {
            exit_code: m.exit,
            oom_killed: m.oom_killed || m.leaf.oom_kills() > 0,
        };
        containers.map(|m| (m.spec.name.clone(), one(m))).collect()
    }

    fn next(&self, reaping: bool) -> Event {
        let mut fds =
            [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN), PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        // Until the dead may be reaped their signals wait too.
        let watched = if reaping { &mut fds[..] } else { &mut fds[..1] };
        loop {
            match poll(watched, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                Err(_) => return Event::End,
                Ok(_) => break,
            }
        }
        if fds[0].any() == Some(true) {
            return Event::Request;
        }
        if asked_to_end(&self.signals) { Event::End } else { Event::Signal }
    }
}

fn done(outcome: Result<(), Fault>) -> Reply {
    outcome.map_or_else(Reply::Failed, |()| Reply::Done)
}

/// Empties the signals; true if one of them asks us to end.
pub fn asked_to_end(signals: &SignalFd) -> bool {
    let mut end = false;
    while let Ok(Some(signal)) = signals.read_signal() {
        end |= signal.ssi_signo != Signal::SIGCHLD as u32;
    }
    end
}

/// Waits for a signal, or that long.
fn wait_for(signals: &SignalFd, time: Duration) {
    let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
    let time = nix::sys::time::TimeSpec::from(time);
    // Woken early or not at all: the caller looks again either way.
    let _ = nix::poll::ppoll(&mut fds, Some(time), None);
    while let Ok(Some(_)) = signals.read_signal() {}
}
