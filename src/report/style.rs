//! Colours, where the reader's terminal has them.

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Use ANSI colours.
    pub colour: bool,
}

impl Style {
    fn wrap(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What conforms.
    pub fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// What does not.
    pub fn bad(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// What deserves a look: known differences, skips.
    pub fn notable(self, text: &str) -> String {
        self.wrap("33", text)
    }

    /// What may be passed over.
    pub fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// Headlines.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }
}
