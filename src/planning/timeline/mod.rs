//! The run of show: activities in time, the vendors' calls, and what clashes.
//!
//! Pure: the same request and vendors give the same timeline. The search asks it about every
//! combination it would keep, so it is written to take microseconds.

mod calls;
mod durations;
mod network;
mod place;
mod program;
mod repair;
mod template;
mod words;

use jiff::{SignedDuration, Timestamp, ToSpan, Zoned, civil};
use serde::{Deserialize, Serialize};

use self::{
    calls::calls,
    network::Minutes,
    place::Place,
    program::{Program, Rule},
    repair::settle,
    template::GETTING_READY,
    words::{Words, shown_name},
};
use super::engagement::Engagement;
use crate::model::{Category, CategoryDef, Request, VendorId};

/// When everything happens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// By start. They don't overlap, but for getting ready, which may run beside the first ones.
    pub activities: Vec<Activity>,
    /// In the order of the engagements; none for an in-house kitchen, which comes with its venue.
    pub calls: Vec<VendorCall>,
    /// High ones first.
    pub conflicts: Vec<Conflict>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    pub name: String,
    /// The service that carries it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub category: Option<Category>,
    pub start: Timestamp,
    pub end: Timestamp,
    /// Minutes by which it could start later with everything behind it still in time, at its
    /// shortest.
    pub slack_minutes: u32,
}

/// When a vendor is on the spot: set up from `arrive`, cleared away by `leave`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VendorCall {
    pub vendor: VendorId,
    pub category: Category,
    pub arrive: Timestamp,
    pub service_start: Timestamp,
    pub service_end: Timestamp,
    pub leave: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Arranged otherwise than usual.
    Low,
    /// Something wanted is missed.
    Medium,
    /// The combination can't be held.
    High,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    pub severity: Severity,
    pub message: String,
    /// The facts that clash, in plain words; dropping any one of them would do.
    pub chain: Vec<String>,
}

impl Timeline {
    /// Whether the combination must be refused.
    pub fn has_high(&self) -> bool {
        self.conflicts.iter().any(|conflict| conflict.severity == Severity::High)
    }
}

/// Local hour before which an event still belongs to the night of the day before.
const NIGHT_ENDS_HOUR: i8 = 4;

