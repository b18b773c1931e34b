//! How a program ends: an exit status, or a fault that says which system call refused what.

use nix::errno::Errno;
use std::ffi::OsString;
use std::io::{self, Write};

/// What a program returns: its exit status.
pub(super) type Outcome = Result<i32, Fault>;

/// Why a program could not do its work.
#[derive(Debug)]
pub(super) enum Fault {
    /// It was called wrongly; exit status 2.
    Usage(String),
    /// A system call failed; exit status 1.
    Failed {
        /// What was tried, an infinitive: `open /etc/passwd`.
        what: String,
        /// What the kernel said.
        why: io::Error,
    },
    /// Something else is not as it should be; exit status 1.
    Other(String),
}

impl Fault {
    /// A wrong call.
    pub(super) fn usage(why: impl Into<String>) -> Fault {
        Fault::Usage(why.into())
    }

    /// The fault in words; an error of the kernel by its name (`EROFS`), which cases look for.
    pub(super) fn text(&self) -> String {
        match self {
            Fault::Usage(why) | Fault::Other(why) => why.clone(),
            Fault::Failed { what, why } => match why.raw_os_error() {
                Some(number) => format!("{what}: {:?}", Errno::from_raw(number)),
                None => format!("{what}: {why}"),
            },
        }
    }
}

/// Names what was tried when a call fails.
pub(super) trait Doing<T> {
    /// `what` is an infinitive with its object: `open /etc/passwd`.
    fn doing(self, what: impl Into<String>) -> Result<T, Fault>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl Into<String>) -> Result<T, Fault> {
        self.map_err(|why| Fault::Failed { what: what.into(), why: why.into() })
    }
}

/// The operands, if there are exactly so many.
pub(super) fn exactly<const N: usize>(args: &[OsString]) -> Result<&[OsString; N], Fault> {
    args.try_into().map_err(|_| Fault::usage(format!("{N} operands are wanted, not {}", args.len())))
}

/// Writes to standard output at once.
pub(super) fn print(bytes: impl AsRef<[u8]>) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    out.write_all(bytes.as_ref()).and_then(|()| out.flush()).doing("write to standard output")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_kernel_is_told_by_its_name() {
        let refused: Result<(), Errno> = Err(Errno::EADDRINUSE);
        let fault = refused.doing("listen on port 80").expect_err("it failed");
        assert_eq!(fault.text(), "listen on port 80: EADDRINUSE");
    }

    #[test]
    fn a_wrong_number_of_operands_is_a_wrong_call() {
        let args = [OsString::from("a")];
        assert!(exactly::<1>(&args).is_ok());
        assert!(matches!(exactly::<2>(&args), Err(Fault::Usage(why)) if why == "2 operands are wanted, not 1"));
    }
}
