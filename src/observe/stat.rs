//! `/proc/<pid>/stat`, as far as it tells one process from another, and how it is scheduled.

use super::error::Malformed;
use procfs::FromRead;
use procfs::process::StatFlags;

/// Who a process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its name, as `comm` has it.
    pub comm: String,
    /// `R`, `S`, … `Z` is a zombie.
    pub state: char,
    /// Its parent, 0 if that is outside our PID namespace.
    pub parent: i32,
    /// It is on its way out, whatever its state is still said to be.
    pub exiting: bool,
    /// When it started, in ticks since boot: with the pid, an identity that is never used twice.
    pub started: u64,
    /// Nice value.
    pub nice: i32,
    /// Scheduling policy by the kernel's number.
    pub policy: u32,
}

impl Stat {
    /// It runs: neither a zombie nor about to vanish.
    pub fn is_running(&self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }
}

/// Parses it. The name may hold spaces and brackets.
pub fn parse(text: &str) -> Result<Stat, Malformed> {
    let malformed = || Malformed::new("`pid (name) state parent … nice … started … policy`", text);
    // A text that is cut within the name is more than procfs can take.
    if !text.split_once(" (").is_some_and(|(_, rest)| rest.contains(") ")) {
        return Err(malformed());
    }
    let stat = procfs::process::Stat::from_read(text.as_bytes()).map_err(|_| malformed())?;
    let exiting = StatFlags::from_bits_retain(stat.flags).contains(StatFlags::PF_EXITING);
    Ok(Stat {
        state: stat.state,
        parent: stat.ppid,
        exiting,
        started: stat.starttime,
        nice: i32::try_from(stat.nice).map_err(|_| malformed())?,
        policy: stat.policy.ok_or_else(malformed)?,
        comm: stat.comm,
    })
}

/// The text of a process that sleeps.
#[cfg(test)]
pub(super) const SLEEP: &str = "8917 (a) b (c) S 8895 8917 8895 0 -1 4194304 104 0 0 0 0 0 0 0 20 0 1 0 1216471 5623808 428 \
                     18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_may_hold_brackets() {
        let stat = parse(SLEEP).expect("good text");
        let comm = "a) b (c".to_owned();
        assert_eq!(
            stat,
            Stat { comm, state: 'S', parent: 8895, exiting: false, started: 1_216_471, nice: 0, policy: 0 }
        );
        let other = SLEEP.replace(" 20 0 1 0 ", " 30 10 1 0 ").replace(" 17 1 0 0 ", " 17 1 0 3 ");
        let other = parse(&other).expect("good text");
        assert_eq!((other.nice, other.policy), (10, 3));
        assert!(stat.is_running());
    }

    #[test]
    fn a_zombie_does_not_run() {
        assert!(!parse(&SLEEP.replace(") S", ") Z")).expect("good text").is_running());
    }

    #[test]
    fn one_that_exits_says_so_before_it_is_a_zombie() {
        assert!(parse(&SLEEP.replace(" 4194304 ", " 4194308 ")).expect("good text").exiting);
    }

    #[test]
    fn cut_text_is_refused() {
        for text in [
            "",
            "8917 (sleep",
            "8917 (sleep)",
            ") 8917 (",
            "8917 (sleep) S",
            "8917 (sleep) S 1 2 3",
            &SLEEP.replace("1216471", "soon"),
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
