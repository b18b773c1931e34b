//! The private dockerd, on a private containerd.

use super::Tenancy;
use super::command::{Command, find_program};
use super::config::major;
use super::containerd::{ContainerdDaemon, for_runtime};
use super::launch::MountNamespace;
use super::network::Network;
use super::oci::Oci;
use super::packages;
use super::ready::{Home, Ready};
use super::restart::Restart;
use super::start::{Start, clear};
use crate::host::{Process, Run, scaled};
use crate::node::CgroupDriver;
use crate::runtime::image::{self, Image};
use crate::runtime::{RuntimeError, RuntimeName};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What a daemon that answers is asked.
const ASK: [&str; 3] = ["version", "--format", "{{.Server.Version}}"];

/// A dockerd of podcheck's own that answers, with podcheck's images loaded.
#[derive(Debug)]
pub struct DockerDaemon {
    /// For `docker --host`: `unix://…`.
    pub host: String,
    /// Its process.
    pub process: Process,
    /// For `docker run --runtime`.
    pub oci_name: String,
    /// The OCI runtime's binary.
    pub oci: PathBuf,
    /// Versions of docker, containerd and the OCI runtime, by name.
    pub versions: BTreeMap<String, String>,
    /// Its log.
    pub log: PathBuf,
    /// How it is restarted; its containerd goes on.
    pub restart: Restart,
    /// DOCKER_CONFIG for its clients: an empty folder, so that nobody's proxies and plugins get into a container.
    pub client_config: PathBuf,
}

/// The run's private dockerd for the OCI runtime and the cgroup driver of a name, of each of which it has but one, started if
/// it is not there yet, on the private containerd of the same OCI runtime.
///
/// # Errors
/// As [`super::containerd()`].
pub fn dockerd(run: &Arc<Run>, name: &RuntimeName, tenancy: Tenancy) -> Result<DockerDaemon, RuntimeError> {
    let (runtime, oci) = (name.to_string(), name.oci.as_deref());
    if let Some(reason) = packages::docker_missing() {
        return Err(RuntimeError::Unavailable { runtime, reason });
    }
    let found = Oci::resolve(&runtime, oci)?;
    let which = Which { driver: name.driver.unwrap_or_default(), tenancy };
    let name = format!("docker{}{}", found.suffix, which.suffix());
    let home = Home { runtime: runtime.clone(), dir: run.dir().join("daemons").join(&name) };
    let containerd = for_runtime(run, oci, &runtime, Tenancy::Shared)?;
    let (process, ready) = home.daemon(|| start(run, &home, (&name, which), &found, &containerd))?;
    Ok(DockerDaemon {
        host: host(&home),
        process,
        oci_name: found.handler,
        oci: found.path,
        versions: ready.versions,
        log: home.log(),
        client_config: client_config(&home),
        restart: Restart {
            run: Arc::clone(run),
            cgroup: run.daemon_cgroup(&name).map_err(|e| home.failed("find its daemon's cgroup", e))?,
            socket: socket(&home),
            ask: |home| docker(home, "ask its daemon for its version", &ASK).read().map(drop),
            home,
        },
    })
}

fn socket(home: &Home) -> PathBuf {
    home.dir.join("docker.sock")
}

fn host(home: &Home) -> String {
    format!("unix://{}", socket(home).display())
}

fn client_config(home: &Home) -> PathBuf {
    home.dir.join("client")
}

/// Which of several dockerds on one containerd it is.
#[derive(Clone, Copy)]
struct Which {
    driver: CgroupDriver,
    tenancy: Tenancy,
}

impl Which {
    /// What tells its name, and those of the namespaces that it has in containerd.
    fn suffix(self) -> String {
        let driver = match self.driver {
            CgroupDriver::Cgroupfs => "",
            CgroupDriver::Systemd => "-systemd",
        };
        format!("{driver}{}", self.tenancy.suffix())
    }
}

