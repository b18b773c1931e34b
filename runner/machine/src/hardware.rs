//! The machine that QEMU is told to be: the same words when it is frozen and when it is restored, or it will not be taken.
//!
//! QEMU runs in the folder of the run, where the two drives and the sockets are, so that these words depend on no path.

use crate::accel::Accel;
use crate::kind::{Cgroup, Kind, Suite};
use std::path::Path;

/// Memory in MiB. The suite's Pods live on a tmpfs, as do the private daemons' folders.
const MEMORY_MIB: u32 = 3072;
/// Processors; the suite runs a trial on each.
const PROCESSORS: u32 = 2;
/// Size of the drive with what is run, in bytes: part of the frozen devices, so the same for all.
pub const IN_BYTES: u64 = 1 << 30;
/// Size of the drive for what comes of it, in bytes.
pub const OUT_BYTES: u64 = 512 << 20;

/// Names in the folder of the run.
pub mod name {
    /// What is run, a tar archive.
    pub const IN: &str = "in.tar";
    /// What comes of it, a tar archive.
    pub const OUT: &str = "out.tar";
    /// QEMU's monitor.
    pub const MONITOR: &str = "monitor";
    /// ttyS1: what the guest and the runner say to each other.
    pub const CONTROL: &str = "control";
    /// Standard output of what is run.
    pub const STDOUT: &str = "stdout";
    /// Its standard error.
    pub const STDERR: &str = "stderr";
}

/// Whether memory and disk are made for good, or a made machine is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Memory goes into its file, and writes to the disk into its overlay.
    Freeze,
    /// Memory is a private copy of the file; writes to the disk go into a file that has no name.
    Restore,
}

/// The files that a machine is made of.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The kernel.
    pub kernel: &'a Path,
    /// The initial RAM disk.
    pub initrd: &'a Path,
    /// The disk's overlay over the image.
    pub disk: &'a Path,
    /// The memory.
    pub memory: &'a Path,
}

/// Arguments of QEMU.
pub fn arguments(kind: Kind, accel: Accel, to: Use, parts: &Parts) -> Vec<String> {
    let (share, snapshot) = match to {
        Use::Freeze => ("on", "off"),
        Use::Restore => ("off", "on"),
    };
    let mut all: Vec<String> = accel.arguments().map(str::to_owned).into();
    let mut add = |words: &[&str]| all.extend(words.iter().map(|word| (*word).to_owned()));
    let memory = parts.memory.display();
    add(&["-object", &format!("memory-backend-file,id=ram,size={MEMORY_MIB}M,mem-path={memory},share={share}")]);
    add(&["-machine", "q35,memory-backend=ram", "-smp", &PROCESSORS.to_string(), "-m", &MEMORY_MIB.to_string()]);
    add(&["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"]);
    for (id, option) in [(name::MONITOR, "-qmp"), (name::CONTROL, "-serial")] {
        add(&["-chardev", &format!("socket,id={id},path={id},server=on,wait=off"), option, &format!("chardev:{id}")]);
    }
    let disk = parts.disk.display();
    add(&["-drive", &format!("if=none,id=root,file={disk},format=qcow2,cache=unsafe,snapshot={snapshot}")]);
    add(&["-drive", &format!("if=none,id=in,file={},format=raw,readonly=on", name::IN)]);
    add(&["-drive", &format!("if=none,id=out,file={},format=raw,cache=unsafe", name::OUT)]);
    for drive in ["root", "in", "out"] {
        add(&["-device", &format!("virtio-blk-pci,drive={drive}")]);
    }
    add(&["-device", "virtio-rng-pci", "-device", "virtio-serial-pci,id=ports"]);
    for (number, id) in [(1, name::STDOUT), (2, name::STDERR)] {
        add(&["-chardev", &format!("socket,id={id},path={id},server=on,wait=off")]);
        add(&["-device", &format!("virtserialport,bus=ports.0,chardev={id},nr={number},name={id}")]);
    }
    add(&["-kernel", &parts.kernel.display().to_string(), "-initrd", &parts.initrd.display().to_string()]);
    add(&["-append", &kernel_line(kind)]);
    if to == Use::Restore {
        add(&["-incoming", "defer"]);
    }
    all
}

/// The kernel's command line.
///
/// Emulation is slow enough under load that the kernel gives up on its timer ("8254 timer not connected") unless it is told
/// not to check; the time stamp counter it then mistrusts is emulated as well. AppArmor is off: no profile is loaded here.
/// Programs lie at the same addresses in every process: QEMU translates code anew for each address that it is met at, which
/// took a third of the time of a suite whose runtimes start programs all the time. A timer that ticks is left alone, where one
/// that is set anew for every sleep is a write to an emulated device each time: another sixth.
/// Some huge pages are set apart for the cases that use them: podcheck itself never does that.
pub fn kernel_line(kind: Kind) -> String {
    let unified = match kind.cgroup {
        Cgroup::V1 => "systemd.unified_cgroup_hierarchy=0",
        Cgroup::V2 => "systemd.unified_cgroup_hierarchy=1",
    };
    // Since systemd 256 it takes a second word to have v1; no suite here needs it, and trixie cannot.
    debug_assert!(kind.suite != Suite::Trixie || kind.cgroup == Cgroup::V2);
    [
        "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable mitigations=off random.trust_cpu=1 audit=0 apparmor=0 edd=off",
        "norandmaps nohz=off highres=off hugepagesz=2M hugepages=16",
        "systemd.show_status=false systemd.unit=podcheck-vm.target",
        unified,
    ]
    .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str, to: Use) -> String {
        let parts =
            Parts { kernel: Path::new("/k"), initrd: Path::new("/i"), disk: Path::new("/d"), memory: Path::new("/m") };
        arguments(kind.parse().expect("a kind"), Accel::Tcg, to, &parts).join(" ")
    }

    #[test]
    fn a_restored_machine_is_the_frozen_one_but_for_what_it_writes() {
        let frozen = of("bookworm/v2", Use::Freeze);
        let restored = of("bookworm/v2", Use::Restore);
        let expected =
            frozen.replace("share=on", "share=off").replace("snapshot=off", "snapshot=on") + " -incoming defer";
        assert_eq!(restored, expected);
        assert!(frozen.contains("mem-path=/m,share=on"));
    }

    #[test]
    fn systemd_is_told_which_cgroups() {
        assert!(kernel_line("bookworm/v1".parse().expect("a kind")).ends_with("unified_cgroup_hierarchy=0"));
        assert!(kernel_line("trixie/v2".parse().expect("a kind")).ends_with("unified_cgroup_hierarchy=1"));
    }
}
