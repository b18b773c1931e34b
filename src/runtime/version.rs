//! Versions as daemons report them, as far as a release tells what can be asked of one.

/// Whether a daemon is of that release or a later one; one whose version cannot be read is not.
pub(super) fn is_from(release: (u32, u32), version: &str) -> bool {
    let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
    let seen = numbers.next().zip(numbers.next());
    seen.is_some_and(|seen| seen >= release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_as_numbers() {
        for (version, expected) in
            [("1.4.13~ds1", false), ("1.5.0", true), ("1.10.1", true), ("2.0.0-rc.1", true), ("", false)]
        {
            assert_eq!(is_from((1, 5), version), expected, "{version}");
        }
    }
}
