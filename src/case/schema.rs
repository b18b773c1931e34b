//! The JSON schema of a case file, for editors and for `podcheck schema case`.

use super::PROPERTIES;
use super::expect::{IDENTITIES, NAMESPACES};
use super::signal;
use serde_json::{Value, json};

/// JSON Schema, draft 2020-12. It knows a case's own keys; the Pod in it is Kubernetes' own and stays open.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "podcheck case",
        "description": "One behaviour of Kubernetes Pods: a Pod, and what must hold of it.",
        "type": "object",
        "additionalProperties": false,
        "required": ["about", "shows", "pod"],
        "properties": {
            "about": {"type": "string", "description": "One sentence: the behaviour."},
            "shows": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/property_id"}, "description": "Properties it shows."},
            "source": {"$ref": "#/$defs/link", "description": "What asks for the behaviour."},
            "requires": {"type": "array", "items": {"$ref": "#/$defs/word"}, "description": "Abilities of the host without which the case is skipped."},
            "alone": {"type": "boolean", "description": "It looks at host-wide state, so nothing runs beside it."},
            "pod": {"$ref": "#/$defs/pod"},
            "beside": {"$ref": "#/$defs/pod", "description": "A second Pod, up at the same time; its members are beside/NAME."},
            "configMaps": {"$ref": "#/$defs/objects", "description": "ConfigMaps that the Pods take from."},
            "secrets": {"$ref": "#/$defs/objects", "description": "Secrets that the Pods take from, in plain text."},
            "node": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "pod_pids_limit": {"anyOf": [{"type": "integer", "minimum": 1}, {"$ref": "#/$defs/value"}]},
                    "single_process_oom_kill": {"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/value"}]},
                    "allowed_unsafe_sysctls": {
                        "type": "array",
                        "items": {"type": "string", "pattern": "^[a-z0-9._-]+\\*?$"},
                        "description": "What a kubelet's option of this name says: sysctls, or what they begin with and *.",
                    },
                    "back_off": {"type": "string", "pattern": "^[0-9]+ms$", "description": "A kubelet's first back-off, if not its 10 s; doubled from restart to restart."},
                },
                "description": "What the plan's node has otherwise than the usual one.",
            },
            "seccomp_profiles": {
                "type": "object",
                "additionalProperties": {"type": "object", "required": ["defaultAction"]},
                "description": "Seccomp profiles that lie on the node, by the name that localhostProfile gives them, in the OCI format.",
            },
            "refused": {
                "type": "object",
                "additionalProperties": false,
                "required": ["at", "says"],
                "properties": {
                    "at": one_of(&["parse", "prepare", "create"]),
                    "says": {"$ref": "#/$defs/texts", "description": "Each stands in what is said against the Pod; at parse everything that is said has one of them in it."},
                },
                "description": "The Pod must not come up: refused when the manifest is read, when a kubelet makes its volumes ready, or by the runtime that is asked for it. A container that alone must not start is a step.",
            },
            "while": {"type": "string", "description": "The init container while which the Pod is looked at first: what follows it is not there yet."},
            "expect": {"type": "array", "items": {"$ref": "#/$defs/expectation"}, "description": "What must be seen once all is up."},
            "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}, "description": "What is done from inside, in order."},
            "known": {"type": "array", "items": {"$ref": "#/$defs/known"}, "description": "Differences that are special to this case."},
            "rows": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "object", "required": ["row"], "properties": {"row": {"$ref": "#/$defs/word"}}},
                "description": "The case is repeated with each row's values in place of ${name}.",
            },
        },
        "$defs": definitions(),
    })
}

fn definitions() -> Value {
    let mut definitions = expectations();
    let more = [
        ("property_id", json!({"enum": PROPERTIES.iter().map(|property| property.id).collect::<Vec<_>>()})),
        ("property", json!({"anyOf": [{"$ref": "#/$defs/property_id"}, {"$ref": "#/$defs/value"}]})),
        ("value", json!({"type": "string", "pattern": "^\\$\\{[^{}]+\\}$", "description": "The value of a row."})),
        ("word", json!({"type": "string", "pattern": "^[a-z0-9-]+$"})),
        ("link", json!({"type": "string", "pattern": "^https?://\\S+$"})),
        ("members", json!({"type": "array", "minItems": 1, "uniqueItems": true, "items": {"type": "string"}})),
        ("scalar", json!({"type": ["string", "number", "boolean"]})),
        (
            "texts",
            json!({"anyOf": [{"$ref": "#/$defs/scalar"}, {"type": "array", "items": {"$ref": "#/$defs/scalar"}}]}),
        ),
        (
            "pod",
            json!({"type": "object", "description": "The spec of a v1 Pod, or a whole manifest. A container without an image runs podcheck's own."}),
        ),
        (
            "objects",
            json!({"type": "object", "additionalProperties": {"type": "object", "additionalProperties": {"type": "string"}}, "description": "Name, key, text."}),
        ),
        ("step", step()),
        ("known", known()),
    ];
    for (name, definition) in more {
        definitions[name] = definition;
    }
    definitions
}

