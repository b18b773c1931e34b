//! The key of something cached: a digest of everything that goes into it.

use sha2::{Digest, Sha256};
use std::fmt;

/// Parts are added by name, so that none can be mistaken for another.
#[derive(Clone, Default)]
pub struct Key {
    digest: Sha256,
}

impl Key {
    /// A key of nothing yet.
    pub fn new() -> Key {
        Key::default()
    }

    /// Adds a part.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Key {
        for text in [name, value] {
            self.digest.update(text.len().to_le_bytes());
            self.digest.update(text);
        }
        self
    }
}

/// The first 16 digits of the digest: enough for a cache.
impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digest.clone().finalize().iter().take(8).try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts_and_stays_apart() {
        let key = |parts: &[(&str, &str)]| parts.iter().fold(Key::new(), |key, (n, v)| key.with(n, v)).to_string();
        assert_eq!(key(&[("suite", "bookworm")]), key(&[("suite", "bookworm")]));
        assert_ne!(key(&[("suite", "bookworm")]), key(&[("suite", "trixie")]));
        assert_ne!(key(&[("a", "bc")]), key(&[("ab", "c")]));
        assert_ne!(key(&[("a", "1"), ("b", "2")]), key(&[("b", "2"), ("a", "1")]));
        assert_eq!(key(&[]).len(), 16);
    }
}
