//! The private containerd.

use super::Tenancy;
use super::command::{Command, find_program};
use super::config::{Config, cni, major, systemd_handler, version_word};
use super::launch::{Bind, MountNamespace};
use super::network::Network;
use super::oci::Oci;
use super::packages;
use super::ready::{Home, Ready};
use super::restart::Restart;
use super::start::{Start, clear};
use crate::host::cgroup::Mode;
use crate::host::{Process, Run, can, scaled};
use crate::runtime::image::{self, Image};
use crate::runtime::{Kind, RuntimeError, RuntimeName};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// CRI's namespace in containerd.
const CRI_NAMESPACE: &str = "k8s.io";

/// Folders that every containerd or dockerd of a host uses whatever it is told, and what they are of ours.
const SHARED_FOLDERS: [(&str, &str, bool); 4] = [
    ("run-containerd", "/run/containerd", false),
    ("run-docker", "/run/docker", false),
    // Pinned network namespaces must be seen in the namespaces that shims make.
    ("run-netns", "/run/netns", true),
    ("var-lib-cni", "/var/lib/cni", false),
];

/// A containerd of podcheck's own that answers, with podcheck's images in CRI's namespace.
#[derive(Debug)]
pub struct ContainerdDaemon {
    /// Its socket; CRI and containerd's own interface.
    pub socket: PathBuf,
    /// Its process: the namespaces that count as the host's.
    pub process: Process,
    /// CRI's runtime handler of the OCI runtime; also the default one.
    pub handler: String,
    /// The one that has systemd make its cgroups; there where systemd is.
    pub systemd_handler: String,
    /// The OCI runtime's binary.
    pub oci: PathBuf,
    /// Versions of containerd and of the OCI runtime, by name.
    pub versions: BTreeMap<String, String>,
    /// Its log.
    pub log: PathBuf,
    /// How it is restarted.
    pub restart: Restart,
}

/// The run's private containerd for an OCI runtime (a name or an absolute path; `None` is runc), started if it is not
/// there yet.
///
/// # Errors
/// [`RuntimeError::Unavailable`] where something is not installed or we are not root; else what failed, with the last
/// lines of its log.
pub fn containerd(run: &Arc<Run>, oci: Option<&str>, tenancy: Tenancy) -> Result<ContainerdDaemon, RuntimeError> {
    let name = RuntimeName { oci: oci.map(str::to_owned), ..RuntimeName::plain(Kind::Containerd) };
    for_runtime(run, oci, &name.to_string(), tenancy)
}

/// As [`containerd`], with the name of the runtime that errors are to carry.
pub(super) fn for_runtime(
    run: &Arc<Run>,
    oci: Option<&str>,
    runtime: &str,
    tenancy: Tenancy,
) -> Result<ContainerdDaemon, RuntimeError> {
    if let Some(reason) = packages::containerd_missing() {
        return Err(RuntimeError::Unavailable { runtime: runtime.to_owned(), reason });
    }
    let oci = Oci::resolve(runtime, oci)?;
    let name = format!("containerd{}{}", oci.suffix, tenancy.suffix());
    let home = Home { runtime: runtime.to_owned(), dir: run.dir().join("daemons").join(&name) };
    let (process, ready) = home.daemon(|| start(run, &home, &name, &oci))?;
    Ok(ContainerdDaemon {
        socket: socket(&home),
        process,
        systemd_handler: systemd_handler(&oci),
        handler: oci.handler,
        oci: oci.path,
        versions: ready.versions,
        log: home.log(),
        restart: Restart {
            run: Arc::clone(run),
            cgroup: run.daemon_cgroup(&name).map_err(|e| home.failed("find its daemon's cgroup", e))?,
            socket: socket(&home),
            ask: |home| ctr(home, "ask its daemon for its version", &["version"]).read().map(drop),
            home,
        },
    })
}

fn socket(home: &Home) -> PathBuf {
    home.dir.join("containerd.sock")
}

fn start(run: &Run, home: &Home, name: &str, oci: &Oci) -> Result<Ready, RuntimeError> {
    let program = program("containerd");
    let version = ctl(home, "ask containerd for its version", vec![program.clone(), "--version".into()]).read()?;
    let cgroup = clear(home, run, name)?;
    let network = Network::create(&home.runtime, run, name)?;
    let config = configure(home, oci, &network, major(&version).unwrap_or(1))?;
    let socket = socket(home);
    let start = Start {
        home,
        run,
        cgroup: &cgroup,
        argv: [program.to_string_lossy().as_ref(), "--config", config.to_string_lossy().as_ref()]
            .map(str::to_owned)
            .into(),
        mounts: MountNamespace::Own {
            binds: binds(home)?,
            hide: hidden(home, run, oci),
            shared: run.trials(),
            host_files: run.host_files(),
        },
        socket: &socket,
    };
    let ask = || {
        let text = ctr(home, "ask its daemon for its version", &["version"]).read()?;
        Ok(versions(&version, &text, oci, &home.runtime))
    };
    start.until_ready(ask, || Image::ALL.into_iter().try_for_each(|image| import(home, image)))
}

