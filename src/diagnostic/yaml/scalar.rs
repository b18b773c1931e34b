//! What a scalar means.

use super::node::Kind;
use saphyr_parser::{ScalarStyle, Tag};
use serde_yaml::Value;

/// The meaning of a scalar, or what is wrong with its tag.
pub(super) fn resolve(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Kind, String> {
    match tag {
        None if style == ScalarStyle::Plain => Ok(plain(text)),
        None => Ok(Kind::Text(text.to_owned())),
        Some(tag) if tag.is_yaml_core_schema() => match tag.suffix.as_str() {
            "str" => Ok(Kind::Text(text.to_owned())),
            "int" | "float" | "bool" | "null" => Ok(plain(text)),
            other => Err(format!("the tag !!{other} is not supported")),
        },
        Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Ok(Kind::Text(text.to_owned())),
        Some(tag) => Err(format!("the tag {tag} is not supported")),
    }
}

/// An unquoted scalar, as serde_yaml reads it.
fn plain(text: &str) -> Kind {
    // Most are words; asking costs a parser each.
    let first = text.trim_start_matches(['+', '-', '.']).chars().next().unwrap_or('0');
    if first.is_alphabetic() && !matches!(first.to_ascii_lowercase(), 't' | 'f' | 'n' | 'i') {
        return Kind::Text(text.to_owned());
    }
    match serde_yaml::from_str::<Value>(text) {
        Ok(Value::Null) => Kind::Null,
        Ok(Value::Bool(value)) => Kind::Bool(value),
        Ok(Value::Number(number)) => {
            let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            whole.map_or_else(|| Kind::Float(number.as_f64().unwrap_or(f64::NAN)), Kind::Integer)
        }
        _ => Kind::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars() {
        for (text, kind) in [
            ("", Kind::Null),
            ("~", Kind::Null),
            ("null", Kind::Null),
            ("true", Kind::Bool(true)),
            ("FALSE", Kind::Bool(false)),
            ("yes", Kind::Text("yes".to_owned())),
            ("12", Kind::Integer(12)),
            ("-12", Kind::Integer(-12)),
            ("0x10", Kind::Integer(16)),
            ("18446744073709551615", Kind::Integer(u64::MAX.into())),
            ("1.5", Kind::Float(1.5)),
            ("1e3", Kind::Float(1000.0)),
            ("256Mi", Kind::Text("256Mi".to_owned())),
            ("tea", Kind::Text("tea".to_owned())),
            ("1.2.3.4", Kind::Text("1.2.3.4".to_owned())),
            ("nothing much: really", Kind::Text("nothing much: really".to_owned())),
        ] {
            assert_eq!(plain(text), kind, "{text:?}");
        }
    }
}
