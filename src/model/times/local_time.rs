//! Local times as people write and read them: strict reading, the days of a window, and the
//! hours that a clock change leaves out or brings twice.

use jiff::{
    SignedDuration, Timestamp, ToSpan, Zoned, civil,
    tz::{AmbiguousOffset, Offset, TimeZone},
};

use crate::Window;

/// Changes of the clock that are told of at most; real zones have two a year.
const CHANGES_MAX: usize = 16;
/// Longest time that a clock change repeats or leaves out: a day, where a zone changed sides of
/// the date line.
const CHANGE_MAX_HOURS: i64 = 24;

/// Reads a time of day such as `16:30` or `16:30:00`.
///
/// # Errors
/// What is wrong with it; also an offset or a date beside the time, which would otherwise be lost.
pub fn parse_local_time(text: &str) -> Result<civil::Time, String> {
    let is_plain = text.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '.'));
    match text.parse() {
        Ok(time) if is_plain => Ok(time),
        Ok(_) => Err(format!("`{}` holds more than a local time of day", shown(text))),
        Err(_) => Err(format!("`{}` is no time of day", shown(text))),
    }
}

/// Reads a date such as `2027-02-14`.
///
/// # Errors
/// What is wrong with it; also a time or an offset beside the date, which would otherwise be lost.
pub fn parse_local_date(text: &str) -> Result<civil::Date, String> {
    let is_plain = text.chars().all(|c| c.is_ascii_digit() || c == '-');
    match text.parse() {
        Ok(date) if is_plain => Ok(date),
        Ok(_) => Err(format!("`{}` holds more than a date", shown(text))),
        Err(_) => Err(format!("`{}` is no date", shown(text))),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(32).flat_map(char::escape_debug).collect()
}

/// The local days of a window, the first and the last that any of it lies on. A window that ends
/// at midnight touches the day before only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalDays {
    pub first: civil::Date,
    pub last: civil::Date,
}

impl LocalDays {
    pub fn of(window: Window, zone: &TimeZone) -> Self {
        let first = window.start.to_zoned(zone.clone()).date();
        let within = window.end.saturating_sub(1.nanosecond()).unwrap_or(window.end);
        let last = within.max(window.start).to_zoned(zone.clone()).date();
        Self { first, last: last.max(first) }
    }

    pub fn contains(self, date: civil::Date) -> bool {
        (self.first..=self.last).contains(&date)
    }

    /// Day by day.
    pub fn iter(self) -> impl Iterator<Item = civil::Date> {
        std::iter::successors(Some(self.first), |day| day.tomorrow().ok())
            .take_while(move |day| *day <= self.last)
    }
}

/// Why a local time doesn't exist: a clock change leaves it out.
pub fn skipped(date: civil::Date, time: civil::Time, zone: &TimeZone) -> Option<String> {
    let local = date.to_datetime(time);
    let AmbiguousOffset::Gap { before, .. } = zone.to_ambiguous_timestamp(local).offset() else {
        return None;
    };
    // With the offset before the change it lies behind the change.
    let behind = before.to_timestamp(local).ok()?.saturating_add(1.nanosecond()).ok()?;
    let change = zone.preceding(behind).next()?;
    let at = |offset: Offset| offset.to_datetime(change.timestamp()).time().strftime("%H:%M");
    let (from, to) = (at(before), at(change.offset()));
    Some(format!(
        "{} does not exist on {date}: the clock goes from {from} to {to}",
        time.strftime("%H:%M")
    ))
}

/// The zone's abbreviation at a local time that comes twice (`CET`), or its offset where that
/// says more; `None` for a time that comes once.
pub fn coming_twice(at: &Zoned) -> Option<String> {
    let (zone, local) = (at.time_zone(), at.datetime());
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Fold { before, after } => {
            Some(Names::of(zone, at.timestamp(), before, after).of_offset(at.offset()))
        }
        _ => None,
    }
}

/// The time of day, `22:30`; one that comes twice is told apart: `02:30 CET`.
pub fn clock(at: &Zoned) -> String {
    let time = at.strftime("%H:%M");
    match coming_twice(at) {
        Some(name) => format!("{time} {name}"),
        None => time.to_string(),
    }
}

