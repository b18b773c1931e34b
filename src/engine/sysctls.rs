//! Sysctls of the namespaces that a Pod's sandbox owns.

use super::fault::{Context, Fault};
use crate::pod::Sysctl;
use std::fs;

/// Sets them in the namespaces of the calling process, by the host's procfs, which shows each process its own.
///
/// # Errors
/// One that this kernel lacks, or a value that it does not take.
pub fn set(sysctls: &[Sysctl]) -> Result<(), Fault> {
    for Sysctl { name, value } in sysctls {
        fs::write(path(name), value).to(|| format!("set the sysctl {name} to {value}"))?;
    }
    Ok(())
}

/// A dot within a part, as in the name of an interface, stands as a slash in the name.
fn path(name: &str) -> String {
    let exchanged = name.chars().map(|c| match c {
        '.' => '/',
        '/' => '.',
        c => c,
    });
    format!("/proc/sys/{}", exchanged.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn dots_and_slashes_are_exchanged() {
        assert_eq!(path("net.ipv4.tcp_syncookies"), "/proc/sys/net/ipv4/tcp_syncookies");
        assert_eq!(path("net.ipv4.conf.eth0/1.rp_filter"), "/proc/sys/net/ipv4/conf/eth0.1/rp_filter");
    }
}
