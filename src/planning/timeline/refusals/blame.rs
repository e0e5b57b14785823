//! Whose vendors a clash rests on.

use crate::timeline::program::{Program, Rule};
use model::Category;

/// The categories whose engagements put the bounds of a clash there, in the order of the places:
/// a vendor's hours, setup or teardown, and the activities that take place only because it is
/// engaged. Empty where the client's own times clash.
pub(in crate::timeline) fn blamed(program: &Program<'_>, clash: &[Rule]) -> Vec<Category> {
    let is_meant = |category: &str| clash.iter().any(|rule| rests_on(program, *rule, category));
    let engaged = program.places.iter().map(|place| place.engagement.category);
    engaged.filter(|category| is_meant(category.as_str())).cloned().collect()
}

fn rests_on(program: &Program<'_>, rule: Rule, category: &str) -> bool {
    let place_is = |place: usize| program.places[place].category() == category;
    match rule {
        Rule::EventStarts | Rule::EventEnds | Rule::Follows(..) | Rule::Anchored(_) => false,
        Rule::Takes(index) | Rule::TakesAtMost(index) => carries(program, index, category),
        Rule::MusicEnds(index) => category == "venue" || carries(program, index, category),
        Rule::Stays(place) => place_is(place),
        Rule::Lead => category == "makeup_artist",
        Rule::Travels(from, to) => {
            let at_home = |index| program.item(index).is_some_and(|item| item.location.is_none());
            category == "venue" && (at_home(from) || at_home(to))
        }
        Rule::Opens(place) | Rule::Closes(place) => category == "venue" || place_is(place),
    }
}

/// Whether an activity takes place because the category is engaged. An anchored one does anyway.
fn carries(program: &Program<'_>, index: usize, category: &str) -> bool {
    let item = program.item(index);
    item.is_some_and(|item| item.fixed_at.is_none() && item.step.led_by == Some(category))
}
