//! Names of signals, as Linux numbers them on x86 and ARM.

/// In the order of their numbers, from 1.
const NAMES: &[&str] = &[
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
];

/// The number of a signal by its name without SIG.
pub fn signal_number(name: &str) -> Option<i32> {
    let index = NAMES.iter().position(|known| *known == name)?;
    i32::try_from(index + 1).ok()
}

/// All names, for messages.
pub(super) fn names() -> &'static [&'static str] {
    NAMES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (name, number) in
            [("HUP", 1), ("KILL", 9), ("SEGV", 11), ("TERM", 15), ("CHLD", 17), ("XCPU", 24), ("SYS", 31)]
        {
            assert_eq!(signal_number(name), Some(number));
        }
        assert_eq!(signal_number("SIGKILL"), None);
    }
}
