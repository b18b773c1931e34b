//! What a manifest takes from a Pod that is yet to be made: its address and its uid.

/// A value that is known only once the Pod is made. Until then a mark stands for it, in variables and in what is expanded
/// with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
    /// The Pod's address, known when the sandbox is up.
    Address,
    /// The Pod's uid, of a manifest that gives none.
    Uid,
}

impl Later {
    const ALL: [Later; 2] = [Later::Address, Later::Uid];

    /// What stands for it. With NUL, which no variable or argument can hold and no manifest may have in one.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Later::Address => "\0address\0",
            Later::Uid => "\0uid\0",
        }
    }

    /// Puts it into a value, wherever it is marked.
    pub fn put_into(self, text: &mut String, value: &str) {
        if text.contains(self.mark()) {
            *text = text.replace(self.mark(), value);
        }
    }

    /// A value as facts show it, which have no address or uid of one run: `<address>`, `<uid>`.
    pub fn shown(text: &str) -> String {
        let mut text = text.to_owned();
        for later in Later::ALL {
            let name = format!("<{}>", later.mark().trim_matches('\0'));
            later.put_into(&mut text, &name);
        }
        text
    }
}

/// What a node gives to its Pods, of which a container without a limit may use all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocatable {
    /// Processors.
    Cpu,
    /// Bytes of memory.
    Memory,
}

impl Allocatable {
    /// What stands for it until the node is known, in units of a divisor, which is given in thousandths.
    pub(super) fn mark(self, divisor_milli: u128) -> String {
        format!("\0{}/{divisor_milli}\0", self.word())
    }

    fn word(self) -> &'static str {
        match self {
            Allocatable::Cpu => "cpu",
            Allocatable::Memory => "memory",
        }
    }

    /// Puts the amount, given in thousandths, into a value wherever it is marked, rounded up.
    pub fn put_into(self, text: &mut String, milli: u128) {
        let start = format!("\0{}/", self.word());
        while let Some((before, marked)) = text.split_once(&start) {
            let Some((divisor, after)) = marked.split_once('\0') else { return };
            let units = milli.div_ceil(divisor.parse().unwrap_or(1000).max(1));
            *text = format!("{before}{units}{after}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Allocatable, Later};

    #[test]
    fn what_a_node_has_is_given_in_units_of_the_divisor() {
        let mut text = format!("{} of {}", Allocatable::Memory.mark(1000 << 20), Allocatable::Cpu.mark(1000));
        Allocatable::Memory.put_into(&mut text, 1000 * ((8 << 30) + 1));
        Allocatable::Cpu.put_into(&mut text, 3500);
        assert_eq!(text, "8193 of 4");
    }

    #[test]
    fn a_mark_is_put_in_or_shown_by_its_name() {
        let mut text = format!("http://{}:80/{}", Later::Address.mark(), Later::Uid.mark());
        assert_eq!(Later::shown(&text), "http://<address>:80/<uid>");
        Later::Address.put_into(&mut text, "10.0.0.2");
        assert_eq!(text, format!("http://10.0.0.2:80/{}", Later::Uid.mark()));
        assert_eq!(Later::shown("plain <address>"), "plain <address>");
    }
}
