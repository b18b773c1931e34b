//! A Docker that runs already: used as it is, and left so.

use super::client::{Client, QUICK, words};
use super::images::Images;
use super::{Daemon, DockerRuntime, leftover, lowest_oom_score};
use crate::host::{Process, Run};
use crate::node::CgroupDriver;
use crate::runtime::daemon;
use crate::runtime::{RuntimeError, RuntimeName};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

/// What `docker info` says that matters here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    cgroup_driver: String,
    #[serde(default)]
    runtimes: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    default_runtime: String,
}

/// What `docker version` says of the server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Server {
    version: String,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    name: String,
    version: String,
}

/// Opens the Docker at an endpoint.
pub(super) fn open(name: &RuntimeName, endpoint: &str, run: &Arc<Run>) -> Result<DockerRuntime, RuntimeError> {
    let unavailable = |reason: String| RuntimeError::Unavailable { runtime: name.to_string(), reason };
    if let Some(reason) = daemon::why_unavailable(name) {
        return Err(unavailable(reason));
    }
    let Some(path) = endpoint.strip_prefix("unix://").or_else(|| endpoint.starts_with('/').then_some(endpoint)) else {
        return Err(unavailable(format!(
            "{endpoint} is no unix:// socket, and podcheck looks at processes of this host"
        )));
    };
    let config = run.dir().join("docker-client");
    let client = Client { runtime: name.to_string(), host: format!("unix://{path}"), config, log: None };
    std::fs::create_dir_all(&client.config).map_err(|error| client.failed("make its client's folder", error))?;
    let info: Info = ask(&client, "info")?;
    let driver = info.check(name).map_err(|reason| client.unavailable(reason))?;
    leftover::sweep(&client, run)?;
    let server: Server = ask(&client, "version")?;
    let process = listener(path);
    let daemon = Daemon {
        // Out of sight it is taken for one that may do everything; if it may not, its own error says so.
        lowest_oom_score: process.as_ref().and_then(lowest_oom_score),
        images: Images::new(&client, false)?,
        client,
        process: Mutex::new(process),
        restart: None,
        driver,
        oci_name: name.oci.clone(),
        oci: daemon::find_program(name.oci.as_deref().unwrap_or(&info.default_runtime)),
        run: run.id().to_owned(),
        place: run.place().to_owned(),
    };
    Ok(DockerRuntime { name: name.clone(), versions: server.versions(), daemon: Arc::new(daemon) })
}

/// The path of a socket on this host.
pub(super) fn socket(endpoint: &str) -> Result<&str, String> {
    endpoint
        .strip_prefix("unix://")
        .or_else(|| endpoint.starts_with('/').then_some(endpoint))
        .ok_or_else(|| format!("{endpoint} is no unix:// socket, and podcheck looks at processes of this host"))
}

fn ask<T: serde::de::DeserializeOwned>(client: &Client, subject: &str) -> Result<T, RuntimeError> {
    let action = format!("ask the daemon for its {subject}");
    let format = if subject == "version" { "{{json .Server}}" } else { "{{json .}}" };
    let text = client.read(&action, &words([subject, "--format", format]), QUICK)?;
    serde_json::from_str(&text).map_err(|error| client.failed(&action, format!("{error} in {}", text.trim())))
}

impl Info {
    /// Its cgroup driver, if it has what the name asks for.
    fn check(&self, name: &RuntimeName) -> Result<CgroupDriver, String> {
        let driver = match self.cgroup_driver.as_str() {
            "cgroupfs" => CgroupDriver::Cgroupfs,
            "systemd" => CgroupDriver::Systemd,
            other => return Err(format!("its cgroup driver is {other}, and podcheck knows cgroupfs and systemd")),
        };
        if let Some(wanted) = name.driver.filter(|wanted| *wanted != driver) {
            return Err(format!("its cgroup driver is {driver}, not {wanted}"));
        }
        match name.oci.as_deref() {
            Some(oci) if !self.runtimes.contains_key(oci) => {
                let known: Vec<&str> = self.runtimes.keys().map(String::as_str).collect();
                Err(format!("it has no OCI runtime {oci}, but {}", known.join(", ")))
            }
            _ => Ok(driver),
        }
    }
}

impl Server {
    fn versions(&self) -> BTreeMap<String, String> {
        let of_interest = |component: &&Component| matches!(component.name.as_str(), "containerd" | "runc" | "crun");
        let mut versions: BTreeMap<String, String> = self
            .components
            .iter()
            .filter(of_interest)
            .map(|component| (component.name.clone(), component.version.clone()))
            .collect();
        versions.insert("docker".to_owned(), self.version.clone());
        versions
    }
}

/// The process that listens on a socket. Where systemd opened it, that is systemd, whose namespaces are the host's, too.
fn listener(path: &str) -> Option<Process> {
    let stream = UnixStream::connect(path).ok()?;
    let pid = getsockopt(&stream, PeerCredentials).ok()?.pid();
    Process::open(pid).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(driver: &str) -> Info {
        let text =
            format!(r#"{{"CgroupDriver":"{driver}","DefaultRuntime":"runc","Runtimes":{{"runc":{{"path":"runc"}}}}}}"#);
        serde_json::from_str(&text).expect("parses")
    }

    fn check(driver: &str, name: &str) -> Result<CgroupDriver, String> {
        info(driver).check(&name.parse().expect("a name"))
    }

    #[test]
    fn a_daemon_is_taken_with_its_driver() {
        assert_eq!(check("systemd", "docker@/s"), Ok(CgroupDriver::Systemd));
        assert_eq!(check("cgroupfs", "docker@/s"), Ok(CgroupDriver::Cgroupfs));
        assert_eq!(check("cgroupfs", "docker+runc@/s"), Ok(CgroupDriver::Cgroupfs));
    }

    #[test]
    fn a_daemon_that_has_not_what_is_asked_for_is_refused_with_the_reason() {
        assert_eq!(
            check("cgroupfs", "docker:systemd@/s"),
            Err("its cgroup driver is cgroupfs, not systemd".to_owned())
        );
        assert!(check("none", "docker@/s").is_err_and(|reason| reason.contains("cgroup driver is none")));
        assert_eq!(check("cgroupfs", "docker+crun@/s"), Err("it has no OCI runtime crun, but runc".to_owned()));
    }

    #[test]
    fn versions_of_what_takes_part() {
        let text = r#"{"Platform":{"Name":""},"Version":"20.10.24","Components":[{"Name":"Engine","Version":"20.10.24"},
            {"Name":"containerd","Version":"1.6.20"},{"Name":"runc","Version":"1.1.5"},{"Name":"docker-init","Version":"0.19.0"}]}"#;
        let server: Server = serde_json::from_str(text).expect("parses");
        let expected = [("containerd", "1.6.20"), ("docker", "20.10.24"), ("runc", "1.1.5")];
        let expected = expected.map(|(name, version)| (name.to_owned(), version.to_owned()));
        assert_eq!(server.versions(), BTreeMap::from(expected));
    }

    #[test]
    fn the_listener_of_a_socket_is_found() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&path).expect("bound");
        let found = listener(&path.to_string_lossy()).expect("found");
        assert_eq!(found.pid(), std::process::id().cast_signed());
    }
}