fn start(
    run: &Run,
    home: &Home,
    (name, which): (&str, Which),
    oci: &Oci,
    containerd: &ContainerdDaemon,
) -> Result<Ready, RuntimeError> {
    let program = program("dockerd");
    let action = "ask dockerd for its version";
    let argv = vec![program.clone(), "--version".into()];
    let within = scaled(Duration::from_secs(20));
    let version = Command { runtime: &home.runtime, action, argv, env: Vec::new(), within, log: None }.read()?;
    let cgroup = clear(home, run, name)?;
    let network = Network::create(&home.runtime, run, name)?;
    let config = home.dir.join("daemon.json");
    std::fs::create_dir_all(client_config(home))
        .and_then(|()| std::fs::write(&config, settings(&home.dir, major(&version).unwrap_or(20))))
        .map_err(|error| home.failed("configure its daemon", error))?;
    let mut argv = vec![program.to_string_lossy().into_owned()];
    argv.extend(arguments(&home.dir, &containerd.socket, &network, oci, (major(&version).unwrap_or(20), which)));
    let socket = socket(home);
    let start = Start {
        home,
        run,
        cgroup: &cgroup,
        argv,
        // One namespace for both: containerd's shims must find what dockerd mounts.
        mounts: MountNamespace::Of(PathBuf::from(format!("/proc/{}/ns/mnt", containerd.process.pid()))),
        socket: &socket,
    };
    let ask = || {
        let answer = docker(home, "ask its daemon for its version", &ASK).read()?;
        let mut versions = containerd.versions.clone();
        versions.insert("docker".to_owned(), answer.trim().to_owned());
        Ok(versions)
    };
    start.until_ready(ask, || Image::ALL.into_iter().try_for_each(|image| load(home, image)))
}

/// The text of daemon.json: what has no option on the command line.
fn settings(dir: &Path, major: u32) -> String {
    // Before 23.0 dockerd makes a key, otherwise in /etc/docker. Source: https://github.com/moby/moby/pull/43555
    let key = (20..23).contains(&major).then(|| ("deprecated-key-path", dir.join("key.json")));
    format!("{}\n", serde_json::json!(BTreeMap::from_iter(key)))
}

/// The command line of dockerd.
fn arguments(dir: &Path, containerd: &Path, network: &Network, oci: &Oci, (major, which): (u32, Which)) -> Vec<String> {
    let at = |name: &str| dir.join(name).to_string_lossy().into_owned();
    let mut arguments: Vec<String> = Vec::new();
    let mut option = |name: &str, value: &str| arguments.push(format!("--{name}={value}"));
    // The machine's own /etc/docker/daemon.json is not for this one.
    option("config-file", &at("daemon.json"));
    option("data-root", &at("root"));
    option("exec-root", &at("exec"));
    option("pidfile", &at("pid"));
    option("host", &format!("unix://{}", at("docker.sock")));
    option("containerd", &containerd.to_string_lossy());
    // Two daemons on one containerd each have their own.
    option("containerd-namespace", &format!("podcheck-docker{}", which.suffix()));
    option("containerd-plugins-namespace", &format!("podcheck-docker-plugins{}", which.suffix()));
    option("exec-opt", &format!("native.cgroupdriver={}", which.driver));
    option("bridge", &network.bridge);
    option("iptables", "false");
    if major >= 20 {
        option("ip6tables", "false");
    }
    option("ip-forward", "false");
    option("ip-masq", "false");
    option("userland-proxy", "false");
    if which.tenancy == Tenancy::Apart {
        // Without it dockerd takes its containers along.
        option("live-restore", "true");
    }
    // The name runc is dockerd's own for the one in PATH, and may not be given another meaning.
    if oci.handler != "runc" {
        option("add-runtime", &format!("{}={}", oci.handler, oci.path.display()));
    }
    arguments
}

