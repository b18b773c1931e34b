//! U1, T2, T4 and T5: the Pod's name and address, and the files that carry them.

use super::places::takes_over;
use super::{Court, HOST, Member, is, must, should, shown};
use crate::judge::look::within;
use crate::pod::{Container, DnsConfig, Pod};
use serde_json::{Value, json};

const HOSTNAME: &str = "https://kubernetes.io/docs/concepts/workloads/pods/pod-hostname/";
const DOMAIN: &str = "https://man7.org/linux/man-pages/man2/getdomainname.2.html";
const NETWORK: &str =
    "https://kubernetes.io/docs/concepts/cluster-administration/networking/#the-kubernetes-network-model";
const HOSTS: &str = "https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/";
const DNS: &str = "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-dns-config";
const INTERFACES: &str = "https://www.cni.dev/docs/spec/";

/// What is seen from within a member.
pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    if court.pod.spec.host_network {
        court.check(must("U3", HOSTNAME), (member.name, "uts.hostname"), "the host's name", |seen| {
            // Facts leave `localhost` as it is: it names no host.
            match seen.and_then(Value::as_str) {
                Some(HOST | "localhost") => Ok(()),
                _ => Err(shown(seen)),
            }
        });
    } else {
        let (rule, hostname) = hostname(court.pod);
        court.equals(rule, (member.name, "uts.hostname"), json!(hostname));
        if let Some(container) = member.container {
            judge_hostname_copies(court, container, &hostname);
            judge_hosts(court, container);
        }
    }
    // No manifest names a NIS domain.
    court.equals(should("U1", DOMAIN), (member.name, "uts.domainname"), json!(HOST));
    if let Some(container) = member.container {
        judge_aliases(court, container);
        judge_resolv_conf(court, container);
    }
}

/// The name that the manifest chooses, or the Pod's own, as far as Linux takes it.
fn short_name(pod: &Pod) -> String {
    if let Some(name) = &pod.spec.hostname_override {
        return name.clone();
    }
    let mut name: String = pod.spec.hostname.as_ref().unwrap_or(&pod.name).clone();
    if name.chars().count() > 63 {
        name = name.chars().take(63).collect();
        while name.ends_with(['-', '.']) {
            name.pop();
        }
    }
    name
}

/// The name with its domain, if the Pod has a subdomain.
fn whole_name(pod: &Pod) -> Option<String> {
    let subdomain = pod.spec.subdomain.as_ref().filter(|_| pod.spec.hostname_override.is_none())?;
    Some(format!("{}.{subdomain}.{}.svc.cluster.local", short_name(pod), pod.namespace))
}

/// What `hostname` prints: the whole name only where the manifest asks for it.
fn hostname(pod: &Pod) -> (super::Rule, String) {
    match whole_name(pod).filter(|_| pod.spec.set_hostname_as_fqdn) {
        Some(whole) => (must("U5", HOSTNAME), whole),
        None if pod.spec.hostname_override.is_some() || pod.spec.set_hostname_as_fqdn => {
            (must("U5", HOSTNAME), short_name(pod))
        }
        None => (must("U1", HOSTNAME), short_name(pod)),
    }
}

/// `/etc/hostname` and `$HOSTNAME`, which runtimes keep in step of their own accord.
fn judge_hostname_copies(court: &mut Court<'_>, container: &Container, hostname: &str) {
    let name = &container.name;
    if !takes_over(court.facts, container, "/etc/hostname") {
        file(court, (name, "/etc/hostname"), should("U1", HOSTNAME), hostname, |text| text.trim_end() == hostname);
    }
    if !container.env.iter().any(|(name, _)| name == "HOSTNAME") {
        let rule = should("U1", HOSTNAME);
        court.check_as(rule, (name, "environment.env"), "environment.env.HOSTNAME", hostname, |seen| {
            is(seen.and_then(|env| env.get("HOSTNAME")), &json!(hostname))
        });
    }
}

/// Asks something of a small file.
fn file(
    court: &mut Court<'_>,
    (member, path): (&str, &str),
    rule: super::Rule,
    expected: &str,
    test: impl FnOnce(&str) -> bool,
) {
    court.check_as(rule, (member, "files"), &within("files", path), expected, |seen| {
        match seen.and_then(|files| files.get(path)) {
            Some(Value::String(text)) if test(text) => Ok(()),
            other => Err(shown(other.filter(|value| !value.is_null()))),
        }
    });
}

/// T5: the kubelet's file, with the Pod's names at an address that others reach it by.
fn judge_hosts(court: &mut Court<'_>, container: &Container) {
    if takes_over(court.facts, container, "/etc/hosts") {
        return;
    }
    let at = (container.name.as_str(), "/etc/hosts");
    let managed = "a file that begins `# Kubernetes-managed hosts file`";
    file(court, at, must("T5", HOSTS), managed, |text| text.starts_with("# Kubernetes-managed hosts file"));
    for name in whole_name(court.pod).into_iter().chain([short_name(court.pod)]) {
        let words = format!("a line with the Pod's address and {name}");
        file(court, at, must("T5", HOSTS), &words, |text| {
            text.lines().any(|line| {
                let mut fields = fields(line);
                let address = fields.next().unwrap_or("127.");
                !address.starts_with("127.") && address != "::1" && fields.any(|field| field == name)
            })
        });
    }
}

