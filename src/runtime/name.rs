//! Names of runtimes: `KIND[:DRIVER][+OCI][@ENDPOINT]`.

use crate::node::CgroupDriver;
use std::fmt;
use std::str::FromStr;

/// What makes the Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// podcheck's own.
    Engine,
    /// Docker, emulating a Pod.
    Docker,
    /// containerd through CRI.
    Containerd,
}

impl Kind {
    /// Every kind, in the order of reports.
    pub const ALL: [Kind; 3] = [Kind::Engine, Kind::Docker, Kind::Containerd];

    /// As the user writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Engine => "engine",
            Kind::Docker => "docker",
            Kind::Containerd => "containerd",
        }
    }
}

/// A runtime as the user names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuntimeName {
    /// What makes the Pod.
    pub kind: Kind,
    /// The cgroup driver; `None` is cgroupfs of a private daemon, and whatever one has that runs already.
    pub driver: Option<CgroupDriver>,
    /// The OCI runtime: a name (`crun`) or an absolute path; `None` is the daemon's default.
    pub oci: Option<String>,
    /// A daemon that runs already (`unix:///run/containerd/containerd.sock`); `None` starts a private one.
    pub endpoint: Option<String>,
}

impl RuntimeName {
    /// The plain runtime of a kind.
    pub fn plain(kind: Kind) -> Self {
        RuntimeName { kind, driver: None, oci: None, endpoint: None }
    }
}

impl fmt::Display for RuntimeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        if let Some(driver) = self.driver {
            write!(f, ":{driver}")?;
        }
        if let Some(oci) = &self.oci {
            write!(f, "+{oci}")?;
        }
        if let Some(endpoint) = &self.endpoint {
            write!(f, "@{endpoint}")?;
        }
        Ok(())
    }
}

/// Why a text names no runtime.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names no runtime: {why}")]
pub struct RuntimeNameError {
    text: String,
    why: String,
}

impl FromStr for RuntimeName {
    type Err = RuntimeNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |why: &str| RuntimeNameError { text: text.to_owned(), why: why.to_owned() };
        let (rest, endpoint) = match text.split_once('@') {
            Some((_, endpoint)) if !is_endpoint(endpoint) => {
                return Err(fail("an endpoint follows `@`: a socket of this host, such as unix:///run/docker.sock"));
            }
            Some((rest, endpoint)) => (rest, Some(endpoint.to_owned())),
            None => (text, None),
        };
        let (kind, oci) = match rest.split_once('+') {
            Some((_, oci)) if !is_oci(oci) => {
                return Err(fail("an OCI runtime follows `+`: a name such as crun, or an absolute path"));
            }
            Some((kind, oci)) => (kind, Some(oci.to_owned())),
            None => (rest, None),
        };
        let (kind, driver) = match kind.split_once(':') {
            // Only what is not the default is part of a name: one runtime has one name.
            Some((kind, "systemd")) => (kind, Some(CgroupDriver::Systemd)),
            Some(_) => {
                return Err(fail("a cgroup driver follows `:`, and there is systemd beside cgroupfs, the default"));
            }
            None => (kind, None),
        };
        let kind = Kind::ALL.into_iter().find(|k| k.as_str() == kind).ok_or_else(|| {
            fail("expected engine, docker or containerd, then :systemd, +OCI and @ENDPOINT where wanted")
        })?;
        if kind == Kind::Engine && driver.is_some() {
            return Err(fail("the engine makes cgroups itself, and so has no driver but cgroupfs"));
        }
        if kind == Kind::Engine && (oci.is_some() || endpoint.is_some()) {
            return Err(fail("the engine takes neither an OCI runtime nor an endpoint"));
        }
        if kind == Kind::Docker && endpoint.is_some() && oci.as_deref().is_some_and(|o| o.contains('/')) {
            return Err(fail("a running Docker knows its OCI runtimes by name, not by path"));
        }
        Ok(RuntimeName { kind, driver, oci, endpoint })
    }
}

/// Whether a text is the address of a Unix socket: `unix:///PATH`, or the absolute path alone.
pub fn is_endpoint(text: &str) -> bool {
    is_absolute(text.strip_prefix("unix://").unwrap_or(text))
}

/// Whether a text is the name of an OCI runtime in PATH or in a daemon's configuration, or the absolute path of one.
fn is_oci(text: &str) -> bool {
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_name = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(in_name);
    is_name || is_absolute(text)
}

/// Whether a text is the absolute path of a file.
fn is_absolute(text: &str) -> bool {
    text.starts_with('/') && !text.ends_with('/') && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_the_round_trip() {
        for text in [
            "engine",
            "docker+crun",
            "containerd:systemd",
            "containerd+/opt/youki",
            "containerd:systemd+/opt/a:b",
            "containerd@unix:///run/c.sock",
            "docker+crun@unix:///d",
        ] {
            assert_eq!(text.parse::<RuntimeName>().map(|n| n.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_reason() {
        for (text, why) in [
            ("podman", "expected engine"),
            ("engine+runc", "neither"),
            ("engine:systemd", "no driver but cgroupfs"),
            ("containerd:cgroupfs", "the default"),
            ("containerd:", "a cgroup driver follows"),
            ("docker@", "endpoint"),
            ("containerd+", "OCI runtime"),
            ("containerd+./x", "OCI runtime"),
            ("containerd+bin/runc", "OCI runtime"),
            ("containerd+/opt/", "OCI runtime"),
            ("docker+a b", "OCI runtime"),
            ("docker+-x", "OCI runtime"),
            ("containerd@c.sock", "endpoint"),
            ("containerd@unix://c.sock", "endpoint"),
            ("docker@tcp://127.0.0.1:2375", "endpoint"),
            ("docker+/bin/x@unix:///d", "by name"),
        ] {
            let error = text.parse::<RuntimeName>().expect_err(text).to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
