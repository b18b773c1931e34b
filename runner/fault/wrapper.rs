//! This binary as the OCI runtime of a containerd: it puts the fault in and lets runc do the rest.

use super::{Edit, Fault, faults};
use serde_json::Value;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Name by which the binary knows that it is called as a runtime.
const NAME: &str = "podcheck-faulty-runc";
/// The runtime that it stands before.
const RUNC: &str = "runc";
/// Where containerd says in config.json whose container this is.
const POD: &str = "io.kubernetes.cri.sandbox-name";
const CONTAINER: &str = "io.kubernetes.cri.container-name";

/// Makes the link that is given to containerd.
pub fn link(folder: &Path) -> std::io::Result<PathBuf> {
    let link = folder.join(NAME);
    std::os::unix::fs::symlink(std::env::current_exe()?, &link)?;
    Ok(link)
}

/// Whether this process was called as the runtime.
pub fn is_wrapper() -> bool {
    std::env::args_os().next().is_some_and(|name| Path::new(&name).file_name() == Some(NAME.as_ref()))
}

/// Main of the runtime.
pub fn wrap() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match put_in(&args) {
        Ok(None) => {
            let error = Command::new(RUNC).args(&args).exec();
            eprintln!("cannot become {RUNC}: {error}");
            ExitCode::FAILURE
        }
        Ok(Some(code)) => code,
        Err(message) => {
            eprintln!("cannot put the fault in: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Puts the fault in where a container that it strikes is created; `None` if runc is still to be called.
fn put_in(args: &[OsString]) -> Result<Option<ExitCode>, String> {
    let after = |name: &str| args.iter().skip_while(|arg| *arg != name).nth(1).map(PathBuf::from);
    let (true, Some(bundle)) = (args.iter().any(|arg| arg == "create"), after("--bundle")) else { return Ok(None) };
    let file = bundle.join("config.json");
    let text = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut config: Value = serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let Some(fault) = striking(&config) else { return Ok(None) };
    match fault.edit {
        Edit::Config(edit) => {
            let before = config.clone();
            edit(&mut config, &bundle);
            if config == before {
                return Err(format!("{} changes nothing in {}", fault.name, file.display()));
            }
            let text = serde_json::to_vec(&config).map_err(|error| error.to_string())?;
            std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
            Ok(None)
        }
        Edit::After(edit) => {
            let status = Command::new(RUNC).args(args).status().map_err(|error| format!("{RUNC}: {error}"))?;
            if !status.success() {
                return Ok(Some(ExitCode::FAILURE));
            }
            let pid_file = after("--pid-file").ok_or("there is no --pid-file")?;
            let pid = std::fs::read_to_string(&pid_file).map_err(|error| format!("{}: {error}", pid_file.display()))?;
            edit(pid.trim().parse().map_err(|_| format!("{pid:?} is no pid"))?)?;
            Ok(Some(ExitCode::SUCCESS))
        }
    }
}

/// The fault that strikes this container.
fn striking(config: &Value) -> Option<Fault> {
    let annotation = |name: &str| config["annotations"][name].as_str();
    let (pod, container) = (annotation(POD)?, annotation(CONTAINER));
    faults().into_iter().find(|fault| fault.name == pod && fault.strikes.hits(container))
}
