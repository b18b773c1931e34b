//! The Pod's resolv.conf. Docker makes its own from the host's; what a kubelet asks for is written over it, as its old
//! Docker shim did.

use super::client::Client;
use super::inspect::Inspected;
use crate::plan::Plan;
use crate::runtime::RuntimeError;

/// Writes the plan's resolv.conf, or a copy of the host's, into the files that containers have mounted.
pub(super) fn write(client: &Client, plan: &Plan, containers: &[Inspected]) -> Result<(), RuntimeError> {
    let wanted = match &plan.resolv_conf {
        Some(text) => text.clone(),
        // Without one, a container has none either.
        None => std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default(),
    };
    for path in containers.iter().map(|container| &container.resolv_conf_path).filter(|path| path.is_file()) {
        let failed = |error: std::io::Error| {
            client.failed("write the Pod's resolv.conf", format!("{}: {error}", path.display()))
        };
        // In place: another file would not be the mounted one.
        if std::fs::read_to_string(path).map_err(failed)? != wanted {
            std::fs::write(path, &wanted).map_err(failed)?;
        }
    }
    Ok(())
}
