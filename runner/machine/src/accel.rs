//! Hardware virtualisation where it truly works, emulation everywhere else.

use crate::deadline::Deadline;
use crate::error::Error;
use crate::image::Image;
use crate::progress::say;
use crate::qemu::Qemu;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How long the probe's kernel may take to its first line; 0.3 s where KVM works.
const PROBE: Duration = Duration::from_secs(5);

/// How the processor is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accel {
    /// The kernel's KVM.
    Kvm,
    /// QEMU's translation, for any host.
    Tcg,
}

impl Accel {
    /// Arguments of QEMU. Nehalem is the smallest processor that every Debian here runs on, and emulated the quickest.
    pub fn arguments(self) -> [&'static str; 4] {
        match self {
            Accel::Kvm => ["-accel", "kvm", "-cpu", "host"],
            Accel::Tcg => ["-accel", "tcg,thread=multi,tb-size=512", "-cpu", "Nehalem"],
        }
    }

    /// How many times slower system calls and forks are, for the suite's deadlines.
    pub fn time_factor(self) -> &'static str {
        match self {
            Accel::Kvm => "4",
            Accel::Tcg => "20",
        }
    }

    /// What this host has. /dev/kvm may be there and not work, or work a hundred times slower than emulation, so an image's
    /// kernel is started under it for a moment; where the processor shows no virtualisation that is spared.
    ///
    /// # Errors
    /// A signal asked for the end.
    pub fn probe(image: &Image, folder: &Path) -> Result<Accel, Error> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        if !Path::new("/dev/kvm").exists() || !has_virtualisation(&cpuinfo) {
            return Ok(Accel::Tcg);
        }
        match probe_kvm(image, folder) {
            Ok(()) => Ok(Accel::Kvm),
            Err(Error::Interrupted) => Err(Error::Interrupted),
            Err(why) => {
                say(&format!("/dev/kvm is there but does not work, so this is emulated: {why}"));
                Ok(Accel::Tcg)
            }
        }
    }
}

fn probe_kvm(image: &Image, folder: &Path) -> Result<(), Error> {
    let (kernel, initrd) = (image.kernel(), image.initrd());
    let mut arguments: Vec<String> = Accel::Kvm.arguments().map(str::to_owned).into();
    arguments.extend(
        ["-machine", "q35", "-m", "256", "-nodefaults", "-no-user-config", "-display", "none"].map(str::to_owned),
    );
    arguments.extend(["-no-reboot", "-serial", "stdio", "-kernel"].map(str::to_owned));
    arguments.extend([kernel.display().to_string(), "-initrd".to_owned(), initrd.display().to_string()]);
    arguments.extend(["-append".to_owned(), "console=ttyS0 quiet panic=-1 podcheck-vm.probe".to_owned()]);
    let mut qemu = Qemu::start(&arguments, folder)?;
    let deadline = Deadline::start("the probe of KVM", PROBE);
    deadline.poll(|| {
        if qemu.console().contains("podcheck-vm: probed") {
            return Ok(Some(()));
        }
        qemu.still_there().map(|()| None)
    })
}

fn has_virtualisation(cpuinfo: &str) -> bool {
    let flags = cpuinfo.lines().filter(|line| line.starts_with("flags"));
    flags.flat_map(str::split_whitespace).any(|flag| flag == "vmx" || flag == "svm")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_says_whether_it_virtualises() {
        assert!(has_virtualisation("processor : 0\nflags\t\t: fpu vme vmx ssse3\n"));
        assert!(has_virtualisation("flags : fpu svm\n"));
        assert!(!has_virtualisation("flags : fpu svm_lock\nbugs : vmx\n"));
    }
}
