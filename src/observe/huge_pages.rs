//! What the files of the hugetlb controller are called: one a size that this kernel has.

use crate::host::huge_page_sizes;
use std::sync::OnceLock;

/// One size.
pub struct HugePages {
    /// As the kernel spells it: `2MB`.
    pub name: String,
    /// The fact that shows its limit.
    pub fact: String,
    pub v1: String,
    pub v2: String,
    /// v1 has no word for "none": it prints the largest number of bytes that is whole pages.
    pub v1_no_limit: u64,
}

/// All sizes, once a process.
pub fn all() -> &'static [HugePages] {
    static ALL: OnceLock<Vec<HugePages>> = OnceLock::new();
    ALL.get_or_init(|| {
        let sizes = huge_page_sizes().iter().map(|size| HugePages {
            name: size.to_string(),
            fact: format!("huge_pages.{size}"),
            v1: format!("hugetlb.{size}.limit_in_bytes"),
            v2: format!("hugetlb.{size}.max"),
            v1_no_limit: (u64::MAX >> 1) & !(size.bytes() - 1),
        });
        sizes.collect()
    })
}
