//! Names as Kubernetes allows them.

use crate::diagnostic::yaml::Cursor;

/// A DNS label (RFC 1123): a container's name, a host name.
pub fn is_label(name: &str) -> bool {
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('-') && !name.ends_with('-')
}

/// A DNS subdomain (RFC 1123): a Pod's name. Unlike a host's, each of its labels may be longer than 63.
pub fn is_subdomain(name: &str) -> bool {
    let part = |part: &str| {
        let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        !part.is_empty() && part.bytes().all(fits) && !part.starts_with('-') && !part.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

/// The text at a cursor as a label; a fault if it is none.
pub(super) fn label(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.text()?;
    if is_label(text) {
        return Some(text.to_owned());
    }
    let help = "expected at most 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit";
    cursor.fault(format!("{text:?} is not a DNS label"), help);
    None
}

/// The text at a cursor as a subdomain; a fault if it is none.
pub(super) fn subdomain(cursor: &Cursor<'_>) -> Option<String> {
    let text = cursor.text()?;
    if is_subdomain(text) {
        return Some(text.to_owned());
    }
    let help = "expected at most 253 lower-case letters, digits, `-` and `.`, each part beginning and ending with a letter or digit";
    cursor.fault(format!("{text:?} is not a DNS subdomain"), help);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "0", "app-1", &"a".repeat(63)] {
            assert!(is_label(name) && is_subdomain(name), "{name}");
        }
        for name in ["", "-a", "a-", "A", "a_b", "a b", "ä", &"a".repeat(254)] {
            assert!(!is_label(name) && !is_subdomain(name), "{name}");
        }
        assert!(is_subdomain("a.b-c.d") && !is_label("a.b"));
        assert!(is_subdomain(&"a".repeat(64)) && !is_label(&"a".repeat(64)));
        assert!(!is_subdomain("a..b") && !is_subdomain(".a") && !is_subdomain("a.-b"));
    }
}
