//! What is run in a container is elsewhere, or somebody else.

use super::super::config::*;
use super::super::{Fault, Needs, Shape, Strikes};
use super::{ALL_SETS, JOB, LOG, fault};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Where runc keeps the cgroups of a container: controller → directory, of v2 under the name of none.
const CGROUPS: &str = "/cgroup_paths";

/// The faults.
pub fn exec() -> Vec<Fault> {
    fn of(name: &'static str, strikes: Strikes, property: &'static str, at: &'static str) -> Fault {
        fault(name, strikes, property, at).of(Shape::Exec)
    }
    /// The directory above, for the controllers that are `meant`.
    fn leave(state: &mut Value, meant: impl Fn(&str) -> bool) {
        let paths = state.pointer_mut(CGROUPS).and_then(Value::as_object_mut).expect("runc knows its cgroups");
        for (_, path) in paths.iter_mut().filter(|(name, _)| meant(name)) {
            let (parent, _) = path.as_str().and_then(|path| path.rsplit_once('/')).expect("below the Pod's");
            *path = json!(parent);
        }
    }
    /// The cgroup of somebody else in the Pod.
    fn visit(state: &mut Value) {
        let paths = state.pointer_mut(CGROUPS).and_then(Value::as_object_mut).expect("runc knows its cgroups");
        for path in paths.values_mut() {
            let own = PathBuf::from(path.as_str().expect("a path"));
            let beside =
                std::fs::read_dir(own.parent().expect("below the Pod's")).expect("the Pod's is there").flatten();
            let others = beside.map(|entry| entry.path()).filter(|path| path.is_dir() && *path != own);
            *path = json!(others.min().expect("it is not alone"));
        }
    }
    /// Stays in the host's namespace of a kind.
    fn stay(state: &mut Value, kind: &str) {
        list(state, "/config/namespaces").retain(|namespace| namespace["type"] != kind);
    }
    vec![
        of("exec-in-the-pods-cgroup", JOB, "C10", "exec.cgroup.path")
            // v2 lets nobody into a cgroup that hands controllers down, and runc then enters the container's own.
            .needs(Needs::V1)
            .state(|state| leave(state, |_| true)),
        of("exec-in-anothers-cgroup", JOB, "C10", "exec.cgroup.path").state(visit),
        of("exec-outside-one-controller", LOG, "C10", "exec.cgroup.elsewhere")
            .needs(Needs::V1)
            .state(|state| leave(state, |name| name == "pids")),
        of("exec-in-the-hosts-network", LOG, "N1", "exec.namespaces.net").state(|state| stay(state, "NEWNET")),
        of("exec-in-the-hosts-ipc", Strikes::Every, "N2", "exec.namespaces.ipc").state(|state| stay(state, "NEWIPC")),
        of("exec-by-root", LOG, "S1", "exec.credentials.uid").process(|p| set(p, "/user/uid", json!(0))),
        of("exec-in-one-more-group", JOB, "S1", "exec.credentials.groups")
            .process(|p| list(p, "/user/additionalGids").push(json!(4000))),
        of("exec-with-a-capability", JOB, "S3", "exec.credentials.capabilities.effective").process(|p| {
            for set in ALL_SETS {
                list(p, &format!("/capabilities/{set}")).push(json!("CAP_SYS_PTRACE"));
            }
        }),
        of("exec-may-gain", LOG, "S6", "exec.security.no_new_privs")
            .process(|p| set(p, "/noNewPrivileges", json!(false))),
        of("exec-unfiltered", JOB, "S7", "exec.security.seccomp")
            .state(|state| set(state, "/config/seccomp", Value::Null)),
        of("exec-first-to-be-killed", JOB, "L17", "exec.oom.score_adj")
            .state(|state| set(state, "/config/oom_score_adj", json!(1000))),
        of("exec-without-a-variable", JOB, "F12", "exec.environment.env")
            .process(|p| list(p, "/env").retain(|entry| entry != "COLOUR=red")),
        of("exec-with-a-variable-more", LOG, "F12", "exec.environment.env")
            .process(|p| list(p, "/env").push(json!("LD_PRELOAD=/x.so"))),
        of("exec-in-another-folder", JOB, "F12", "exec.environment.cwd").process(|p| set(p, "/cwd", json!("/"))),
        of("exec-with-few-files", LOG, "S10", "exec.inherited.limits").process(|p| {
            list(p, "/rlimits").push(json!({"type": "RLIMIT_NOFILE", "soft": 64, "hard": 64}));
        }),
    ]
}
