//! Facts as YAML that a reviewer can read: maps in block style, lists of plain values on one line.

use serde_json::Value;

/// Renders a document.
pub fn render(document: &Value) -> String {
    let mut text = String::new();
    block(document, 0, &mut text);
    text
}

fn block(value: &Value, depth: usize, text: &mut String) {
    let Value::Object(map) = value else { return text.push_str(&inline(value)) };
    for (key, value) in map {
        text.push_str(&"  ".repeat(depth));
        text.push_str(&plain(key));
        match value {
            Value::Object(inner) if !inner.is_empty() && !is_flat(inner) => {
                text.push_str(":\n");
                block(value, depth + 1, text);
            }
            _ => text.push_str(&format!(": {}\n", inline(value))),
        }
    }
}

/// A small map of plain values and lists goes on one line: a mount, a set of limits.
fn is_flat(map: &serde_json::Map<String, Value>) -> bool {
    map.values().all(|value| !value.is_object()) && map.values().map(|value| inline(value).len()).sum::<usize>() < 160
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", plain(key), inline(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// Bare where no YAML reader could take it for anything else, in JSON's quotes otherwise.
fn plain(text: &str) -> String {
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.');
    let word = text.chars().any(|c| c.is_ascii_alphabetic() || c == '/') && text.chars().all(simple);
    let taken = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    let number = text.parse::<f64>().is_ok() || text.starts_with(['-', '.']) || text.starts_with("0x");
    if word && !taken && !number { text.to_owned() } else { Value::String(text.to_owned()).to_string() }
}

/// Rendering loses nothing, or a snapshot would hide a difference.
pub fn checked(document: &Value) -> Result<String, String> {
    let text = render(document);
    let read: Value = serde_yaml::from_str(&text).map_err(|error| format!("the snapshot's own YAML: {error}"))?;
    if read == *document { Ok(text) } else { Err("the snapshot's own YAML does not read back as the facts".to_owned()) }
}
