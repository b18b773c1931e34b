//! What a run must have, by `--require` and PODCHECK_REQUIRE: which runtimes, and whether anything may be skipped.

use crate::runtime::RuntimeName;
use std::str::FromStr;

/// The word that forbids every skip.
const NO_SKIPS: &str = "no-skips";

/// What may not be missing: runtimes, and, by `no-skips`, anything that a chosen case needs.
///
/// A runtime's name asks that it is here and part of the run, no more: a host without CAP_SYS_RESOURCE or a controller still
/// skips the cases that need it, with the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Required {
    /// Runtimes by name.
    pub runtimes: Vec<RuntimeName>,
    /// Whether every skip is a failure: a missing runtime, a missing ability, a Pod that a runtime cannot make here.
    pub no_skips: bool,
}

impl Required {
    /// From the environment variable; nothing is required if it is not set.
    ///
    /// # Errors
    /// A word that is neither a runtime nor `no-skips`.
    pub fn from_env() -> Result<Required, String> {
        let text = std::env::var("PODCHECK_REQUIRE").unwrap_or_default();
        text.parse().map_err(|error| format!("PODCHECK_REQUIRE: {error}"))
    }

    /// Requires what another list does as well.
    pub fn add(&mut self, other: &Required) {
        self.no_skips |= other.no_skips;
        for name in &other.runtimes {
            self.add_runtime(name);
        }
    }

    /// Requires a runtime.
    pub fn add_runtime(&mut self, name: &RuntimeName) {
        if !self.runtimes.contains(name) {
            self.runtimes.push(name.clone());
        }
    }

    /// Whether a runtime must be here.
    pub fn demands(&self, name: &RuntimeName) -> bool {
        self.no_skips || self.runtimes.contains(name)
    }
}

impl FromStr for Required {
    type Err = String;

    /// Words separated by commas.
    fn from_str(text: &str) -> Result<Required, String> {
        let mut required = Required::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            if word == NO_SKIPS {
                required.no_skips = true;
            } else {
                required.add_runtime(&word.parse().map_err(|error| format!("{error}, or {NO_SKIPS}"))?);
            }
        }
        Ok(required)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runtimes_by_name_and_the_word_against_skips() {
        let docker: RuntimeName = "docker".parse().expect("a name");
        let named: Required = "engine, docker".parse().expect("two names");
        assert_eq!((named.runtimes.len(), named.no_skips, named.demands(&docker)), (2, false, true));
        let strict: Required = "engine,no-skips".parse().expect("a name and the word");
        assert_eq!((strict.runtimes.len(), strict.no_skips, strict.demands(&docker)), (1, true, true));
        let mut both = named;
        both.add(&"containerd,docker,no-skips".parse().expect("two names and the word"));
        assert_eq!((both.runtimes.len(), both.no_skips), (3, true));
        assert_eq!("".parse(), Ok(Required::default()));
        assert!(!Required::default().demands(&docker));
        let wrong = "engine,podman".parse::<Required>().expect_err("is neither");
        assert!(wrong.contains("podman") && wrong.contains(NO_SKIPS), "{wrong}");
    }
}
