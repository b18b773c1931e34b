//! Small words that many kernel files share.

use super::error::Malformed;

/// NUL-separated text, as `cmdline` and `environ` are. A word may be empty.
pub fn nul_separated(text: &str) -> Vec<String> {
    let text = text.strip_suffix('\0').unwrap_or(text);
    if text.is_empty() { Vec::new() } else { text.split('\0').map(str::to_owned).collect() }
}

/// A whole number, alone in `text` but for white space.
pub fn number<T: std::str::FromStr>(text: &str) -> Result<T, Malformed> {
    text.trim().parse().map_err(|_| Malformed::new("a whole number", text.trim()))
}

/// The number after `key` in lines of `key value`, as cpu.stat has them; `None` if there is no such line.
pub fn keyed(text: &str, key: &str) -> Result<Option<u64>, Malformed> {
    text.lines()
        .find_map(|line| line.split_once(' ').filter(|(name, _)| *name == key))
        .map(|(_, value)| number(value))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_may_be_empty_and_may_lack_the_last_nul() {
        assert_eq!(nul_separated("sleep\0\x003650d\0"), ["sleep", "", "3650d"]);
        assert_eq!(nul_separated("serve+ready"), ["serve+ready"]);
        assert!(nul_separated("").is_empty());
    }

    #[test]
    fn a_key_is_found_by_its_whole_name() {
        let text = "nr_periods 12\nnr_throttled 7\nthrottled_time 881\n";
        assert_eq!(keyed(text, "nr_throttled"), Ok(Some(7)));
        assert_eq!(keyed(text, "nr"), Ok(None));
        assert!(keyed("oom_kill many\n", "oom_kill").is_err());
    }
}
