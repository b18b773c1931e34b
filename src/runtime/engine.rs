//! The built-in engine, seen from the harness: one process a Pod, asked over a socket.

mod ahead;
mod connection;
mod error;

use self::ahead::Processes;
use self::connection::Connection;
use self::error::{deadline, failed, failure, host_failed, refused, unexpected};
use super::image::{self, Image, Images};
use super::{
    ExecOutput, Kind, Logs, Member, Refused, Reported, RunningPod, Runtime, RuntimeError, RuntimeName, Started, adopt,
    put,
};
use crate::engine::Hierarchy;
use crate::engine::protocol::{Address, IdRange, Image as EngineImage, Reply, Request, StartRequest};
use crate::host::{self, Process, RANGE_LENGTH, Run, TrialDir, abilities, scaled};
use crate::plan::{ContainerPlan, Plan, Scope};
use crate::pod::Propagation;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// For each answer, beyond what was asked for takes by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// In the environment: `4.19` runs every Pod's process under a filter that makes the kernel look like that one.
const FLOOR: &str = "PODCHECK_ENGINE_FLOOR";

/// Directory of a trial for what its containers print.
const LOGS: &str = "logs";

/// Directory of a run over which each Pod's process mounts its own.
const FILES: &str = "engine";

/// Makes Pods by system calls.
#[derive(Debug)]
pub struct EngineRuntime {
    name: RuntimeName,
    run: Arc<Run>,
    images: Images,
    processes: Arc<Processes>,
}

impl EngineRuntime {
    /// Makes the images of the run.
    ///
    /// # Errors
    /// Not root, a main that does not begin with [`crate::hand_over()`], or what the host refused.
    pub fn open(run: &Arc<Run>) -> Result<EngineRuntime, RuntimeError> {
        if let Some(reason) = why_unavailable() {
            return Err(RuntimeError::Unavailable { runtime: Kind::Engine.as_str().to_owned(), reason });
        }
        let floor = std::env::var(FLOOR).unwrap_or_default();
        if !matches!(floor.as_str(), "" | "4.19") {
            return Err(failed(&format!("pretend {FLOOR}={floor}"), "only 4.19 is known"));
        }
        let processes = Arc::new(Processes::new(run.dir().join("engine.log"), floor == "4.19"));
        processes.prepare();
        let images = image::unpack(&run.dir().join("image")).map_err(|e| failed("unpack its images", e))?;
        let files = run.dir().join(FILES);
        match std::fs::create_dir(&files) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(failed(&format!("create {}", files.display()), e));
            }
            _ => {}
        }
        Ok(EngineRuntime { name: RuntimeName::plain(Kind::Engine), run: Arc::clone(run), images, processes })
    }

    fn request(&self, plan: &Plan, dir: &TrialDir) -> Result<StartRequest, RuntimeError> {
        let address = match plan.namespaces.network {
            Scope::Node => None,
            Scope::Pod | Scope::Container => Some(address(self.run.address_for(dir).map_err(host_failed)?)),
        };
        let ids = match plan.own_users {
            true => Some(IdRange { base: self.run.ids_for(dir).map_err(host_failed)?, length: RANGE_LENGTH }),
            false => None,
        };
        dir.write_hosts(plan, address.map(|a| IpAddr::V4(a.pod))).map_err(host_failed)?;
        let logs = dir.dir().join(LOGS);
        std::fs::create_dir(&logs).map_err(|e| failed(&format!("create {}", logs.display()), e))?;
        let pod = dir.cgroup(plan.cgroup_parent());
        let hierarchies = dir.hierarchies().list().iter().map(|h| Hierarchy {
            controllers: if h.unified { h.controllers.clone() } else { h.names.clone() },
            unified: h.unified,
            mount_point: h.mount_point.clone(),
            pod: h.dir(&pod),
        });
        let payload = self.image(Image::Payload);
        let mut plan = plan.clone();
        plan.put_in_later(address.map(|a| IpAddr::V4(a.pod)));
        Ok(StartRequest {
            dir: self.run.dir().join(FILES),
            logs,
            interface: format!("pchk{}", dir.tag()),
            hierarchies: hierarchies.collect(),
            pause: self.image(Image::Pause),
            first: Vec::new(),
            images: vec![payload; plan.containers.len()],
            sources: BTreeMap::new(),
            shared: propagates(&plan).then(|| dir.dir().parent().map(PathBuf::from)).flatten(),
            address,
            ids,
            plan,
        })
    }

    fn image(&self, image: Image) -> EngineImage {
        let config = image.config();
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        EngineImage {
            root: self.images.root(image).to_owned(),
            env: config.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            entrypoint: owned(config.entrypoint),
            cmd: owned(config.cmd),
            user: config.user.to_owned(),
            working_dir: config.working_dir.to_owned(),
        }
    }
}

impl Runtime for EngineRuntime {
    fn name(&self) -> &RuntimeName {
        &self.name
    }