fn versions(client: &str, answer: &str, oci: &Oci, runtime: &str) -> BTreeMap<String, String> {
    let server = answer
        .split_once("Server:")
        .and_then(|(_, server)| server.lines().find_map(|line| line.trim().strip_prefix("Version:").map(str::trim)));
    let containerd = server.or_else(|| version_word(client)).unwrap_or("unknown").trim_start_matches('v');
    let mut versions = BTreeMap::from([("containerd".to_owned(), containerd.to_owned())]);
    versions.extend(oci.described(runtime));
    versions
}

fn configure(home: &Home, oci: &Oci, network: &Network, major: u32) -> Result<PathBuf, RuntimeError> {
    let failed = |detail: String| home.failed("configure its daemon", detail);
    let cni_plugins = packages::cni_folder().ok_or_else(|| failed("CNI's plugins are gone".to_owned()))?;
    let sandbox_image = image::reference(Image::Pause).map_err(|error| failed(error.to_string()))?;
    let may_lower_oom_score = super::may_lower_oom_score();
    let config = Config {
        major,
        dir: &home.dir,
        sandbox_image: &sandbox_image,
        may_lower_oom_score,
        cni_plugins: &cni_plugins,
        oci,
        systemd: can("systemd"),
    };
    let file = home.dir.join("config.toml");
    let write = || {
        std::fs::create_dir_all(home.dir.join("cni"))?;
        std::fs::write(home.dir.join("cni/podcheck.conflist"), cni(network, &home.dir.join("ipam")))?;
        std::fs::write(&file, config.render())
    };
    write().map_err(|error| failed(error.to_string()))?;
    Ok(file)
}

fn binds(home: &Home) -> Result<Vec<Bind>, RuntimeError> {
    SHARED_FOLDERS
        .into_iter()
        .map(|(ours, target, shared)| {
            let source = home.dir.join(ours);
            std::fs::create_dir_all(&source).map_err(|error| home.failed("make its folders", error))?;
            Ok(Bind { source, target: PathBuf::from(target), shared })
        })
        .collect()
}

/// The unified hierarchy of a hybrid host, for an OCI runtime that fails where it sees one.
fn hidden(home: &Home, run: &Run, oci: &Oci) -> Vec<PathBuf> {
    let cgroups = run.hierarchies();
    if cgroups.mode() == Mode::Hybrid && oci.stumbles_over_hybrid_cgroups(&home.runtime) {
        cgroups.unified().map(|unified| unified.mount_point.clone()).into_iter().collect()
    } else {
        Vec::new()
    }
}

/// Packs one of podcheck's images and imports it.
fn import(home: &Home, image: Image) -> Result<(), RuntimeError> {
    let action = format!("import podcheck's image {}", image.name());
    let archive = home.dir.join(format!("{}.tar", image.name()));
    image::archive(image, &archive).map_err(|error| home.failed(&action, error))?;
    let path = archive.to_string_lossy();
    let args = ["--namespace", CRI_NAMESPACE, "images", "import", path.as_ref()];
    let imported = ctr(home, &action, &args).read();
    // It stands in the run's folder, which goes with the run.
    let _ = std::fs::remove_file(&archive);
    imported.map(|_| ())
}

fn ctr<'a>(home: &'a Home, action: &'a str, args: &[&str]) -> Command<'a> {
    let mut argv = vec![program("ctr"), "--address".into(), socket(home).into_os_string()];
    argv.extend(args.iter().map(OsString::from));
    ctl(home, action, argv)
}

fn ctl<'a>(home: &'a Home, action: &'a str, argv: Vec<OsString>) -> Command<'a> {
    Command {
        runtime: &home.runtime,
        action,
        argv,
        env: Vec::new(),
        within: scaled(Duration::from_secs(60)),
        log: None,
    }
}

/// A program that [`packages`] has found; by its bare name, starting it says that it is gone.
fn program(name: &str) -> OsString {
    find_program(name).map_or_else(|| OsString::from(name), PathBuf::into_os_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_the_servers_own() {
        let oci = Oci { handler: "x".to_owned(), path: "/nowhere/x".into(), suffix: String::new() };
        let answer = "Client:\n  Version:  1.6.20~ds1\nServer:\n  Version:  1.6.21\n  Revision: 1\n  UUID: 7\n";
        let found = versions("containerd c 1.6.20~ds1", answer, &oci, "containerd");
        assert_eq!(found, BTreeMap::from([("containerd".to_owned(), "1.6.21".to_owned())]));
    }

    #[test]
    fn every_shared_folder_is_ours_instead() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = Home { runtime: "containerd".to_owned(), dir: dir.path().to_owned() };
        let binds = binds(&home).expect("made");
        assert!(binds.iter().all(|bind| bind.source.starts_with(&home.dir) && bind.source.is_dir()));
        let targets: Vec<_> = binds.iter().map(|bind| bind.target.to_string_lossy().into_owned()).collect();
        assert_eq!(targets, ["/run/containerd", "/run/docker", "/run/netns", "/var/lib/cni"]);
    }
}
