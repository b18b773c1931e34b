//! The Pod's network without the addresses that this node happened to hand out.

use super::document::Network as Fact;
use super::dropped;
use crate::observe::{Network, Route};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// Normalises it.
pub fn network(network: &Network) -> Fact {
    let own: Vec<IpAddr> = network.own_addresses().collect();
    let mut interfaces = BTreeMap::new();
    let mut up = Vec::new();
    for interface in &network.interfaces {
        if !interface.up && interface.addresses.is_empty() && dropped::interface(&interface.name).is_some() {
            continue;
        }
        let mut addresses: Vec<String> =
            interface.addresses.iter().filter_map(|(address, prefix)| class(address, *prefix, &own)).collect();
        addresses.sort();
        interfaces.insert(interface.name.clone(), addresses);
        if interface.up {
            up.push(interface.name.clone());
        }
    }
    up.sort();
    let gateways: Vec<Ipv4Addr> = network.routes.iter().filter_map(|route| route.gateway).collect();
    let mut routes: Vec<String> = network.routes.iter().map(|route| describe(route, &own, &gateways)).collect();
    routes.sort();
    routes.dedup();
    Fact { interfaces, up, routes }
}

fn class(address: &IpAddr, prefix: u8, own: &[IpAddr]) -> Option<String> {
    match address {
        _ if !own.contains(address) && !address.is_loopback() => None,
        address if address.is_loopback() => Some(format!("{address}/{prefix}")),
        IpAddr::V4(_) => Some("ipv4".to_owned()),
        IpAddr::V6(_) => Some("ipv6".to_owned()),
    }
}

/// `default via gateway dev eth0`; numbers only where no class fits.
fn describe(route: &Route, own: &[IpAddr], gateways: &[Ipv4Addr]) -> String {
    let contains = |address: &IpAddr| match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(route.prefix)).unwrap_or(0);
            u32::from(*address) & mask == u32::from(route.destination)
        }
        IpAddr::V6(_) => false,
    };
    let destination = if route.prefix == 0 {
        "default".to_owned()
    } else if own.iter().any(contains) {
        "own subnet".to_owned()
    } else if route.prefix == 32 && gateways.contains(&route.destination) {
        "gateway".to_owned()
    } else {
        format!("{}/{}", route.destination, route.prefix)
    };
    let via = if route.gateway.is_some() { " via gateway" } else { "" };
    format!("{destination}{via} dev {}", route.interface)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Interface;

    fn interface(name: &str, up: bool, addresses: &[(&str, u8)]) -> Interface {
        let addresses = addresses.iter().map(|(a, prefix)| (a.parse().expect("an address"), *prefix)).collect();
        Interface { name: name.to_owned(), up, addresses }
    }

    fn route(destination: [u8; 4], prefix: u8, gateway: Option<[u8; 4]>) -> Route {
        let interface = "eth0".to_owned();
        Route { interface, destination: destination.into(), prefix, gateway: gateway.map(Into::into) }
    }

    #[test]
    fn addresses_stand_as_their_class() {
        let fact = network(&Network {
            interfaces: vec![
                interface("lo", true, &[("127.0.0.1", 8), ("::1", 128)]),
                interface("eth0", true, &[("10.213.7.2", 24), ("fe80::1", 64)]),
                interface("sit0", false, &[]),
                interface("dummy0", false, &[]),
            ],
            routes: vec![
                route([0, 0, 0, 0], 0, Some([10, 213, 7, 1])),
                route([10, 213, 7, 0], 24, None),
                route([10, 213, 7, 1], 32, None),
                route([192, 168, 0, 0], 16, Some([10, 213, 7, 1])),
            ],
        });
        assert_eq!(fact.interfaces["lo"], ["127.0.0.1/8", "::1/128"]);
        assert_eq!(fact.interfaces["eth0"], ["ipv4"]);
        assert_eq!(fact.interfaces.keys().collect::<Vec<_>>(), ["dummy0", "eth0", "lo"]);
        assert_eq!(fact.up, ["eth0", "lo"]);
        assert_eq!(
            fact.routes,
            [
                "192.168.0.0/16 via gateway dev eth0",
                "default via gateway dev eth0",
                "gateway dev eth0",
                "own subnet dev eth0"
            ]
        );
    }
}
