//! Subnets of 10.213.0.0/16, one /24 for each purpose of a run, and addresses in them.

use super::{HostError, Run, TrialDir, lock, places};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::PoisonError;

/// Directory of a run with a file for each address taken.
const ADDRESSES: &str = "addresses";

/// A /24 that belongs to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    third: u8,
}

impl Subnet {
    /// As `10.213.7.0/24`.
    pub fn cidr(self) -> String {
        format!("{}/24", self.address(0))
    }

    /// The first address, for a bridge.
    pub fn gateway(self) -> Ipv4Addr {
        self.address(1)
    }

    /// The address with this last byte: 2 to 254 are for Pods.
    pub fn address(self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.third, last)
    }

    fn network(self) -> Network {
        Network { address: u32::from(self.address(0)), mask: 0xffff_ff00 }
    }
}

impl Run {
    /// The subnet of this run for a purpose (`docker`), taken at the first call: no route or address of the host lies in
    /// it, and no other podcheck has it.
    ///
    /// # Errors
    /// None of the 256 is free, or the host refused.
    pub fn subnet(&self, purpose: &str) -> Result<Subnet, HostError> {
        let failed = |e: std::io::Error| HostError::os(format!("take a subnet for {purpose}"), e);
        let mine = format!("{} {purpose}\n", self.id());
        let _root = lock::RootLock::take()?;
        let dir = places::subnets_dir();
        lock::private_dir(&dir).map_err(failed)?;
        let mut free = Vec::new();
        for third in 0..=u8::MAX {
            let file = dir.join(third.to_string());
            match std::fs::read_to_string(&file) {
                Ok(text) if text == mine => return Ok(Subnet { third }),
                Ok(text) if is_held(&text) => {}
                Ok(_) => {
                    std::fs::remove_file(&file).map_err(failed)?;
                    free.push(third);
                }
                Err(error) if error.kind() == ErrorKind::NotFound => free.push(third),
                Err(error) => return Err(failed(error)),
            }
        }
        let used = networks_in_use().map_err(failed)?;
        // Not always the first: a subnet just given back may still be known to switches and caches.
        let start = self.id().bytes().fold(0usize, |sum, byte| sum * 31 + usize::from(byte)) % free.len().max(1);
        free.rotate_left(start);
        let found = free.into_iter().map(|third| Subnet { third });
        let found = found.into_iter().find(|subnet| !used.iter().any(|other| other.overlaps(subnet.network())));
        let subnet = found.ok_or_else(|| {
            let detail = "every /24 of 10.213.0.0/16 is taken, or the host has a route there";
            HostError::new(format!("take a subnet for {purpose}"), detail)
        })?;
        std::fs::write(dir.join(subnet.third.to_string()), mine).map_err(failed)?;
        Ok(subnet)
    }

    /// An address that no other Pod of this run has, in whichever process; [`Run::release_address`] gives it back.
    ///
    /// # Errors
    /// The host refused, or there are no subnets left.
    pub fn address(&self) -> Result<Ipv4Addr, HostError> {
        let failed = |e: std::io::Error| HostError::os("take an address for a Pod", e);
        let dir = self.dir().join(ADDRESSES);
        lock::private_dir(&dir).map_err(failed)?;
        for block in 0..=u8::MAX {
            let subnet = self.engine_subnet(&dir, block)?;
            for last in 2..=254 {
                let address = subnet.address(last);
                match OpenOptions::new().write(true).create_new(true).open(dir.join(address.to_string())) {
                    Ok(_) => return Ok(address),
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(failed(error)),
                }
            }
        }
        Err(HostError::new("take an address for a Pod", "every one of 10.213.0.0/16 is taken"))
    }

    /// Gives an address back.
    pub fn release_address(&self, address: Ipv4Addr) {
        // If it is not there, nobody has it.
        let _ = std::fs::remove_file(self.dir().join(ADDRESSES).join(address.to_string()));
    }

    /// The address of a trial's Pod, taken at the first call and given back by [`TrialDir::remove`].
    ///
    /// # Errors
    /// As [`Run::address`].
    pub fn address_for(&self, trial: &TrialDir) -> Result<Ipv4Addr, HostError> {
        let mut known = trial.address().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = *known {
            return Ok(address);
        }
        let address = self.address()?;
        *known = Some(address);
        Ok(address)
    }

