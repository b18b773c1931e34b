//! Bringing a Pod up: files, the sandbox, then the containers beside each other while the network is made.

use super::capabilities::CapabilitySet;
use super::cgroup::{Hierarchy, Leaf};
use super::clone::fork_into;
use super::container::{Birth, Join, become_member};
use super::device_program;
use super::devices::{DEFAULT_RULES, PRIVILEGED_RULES};
use super::fault::{Context, Fault};
use super::member::{Host, Spec};
use super::mounts::PodFiles;
use super::namespace::{open_namespace, with_children_in};
use super::network;
use super::pod::{Member, Pod};
use super::program::{self, Report, told, until_it_runs};
use super::protocol::StartRequest;
use super::user_namespace::{self, Cradle};
use crate::plan::Scope;
use nix::fcntl::OFlag;
use nix::mount::{MsFlags, mount};
use nix::sched::CloneFlags;
use nix::unistd::{gethostname, pipe2, write};
use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Where containers wait for the Pod's network, and the end by which they are let go.
pub struct Gate {
    closed: OwnedFd,
    opener: OwnedFd,
}

impl Gate {
    fn new() -> Result<Gate, Fault> {
        let (closed, opener) = pipe2(OFlag::O_CLOEXEC).to(|| "make a pipe")?;
        Ok(Gate { closed, opener })
    }

    /// A child's side: it must not be the one who holds the gate's other end, whose last closing tells of a lost Pod.
    pub fn wait_here(&self) -> BorrowedFd<'_> {
        // The number is open in this child, which never drops what owns it: it ends by exec or by _exit.
        let _ = nix::unistd::close(self.opener.as_raw_fd());
        self.closed.as_fd()
    }

    fn open(self, containers: usize) -> Result<(), Fault> {
        if containers == 0 {
            return Ok(());
        }
        write(&self.opener, &vec![1; containers]).map(drop).to(|| "let the containers go")
    }
}

/// A container's name, and how far it got.
type Spawned = (String, Result<Report, Fault>);

/// What containers are made with, beside the request, as long as the Pod lives.
#[derive(Debug)]
pub struct Ground {
    files: PodFiles,
    host: Host,
}

impl Pod {
    /// Brings the sandbox and the first containers up for whoever is at the other end of `asking`, and gives the pid of each or
    /// why it did not start; on a fault what was started stays for [`Pod::take_down`].
    ///
    /// # Errors
    /// The first step that failed and is not one container's alone.
    pub fn bring_up(
        &mut self,
        request: &StartRequest,
        asking: BorrowedFd<'_>,
    ) -> Result<Vec<Result<i32, Fault>>, Fault> {
        let plan = &request.plan;
        let files = PodFiles::below(&request.dir, plan.namespaces.ipc);
        let host_name = gethostname().to(|| "read the host's name")?.to_string_lossy().into_owned();
        let name = plan.hostname.clone().unwrap_or(host_name);
        make_files(request, &files, &name)?;
        if let Some(shared) = &request.shared {
            let flags = MsFlags::MS_SHARED | MsFlags::MS_REC;
            mount(None::<&str>, shared, None::<&str>, flags, None::<&str>)
                .to(|| "let mounts travel between members")?;
        }
        request.hierarchies.iter().try_for_each(Hierarchy::hand_down)?;
        let pure_v2 = request.hierarchies.iter().all(|h| h.unified);
        let capabilities = CapabilitySet::current().to(|| "read our capabilities")?;
        let ground = Ground { files, host: Host { pure_v2, name, capabilities } };
        self.users = request.ids.map(user_namespace::make).transpose()?;
        let users = self.users.take();
        let place = Place { own: sandbox_namespaces(request), joins: &[], users: users.as_ref(), pid: None };
        let sandbox_runs = self.spawn(request, Spec::sandbox(request, &ground.files)?, &place, None);
        self.users = users;
        let sandbox_runs = sandbox_runs?;
        let sandbox = self.members.first().map_or(0, |m| m.pid);
        let gate = Gate::new()?;
        let around = self.surround(request, &ground, &gate, sandbox);
        let containers_run = match around {
            Ok(containers_run) => containers_run,
            // A sandbox that does not come up takes its namespaces with it: then it is the one to tell why.
            Err(fault) => return Err(until_it_runs(sandbox_runs, asking).err().unwrap_or(fault)),
        };
        self.ground = Some(ground);
        // What comes of the sandbox is looked at afterwards: containers need its namespaces, which they have joined.
        gate.open(request.first.len())?;
        until_it_runs(sandbox_runs, asking)?;
        let mut born = vec![Ok(sandbox)];
        born.extend(self.await_containers(containers_run, asking));
        Ok(born)
    }

