//! Which virtual machine: a Debian suite and the cgroup version it is booted with.

use crate::error::Error;
use std::fmt;
use std::str::FromStr;

/// A release of Debian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suite {
    /// Debian 11.
    Bullseye,
    /// Debian 12.
    Bookworm,
    /// Debian 13.
    Trixie,
}

impl Suite {
    /// Oldest first.
    pub const ALL: [Suite; 3] = [Suite::Bullseye, Suite::Bookworm, Suite::Trixie];

    /// Its code name, as on a mirror.
    pub fn name(self) -> &'static str {
        match self {
            Suite::Bullseye => "bullseye",
            Suite::Bookworm => "bookworm",
            Suite::Trixie => "trixie",
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Suite {
    type Err = Error;

    fn from_str(text: &str) -> Result<Suite, Error> {
        Suite::ALL.into_iter().find(|suite| suite.name() == text).ok_or_else(|| {
            let names = Suite::ALL.map(Suite::name).join(", ");
            let more = if text == "buster" { ": Debian 10 is run by Vagrant, see README.md" } else { "" };
            Error::usage(format!("no suite {text:?}, there are {names}{more}"))
        })
    }
}

/// The cgroup version that systemd is told to set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cgroup {
    /// A hierarchy a controller, with an empty unified one beside them (systemd's hybrid layout).
    V1,
    /// The unified hierarchy alone.
    V2,
}

/// A kind of virtual machine, written `bookworm/v2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// What is installed in it.
    pub suite: Suite,
    /// How it is booted.
    pub cgroup: Cgroup,
}

impl Kind {
    /// Every kind that can be.
    pub const ALL: [Kind; 5] = [
        Kind { suite: Suite::Bullseye, cgroup: Cgroup::V1 },
        Kind { suite: Suite::Bullseye, cgroup: Cgroup::V2 },
        Kind { suite: Suite::Bookworm, cgroup: Cgroup::V1 },
        Kind { suite: Suite::Bookworm, cgroup: Cgroup::V2 },
        Kind { suite: Suite::Trixie, cgroup: Cgroup::V2 },
    ];

    /// The kind as part of a file name: `bookworm-v2`.
    pub fn slug(self) -> String {
        self.to_string().replace('/', "-")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cgroup = match self.cgroup {
            Cgroup::V1 => "v1",
            Cgroup::V2 => "v2",
        };
        write!(out, "{}/{cgroup}", self.suite)
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Kind, Error> {
        let (suite, cgroup) = text
            .split_once('/')
            .ok_or_else(|| Error::usage(format!("{text:?} is no SUITE/CGROUP, as bookworm/v2 is")))?;
        let suite = suite.parse()?;
        let cgroup = match cgroup {
            "v1" => Cgroup::V1,
            "v2" => Cgroup::V2,
            other => return Err(Error::usage(format!("no cgroup version {other:?} in {text:?}, there are v1 and v2"))),
        };
        if (suite, cgroup) == (Suite::Trixie, Cgroup::V1) {
            return Err(Error::usage(
                "trixie/v1 cannot be: trixie's kernel has no cgroup v1 memory controller (CONFIG_MEMCG_V1 is not set); \
                 take trixie/v2, or bookworm/v1",
            ));
        }
        Ok(Kind { suite, cgroup })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_as_it_is_written() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().parse::<Kind>().expect("a kind"), kind);
        }
        assert_eq!(Kind::ALL[3].slug(), "bookworm-v2");
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_reason() {
        let refusal = |text: &str| text.parse::<Kind>().expect_err("no kind").to_string();
        assert!(refusal("trixie/v1").contains("memory controller"));
        assert!(refusal("buster/v1").contains("Vagrant"));
        assert!(refusal("bookworm").contains("SUITE/CGROUP"));
        assert!(refusal("bookworm/v3").contains("v1 and v2"));
        assert!(refusal("sid/v2").contains("bullseye, bookworm, trixie"));
    }
}
