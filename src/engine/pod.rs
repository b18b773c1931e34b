//! A Pod and its members: brought up together, taken down together.

use super::cgroup::Leaf;
use super::fault::{Context, Fault};
use super::member::{SANDBOX, Spec};
use super::start::Ground;
use crate::plan::LinuxResources;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long the kernel may take to let killed processes go.
const PATIENCE: Duration = Duration::from_secs(10);

/// A member that was started.
#[derive(Debug)]
pub struct Member {
    /// What it was to be.
    pub spec: Spec,
    /// Its cgroups.
    pub leaf: Leaf,
    /// Its init; ours to signal until `exit` is known.
    pub pid: i32,
    /// Its exit status, 128 + signal for a killed one.
    pub exit: Option<i32>,
    /// Whether the kernel had killed a process of its for want of memory when it ended.
    pub oom_killed: bool,
}

/// A Pod, from its first member to its last.
#[derive(Debug, Default)]
pub struct Pod {
    /// Its user namespace, if it has one of its own.
    pub users: Option<std::os::fd::OwnedFd>,
    /// The sandbox first.
    pub members: Vec<Member>,
    /// Once the sandbox is there.
    pub ground: Option<Ground>,
    /// Commands of exec, and their exit statuses once they ended.
    commands: BTreeMap<i32, Option<i32>>,
}

impl Pod {
    /// Adds a member.
    pub fn add(&mut self, member: Member) -> &mut Member {
        self.members.push_mut(member)
    }

    /// The stop signal to every container, SIGKILL to what is left after `grace`, then the sandbox and the cgroups. The network
    /// goes with the last process, which the kernel sees to in the background. `wait` waits for a signal or that long.
    ///
    /// # Errors
    /// The first thing that would not go; everything is tried.
    pub fn take_down(&mut self, grace: Duration, mut wait: impl FnMut(Duration)) -> Result<(), Fault> {
        self.reap();
        for member in self.members.iter().skip(1).filter(|m| m.exit.is_none()) {
            signal(member, member.spec.stop_signal);
        }
        self.wait_for_ends(|m| m.spec.name != SANDBOX, grace, &mut wait);
        for member in self.members.iter().filter(|m| m.exit.is_none()) {
            signal(member, Signal::SIGKILL);
        }
        self.wait_for_ends(|_| true, PATIENCE, &mut wait);
        self.remove_members(&mut wait)
    }

    /// The stop signal to containers, SIGKILL to those that are left after `grace`; returns when they have ended.
    ///
    /// # Errors
    /// The first that did not end.
    pub fn stop(&mut self, names: &[String], grace: Duration, mut wait: impl FnMut(Duration)) -> Result<(), Fault> {
        self.reap();
        let meant = |m: &Member| names.contains(&m.spec.name) && m.spec.name != SANDBOX;
        for (with, within) in [(None, grace), (Some(Signal::SIGKILL), PATIENCE)] {
            for member in self.members.iter().filter(|m| meant(m) && m.exit.is_none()) {
                signal(member, with.unwrap_or(member.spec.stop_signal));
            }
            self.wait_for_ends(meant, within, &mut wait);
        }
        match self.members.iter().find(|m| meant(m) && m.exit.is_none()) {
            Some(member) => Err("its process does not go").to(|| format!("end {}", member.spec.object())),
            None => Ok(()),
        }
    }

    /// Holds a running container to other resources.
    ///
    /// # Errors
    /// It does not run, or the kernel's.
    pub fn resize(&mut self, name: &str, resources: &LinuxResources) -> Result<(), Fault> {
        self.reap();
        let action = || format!("resize the container {name}");
        let member = self.members.iter_mut().skip(1).find(|m| m.spec.name == name && m.exit.is_none());
        let member = member.ok_or("it does not run").to(action)?;
        member.leaf.change(resources).map_err(|fault| fault.of(&member.spec.object()))?;
        member.spec.resources = resources.clone();
        Ok(())
    }