    /// Starts the first containers in a sandbox's namespaces, and gives it its network.
    fn surround(
        &mut self,
        request: &StartRequest,
        ground: &Ground,
        gate: &Gate,
        sandbox: i32,
    ) -> Result<Vec<Spawned>, Fault> {
        let containers_run = self.spawn_containers(request, &request.first, ground, gate)?;
        if request.plan.namespaces.network != Scope::Node {
            let (ours, pods) = (open_namespace(0, "net")?, open_namespace(sandbox, "net")?);
            network::set_up(&ours, &pods, &request.interface, request.address)?;
        }
        Ok(containers_run)
    }

    /// Starts more containers, as [`Pod::bring_up`].
    ///
    /// # Errors
    /// The first step that failed and is not one container's alone.
    pub fn start_containers(
        &mut self,
        request: &StartRequest,
        names: &[String],
        asking: BorrowedFd<'_>,
    ) -> Result<Vec<Result<i32, Fault>>, Fault> {
        let ground = self.ground.take().ok_or("the Pod is not up").to(|| "start containers")?;
        let gate = Gate::new()?;
        let spawned = self.spawn_containers(request, names, &ground, &gate);
        self.ground = Some(ground);
        let spawned = spawned?;
        gate.open(names.len())?;
        Ok(self.await_containers(spawned, asking))
    }

    /// Each that was asked for is there in the result, in order.
    fn spawn_containers(
        &mut self,
        request: &StartRequest,
        names: &[String],
        ground: &Ground,
        gate: &Gate,
    ) -> Result<Vec<Spawned>, Fault> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let plan = &request.plan;
        let sandbox = self.members.first().map_or(0, |m| m.pid);
        let joins = shared_namespaces(request, sandbox)?;
        let pods = (plan.namespaces.pid == Scope::Pod).then(|| open_namespace(sandbox, "pid")).transpose()?;
        let users = self.users.as_ref().map(|users| users.try_clone().to(|| "hold the user namespace")).transpose()?;
        let mut spawn = |name: &String| {
            if self.members.iter().any(|m| m.spec.name == *name) {
                return Err("there is one of that name").to(|| format!("make the container {name}"));
            }
            let index = plan.containers.iter().position(|c| c.name == *name);
            let index = index.ok_or("the plan has none of that name").to(|| format!("make the container {name}"))?;
            let spec = Spec::container(request, index, &ground.files, &ground.host)?;
            let target = plan.containers.get(index).and_then(|container| container.target.as_deref());
            let targets = target.map(|target| self.pid_namespace_of(target)).transpose()?;
            let pid = pods.as_ref().or(targets.as_ref());
            let mut own = CloneFlags::CLONE_NEWNS;
            own.set(CloneFlags::CLONE_NEWPID, plan.namespaces.pid == Scope::Container && pid.is_none());
            let place = Place { own, joins: &joins, users: users.as_ref(), pid };
            self.spawn(request, spec, &place, Some(gate))
        };
        Ok(names.iter().map(|name| (name.clone(), spawn(name))).collect())
    }

    /// That of a container that runs.
    fn pid_namespace_of(&self, name: &str) -> Result<OwnedFd, Fault> {
        let member = self.members.iter().skip(1).find(|m| m.spec.name == name && m.exit.is_none());
        let member = member.ok_or("it does not run").to(|| format!("look into the container {name}"))?;
        open_namespace(member.pid, "pid")
    }

    /// Waits until each runs; of one that does not nothing is left.
    fn await_containers(&mut self, spawned: Vec<Spawned>, asking: BorrowedFd<'_>) -> Vec<Result<i32, Fault>> {
        let one = |(name, report): Spawned| {
            let runs = report.and_then(|report| until_it_runs(report, asking));
            let pid = self.members.iter().find(|m| m.spec.name == name).map_or(0, |m| m.pid);
            runs.inspect_err(|_| self.discard(&name)).map(|()| pid)
        };
        spawned.into_iter().map(one).collect()
    }

    fn spawn(
        &mut self,
        request: &StartRequest,
        spec: Spec,
        place: &Place<'_>,
        gate: Option<&Gate>,
    ) -> Result<Report, Fault> {
        let object = spec.object();
        let of_it = |fault: Fault| fault.of(&object);
        let leaf = Leaf::create(&request.hierarchies, &spec.name).map_err(of_it)?;
        // A member from here on, so that its cgroups go with the Pod; it has no process yet.
        let member = self.add(Member { spec, leaf, pid: 0, exit: Some(-1), oom_killed: false });
        let (spec, leaf) = (&member.spec, &member.leaf);
        leaf.limit(&spec.resources).map_err(of_it)?;
        restrict_devices(leaf, spec.privileged).map_err(of_it)?;
        let (runs, failed) = pipe2(OFlag::O_CLOEXEC).to(|| "make a pipe")?;
        let birth = Birth { leaf, in_cgroup: false, joins: place.joins, gate: None, ground: None };
        let born = match (place.users, request.ids) {
            (Some(users), Some(range)) => {
                let cradle = Cradle { users, range, pid: place.pid, own: place.own, gate };
                user_namespace::start(spec, &birth, &cradle, &failed).map_err(of_it)?
            }
            _ => {
                let unified = leaf.open_unified()?;
                let child = |in_cgroup| {
                    let gate = gate.map(Gate::wait_here);
                    let Err(fault) = become_member(spec, &Birth { in_cgroup, gate, ..birth });
                    program::leave(&failed, &fault)
                };
                let fork = || fork_into(place.own, unified.as_ref().map(AsFd::as_fd), child);
                Some(with_children_in(place.pid, || fork().to(|| format!("clone {object}")))?)
            }
        };
        let Some(pid) = born else {
            drop(failed);
            told((&object, runs))?;
            return Err("it went without a word").to(|| format!("start {object}"));
        };
        (member.pid, member.exit) = (pid, None);
        Ok((object, runs))
    }
}

