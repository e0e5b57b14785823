//! When each vendor arrives, serves and leaves.

use jiff::{Timestamp, ToSpan};

use super::{
    Conflict, Severity, VendorCall, network::Minutes, place::Place, program::Program,
    template::Photos, words::Words,
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
        calls.push(VendorCall {
            vendor: vendor.id.clone(),
            category: place.engagement.category.clone(),
            arrive: at(span.start - i64::from(vendor.setup_minutes)),
            service_start: at(span.start),
            service_end: at(span.end),
            leave: at(span.end + i64::from(vendor.teardown_minutes)),
        });
    }
    calls
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
    Conflict { severity: Severity::Medium, message, chain }
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
