//! What the program says of its own doing: a line on standard error as something begins, or ends.

use std::time::Instant;

/// Says something.
pub fn say(text: &str) {
    eprintln!("podcheck-vm: {text}");
}

/// Says what begins, and when the result is dropped by [`Step::done`], how long it took.
pub struct Step {
    what: String,
    began: Instant,
}

impl Step {
    /// Begins.
    pub fn begin(what: impl Into<String>) -> Step {
        let what = what.into();
        say(&format!("{what} …"));
        Step { what, began: Instant::now() }
    }

    /// Ends well.
    pub fn done(self) {
        say(&format!("{}: {:.1} s", self.what, self.began.elapsed().as_secs_f64()));
    }
}
