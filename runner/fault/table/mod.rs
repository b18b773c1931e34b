//! The faults, by the part of a Pod that they are about.

mod cgroups;
mod exec;
mod file_systems;
mod files;
mod limits;
mod namespaces;
mod privileges;
mod processes;
mod remains;
mod resize;
mod sandbox;
mod untouched;
mod users;
mod volumes;

use super::config::{bind, list};
use super::{Edit, Fault, Needs, Shape, Strikes};
use serde_json::Value;
use std::path::Path;

/// The container that most faults strike.
const JOB: Strikes = Strikes::Only("job");
/// The one that is confined.
const LOG: Strikes = Strikes::Only("log");
/// The capability sets that a runtime fills alike.
const ALL_SETS: [&str; 3] = ["bounding", "permitted", "effective"];

/// All of them.
pub fn faults() -> Vec<Fault> {
    let groups = [
        namespaces::namespaces(),
        cgroups::cgroups(),
        limits::limits(),
        untouched::untouched(),
        users::users(),
        privileges::privileges(),
        file_systems::file_systems(),
        volumes::volumes(),
        files::files(),
        processes::processes(),
        sandbox::sandbox(),
        exec::exec(),
        remains::remains(),
        resize::resize(),
    ];
    groups.into_iter().flatten().collect()
}

/// A fault in the plain Pod that any host can have. How it is made is still to be said.
fn fault(name: &'static str, strikes: Strikes, property: &'static str, at: &'static str) -> Fault {
    let edit = Edit::After(|_| Err("nobody said how this fault is made".to_owned()));
    Fault { name, shape: Shape::Plain, strikes, property, at, edit, needs: Needs::Nothing, leaves: false }
}

impl Fault {
    /// It is put into this Pod.
    fn of(self, shape: Shape) -> Fault {
        Fault { shape, ..self }
    }

    /// It can only be made where this is.
    fn needs(self, needs: Needs) -> Fault {
        Fault { needs, ..self }
    }

    /// The runtime leaves something behind because of it.
    fn leaves(self) -> Fault {
        Fault { leaves: true, ..self }
    }

    /// It is made in config.json.
    fn config(self, edit: fn(&mut Value, &Path)) -> Fault {
        Fault { edit: Edit::Config(edit), ..self }
    }

    /// It is made in what the runtime is asked to run in a container.
    fn process(self, edit: fn(&mut Value)) -> Fault {
        Fault { edit: Edit::Process(edit), ..self }
    }

    /// It is made in what the runtime knows of a container, while it runs something in it.
    fn state(self, edit: fn(&mut Value)) -> Fault {
        Fault { edit: Edit::State(edit), ..self }
    }

    /// It is made to the process when it has run for a while.
    fn later(self, edit: fn(i32) -> Result<(), String>) -> Fault {
        Fault { edit: Edit::Later(edit), shape: Shape::Exec, ..self }
    }

    /// It is made in what a container is resized to.
    fn update(self, edit: fn(&mut Value)) -> Fault {
        Fault { edit: Edit::Update(edit), shape: Shape::Resize, ..self }
    }

    /// It is made when a container has been resized, to its process.
    fn resized(self, edit: fn(i32) -> Result<(), String>) -> Fault {
        Fault { edit: Edit::Resized(edit), shape: Shape::Resize, ..self }
    }

    /// It is made to the process.
    fn after(self, edit: fn(i32) -> Result<(), String>) -> Fault {
        Fault { edit: Edit::After(edit), ..self }
    }
}

/// The host's own /proc, mounted like a container's.
fn host_proc() -> Value {
    let mut proc = bind("/proc", "/proc", "rw");
    list(&mut proc, "/options").extend(["nosuid", "nodev", "noexec"].map(Value::from));
    proc
}