/// A sentence for each clock change that a window's local times show.
pub fn clock_changes(window: Window, zone: &TimeZone) -> Vec<String> {
    let hours = CHANGE_MAX_HOURS.hours();
    let from = window.start.saturating_sub(hours).unwrap_or(window.start);
    let until = window.end.saturating_add(hours).unwrap_or(window.end);
    let mut told = Vec::new();
    for change in zone.following(from).take_while(|c| c.timestamp() <= until).take(CHANGES_MAX) {
        let (at, after) = (change.timestamp(), change.offset());
        let just_before = at.saturating_sub(1.nanosecond()).unwrap_or(at);
        let before = zone.to_offset(just_before);
        let by = SignedDuration::from_secs(i64::from((after.seconds() - before.seconds()).abs()));
        let names = Names::of(zone, at, before, after);
        let (old, new) = (before.to_datetime(at), after.to_datetime(at));
        let (old, new) = (old.strftime("%H:%M").to_string(), new.strftime("%H:%M").to_string());
        let date = after.to_datetime(at).strftime("%-d %B %Y");
        let (old_name, new_name) = (names.of_offset(before), names.of_offset(after));
        let goes = |where_to| {
            format!("the clock goes {where_to} from {old} {old_name} to {new} {new_name} on {date}")
        };
        if after.seconds() > before.seconds() && window.start < at && at < window.end {
            told.push(format!("{}: the times between do not exist", goes("forward")));
        }
        let (first, last) = (at.saturating_sub(by), at.saturating_add(by));
        let (first, last) = (first.unwrap_or(at), last.unwrap_or(at));
        if after.seconds() < before.seconds() && first <= window.end && window.start < last {
            told.push(format!(
                "{}: the times from {new} to {old} come twice, and stand with {old_name} or \
                 {new_name}",
                goes("back")
            ));
        }
    }
    told
}

/// What the two sides of a clock change are called.
struct Names {
    before: (Offset, String),
    after: (Offset, String),
}

impl Names {
    /// Of the change between two offsets that is nearest to an instant.
    fn of(zone: &TimeZone, near: Timestamp, before: Offset, after: Offset) -> Self {
        let day = CHANGE_MAX_HOURS.hours();
        let abbreviation = |offset: Offset| {
            let around = [near.saturating_sub(day), Ok(near), near.saturating_add(day)];
            let mut known = around.into_iter().flatten().map(|at| zone.to_offset_info(at));
            known.find(|info| info.offset() == offset).map(|info| info.abbreviation().to_owned())
        };
        let is_word = |name: &String| name.chars().all(|c| c.is_ascii_alphabetic());
        let words = abbreviation(before).zip(abbreviation(after));
        match words.filter(|(one, other)| is_word(one) && is_word(other) && one != other) {
            Some((one, other)) => Self { before: (before, one), after: (after, other) },
            None => Self { before: (before, utc(before)), after: (after, utc(after)) },
        }
    }

    fn of_offset(&self, offset: Offset) -> String {
        let (other, name) = &self.before;
        if *other == offset { name.clone() } else { self.after.1.clone() }
    }
}

