//! The runtimes of a run: opened when first needed, once, and kept.

use crate::host::Run;
use crate::runtime::{self, Kind, Runtime, RuntimeError, RuntimeName, Tenancy};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Opens runtimes on demand. A private daemon starts with the first case that needs it.
pub struct Runtimes {
    run: Arc<Run>,
    opened: Mutex<BTreeMap<(RuntimeName, Tenancy), Opened>>,
}

/// What opening gave; a failure is remembered so that a hundred cases do not wait for the same deadline.
#[derive(Clone)]
pub enum Opened {
    /// It is here.
    Here(Arc<dyn Runtime>),
    /// It is not on this machine, and why.
    Missing(String),
    /// It is here and failed.
    Failed(String),
}

impl Runtimes {
    /// None opened yet.
    pub fn new(run: Arc<Run>) -> Runtimes {
        Runtimes { run, opened: Mutex::default() }
    }

    /// The run that its daemons belong to.
    pub fn run(&self) -> &Arc<Run> {
        &self.run
    }

    /// The runtime of that name, on daemons that are its own or not.
    pub fn get(&self, name: &RuntimeName, tenancy: Tenancy) -> Opened {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.entry((name.clone(), tenancy)).or_insert_with(|| open(name, &self.run, tenancy)).clone()
    }
}

fn open(name: &RuntimeName, run: &Arc<Run>, tenancy: Tenancy) -> Opened {
    match runtime::open(name, run, tenancy) {
        Ok(runtime) => Opened::Here(Arc::from(runtime)),
        Err(RuntimeError::Unavailable { reason, .. }) => Opened::Missing(reason),
        Err(error) => Opened::Failed(error.to_string()),
    }
}

/// Every runtime that is here by its plain name, and for the others why they are not.
pub fn here() -> (Vec<RuntimeName>, Vec<(RuntimeName, String)>) {
    let mut here = Vec::new();
    let mut missing = Vec::new();
    for name in Kind::ALL.map(RuntimeName::plain) {
        match runtime::why_unavailable(&name) {
            None => here.push(name),
            Some(reason) => missing.push((name, reason)),
        }
    }
    (here, missing)
}
