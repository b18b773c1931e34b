//! Pods that a daemon cannot make, by its version: they are not asked of it, since it would make another Pod without a word.

use crate::plan::Plan;
use crate::runtime::version::is_from;

/// Why containerd of that version cannot make a Pod; `None` if it can.
///
/// Sources: <https://github.com/containerd/containerd/pull/9787>, <https://github.com/containerd/containerd/pull/5203>
pub(super) fn of_containerd(version: &str, plan: &Plan) -> Option<String> {
    if plan.needs_recursive_read_only() && !is_from((2, 0), version) {
        return Some(format!("containerd knows recursiveReadOnly from 2.0 on, this is {version}"));
    }
    let target = plan.containers.iter().find_map(|container| container.target.as_ref());
    if let Some(target) = target.filter(|_| !is_from((1, 5), version)) {
        return Some(format!(
            "containerd knows the pid namespace of {target} as a target from 1.5 on, this is {version}"
        ));
    }
    plan.containers.iter().any(|container| container.stop_signal.is_some()).then(|| {
        format!("stopSignal takes a field of CRI that containerd {version} does not read, and podcheck does not write")
    })
}
