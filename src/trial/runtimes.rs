//! The runtimes of a run: opened when first needed, once, and kept.

use crate::host::Run;
use crate::runtime::{self, Kind, Runtime, RuntimeError, RuntimeName, Tenancy};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Opens runtimes on demand. A private daemon starts with the first case that needs it.
pub struct Runtimes {
    run: Arc<Run>,
    opened: Once<(RuntimeName, Tenancy), Opened>,
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
        Runtimes { run, opened: Once::default() }
    }

    /// The run that its daemons belong to.
    pub fn run(&self) -> &Arc<Run> {
        &self.run
    }

    /// The runtime of that name, on daemons that are its own or not.
    pub fn get(&self, name: &RuntimeName, tenancy: Tenancy) -> Opened {
        self.opened.get((name.clone(), tenancy), || open(name, &self.run, tenancy))
    }
}

/// What is made once for each key. Who asks for one that is being made waits for that one alone.
struct Once<K, V>(Mutex<BTreeMap<K, Arc<OnceLock<V>>>>);

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Once(Mutex::default())
    }
}

impl<K: Ord, V: Clone> Once<K, V> {
    fn get(&self, key: K, make: impl FnOnce() -> V) -> V {
        let one = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        one.get_or_init(make).clone()
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn one_that_is_being_made_keeps_nobody_from_another() {
        let once = Once::<&str, u32>::default();
        let (begun, has_begun) = mpsc::channel();
        let (finish, may_finish) = mpsc::channel::<()>();
        let (got, has_got) = mpsc::channel();
        let once = &once;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let slow = once.get("slow", || {
                    begun.send(()).expect("the test waits");
                    // Without an answer it is made as well, and the test has failed.
                    let _ = may_finish.recv_timeout(Duration::from_secs(20));
                    1
                });
                assert_eq!(slow, 1);
            });
            has_begun.recv().expect("it begins");
            scope.spawn(move || got.send(once.get("quick", || 2)));
            let quick = has_got.recv_timeout(Duration::from_secs(5));
            let _ = finish.send(());
            assert_eq!(quick, Ok(2));
        });
        assert_eq!(once.get("slow", || panic!("it is made once")), 1);
    }
}
