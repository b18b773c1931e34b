//! Judges facts: the contract every Pod is held to, a case's own expectations, and known differences. No input or output.

mod again;
mod check;
mod contract;
mod ended;
mod exec;
mod expectation;
mod gone;
mod known;
mod look;
mod refusal;
mod step;
mod unmoved;
mod verdict;

pub use again::{Resized, again};
pub use check::{Check, Level, Outcome};
pub use contract::{HostCaps, contract, ours, paths_to_probe};
pub use ended::{Meant, Seen as EndSeen, did_not_wait, ended, ended_by_itself};
pub use exec::{EXEC, exec};
pub use expectation::expectations;
pub use gone::{NamespaceLeft, Remains, gone};
pub use known::{Applied, Context, apply_known, declared};
pub use refusal::{Shown, refused, unreadable};
pub use step::{Ended, OOM_KILLED, Ran, StepContext, ends, outcome, run};
pub use unmoved::unmoved;
pub use verdict::{Verdict, checks_run, verdict};
