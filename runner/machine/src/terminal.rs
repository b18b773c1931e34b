//! The user's terminal while a shell in a machine has it.

use crate::error::Error;
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use std::io::stdin;

/// The terminal hands on every key; as it was before when this is dropped.
pub struct Raw {
    before: Termios,
}

impl Raw {
    /// Takes the terminal.
    ///
    /// # Errors
    /// Standard input is none.
    pub fn enter() -> Result<Raw, Error> {
        let failed = |why| Error::failed("set up the terminal", why);
        let before = tcgetattr(stdin()).map_err(failed)?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(stdin(), SetArg::TCSANOW, &raw).map_err(failed)?;
        Ok(Raw { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), SetArg::TCSADRAIN, &self.before);
    }
}

/// Rows and columns of the terminal; 24 and 80 where `stty` cannot say.
pub fn size() -> (u16, u16) {
    let asked = std::process::Command::new("stty").arg("size").stdin(std::process::Stdio::inherit()).output();
    let text = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    parse(&text).unwrap_or((24, 80))
}

fn parse(text: &str) -> Option<(u16, u16)> {
    let (rows, columns) = text.trim().split_once(' ')?;
    Some((rows.parse().ok().filter(|n| *n > 0)?, columns.parse().ok().filter(|n| *n > 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_rows_and_columns() {
        assert_eq!(parse("50 132\n"), Some((50, 132)));
        assert_eq!((parse(""), parse("0 0")), (None, None));
    }
}
