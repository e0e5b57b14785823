//! What is done when the activities don't fit: move music, leave something out, else a conflict.

use super::network::Minutes;
use crate::timeline::{
    Conflict, Severity,
    program::{Item, Program, Rule},
    refusals::blame::blamed,
    words::Words,
};

/// Makes the program's bounds consistent and returns the latest time of every point. What was
/// given up on the way is in `conflicts`; the mildest way is always tried first:
/// music is moved before the last meal, then an activity that is not essential is left out
/// (both low), then the venue's hours, a vendor's stay, the music's end, an anchor or a way is
/// given up (high), and last
/// the least lengths (medium).
pub(in crate::timeline) fn settle(
    program: &mut Program<'_>,
    words: &Words<'_>,
    conflicts: &mut Vec<Conflict>,
) -> Vec<Minutes> {
    let mut may_move_music = true;
    // Each turn leaves out or gives up one of these, so the loop ends.
    let turns = 3 * (program.items.len() + 1) + program.places.len() + 6;
    for _ in 0..turns {
        let clash = match program.network().latest() {
            Ok(latest) => return latest,
            Err(clash) => clash,
        };
        let chain = words.chain(program, &clash);
        let places = blamed(program, &clash);
        if let Some(music) = may_move_music.then(|| music_in(&clash)).flatten() {
            may_move_music = false;
            if let Some((moved, before)) = with_music_moved(program, music) {
                let name = words.item(program, music);
                let message = format!("{name} is moved before {before}, so that it ends in time");
                conflicts.push(Conflict { severity: Severity::Low, message, chain, places });
                *program = moved;
                continue;
            }
        }
        if let Some(index) = least_important(program, &clash) {
            let message = format!("{} is left out: time is short", words.item(program, index));
            conflicts.push(Conflict { severity: Severity::Low, message, chain, places });
            program.items.remove(index);
        } else if let Some(rule) = hardest(&clash) {
            let message = words.given_up(program, rule);
            conflicts.push(Conflict { severity: Severity::High, message, chain, places });
            give_up(program, rule);
        } else {
            let message = "the event is too short for its activities".to_owned();
            conflicts.push(Conflict { severity: Severity::Medium, message, chain, places });
            shrink(program);
        }
    }
    // Not reached: a program without anchors, limits and least lengths always fits.
    vec![0; 2 * program.items.len() + 3]
}

fn music_in(clash: &[Rule]) -> Option<usize> {
    clash.iter().find_map(|rule| match rule {
        Rule::MusicEnds(index) => Some(*index),
        _ => None,
    })
}

/// The program with the music one or more places earlier, the fewest that help, but not before
/// an essential activity other than a meal; and the name of what it now precedes.
fn with_music_moved<'a>(program: &Program<'a>, music: usize) -> Option<(Program<'a>, &'a str)> {
    if program.items[music].fixed_at.is_some() {
        return None;
    }
    let mut moved = program.clone();
    for place in (1..music).rev() {
        let before = moved.items[place];
        if before.step.rank == 0 && before.step.led_by != Some("caterer") {
            return None;
        }
        moved.items.swap(place, place + 1);
        if moved.network().latest().is_ok() {
            return Some((moved, before.name));
        }
    }
    None
}

/// The activity of the highest rank whose length is part of the clash. Never an essential or an
/// anchored one, nor the only one that an engaged vendor carries; and nothing is left out to
/// spare a vendor's hours: that vendor is the wrong one.
fn least_important(program: &Program<'_>, clash: &[Rule]) -> Option<usize> {
    if clash.iter().any(|rule| matches!(rule, Rule::Stays(_))) {
        return None;
    }
    let lengths = clash.iter().filter_map(|rule| match rule {
        Rule::Takes(index) => Some(*index),
        _ => None,
    });
    let alone = |item: &Item<'_>| {
        let category = item.step.led_by;
        let engaged = program.places.iter().any(|place| Some(place.category()) == category);
        engaged && program.items.iter().filter(|other| other.step.led_by == category).count() == 1
    };
    lengths
        .filter_map(|index| program.items.get(index).map(|item| (item, index)))
        .filter(|(item, _)| item.step.rank > 0 && item.fixed_at.is_none() && !alone(item))
        .max_by_key(|(item, index)| (item.step.rank, *index))
        .map(|(_, index)| index)
}

/// The bound to give up: the venue's hours before a vendor's stay, this before the music's end,
/// this before an anchor, this before a way; of
/// several anchors the latest activity's.
fn hardest(clash: &[Rule]) -> Option<Rule> {
    let weight = |rule: &Rule| match rule {
        Rule::Opens(_) | Rule::Closes(_) => 4_000_000,
        Rule::Stays(_) => 3_000_000,
        Rule::MusicEnds(_) => 2_000_000,
        Rule::Anchored(index) => 1_000_000 + *index,
        Rule::Travels(..) => 500_000,
        _ => 0,
    };
    clash.iter().copied().max_by_key(weight).filter(|rule| weight(rule) > 0)
}

fn give_up(program: &mut Program<'_>, rule: Rule) {
    match rule {
        Rule::Stays(place) => program.overstaying.push(place),
        Rule::MusicEnds(_) => program.hours.music_ends = None,
        Rule::Opens(_) => program.hours.opens = None,
        Rule::Closes(_) => program.hours.closes = None,
        Rule::Travels(..) => program.is_beamed = true,
        Rule::Anchored(index) => {
            let item = match program.items.get_mut(index) {
                Some(item) => Some(item),
                None => program.getting_ready.as_mut(),
            };
            if let Some(item) = item {
                item.fixed_at = None;
            }
        }
        _ => {}
    }
}

/// Lets every activity shrink in proportion, so that the essential ones fit.
fn shrink(program: &mut Program<'_>) {
    let least: Minutes = program.items.iter().map(|item| item.least).sum();
    let minutes = program.minutes;
    for item in &mut program.items {
        item.least = item.least * minutes.min(least) / least.max(1);
    }
    if let Some(item) = &mut program.getting_ready {
        item.least = 0;
    }
}
