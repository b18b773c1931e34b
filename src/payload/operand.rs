//! Operands of the programs: numbers, sizes and durations.

use super::fault::Fault;
use std::ffi::OsStr;
use std::str::FromStr;
use std::time::Duration;

/// An operand that must be text.
pub(super) fn text(operand: &OsStr) -> Result<&str, Fault> {
    operand.to_str().ok_or_else(|| Fault::usage(format!("{} is no UTF-8", operand.display())))
}

/// A plain decimal number.
pub(super) fn number<T: FromStr>(operand: &OsStr) -> Result<T, Fault> {
    text(operand)?.parse().map_err(|_| Fault::usage(format!("{} is no such number as is wanted", operand.display())))
}

/// A System V key: decimal, or hexadecimal after `0x`. Zero is refused: it asks for a segment that nobody else finds.
pub(super) fn key(operand: &OsStr) -> Result<i32, Fault> {
    let text = text(operand)?;
    let key = match text.strip_prefix("0x") {
        Some(digits) => i32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    key.ok().filter(|&key| key > 0).ok_or_else(|| Fault::usage(format!("{text} is no key from 1 to 0x7fffffff")))
}

/// Bytes: `4096`, `64K`, `64Ki`, `64M`, `64Mi`, `1G`, `1Gi`. All are powers of 1024, as `dd` and `ulimit` people expect.
pub(super) fn size(operand: &OsStr) -> Result<usize, Fault> {
    let whole = text(operand)?;
    let digits = whole.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match &whole[digits.len()..] {
        "" => 0,
        "K" | "Ki" => 10,
        "M" | "Mi" => 20,
        "G" | "Gi" => 30,
        _ => return Err(Fault::usage(format!("{whole} is no size such as 64Mi"))),
    };
    let size = digits.parse::<usize>().ok().and_then(|n| n.checked_mul(1 << shift)).filter(|&n| n > 0);
    size.ok_or_else(|| Fault::usage(format!("{whole} is no size such as 64Mi")))
}

/// How long: `None` is for ever (`inf`, `infinity`); otherwise seconds or, with a suffix, `ms`, `s`, `m`, `h`, `d`.
pub(super) fn duration(operand: &OsStr) -> Result<Option<Duration>, Fault> {
    let whole = text(operand)?;
    let wrong = || Fault::usage(format!("{whole} is no duration such as 0.5, 10s or 3650d"));
    if matches!(whole, "inf" | "infinity") {
        return Ok(None);
    }
    let digits = whole.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &whole[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return Err(wrong()),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Err(wrong());
    }
    let seconds = digits.parse::<f64>().map_err(|_| wrong())? * unit;
    Duration::try_from_secs_f64(seconds).map(Some).map_err(|_| wrong())
}

/// The sum of several durations, as `sleep` takes them.
pub(super) fn durations<T: AsRef<OsStr>>(operands: &[T]) -> Result<Option<Duration>, Fault> {
    let mut sum = Some(Duration::ZERO);
    for operand in operands {
        sum = match (sum, duration(operand.as_ref())?) {
            (Some(sum), Some(more)) => Some(sum.saturating_add(more)),
            _ => None,
        };
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_sleep_reads_them() {
        for (text, millis) in
            [("0", 0), ("0.5", 500), (".5", 500), ("10s", 10_000), ("2m", 120_000), ("250ms", 250), ("1h", 3_600_000)]
        {
            assert_eq!(duration(OsStr::new(text)).ok(), Some(Some(Duration::from_millis(millis))), "{text}");
        }
        assert_eq!(duration(OsStr::new("3650d")).ok(), Some(Some(Duration::from_secs(3650 * 86400))));
        assert_eq!(duration(OsStr::new("inf")).ok(), Some(None));
        assert_eq!(durations(&["1", "0.5", "1m"]).ok(), Some(Some(Duration::from_millis(61_500))));
        assert_eq!(durations(&["1", "infinity"]).ok(), Some(None));
        for text in ["", "s", "-1", "+1", "1x", "1 s", "nan", "1e400", "1.2.3"] {
            assert!(duration(OsStr::new(text)).is_err(), "{text:?}");
        }
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, bytes) in [("4096", 4096), ("64K", 65536), ("64Mi", 64 << 20), ("64M", 64 << 20), ("1Gi", 1 << 30)] {
            assert_eq!(size(OsStr::new(text)).ok(), Some(bytes), "{text}");
        }
        for text in ["", "0", "Mi", "64Mb", "-1", "1.5Gi", "99999999999999999999", "18446744073709551615Gi"] {
            assert!(size(OsStr::new(text)).is_err(), "{text:?}");
        }
    }

    #[test]
    fn keys_are_decimal_or_hexadecimal_and_never_private() {
        assert_eq!(key(OsStr::new("77")).ok(), Some(77));
        assert_eq!(key(OsStr::new("0x4d")).ok(), Some(77));
        for text in ["0", "0x0", "-1", "4d", "0xffffffff", ""] {
            assert!(key(OsStr::new(text)).is_err(), "{text:?}");
        }
    }
}
