//! D1: which devices a container may open, by the rules of the v1 devices controller. On v2 they are a program, felt only.

use super::{Court, Member, Rule, must, shown, texts};

const OCI: &str = "https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-devices";
const PRIVILEGED: &str = "https://kubernetes.io/docs/concepts/workloads/pods/#privileged-mode-for-containers";

/// null, zero, full, random, urandom, tty: every container can read and write these.
const NEEDED: [&str; 6] = ["1:3", "1:5", "1:7", "1:8", "1:9", "5:0"];
/// console, ptmx, pts and tun: runtimes differ in whether they allow them.
const HARMLESS: [&str; 4] = ["5:1", "5:2", "136:*", "10:200"];

pub(super) fn judge(court: &mut Court<'_>, member: Member<'_>) {
    let Some(container) = member.container else { return };
    let at = (member.name, "security.devices");
    if container.security.privileged {
        return court.check(must("S5", PRIVILEGED), at, "every device", |seen| match texts(seen) {
            Some(rules) if rules.iter().any(|rule| rule.trim() == "a *:* rwm") => Ok(()),
            _ => Err(shown(seen)),
        });
    }
    court.check(must("D1", OCI), at, "null, zero, full, random, urandom and tty to read and write", |seen| {
        let missing = |rules: Vec<&str>| {
            let lacks = |device: &&str| !rules.iter().any(|rule| opens(rule, "c", device));
            NEEDED.into_iter().filter(lacks).map(|device| format!("c {device} denied")).collect::<Vec<_>>()
        };
        match texts(seen).map(missing) {
            Some(missing) if missing.is_empty() => Ok(()),
            Some(missing) => Err(missing.join(", ")),
            None => Err(shown(seen)),
        }
    });
    judge_others(court, member.name, must("D1", OCI));
}

/// Nothing to open but the usual few.
pub(super) fn judge_others(court: &mut Court<'_>, member: &str, rule: Rule) {
    court.check(rule, (member, "security.devices"), "no other device to open", |seen| match texts(seen) {
        Some(rules) => {
            let other: Vec<&str> = rules.into_iter().filter(|rule| !is_harmless(rule)).collect();
            if other.is_empty() { Ok(()) } else { Err(other.join(", ")) }
        }
        None => Err(shown(seen)),
    });
}

/// Kind, numbers and access of `c 1:3 rwm`.
fn parts(rule: &str) -> Option<(&str, &str, &str)> {
    let mut words = rule.split_whitespace();
    Some((words.next()?, words.next()?, words.next()?))
}

fn opens(rule: &str, kind: &str, device: &str) -> bool {
    // A rule for all devices opens this one too: that it opens others is the other rule's finding.
    let covers = |k: &str, d: &str| k == "a" || (k == kind && d == device);
    parts(rule).is_some_and(|(k, d, access)| covers(k, d) && access.contains('r') && access.contains('w'))
}

/// Making a node is allowed for all; opening only for the usual character devices. What makes no sense is not harmless.
fn is_harmless(rule: &str) -> bool {
    parts(rule).is_some_and(|(kind, device, access)| {
        access == "m" || (kind == "c" && (NEEDED.contains(&device) || HARMLESS.contains(&device)))
    })
}