    /// Takes away what is left of a container that has ended, so that there can be another of its name.
    ///
    /// # Errors
    /// It runs, or its cgroup or files would not go.
    pub fn remove(&mut self, name: &str, mut wait: impl FnMut(Duration)) -> Result<(), Fault> {
        self.reap();
        let Some(at) = self.members.iter().skip(1).position(|m| m.spec.name == name) else {
            return Ok(());
        };
        let action = || format!("remove the container {name}");
        let member = self.members.get_mut(at + 1).ok_or("it is gone").to(action)?;
        if member.exit.is_none() {
            return Err("it still runs").to(action);
        }
        let end = Instant::now() + PATIENCE;
        while !member.leaf.remove()? {
            let killed = member.leaf.kill();
            if Instant::now() > end {
                return killed.and(Err("processes do not go").to(action));
            }
            wait(Duration::from_micros(200));
        }
        match std::fs::remove_dir_all(&member.spec.dir) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e).to(action),
            _ => {}
        }
        self.members.remove(at + 1);
        Ok(())
    }

    /// Removes what is empty of the cgroups of containers that have ended: as far as their last processes have gone.
    pub fn remove_ended(&mut self) {
        for member in self.members.iter_mut().skip(1).filter(|m| m.exit.is_some()) {
            if matches!(member.leaf.kill(), Ok(false)) {
                // What will not go is told when the container or the Pod is removed.
                let _ = member.leaf.remove();
            }
        }
    }

    /// Ends a container whose program never ran, and leaves nothing of it but what goes with the Pod.
    pub fn discard(&mut self, name: &str) {
        if let Some(member) = self.members.iter_mut().skip(1).find(|m| m.spec.name == name) {
            if member.exit.is_none() {
                // Our child, not reaped: the pid is still its own.
                signal(member, Signal::SIGKILL);
                member.exit = Some(match waitpid(Pid::from_raw(member.pid), None) {
                    Ok(WaitStatus::Exited(_, code)) => code,
                    _ => 128 + Signal::SIGKILL as i32,
                });
            }
            // What would not go is tried again, and told, when the Pod goes.
            let _ = self.remove(name, std::thread::sleep);
        }
    }

    /// Waits until every member that is meant has ended, or that long.
    fn wait_for_ends(&mut self, meant: impl Fn(&Member) -> bool, within: Duration, wait: &mut impl FnMut(Duration)) {
        let end = Instant::now() + within;
        while self.members.iter().any(|m| meant(m) && m.exit.is_none()) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            wait(left);
            self.reap();
        }
    }

    /// Kills what else is in the members' cgroups, and removes those.
    fn remove_members(&mut self, wait: &mut impl FnMut(Duration)) -> Result<(), Fault> {
        let end = Instant::now() + PATIENCE;
        let mut pause = Duration::from_micros(100);
        let mut fault = Ok(());
        loop {
            self.reap();
            self.members.retain_mut(|member| match member.leaf.remove() {
                Ok(empty) => !empty || member.exit.is_none(),
                Err(why) => {
                    fault = fault.clone().and(Err(why));
                    false
                }
            });
            if self.members.is_empty() {
                return fault;
            }
            let killed = self.members.iter().map(|member| member.leaf.kill()).fold(Ok(false), Result::and);
            if Instant::now() > end {
                let names: Vec<String> = self.members.iter().map(|m| m.spec.object()).collect();
                let stay = Err("processes do not go").to(|| format!("end {}", names.join(", ")));
                return fault.and(killed.map(drop)).and(stay);
            }
            wait(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Takes note of every child that ended.
    pub fn reap(&mut self) {
        loop {
            let (pid, code) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid.as_raw(), code),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid.as_raw(), 128 + signal as i32),
                Ok(WaitStatus::StillAlive) | Err(_) => return,
                Ok(_) => continue,
            };
            if let Some(member) = self.members.iter_mut().find(|m| m.pid == pid && m.exit.is_none()) {
                member.exit = Some(code);
                member.oom_killed = code == 137 && member.leaf.oom_kills() > 0;
                // In a PID namespace of others what it started outlives it, unless somebody sees to that. Who will not go is killed
                // once more, and told, when the container is removed.
                let _ = member.leaf.kill();
            } else if let Some(exit) = self.commands.get_mut(&pid) {
                *exit = Some(code);
            } // else an orphan of a container that has the host's PID namespace
        }
    }

    /// Keeps the exit status of a child that is no member's init until [`Pod::ended`] gives it.
    pub fn expect(&mut self, pid: i32) {
        self.commands.insert(pid, None);
    }

    /// Exit status of an expected child, once, after it ended.
    pub fn ended(&mut self, pid: i32) -> Option<i32> {
        self.reap();
        let code = (*self.commands.get(&pid)?)?;
        self.commands.remove(&pid);
        Some(code)
    }
}

fn signal(member: &Member, signal: Signal) {
    // It is our child and not reaped, so the pid is still its own; that it just ended is what the caller sees next.
    let _ = kill(Pid::from_raw(member.pid), signal);
}
