//! How a kubelet's cgroup driver names the cgroups of a Pod on the host.

/// The slices of a cgroup that a plan names (`kubepods/burstable/pod<uid>`) below the slice `root` (without `.slice`), outermost
/// first and `root` itself among them. A dash in a slice's name leads to the one below, so that of a uid is written `_`.
/// Source: Kubernetes pkg/kubelet/cm/cgroup_manager_linux.go, `CgroupName.ToSystemd`.
pub fn slices(root: &str, path: &str) -> Vec<String> {
    let mut name = root.to_owned();
    let mut slices = vec![format!("{name}.slice")];
    for part in path.split('/').filter(|part| !part.is_empty()) {
        name = format!("{name}-{}", part.replace('-', "_"));
        slices.push(format!("{name}.slice"));
    }
    slices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_named_after_all_above_it() {
        assert_eq!(
            slices("root", "kubepods/burstable/pod1-2"),
            [
                "root.slice",
                "root-kubepods.slice",
                "root-kubepods-burstable.slice",
                "root-kubepods-burstable-pod1_2.slice"
            ]
        );
        assert_eq!(slices("root", ""), ["root.slice"]);
    }
}
