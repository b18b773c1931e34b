//! A network namespace: interfaces, addresses, routes.

use super::error::Malformed;
use std::net::{IpAddr, Ipv4Addr};

/// The network that a process sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Interfaces by the kernel's order.
    pub interfaces: Vec<Interface>,
    /// IPv4 routes of the main table.
    pub routes: Vec<Route>,
}

/// An interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// It is up.
    pub up: bool,
    /// Addresses with their prefix lengths.
    pub addresses: Vec<(IpAddr, u8)>,
}

/// An IPv4 route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Interface it leads to.
    pub interface: String,
    /// Destination.
    pub destination: Ipv4Addr,
    /// Prefix length of the destination.
    pub prefix: u8,
    /// Next hop, if there is one.
    pub gateway: Option<Ipv4Addr>,
}

impl Network {
    /// Addresses that somebody gave it: neither loopback nor link-local.
    pub fn own_addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.interfaces
            .iter()
            .flat_map(|i| &i.addresses)
            .map(|(a, _)| *a)
            .filter(|a| !a.is_loopback() && !is_link_local(a))
    }
}

/// The kernel makes IPv6 link-local addresses up by itself.
pub fn is_link_local(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V6(a) if a.is_unicast_link_local())
}

/// Parses `/proc/<pid>/net/route`. Addresses stand there as hexadecimal numbers in the machine's own byte order.
pub fn routes(text: &str) -> Result<Vec<Route>, Malformed> {
    text.lines().skip(1).filter(|line| !line.trim().is_empty()).map(route).collect()
}

fn route(line: &str) -> Result<Route, Malformed> {
    let malformed = || Malformed::new("`interface destination gateway … mask …`", line.trim());
    let fields: Vec<&str> = line.split_whitespace().collect();
    let address = |index: usize| {
        let text = fields.get(index).ok_or_else(malformed)?;
        u32::from_str_radix(text, 16).map(|n| Ipv4Addr::from(n.to_ne_bytes())).map_err(|_| malformed())
    };
    let gateway = address(2)?;
    Ok(Route {
        interface: (*fields.first().ok_or_else(malformed)?).to_owned(),
        destination: address(1)?,
        prefix: u8::try_from(u32::from(address(7)?).count_ones()).unwrap_or(32),
        gateway: (!gateway.is_unspecified()).then_some(gateway),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                        eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0   \n\
                        eth0\t00FAD50A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0   \n";

    #[test]
    fn routes_are_read() {
        let [default, link] = routes(TEXT).expect("good text").try_into().expect("two routes");
        assert_eq!((default.prefix, default.gateway), (0, Some(Ipv4Addr::new(192, 0, 2, 1))));
        assert_eq!((link.destination, link.prefix, link.gateway), (Ipv4Addr::new(10, 213, 250, 0), 24, None));
        assert_eq!(routes("Iface\tDestination\n"), Ok(Vec::new()));
        assert_eq!(routes(""), Ok(Vec::new()));
    }

    #[test]
    fn a_cut_route_is_refused() {
        assert!(routes("Iface\neth0\t00000000\n").is_err());
        assert!(routes(&TEXT.replace("010200C0", "gateway!")).is_err());
    }

    #[test]
    fn own_addresses_are_those_that_somebody_gave() {
        let address = |text: &str| (text.parse().expect("an address"), 24);
        let interface = |name: &str, addresses: &[&str]| Interface {
            name: name.to_owned(),
            up: true,
            addresses: addresses.iter().map(|a| address(a)).collect(),
        };
        let network = Network {
            interfaces: vec![
                interface("lo", &["127.0.0.1", "::1"]),
                interface("eth0", &["10.213.1.2", "fe80::1", "fd00::2"]),
            ],
            routes: Vec::new(),
        };
        let own: Vec<String> = network.own_addresses().map(|a| a.to_string()).collect();
        assert_eq!(own, ["10.213.1.2", "fd00::2"]);
    }
}
