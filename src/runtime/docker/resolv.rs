//! The Pod's resolv.conf. Docker makes its own from the host's; what a kubelet asks for is written over it, as its old
//! Docker shim did.

use super::client::Client;
use super::inspect::Inspected;
use crate::plan::Plan;
use crate::runtime::RuntimeError;
use std::io;
use std::path::Path;

/// The host's own.
const HOSTS: &str = "/etc/resolv.conf";

/// Writes the plan's resolv.conf, or a copy of the host's, into the files that containers have mounted.
pub(super) fn write(client: &Client, plan: &Plan, containers: &[Inspected]) -> Result<(), RuntimeError> {
    let wanted = match &plan.resolv_conf {
        Some(text) => text.clone(),
        None => hosts(Path::new(HOSTS)).map_err(|error| client.failed(&format!("read {HOSTS}"), error))?,
    };
    for path in containers.iter().map(|container| &container.resolv_conf_path).filter(|path| path.is_file()) {
        let failed =
            |error: io::Error| client.failed("write the Pod's resolv.conf", format!("{}: {error}", path.display()));
        // In place: another file would not be the mounted one.
        if std::fs::read_to_string(path).map_err(failed)? != wanted {
            std::fs::write(path, &wanted).map_err(failed)?;
        }
    }
    Ok(())
}

/// The text of the host's file; empty if there is none, as a container has an empty one then.
fn hosts(path: &Path) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_not_an_empty_one() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(hosts(&dir.path().join("none")).expect("no file is no error"), "");
        assert!(hosts(dir.path()).is_err(), "a folder has no text");
    }
}
