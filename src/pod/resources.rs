//! `resources` of a container.

use super::{Container, HugePageSize, PodSpec, Quantity, QuantityError, Resources, fields};
use crate::diagnostic::nearest;
use crate::diagnostic::yaml::{Cursor, Kind};
use std::collections::BTreeMap;

/// What names of resources begin with that are huge pages; their size follows.
const HUGE_PAGES: &str = "hugepages-";

/// Reads `resources`; what is not acted on is noted.
pub(super) fn read(cursor: &Cursor<'_>, not_acted_on: &mut Vec<String>) -> Resources {
    let mut resources = Resources { huge_pages: huge_pages(cursor), ..Resources::default() };
    for (part, limits) in [("limits", true), ("requests", false)] {
        let Some(map) = cursor.get(part) else {
            continue;
        };
        for (name, value) in map.entries().unwrap_or_default() {
            let place = match (name, limits) {
                ("cpu", true) => &mut resources.cpu_limit,
                ("cpu", false) => &mut resources.cpu_request,
                ("memory", true) => &mut resources.memory_limit,
                ("memory", false) => &mut resources.memory_request,
                _ if name.starts_with(HUGE_PAGES) => continue,
                _ => {
                    other(name, &value, not_acted_on);
                    continue;
                }
            };
            *place = quantity(&value);
        }
    }
    let pairs = [
        ("cpu", resources.cpu_request, resources.cpu_limit),
        ("memory", resources.memory_request, resources.memory_limit),
    ];
    for (name, request, limit) in pairs {
        if let (Some(request), Some(limit)) = (request, limit)
            && request > limit
            && let Some(value) = cursor.get("requests").and_then(|requests| requests.get(name))
        {
            let limit =
                cursor.get("limits").and_then(|limits| limits.get(name)).map(|limit| limit.node().written.clone());
            let limit = limit.unwrap_or_default();
            value.fault(
                format!("the request {} is larger than the limit {limit}", value.node().written),
                "a request may be at most the limit",
            );
        }
    }
    resources
}

