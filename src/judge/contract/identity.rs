//! F12, and whether the members are the processes they are said to be, and nothing else runs in the Pod.

use super::places::takes_over;
use super::{Court, SANDBOX, is, must, should, shown, user};
use crate::facts::Looked;
use crate::judge::look::within;
use crate::judge::{Check, Outcome};
use crate::pod::{Allocatable, Container, Later};
use serde_json::{Value, json};

const MEMBER: &str = "member";
const PROCESS: &str = "F12";
const CONTAINERS: &str = "https://kubernetes.io/docs/concepts/workloads/pods/";
const ENVIRONMENT: &str =
    "https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/";
const ARGUMENTS: &str = "https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/";
const IMAGE: &str = "https://github.com/opencontainers/image-spec/blob/main/config.md#properties";
const HOME: &str = "https://github.com/opencontainers/runc/blob/main/libcontainer/init_linux.go";

/// `Env` of podcheck's image.
const IMAGE_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) fn judge(court: &mut Court<'_>) {
    judge_presence(court);
    for member in court.running() {
        judge_environment(court, member.name);
        judge_process(court, member.name);
    }
    let nothing = "no process that belongs to no container";
    court.check(must(MEMBER, CONTAINERS), ("", "pod.strays"), nothing, |seen| is(seen, &json!([])));
}

/// Every container of the manifest is there, and no other.
fn judge_presence(court: &mut Court<'_>) {
    let rule = must(MEMBER, CONTAINERS);
    let pod = court.pod;
    let wanted: Vec<&str> = std::iter::once(SANDBOX).chain(pod.spec.everyone().map(|c| c.name.as_str())).collect();
    for name in &wanted {
        let ends = pod.spec.init_containers.iter().any(|c| c.name == *name && !c.stays);
        match court.look(name, "state") {
            Looked::Value(Value::String(state)) if ends && (state == "exited" || state == "running") => {}
            Looked::Unknown if court.unstarted.contains(*name) => {}
            Looked::Value(Value::String(state)) if state == "exited" && *name != SANDBOX => {
                let question = court.question(rule, name, "state", "running");
                let ended = Outcome::Unobservable("a process that still runs".to_owned());
                let check: Check = question.answer(court.facts, "exited".to_owned(), ended);
                court.checks.push(check);
            }
            Looked::Unknown => court.found(rule, (name, "state"), "running", Err("no such member".to_owned())),
            _ => court.equals(rule, (name, "state"), json!("running")),
        }
    }
    let members = court.facts.document.get("members").and_then(Value::as_object);
    let foreign = members.into_iter().flat_map(|m| m.keys()).filter(|name| !wanted.contains(&name.as_str()));
    for name in foreign.filter(|name| !name.starts_with("beside/")) {
        court.found(
            rule,
            (name, "state"),
            "no such member",
            Err("a member that the manifest does not have".to_owned()),
        );
    }
}

/// Each container has its own variables: that tells it from its neighbours.
fn judge_environment(court: &mut Court<'_>, name: &str) {
    let Some(container) = court.pod.spec.container(name) else { return };
    let marker = ("CONTAINER_NAME".to_owned(), container.name.clone());
    let own_marker = container.env.iter().any(|(name, _)| *name == marker.0);
    // A variable written twice has its last value.
    let last = |(i, (name, _)): &(usize, &(String, String))| !container.env[i + 1..].iter().any(|(n, _)| n == name);
    let env = container.env.iter().enumerate().filter(last).map(|(_, pair)| pair);
    let marker = (!own_marker).then_some(&marker);
    judge_image_environment(court, container);
    // Facts name the Pod's uid so.
    let uid = court.pod.uid.clone().filter(|uid| !uid.is_empty());
    for (variable, value) in env.chain(marker) {
        let mut value = Later::shown(value);
        Allocatable::Cpu.put_into(&mut value, court.node.cpu_milli.into());
        Allocatable::Memory.put_into(&mut value, u128::from(court.node.memory_bytes) * 1000);
        let value = &uid.as_ref().map_or_else(|| value.clone(), |uid| value.replace(uid.as_str(), "<uid>"));
        let place = within("environment.env", variable);
        court.check_as(must(PROCESS, ENVIRONMENT), (name, "environment.env"), &place, value, |seen| {
            is(seen.and_then(|env| env.get(variable)), &json!(value))
        });
    }
}

/// What the image and its user's entry in `/etc/passwd` bring along, where the image is ours.
fn judge_image_environment(court: &mut Court<'_>, container: &Container) {
    if !court.stand_ins.contains_key(&container.name) {
        return;
    }
    let own = |name: &str| container.env.iter().any(|(n, _)| n == name);
    let user = user::uid(court, container);
    // Whom passwd does not name has no home: runc says `/` then, crun nothing.
    let home = match user {
        _ if takes_over(court.facts, container, "/etc/passwd") => None,
        None | Some(0) => Some("/root"),
        Some(50001 | 65532) => Some("/home"),
        Some(65534) => Some("/nonexistent"),
        Some(_) => None,
    };
    let path = (must(PROCESS, IMAGE), "PATH", IMAGE_PATH);
    let usual = std::iter::once(path).chain(home.map(|home| (should(PROCESS, HOME), "HOME", home)));
    for (rule, variable, value) in usual.filter(|(_, variable, _)| !own(variable)) {
        let place = within("environment.env", variable);
        court.check_as(rule, (&container.name, "environment.env"), &place, value, |seen| {
            is(seen.and_then(|env| env.get(variable)), &json!(value))
        });
    }
}

/// The process itself, where its image is ours and so its arguments are known. What an image of somebody else's makes of
/// its arguments (a script that replaces itself) is its own affair.
fn judge_process(court: &mut Court<'_>, name: &str) {
    let Some(argv) = court.stand_ins.get(name) else { return };
    let argv: Vec<String> = argv.iter().map(|word| Later::shown(word)).collect();
    court.check(must(PROCESS, ARGUMENTS), (name, "environment.args"), argv.join(" "), |seen| {
        is(seen, &json!(argv)).map_err(|_| shown(seen).replace(", ", " "))
    });
    let cwd = court.pod.spec.container(name).and_then(|c| c.working_dir.clone());
    // podcheck's image names no directory.
    let cwd = cwd.unwrap_or_else(|| "/".to_owned());
    court.equals(must(PROCESS, ARGUMENTS), (name, "environment.cwd"), json!(cwd));
}
