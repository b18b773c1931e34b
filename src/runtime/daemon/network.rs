//! The bridge of a private daemon's Pods.

use super::command::{Command, find_program};
use crate::host::{HostError, Run, scaled};
use crate::runtime::RuntimeError;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// A bridge on the host, and the subnet that is its alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Network {
    /// The bridge's name.
    pub bridge: String,
    /// `10.213.7.0/24`.
    pub subnet: String,
    /// The bridge's own address, gateway of the Pods: `10.213.7.1`.
    pub gateway: String,
}

impl Network {
    /// Makes the bridge and gives it its address, so that the daemon need not: as it would turn on forwarding, too.
    pub fn create(runtime: &str, run: &Run, daemon: &str) -> Result<Network, RuntimeError> {
        let failed = |error: HostError| RuntimeError::Failed {
            runtime: runtime.to_owned(),
            action: "have a network for its Pods".to_owned(),
            cause: error.into(),
        };
        let subnet = run.subnet(daemon).map_err(failed)?;
        let network = Network {
            bridge: bridge_name(run.id(), daemon),
            subnet: subnet.cidr(),
            gateway: subnet.gateway().to_string(),
        };
        run.record_interface(&network.bridge).map_err(failed)?;
        let prefix = network.subnet.rsplit_once('/').map_or("24", |(_, prefix)| prefix);
        let bridge = network.bridge.as_str();
        if Path::new("/sys/class/net").join(bridge).exists() {
            // Of an attempt that was killed.
            ip(runtime, &["link", "delete", bridge])?;
        }
        ip(runtime, &["link", "add", "name", bridge, "type", "bridge"])?;
        ip(runtime, &["addr", "add", &format!("{}/{prefix}", network.gateway), "dev", bridge])?;
        ip(runtime, &["link", "set", bridge, "up"])?;
        Ok(network)
    }
}

/// `pchkb` and eight letters and digits, by which the sweep knows it; the same however often the daemon is tried.
fn bridge_name(run: &str, daemon: &str) -> String {
    let digest = Sha256::digest(format!("{run}/{daemon}"));
    let letters: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("pchkb{letters}")
}

fn ip(runtime: &str, args: &[&str]) -> Result<(), RuntimeError> {
    let program = find_program("ip").map_or_else(|| OsString::from("ip"), OsString::from);
    let argv = std::iter::once(program).chain(args.iter().map(OsString::from)).collect();
    let action = format!("make the bridge of its Pods (ip {})", args.join(" "));
    Command { runtime, action: &action, argv, env: Vec::new(), within: scaled(Duration::from_secs(10)), log: None }
        .read()
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_daemon_of_a_run_has_a_bridge_of_its_own() {
        let name = bridge_name("abcd1234", "containerd");
        assert_eq!(name, bridge_name("abcd1234", "containerd"));
        assert_ne!(name, bridge_name("abcd1234", "docker"));
        assert!(name.len() < 16 && name.starts_with("pchkb"), "{name}");
    }
}
