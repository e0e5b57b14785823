//! When each vendor arrives, serves and leaves.

use jiff::{Timestamp, ToSpan};

use super::{
    Break, Conflict, Severity, VendorCall, breaks,
    program::Program,
    template::Photos,
    timing::{network::Minutes, place::Place, travel::travel_minutes},
    words::Words,
};

/// Minutes from the event's start, `start ≤ end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: Minutes,
    end: Minutes,
}

/// One call per vendor; a kitchen of the house comes with its venue. Every service lies between
/// the event's start, less the category's lead, and its end.
pub(super) fn calls(
    program: &Program<'_>,
    times: &[(Minutes, Minutes)],
    start: Timestamp,
    words: &Words<'_>,
    conflicts: &mut Vec<Conflict>,
) -> Vec<VendorCall> {
    let at = |minutes: Minutes| start.saturating_add(minutes.minutes()).unwrap_or(start);
    let mut calls = Vec::with_capacity(program.places.len());
    for (i, place) in program.places.iter().enumerate().filter(|(_, p)| !p.engagement.in_house) {
        let wanted = wanted(program, times, place);
        let span = match place.stays_at_most {
            Some(most) if wanted.end - wanted.start > most && !program.overstaying.contains(&i) => {
                let kept = cut(wanted, needed(program, times, place), most);
                conflicts.push(too_short(place, wanted, kept, words));
                kept
            }
            _ => wanted,
        };
        let vendor = place.vendor();
        let arrive = span.start - i64::from(vendor.setup_minutes);
        let way = way_to_venue(program, place);
        let pause = pause(program, times, place, span);
        if pause.is_none() && breaks::is_due(place.category(), span.end - span.start) {
            conflicts.push(no_break(place, span, words));
        }
        calls.push(VendorCall {
            vendor: vendor.id.clone(),
            category: place.engagement.category.clone(),
            function: None,
            depart: way.map(|way| at(arrive - way)),
            arrive: at(arrive),
            service_start: at(span.start),
            service_end: at(span.end),
            leave: at(span.end + i64::from(vendor.teardown_minutes)),
            breaks: pause
                .map(|(start, end)| Break { start: at(start), end: at(end) })
                .into_iter()
                .collect(),
        });
    }
    calls
}

/// Minutes of the vendor's way to the venue, where both places are known.
fn way_to_venue(program: &Program<'_>, place: &Place<'_>) -> Option<Minutes> {
    let venue = program.places.iter().find(|place| place.category() == "venue")?;
    if venue.vendor().id == place.vendor().id {
        return None;
    }
    Some(travel_minutes(place.vendor().location?, venue.vendor().location?))
}

/// A break in a long service, where the programme leaves one.
fn pause(
    program: &Program<'_>,
    times: &[(Minutes, Minutes)],
    place: &Place<'_>,
    span: Span,
) -> Option<(Minutes, Minutes)> {
    if !breaks::is_due(place.category(), span.end - span.start) {
        return None;
    }
    let needed_in = |i: usize| program.is_needed(place, i);
    breaks::within(program, times, needed_in, (span.start, span.end))
}

fn no_break(place: &Place<'_>, span: Span, words: &Words<'_>) -> Conflict {
    let (from, until) = (words.time(span.start), words.time(span.end));
    let name = &place.vendor().name;
    Conflict {
        severity: Severity::Low,
        message: format!("{name} works from {from} to {until} and finds no time for a break"),
        chain: vec![format!("{name} is needed all along from {from} to {until}")],
        places: vec![place.engagement.category.clone()],
    }
}

/// When the vendor would serve if it could stay as long as wanted.
fn wanted(program: &Program<'_>, times: &[(Minutes, Minutes)], place: &Place<'_>) -> Span {
    let whole = Span { start: 0, end: program.minutes };
    let beside = program.items.len();
    match place.category() {
        "makeup_artist" => times.get(beside).map_or(whole, |&(start, end)| Span { start, end }),
        "photographer" => {
            let all = program.items.iter().chain(&program.getting_ready).zip(times);
            let spans = all.filter_map(|(item, &(start, end))| match item.step.photos {
                Photos::No => None,
                Photos::Wanted | Photos::Core => Some(Span { start, end }),
                Photos::First(minutes) => Some(Span { start, end: end.min(start + minutes) }),
                Photos::Last(minutes) => Some(Span { start: start.max(end - minutes), end }),
            });
            let joined = spans
                .reduce(|a, b| Span { start: a.start.min(b.start), end: a.end.max(b.end) })
                .unwrap_or(whole);
            Span { start: joined.start.max(-place.lead), end: joined.end }
        }
        _ => needed(program, times, place).unwrap_or(whole),
    }
}

/// From the first to the last activity that the vendor can't miss.
fn needed(program: &Program<'_>, times: &[(Minutes, Minutes)], place: &Place<'_>) -> Option<Span> {
    let (first, last) = program.needed(place)?;
    Some(Span { start: times[first].0, end: times[last].1 })
}

/// `most` minutes of `wanted` around `needed`: what is left over goes in front and behind in
/// equal parts, as far as each side is wanted.
fn cut(wanted: Span, needed: Option<Span>, most: Minutes) -> Span {
    let needed = needed.unwrap_or(Span { start: wanted.start, end: wanted.start });
    let spare = (most - (needed.end - needed.start)).max(0);
    let (front, behind) = (needed.start - wanted.start, wanted.end - needed.end);
    let before = front.min((spare / 2).max(spare - behind)).max(0);
    let after = behind.min(spare - before).max(0);
    Span { start: needed.start - before, end: needed.end + after }
}

fn too_short(place: &Place<'_>, wanted: Span, kept: Span, words: &Words<'_>) -> Conflict {
    let (wanted_minutes, kept_minutes) = (wanted.end - wanted.start, kept.end - kept.start);
    let message = format!(
        "{} works from {} to {} and misses {} of {wanted_minutes} wanted minutes",
        place.vendor().name,
        words.time(kept.start),
        words.time(kept.end),
        wanted_minutes - kept_minutes,
    );
    let chain = vec![
        words.stay(place),
        format!("wanted from {} to {}", words.time(wanted.start), words.time(wanted.end)),
    ];
    let places = vec![place.engagement.category.clone()];
    Conflict { severity: Severity::Medium, message, chain, places }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_stay_is_cut_around_what_is_needed() {
        let span = |start, end| Span { start, end };
        let wanted = span(-60, 400);
        for (needed, most, expected) in [
            (Some(span(60, 300)), 300, span(30, 330)),
            (Some(span(60, 300)), 440, span(-40, 400)),
            (Some(span(-50, 300)), 400, span(-60, 340)),
            (Some(span(60, 300)), 240, span(60, 300)),
            (None, 200, span(-60, 140)),
        ] {
            assert_eq!(cut(wanted, needed, most), expected);
        }
    }
}
