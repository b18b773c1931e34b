//! S3, S5, S6 and S7: what a container may do.

use super::{Court, Member, Rule, must, should, shown, texts, user};
use crate::pod::{AppArmorProfile, ContainerSecurity, SeccompProfile};
use serde_json::json;
use std::collections::BTreeSet;

const SECURITY: &str = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/";
const DEFAULT: &str = "https://github.com/containerd/containerd/blob/main/pkg/oci/spec.go";
const APPARMOR: &str = "https://kubernetes.io/docs/tutorials/security/apparmor/";
const SECCOMP: &str = "https://kubernetes.io/docs/tutorials/security/seccomp/";
const NO_NEW_PRIVS: &str = "https://docs.kernel.org/userspace-api/no_new_privs.html";

/// What containerd, Docker and with them most clusters give a container that asks for nothing: 0xa80425fb.
pub(super) const DEFAULT_CAPABILITIES: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    let Some(container) = member.container else { return };
    let security = &container.security;
    let name = member.name;
    if security.privileged {
        let all = court.host.capabilities.iter().map(String::as_str).collect();
        judge_sets(court, name, &all, must("S5", SECURITY), runs_as_root(court, member));
    } else {
        judge_asked(court, name, security);
        let all: BTreeSet<&str> = court.host.capabilities.iter().map(String::as_str).collect();
        let expected = expected(security, &all);
        judge_sets(court, name, &expected, should("S3", DEFAULT), runs_as_root(court, member));
    }
    let off = security.allow_privilege_escalation == Some(false);
    court.equals(must("S6", NO_NEW_PRIVS), (name, "security.no_new_privs"), json!(off));
    let filter = seccomp(court, security);
    court.equals(must("S7", SECCOMP), (name, "security.seccomp"), json!(filter));
    apparmor(court, name, security);
}

/// A kubelet asks for no filter unless the manifest or its own configuration (SeccompDefault) does; a privileged container
/// has none, whatever is asked for. What the filter does is felt only, by a case's steps.
fn seccomp(court: &Court<'_>, security: &ContainerSecurity) -> &'static str {
    let asked = security.seccomp.as_ref().or(court.pod.spec.security.seccomp.as_ref());
    match asked {
        Some(SeccompProfile::RuntimeDefault | SeccompProfile::Localhost(_)) if !security.privileged => "filter",
        _ => "disabled",
    }
}

/// S8: a profile that is named is the one that confines, and none is where none is wanted. The runtime's own has a name
/// that differs between runtimes.
fn apparmor(court: &mut Court<'_>, name: &str, security: &ContainerSecurity) {
    let asked = security.apparmor.as_ref().or(court.pod.spec.security.apparmor.as_ref());
    let expected = match asked {
        Some(AppArmorProfile::Unconfined) => "unconfined".to_owned(),
        Some(AppArmorProfile::Localhost(profile)) if !security.privileged => format!("{profile} (enforce)"),
        _ => return,
    };
    if court.host.abilities.contains("apparmor") {
        court.equals(must("S8", APPARMOR), (name, "security.apparmor"), json!(expected));
    }
}

/// Known to run as root: then it has what its bounding set allows.
fn runs_as_root(court: &Court<'_>, member: Member<'_>) -> bool {
    member.container.is_some_and(|container| user::uid(court, container) == Some(0))
}

/// What the manifest itself asks for, whatever a runtime's default is.
fn judge_asked(court: &mut Court<'_>, name: &str, security: &ContainerSecurity) {
    let at = (name, "credentials.capabilities.bounding");
    for added in security.capabilities_add.iter().filter(|c| *c != "ALL") {
        court.check(must("S3", SECURITY), at, format!("{added} among them"), |seen| match texts(seen) {
            Some(names) if names.contains(&added.as_str()) => Ok(()),
            _ => Err(shown(seen)),
        });
    }
    let kept = |c: &&String| *c != "ALL" && !security.capabilities_add.contains(c);
    for dropped in security.capabilities_drop.iter().filter(kept) {
        court.check(must("S3", SECURITY), at, format!("{dropped} not among them"), |seen| match texts(seen) {
            Some(names) if !names.contains(&dropped.as_str()) => Ok(()),
            _ => Err(shown(seen)),
        });
    }
}

/// The default, or all or nothing where asked, then what is dropped, then what is added by name.
fn expected<'a>(security: &'a ContainerSecurity, all: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let has_all = |list: &[String]| list.iter().any(|c| c == "ALL");
    let mut set: BTreeSet<&str> = match (has_all(&security.capabilities_add), has_all(&security.capabilities_drop)) {
        (true, _) => all.clone(),
        (false, true) => BTreeSet::new(),
        (false, false) => DEFAULT_CAPABILITIES.into_iter().collect(),
    };
    set.retain(|name| !security.capabilities_drop.iter().any(|c| c == name));
    set.extend(security.capabilities_add.iter().map(String::as_str).filter(|c| *c != "ALL"));
    set
}

fn judge_sets(court: &mut Court<'_>, name: &str, expected: &BTreeSet<&str>, rule: Rule, root: bool) {
    let words = || match expected.is_empty() {
        true => "none".to_owned(),
        false => expected.iter().copied().collect::<Vec<_>>().join(", "),
    };
    let sets: &[&str] = if root { &["bounding", "permitted", "effective"] } else { &["bounding"] };
    for set in sets {
        court.check(rule, (name, &format!("credentials.capabilities.{set}")), words(), |seen| match texts(seen) {
            Some(names) if names.iter().copied().collect::<BTreeSet<_>>() == *expected => Ok(()),
            Some(names) => Err(difference(&names, expected)),
            None => Err(shown(seen)),
        });
    }
}

/// `without MKNOD, with SYS_ADMIN`.
fn difference(seen: &[&str], expected: &BTreeSet<&str>) -> String {
    let seen: BTreeSet<&str> = seen.iter().copied().collect();
    let list = |word: &str, names: Vec<&str>| (!names.is_empty()).then(|| format!("{word} {}", names.join(", ")));
    let missing = list("without", expected.difference(&seen).copied().collect());
    let extra = list("with", seen.difference(expected).copied().collect());
    [missing, extra].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
