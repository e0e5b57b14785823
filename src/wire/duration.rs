//! Spans of time as people write them: `30s`, `5m`, `250ms`, `1.5h`, `1h 30m`, `14d`.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// Longest span that a call takes: a day, so that no wait is for ever.
const MAX: Duration = Duration::from_secs(86_400);

/// Reads units with numbers, as settings and calls have them; a bare number counts seconds, a day
/// has 24 hours. `None` for anything else, months and negative spans among it.
pub fn read_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    // `.5h`, as a number may begin.
    let completed = text.starts_with('.').then(|| format!("0{text}"));
    let span: Span = completed.as_deref().unwrap_or(text).parse().ok()?;
    let days_are_24_hours = SpanRelativeTo::days_are_24_hours();
    Duration::try_from(span.to_duration(days_are_24_hours).ok()?).ok()
}

/// As [`read_duration`], for a wait or a look back.
///
/// # Errors
/// Says what is wrong: no span of time, negative, more than a day.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let span = read_duration(text)
        .ok_or_else(|| format!("`{text}` is no span of time; write 30s, 5m or 1h30m"))?;
    let hours = MAX.as_secs() / 3_600;
    (span <= MAX).then_some(span).ok_or_else(|| format!("`{text}` is not between 0s and {hours}h"))
}

/// The shortest exact-enough form: `250ms`, `1.4s`, `3m20s`, `5h02m`.
pub fn show_duration(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{}ms", span.as_millis()),
        1..60 => format!("{:.1}s", span.as_secs_f64()),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_with_their_unit() {
        for (text, ms) in [
            ("30s", 30_000),
            ("250ms", 250),
            ("1.5m", 90_000),
            ("2", 2_000),
            (" 1h ", 3_600_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("0.5", 500),
            ("1d", 86_400_000),
            ("1.5 s", 1_500),
            (".5h", 1_800_000),
            ("+5s", 5_000),
        ] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(ms), "{text}");
        }
        for bad in ["", "s", "-1s", "NaN", "inf", "5 parsecs", "25h", "1e300h", "2d", "1 month"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn spans_are_shown_short() {
        for (ms, text) in [(40, "40ms"), (1_449, "1.4s"), (200_000, "3m20s"), (18_120_000, "5h02m")]
        {
            assert_eq!(show_duration(Duration::from_millis(ms)), text);
        }
    }
}