/// Where a member is born.
struct Place<'a> {
    /// Namespaces of its own.
    own: CloneFlags,
    /// Namespaces that it joins.
    joins: &'a [Join],
    /// The Pod's user namespace, if it has one.
    users: Option<&'a OwnedFd>,
    /// The Pod's PID namespace, if its members share one.
    pid: Option<&'a OwnedFd>,
}

fn restrict_devices(leaf: &Leaf, privileged: bool) -> Result<(), Fault> {
    let rules = if privileged { PRIVILEGED_RULES.as_slice() } else { DEFAULT_RULES.as_slice() };
    if leaf.restrict_devices_v1(rules)? {
        return Ok(());
    }
    let nobody = "the host has neither the devices controller nor cgroup v2";
    device_program::attach(leaf.unified().ok_or(nobody).to(|| "restrict devices")?, rules)
}

fn sandbox_namespaces(request: &StartRequest) -> CloneFlags {
    let asked = request.plan.namespaces;
    let mut flags = CloneFlags::CLONE_NEWNS;
    flags.set(CloneFlags::CLONE_NEWPID, asked.pid != Scope::Node);
    flags.set(CloneFlags::CLONE_NEWIPC, asked.ipc != Scope::Node);
    flags.set(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWUTS, asked.network != Scope::Node);
    flags
}

fn shared_namespaces(request: &StartRequest, sandbox: i32) -> Result<Vec<Join>, Fault> {
    let asked = request.plan.namespaces;
    let kinds = [
        ("net", CloneFlags::CLONE_NEWNET, asked.network),
        ("ipc", CloneFlags::CLONE_NEWIPC, asked.ipc),
        ("uts", CloneFlags::CLONE_NEWUTS, asked.network),
    ];
    let shared = kinds.into_iter().filter(|(.., scope)| *scope != Scope::Node);
    shared.map(|(name, kind, _)| Ok((open_namespace(sandbox, name)?, kind))).collect()
}

/// Files that all members see, and the memory they share, in this process's own mount namespace.
///
/// They and the members' roots are on a tmpfs, which goes with that namespace: on a disk each file would be searched a place for
/// on the way up, and be removed on the way down. Most hosts have /run on one anyway, so that what a container writes
/// into its root counts as its memory.
fn make_files(request: &StartRequest, files: &PodFiles, name: &str) -> Result<(), Fault> {
    let plan = &request.plan;
    let dir = &request.dir;
    mount(Some("podcheck"), dir, Some("tmpfs"), MsFlags::empty(), Some("mode=700"))
        .to(|| format!("mount a tmpfs on {}", dir.display()))?;
    let containers = dir.join("containers");
    fs::create_dir(&containers).to(|| format!("make {}", containers.display()))?;
    fs::write(&files.hostname, format!("{name}\n")).to(|| format!("write {}", files.hostname.display()))?;
    let resolv_conf = match &plan.resolv_conf {
        Some(text) => text.clone().into_bytes(),
        None => fs::read("/etc/resolv.conf").to(|| "read /etc/resolv.conf")?,
    };
    fs::write(&files.resolv_conf, resolv_conf).to(|| format!("write {}", files.resolv_conf.display()))?;
    if plan.namespaces.ipc != Scope::Node {
        fs::create_dir(&files.shm).to(|| format!("make {}", files.shm.display()))?;
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        let owner = request.ids.map_or_else(String::new, |ids| format!(",uid={0},gid={0}", ids.base));
        let data = format!("mode=1777,size=65536k{owner}");
        mount(Some("shm"), &files.shm, Some("tmpfs"), flags, Some(data.as_str())).to(|| "mount the Pod's /dev/shm")?;
    }
    Ok(())
}