    /// The run's n-th subnet for the engine. Remembered beside the addresses: the host's routes need no second look.
    fn engine_subnet(&self, dir: &Path, block: u8) -> Result<Subnet, HostError> {
        let file = dir.join(format!("subnet-{block}"));
        let known = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
        if let Some(third) = known {
            return Ok(Subnet { third });
        }
        let subnet = self.subnet(&format!("engine-{block}"))?;
        // Two processes at once write the same.
        let written = std::fs::write(&file, subnet.third.to_string());
        written.map_err(|e| HostError::os(format!("write {}", file.display()), e))?;
        Ok(subnet)
    }
}

/// Gives back the address of a trial, if it has one.
pub(super) fn release_of_trial(trial: &TrialDir) {
    let address = trial.address().lock().unwrap_or_else(PoisonError::into_inner).take();
    let (Some(address), Some(run)) = (address, trial.dir().ancestors().nth(2)) else {
        return;
    };
    // If it is not there, nobody has it.
    let _ = std::fs::remove_file(run.join(ADDRESSES).join(address.to_string()));
}

/// Gives back the subnets that a run has taken. Under the root's lock.
pub(super) fn release(run: &str) {
    let Ok(entries) = std::fs::read_dir(places::subnets_dir()) else {
        return;
    };
    for path in entries.flatten().map(|e| e.path()) {
        let owner = std::fs::read_to_string(&path).unwrap_or_default();
        if owner.split_whitespace().next() == Some(run) {
            // Only its own run removes it.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Whether the run that a subnet's file names is still there.
fn is_held(text: &str) -> bool {
    text.split_whitespace().next().is_some_and(places::may_have_run)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: u32,
    mask: u32,
}

impl Network {
    fn overlaps(self, other: Network) -> bool {
        let mask = self.mask & other.mask;
        self.address & mask == other.address & mask
    }
}

/// The host's routes but the default one, and the networks of its interfaces' addresses.
fn networks_in_use() -> std::io::Result<Vec<Network>> {
    let mut used = routes(&std::fs::read_to_string("/proc/self/net/route")?);
    for interface in nix::ifaddrs::getifaddrs()? {
        let part =
            |address: Option<nix::sys::socket::SockaddrStorage>| Some(u32::from(address?.as_sockaddr_in()?.ip()));
        if let Some(address) = part(interface.address) {
            used.push(Network { address, mask: part(interface.netmask).unwrap_or(u32::MAX) });
        }
    }
    Ok(used)
}

/// Parses `/proc/net/route`, whose numbers are hexadecimal in the byte order of the host.
fn routes(text: &str) -> Vec<Network> {
    let number = |field: &str| u32::from_str_radix(field, 16).ok().map(u32::from_be);
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            Some(Network { address: number(fields.get(1)?)?, mask: number(fields.get(7)?)? })
        })
        .filter(|network| network.mask != 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
br0\t0007D50A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
cut\t00
";

    #[test]
    fn routes_of_a_host() {
        let found = routes(ROUTES);
        assert_eq!(found.len(), 2, "no default route, no malformed line");
        assert_eq!(Ipv4Addr::from(found[0].address), Ipv4Addr::new(192, 0, 2, 0));
        assert_eq!(found[0].mask, 0xffff_ff00);
        assert!(found[1].overlaps(Subnet { third: 7 }.network()));
        assert!(!found[1].overlaps(Subnet { third: 8 }.network()));
    }

    #[test]
    fn a_wider_and_a_narrower_route_overlap_too() {
        let ten = Network { address: u32::from(Ipv4Addr::new(10, 0, 0, 0)), mask: 0xff00_0000 };
        let one = Network { address: u32::from(Ipv4Addr::new(10, 213, 9, 4)), mask: u32::MAX };
        assert!(ten.overlaps(Subnet { third: 9 }.network()));
        assert!(one.overlaps(Subnet { third: 9 }.network()));
        assert!(!one.overlaps(Subnet { third: 10 }.network()));
    }

    #[test]
    fn addresses() {
        let subnet = Subnet { third: 12 };
        assert_eq!(subnet.cidr(), "10.213.12.0/24");
        assert_eq!(subnet.gateway(), Ipv4Addr::new(10, 213, 12, 1));
    }
}
