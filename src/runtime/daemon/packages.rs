//! What has to be installed for a private daemon, and what to do where it is not.

use super::command::find_program;
use std::path::{Path, PathBuf};

/// Programs of a private containerd and the Debian packages they are in.
const CONTAINERD: [(&str, &str); 3] = [("containerd", "containerd"), ("ctr", "containerd"), ("ip", "iproute2")];
/// The same for Docker, beside containerd's.
const DOCKER: [(&str, &str); 2] = [("dockerd", "docker.io"), ("docker", "docker.io")];
/// Where CNI's plugins are: Debian's folder, everybody else's.
const CNI_FOLDERS: [&str; 2] = ["/usr/lib/cni", "/opt/cni/bin"];
/// The plugins that a Pod's network takes.
const CNI_PLUGINS: [&str; 3] = ["bridge", "host-local", "loopback"];

/// Why a private containerd cannot run here.
pub(crate) fn containerd_missing() -> Option<String> {
    missing(&CONTAINERD).or_else(|| match cni_folder() {
        Some(_) => None,
        None => Some(install("CNI's plugins bridge, host-local and loopback are", "containernetworking-plugins")),
    })
}

/// Why a private dockerd cannot run here.
pub(crate) fn docker_missing() -> Option<String> {
    missing(&DOCKER).or_else(|| missing(&CONTAINERD))
}

/// Why the docker command line cannot be used.
pub(crate) fn docker_client_missing() -> Option<String> {
    missing(&DOCKER[1..])
}

/// What to say of an OCI runtime that is not there.
pub(crate) fn missing_oci(name: &str) -> String {
    match name {
        "runc" | "crun" => install(&format!("{name} is"), name),
        _ => format!("no OCI runtime {name} in PATH; give an absolute path if it is elsewhere"),
    }
}

/// The folder that holds every CNI plugin a Pod's network takes.
pub(crate) fn cni_folder() -> Option<PathBuf> {
    CNI_FOLDERS
        .into_iter()
        .map(Path::new)
        .find(|folder| CNI_PLUGINS.iter().all(|plugin| folder.join(plugin).is_file()))
        .map(Path::to_owned)
}

fn missing(programs: &[(&str, &str)]) -> Option<String> {
    programs
        .iter()
        .find(|(program, _)| find_program(program).is_none())
        .map(|(program, package)| install(&format!("{program} is"), package))
}

fn install(what: &str, package: &str) -> String {
    format!("{what} not installed (Debian's package {package}); `sudo runner/provision.sh` installs what podcheck uses")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_and_the_script_are_named() {
        let text = missing(&[("no-such-program", "some-package")]).expect("it is missing");
        assert_eq!(
            text,
            "no-such-program is not installed (Debian's package some-package); `sudo runner/provision.sh` installs what podcheck uses"
        );
        assert!(missing_oci("crun").contains("package crun"));
        assert!(missing_oci("youki").contains("absolute path"));
    }
}
