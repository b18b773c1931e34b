//! Sizes of huge pages.

use std::fmt;

/// The size of a huge page. Shown as the kernel spells it in the names of the hugetlb controller's files: `64KB`, `2MB`, `1GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct HugePageSize(u64);

impl HugePageSize {
    /// One of that many bytes; `None` if it is no power of two, or less than the kernel has a name for.
    pub fn new(bytes: u64) -> Option<HugePageSize> {
        (bytes.is_power_of_two() && bytes >= 1 << 10).then_some(HugePageSize(bytes))
    }

    /// In bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

/// Source: the kernel's mm/hugetlb_cgroup.c, `mem_fmt`.
impl fmt::Display for HugePageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes @ 0x4000_0000.. => write!(f, "{}GB", bytes >> 30),
            bytes @ 0x10_0000.. => write!(f, "{}MB", bytes >> 20),
            bytes => write!(f, "{}KB", bytes >> 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_called_as_the_kernel_calls_them() {
        for (bytes, name) in
            [(64 << 10, "64KB"), (512 << 10, "512KB"), (2 << 20, "2MB"), (1 << 30, "1GB"), (16 << 30, "16GB")]
        {
            assert_eq!(HugePageSize::new(bytes).map(|size| size.to_string()).as_deref(), Some(name));
        }
        for bytes in [0, 512, 3 << 20, (2 << 20) + 1] {
            assert_eq!(HugePageSize::new(bytes), None, "{bytes}");
        }
    }
}
