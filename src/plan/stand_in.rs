//! What a container runs when podcheck's own image stands in for its image.

use super::Role;
use crate::payload;
use crate::pod::{Container, Pod, Protocol, is_own_image};

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
/// instead. A declared port is information: the server does without one that the manifest may keep it from.
pub(super) fn argv(pod: &Pod, container: &Container, role: Role) -> (Vec<String>, bool) {
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
        let option = if can_listen(pod, container, port) { "--port" } else { "--declared" };
        argv.extend([option.to_owned(), port.to_string()]);
    }
    (argv, replaced)
}

/// The sysctl by which a network namespace lets everybody have low ports.
const UNPRIVILEGED_FROM: &str = "net.ipv4.ip_unprivileged_port_start";

/// Whether podcheck's image in the place of a container's can certainly listen on a port, by all that the manifest says: the
/// port is nobody else's in the Pod, and a low one is not forbidden.
pub fn can_listen(pod: &Pod, container: &Container, port: u16) -> bool {
    let spec = &pod.spec;
    // Whoever else is in the host's network may have it.
    let taken = spec.host_network
        || spec.everyone().any(|other| other.name != container.name && asked_ports(other).contains(&port));
    let asked = spec.security.sysctls.iter().find(|sysctl| sysctl.name == UNPRIVILEGED_FROM);
    let free_from = asked.map_or(Some(1024), |sysctl| sysctl.value.trim().parse().ok());
    let free = free_from.is_some_and(|from: u32| u32::from(port) >= from);
    !taken && (free || has_low_ports(pod, container))
}

/// Whether a container has CAP_NET_BIND_SERVICE, which by default root has.
fn has_low_ports(pod: &Pod, container: &Container) -> bool {
    let own = &container.security;
    let is_root = match own.run_as_user.or(pod.spec.security.run_as_user) {
        Some(user) => user == 0,
        None => own.run_as_non_root.or(pod.spec.security.run_as_non_root) != Some(true),
    };
    let names = |list: &[String], name: &str| list.iter().any(|other| other == name);
    let (add, drop) = (&own.capabilities_add, &own.capabilities_drop);
    let keeps = !names(drop, "ALL") || names(add, "NET_BIND_SERVICE") || names(add, "ALL");
    is_root && (own.privileged || keeps && !names(drop, "NET_BIND_SERVICE"))
}

/// TCP ports that a container declares, and those that its command names for podcheck's own server.
fn asked_ports(container: &Container) -> Vec<u16> {
    let words: Vec<&String> = container.command.iter().chain(&container.args).collect();
    let named = words.windows(2).filter(|pair| pair[0] == "--port").filter_map(|pair| pair[1].parse().ok());
    tcp_ports(container).into_iter().chain(named).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod::{PodSpec, Port, Sysctl};

    fn container(name: &str) -> Container {
        Container { name: name.to_owned(), image: "podcheck".to_owned(), ..Container::default() }
    }

    fn pod(containers: Vec<Container>) -> Pod {
        let spec = PodSpec { containers, ..PodSpec::default() };
        Pod { name: "p".to_owned(), namespace: String::new(), uid: None, labels: Default::default(), spec }
    }

    fn port(container_port: u16, protocol: Protocol) -> Port {
        Port { container_port, protocol }
    }

    #[test]
    fn a_stand_in_does_without_a_declared_port_that_its_manifest_may_keep_from_it() {
        type Change = fn(&mut Pod);
        fn first(pod: &mut Pod) -> &mut Container {
            &mut pod.spec.containers[0]
        }
        let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let table: &[(&str, u16, Change)] = &[
            ("--port", 80, |_| ()),
            ("--declared", 80, |pod| first(pod).security.run_as_user = Some(1000)),
            ("--port", 1024, |pod| first(pod).security.run_as_user = Some(1000)),
            ("--declared", 80, |pod| pod.spec.security.run_as_user = Some(1000)),
            ("--declared", 80, |pod| first(pod).security.run_as_non_root = Some(true)),
            ("--declared", 80, |pod| first(pod).security.capabilities_drop = vec!["ALL".to_owned()]),
            ("--declared", 80, |pod| first(pod).security.capabilities_drop = vec!["NET_BIND_SERVICE".to_owned()]),
            ("--port", 80, |pod| {
                first(pod).security.capabilities_drop = vec!["ALL".to_owned()];
                first(pod).security.capabilities_add = vec!["NET_BIND_SERVICE".to_owned()];
            }),
            ("--port", 80, |pod| {
                first(pod).security.run_as_user = Some(1000);
                let name = "net.ipv4.ip_unprivileged_port_start".to_owned();
                pod.spec.security.sysctls = vec![Sysctl { name, value: "80".to_owned() }];
            }),
            ("--declared", 8080, |pod| pod.spec.host_network = true),
            ("--declared", 8080, |pod| {
                pod.spec.containers.push(Container { ports: vec![port(8080, Protocol::Tcp)], ..container("d") });
            }),
            ("--declared", 8080, |pod| {
                let command = ["serve", "--port", "8080"].map(str::to_owned).to_vec();
                pod.spec.containers.push(Container { command, ..container("d") });
            }),
            ("--port", 8080, |pod| {
                pod.spec.containers.push(Container { ports: vec![port(8080, Protocol::Udp)], ..container("d") });
            }),
        ];
        for (index, (option, number, change)) in table.iter().enumerate() {
            let mut pod = pod(vec![Container { ports: vec![port(*number, Protocol::Tcp)], ..container("c") }]);
            change(&mut pod);
            let expected = words(&["/bin/serve", "--name", "c", option, &number.to_string()]);
            assert_eq!(argv(&pod, &pod.spec.containers[0], Role::App).0, expected, "row {index}");
        }
    }
}