    fn versions(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("engine".to_owned(), env!("CARGO_PKG_VERSION").to_owned())])
    }

    fn daemon(&self) -> Option<Process> {
        None
    }

    fn start(&self, plan: &Plan, dir: &TrialDir, first: &[&str]) -> Result<Started, RuntimeError> {
        if plan.own_users
            && let Some(reason) = why_no_user_namespaces()
        {
            return Err(RuntimeError::Unavailable { runtime: Kind::Engine.as_str().to_owned(), reason });
        }
        let request =
            StartRequest { first: owned(first), sources: sources(plan, dir, first)?, ..self.request(plan, dir)? };
        let address = request.address.map(|a| IpAddr::V4(a.pod));
        let mut connection = self.processes.take()?;
        let action = "start the Pod";
        let reply = connection.ask(&Request::Start(Box::new(request)), action, PATIENCE)?;
        let replaced = plan.containers.iter().filter(|c| !c.image_is_ours());
        let mut pod = EnginePod {
            connection: Some(connection),
            processes: Arc::clone(&self.processes),
            plan: plan.clone(),
            members: Vec::new(),
            stand_ins: replaced.map(|c| c.name.clone()).collect(),
            address,
            logs: dir.dir().join(LOGS),
        };
        let names: Vec<&str> = std::iter::once("sandbox").chain(first.iter().copied()).collect();
        let refused = pod.hold(reply, action, &names)?;
        Ok(Started { pod: Box::new(pod), refused })
    }
}

/// Why a Pod cannot have a user namespace of its own here.
fn why_no_user_namespaces() -> Option<String> {
    if std::env::var(FLOOR).is_ok_and(|floor| floor == "4.19") {
        return Some(format!("hostUsers: false takes idmapped mounts, which {FLOOR}=4.19 has not"));
    }
    let lacking = |name: &&str| abilities().get(*name).is_none_or(|ability| !ability.present);
    let name = ["user-namespaces", "idmapped-tmpfs"].into_iter().find(lacking)?;
    let reason = abilities().get(name).map_or("", |ability| ability.reason.as_str());
    Some(format!("hostUsers: false takes {name}: {reason}"))
}

/// Says why the engine cannot be opened here; `None` if it probably can.
pub fn why_unavailable() -> Option<String> {
    if let Some(why) = host::why_not_root() {
        return Some(why.to_owned());
    }
    if !crate::hand_over::has_handed_over() {
        return Some(
            "this program's main does not begin with podcheck::hand_over(), which runs the Pod's process".to_owned(),
        );
    }
    None
}

/// A Pod of the engine.
#[derive(Debug)]
struct EnginePod {
    /// `None` once stopped.
    connection: Option<Connection>,
    /// Where the next Pod's process is started while this Pod goes.
    processes: Arc<Processes>,
    plan: Plan,
    members: Vec<Member>,
    stand_ins: Vec<String>,
    address: Option<IpAddr>,
    logs: PathBuf,
}

impl EnginePod {
    fn ask(&mut self, request: &Request, action: &str, patience: Duration) -> Result<Reply, RuntimeError> {
        let connection = self.connection.as_mut().ok_or_else(|| failed(action, "the Pod was stopped"))?;
        connection.ask(request, action, patience).map_err(failure)
    }

    /// Holds the members that were started, by the answer to that.
    fn hold(&mut self, reply: Reply, action: &str, names: &[&str]) -> Result<Vec<Refused>, RuntimeError> {
        let born = match reply {
            Reply::Started(born) => born,
            other => return Err(unexpected(action, &other)),
        };
        let mut refused = Vec::new();
        for (name, born) in names.iter().zip(born) {
            match born {
                Ok(pid) => {
                    let process = Process::open(pid).map_err(|e| failed(&format!("hold {name}"), e))?;
                    put(&mut self.members, Member { name: (*name).to_owned(), process, id: String::new() });
                }
                Err(fault) => refused.push(Refused { container: (*name).to_owned(), says: fault.to_string() }),
            }
        }
        let connection = self.connection.as_mut().ok_or_else(|| failed(action, "the Pod was stopped"))?;
        connection.tell(&Request::Held, action)?;
        Ok(refused)
    }

    fn ask_done(&mut self, request: &Request, action: &str, patience: Duration) -> Result<(), RuntimeError> {
        match self.ask(request, action, patience)? {
            Reply::Done => Ok(()),
            other => Err(unexpected(action, &other)),
        }
    }
}

impl RunningPod for EnginePod {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn daemon(&self) -> Option<&Process> {
        None
    }

    fn stand_ins(&self) -> &[String] {
        &self.stand_ins
    }

    fn address(&self) -> Option<IpAddr> {
        self.address
    }

