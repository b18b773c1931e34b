//! Versions as runtimes and distributions write them, and ranges of them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A version: numbers, and what comes before its release. What a distribution appends (`+dfsg1`, `~ds1`, `-1+deb12u2`)
/// does not matter.
#[derive(Clone, Debug)]
pub struct Version {
    numbers: Vec<u64>,
    /// alpha, beta or rc with its number; `None` is the release, which comes after them.
    before: Option<(u8, u64)>,
}

impl FromStr for Version {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        let without_epoch = trimmed.split_once(':').map_or(trimmed, |(_, rest)| rest);
        let mut rest = without_epoch.strip_prefix('v').unwrap_or(without_epoch);
        let mut numbers = Vec::new();
        while let Some((number, after)) = leading_number(rest) {
            numbers.push(number);
            rest = after;
            match after.strip_prefix('.') {
                Some(next) if next.starts_with(|c: char| c.is_ascii_digit()) => rest = next,
                _ => break,
            }
        }
        if numbers.is_empty() {
            return Err(RangeError { text: text.to_owned(), why: "a version begins with a number".to_owned() });
        }
        Ok(Version { numbers, before: pre_release(rest) })
    }
}

fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// `-rc93`, `~rc.1`, `rc2`, `-beta`: which stage and number, only right after the numbers.
fn pre_release(rest: &str) -> Option<(u8, u64)> {
    let word = rest.trim_start_matches(['-', '~', '.']);
    let stages = [("alpha", 0), ("beta", 1), ("rc", 2)];
    let (name, rank) = stages.into_iter().find(|(name, _)| word.starts_with(name))?;
    let number = leading_number(word[name.len()..].trim_start_matches(['.', '-'])).map_or(0, |(number, _)| number);
    Some((rank, number))
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let length = self.numbers.len().max(other.numbers.len());
        let at = |version: &Version, i: usize| version.numbers.get(i).copied().unwrap_or(0);
        let numbers = (0..length).map(|i| at(self, i).cmp(&at(other, i))).find(|order| order.is_ne());
        // A release comes after everything before it.
        let stage = |version: &Version| version.before.unwrap_or((u8::MAX, 0));
        numbers.unwrap_or_else(|| stage(self).cmp(&stage(other)))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

/// Why a text is no version or no range of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no version range: {why}")]
pub struct RangeError {
    text: String,
    why: String,
}

/// Versions that satisfy every one of some comparisons: `<1.4`, `>=1.6 <2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRange(Vec<(Comparison, Version)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl VersionRange {
    /// Whether a version lies in it.
    pub fn contains(&self, version: &Version) -> bool {
        self.0.iter().all(|(comparison, bound)| {
            let order = version.cmp(bound);
            match comparison {
                Comparison::Less => order.is_lt(),
                Comparison::LessOrEqual => order.is_le(),
                Comparison::Equal => order.is_eq(),
                Comparison::GreaterOrEqual => order.is_ge(),
                Comparison::Greater => order.is_gt(),
            }
        })
    }
}

impl FromStr for VersionRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |why: String| RangeError { text: text.to_owned(), why };
        let operators = [
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
            ("=", Comparison::Equal),
        ];
        let mut parts = Vec::new();
        for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
            let operator = operators.into_iter().find_map(|(sign, c)| word.strip_prefix(sign).map(|rest| (c, rest)));
            let Some((comparison, version)) = operator else {
                return Err(fail(format!("{word:?} begins with none of <, <=, =, >=, >")));
            };
            parts.push((comparison, version.parse().map_err(|error: RangeError| fail(error.why))?));
        }
        if parts.is_empty() {
            return Err(fail("it is empty".to_owned()));
        }
        Ok(VersionRange(parts))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.numbers.iter().map(u64::to_string).collect();
        f.write_str(&numbers.join("."))?;
        match self.before {
            Some((rank, number)) => write!(f, "-{}{number}", ["alpha", "beta", "rc"][usize::from(rank.min(2))]),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().expect(text)
    }

    #[test]
    fn versions_sort_as_their_makers_mean_them() {
        let ascending = [
            "1.0.0-alpha1",
            "1.0.0-beta.2",
            "1.0.0~rc93+ds1-5+deb11u5",
            "1.0.0-rc95",
            "1.0.0",
            "v1.0.1",
            "1.1.5+ds1-1+deb12u1",
            "1.1.15",
            "1.4.13~ds1-1~deb11u4",
            "1.6.20~ds1",
            "1.6.21",
            "1.28",
            "20.10.24+dfsg1-1+deb12u1",
            "28.5.2",
        ];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
        for (same, other) in [("1.6", "1.6.0"), ("1.6.20~ds1", "1.6.20"), ("v2.1.9", "2.1.9"), ("1:4.3.1", "4.3.1")] {
            assert_eq!(version(same), version(other));
        }
        assert_eq!(version("6.1.0-18-amd64"), version("6.1"));
        assert_eq!(version("1.0.0~rc93+ds1").to_string(), "1.0.0-rc93");
    }

    #[test]
    fn a_range_is_a_conjunction() {
        let table = [
            ("<1.4", "1.3.9", true),
            ("<1.4", "1.4.0", false),
            ("<1.4", "1.4.0-rc1", true),
            (">=1.6 <2", "1.6.20~ds1", true),
            (">=1.6 <2", "2.0.0", false),
            (">=1.6 <2", "1.4.13", false),
            ("=20.10.24", "20.10.24+dfsg1", true),
            (">1.0.0-rc93", "1.0.0-rc95", true),
            ("<=1.1.5", "1.1.5+ds1", true),
        ];
        for (range, seen, inside) in table {
            assert_eq!(range.parse::<VersionRange>().expect(range).contains(&version(seen)), inside, "{range} {seen}");
        }
    }

    #[test]
    fn what_is_no_range_says_why() {
        for (text, why) in
            [("", "empty"), ("1.4", "begins with none"), ("<x", "begins with a number"), (">=", "a number")]
        {
            let error = text.parse::<VersionRange>().expect_err(text).to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
