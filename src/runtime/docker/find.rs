//! Containers that somebody else started, for `podcheck inspect --docker`.

use super::client::Client;
use super::endpoint::socket;
use super::inspect::inspect;
use super::member;
use crate::runtime::daemon::find_program;
use crate::runtime::{Member, RuntimeError};

/// Where Docker listens where nobody says otherwise.
const DOCKER: &str = "unix:///var/run/docker.sock";

/// DOCKER_CONFIG of the client. Debian has no such folder. Source: Debian Policy 9.2.3
const NO_CONFIG: &str = "/nonexistent";

/// Finds containers that run, by their names or ids, on the Docker of DOCKER_HOST or at its usual socket; `NAME@unix://…`
/// is one elsewhere. The first is called `sandbox`, the others as Docker calls them.
///
/// # Errors
/// Docker does not answer, or one of them does not run.
pub fn find_containers(names: &[String]) -> Result<Vec<Member>, RuntimeError> {
    let usual = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty()).unwrap_or_else(|| DOCKER.to_owned());
    let (names, endpoint) = split(names, &usual);
    let runtime = format!("docker@{endpoint}");
    let unavailable = |reason: String| RuntimeError::Unavailable { runtime: runtime.clone(), reason };
    if find_program("docker").is_none() {
        return Err(unavailable("docker is not installed (Debian's package docker.io)".to_owned()));
    }
    let path = socket(&endpoint).map_err(unavailable)?;
    let host = format!("unix://{path}");
    // Nobody's proxies and plugins: a client takes a folder that is not there for an empty one.
    let client = Client { runtime: runtime.clone(), host, config: NO_CONFIG.into(), log: None };
    let action = format!("find {}", names.join(", "));
    let found = inspect(&client, &action, &names)?;
    let held = found.iter().enumerate().map(|(index, container)| {
        let name = if index == 0 { "sandbox" } else { container.name() };
        member::hold(name, container, None)
            .map_err(|why| client.failed(&action, format!("{}: {why}", container.name())))
    });
    held.collect()
}

/// Names without endpoints, and the endpoint: one of theirs, or the usual one.
fn split(names: &[String], usual: &str) -> (Vec<String>, String) {
    let mut endpoint = usual.to_owned();
    let bare = names.iter().map(|name| match name.split_once('@') {
        Some((name, other)) => {
            other.clone_into(&mut endpoint);
            name.to_owned()
        }
        None => name.clone(),
    });
    let bare = bare.collect();
    (bare, endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_may_stand_behind_a_name() {
        let names = ["infra@unix:///d.sock".to_owned(), "app".to_owned()];
        assert_eq!(split(&names, DOCKER), (vec!["infra".to_owned(), "app".to_owned()], "unix:///d.sock".to_owned()));
        assert_eq!(split(&names[1..], DOCKER).1, DOCKER);
    }
}