/// Schedules an event. `categories` gives the minutes before the event's start at which a
/// category's service may begin (0 for one it doesn't hold). Engagements of vendors, one per
/// category; an in-house kitchen stands as an engagement of its venue in the caterer's place.
///
/// Anchors whose activity the event type knows fix its start; others become activities of their
/// own. A venue's `music_until` binds the activities with amplified music. A vendor's call lies
/// within the event's window, widened by its category's lead and its own setup and teardown.
pub fn schedule(
    request: &Request,
    categories: &[CategoryDef],
    engagements: &[Engagement<'_>],
) -> Timeline {
    let start = request.time.start_zoned();
    let places: Vec<Place<'_>> =
        engagements.iter().map(|e| Place::new(*e, request, categories)).collect();
    let venue = places.iter().find(|place| place.category() == "venue");
    let music_until = venue
        .and_then(|place| place.vendor().policies.as_ref())
        .and_then(|policies| policies.music_until);
    let music_ends = music_until.map(|until| minutes_to_music_end(&start, until));
    let words =
        Words { start: &start, venue: venue.map(|place| place.vendor().name.as_str()), music_ends };

    let anchors = anchors(request, &start, &places);
    let mut program = Program::new(request, &places, &anchors, music_ends);
    let mut conflicts = Vec::new();
    if let Some(place) = venue
        && let Some(most) = place.stays_at_most
        && most < program.minutes
    {
        let ends = format!("the event takes {} hours", program.minutes as f64 / 60.0);
        let message = format!("{}, less than the event takes", words.stay(place));
        let chain = vec![words.stay(place), ends];
        conflicts.push(Conflict { severity: Severity::High, message, chain });
    }
    let latest = settle(&mut program, &words, &mut conflicts);
    let times = choose(&program);
    conflicts.extend(cut_short(&program, &times, &words));
    let now = start.timestamp();
    let calls = calls(&program, &times, now, &words, &mut conflicts);
    conflicts.sort_by_key(|conflict| std::cmp::Reverse(conflict.severity));
    Timeline { activities: activities(&program, &times, &latest, &start), calls, conflicts }
}

/// The anchors' minutes from the event's start, by time. A time of day before the start is the
/// next day's; but getting ready may lie before the event, as far as the make-up's lead goes.
fn anchors(request: &Request, start: &Zoned, places: &[Place<'_>]) -> Vec<(Minutes, usize)> {
    let minutes_until = |date: civil::Date, at: civil::Time| {
        let zone = start.time_zone().clone();
        let zoned = zone.into_ambiguous_zoned(date.to_datetime(at)).compatible();
        zoned.map_or(Minutes::MAX / 8, |then| minutes_between(start, &then))
    };
    let lead = places.iter().find(|p| p.category() == "makeup_artist").map(|place| place.lead);
    let mut anchors: Vec<(Minutes, usize)> = Vec::with_capacity(request.anchors.len());
    for (i, anchor) in request.anchors.iter().enumerate() {
        let same_day = minutes_until(start.date(), anchor.at);
        let may_precede = lead.filter(|_| GETTING_READY.is_named(&anchor.activity));
        let next_day = || minutes_until(start.date().saturating_add(1.day()), anchor.at);
        let earliest = may_precede.map_or(0, |lead| -lead);
        anchors.push((if same_day >= earliest { same_day } else { next_day() }, i));
    }
    anchors.sort_unstable();
    anchors
}

fn minutes_between(start: &Zoned, then: &Zoned) -> Minutes {
    start.duration_until(then).as_mins()
}

/// Minutes from the event's start to the end of music. Before noon means the next morning; an
/// event that starts in the small hours belongs to the night of the day before.
fn minutes_to_music_end(start: &Zoned, until: civil::Time) -> Minutes {
    let night_of = if start.hour() < NIGHT_ENDS_HOUR {
        start.date().saturating_sub(1.day())
    } else {
        start.date()
    };
    let date = if until.hour() < 12 { night_of.saturating_add(1.day()) } else { night_of };
    let zone = start.time_zone().clone();
    let end = zone.into_ambiguous_zoned(date.to_datetime(until)).compatible();
    end.map_or(0, |end| minutes_between(start, &end))
}

/// Music that would go on if the venue let it.
fn cut_short(
    program: &Program<'_>,
    times: &[(Minutes, Minutes)],
    words: &Words<'_>,
) -> Option<Conflict> {
    let ends = program.music_ends.filter(|ends| *ends < program.minutes)?;
    let index = program.items.iter().rposition(|item| item.step.amplified)?;
    (times[index].1 == ends).then(|| Conflict {
        severity: Severity::Low,
        message: format!("{} ends early, at {}", words.item(program, index), words.time(ends)),
        chain: words.chain(program, &[Rule::MusicEnds(index)]),
    })
}

/// Start and end of every item, each as near to the draft as the bounds let it be.
fn choose(program: &Program<'_>) -> Vec<(Minutes, Minutes)> {
    let draft = program.draft();
    let network = program.network();
    let Ok(mut windows) = network.windows() else {
        return draft; // Not reached: `settle` has made the bounds consistent.
    };
    let count = program.items.len();
    let mut times = Vec::with_capacity(count + 1);
    let mut late = 0;
    for (i, (start, end)) in draft.into_iter().enumerate() {
        let (start_point, end_point) = Program::points(i);
        let started = windows.choose(start_point, start.max(late));
        let ended = windows.choose(end_point, started + (end - start));
        late = ended;
        times.push((started, ended));
    }
    if let Some(item) = &program.getting_ready {
        let (start_point, end_point) = Program::points(count);
        // Ready when the guests come, no sooner than needed.
        let ended = match item.fixed_at {
            Some(at) => windows.choose(end_point, at + item.ideal),
            None => windows.choose(end_point, 0),
        };
        times.push((windows.choose(start_point, ended - item.ideal), ended));
    }
    times
}

fn activities(
    program: &Program<'_>,
    times: &[(Minutes, Minutes)],
    latest: &[Minutes],
    start: &Zoned,
) -> Vec<Activity> {
    let at = |minutes: Minutes| {
        start.checked_add(SignedDuration::from_mins(minutes)).unwrap_or_else(|_| start.clone())
    };
    let engaged = |category: &str| {
        let place = program.places.iter().find(|place| place.category() == category);
        place.map(|place| place.engagement.category.clone())
    };
    let all = program.items.iter().chain(&program.getting_ready).zip(times).enumerate();
    let mut activities: Vec<Activity> = all
        .map(|(i, (item, &(from, until)))| {
            let local = at(from);
            let slack = latest.get(Program::points(i).0).map_or(0, |latest| latest - from);
            Activity {
                name: shown_name(item.name, local.hour()).to_owned(),
                category: item.step.led_by.and_then(engaged),
                start: local.timestamp(),
                end: at(until).timestamp(),
                slack_minutes: u32::try_from(slack).unwrap_or(0),
            }
        })
        .collect();
    activities.sort_by_key(|activity| activity.start);
    activities
}

#[cfg(test)]
mod tests;
