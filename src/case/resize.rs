//! Steps that give a container other resources while it runs, held to what an API server lets through.
//! Source: Kubernetes pkg/apis/core/validation/validation.go (`ValidatePodResize`).

use super::expect::property_of;
use super::keys::RESIZE;
use super::members::Members;
use super::{Case, Step};
use crate::diagnostic::yaml::Cursor;
use crate::pod::{self, Container, PodSpec, Quantity, Resources};

/// Reads such a step.
pub(super) fn one(cursor: &Cursor<'_>, name: &Cursor<'_>, members: &Members) -> Option<Step> {
    RESIZE.check(cursor);
    let container = members.container(name);
    let change = cursor.get("resources").and_then(|value| pod::parse_resize(&value));
    let property = property_of(cursor);
    Some(Step::Resize { container: container?, change: change?, property })
}

/// Holds each resize of the steps to what the Pod has by then.
pub(super) fn check(list: &Cursor<'_>, case: &Case) {
    let items = list.items().unwrap_or_default();
    // A step with a fault is not among the steps: then it is not known which is whose.
    if items.len() != case.steps.len() {
        return;
    }
    let mut spec = case.pod.spec.clone();
    for (item, step) in items.iter().zip(&case.steps) {
        if let Step::Resize { container, change, .. } = step {
            resize(item, &mut spec, container, change);
        }
    }
}

fn resize(item: &Cursor<'_>, spec: &mut PodSpec, name: &str, change: &Resources) {
    let (Some(name_at), Some(resources_at)) = (item.get("resize"), item.get("resources")) else { return };
    let before = class(spec);
    let ends = spec.init_containers.iter().any(|container| container.name == name && !container.stays);
    let Some(container) = spec.container_mut(name).filter(|_| !ends) else {
        name_at.fault(
            format!("{name} cannot be resized"),
            "containers and sidecars of the case's own Pod can, unlike init containers that end and ephemeral ones",
        );
        return;
    };
    let resized = container.resources.resized(change);
    if resized == container.resources {
        resources_at.fault_at_key(format!("{name} has these resources already"), "name others");
        return;
    }
    container.resources = resized.clone();
    let over = |request: Option<Quantity>, limit: Option<Quantity>| request.zip(limit).is_some_and(|(r, l)| r > l);
    let pairs =
        [("cpu", resized.cpu_request, resized.cpu_limit), ("memory", resized.memory_request, resized.memory_limit)];
    for (kind, ..) in pairs.iter().filter(|(_, request, limit)| over(*request, *limit)) {
        resources_at.fault_at_key(
            format!("the {kind} request of {name} would be larger than its limit"),
            "what is not written stays: name both",
        );
    }
    if spec.resources.is_none() && class(spec) != before {
        resources_at.fault_at_key(
            format!("the Pod's QoS class would change from {before} to {}", class(spec)),
            "a resize leaves it as it is",
        );
    }
}

