//! The OCI runtimes that a running daemon knows, from the configuration it tells of itself.

use crate::node::CgroupDriver;
use serde_json::Value;
use std::path::Path;

/// An OCI runtime as a daemon knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Handler {
    /// Name for RunPodSandbox.
    pub name: String,
    /// The binary, a name or a path.
    pub binary: String,
    /// Who makes the cgroups of its containers.
    pub driver: CgroupDriver,
}

/// Picks the handler for `KIND+OCI@ENDPOINT`: the daemon's default, or the one of that name or binary.
///
/// # Errors
/// A clause that says what there is.
pub(super) fn choose(config: &Value, oci: Option<&str>) -> Result<Handler, String> {
    let containerd = &config["containerd"];
    let none = serde_json::Map::new();
    let runtimes = containerd["runtimes"].as_object().unwrap_or(&none);
    let mut handlers = runtimes.iter().map(|(name, runtime)| handler(name, runtime));
    let wanted = match oci {
        None => containerd["defaultRuntimeName"].as_str().unwrap_or_default(),
        Some(oci) => oci,
    };
    let meant = |handler: &Handler| handler.name == wanted || Path::new(&handler.binary) == Path::new(wanted);
    handlers.find(meant).ok_or_else(|| {
        let names: Vec<&str> = runtimes.keys().map(String::as_str).collect();
        format!("that daemon has no runtime handler for {wanted:?}; it has {}", names.join(", "))
    })
}

fn handler(name: &str, runtime: &Value) -> Handler {
    let told = runtime["options"]["BinaryName"].as_str().filter(|binary| !binary.is_empty());
    // io.containerd.runc.v2, the shim of every OCI runtime, calls runc unless told otherwise.
    let by_systemd = runtime["options"]["SystemdCgroup"].as_bool().unwrap_or_default();
    let driver = if by_systemd { CgroupDriver::Systemd } else { CgroupDriver::Cgroupfs };
    Handler { name: name.to_owned(), binary: told.unwrap_or("runc").to_owned(), driver }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Value {
        serde_json::json!({"containerd": {
            "defaultRuntimeName": "runc",
            "runtimes": {
                "crun": {"runtimeType": "io.containerd.runc.v2", "options": {"BinaryName": "/usr/bin/crun"}},
                "runc": {"runtimeType": "io.containerd.runc.v2", "options": {"BinaryName": "", "SystemdCgroup": false}},
                "slices": {"runtimeType": "io.containerd.runc.v2", "options": {"SystemdCgroup": true}},
                "bare": {"runtimeType": "io.containerd.runc.v2", "options": null},
            },
        }})
    }

    #[test]
    fn the_default_or_the_one_that_is_named() {
        let chosen = |oci| choose(&config(), oci).map(|h| (h.name, h.binary));
        let pair = |name: &str, binary: &str| Ok((name.to_owned(), binary.to_owned()));
        assert_eq!(chosen(None), pair("runc", "runc"));
        assert_eq!(chosen(Some("crun")), pair("crun", "/usr/bin/crun"));
        assert_eq!(chosen(Some("/usr/bin/crun")), pair("crun", "/usr/bin/crun"));
        assert_eq!(chosen(Some("bare")), pair("bare", "runc"));
        let driver = |oci| choose(&config(), oci).map(|handler| handler.driver);
        assert_eq!(driver(None), Ok(CgroupDriver::Cgroupfs));
        assert_eq!(driver(Some("bare")), Ok(CgroupDriver::Cgroupfs));
        assert_eq!(driver(Some("slices")), Ok(CgroupDriver::Systemd));
        let error = chosen(Some("youki")).err().unwrap_or_default();
        assert!(error.starts_with("that daemon has no runtime handler for \"youki\"; it has "), "{error}");
        assert!(error.contains("crun") && error.contains("runc") && error.contains("bare"), "{error}");
    }

    #[test]
    fn a_daemon_that_tells_nothing_has_no_handler() {
        assert!(choose(&Value::Null, None).is_err());
    }
}