/// Packs one of podcheck's images and loads it.
fn load(home: &Home, image: Image) -> Result<(), RuntimeError> {
    let action = format!("load podcheck's image {}", image.name());
    let archive = home.dir.join(format!("{}.tar", image.name()));
    image::archive(image, &archive).map_err(|error| home.failed(&action, error))?;
    let path = archive.to_string_lossy();
    let loaded = docker(home, &action, &["load", "--quiet", "--input", path.as_ref()]).read();
    // It stands in the run's folder, which goes with the run.
    let _ = std::fs::remove_file(&archive);
    loaded.map(|_| ())
}

fn docker<'a>(home: &'a Home, action: &'a str, args: &[&str]) -> Command<'a> {
    let mut argv = vec![program("docker"), "--host".into(), host(home).into()];
    argv.extend(args.iter().map(OsString::from));
    let env = vec![("DOCKER_CONFIG", client_config(home).into_os_string())];
    Command { runtime: &home.runtime, action, argv, env, within: scaled(Duration::from_secs(60)), log: None }
}

/// A program that [`packages`] has found; by its bare name, starting it says that it is gone.
fn program(name: &str) -> OsString {
    find_program(name).map_or_else(|| OsString::from(name), PathBuf::into_os_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(oci: &str, major: u32, tenancy: Tenancy) -> Vec<String> {
        rendered_as(oci, major, Which { driver: CgroupDriver::Cgroupfs, tenancy })
    }

    fn rendered_as(oci: &str, major: u32, which: Which) -> Vec<String> {
        let network = Network {
            bridge: "pchkb1".to_owned(),
            subnet: "10.213.1.0/24".to_owned(),
            gateway: "10.213.1.1".to_owned(),
        };
        let oci = Oci { handler: oci.to_owned(), path: format!("/usr/bin/{oci}").into(), suffix: String::new() };
        arguments(Path::new("/run/d"), Path::new("/run/c/containerd.sock"), &network, &oci, (major, which))
    }

    #[test]
    fn the_daemon_leaves_the_host_alone() {
        let expected = [
            "--config-file=/run/d/daemon.json",
            "--data-root=/run/d/root",
            "--exec-root=/run/d/exec",
            "--pidfile=/run/d/pid",
            "--host=unix:///run/d/docker.sock",
            "--containerd=/run/c/containerd.sock",
            "--containerd-namespace=podcheck-docker",
            "--containerd-plugins-namespace=podcheck-docker-plugins",
            "--exec-opt=native.cgroupdriver=cgroupfs",
            "--bridge=pchkb1",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--ip-masq=false",
            "--userland-proxy=false",
        ];
        assert_eq!(rendered("runc", 20, Tenancy::Shared), expected);
    }

    #[test]
    fn one_that_is_restarted_leaves_its_containers_alive_and_those_of_others_alone() {
        let apart = rendered("runc", 20, Tenancy::Apart);
        for option in ["--live-restore=true", "--containerd-namespace=podcheck-docker-apart"] {
            assert!(apart.contains(&option.to_owned()), "{apart:?}");
        }
        assert!(!rendered("runc", 20, Tenancy::Shared).iter().any(|option| option.contains("live-restore")));
    }

    #[test]
    fn one_that_has_systemd_make_cgroups_is_another_daemon() {
        let slices = rendered_as("runc", 20, Which { driver: CgroupDriver::Systemd, tenancy: Tenancy::Shared });
        for option in ["--exec-opt=native.cgroupdriver=systemd", "--containerd-namespace=podcheck-docker-systemd"] {
            assert!(slices.contains(&option.to_owned()), "{slices:?}");
        }
    }

    #[test]
    fn another_oci_runtime_is_added_by_name() {
        assert_eq!(
            rendered("crun", 20, Tenancy::Shared).last().map(String::as_str),
            Some("--add-runtime=crun=/usr/bin/crun")
        );
        assert!(!rendered("runc", 18, Tenancy::Shared).contains(&"--ip6tables=false".to_owned()));
    }
}
