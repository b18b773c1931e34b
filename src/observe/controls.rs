//! Files of a cgroup that neither a manifest nor a kubelet writes, so that each must hold what the kernel put there.
//! Source: the kernel's Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.

use super::limits::{Limit, v1_bytes};

/// What the kernel puts into a file of a new cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Untouched {
    /// This text.
    Is(&'static str),
    /// v1's largest number of bytes.
    NoLimit,
    /// What the cgroup above has, or the scheduler's own default: as the Pod's cgroup, where nobody wrote it either.
    AsThePods,
}

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// Its controller.
    pub controller: &'static str,
    /// It is v2's.
    pub unified: bool,
    /// Its name.
    pub file: &'static str,
    untouched: Untouched,
}

const fn v1(controller: &'static str, file: &'static str, untouched: Untouched) -> Control {
    Control { controller, unified: false, file, untouched }
}

const fn v2(controller: &'static str, file: &'static str, untouched: Untouched) -> Control {
    Control { controller, unified: true, file, untouched }
}

/// The files. Which of them there are depends on the kernel.
pub const CONTROLS: &[Control] = &[
    v1("memory", "memory.swappiness", Untouched::AsThePods),
    v1("memory", "memory.soft_limit_in_bytes", Untouched::NoLimit),
    v1("memory", "memory.oom_control", Untouched::Is("oom_kill_disable 0")),
    v1("cpu", "cpu.cfs_burst_us", Untouched::Is("0")),
    v1("cpu", "cpu.rt_runtime_us", Untouched::Is("0")),
    v1("cpu", "cpu.idle", Untouched::Is("0")),
    v1("blkio", "blkio.weight", Untouched::AsThePods),
    v1("blkio", "blkio.bfq.weight", Untouched::AsThePods),
    v1("blkio", "blkio.throttle.read_bps_device", Untouched::Is("")),
    v1("blkio", "blkio.throttle.write_bps_device", Untouched::Is("")),
    v1("blkio", "blkio.throttle.read_iops_device", Untouched::Is("")),
    v1("blkio", "blkio.throttle.write_iops_device", Untouched::Is("")),
    v2("memory", "memory.min", Untouched::Is("0")),
    v2("memory", "memory.low", Untouched::Is("0")),
    v2("memory", "memory.high", Untouched::Is("max")),
    v2("cpu", "cpu.max.burst", Untouched::Is("0")),
    v2("cpu", "cpu.idle", Untouched::Is("0")),
    v2("io", "io.max", Untouched::Is("")),
    v2("io", "io.weight", Untouched::AsThePods),
    v2("io", "io.bfq.weight", Untouched::AsThePods),
];

impl Control {
    /// What is kept of its text: one line. `memory.oom_control` has counts below its first.
    pub fn value(&self, text: &str) -> String {
        let lines = text.lines().take(if self.file == "memory.oom_control" { 1 } else { usize::MAX });
        lines.map(str::trim).collect::<Vec<_>>().join(", ")
    }

    /// Whether members' are compared with what the Pod's own cgroup has.
    pub fn is_compared(&self) -> bool {
        self.untouched == Untouched::AsThePods
    }

    /// Whether `value` is what the kernel put there; `of_pod` is what the Pod's own cgroup has. `None` where that decides
    /// and is not known.
    pub fn is_untouched(&self, value: &str, of_pod: Option<&str>) -> Option<bool> {
        match self.untouched {
            Untouched::Is(default) => Some(value == default),
            Untouched::NoLimit => Some(v1_bytes(value) == Ok(Limit::Max)),
            Untouched::AsThePods => of_pod.map(|of_pod| value == of_pod),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(file: &str) -> &'static Control {
        CONTROLS.iter().find(|control| control.file == file).expect("in the table")
    }

    #[test]
    fn what_the_kernel_put_there_is_known() {
        for (file, text, of_pod, untouched) in [
            ("memory.swappiness", "60\n", Some("60"), Some(true)),
            ("memory.swappiness", "10\n", Some("60"), Some(false)),
            ("memory.swappiness", "10\n", None, None),
            ("memory.soft_limit_in_bytes", "9223372036854771712\n", None, Some(true)),
            ("memory.soft_limit_in_bytes", "16777216\n", None, Some(false)),
            ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", None, Some(true)),
            ("memory.oom_control", "oom_kill_disable 1\nunder_oom 0\n", None, Some(false)),
            ("cpu.max.burst", "1000\n", Some("1000"), Some(false)),
            ("io.max", "8:0 rbps=1000 wbps=max riops=max wiops=max\n", None, Some(false)),
            ("blkio.throttle.read_bps_device", "", None, Some(true)),
        ] {
            let control = control(file);
            assert_eq!(control.is_untouched(&control.value(text), of_pod), untouched, "{file} {text:?}");
        }
    }
}