    fn exec(&mut self, container: &str, argv: &[String], timeout: Duration) -> Result<ExecOutput, RuntimeError> {
        let command = argv.first().map_or("nothing", String::as_str);
        let action = format!("run {command} in the container {container}");
        let request = Request::Exec { container: container.to_owned(), argv: argv.to_vec(), timeout: scaled(timeout) };
        match self.ask(&request, &action, timeout + PATIENCE)? {
            Reply::Executed { code, stdout, stderr } => Ok(ExecOutput {
                exit_code: code,
                stdout: String::from_utf8_lossy(&stdout).into_owned(),
                stderr: String::from_utf8_lossy(&stderr).into_owned(),
            }),
            Reply::TimedOut => Err(deadline(&action, scaled(timeout))),
            other => Err(unexpected(&action, &other)),
        }
    }

    fn reported(&mut self) -> Result<BTreeMap<String, Reported>, RuntimeError> {
        let action = "say how its containers are";
        let Reply::Status(status) = self.ask(&Request::Status, action, PATIENCE)? else {
            return Err(failed(action, "it answered something else"));
        };
        let one = |exit: Option<i32>, oom: bool| match exit {
            None => Reported { state: "running".to_owned(), ..Reported::default() },
            Some(code) => {
                let reason = match code {
                    0 => "Completed",
                    137 if oom => "OOMKilled",
                    _ => "Error",
                };
                Reported { state: "exited".to_owned(), exit_code: exit, reason: reason.to_owned(), restarts: 0 }
            }
        };
        Ok(status.into_iter().map(|(name, s)| (name, one(s.exit_code, s.oom_killed))).collect())
    }

    fn logs(&mut self, container: &str) -> Result<Logs, RuntimeError> {
        let one = |stream: &str| {
            let path = self.logs.join(format!("{container}.{stream}"));
            let read = std::fs::read(&path).map_err(|e| failed(&format!("read {}", path.display()), e))?;
            Ok::<_, RuntimeError>(String::from_utf8_lossy(&read).into_owned())
        };
        Ok(Logs { stdout: one("stdout")?, stderr: one("stderr")?, malformed: None })
    }

    fn start_containers(&mut self, dir: &TrialDir, names: &[&str]) -> Result<Vec<Refused>, RuntimeError> {
        let sources = sources(&self.plan, dir, names)?;
        let request = Request::StartContainers { names: owned(names), sources };
        let action = format!("start {}", names.join(", "));
        let reply = self.ask(&request, &action, PATIENCE)?;
        self.hold(reply, &action, names)
    }

    fn resize(&mut self, container: &ContainerPlan) -> Result<Option<String>, RuntimeError> {
        let ContainerPlan { name, resources, oom_score_adj, .. } = container;
        let action = format!("resize the container {name}");
        let request =
            Request::Resize { name: name.clone(), resources: resources.clone(), oom_score_adj: *oom_score_adj };
        match self.ask(&request, &action, PATIENCE)? {
            Reply::Done => {
                adopt(&mut self.plan, container);
                Ok(None)
            }
            Reply::Refused(fault) => Ok(Some(fault.to_string())),
            other => Err(unexpected(&action, &other)),
        }
    }

    fn restart_daemon(&mut self) -> Result<(), RuntimeError> {
        Err(failed("restart its daemon", "it has none"))
    }

    fn stop_containers(&mut self, names: &[&str], grace: Duration) -> Result<(), RuntimeError> {
        let action = format!("stop {}", names.join(", "));
        self.ask_done(&Request::StopContainers { names: owned(names), grace }, &action, grace + PATIENCE)
    }

    fn remove_container(&mut self, name: &str) -> Result<(), RuntimeError> {
        self.ask_done(&Request::Remove { name: name.to_owned() }, &format!("remove {name}"), PATIENCE)?;
        self.members.retain(|member| member.name != name);
        Ok(())
    }

    fn stop(&mut self, grace: Duration) -> Result<(), RuntimeError> {
        let Some(mut connection) = self.connection.take() else {
            return Ok(());
        };
        let action = "stop the Pod";
        let told = connection.tell(&Request::Stop { grace }, action);
        self.processes.prepare();
        let answer = told.and_then(|()| connection.hear(action, grace + PATIENCE));
        connection.close()?;
        match answer.map_err(failure)? {
            Reply::Done => Ok(()),
            other => Err(unexpected(action, &other)),
        }
    }
}

/// Whether mounts travel between members.
fn propagates(plan: &Plan) -> bool {
    let mut mounts = plan.containers.iter().flat_map(|container| &container.mounts);
    mounts.any(|mount| mount.propagation != Propagation::None)
}

/// The host's paths of these containers' mounts, as they are now.
fn sources(plan: &Plan, dir: &TrialDir, names: &[&str]) -> Result<BTreeMap<String, Vec<PathBuf>>, RuntimeError> {
    let meant = plan.containers.iter().filter(|container| names.contains(&container.name.as_str()));
    let one = |c: &ContainerPlan| Ok((c.name.clone(), dir.sources(plan, c).map_err(host_failed)?));
    meant.map(one).collect()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The Pod's address and its way out: the first address of its /24.
fn address(pod: Ipv4Addr) -> Address {
    let [a, b, c, _] = pod.octets();
    Address { pod, gateway: Ipv4Addr::new(a, b, c, 1), prefix: 24 }
}