/// Reads limits of huge pages. They are never overcommitted: a request is the limit, or it is not written.
/// Source: Kubernetes pkg/apis/core/validation/validation.go, `ValidateResourceRequirements`.
fn huge_pages(cursor: &Cursor<'_>) -> BTreeMap<HugePageSize, u64> {
    let entries = |part: &str| cursor.get(part).and_then(|map| map.entries()).unwrap_or_default();
    let is_one = |(name, _): &(&str, Cursor<'_>)| name.starts_with(HUGE_PAGES);
    let mut limits = BTreeMap::new();
    for (name, value) in entries("limits").into_iter().filter(is_one) {
        if let Some((size, bytes)) = of_one_size(name, &value)
            && limits.insert(size, bytes).is_some()
        {
            value.fault_at_key(format!("huge pages of {size} have a limit already"), "leave one of the two out");
        }
    }
    for (name, value) in entries("requests").into_iter().filter(is_one) {
        match cursor.get("limits").and_then(|map| map.get(name)) {
            None => value.fault_at_key("huge pages are requested without a limit", "write the same under limits"),
            Some(limit) => {
                let asked = of_one_size(name, &value);
                if asked.is_some_and(|(size, bytes)| limits.get(&size).is_some_and(|limit| *limit != bytes)) {
                    value.fault(
                        format!("the request {} is not the limit {}", value.node().written, limit.node().written),
                        "huge pages are not overcommitted: a request is the limit, or is left out",
                    );
                }
            }
        }
    }
    let has =
        |name: &str| ["limits", "requests"].iter().any(|part| entries(part).iter().any(|(other, _)| *other == name));
    if !limits.is_empty() && !has("cpu") && !has("memory") {
        cursor.fault_at_key("huge pages without cpu or memory", "who asks for huge pages asks for one of these, too");
    }
    limits
}

/// Size and bytes of `hugepages-2Mi: 4Mi`; `None` comes together with a fault.
fn of_one_size(name: &str, value: &Cursor<'_>) -> Option<(HugePageSize, u64)> {
    let whole = |quantity: Quantity| quantity.milli.is_multiple_of(1000).then(|| quantity.value());
    let size = name.strip_prefix(HUGE_PAGES).and_then(|size| size.parse().ok()).and_then(whole);
    let Some(size) = size.and_then(HugePageSize::new) else {
        value.fault_at_key(
            format!("{name:?} names no size of huge pages"),
            "a power of two, as in hugepages-2Mi or hugepages-1Gi",
        );
        return None;
    };
    let quantity = quantity(value)?;
    let bytes = whole(quantity).filter(|bytes| bytes.is_multiple_of(size.bytes()));
    if bytes.is_none() {
        value.fault(
            format!("{} is not a whole number of pages of {size}", value.node().written),
            "huge pages are given whole",
        );
    }
    bytes.map(|bytes| (size, bytes))
}

/// Reads `resources` of a Pod, which takes cpu and memory (and huge pages, which are not implemented).
pub(super) fn of_pod(cursor: &Cursor<'_>) -> Resources {
    for part in ["limits", "requests"] {
        for (name, value) in cursor.get(part).and_then(|map| map.entries()).unwrap_or_default() {
            if name.starts_with(HUGE_PAGES) {
                value.fault_at_key("not implemented yet", "only cpu and memory of a Pod as a whole so far");
            } else if !matches!(name, "cpu" | "memory") {
                value.fault_at_key(format!("a Pod as a whole has no resource {name:?}"), "expected cpu or memory");
            }
        }
    }
    read(cursor, &mut Vec::new())
}

/// Reads what a running container is resized to: what is not written stays as it is. `None` comes together with a fault.
pub fn parse_resize(cursor: &Cursor<'_>) -> Option<Resources> {
    let mut asked = 0;
    let mut fits = true;
    for (part, map) in cursor.entries()? {
        if !matches!(part, "limits" | "requests") {
            map.unknown_key("a resize", &["limits", "requests"]);
            fits = false;
            continue;
        }
        for (name, value) in map.entries()? {
            asked += 1;
            if !matches!(name, "cpu" | "memory") {
                value.fault_at_key(format!("{name:?} cannot be resized"), "cpu and memory can");
                fits = false;
            }
        }
    }
    let resources = fits.then(|| read(cursor, &mut Vec::new()))?;
    let Resources { cpu_limit, cpu_request, memory_limit, memory_request, huge_pages: _ } = &resources;
    let read = [cpu_limit, cpu_request, memory_limit, memory_request].into_iter().flatten().count();
    (read == asked).then_some(resources)
}

/// Reads `overhead`.
pub(super) fn overhead(cursor: &Cursor<'_>) -> Resources {
    let mut overhead = Resources::default();
    for (name, value) in cursor.entries().unwrap_or_default() {
        match name {
            "cpu" => overhead.cpu_request = quantity(&value),
            "memory" => overhead.memory_request = quantity(&value),
            _ => other(name, &value, &mut Vec::new()),
        }
    }
    overhead
}

/// Refuses a Pod that is given less than its containers, as the API server does.
pub(super) fn settle(cursor: &Cursor<'_>, spec: &PodSpec) {
    let Some(own) = &spec.resources else { return };
    type Of = fn(&Resources) -> Option<Quantity>;
    let rows: [(&str, Option<Quantity>, Of); 2] = [
        ("cpu", own.cpu_request, |r| r.cpu_request.or(r.cpu_limit)),
        ("memory", own.memory_request, |r| r.memory_request.or(r.memory_limit)),
    ];
    for (name, request, of) in rows {
        let asked = |container: &Container| of(&container.resources).map_or(0, |quantity| quantity.milli);
        if let Some(request) = request
            && request.milli < at_once(spec, asked)
            && let Some(value) = cursor.get("requests").and_then(|requests| requests.get(name))
        {
            value.fault(
                format!("the containers request more {name} than the Pod's {}", value.node().written),
                "a Pod's request is at least the sum of its containers'",
            );
        }
    }
    // As Kubernetes has it, of `containers` alone.
    let rows: [(&str, Option<Quantity>, Of); 2] =
        [("cpu", own.cpu_limit, |r| r.cpu_limit), ("memory", own.memory_limit, |r| r.memory_limit)];
    for (name, limit, of) in rows {
        let over = |limit: Quantity| spec.containers.iter().find(|c| of(&c.resources).is_some_and(|own| own > limit));
        if let Some(container) = limit.and_then(over)
            && let Some(value) = cursor.get("limits").and_then(|limits| limits.get(name))
        {
            value.fault(
                format!(
                    "the container {:?} has a higher {name} limit than the Pod's {}",
                    container.name,
                    value.node().written
                ),
                "no container's limit is above the Pod's",
            );
        }
    }
}

/// The most that runs at once: the containers beside the sidecars, or an init container beside the sidecars before it.
/// Source: Kubernetes component-helpers/resource (`AggregateContainerRequests`).
fn at_once(spec: &PodSpec, of: impl Fn(&Container) -> u128) -> u128 {
    let (mut sidecars, mut most) = (0, 0);
    for container in &spec.init_containers {
        let own = of(container);
        most = most.max(sidecars + own);
        sidecars += if container.stays { own } else { 0 };
    }
    most.max(sidecars + spec.containers.iter().map(of).sum::<u128>())
}

/// A resource other than cpu, memory and, of a container, huge pages.
fn other(name: &str, value: &Cursor<'_>, not_acted_on: &mut Vec<String>) {
    if name == "ephemeral-storage" {
        quantity(value);
        fields::note(not_acted_on, value.path());
    } else if name.starts_with(HUGE_PAGES) || name.contains('/') {
        value.fault_at_key(
            "not implemented yet",
            "only cpu, memory, huge pages of containers and ephemeral-storage so far; remove it to judge the rest",
        );
    } else {
        let help = match nearest(name, ["cpu", "memory", "ephemeral-storage"]) {
            Some(name) => format!("did you mean {name}?"),
            None => "expected cpu, memory or ephemeral-storage".to_owned(),
        };
        value.fault_at_key(format!("no resource is called {name:?}"), help);
    }
}

/// The quantity at a cursor; a fault if it is none.
pub(super) fn quantity(cursor: &Cursor<'_>) -> Option<Quantity> {
    let written = match &cursor.node().kind {
        Kind::Text(_) | Kind::Integer(_) | Kind::Float(_) => &cursor.node().written,
        _ => {
            cursor.fault(format!("expected a quantity, found {}", cursor.node().described()), FORMS);
            return None;
        }
    };
    match written.parse::<Quantity>() {
        Ok(quantity) => Some(quantity),
        Err(error @ QuantityError::Malformed(_)) => {
            cursor.fault(error.to_string(), hint(written));
            None
        }
        Err(error @ QuantityError::Negative(_)) => {
            cursor.fault(error.to_string(), "a resource is zero or more");
            None
        }
    }
}

const FORMS: &str = "as in 256Mi or 1G for memory, 500m or 0.5 for cpu";

/// What was probably meant.
fn hint(written: &str) -> String {
    let squeezed: String = written.chars().filter(|c| !c.is_whitespace()).collect();
    let end = squeezed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(squeezed.len());
    let (number, unit) = squeezed.split_at(end);
    let unit = match unit.to_ascii_lowercase().as_str() {
        "" => "",
        "k" | "kb" => "k",
        "mb" => "M",
        "g" | "gb" => "G",
        "t" | "tb" => "T",
        "ki" | "kib" => "Ki",
        "mi" | "mib" => "Mi",
        "gi" | "gib" => "Gi",
        "ti" | "tib" => "Ti",
        _ => return FORMS.to_owned(),
    };
    let meant = format!("{number}{unit}");
    match meant.parse::<Quantity>() {
        Ok(_) if matches!(unit, "k" | "M" | "G" | "T") => {
            format!("write {meant}, or {number}{}i for the binary unit", unit.to_uppercase())
        }
        Ok(_) => format!("write {meant}"),
        Err(_) => FORMS.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints() {
        for (written, expected) in [
            ("256MB", "write 256M, or 256Mi for the binary unit"),
            ("1 Gi", "write 1Gi"),
            ("64K", "write 64k, or 64Ki for the binary unit"),
            ("64mib", "write 64Mi"),
            ("half", FORMS),
            ("1.2.3", FORMS),
            ("", FORMS),
        ] {
            assert_eq!(hint(written), expected, "{written}");
        }
    }
}
