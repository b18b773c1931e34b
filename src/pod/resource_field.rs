//! `resourceFieldRef`: what a container may use, as a variable or in a file.
//! Source: Kubernetes pkg/api/v1/resource (`ExtractContainerResourceValue`) and pkg/kubelet/kubelet_resources.go
//! (`defaultPodLimitsForDownwardAPI`).

use super::elsewhere::Elsewhere;
use super::{Allocatable, Quantity, Resources, resources};
use crate::diagnostic::yaml::Cursor;

const NAMES: [&str; 6] = [
    "limits.cpu",
    "limits.memory",
    "requests.cpu",
    "requests.memory",
    "limits.ephemeral-storage",
    "requests.ephemeral-storage",
];

/// The value of a reference, in units of its divisor, rounded up. It is of the container that it names; `own` are the
/// resources of the container whose variable it is, which need not be named.
pub(super) fn value(cursor: &Cursor<'_>, own: Option<&Resources>, elsewhere: &Elsewhere<'_>) -> Option<String> {
    let named = match (cursor.get("containerName"), own) {
        (Some(name), _) => Some(of_container(&name, elsewhere)?),
        (None, Some(_)) => None,
        (None, None) => {
            cursor.fault_at_key("the resourceFieldRef has no containerName", "add containerName:");
            return None;
        }
    };
    let of = named.as_ref().or(own)?;
    let Some(wanted) = cursor.get("resource") else {
        cursor.fault_at_key("the resourceFieldRef has no resource", "as in resource: limits.memory");
        return None;
    };
    let divisor = match cursor.get("divisor") {
        Some(value) => resources::quantity(&value)?,
        None => Quantity { milli: 0 },
    };
    let divisor = if divisor.milli == 0 { 1000 } else { divisor.milli };
    let name = wanted.one_of(&NAMES)?;
    let amount = match name {
        "limits.cpu" => of.cpu_limit,
        "limits.memory" => of.memory_limit,
        // As the API server has it, a request that is not written is the limit.
        "requests.cpu" => of.cpu_request.or(of.cpu_limit),
        "requests.memory" => of.memory_request.or(of.memory_limit),
        _ => {
            wanted.fault(
                format!("{name} is not implemented yet"),
                "only cpu and memory so far; remove it to judge the rest",
            );
            return None;
        }
    };
    let set = |amount: &Quantity| amount.milli > 0;
    match (amount.filter(set), name) {
        (Some(amount), _) => Some(amount.milli.div_ceil(divisor).to_string()),
        (None, "limits.cpu") => Some(without_limit(elsewhere, Allocatable::Cpu, divisor)),
        (None, "limits.memory") => Some(without_limit(elsewhere, Allocatable::Memory, divisor)),
        (None, _) => Some("0".to_owned()),
    }
}

/// What a container without a limit may use: what the Pod as a whole may, or the node.
fn without_limit(elsewhere: &Elsewhere<'_>, which: Allocatable, divisor: u128) -> String {
    let key = match which {
        Allocatable::Cpu => "cpu",
        Allocatable::Memory => "memory",
    };
    let limits = elsewhere.spec.get("resources").and_then(|own| own.get("limits"));
    let of_pod = limits.and_then(|limits| resources::quantity(&limits.get(key)?)).filter(|limit| limit.milli > 0);
    of_pod.map_or_else(|| which.mark(divisor), |limit| limit.milli.div_ceil(divisor).to_string())
}

/// Resources of a container by name; ephemeral ones have none.
fn of_container(name: &Cursor<'_>, elsewhere: &Elsewhere<'_>) -> Option<Resources> {
    let wanted = name.text()?;
    let lists = ["containers", "initContainers"].map(|kind| elsewhere.spec.get(kind).and_then(|list| list.items()));
    let containers: Vec<Cursor<'_>> = lists.into_iter().flatten().flatten().collect();
    let named = |c: &&Cursor<'_>| c.node().get("name").is_some_and(|name| name.written == wanted);
    let Some(container) = containers.iter().find(named) else {
        name.fault(format!("the Pod has no container {wanted:?}"), "");
        return None;
    };
    // Notes and faults of these resources are those of the container, which is read by itself.
    let resources = container.get("resources").map(|value| resources::read(&value, &mut Vec::new()));
    Some(resources.unwrap_or_default())
}
