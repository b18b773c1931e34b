//! `spec.ephemeralContainers`, held to what an API server lets through.
//! Source: Kubernetes pkg/apis/core/validation/validation.go (`validateEphemeralContainers`).

use super::container::Around;
use super::{PodSpec, spec};
use crate::diagnostic::nearest;
use crate::diagnostic::yaml::{Cursor, Kind};

/// Fields of other containers that one has not which is there for a look.
const NEVER: [&str; 9] = [
    "ports",
    "resources",
    "resizePolicy",
    "lifecycle",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "restartPolicy",
    "restartPolicyRules",
];

/// Reads them, after the Pod's other containers.
pub(super) fn read(cursor: &Cursor<'_>, around: &Around<'_>, spec: &mut PodSpec, not_acted_on: &mut Vec<String>) {
    let items = cursor.get("ephemeralContainers").and_then(|list| list.items()).unwrap_or_default();
    for item in items.iter().filter(|item| matches!(item.node().kind, Kind::Map(_))) {
        // An API server writes empty resources for every container.
        let says_nothing = |value: &Cursor<'_>| value.path().ends_with(".resources") && value.node().is_empty();
        for value in NEVER.iter().filter_map(|name| item.get(name)).filter(|value| !says_nothing(value)) {
            value.fault_at_key("an ephemeral container has none", "remove it");
        }
        let mounts = item.get("volumeMounts").and_then(|list| list.items()).unwrap_or_default();
        for value in mounts.iter().flat_map(|mount| ["subPath", "subPathExpr"].map(|name| mount.get(name))).flatten() {
            value.fault_at_key("an ephemeral container mounts whole volumes", "remove it");
        }
        let mut container = spec::one(item, around, spec, not_acted_on);
        container.target = item.get("targetContainerName").and_then(|value| target(&value, spec));
        spec.ephemeral_containers.push(container);
    }
}

/// A container of the Pod, and no ephemeral one.
fn target(cursor: &Cursor<'_>, spec: &PodSpec) -> Option<String> {
    let name = cursor.text().filter(|name| !name.is_empty())?;
    let names: Vec<&str> = spec.all().map(|container| container.name.as_str()).collect();
    if !names.contains(&name) {
        let help = match nearest(name, names.iter().copied()) {
            Some(name) => format!("did you mean {name}?"),
            None => format!("there are {}", names.join(", ")),
        };
        cursor.fault(format!("the Pod has no container {name:?} to look into"), help);
        return None;
    }
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::pod::parse_manifest;
    use std::path::Path;

    fn parsed(ephemeral: &str) -> Result<Vec<(String, Option<String>)>, Vec<String>> {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  volumes: [{{name: v, emptyDir: {{}}}}]\n  containers: [{{name: web, image: i}}]\n  ephemeralContainers:\n  {ephemeral}\n"
        );
        let parsed = parse_manifest(&text, Path::new("pod.yaml"));
        let parsed = parsed.map_err(|faults| {
            faults.iter().map(|fault| fault.to_string().replacen("pod.yaml:", "", 1)).collect::<Vec<_>>()
        })?;
        Ok(parsed.pod.spec.ephemeral_containers.into_iter().map(|c| (c.name, c.target)).collect())
    }

    #[test]
    fn one_looks_into_a_container_of_the_pod_or_into_none() {
        let both = "- {name: peek, image: i, targetContainerName: web, resources: {}}\n  - {name: bare, image: i}";
        assert_eq!(parsed(both), Ok(vec![("peek".to_owned(), Some("web".to_owned())), ("bare".to_owned(), None)]));
    }

    #[test]
    fn what_an_api_server_refuses_is_refused() {
        let table: &[(&str, &[&str])] = &[
            (
                "- {name: web, image: i}",
                &[
                    "8:12: spec.ephemeralContainers[0].name: the Pod has a container \"web\" already (each container of a Pod has a name of its own)",
                ],
            ),
            (
                "- {name: a, image: i, targetContainerName: wen}",
                &[
                    "8:46: spec.ephemeralContainers[0].targetContainerName: the Pod has no container \"wen\" to look into (did you mean web?)",
                ],
            ),
            (
                "- {name: a, image: i}\n  - {name: b, image: i, targetContainerName: a}",
                &[
                    "9:46: spec.ephemeralContainers[1].targetContainerName: the Pod has no container \"a\" to look into (there are web)",
                ],
            ),
            (
                "- {name: a, image: i, resources: {limits: {cpu: 1}}, ports: [{containerPort: 1}]}",
                &[
                    "8:25: spec.ephemeralContainers[0].resources: an ephemeral container has none (remove it)",
                    "8:56: spec.ephemeralContainers[0].ports: an ephemeral container has none (remove it)",
                ],
            ),
            (
                "- {name: a, image: i, volumeMounts: [{name: v, mountPath: /v, subPath: x}]}",
                &[
                    "8:65: spec.ephemeralContainers[0].volumeMounts[0].subPath: an ephemeral container mounts whole volumes (remove it)",
                ],
            ),
            (
                "- {name: a, image: i, target: web}",
                &[
                    "8:25: spec.ephemeralContainers[0].target: an ephemeral container has no field \"target\" (it has name, image, command, args, workingDir, env, envFrom, ports, resources, volumeMounts, securityContext, restartPolicy, lifecycle, terminationMessagePath, targetContainerName and others of Kubernetes' Pod reference)",
                ],
            ),
        ];
        for (ephemeral, expected) in table {
            assert_eq!(parsed(ephemeral).expect_err(ephemeral), *expected, "{ephemeral}");
        }
    }
}
