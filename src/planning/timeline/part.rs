//! The run of show of one part of an event.

use jiff::{SignedDuration, ToSpan, Zoned};

use super::{
    Activity, Conflict, Severity, Timeline,
    calls::calls,
    hours::{Hours, minutes_until_each},
    program::{Program, Rule},
    refusals::blame::blamed,
    template::GETTING_READY,
    timing::{network::Minutes, place::Place, repair::settle},
    words::{Words, shown_name},
};
use crate::engagement::Engagement;
use model::{CategoryDef, Part, Request};

/// Schedules one part with the vendors that it needs.
pub(super) fn schedule_part(
    request: &Request,
    part: Part<'_>,
    categories: &[CategoryDef],
    engagements: &[Engagement<'_>],
) -> Timeline {
    let start = part.time.start_zoned();
    let places: Vec<Place<'_>> =
        engagements.iter().map(|e| Place::new(*e, request, categories)).collect();
    let venue = places.iter().find(|place| place.category() == "venue");
    let hours = Hours::of(venue, &start);
    let venue_name = venue.map(|place| place.vendor().name.as_str());
    let words = Words { start: &start, venue: venue_name, hours };

    let anchors = anchors(part, &start, &places);
    let mut program = Program::new(part, &places, &anchors, hours);
    let mut conflicts = Vec::new();
    conflicts.extend(venue.and_then(|place| outstayed(place, &program, &words)));
    conflicts.extend(closed(&program, &words, &|place| program.needed(place).is_none()));
    let latest = settle(&mut program, &words, &mut conflicts);
    let times = choose(&program);
    conflicts.extend(cut_short(&program, &times, &words));
    let mut calls = calls(&program, &times, start.timestamp(), &words, &mut conflicts);
    calls.iter_mut().for_each(|call| call.function = part.name.map(str::to_owned));
    if let Some(name) = part.name {
        conflicts.iter_mut().for_each(|c| c.message = format!("{name}: {}", c.message));
    }
    conflicts.sort_by_key(|conflict| std::cmp::Reverse(conflict.severity));
    let activities = activities(part.name, &program, &times, &latest, &start);
    Timeline { activities, calls, conflicts }
}

/// The event takes longer than the venue may be had.
pub(super) fn outstayed(
    venue: &Place<'_>,
    program: &Program<'_>,
    words: &Words<'_>,
) -> Option<Conflict> {
    venue.stays_at_most.filter(|most| *most < program.minutes).map(|_| {
        let takes = format!("the event takes {} hours", program.minutes as f64 / 60.0);
        let message = format!("{}, less than the event takes", words.stay(venue));
        let chain = vec![words.stay(venue), takes];
        let places = vec![venue.engagement.category.clone()];
        Conflict { severity: Severity::High, message, chain, places }
    })
}

/// The event, or the setup or teardown of a vendor that is there all the time, lies outside of
/// the venue's hours.
pub(super) fn closed(
    program: &Program<'_>,
    words: &Words<'_>,
    is_there_all_along: &dyn Fn(&Place<'_>) -> bool,
) -> Option<Conflict> {
    let all_along = program
        .places
        .iter()
        .filter(|place| place.is_bound_by_hours() && is_there_all_along(place));
    let setup = all_along.clone().max_by_key(|place| place.vendor().setup_minutes);
    let teardown = all_along.max_by_key(|place| place.vendor().teardown_minutes);
    let before = setup.map_or(0, |place| Minutes::from(place.vendor().setup_minutes));
    let after = teardown.map_or(0, |place| Minutes::from(place.vendor().teardown_minutes));
    let conflict = |hours: String, needs: String, who: Option<&Place<'_>>| {
        let is_meant = |place: &&Place<'_>| {
            place.category() == "venue" || who.is_some_and(|w| w.category() == place.category())
        };
        let meant = program.places.iter().filter(is_meant);
        Conflict {
            severity: Severity::High,
            message: format!("{hours}, but {needs}"),
            chain: vec![hours, needs],
            places: meant.map(|place| place.engagement.category.clone()).collect(),
        }
    };
    if let Some(opens) = program.hours.opens.filter(|opens| *opens > -before) {
        let who = setup.filter(|_| opens <= 0);
        let needs = match who {
            Some(place) => words.sets_up(place, 0),
            None => format!("the event starts at {}", words.time(0)),
        };
        return Some(conflict(words.opens(), needs, who));
    }
    let ends = program.minutes;
    let closes = program.hours.closes.filter(|closes| *closes < ends + after)?;
    let who = teardown.filter(|_| closes >= ends);
    let needs = match who {
        Some(place) => words.clears(place, ends),
        None => format!("the event ends at {}", words.time(ends)),
    };
    Some(conflict(words.closes(), needs, who))
}

/// The anchors' minutes from the event's start, by time. A time of day before the start is the
/// next day's; but getting ready may lie before the event, as far as the make-up's lead goes.
pub(super) fn anchors(
    part: Part<'_>,
    start: &Zoned,
    places: &[Place<'_>],
) -> Vec<(Minutes, usize)> {
    let lead = places.iter().find(|p| p.category() == "makeup_artist").map(|place| place.lead);
    let mut anchors: Vec<(Minutes, usize)> = Vec::with_capacity(part.anchors.len());
    for (i, anchor) in part.anchors.iter().enumerate() {
        let may_precede = lead.filter(|_| GETTING_READY.is_named(&anchor.activity));
        let earliest = may_precede.map_or(0, |lead| -lead);
        let days = [start.date(), start.date().saturating_add(1.day())];
        // A time that comes twice is the first of the two that is not too early.
        let mut times = days.into_iter().flat_map(|day| minutes_until_each(start, day, anchor.at));
        let at = times.find(|at| *at >= earliest);
        anchors.push((at.unwrap_or(Minutes::MAX / 8), i));
    }
    anchors.sort_unstable();
    anchors
}

/// Music that would go on if the venue let it.
fn cut_short(
    program: &Program<'_>,
    times: &[(Minutes, Minutes)],
    words: &Words<'_>,
) -> Option<Conflict> {
    let ends = program.hours.music_ends.filter(|ends| *ends < program.minutes)?;
    let index = program.items.iter().rposition(|item| item.step.amplified)?;
    (times[index].1 == ends).then(|| Conflict {
        severity: Severity::Low,
        message: format!("{} ends early, at {}", words.item(program, index), words.time(ends)),
        chain: words.chain(program, &[Rule::MusicEnds(index)]),
        places: blamed(program, &[Rule::MusicEnds(index)]),
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
    function: Option<&str>,
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
                function: function.map(str::to_owned),
                name: shown_name(item.name, local.hour()).to_owned(),
                category: item.step.led_by.and_then(engaged),
                start: local.timestamp(),
                end: at(until).timestamp(),
                slack_minutes: u32::try_from(slack).unwrap_or(0),
            }
        })
        .collect();
    let ways = (1..program.items.len()).map(|i| (i, program.way_to(i)));
    for (i, minutes) in ways.filter(|(_, minutes)| *minutes > 0) {
        let start = times[i].0 - minutes;
        activities.push(Activity {
            function: function.map(str::to_owned),
            name: format!("way to {}", program.items[i].name),
            category: None,
            start: at(start).timestamp(),
            end: at(times[i].0).timestamp(),
            slack_minutes: 0,
        });
    }
    activities.sort_by_key(|activity| (activity.start, activity.end));
    activities
}
