//! Breaks of those who work long hours at an event.

use super::{program::Program, template::MEAL, timing::network::Minutes};

/// Who works longer gets a break (Directive 2003/88/EC, article 4).
const WITHOUT_BREAK_MAX: Minutes = 6 * 60;
const BREAK: Minutes = 30;
/// Whose crews relieve each other.
const RELIEVED: [&str; 2] = ["venue", "caterer"];

/// Whether a service of this length and category must be interrupted.
pub(super) fn is_due(category: &str, minutes: Minutes) -> bool {
    minutes > WITHOUT_BREAK_MAX && !RELIEVED.contains(&category)
}

/// Half an hour in which the vendor isn't needed, no later than six hours into its service: during
/// the meal if it can be, else as near as possible to the middle of the service. `None` where
/// the programme leaves none.
pub(super) fn within(
    program: &Program<'_>,
    times: &[(Minutes, Minutes)],
    needed_in: impl Fn(usize) -> bool,
    (from, until): (Minutes, Minutes),
) -> Option<(Minutes, Minutes)> {
    let middle = (from + until) / 2;
    let latest = (from + WITHOUT_BREAK_MAX).min(until - BREAK);
    let candidates = program.items.iter().enumerate().filter_map(|(i, item)| {
        let (start, end) = times[i];
        let at = start.max(from).max((middle - BREAK / 2).min(end - BREAK));
        let fits = !needed_in(i) && at > from && at <= latest && at + BREAK <= end;
        fits.then_some((item.name != MEAL, (at + BREAK / 2 - middle).abs(), at))
    });
    candidates.min().map(|(_, _, at)| (at, at + BREAK))
}
