//! When to ask a server again: jittered exponential backoff, or what its Retry-After says. Pure.

use std::time::Duration;

use jiff::Timestamp;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use resilience::Backoff;

/// Where the server asks for no wait.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(200), max: Duration::from_secs(8), jitter: 0.5 };

/// A longer wait that a server asks for is not waited out: the next endpoint is asked instead.
pub(crate) const RETRY_WAIT_MAX: Duration = Duration::from_secs(10);

/// The wait before retry number `retry` (0 is the first): what the server asked for, else that of
/// the backoff, whose jitter is drawn from `seed`.
pub(crate) fn wait_before(retry: u32, asked: Option<Duration>, seed: u64) -> Duration {
    asked.unwrap_or_else(|| BACKOFF.wait(retry, || ChaCha8Rng::seed_from_u64(seed).random()))
}

/// Reads the headers `retry-after-ms` and `Retry-After` (RFC 9110 §10.2.3: seconds or an HTTP
/// date). A date in the past is no wait; an unreadable value is ignored.
pub(crate) fn retry_after(
    ms: Option<&str>,
    header: Option<&str>,
    now: Timestamp,
) -> Option<Duration> {
    let read_ms = |text: &str| text.trim().parse::<f64>().ok().and_then(|ms| seconds(ms / 1e3));
    ms.and_then(read_ms).or_else(|| header.and_then(|text| seconds_or_date(text.trim(), now)))
}

fn seconds_or_date(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(number) = text.parse::<f64>() {
        return seconds(number);
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let ahead = date.as_millisecond().saturating_sub(now.as_millisecond());
    Some(Duration::from_millis(u64::try_from(ahead).unwrap_or(0)))
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let now: Timestamp = "2027-02-14T10:00:00Z".parse().unwrap();
        let ms = Duration::from_millis;
        for (in_ms, header, want) in [
            (Some("150"), Some("9"), Some(ms(150))),
            (None, Some("2"), Some(ms(2_000))),
            (None, Some("0.5"), Some(ms(500))),
            (None, Some("Sun, 14 Feb 2027 10:00:07 GMT"), Some(ms(7_000))),
            (None, Some("Sun, 14 Feb 2027 09:00:00 GMT"), Some(ms(0))),
            (Some("soon"), Some("3"), Some(ms(3_000))),
            (None, Some("-1"), None),
            (None, Some("NaN"), None),
            (None, Some("tomorrow"), None),
            (None, None, None),
        ] {
            assert_eq!(retry_after(in_ms, header, now), want, "{in_ms:?} {header:?}");
        }
    }

    #[test]
    fn the_seed_draws_the_jitter_unless_the_server_asks_for_a_wait() {
        for retry in 0..40 {
            let full = BACKOFF.wait(retry, || 1.0);
            for seed in 0..20 {
                let wait = wait_before(retry, None, seed);
                assert!(wait >= full / 2 && wait <= full, "retry {retry} seed {seed}: {wait:?}");
                assert_eq!(wait, wait_before(retry, None, seed));
            }
        }
        let asked = Some(Duration::from_secs(3));
        assert_eq!(wait_before(0, asked, 7), Duration::from_secs(3));
    }
}