/// T5: `hostAliases`, in the host's network as well.
fn judge_aliases(court: &mut Court<'_>, container: &Container) {
    if takes_over(court.facts, container, "/etc/hosts") {
        return;
    }
    for alias in &court.pod.spec.host_aliases {
        let wanted: Vec<&str> = std::iter::once(&alias.ip).chain(&alias.hostnames).map(String::as_str).collect();
        let words = format!("a line {}", wanted.join(" "));
        file(court, (container.name.as_str(), "/etc/hosts"), must("T5", HOSTS), &words, |text| {
            text.lines().any(|line| fields(line).eq(wanted.iter().copied()))
        });
    }
}

/// The words of a line but for its comment.
fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.split('#').next().unwrap_or_default().split_whitespace()
}

/// T4: what `dnsConfig` asks for, line by line, otherwise a copy of the host's.
fn judge_resolv_conf(court: &mut Court<'_>, container: &Container) {
    if takes_over(court.facts, container, "/etc/resolv.conf") {
        return;
    }
    let at = (container.name.as_str(), "/etc/resolv.conf");
    if let Some(added) = &court.pod.spec.dns_added {
        return judge_added(court, at, added);
    }
    let Some(dns) = court.pod.spec.dns.clone() else {
        return file(court, at, should("T4", DNS), "a copy of the host's", |text| text == HOST);
    };
    let mut lines: Vec<String> = dns.nameservers.iter().map(|server| format!("nameserver {server}")).collect();
    for (keyword, list) in [("search", &dns.searches), ("options", &dns.options)] {
        if !list.is_empty() {
            lines.push(format!("{keyword} {}", list.join(" ")));
        }
    }
    lines.sort();
    let words = lines.join("; ");
    file(court, at, must("T4", DNS), &words, |text| {
        let mut seen: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        seen.sort_unstable();
        seen == lines
    });
}

/// T4: what is added to the node's own. resolv.conf takes three nameservers: one more than that is left out.
fn judge_added(court: &mut Court<'_>, at: (&str, &str), added: &DnsConfig) {
    const MOST_NAMESERVERS: usize = 3;
    let words = |text: &str, keyword: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| fields(line).next() == Some(keyword));
        lines.flat_map(|line| fields(line).skip(1).map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    for (keyword, list) in
        [("nameserver", &added.nameservers), ("search", &added.searches), ("options", &added.options)]
    {
        for wanted in list {
            file(court, at, must("T4", DNS), &format!("{keyword} … {wanted}"), |text| {
                let seen = words(text, keyword);
                seen.contains(wanted) || keyword == "nameserver" && seen.len() >= MOST_NAMESERVERS
            });
        }
    }
}

/// T2: loopback and an address of the Pod's own, both up.
pub(super) fn judge_pod(court: &mut Court<'_>) {
    if court.pod.spec.host_network {
        return;
    }
    let up = |seen: Option<&Value>, name: &str| match super::texts(seen) {
        Some(names) if names.contains(&name) => Ok(()),
        _ => Err(shown(seen)),
    };
    court.check(must("T2", NETWORK), ("", "pod.network.up"), "lo is up", |seen| up(seen, "lo"));
    court.check(should("T2", INTERFACES), ("", "pod.network.up"), "eth0 is up", |seen| up(seen, "eth0"));
    court.check(should("T2", NETWORK), ("", "pod.network.routes"), "a default route", |seen| {
        match super::texts(seen) {
            Some(routes) if routes.iter().any(|route| route.starts_with("default ")) => Ok(()),
            _ => Err(shown(seen)),
        }
    });
    let loopback = "127.0.0.1/8 on lo";
    court.check(must("T2", NETWORK), ("", "pod.network.interfaces"), loopback, |seen| {
        let on_lo = seen.and_then(|interfaces| interfaces.get("lo"));
        match super::texts(on_lo) {
            Some(addresses) if addresses.contains(&"127.0.0.1/8") => Ok(()),
            _ => Err(shown(on_lo)),
        }
    });
    court.check(must("T2", NETWORK), ("", "pod.network.interfaces"), "an address of the Pod's own", |seen| {
        let interfaces = seen.and_then(Value::as_object);
        let own =
            interfaces.into_iter().flatten().filter(|(name, _)| *name != "lo").filter_map(|(_, list)| list.as_array());
        let has_own = own.flatten().any(|address| matches!(address.as_str(), Some("ipv4" | "ipv6")));
        if has_own { Ok(()) } else { Err(shown(seen)) }
    });
}
