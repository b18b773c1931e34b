//! Paths of facts: `members.app.limits.memory_bytes`; a part with dots, slashes or brackets stands in brackets:
//! `members.app.mounts[/etc/hosts].options`. And paths in a container's root.

use std::collections::BTreeMap;

/// The parts of a path; `None` if it is none: an empty part, a bracket that is not closed.
pub fn parts(path: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']')?;
            parts.push(&inner[..end]);
            rest = &inner[end + 1..];
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            parts.push(&rest[..end]);
            rest = &rest[end..];
        }
        match rest.strip_prefix('.') {
            Some("") => return None,
            Some(after) => rest = after,
            None if rest.is_empty() || rest.starts_with('[') => {}
            None => return None,
        }
    }
    (!parts.is_empty() && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

/// Where a path of a container's leads, by what is known of its root; as it is written, without `.`, `..` and needless slashes,
/// where nothing is.
pub fn place(places: &BTreeMap<String, String>, path: &str) -> String {
    places.get(path).cloned().unwrap_or_else(|| plain(path))
}

/// An absolute path without `.`, `..` and needless slashes, links left alone.
pub fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// A path with one more part.
pub fn join(path: &str, part: &str) -> String {
    let plain = part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match (plain, path.is_empty()) {
        (true, true) => part.to_owned(),
        (true, false) => format!("{path}.{part}"),
        (false, _) => format!("{path}[{part}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_where_its_container_says_or_as_it_is_written() {
        let places = BTreeMap::from([("/var/run/x/".to_owned(), "/run/x".to_owned())]);
        for (path, leads) in [
            ("/var/run/x/", "/run/x"),
            ("/var/run/y/", "/var/run/y"),
            ("/a//b/./../c", "/a/c"),
            ("/..", "/"),
            ("x", "/x"),
        ] {
            assert_eq!(place(&places, path), leads, "{path}");
        }
    }

    #[test]
    fn a_part_with_dots_or_slashes_stands_in_brackets() {
        let path = join(&join(&join("members", "app"), "mounts"), "/etc/resolv.conf");
        assert_eq!(path, "members.app.mounts[/etc/resolv.conf]");
        assert_eq!(parts(&join(&path, "type")), Some(vec!["members", "app", "mounts", "/etc/resolv.conf", "type"]));
        assert_eq!(parts("a.b-c"), Some(vec!["a", "b-c"]));
        assert_eq!(parts("[/x][y].z"), Some(vec!["/x", "y", "z"]));
        for broken in ["", "a.", ".a", "a..b", "a[/x", "a[/x]y", "a[]"] {
            assert_eq!(parts(broken), None, "{broken:?}");
        }
    }
}
