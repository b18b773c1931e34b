//! What a container runs when podcheck's own image stands in for its image.

use super::Role;
use crate::payload;
use crate::pod::{Container, Protocol, is_own_image};

/// The same where nothing is asked of it but what it does by itself.
const BARE: &str = "podcheck:bare";
/// The idle server, entry point of podcheck's image.
pub(crate) const SERVER: &str = "/bin/serve";
/// What podcheck's image gives it unless there are arguments.
pub(crate) const SERVER_ARGS: [&str; 2] = ["--name", "image"];
/// What succeeds at once.
const SUCCEEDS: &str = "/bin/true";

/// The complete argv and whether it is not what the manifest asked for.
///
/// A command that the payload has runs as it stands, with the arguments, and in podcheck's own image any does or fails; names are matched exactly, upper and lower case
/// included, as a file system would. Without a command only podcheck's own image is known well enough to hand it arguments,
/// or, under the name `podcheck:bare`, none.
/// Everything else is the idle server, listening on the declared TCP ports; an init container, which the Pod waits for, succeeds
/// instead.
pub(super) fn argv(container: &Container, role: Role) -> (Vec<String>, bool) {
    let Container { command, args, .. } = container;
    let replaced = !command.is_empty() || !args.is_empty();
    if let Some(program) = command.first()
        && (payload::has(program) || is_own_image(&container.image))
    {
        return (command.iter().chain(args).cloned().collect(), false);
    }
    if command.is_empty() && args.is_empty() && is_bare(&container.image) {
        return (std::iter::once(SERVER).chain(SERVER_ARGS).map(str::to_owned).collect(), false);
    }
    if command.is_empty() && !args.is_empty() && is_own_image(&container.image) {
        return (std::iter::once(SERVER.to_owned()).chain(args.iter().cloned()).collect(), false);
    }
    if role == Role::Init && !is_own_image(&container.image) {
        return (vec![SUCCEEDS.to_owned()], replaced);
    }
    let mut argv = vec![SERVER.to_owned(), "--name".to_owned(), container.name.clone()];
    for port in tcp_ports(container) {
        argv.extend(["--port".to_owned(), port.to_string()]);
    }
    (argv, replaced)
}

/// TCP ports that a container declares, each once, in order.
pub(super) fn tcp_ports(container: &Container) -> Vec<u16> {
    let mut ports = Vec::new();
    for port in container.ports.iter().filter(|port| port.protocol == Protocol::Tcp) {
        if !ports.contains(&port.container_port) {
            ports.push(port.container_port);
        }
    }
    ports
}

/// Podcheck's image without the arguments that tell a container from its neighbours.
pub(super) fn is_bare(image: &str) -> bool {
    image == BARE
}
