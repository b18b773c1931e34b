//! Deadlines: how long podcheck waits, and how it waits.

use super::HostError;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Environment variable that slower machines set above 1.
const FACTOR_VARIABLE: &str = "PODCHECK_TIME_FACTOR";

/// First pause of [`poll_until`]; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_micros(200);
/// Longest pause of [`poll_until`].
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// A deadline times PODCHECK_TIME_FACTOR (1 if unset): slower machines get more time, never a different test.
///
/// A bad value counts as 1 here; [`check_time_factor`] is where it is refused, at start.
pub fn scaled(duration: Duration) -> Duration {
    static FACTOR: OnceLock<f64> = OnceLock::new();
    duration.mul_f64(*FACTOR.get_or_init(|| factor().unwrap_or(1.0)))
}

/// Says what is wrong with PODCHECK_TIME_FACTOR, for a program to ask at its start.
///
/// # Errors
/// It is set and no decimal above 0 and up to 1000.
pub fn check_time_factor() -> Result<(), HostError> {
    factor().map(|_| ())
}

fn factor() -> Result<f64, HostError> {
    match std::env::var_os(FACTOR_VARIABLE) {
        None => Ok(1.0),
        Some(text) => parse_factor(&text.to_string_lossy()),
    }
}

fn parse_factor(text: &str) -> Result<f64, HostError> {
    text.parse::<f64>().ok().filter(|f| *f > 0.0 && *f <= 1000.0).ok_or_else(|| {
        HostError::new(
            format!("use {FACTOR_VARIABLE}={text:?}"),
            "it must be a decimal number above 0 and up to 1000, as 2.5".to_owned(),
        )
    })
}

/// Calls `look` until it returns something or `deadline` has passed, with short pauses that grow. Looks at least once.
pub fn poll_until<T>(deadline: Instant, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_is_a_positive_decimal() {
        assert_eq!(parse_factor("2.5").ok(), Some(2.5));
        for bad in ["", "0", "-1", "fast", "inf", "NaN", "1001"] {
            let error = parse_factor(bad).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(error.contains("PODCHECK_TIME_FACTOR"), "{bad}: {error}");
        }
    }

    #[test]
    fn polling_looks_once_even_when_late() {
        assert_eq!(poll_until(Instant::now(), || Some(1)), Some(1));
        let mut looks = 0;
        let found: Option<()> = poll_until(Instant::now() + Duration::from_millis(3), || {
            looks += 1;
            None
        });
        assert!(found.is_none() && looks >= 2);
    }
}
