//! Pods that a daemon cannot make, by its version: they are not asked of it, since it would make another Pod without a word.

use crate::plan::Plan;

/// Why containerd of that version cannot make a Pod; `None` if it can.
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

/// Whether it is of that release or a later one; one that cannot be read is not.
///
/// Sources: <https://github.com/containerd/containerd/pull/9787>, <https://github.com/containerd/containerd/pull/5203>
fn is_from(release: (u32, u32), version: &str) -> bool {
    let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
    let seen = numbers.next().zip(numbers.next());
    seen.is_some_and(|seen| seen >= release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_as_numbers() {
        for (version, expected) in
            [("1.4.13~ds1", false), ("1.5.0", true), ("1.10.1", true), ("2.0.0-rc.1", true), ("", false)]
        {
            assert_eq!(is_from((1, 5), version), expected, "{version}");
        }
    }
}
