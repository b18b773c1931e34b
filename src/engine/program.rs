//! The last steps before a program runs, the same for a container's init and for what exec starts beside it.

use super::fault::{Context, Fault};
use super::member::Program;
use super::seccomp_default;
use super::{seccomp, seccomp_filter, users};
use crate::pod::{AppArmorProfile, SeccompProfile};
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::{
    Gid, Uid, chdir, dup2_stderr, dup2_stdin, dup2_stdout, execve, read, setgroups, setresgid, setresuid, write,
};
use std::convert::Infallible;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Undoes what this process set for itself: a blocked or ignored signal would stay so in the program.
///
/// # Errors
/// The kernel's.
pub fn reset_signals() -> nix::Result<()> {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    for signal in Signal::iterator().filter(|s| !matches!(s, Signal::SIGKILL | Signal::SIGSTOP)) {
        // SAFETY: the default action runs no code of ours.
        unsafe { sigaction(signal, &default) }?;
    }
    SigSet::empty().thread_set_mask()
}

/// Sets the score, or leaves ours where the host lets nobody go lower (no CAP_SYS_RESOURCE), as containerd's
/// `restrict_oom_score_adj` does.
///
/// # Errors
/// The kernel's.
pub fn set_oom_score(score: i32) -> Result<(), Fault> {
    match fs::write("/proc/self/oom_score_adj", score.to_string()) {
        Err(e) if e.raw_os_error() == Some(Errno::EACCES as i32) => Ok(()),
        other => other.to(|| format!("set oom_score_adj to {score}")),
    }
}

/// Makes these the standard streams.
///
/// # Errors
/// The kernel's.
pub fn use_streams(input: &OwnedFd, output: &OwnedFd, error: &OwnedFd) -> Result<(), Fault> {
    dup2_stdin(input)
        .and_then(|()| dup2_stdout(output))
        .and_then(|()| dup2_stderr(error))
        .to(|| "set the standard streams")
}

/// Takes on the user and the capabilities, waits at the gate, and runs. Only returns if that failed.
///
/// # Errors
/// The step that failed.
pub fn become_program(program: &Program, gate: Option<BorrowedFd<'_>>) -> Result<Infallible, Fault> {
    let unprivileged = program.no_new_privs;
    // Before anything is given up that reading it may take.
    let home = users::home(program.user.uid);
    if !unprivileged {
        // It takes a privilege that is about to be given up.
        filter_calls(program)?;
    }
    program.capabilities.bound().to(|| "bound the capabilities")?;
    prctl::set_keepcaps(true).to(|| "keep capabilities")?;
    let user = &program.user;
    let groups: Vec<Gid> = user.groups.iter().copied().map(Gid::from_raw).collect();
    setgroups(&groups).to(|| format!("set the groups {:?}", user.groups))?;
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    setresgid(gid, gid, gid).to(|| format!("become the group {gid}"))?;
    setresuid(uid, uid, uid).to(|| format!("become the user {uid}"))?;
    prctl::set_keepcaps(false).to(|| "keep no capabilities")?;
    chdir(program.cwd.as_str()).to(|| format!("enter the working directory {}", program.cwd))?;
    program.capabilities.apply().to(|| "set the capabilities")?;
    if program.no_new_privs {
        prctl::set_no_new_privs().to(|| "set no_new_privs")?;
    }
    // After the user: the kernel forgets it when that changes.
    prctl::set_pdeathsig(Signal::SIGKILL).to(|| "end with the Pod's process")?;
    choose_apparmor(program.apparmor.as_ref())?;
    if unprivileged {
        // As late as can be, so that the filter need not allow what is done here.
        filter_calls(program)?;
    }
    if let Some(gate) = gate
        && read(gate, &mut [0]).to(|| "wait for the Pod's network")? == 0
    {
        return Err("the Pod is not coming up").to(|| "start");
    }
    run(program, &home)
}

fn filter_calls(program: &Program) -> Result<(), Fault> {
    let filter = match &program.seccomp {
        SeccompProfile::Unconfined => return Ok(()),
        SeccompProfile::RuntimeDefault => seccomp_default::profile(program.capabilities),
        SeccompProfile::Localhost(local) => local.filter.clone(),
    };
    seccomp::install(&seccomp_filter::compile(&filter)?).to(|| "filter system calls")
}

