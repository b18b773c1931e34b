//! `docker inspect`: which process a container is, where it can be reached, how it ended.

use super::client::{Client, QUICK, words};
use crate::runtime::{Reported, RuntimeError};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// What of a container is asked for, as a document on a line of its own.
const FORMAT: &str = "--format={\"Id\":{{json .Id}},\"Name\":{{json .Name}},\"State\":{{json .State}},\
     \"ResolvConfPath\":{{json .ResolvConfPath}},\"NetworkSettings\":{{json .NetworkSettings}},\"Mounts\":{{json .Mounts}}}";

/// A container as its daemon has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Inspected {
    /// 64 hexadecimal digits.
    pub id: String,
    /// With a leading slash.
    name: String,
    /// How it is.
    pub state: State,
    /// Its resolv.conf on the host.
    #[serde(default)]
    pub resolv_conf_path: PathBuf,
    #[serde(default)]
    network_settings: Networks,
    #[serde(default)]
    mounts: Vec<MountPoint>,
}

/// A mount that the daemon made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MountPoint {
    r#type: String,
    #[serde(default)]
    source: String,
    destination: String,
}

/// How a container is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct State {
    /// `created`, `running`, `exited`, …
    #[serde(rename = "Status")]
    pub status: String,
    /// Its init; 0 if it does not run.
    #[serde(rename = "Pid")]
    pub pid: i32,
    /// How it ended.
    #[serde(rename = "ExitCode")]
    pub exit_code: i32,
    /// Docker has seen the kernel kill something in it for want of memory.
    #[serde(rename = "OOMKilled")]
    pub oom_killed: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct Networks {
    #[serde(rename = "Networks", default)]
    networks: BTreeMap<String, Network>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct Network {
    #[serde(rename = "IPAddress", default)]
    address: String,
}

impl Inspected {
    /// Its name, without the slash.
    pub fn name(&self) -> &str {
        self.name.trim_start_matches('/')
    }

    /// Its own address, if it has one.
    pub fn address(&self) -> Option<IpAddr> {
        self.network_settings.networks.values().find_map(|network| network.address.parse().ok())
    }

    /// The daemon's own volumes that it has mounted: where, and the directory on the host.
    pub fn volumes(&self) -> impl Iterator<Item = (&str, &str)> {
        let volumes = self.mounts.iter().filter(|mount| mount.r#type == "volume");
        volumes.map(|mount| (mount.destination.as_str(), mount.source.as_str()))
    }

    /// Whether it was started and runs no more.
    pub fn has_exited(&self) -> bool {
        matches!(self.state.status.as_str(), "exited" | "dead")
    }

    /// What the daemon says of it, in the words of the Pod contract.
    pub fn reported(&self) -> Reported {
        let exited = self.has_exited();
        let reason = match (exited, self.state.oom_killed, self.state.exit_code) {
            (false, _, _) => "",
            (true, true, _) => "OOMKilled",
            (true, false, 0) => "Completed",
            (true, false, _) => "Error",
        };
        Reported {
            state: if exited { "exited".to_owned() } else { self.state.status.clone() },
            exit_code: exited.then_some(self.state.exit_code),
            reason: reason.to_owned(),
            restarts: 0,
        }
    }
}

/// Asks for containers by name or id; one that there is none of is an error.
pub(super) fn inspect(client: &Client, action: &str, names: &[String]) -> Result<Vec<Inspected>, RuntimeError> {
    let mut arguments = words(["container", "inspect", FORMAT]);
    arguments.extend_from_slice(names);
    let text = client.read(action, &arguments, QUICK)?;
    parse(&text).map_err(|error| client.failed(action, format!("{error} in {}", text.trim())))
}

/// Parses the answer: a document a line.
fn parse(text: &str) -> Result<Vec<Inspected>, serde_json::Error> {
    text.lines().filter(|line| !line.trim().is_empty()).map(serde_json::from_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"Id":"20d7","Name":"/x-sandbox","State":{"Dead":false,"Error":"","ExitCode":0,"FinishedAt":"0001-01-01T00:00:00Z","OOMKilled":false,"Paused":false,"Pid":10043,"Restarting":false,"Running":true,"StartedAt":"2026-11-23T18:01:28.46772243Z","Status":"running"},"ResolvConfPath":"/d/resolv.conf","NetworkSettings":{"Bridge":"","IPAddress":"10.213.250.128","Networks":{"bridge":{"IPAMConfig":null,"IPAddress":"10.213.250.128","IPPrefixLen":24}}}}
{"Id":"290e","Name":"/x-app","State":{"ExitCode":137,"OOMKilled":true,"Pid":0,"Status":"exited"},"ResolvConfPath":"/d/resolv.conf","NetworkSettings":{"Networks":{}},"Mounts":[{"Type":"bind","Source":"/h","Destination":"/b"},{"Type":"volume","Name":"v1","Source":"/d/volumes/v1/_data","Destination":"/data","RW":true}]}
"#;

    #[test]
    fn a_running_sandbox_and_a_killed_container() {
        let found = parse(ANSWER).expect("parses");
        assert_eq!(found[0].name(), "x-sandbox");
        assert_eq!((found[0].id.as_str(), found[0].state.pid), ("20d7", 10043));
        assert_eq!(found[0].address(), "10.213.250.128".parse().ok());
        assert_eq!(
            found[0].reported(),
            Reported { state: "running".to_owned(), exit_code: None, reason: String::new(), restarts: 0 }
        );
        assert_eq!(found[1].address(), None);
        assert_eq!(found[0].volumes().count(), 0);
        assert_eq!(found[1].volumes().collect::<Vec<_>>(), [("/data", "/d/volumes/v1/_data")]);
        let (state, reason) = ("exited".to_owned(), "OOMKilled".to_owned());
        let killed = Reported { state, exit_code: Some(137), reason, restarts: 0 };
        assert_eq!(found[1].reported(), killed);
    }

    #[test]
    fn an_ended_container_completed_or_failed() {
        for (code, reason) in [(0, "Completed"), (3, "Error")] {
            let line = format!(
                r#"{{"Id":"1","Name":"/a","State":{{"ExitCode":{code},"OOMKilled":false,"Pid":0,"Status":"exited"}}}}"#
            );
            assert_eq!(parse(&line).expect("parses")[0].reported().reason, reason);
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert!(parse("Error: No such object\n").is_err());
        assert!(parse("{\"Id\":\"1\"}").is_err());
        assert_eq!(parse("\n").expect("nothing was found").len(), 0);
    }
}
