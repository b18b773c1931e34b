//! ConfigMaps and Secrets: what a Pod takes from elsewhere, given beside it.

use crate::diagnostic::yaml::{self, Cursor};
use std::collections::BTreeMap;

/// Keys of a ConfigMap or Secret and their contents.
pub type Data = BTreeMap<String, Vec<u8>>;

/// The ConfigMaps and Secrets that Pods of a case, or of a manifest, may take from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    /// By name.
    pub config_maps: BTreeMap<String, Data>,
    /// By name.
    pub secrets: BTreeMap<String, Data>,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ConfigMap,
    Secret,
}

impl Objects {
    /// Adds those of a case's `configMaps:` or `secrets:`, name → key → text.
    pub fn read_case(into: &mut BTreeMap<String, Data>, cursor: &Cursor<'_>) {
        for (name, value) in cursor.entries().unwrap_or_default() {
            if !super::is_subdomain(name) {
                value.fault_at_key(format!("{name:?} is not a DNS subdomain"), "as Kubernetes names its objects");
            }
            let mut data = Data::new();
            texts(&value, &mut data);
            into.insert(name.to_owned(), data);
        }
    }

    /// Adds a v1 ConfigMap or Secret document; one in a list of such need not say which version it is of.
    pub(super) fn read_document(&mut self, cursor: &Cursor<'_>, kind: Kind, in_list: bool) {
        let secret = kind == Kind::Secret;
        match cursor.get("apiVersion") {
            Some(version) => drop(version.one_of(&["v1"])),
            None if in_list => {}
            None => cursor.fault("the document has no apiVersion", "add `apiVersion: v1`"),
        }
        let mut data = Data::new();
        for (key, value) in cursor.entries().unwrap_or_default() {
            match (key, secret) {
                ("apiVersion" | "kind" | "metadata" | "immutable", _) | ("type", true) => {}
                ("data", false) => texts(&value, &mut data),
                ("binaryData", false) | ("data", true) => encoded(&value, &mut data),
                // As the API server has it, it goes over `data`: whatever their order.
                ("stringData", true) => {}
                (_, false) => value.unknown_key("a ConfigMap", &["metadata", "data", "binaryData", "immutable"]),
                (_, true) => value.unknown_key("a Secret", &["metadata", "data", "stringData", "type", "immutable"]),
            }
        }
        if let Some(value) = cursor.get("stringData").filter(|_| secret) {
            texts(&value, &mut data);
        }
        let Some(name) = cursor.get("metadata").and_then(|metadata| metadata.get("name")) else {
            return cursor.fault("the document has no name", "add metadata: {name: ...}");
        };
        let Some(text) = super::names::subdomain(&name) else { return };
        let into = if secret { &mut self.secrets } else { &mut self.config_maps };
        if into.insert(text.clone(), data).is_some() {
            name.fault(format!("{text:?} stands twice"), "each has a name of its own");
        }
    }
}

fn texts(cursor: &Cursor<'_>, data: &mut Data) {
    if matches!(cursor.node().kind, yaml::Kind::Null) {
        return;
    }
    for (key, value) in cursor.entries().unwrap_or_default() {
        if let (true, Some(text)) = (is_key(key, &value), value.text()) {
            data.insert(key.to_owned(), text.as_bytes().to_vec());
        }
    }
}

fn encoded(cursor: &Cursor<'_>, data: &mut Data) {
    for (key, value) in cursor.entries().unwrap_or_default() {
        let Some(text) = value.text().filter(|_| is_key(key, &value)) else { continue };
        match decode(text) {
            Some(bytes) => drop(data.insert(key.to_owned(), bytes)),
            None => value.fault("this is not base64", "as `base64` prints it; plain text belongs into stringData"),
        }
    }
}

fn is_key(key: &str, value: &Cursor<'_>) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let good = (1..=253).contains(&key.len()) && key.chars().all(fits) && key != "." && !key.starts_with("..");
    if !good {
        value.fault_at_key(format!("{key:?} cannot be a key"), "expected letters, digits, `-`, `_` and `.`");
    }
    good
}

/// Base64 with its padding; blanks and line ends are passed over.
fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let padding = digits.iter().rev().take_while(|byte| **byte == b'=').count();
    if !digits.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut bytes = Vec::new();
    for group in digits[..digits.len() - padding].chunks(4) {
        let mut bits: u32 = 0;
        for byte in group {
            bits = bits << 6 | u32::from(value(*byte)?);
        }
        bits <<= 6 * (4 - group.len());
        bytes.extend(bits.to_be_bytes()[1..].iter().take(group.len() - 1));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn base64_with_its_padding() {
        for (text, bytes) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9v\nYmE=", "fooba"), ("Pz8/", "???")]
        {
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        for text in ["Zg", "Zg=", "====", "Z*==", "Zg==Zg=="] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
