//! Spans of time as people write them: `30s`, `5m`, `250ms`, `1.5h`.

use std::time::Duration;

/// Longest span that is read: a day, so that no wait is for ever.
const MAX: Duration = Duration::from_secs(86_400);

/// Reads a number with a unit `ms`, `s`, `m` or `h`; seconds where the unit is missing.
///
/// # Errors
/// Says what is wrong: no number, negative, an unknown unit, more than a day.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let seconds_per_unit = match unit {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3_600.0,
        other => return Err(format!("`{other}` is no unit; write ms, s, m or h")),
    };
    let number: f64 =
        number.trim().parse().map_err(|_| format!("`{text}` is no span of time; write 30s"))?;
    let span = Duration::try_from_secs_f64(number * seconds_per_unit).ok();
    span.filter(|span| *span <= MAX)
        .ok_or_else(|| format!("`{text}` is not between 0s and {}h", MAX.as_secs() / 3_600))
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
        for (text, ms) in
            [("30s", 30_000), ("250ms", 250), ("1.5m", 90_000), ("2", 2_000), (" 1h ", 3_600_000)]
        {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(ms), "{text}");
        }
        for bad in ["", "s", "-1s", "NaN", "inf", "5 parsecs", "25h", "1e300h"] {
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
