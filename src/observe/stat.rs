//! `/proc/<pid>/stat`, as far as it tells one process from another, and how it is scheduled.

use super::error::Malformed;
use super::words::number;

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

/// Of the kernel's flags: it has begun to exit. Source: the kernel's include/linux/sched.h.
const PF_EXITING: u64 = 4;

/// Parses it. The name may hold spaces and brackets, so it ends at the last `)`.
pub fn parse(text: &str) -> Result<Stat, Malformed> {
    let malformed = || Malformed::new("`pid (name) state parent … nice … started … policy`", text);
    let (head, rest) = text.rsplit_once(')').ok_or_else(malformed)?;
    let comm = head.split_once('(').ok_or_else(malformed)?.1.to_owned();
    let mut fields = rest.split_whitespace();
    let mut after = |skipped: usize| fields.nth(skipped).ok_or_else(malformed);
    let state = after(0)?.chars().next().ok_or_else(malformed)?;
    let parent = number(after(0)?)?;
    let flags: u64 = number(after(4)?)?;
    let nice = number(after(9)?)?;
    let started = number(after(2)?)?;
    let policy = number(after(18)?)?;
    Ok(Stat { comm, state, parent, exiting: flags & PF_EXITING != 0, started, nice, policy })
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
        for text in ["", "8917 (sleep", "8917 (sleep) S", "8917 (sleep) S 1 2 3", &SLEEP.replace("1216471", "soon")] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