/// Names the profile that exec will put on; the runtime's own is not loaded by the engine, so that it is none.
fn choose_apparmor(profile: Option<&AppArmorProfile>) -> Result<(), Fault> {
    let Some(AppArmorProfile::Localhost(name)) = profile else { return Ok(()) };
    // Where AppArmor is not alone, its attribute has a directory of its own (Linux 5.8).
    let own = std::path::Path::new("/proc/self/attr/apparmor/exec");
    let file = if own.exists() { own } else { std::path::Path::new("/proc/self/attr/exec") };
    fs::write(file, format!("exec {name}")).to(|| format!("take on the AppArmor profile {name}"))
}

/// With HOME, unless the manifest or the image has one.
fn run(program: &Program, home: &str) -> Result<Infallible, Fault> {
    let name = program.argv.first().map_or("", String::as_str);
    let action = || format!("run {name}");
    let strings = |list: &[String]| list.iter().map(|s| CString::new(s.as_str())).collect::<Result<Vec<_>, _>>();
    let (argv, mut env) = (strings(&program.argv).to(action)?, strings(&program.env).to(action)?);
    if !program.env.iter().any(|entry| entry.starts_with("HOME=")) {
        env.push(CString::new(format!("HOME={home}")).to(action)?);
    }
    let path = program.env.iter().find_map(|e| e.strip_prefix("PATH=")).unwrap_or_default();
    let mut worst = Errno::ENOENT;
    for candidate in candidates(name, path) {
        let candidate = CString::new(candidate).to(action)?;
        match execve(&candidate, &argv, &env) {
            Ok(never) => match never {},
            Err(Errno::ENOENT | Errno::ENOTDIR) => {}
            Err(errno) => worst = errno,
        }
    }
    let place = if name.contains('/') { String::new() } else { format!(" (looked in {path})") };
    Err(Fault::new(action(), format!("{worst}{place}")))
}

fn candidates(name: &str, path: &str) -> Vec<String> {
    if name.contains('/') {
        return vec![name.to_owned()];
    }
    path.split(':').filter(|dir| !dir.is_empty() && !name.is_empty()).map(|dir| format!("{dir}/{name}")).collect()
}

/// A child on its way to its program, and the pipe that says how far it got.
pub type Report = (String, OwnedFd);

/// Waits until a child runs its program: then the pipe closes with nothing in it.
///
/// # Errors
/// What the child told, or that nobody asks any more.
pub fn until_it_runs((object, pipe): Report, asking: BorrowedFd<'_>) -> Result<(), Fault> {
    loop {
        // The other side waits for our answer: all that can come from it is the end.
        let mut fds = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN), PollFd::new(asking, PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::NONE) {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(Fault::new(format!("wait for {object}"), error)),
            Ok(_) if fds[0].any() == Some(true) => break,
            Ok(_) => {
                return Err(Fault::new(format!("wait for {object}"), "podcheck no longer asks for the Pod"));
            }
        }
    }
    told((&object, pipe))
}

/// What a child told that is past telling more.
///
/// # Errors
/// Just that.
pub fn told((object, pipe): (&str, OwnedFd)) -> Result<(), Fault> {
    let mut text = String::new();
    File::from(pipe).read_to_string(&mut text).to(|| format!("hear of {object}"))?;
    if text.is_empty() {
        return Ok(());
    }
    let fault: Fault = serde_json::from_str(&text).to(|| format!("understand {object}"))?;
    Err(Fault::new(format!("start {object}"), format!("cannot {}: {}", fault.action, fault.detail)))
}

/// Ends a child whose program never ran, after telling the parent why, and without running anything that this process
/// would run at its own end.
pub fn leave(pipe: &OwnedFd, fault: &Fault) -> Infallible {
    let text = serde_json::to_vec(fault).unwrap_or_default();
    // If the parent no longer listens, it is gone, and the child goes with it.
    let _ = write(pipe, &text);
    // SAFETY: _exit ends the process and touches no memory.
    unsafe { libc::_exit(127) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_looked_for_in_path() {
        assert_eq!(candidates("cat", "/bin::/usr/bin"), ["/bin/cat", "/usr/bin/cat"]);
        assert_eq!(candidates("./cat", "/bin"), ["./cat"]);
        assert!(candidates("", "/bin").is_empty());
    }
}
