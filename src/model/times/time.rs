//! Dates, weekdays and windows of time. Every local time has an IANA zone.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, ToSpan, Zoned, civil, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Anchor, parse_local_date, skipped};

/// Days ahead that a relative date may name: three years.
const MAX_DAYS_AHEAD: i64 = 1_096;

/// A date as a request may write it: `2027-02-14`, or `+180d`, counted from today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DateSpec {
    On(civil::Date),
    DaysAhead(i64),
}

impl DateSpec {
    pub(crate) fn resolve(self, today: civil::Date) -> civil::Date {
        match self {
            Self::On(date) => date,
            Self::DaysAhead(days) => today.saturating_add(days.days()),
        }
    }
}

impl FromStr for DateSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(days) = text.strip_prefix('+').and_then(|rest| rest.strip_suffix('d')) {
            return match days.parse::<i64>() {
                Ok(days) if (0..=MAX_DAYS_AHEAD).contains(&days) => Ok(Self::DaysAhead(days)),
                _ => Err(format!("`{text}` is not between +0d and +{MAX_DAYS_AHEAD}d")),
            };
        }
        parse_local_date(text).map(Self::On)
    }
}

/// A span of time, `start` inclusive, `end` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Window {
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The window with `before` minutes in front and `after` minutes behind.
    pub fn widened(self, before: u32, after: u32) -> Self {
        Self {
            start: self.start.saturating_sub(i64::from(before).minutes()).unwrap_or(self.start),
            end: self.end.saturating_add(i64::from(after).minutes()).unwrap_or(self.end),
        }
    }
}

/// When an event takes place: local date and time in a zone, and how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventTime {
    pub date: civil::Date,
    pub start: civil::Time,
    /// IANA name, e.g. `Asia/Kolkata`.
    pub time_zone: String,
    /// Length in minutes.
    pub minutes: u32,
}

impl EventTime {
    /// The zone, known since the request was checked; UTC for a name that is gone.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// The start as an instant. A local time that a clock change skips moves forward; one that
    /// it repeats is the first of the two (RFC 5545).
    pub fn start_zoned(&self) -> Zoned {
        let local = self.date.to_datetime(self.start);
        let zone = self.zone();
        zone.clone()
            .into_ambiguous_zoned(local)
            .compatible()
            .unwrap_or_else(|_| Timestamp::UNIX_EPOCH.to_zoned(zone))
    }

    /// The times that a clock change leaves out: each with its field, `start` or
    /// `anchors[1].at`, and why it doesn't exist. An anchor before the start is the next day's.
    pub fn skipped(&self, anchors: &[Anchor]) -> Vec<(String, String)> {
        let zone = self.zone();
        let start = skipped(self.date, self.start, &zone).map(|why| ("start".to_owned(), why));
        let anchors = anchors.iter().enumerate().filter_map(|(i, anchor)| {
            let is_later = anchor.at < self.start;
            let date = if is_later { self.date.saturating_add(1.day()) } else { self.date };
            skipped(date, anchor.at, &zone).map(|why| (format!("anchors[{i}].at"), why))
        });
        start.into_iter().chain(anchors).collect()
    }

    /// From the event's start to its end, setup and teardown not included.
    pub fn window(&self) -> Window {
        let start = self.start_zoned().timestamp();
        Window { start, end: start }.widened(0, self.minutes)
    }
}

/// A day of the week; JSON and CSV write it in lowercase English (`monday`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Weekday(pub civil::Weekday);

const WEEKDAY_NAMES: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Weekday {
    /// 1 for Monday to 7 for Sunday (ISO 8601).
    pub fn iso(self) -> i8 {
        self.0.to_monday_one_offset()
    }

    pub fn from_iso(number: i8) -> Option<Self> {
        civil::Weekday::from_monday_one_offset(number).ok().map(Self)
    }
}

impl fmt::Display for Weekday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(WEEKDAY_NAMES[self.0.to_monday_zero_offset() as usize])
    }
}

impl FromStr for Weekday {
    type Err = String;

    /// Reads `monday`, `mon` or the ISO number `1`, in any case.
    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.trim().to_ascii_lowercase();
        let by_name = WEEKDAY_NAMES.iter().position(|name| lower == *name || lower == name[..3]);
        let number = by_name.map(|i| i as i8 + 1).or_else(|| lower.parse().ok());
        number
            .and_then(Self::from_iso)
            .ok_or_else(|| format!("`{}` is no day of the week", text.escape_debug()))
    }
}

impl Serialize for Weekday {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Weekday {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_date_counts_from_today() {
        let today = civil::date(2027, 2, 27);
        assert_eq!("+2d".parse::<DateSpec>().unwrap().resolve(today), civil::date(2027, 3, 1));
        for bad in ["+2", "+-1d", "+9999d", "2027-02-30", "tomorrow", "2027-06-20T10:00Z"] {
            assert!(bad.parse::<DateSpec>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_skipped_hour_and_midnight_are_crossed() {
        let event = EventTime {
            date: civil::date(2027, 3, 28),
            start: civil::time(2, 30, 0, 0),
            time_zone: "Europe/Berlin".into(),
            minutes: 23 * 60,
        };
        // 02:30 does not exist that night; the clock goes from 02:00 to 03:00.
        assert_eq!(event.start_zoned().time(), civil::time(3, 30, 0, 0));
        let end = event.window().end.to_zoned(event.zone());
        assert_eq!(end.datetime(), civil::date(2027, 3, 29).at(2, 30, 0, 0));
    }

    #[test]
    fn weekdays_have_three_spellings() {
        for text in ["sunday", "Sun", "7"] {
            assert_eq!(text.parse::<Weekday>().unwrap().iso(), 7);
        }
        assert!("someday".parse::<Weekday>().is_err());
        assert!("8".parse::<Weekday>().is_err());
    }
}
