//! The Pod beside the case's own: its members stand under their prefix.

use crate::facts::Facts;
use crate::judge::Remains;
use serde_json::Value;

/// Adds the facts of the Pod beside, its members under their prefix.
pub(super) fn merge(whole: &mut Facts, other: Facts, prefix: &str) {
    whole.identities.extend(other.identities.into_iter().map(|(name, ids)| (format!("{prefix}{name}"), ids)));
    let Value::Object(mut document) = other.document else { return };
    if let (Some(Value::Object(members)), Some(Value::Object(all))) =
        (document.remove("members"), whole.document.get_mut("members"))
    {
        all.extend(members.into_iter().map(|(name, member)| (format!("{prefix}{name}"), member)));
    }
    if let (Some(pod), Some(all)) = (document.remove("pod"), whole.document.as_object_mut()) {
        all.insert(prefix.trim_end_matches('/').to_owned(), pod);
    }
    for (path, file) in other.sources {
        let path = path.replacen("members.", &format!("members.{prefix}"), 1);
        whole.sources.insert(path, file);
    }
}

/// With the members of the Pod beside under their prefix.
pub(super) fn prefixed(mut remains: Remains, prefix: &str) -> Remains {
    for namespace in &mut remains.namespaces {
        namespace.member.insert_str(0, prefix);
    }
    remains
}
