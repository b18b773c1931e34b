//! A command beside a container's init: its namespaces, cgroups, root, user and capabilities, other streams.

use super::clone::fork_into;
use super::container::Join;
use super::fault::{Context, Fault};
use super::member::Program;
use super::namespace::{open_namespace, with_children_in};
use super::pod::Member;
use super::program::{self, until_it_runs};
use super::protocol::{OUTPUT_LIMIT, Reply};
use super::serve::{Session, asked_to_end};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, pipe2, read, setsid};
use std::convert::Infallible;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// The mount namespace last: what comes before it is looked up on the host. A user namespace of the Pod comes after it, since
/// it takes the host's privileges away.
const KINDS: [(&str, CloneFlags); 5] = [
    ("net", CloneFlags::CLONE_NEWNET),
    ("ipc", CloneFlags::CLONE_NEWIPC),
    ("uts", CloneFlags::CLONE_NEWUTS),
    ("cgroup", CloneFlags::CLONE_NEWCGROUP),
    ("mnt", CloneFlags::CLONE_NEWNS),
];

/// Runs a command in a container until it ends or its time is over.
///
/// # Errors
/// There is no such container, it does not run, or the command could not be started.
pub fn exec(session: &mut Session, container: &str, argv: &[String], timeout: Duration) -> Result<Reply, Fault> {
    session.pod.reap();
    let action = || format!("run {} in the container {container}", argv.first().map_or("nothing", String::as_str));
    let member = session.pod.members.iter().skip(1).find(|m| m.spec.name == container);
    let member = member.ok_or("the Pod has no such container").to(action)?;
    if member.exit.is_some() {
        return Err("it has ended").to(action);
    }
    let command = Program { argv: argv.to_vec(), ..member.spec.program.clone() };
    let child = start(member, &command, session.socket.as_fd()).map_err(|fault| Fault::new(action(), fault))?;
    session.pod.expect(child.pid);
    let ended = child.wait(session, timeout);
    ended.map_err(|fault| Fault::new(action(), fault))
}

struct Child {
    pid: i32,
    output: [OwnedFd; 2],
}

fn start(member: &Member, command: &Program, asking: BorrowedFd<'_>) -> Result<Child, Fault> {
    let users = member.spec.own_users.then_some(("user", CloneFlags::CLONE_NEWUSER));
    let joins: Vec<Join> = KINDS
        .into_iter()
        .chain(users)
        .map(|(name, kind)| Ok((open_namespace(member.pid, name)?, kind)))
        .collect::<Result<_, Fault>>()?;
    let pid_namespace = open_namespace(member.pid, "pid")?;
    let pipe = || pipe2(OFlag::O_CLOEXEC).to(|| "make a pipe");
    let ((report, failed), (out, out_in), (err, err_in)) = (pipe()?, pipe()?, pipe()?);
    let unified = member.leaf.open_unified()?;
    let child = |in_cgroup| {
        let Err(fault) = become_neighbour(member, command, in_cgroup, &joins, [&out_in, &err_in]);
        program::leave(&failed, &fault)
    };
    let pid = with_children_in(Some(&pid_namespace), || {
        fork_into(CloneFlags::empty(), unified.as_ref().map(AsFd::as_fd), child).to(|| "clone")
    })?;
    drop((failed, out_in, err_in));
    if let Err(fault) = until_it_runs(("it".to_owned(), report), asking) {
        // It tells and leaves; killed it is gone in any case, and nobody else waits for it.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL).and_then(|()| waitpid(Pid::from_raw(pid), None));
        return Err(fault);
    }
    for pipe in [&out, &err] {
        fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).to(|| "read without waiting")?;
    }
    Ok(Child { pid, output: [out, err] })
}

fn become_neighbour(
    member: &Member,
    command: &Program,
    in_cgroup: bool,
    joins: &[Join],
    [out, err]: [&OwnedFd; 2],
) -> Result<Infallible, Fault> {
    program::reset_signals().to(|| "reset signals")?;
    member.leaf.join(in_cgroup)?;
    program::set_oom_score(command.oom_score_adj)?;
    setsid().to(|| "begin a session")?;
    for (namespace, kind) in joins {
        setns(namespace, *kind).to(|| format!("join the namespace {kind:?}"))?;
    }
    let input = open("/dev/null", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).to(|| "open /dev/null")?;
    program::use_streams(&input, out, err)?;
    program::become_program(command, None)
}

impl Child {
    fn wait(self, session: &mut Session, timeout: Duration) -> Result<Reply, Fault> {
        let end = Instant::now() + timeout;
        let mut kept = [Vec::new(), Vec::new()];
        let mut open = [true, true];
        loop {
            let code = session.pod.ended(self.pid);
            for ((pipe, kept), open) in self.output.iter().zip(&mut kept).zip(&mut open) {
                *open = *open && drain(pipe, kept)?;
            }
            if let Some(code) = code {
                let [stdout, stderr] = kept;
                return Ok(Reply::Executed { code, stdout, stderr });
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || self.watch(session, &open, left) {
                return self.end(session);
            }
        }
    }

    /// Waits for news; true if the harness is gone or asked us to end.
    fn watch(&self, session: &mut Session, open: &[bool; 2], left: Duration) -> bool {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        // The other side waits for our answer: all that can come from it is the end.
        let mut fds = vec![readable(session.signals.as_fd()), readable(session.socket.as_fd())];
        fds.extend(self.output.iter().zip(open).filter(|(_, open)| **open).map(|(pipe, _)| readable(pipe.as_fd())));
        let time = u16::try_from(left.as_millis() + 1).unwrap_or(u16::MAX);
        match poll(&mut fds, time) {
            Err(_) | Ok(0) => false,
            Ok(_) => {
                let gone = fds[1].any() == Some(true);
                session.ending |= asked_to_end(&session.signals);
                gone || session.ending
            }
        }
    }

    fn end(self, session: &mut Session) -> Result<Reply, Fault> {
        // Our child, not reaped: the pid is still its own.
        kill(Pid::from_raw(self.pid), Signal::SIGKILL).to(|| "kill it after its time")?;
        while session.pod.ended(self.pid).is_none() {
            let mut fds = [PollFd::new(session.signals.as_fd(), PollFlags::POLLIN)];
            // Woken or not, the loop looks again.
            let _ = poll(&mut fds, 50_u8);
            session.ending |= asked_to_end(&session.signals);
        }
        Ok(Reply::TimedOut)
    }
}

/// Reads what is there, keeps what fits; false at the end.
fn drain(pipe: &OwnedFd, kept: &mut Vec<u8>) -> Result<bool, Fault> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match read(pipe, &mut buffer) {
            Ok(0) => return Ok(false),
            Ok(length) => {
                let fits = length.min(OUTPUT_LIMIT - kept.len().min(OUTPUT_LIMIT));
                kept.extend_from_slice(buffer.get(..fits).unwrap_or_default());
            }
            Err(Errno::EAGAIN) => return Ok(true),
            Err(Errno::EINTR) => {}
            Err(error) => return Err(Fault::new("read its output", error)),
        }
    }
}
