//! Huge pages of this host: which sizes there are, and whether cgroups can limit them.

use super::cgroup::{CgroupRoot, Hierarchies, Hierarchy, Mode};
use crate::pod::HugePageSize;
use std::sync::OnceLock;

/// The kernel has a folder here for each size: `hugepages-2048kB`.
const SIZES: &str = "/sys/kernel/mm/hugepages";

/// The sizes that this kernel has, smallest first. Read once a process: they are the processor's.
pub fn huge_page_sizes() -> &'static [HugePageSize] {
    static SIZES_HERE: OnceLock<Vec<HugePageSize>> = OnceLock::new();
    SIZES_HERE.get_or_init(|| {
        let entries = std::fs::read_dir(SIZES).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut sizes: Vec<HugePageSize> = names.filter_map(|name| size(&name)).collect();
        sizes.sort_unstable();
        sizes
    })
}

/// Those that a runtime is asked to limit below a root; none where the host cannot.
pub fn limited_huge_page_sizes(root: &CgroupRoot) -> &'static [HugePageSize] {
    match Hierarchies::detect().is_ok_and(|hierarchies| limits(hierarchies, root).is_ok()) {
        true => huge_page_sizes(),
        false => &[],
    }
}

/// Whether huge pages can be limited below a root: how that is known, or why not.
pub(super) fn limits(hierarchies: &Hierarchies, root: &CgroupRoot) -> Result<String, String> {
    if huge_page_sizes().is_empty() {
        return Err(format!("{SIZES} lists no size of huge pages"));
    }
    match hierarchies.controller("hugetlb") {
        None => Err("no mounted cgroup hierarchy has hugetlb".to_owned()),
        // Source: opencontainers/cgroups (runc's), which knows v1 alone or v2 alone; containerd looks there, too.
        Some(hierarchy) if hierarchy.unified && hierarchies.mode() != Mode::V2 => {
            Err("this hybrid host has hugetlb in its v2 hierarchy, where runtimes set no limits".to_owned())
        }
        // systemd hands it down to nobody. A runtime does to its own containers, and so later than the Pod's cgroup is written.
        Some(hierarchy) if hierarchy.unified && !offers(hierarchy, root) => {
            Err(format!("hugetlb is not handed down to the cgroup {root}"))
        }
        Some(hierarchy) => Ok(format!("hugetlb is mounted at {}", hierarchy.mount_point.display())),
    }
}

fn offers(hierarchy: &Hierarchy, root: &CgroupRoot) -> bool {
    let file = hierarchy.dir(&root.to_string()).join("cgroup.controllers");
    std::fs::read_to_string(file).is_ok_and(|text| text.split_whitespace().any(|name| name == "hugetlb"))
}

/// How many pages of 2 MiB are free, as far as the kernel says.
pub(super) fn free_pages() -> Result<u64, String> {
    let file = format!("{SIZES}/hugepages-2048kB/free_hugepages");
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    text.trim().parse().map_err(|_| format!("{file} says {:?}", text.trim()))
}

fn size(folder: &str) -> Option<HugePageSize> {
    let kib: u64 = folder.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
    HugePageSize::new(kib.checked_mul(1024)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stand_in_the_folders_names() {
        for (folder, name) in [("hugepages-2048kB", "2MB"), ("hugepages-1048576kB", "1GB"), ("hugepages-64kB", "64KB")]
        {
            assert_eq!(size(folder).map(|size| size.to_string()).as_deref(), Some(name));
        }
        for folder in
            ["hugepages-", "hugepages-3kB", "hugepages-2MB", "other-2048kB", "hugepages-99999999999999999999kB"]
        {
            assert_eq!(size(folder), None, "{folder}");
        }
    }
}
