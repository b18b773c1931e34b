//! The kernel modules that the initial RAM disk has to load, in order, from depmod's `modules.dep`.

use std::collections::BTreeMap;

/// Files below `/lib/modules/<version>/`, each after everything it needs. A name that is no module is built in.
pub fn load_order(modules_dep: &str, wanted: &[&str]) -> Vec<String> {
    let lines = modules_dep.lines().filter_map(|line| line.split_once(':'));
    let needs: BTreeMap<String, (&str, Vec<&str>)> =
        lines.map(|(file, needs)| (module_name(file), (file.trim(), needs.split_whitespace().collect()))).collect();
    let mut order = Vec::new();
    for name in wanted {
        add(&needs, &module_name(name), &mut order);
    }
    order
}

fn add(needs: &BTreeMap<String, (&str, Vec<&str>)>, name: &str, order: &mut Vec<String>) {
    let Some((file, first)) = needs.get(name) else { return };
    for file in first {
        add(needs, &module_name(file), order);
    }
    if !order.iter().any(|known| known == file) {
        order.push((*file).to_owned());
    }
}

/// `kernel/drivers/block/virtio_blk.ko.xz` is `virtio_blk`; the kernel takes `-` and `_` for the same.
pub fn module_name(file: &str) -> String {
    let base = file.trim().rsplit('/').next().unwrap_or_default();
    base.split_once('.').map_or(base, |(name, _)| name).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEP: &str = "\
kernel/drivers/virtio/virtio.ko.xz:
kernel/drivers/virtio/virtio_ring.ko.xz: kernel/drivers/virtio/virtio.ko.xz
kernel/drivers/block/virtio-blk.ko.xz: kernel/drivers/virtio/virtio_ring.ko.xz kernel/drivers/virtio/virtio.ko.xz
kernel/drivers/virtio/virtio_pci.ko.xz: kernel/drivers/virtio/virtio_ring.ko.xz kernel/drivers/virtio/virtio.ko.xz
";

    #[test]
    fn what_a_module_needs_comes_first_and_once() {
        let order = load_order(DEP, &["virtio_pci", "virtio_blk"]);
        let names: Vec<String> = order.iter().map(|file| module_name(file)).collect();
        assert_eq!(names, ["virtio", "virtio_ring", "virtio_pci", "virtio_blk"]);
        assert_eq!(order[3], "kernel/drivers/block/virtio-blk.ko.xz");
    }

    #[test]
    fn what_is_built_in_is_no_module() {
        assert!(load_order(DEP, &["ext4"]).is_empty());
    }
}
