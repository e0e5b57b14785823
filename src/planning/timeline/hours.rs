//! A venue's hours, as minutes of the event.

use jiff::{ToSpan, Zoned, civil};

use super::timing::{network::Minutes, place::Place};

/// Local hour before which an event still belongs to the night of the day before.
const NIGHT_ENDS_HOUR: i8 = 4;

/// When the venue is open and music may play, in minutes from the event's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hours {
    pub(crate) opens: Option<Minutes>,
    pub(crate) closes: Option<Minutes>,
    pub(crate) music_ends: Option<Minutes>,
}

impl Hours {
    pub(super) fn of(venue: Option<&Place<'_>>, start: &Zoned) -> Self {
        let Some(policies) = venue.and_then(|place| place.vendor().policies.as_ref()) else {
            return Self::default();
        };
        let music_ends = policies.music_until.map(|until| minutes_to_music_end(start, until));
        let (opens, closes) = open_hours(start, policies.open_from, policies.open_until);
        Self { opens, closes, music_ends }
    }
}

/// Minutes until a local time, which comes twice where a clock change repeats it.
pub(super) fn minutes_until_each(
    start: &Zoned,
    date: civil::Date,
    at: civil::Time,
) -> impl Iterator<Item = Minutes> {
    let first = minutes_until(start, date, at);
    let local = date.to_datetime(at);
    let zone = start.time_zone().clone();
    let later = zone.into_ambiguous_zoned(local).later().ok();
    let later = later.filter(|then| then.datetime() == local);
    let second = later.map(|then| start.duration_until(&then).as_mins());
    std::iter::once(first).chain(second.filter(|second| *second != first))
}

/// Minutes until a local time; a time that a clock change skips moves forward.
pub(super) fn minutes_until(start: &Zoned, date: civil::Date, at: civil::Time) -> Minutes {
    let zone = start.time_zone().clone();
    let zoned = zone.into_ambiguous_zoned(date.to_datetime(at)).compatible();
    zoned.map_or(Minutes::MAX / 8, |then| start.duration_until(&then).as_mins())
}

/// Before noon means the next morning; an event that starts in the small hours belongs to the
/// night of the day before.
pub(super) fn minutes_to_music_end(start: &Zoned, until: civil::Time) -> Minutes {
    let night_of = if start.hour() < NIGHT_ENDS_HOUR {
        start.date().saturating_sub(1.day())
    } else {
        start.date()
    };
    let date = if until.hour() < 12 { night_of.saturating_add(1.day()) } else { night_of };
    minutes_until(start, date, until)
}

/// The opening hours in which the event starts, else those of its day. Hours that end no later
/// than they begin cross midnight, and so does an end before noon without a beginning.
fn open_hours(
    start: &Zoned,
    from: Option<civil::Time>,
    until: Option<civil::Time>,
) -> (Option<Minutes>, Option<Minutes>) {
    let crosses = until.is_some_and(|until| match from {
        Some(from) => until <= from,
        None => until.hour() < 12,
    });
    let on = |date: civil::Date| {
        let opens = from.map(|from| minutes_until(start, date, from));
        let end = if crosses { date.saturating_add(1.day()) } else { date };
        (opens, until.map(|until| minutes_until(start, end, until)))
    };
    let today = on(start.date());
    let yesterday = on(start.date().saturating_sub(1.day()));
    let is_open = |(opens, closes): (Option<Minutes>, Option<Minutes>)| {
        opens.is_none_or(|opens| opens <= 0) && closes.is_none_or(|closes| closes > 0)
    };
    if crosses && !is_open(today) && is_open(yesterday) { yesterday } else { today }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_may_cross_midnight() {
        let time = |hour: i8| Some(civil::time(hour, 0, 0, 0));
        let start =
            |hour: i8| civil::date(2027, 5, 21).at(hour, 0, 0, 0).in_tz("Europe/Berlin").unwrap();
        for (hour, from, until, opens, closes) in [
            (16, time(8), time(23), Some(-480), Some(420)),
            (16, time(18), time(4), Some(120), Some(720)),
            (1, time(18), time(4), Some(-420), Some(180)),
            (16, None, time(2), None, Some(600)),
            (16, time(10), None, Some(-360), None),
            (16, None, None, None, None),
        ] {
            assert_eq!(open_hours(&start(hour), from, until), (opens, closes), "{hour}");
        }
    }
}
