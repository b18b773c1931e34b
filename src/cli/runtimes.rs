//! Which runtimes a run consists of, and that none of those that it must have is missing.

use super::Failure;
use super::args::Selection;
use crate::runtime::{self, Kind, RuntimeName};
use crate::trial::{self, Required};

/// The runtimes of a run.
pub(super) struct Chosen {
    /// Those that take part, each once.
    pub(super) runtimes: Vec<RuntimeName>,
    /// Those that were looked for and are not here, with the reason.
    absent: Vec<(RuntimeName, String)>,
}

impl Chosen {
    /// The named ones; the engine if none is named.
    pub(super) fn for_run(selection: &Selection) -> Chosen {
        Chosen::named(selection)
            .unwrap_or_else(|| Chosen { runtimes: vec![RuntimeName::plain(Kind::Engine)], absent: Vec::new() })
    }

    /// The named ones; every one that is here if none is named.
    pub(super) fn for_compare(selection: &Selection) -> Chosen {
        Chosen::named(selection).unwrap_or_else(|| {
            let (runtimes, absent) = trial::here();
            Chosen { runtimes, absent }
        })
    }

    fn named(selection: &Selection) -> Option<Chosen> {
        let mut runtimes: Vec<RuntimeName> = Vec::new();
        for name in &selection.runtimes {
            if !runtimes.contains(name) {
                runtimes.push(name.clone());
            }
        }
        (!runtimes.is_empty()).then_some(Chosen { runtimes, absent: Vec::new() })
    }

    /// Refuses a run without a runtime that it must have, before anything runs, and requires every runtime of the run: one
    /// that turns out to be missing later is an error as well, never a skip.
    pub(super) fn require(&self, required: &mut Required) -> Result<(), Failure> {
        let lacking: Vec<String> = self.lacking(required).chain(self.missing()).collect();
        if !lacking.is_empty() {
            return Err(Failure::broken(lacking.join("\npodcheck: ")));
        }
        if self.runtimes.is_empty() {
            return Err(Failure::broken(format!("no runtime is here\n{}", self.absent_text().trim_end())));
        }
        self.runtimes.iter().for_each(|name| required.add_runtime(name));
        Ok(())
    }

    /// Required runtimes that are not part of the run.
    fn lacking<'a>(&'a self, required: &'a Required) -> impl Iterator<Item = String> + 'a {
        let absent = self.absent.iter().filter(|(name, _)| required.demands(name));
        let absent = absent.map(|(name, reason)| format!("{name} is required and is not here: {reason}"));
        let known = |name: &RuntimeName| self.runtimes.contains(name) || self.absent.iter().any(|(n, _)| n == name);
        let left_out = required.runtimes.iter().filter(move |name| !known(name));
        absent.chain(left_out.map(|name| match runtime::why_unavailable(name) {
            Some(reason) => format!("{name} is required and is not here: {reason}"),
            None => format!("{name} is required and is no part of this run: name it, {}", self.with(name)),
        }))
    }

    /// Runtimes of the run that are not here.
    fn missing(&self) -> impl Iterator<Item = String> {
        let missing = |name: &RuntimeName| Some(format!("{name} is not here: {}", runtime::why_unavailable(name)?));
        self.runtimes.iter().filter_map(missing)
    }

    /// The arguments that add a runtime to those that there are.
    fn with(&self, name: &RuntimeName) -> String {
        let all = self.runtimes.iter().chain([name]);
        all.map(|name| format!("--runtime {name}")).collect::<Vec<_>>().join(" ")
    }

    /// Those that were looked for and are not here, a line each.
    pub(super) fn absent_text(&self) -> String {
        self.absent.iter().map(|(name, reason)| format!("{name} is not here: {reason}\n")).collect()
    }
}