/// `+10:30`, as an offset from UTC.
fn utc(offset: Offset) -> String {
    let (sign, minutes) = (offset.seconds().signum(), offset.seconds().abs() / 60);
    let sign = if sign < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn window(start: &str, minutes: u32) -> Window {
        let start = start.parse::<Zoned>().unwrap().timestamp();
        Window { start, end: start }.widened(0, minutes)
    }

    #[test]
    fn nothing_beside_a_time_or_a_date_is_lost() {
        for good in ["16:00", "16:00:30", "00:00", "23:59:59"] {
            assert!(parse_local_time(good).is_ok(), "{good}");
        }
        for bad in [
            "16:00+02:00",
            "16:00Z",
            "16:00 +02:00",
            "16:00[Europe/Berlin]",
            "2027-06-20T16:00",
            "2027-06-20 16:00",
            "T16:00",
            "4 pm",
            "24:00",
            "16:60",
            "",
        ] {
            assert!(parse_local_time(bad).is_err(), "{bad}");
        }
        assert!(parse_local_date("2027-06-20").is_ok());
        for bad in [
            "2027-06-20T10:00Z",
            "2027-06-20T10:00",
            "2027-06-20 10:00",
            "2027-06-20Z",
            "2027-06-20[Europe/Berlin]",
            "2027-06-20T10:00+02:00[Europe/Berlin]",
            "2027-06-31",
            "20 June 2027",
            "",
        ] {
            assert!(parse_local_date(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_window_touches_every_local_day_but_the_one_it_ends_at() {
        for (start, minutes, first, last) in [
            ("2027-06-19T10:00[Europe/Berlin]", 1_800, 19, 20),
            ("2027-06-19T20:00[Europe/Berlin]", 240, 19, 19),
            ("2027-06-19T20:00[Europe/Berlin]", 241, 19, 20),
            ("2027-06-19T00:00[Europe/Berlin]", 1_440, 19, 19),
            ("2027-06-19T10:00[Asia/Kolkata]", 4_320, 19, 22),
            // Midnight does not exist: the day begins at 01:00.
            ("2027-04-29T20:00[Africa/Cairo]", 240, 29, 29),
            ("2027-04-29T20:00[Africa/Cairo]", 241, 29, 30),
            // 24:00 becomes 23:00: the day has an hour more.
            ("2027-10-28T20:00[Africa/Cairo]", 300, 28, 28),
            ("2027-10-28T20:00[Africa/Cairo]", 301, 28, 29),
        ] {
            let name = start.split_once('[').unwrap().1.trim_end_matches(']');
            let days = LocalDays::of(window(start, minutes), &zone(name));
            assert_eq!((days.first.day(), days.last.day()), (first, last), "{start} {minutes}");
            assert_eq!(days.iter().count() as i8, last - first + 1);
        }
    }

    #[test]
    fn skipped_times_are_told_with_the_change() {
        for (date, time, name, expected) in [
            ("2027-03-28", "02:30", "Europe/Berlin", Some("from 02:00 to 03:00")),
            ("2027-03-28", "02:00", "Europe/Berlin", Some("from 02:00 to 03:00")),
            ("2027-03-28", "03:00", "Europe/Berlin", None),
            ("2027-03-28", "01:59", "Europe/Berlin", None),
            ("2027-10-31", "02:30", "Europe/Berlin", None),
            ("2027-10-03", "02:15", "Australia/Lord_Howe", Some("from 02:00 to 02:30")),
            ("2027-10-03", "02:30", "Australia/Lord_Howe", None),
            ("2027-04-30", "00:15", "Africa/Cairo", Some("from 00:00 to 01:00")),
            ("2011-12-30", "12:00", "Pacific/Apia", Some("from 00:00 to 00:00")),
            ("2027-03-14", "02:30", "America/New_York", Some("from 02:00 to 03:00")),
        ] {
            let told = skipped(date.parse().unwrap(), time.parse().unwrap(), &zone(name));
            assert_eq!(told.is_some(), expected.is_some(), "{date} {time} {name}: {told:?}");
            if let (Some(told), Some(expected)) = (told, expected) {
                assert!(told.contains(expected) && told.contains(time), "{told}");
            }
        }
    }

    #[test]
    fn a_time_that_comes_twice_says_which_one_it_is() {
        for (at, expected) in [
            ("2027-10-31T02:30+02:00[Europe/Berlin]", "02:30 CEST"),
            ("2027-10-31T02:30+01:00[Europe/Berlin]", "02:30 CET"),
            ("2027-10-31T02:00+01:00[Europe/Berlin]", "02:00 CET"),
            ("2027-10-31T03:00+01:00[Europe/Berlin]", "03:00"),
            ("2027-10-31T01:59+02:00[Europe/Berlin]", "01:59"),
            ("2027-04-04T01:45+11:00[Australia/Lord_Howe]", "01:45 +11:00"),
            ("2027-04-04T01:45+10:30[Australia/Lord_Howe]", "01:45 +10:30"),
            ("2027-10-28T23:15+02:00[Africa/Cairo]", "23:15 EET"),
            ("2027-06-01T02:30+05:30[Asia/Kolkata]", "02:30"),
        ] {
            assert_eq!(clock(&at.parse().unwrap()), expected, "{at}");
        }
    }

    #[test]
    fn clock_changes_are_told_where_the_times_show_them() {
        let back = "back from 03:00 CEST to 02:00 CET on 31 October 2027";
        let forward = "forward from 02:00 CET to 03:00 CEST on 28 March 2027";
        for (start, minutes, expected) in [
            ("2027-10-30T20:00[Europe/Berlin]", 420, Some(back)),
            // Ends at the first 02:00, and a minute before it.
            ("2027-10-30T20:00[Europe/Berlin]", 360, Some(back)),
            ("2027-10-30T20:00[Europe/Berlin]", 359, None),
            ("2027-10-31T02:59+01:00[Europe/Berlin]", 60, Some(back)),
            ("2027-10-31T03:00[Europe/Berlin]", 60, None),
            ("2027-03-27T20:00[Europe/Berlin]", 420, Some(forward)),
            ("2027-03-28T03:00[Europe/Berlin]", 420, None),
            (
                "2027-04-03T20:00[Australia/Lord_Howe]",
                480,
                Some("back from 02:00 +11:00 to 01:30 +10:30 on 4 April 2027"),
            ),
            ("2027-10-30T20:00[Asia/Kolkata]", 420, None),
        ] {
            let name = start.split_once('[').unwrap().1.trim_end_matches(']');
            let told = clock_changes(window(start, minutes), &zone(name));
            assert_eq!(told.len(), usize::from(expected.is_some()), "{start}: {told:?}");
            assert!(expected.is_none_or(|text| told[0].contains(text)), "{told:?}");
        }
    }
}