/// One of a few words, or the value of a row.
fn one_of(words: &[&str]) -> Value {
    json!({"anyOf": [{"enum": words}, {"$ref": "#/$defs/value"}]})
}

fn expectations() -> Value {
    let identity = |kind: &str, kinds: &[&str]| {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": [kind, "of"],
            "properties": {
                kind: one_of(kinds),
                "of": {"$ref": "#/$defs/members"},
                "property": {"$ref": "#/$defs/property"},
            },
        })
    };
    json!({
        "expectation": {"oneOf": [
            {"$ref": "#/$defs/fact"}, {"$ref": "#/$defs/same"}, {"$ref": "#/$defs/differ"}, {"$ref": "#/$defs/host"},
        ]},
        "fact": {
            "type": "object",
            "additionalProperties": false,
            "required": ["fact"],
            "oneOf": [
                {"required": ["equals"]}, {"required": ["contains"]}, {"required": ["lacks"]},
                {"required": ["absent"]}, {"required": ["at_least"]},
            ],
            "properties": {
                "fact": {"type": "string", "description": "Dotted path below the member: limits.memory_bytes."},
                "of": {"$ref": "#/$defs/members", "description": "All members if not given."},
                "equals": {},
                "contains": {"description": "One value or a list of them."},
                "lacks": {"description": "One value or a list of them."},
                "absent": {"anyOf": [{"const": true}, {"$ref": "#/$defs/value"}]},
                "at_least": {"anyOf": [{"type": "integer", "minimum": 0}, {"$ref": "#/$defs/value"}]},
                "property": {"$ref": "#/$defs/property"},
            },
        },
        "same": identity("same", IDENTITIES),
        "differ": identity("differ", IDENTITIES),
        "host": identity("host", NAMESPACES),
    })
}

fn step() -> Value {
    let exit = json!({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 255}, {"$ref": "#/$defs/value"}]});
    let signal = one_of(signal::names());
    json!({"anyOf": [
        {"$ref": "#/$defs/expectation"},
        {
            "title": "run",
            "type": "object",
            "additionalProperties": false,
            "required": ["in", "run"],
            "properties": {
                "in": {"type": "string", "description": "The container."},
                "run": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/scalar"}, "description": "The command."},
                "expect": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "exit": exit,
                        "signal": signal,
                        "stdout": {"$ref": "#/$defs/scalar", "description": "Exactly this, but for the last newline."},
                        "stdout_contains": {"$ref": "#/$defs/texts"},
                        "stdout_lacks": {"$ref": "#/$defs/texts"},
                        "stderr_contains": {"$ref": "#/$defs/texts"},
                    },
                },
                "property": {"$ref": "#/$defs/property"},
            },
        },
        {
            "title": "ends",
            "type": "object",
            "additionalProperties": false,
            "required": ["ends"],
            "properties": {
                "ends": {"type": "string", "description": "The container whose end is waited for."},
                "exit": exit,
                "signal": signal,
                "reason": one_of(&["Completed", "Error", "OOMKilled"]),
                "within": {"type": "string", "pattern": "^[0-9]+s$", "description": "How long it is waited for, up to 60s; 30s if nothing is said."},
                "property": {"$ref": "#/$defs/property"},
            },
        },
        life("restarts", "The container that is started again; waited for.", &[("count", json!({"type": "integer", "minimum": 0, "maximum": 100}))], true),
        life("starts", "The container that is not up yet; waited for.", &[], true),
        life("refused", "The container that the runtime does not start.", &[("says", json!({"$ref": "#/$defs/texts"}))], true),
        life("stop", "The container that is stopped, and its end waited for.", &[("grace", json!({"type": "string", "pattern": "^[0-9]+s$"})), ("at_least", json!({"type": "string", "pattern": "^[0-9]+s$"}))], false),
        life("remove", "The container that is removed, once it has ended; also one that is gone.", &[], false),
        json!({
            "title": "terminate",
            "type": "object",
            "additionalProperties": false,
            "required": ["terminate"],
            "properties": {"terminate": {"type": "string", "pattern": "^[0-9]+s$", "description": "All containers are ended as when their Pod is deleted, within that time."}},
        }),
        life("volume", "The volume, one that is made for the Pod.", &[("file", json!({"type": "string"})), ("equals", json!({"$ref": "#/$defs/scalar"}))], true),
        life("logs", "The container whose log is compared.", &[("stdout", json!({"$ref": "#/$defs/scalar"})), ("stderr", json!({"$ref": "#/$defs/scalar"}))], true),
        life("resize", "The container that gets other resources while it runs.", &[("resources", resources())], true),
        json!({
            "title": "restart",
            "type": "object",
            "additionalProperties": false,
            "required": ["restart"],
            "properties": {
                "restart": {"const": "daemon", "description": "The runtime's daemon ends and starts again, under the Pod."},
                "property": {"$ref": "#/$defs/property"},
            },
        }),
        life("kill", "The member whose first process is killed from the host.", &[], false),
        json!({
            "title": "phase",
            "type": "object",
            "additionalProperties": false,
            "required": ["phase"],
            "properties": {
                "phase": one_of(&["Pending", "Running", "Succeeded", "Failed"]),
                "property": {"$ref": "#/$defs/property"},
            },
        }),
    ]})
}

