//! Results and how they are shown: an exporter is a pure function from results to text. No input or output.

mod comparison;
mod findings;
mod junit;
mod pretty;
mod record;
mod style;
mod table;
mod tree;

pub use comparison::{Comparison, Row, Why, compare, split_member};
pub use junit::junit;
pub use pretty::{record_text, summary};
pub use record::*;
pub use style::Style;
pub use tree::pod_tree;

/// Results as the documented JSON (`podcheck schema result`).
pub fn json(results: &Results) -> String {
    let mut text = serde_json::to_string_pretty(results).unwrap_or_else(|error| {
        // Every map in a record has text for keys, the only thing that JSON could refuse.
        unreachable!("a record is always JSON: {error}")
    });
    text.push('\n');
    text
}

/// One side of a difference: what stands there, `absent`, or `present` for something with parts that the other side lacks
/// as a whole.
pub fn side_text(value: &serde_json::Value) -> String {
    if value.is_object() { "present".to_owned() } else { value_text(value) }
}

/// What a known difference has to name as `seen`: what stands there, or `present` where the other side has nothing.
pub fn seen_text(left: &serde_json::Value, right: &serde_json::Value) -> String {
    if left.is_null() { "present".to_owned() } else { side_text(right) }
}

/// A JSON value as findings and tables print it: text without quotes, everything else as compact JSON.
pub fn value_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "absent".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
