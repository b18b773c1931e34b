//! Kubernetes quantities: `256Mi`, `500m`, `0.5`, `1e3`.

use std::str::FromStr;

/// A resource quantity, kept exactly in thousandths of its unit. Zero or positive.
/// Source: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity {
    /// Thousandths of a unit: of a byte for memory, of a core for cpu.
    pub milli: u128,
}

/// Why a text is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not the form of a quantity.
    #[error("{0:?} is not a quantity")]
    Malformed(String),
    /// A quantity, and below zero.
    #[error("{0} is negative")]
    Negative(String),
}

/// Kubernetes caps what is larger than a signed 64-bit number of units.
const MOST_MILLI: u128 = i64::MAX as u128 * 1000;

impl Quantity {
    /// Whole units, rounded up as Kubernetes does (`Quantity.Value()`): bytes for memory.
    pub fn value(self) -> u64 {
        u64::try_from(self.milli.div_ceil(1000)).unwrap_or(u64::MAX)
    }

    /// Thousandths, for cpu (`Quantity.MilliValue()`).
    pub fn milli_value(self) -> u64 {
        u64::try_from(self.milli).unwrap_or(u64::MAX)
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || QuantityError::Malformed(text.to_owned());
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return Err(malformed());
        }
        let scale = Scale::of(suffix).ok_or_else(malformed)?;
        let milli = scale.milli(whole, fraction);
        match negative && milli > 0 {
            true => Err(QuantityError::Negative(text.to_owned())),
            false => Ok(Quantity { milli }),
        }
    }
}

/// What a suffix multiplies by.
#[derive(Clone, Copy)]
enum Scale {
    /// 2 to the power.
    Binary(u32),
    /// 10 to the power.
    Decimal(i64),
}

impl Scale {
    fn of(suffix: &str) -> Option<Scale> {
        Some(match suffix {
            "Ki" => Scale::Binary(10),
            "Mi" => Scale::Binary(20),
            "Gi" => Scale::Binary(30),
            "Ti" => Scale::Binary(40),
            "Pi" => Scale::Binary(50),
            "Ei" => Scale::Binary(60),
            "n" => Scale::Decimal(-9),
            "u" => Scale::Decimal(-6),
            "m" => Scale::Decimal(-3),
            "" => Scale::Decimal(0),
            "k" => Scale::Decimal(3),
            "M" => Scale::Decimal(6),
            "G" => Scale::Decimal(9),
            "T" => Scale::Decimal(12),
            "P" => Scale::Decimal(15),
            "E" => Scale::Decimal(18),
            _ => Scale::Decimal(i64::from(suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?)),
        })
    }

    /// `whole.fraction` at this scale in thousandths, rounded up, capped.
    fn milli(self, whole: &str, fraction: &str) -> u128 {
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|digit| digit - b'0').collect();
        let (power, doublings) = match self {
            Scale::Decimal(power) => (power, 0),
            Scale::Binary(power) => (0, power),
        };
        for _ in 0..doublings {
            double(&mut digits);
        }
        let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        let inexact = shift(&mut digits, power.saturating_add(3).saturating_sub(places));
        let mut milli = 0_u128;
        for digit in digits {
            milli = milli.saturating_mul(10).saturating_add(u128::from(digit));
        }
        milli.saturating_add(u128::from(inexact)).min(MOST_MILLI)
    }
}

/// Doubles a decimal number, first digit first: exact however long it is.
fn double(digits: &mut Vec<u8>) {
    let mut carry = 0;
    for digit in digits.iter_mut().rev() {
        let doubled = *digit * 2 + carry;
        *digit = doubled % 10;
        carry = doubled / 10;
    }
    if carry > 0 {
        digits.insert(0, carry);
    }
}

/// Multiplies a decimal number by 10^by and drops what is behind the point; true if that was not zero.
fn shift(digits: &mut Vec<u8>, by: i64) -> bool {
    if by >= 0 {
        // Forty more digits are beyond the cap whatever they stand behind.
        digits.extend(std::iter::repeat_n(0, usize::try_from(by.min(40)).unwrap_or_default()));
        return false;
    }
    let dropped = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
    let kept = digits.len().saturating_sub(dropped);
    digits.split_off(kept).into_iter().any(|digit| digit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_in_thousandths() {
        let most = MOST_MILLI;
        for (text, milli) in [
            ("0", 0),
            ("1", 1000),
            ("+1", 1000),
            ("-0", 0),
            ("500m", 500),
            ("0.5", 500),
            (".5", 500),
            ("5.", 5000),
            ("1.5", 1500),
            ("1u", 1),
            ("1n", 1),
            ("1000u", 1),
            ("1001u", 2),
            ("0.0001", 1),
            ("0.1000", 100),
            ("2k", 2_000_000),
            ("1M", 1_000_000_000),
            ("1G", 1_000_000_000_000),
            ("1e3", 1_000_000),
            ("1E3", 1_000_000),
            ("1e+3", 1_000_000),
            ("12e-1", 1200),
            ("1e-9", 1),
            ("0e999999999", 0),
            ("1Ki", 1_024_000),
            ("256Mi", 268_435_456_000),
            ("1.5Gi", 1_610_612_736_000),
            ("0.1Mi", 104_857_600),
            ("1.0000000000000000000000000001Ki", 1_024_001),
            ("1T", 1_000_000_000_000_000),
            ("1P", 1_000_000_000_000_000_000),
            ("1E", 1_000_000_000_000_000_000_000),
            ("7Ei", 8_070_450_532_247_928_832_000),
            ("8Ei", most),
            ("9223372036854775807", most),
            ("9223372036854775808", most),
            ("1e2147483647", most),
            ("99999999999999999999999999999999999999999999999999", most),
        ] {
            assert_eq!(text.parse::<Quantity>().map(|quantity| quantity.milli), Ok(milli), "{text}");
        }
    }

    #[test]
    fn texts_that_are_no_quantity() {
        for text in [
            "",
            " ",
            "Mi",
            ".",
            "1.2.3",
            "1K",
            "1KB",
            "256MB",
            "256mi",
            "1 Mi",
            " 1",
            "1e",
            "1e3.5",
            "1e+",
            "0x10",
            "1Mi2",
            "--1",
            "1_000",
            "1,5",
            "e3",
            "NaN",
            "1e99999999999999999999",
            "١",
        ] {
            assert_eq!(text.parse::<Quantity>(), Err(QuantityError::Malformed(text.to_owned())));
        }
        for text in ["-1", "-0.1", "-1Mi"] {
            assert_eq!(text.parse::<Quantity>(), Err(QuantityError::Negative(text.to_owned())));
        }
    }

    #[test]
    fn rounding_is_up() {
        let quantity: Quantity = "1500m".parse().unwrap();
        assert_eq!((quantity.value(), quantity.milli_value()), (2, 1500));
        let huge: Quantity = "1e30".parse().unwrap();
        assert_eq!((huge.value(), huge.milli_value()), (9_223_372_036_854_775_807, u64::MAX));
    }
}
