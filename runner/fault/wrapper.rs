//! This binary as the OCI runtime of a containerd: it puts the fault in and lets runc do the rest.

use super::{Edit, Fault, faults};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

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

/// Puts the fault in where a container that it strikes is created, or something is run in it; `None` if runc is still to be
/// called.
fn put_in(args: &[OsString]) -> Result<Option<ExitCode>, String> {
    let after = |name: &str| args.iter().skip_while(|arg| *arg != name).nth(1).map(PathBuf::from);
    if args.iter().any(|arg| arg == "exec") {
        return put_in_exec(args, after("--root"), after("--process"));
    }
    if args.iter().any(|arg| arg == "update") {
        return put_in_update(args, after("--root"));
    }
    let (true, Some(bundle)) = (args.iter().any(|arg| arg == "create"), after("--bundle")) else { return Ok(None) };
    let file = bundle.join("config.json");
    let mut config = read(&file)?;
    let Some(fault) = striking(&config) else { return Ok(None) };
    match fault.edit {
        Edit::Config(edit) => {
            let before = config.clone();
            edit(&mut config, &bundle);
            if config == before {
                return Err(format!("{} changes nothing in {}", fault.name, file.display()));
            }
            write(&file, &config)?;
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
        Edit::Process(_) | Edit::State(_) | Edit::Later(_) | Edit::Update(_) | Edit::Resized(_) => Ok(None),
    }
}

/// Puts the fault in where a container is resized.
fn put_in_update(args: &[OsString], root: Option<PathBuf>) -> Result<Option<ExitCode>, String> {
    let (Some(root), Some(id)) = (root, args.last()) else {
        return Err("update is called without --root or a container".to_owned());
    };
    let state = read(&root.join(id).join("state.json"))?;
    let whose = annotations_of(&state);
    let Some(fault) = faults().into_iter().find(|fault| whose["annotations"][POD] == fault.name) else {
        return Ok(None);
    };
    let mut command = Command::new(RUNC);
    command.args(args);
    match fault.edit {
        Edit::Update(edit) if striking(&whose).is_some() => {
            let told = std::io::read_to_string(std::io::stdin()).map_err(|error| format!("standard input: {error}"))?;
            let before: Value = serde_json::from_str(&told).map_err(|error| format!("{told:?}: {error}"))?;
            let mut edited = before.clone();
            edit(&mut edited);
            if edited == before {
                return Err(format!("{} changes nothing in {before}", fault.name));
            }
            if edited.is_null() {
                return Ok(Some(ExitCode::SUCCESS));
            }
            let mut child = command.stdin(Stdio::piped()).spawn().map_err(|error| format!("{RUNC}: {error}"))?;
            let mut stdin = child.stdin.take().ok_or("there is no standard input")?;
            stdin.write_all(edited.to_string().as_bytes()).map_err(|error| format!("{RUNC}: {error}"))?;
            drop(stdin);
            let status = child.wait().map_err(|error| format!("{RUNC}: {error}"))?;
            Ok(Some(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
        }
        Edit::Resized(edit) => {
            let status = command.status().map_err(|error| format!("{RUNC}: {error}"))?;
            if !status.success() {
                return Ok(Some(ExitCode::FAILURE));
            }
            edit(init_of(&state)?).map(|()| Some(ExitCode::SUCCESS))
        }
        _ => Ok(None),
    }
}

/// The process that runc made of a container.
fn init_of(state: &Value) -> Result<i32, String> {
    let pid = state["init_process_pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
    pid.ok_or_else(|| "runc does not know the pid".to_owned())
}

/// A container's annotations as runc keeps them, in the place where config.json has them.
fn annotations_of(state: &Value) -> Value {
    let labels = state["config"]["labels"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let labels = labels.filter_map(|label| label.split_once('='));
    let annotations = labels.map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    json!({"annotations": Value::Object(annotations)})
}

/// Puts the fault in where something is run in a container that it strikes. Whose container that is, runc's state says.
fn put_in_exec(args: &[OsString], root: Option<PathBuf>, process: Option<PathBuf>) -> Result<Option<ExitCode>, String> {
    let (Some(root), Some(process), Some(id)) = (root, process, args.last()) else {
        return Err("exec is called without --root, --process or a container".to_owned());
    };
    let file = root.join(id).join("state.json");
    let state = read(&file)?;
    let Some(fault) = striking(&annotations_of(&state)) else { return Ok(None) };
    let (file, before, edit) = match fault.edit {
        Edit::Process(edit) => (&process, read(&process)?, edit),
        Edit::State(edit) => (&file, state, edit),
        Edit::Later(edit) => return edit(init_of(&state)?).map(|()| None),
        Edit::Config(_) | Edit::After(_) | Edit::Update(_) | Edit::Resized(_) => return Ok(None),
    };
    let mut edited = before.clone();
    edit(&mut edited);
    if edited == before {
        return Err(format!("{} changes nothing in {}", fault.name, file.display()));
    }
    write(file, &edited)?;
    let status = Command::new(RUNC).args(args).status().map_err(|error| format!("{RUNC}: {error}"))?;
    write(file, &before)?;
    Ok(Some(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}

fn read(file: &Path) -> Result<Value, String> {
    let text = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))
}

fn write(file: &Path, value: &Value) -> Result<(), String> {
    let text = serde_json::to_vec(value).map_err(|error| error.to_string())?;
    std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

/// The fault that strikes this container.
fn striking(config: &Value) -> Option<Fault> {
    let annotation = |name: &str| config["annotations"][name].as_str();
    let (pod, container) = (annotation(POD)?, annotation(CONTAINER));
    faults().into_iter().find(|fault| fault.name == pod && fault.strikes.hits(container))
}