/// QoS class of a Pod that has no resources as a whole: those decide alone, and are not resized.
fn class(spec: &PodSpec) -> &'static str {
    let pairs = |c: &Container| {
        let own = &c.resources;
        let pair = |request: Option<Quantity>, limit: Option<Quantity>| {
            let milli = |quantity: Option<Quantity>| quantity.map_or(0, |q| q.milli);
            (milli(request.or(limit)), milli(limit))
        };
        [pair(own.cpu_request, own.cpu_limit), pair(own.memory_request, own.memory_limit)]
    };
    let all: Vec<[(u128, u128); 2]> = spec.all().map(pairs).collect();
    // No request is above its limit, so sums are equal only where each pair is.
    let bound = |(request, limit): &(u128, u128)| *limit > 0 && request == limit;
    if all.iter().flatten().all(|pair| *pair == (0, 0)) {
        "BestEffort"
    } else if all.iter().flatten().all(bound) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_case;
    use std::path::Path;

    /// Without the file's name.
    fn parsed(text: &str) -> Vec<String> {
        let faults = parse_case(text, Path::new("case.yaml"), "area/case").err().unwrap_or_default();
        faults.iter().map(|fault| fault.to_string().replacen("case.yaml:", "", 1)).collect()
    }

    fn faults(steps: &str) -> Vec<String> {
        parsed(&format!(
            "about: A Pod.\nshows: [L20]\npod:\n  initContainers: [{{name: first}}, {{name: mate, restartPolicy: Always}}]\n  containers:\n  - {{name: a, resources: {{limits: {{cpu: 200m, memory: 64Mi}}, requests: {{cpu: 100m}}}}}}\n  - {{name: b}}\nbeside: {{containers: [{{name: c}}]}}\nsteps:\n{steps}"
        ))
    }

    fn one(step: &str) -> Vec<String> {
        faults(&format!("- {{resize: {step}}}\n"))
    }

    #[test]
    fn a_resize_is_held_to_what_an_api_server_lets_through() {
        let table: &[(&str, &[&str])] = &[
            ("a, resources: {limits: {cpu: 300m}}", &[]),
            ("mate, resources: {requests: {memory: 1Mi}}", &[]),
            (
                "first, resources: {limits: {cpu: 1}}",
                &[
                    "10:12: steps[0].resize: first cannot be resized (containers and sidecars of the case's own Pod can, unlike init containers that end and ephemeral ones)",
                ],
            ),
            (
                "beside/c, resources: {limits: {cpu: 1}}",
                &[
                    "10:12: steps[0].resize: beside/c cannot be resized (containers and sidecars of the case's own Pod can, unlike init containers that end and ephemeral ones)",
                ],
            ),
            (
                "sandbox, resources: {limits: {cpu: 1}}",
                &[
                    "10:12: steps[0].resize: no container is called \"sandbox\" (this case has first, mate, a, b, beside/c)",
                ],
            ),
            ("a", &["10:3: steps[0]: resize has no resources (add resources:)"]),
            ("a, resources: {}", &["10:15: steps[0].resources: a has these resources already (name others)"]),
            (
                "a, resources: {limits: {memory: 64Mi}}",
                &["10:15: steps[0].resources: a has these resources already (name others)"],
            ),
            (
                "a, resources: {limits: {cpu: 50m}}",
                &[
                    "10:15: steps[0].resources: the cpu request of a would be larger than its limit (what is not written stays: name both)",
                ],
            ),
            (
                "a, resources: {requests: {memory: 65Mi}}",
                &[
                    "10:15: steps[0].resources: the memory request of a would be larger than its limit (what is not written stays: name both)",
                ],
            ),
            (
                "a, resources: {limits: {cpu: much}}",
                &[
                    "10:41: steps[0].resources.limits.cpu: \"much\" is not a quantity (as in 256Mi or 1G for memory, 500m or 0.5 for cpu)",
                ],
            ),
            (
                "a, resources: {limits: {cpu: null}}",
                &[
                    "10:41: steps[0].resources.limits.cpu: expected a quantity, found nothing (as in 256Mi or 1G for memory, 500m or 0.5 for cpu)",
                ],
            ),
            (
                "a, resources: {limits: {hugepages-2Mi: 2Mi, ephemeral-storage: 1Gi}, claims: []}",
                &[
                    "10:36: steps[0].resources.limits.hugepages-2Mi: \"hugepages-2Mi\" cannot be resized (cpu and memory can)",
                    "10:56: steps[0].resources.limits.ephemeral-storage: \"ephemeral-storage\" cannot be resized (cpu and memory can)",
                    "10:81: steps[0].resources.claims: a resize has no field \"claims\" (expected one of limits, requests)",
                ],
            ),
            (
                "a, resources: {limits: [cpu]}",
                &["10:35: steps[0].resources.limits: expected a map (`key: value`), found a list"],
            ),
            (
                "a, to: {limits: {cpu: 1}}",
                &[
                    "10:3: steps[0]: resize has no resources (add resources:)",
                    "10:15: steps[0].to: resize has no field \"to\" (expected one of resize, resources, property)",
                ],
            ),
        ];
        for (step, expected) in table {
            assert_eq!(one(step), *expected, "{step}");
        }
    }

    #[test]
    fn each_resize_goes_by_those_before_it() {
        let again = "- {resize: b, resources: {limits: {cpu: 1}}}\n- {resize: b, resources: {limits: {cpu: 1}}}\n";
        assert_eq!(faults(again), ["11:15: steps[1].resources: b has these resources already (name others)"]);
    }

    #[test]
    fn the_qos_class_stays() {
        let of = |resources: &str, change: &str| {
            parsed(&format!(
                "about: A Pod.\nshows: [L20]\npod: {{containers: [{{name: a, resources: {resources}}}]}}\nsteps:\n- {{resize: a, resources: {change}}}\n"
            ))
        };
        let fault = |change: &str| {
            vec![format!(
                "5:15: steps[0].resources: the Pod's QoS class would change from {change} (a resize leaves it as it is)"
            )]
        };
        let bound = "{limits: {cpu: 1, memory: 8Mi}}";
        assert_eq!(of("{}", "{limits: {cpu: 1}}"), fault("BestEffort to Burstable"));
        assert_eq!(of(bound, "{requests: {cpu: 500m}}"), fault("Guaranteed to Burstable"));
        assert_eq!(of("{limits: {cpu: 1}}", "{limits: {memory: 8Mi}}"), fault("Burstable to Guaranteed"));
        assert_eq!(of(bound, "{limits: {cpu: 2}}"), Vec::<String>::new());
    }
}
