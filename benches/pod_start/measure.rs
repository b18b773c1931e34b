//! One Pod's life by the clock.

use podcheck::facts::{self, Naming};
use podcheck::host::{Run, scaled};
use podcheck::kubelet::{Kubelet, Pace};
use podcheck::node::{CgroupDriver, Node};
use podcheck::observe::{self, Program, Readiness, Scope, Subject};
use podcheck::plan;
use podcheck::pod::Pod;
use podcheck::runtime::{RunningPod, Runtime};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two looks at whether something is ready or gone.
pub const PAUSE: Duration = Duration::from_micros(20);

/// A member may take this long from its runtime's word that it runs.
const READY: Duration = Duration::from_secs(20);

/// From start to all containers ready, and from stop to gone; milliseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Lap {
    pub up_ms: f64,
    pub down_ms: f64,
}

impl Lap {
    pub fn new(up: Duration, down: Duration) -> Lap {
        Lap { up_ms: milliseconds(up), down_ms: milliseconds(down) }
    }
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Brings the Pod up on a runtime and takes it down again. `observe` also looks at it meanwhile, and says how long that
/// took.
pub fn lap(runtime: &dyn Runtime, run: &Arc<Run>, pod: &Pod, observe: bool) -> Result<(Lap, Option<f64>), String> {
    let plan = plan::plan(pod, &Node::default(), &uuid::Uuid::new_v4().to_string());
    let start = Instant::now();
    let dir = Arc::new(run.trial(CgroupDriver::Cgroupfs).map_err(|e| e.to_string())?);
    let started = dir.prepare(&plan).map_err(|e| e.to_string());
    let started =
        started.and_then(|()| Kubelet::start(runtime, &plan, &dir, Pace::default(), None).map_err(|e| e.to_string()));
    let ready = started.and_then(|running| await_ready(running.pod()).map(|()| running));
    let mut running = match ready {
        Ok(running) => running,
        Err(error) => {
            // The run's end takes what this leaves.
            drop(dir.remove());
            return Err(error);
        }
    };
    let up = start.elapsed();
    let naming = Naming { cgroup_root: dir.cgroup_root().to_owned(), pod_uid: plan.uid.clone(), ..Naming::default() };
    let cgroup = dir.cgroup(plan.cgroup_parent());
    let observed = if observe { Some(time_observation(running.pod(), &cgroup, &naming)?) } else { None };
    let (root, hierarchies) = (dir.cgroup_root().to_owned(), dir.hierarchies());
    let start = Instant::now();
    running.stop().map_err(|e| e.to_string())?;
    drop(running);
    dir.remove().map_err(|e| e.to_string())?;
    let down = start.elapsed();
    if hierarchies.exists(&root) {
        return Err(format!("the cgroup {root} is still there"));
    }
    Ok((Lap::new(up, down), observed))
}

/// The sandbox is ready once it is no runtime's init any more; the containers run the payload, which says so.
fn await_ready(running: &dyn RunningPod) -> Result<(), String> {
    let end = Instant::now() + scaled(READY);
    for (index, member) in running.members().iter().enumerate() {
        let program = if index == 0 { Program::Foreign { host: running.daemon() } } else { Program::Payload };
        loop {
            match observe::is_ready(&member.process, program) {
                Readiness::Ready => break,
                Readiness::Gone => return Err(format!("{} ended", member.name)),
                Readiness::Starting if Instant::now() > end => return Err(format!("{} is not ready", member.name)),
                Readiness::Starting => std::thread::sleep(PAUSE),
            }
        }
    }
    Ok(())
}

/// Milliseconds from nothing to the facts of a Pod.
fn time_observation(running: &dyn RunningPod, cgroup: &str, naming: &Naming) -> Result<f64, String> {
    let subjects: Vec<Subject<'_>> =
        running.members().iter().map(|m| Subject::new(&m.name, &m.id, &m.process)).collect();
    let scope = Scope { host: running.daemon(), pod_cgroup: Some(cgroup), inherits: true, since: None };
    let start = Instant::now();
    let observation = observe::pod(&subjects, &scope).map_err(|e| e.to_string())?;
    let facts = facts::normalise(&observation, naming);
    let time = start.elapsed();
    if facts.identities.len() == subjects.len() {
        Ok(milliseconds(time))
    } else {
        Err("a member was not seen".to_owned())
    }
}