/// What a container is resized to.
fn resources() -> Value {
    let quantity = json!({"$ref": "#/$defs/scalar"});
    let part = json!({
        "type": "object",
        "additionalProperties": false,
        "minProperties": 1,
        "properties": {"cpu": quantity, "memory": quantity},
    });
    json!({
        "type": "object",
        "additionalProperties": false,
        "minProperties": 1,
        "properties": {"limits": part, "requests": part},
        "description": "What changes; what is not written stays.",
    })
}

/// A step about a member's life: its own key, and others.
fn life(key: &str, description: &str, others: &[(&str, Value)], property: bool) -> Value {
    let mut properties = serde_json::Map::new();
    properties.insert(key.to_owned(), json!({"type": "string", "description": description}));
    properties.extend(others.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    if property {
        properties.insert("property".to_owned(), json!({"$ref": "#/$defs/property"}));
    }
    let required: Vec<&str> = std::iter::once(key)
        .chain(others.iter().map(|(name, _)| *name).filter(|name| !["says", "at_least"].contains(name)))
        .collect();
    json!({
        "title": key,
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

fn known() -> Value {
    let some = |one: Value| json!([one, {"type": "array", "minItems": 1, "items": one}]);
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["seen", "because", "source"],
        "oneOf": [{"required": ["property"]}, {"required": ["fact"]}],
        "properties": {
            "property": {"anyOf": some(json!({"$ref": "#/$defs/property"}))},
            "members": {"$ref": "#/$defs/members", "description": "Every container if not given."},
            "at": {"anyOf": some(json!({"type": "string"})), "description": "Only at this fact or step."},
            "fact": {"anyOf": some(json!({"type": "string"})), "description": "Path of a fact below the member that no rule asks for, and only a comparison shows."},
            "seen": {"description": "What is seen there instead; `present` for a fact that others do not have. `<member>` is each one's own name."},
            "sometimes": {"type": "boolean", "description": "It is a race, so that not to see it does not make it untrue."},
            "when": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "runtime": {"$ref": "#/$defs/word"},
                    "oci": {"$ref": "#/$defs/word"},
                    "versions": {"type": "object", "additionalProperties": {"type": "string"}},
                    "settings": {"type": "object", "description": "Of a daemon that runs already."},
                    "cgroup": one_of(&["v1", "hybrid", "v2"]),
                    "driver": one_of(&["cgroupfs", "systemd"]),
                    "network": one_of(&["own", "host"]),
                    "kernel": {"type": "string"},
                    "abilities": {"type": "array", "items": {"type": "string", "pattern": "^!?[a-z0-9-]+$"}},
                },
            },
            "because": {"type": "string"},
            "source": {"$ref": "#/$defs/link"},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::keys::{CASE, DIFFER, ENDS, FACT, HOST, KNOWN, Keys, NODE, REFUSAL, RUN, RUN_EXPECT, SAME, WHEN};
    use super::*;
    use std::collections::BTreeSet;

    fn holds(pointer: &str, keys: &Keys) {
        let schema = schema();
        let object = schema.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"));
        let found: BTreeSet<&str> = object["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found, keys.all.iter().copied().collect(), "{pointer}");
        let required = object["required"].as_array().cloned().unwrap_or_default();
        let required: BTreeSet<&str> = required.iter().filter_map(Value::as_str).collect();
        assert_eq!(required, keys.mandatory.iter().copied().collect(), "{pointer}");
        assert_eq!(object["additionalProperties"], Value::Bool(false), "{pointer}");
    }

    #[test]
    fn it_has_the_keys_that_are_read() {
        for (pointer, keys) in [
            ("", &CASE),
            ("/properties/node", &NODE),
            ("/properties/refused", &REFUSAL),
            ("/$defs/fact", &FACT),
            ("/$defs/same", &SAME),
            ("/$defs/differ", &DIFFER),
            ("/$defs/host", &HOST),
            ("/$defs/known", &KNOWN),
            ("/$defs/known/properties/when", &WHEN),
            ("/$defs/step/anyOf/1", &RUN),
            ("/$defs/step/anyOf/1/properties/expect", &RUN_EXPECT),
            ("/$defs/step/anyOf/2", &ENDS),
        ] {
            holds(pointer, keys);
        }
    }
}
