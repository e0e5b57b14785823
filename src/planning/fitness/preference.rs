//! How well a vendor meets what the client wants: tags, words of the vision, rating.

use crate::{
    domain::input::{PlanningInput, VENUE},
    matching::{
        keywords::KeywordMatcher,
        tags::{has_key, tag_key},
    },
};
use model::{Vendor, Wants};

const TAGS_PART: f64 = 0.5;
const TEXT_PART: f64 = 0.3;
const RATING_PART: f64 = 0.2;
const RATING_MAX: f64 = 5.0;
/// Preference fit where nothing is wanted and nothing known: neither for nor against.
const NOTHING_KNOWN: f64 = 0.5;
/// A venue far from its ideal number of guests keeps at least this part.
const FAR_FROM_IDEAL: f64 = 0.5;

/// The client's side of the preference fit, worked out once.
pub(crate) struct Preference<'a> {
    input: PlanningInput<'a>,
    /// Per category: the keys of its wanted tags.
    wanted: Vec<Vec<String>>,
    matcher: KeywordMatcher,
}

impl<'a> Preference<'a> {
    pub(crate) fn new(input: &PlanningInput<'a>) -> Self {
        let wanted = input.categories.iter().map(|def| wanted_tags(input, &def.wants));
        Self {
            input: *input,
            wanted: wanted.collect(),
            matcher: KeywordMatcher::new(&input.requirements.keywords),
        }
    }

    /// Preference fit of a vendor in a category's place, 0–1 (DESIGN "Fitness"):
    /// 0.5 · tags + 0.3 · text + 0.2 · rating/5 over the parts that apply, weights renormalised;
    /// 0.5 where none does. In the venue's place it is multiplied by
    /// max(0.5, 1 − |guests − ideal| / ideal), where the ideal is known: that is about the hall,
    /// so it doesn't touch the venue's kitchen in the caterer's place.
    pub(crate) fn fit(&mut self, category: usize, vendor: &Vendor) -> f64 {
        let wanted = &self.wanted[category];
        let tags = (!wanted.is_empty()).then(|| {
            let owned = wanted.iter().filter(|key| owns(vendor, key)).count();
            owned as f64 / wanted.len() as f64
        });
        let words = vendor.styles.iter().chain(&vendor.tags).chain(&vendor.description);
        let text = self.matcher.share(words.map(String::as_str));
        let rating = vendor.rating.map(|rating| rating / RATING_MAX);
        let parts = [(TAGS_PART, tags), (TEXT_PART, text), (RATING_PART, rating)];
        let (mut sum, mut weights) = (0.0, 0.0);
        for (weight, value) in parts {
            if let Some(value) = value {
                sum += weight * value;
                weights += weight;
            }
        }
        let fit = if weights > 0.0 { sum / weights } else { NOTHING_KNOWN };
        fit * self.size_factor(category, vendor)
    }

    fn size_factor(&self, category: usize, vendor: &Vendor) -> f64 {
        if self.input.categories[category].name.as_str() != VENUE {
            return 1.0;
        }
        match vendor.capacity.and_then(|capacity| capacity.ideal).filter(|&ideal| ideal > 0) {
            Some(ideal) => {
                let off = f64::from(self.input.request.guests.abs_diff(ideal));
                (1.0 - off / f64::from(ideal)).max(FAR_FROM_IDEAL)
            }
            None => 1.0,
        }
    }
}

/// The distinct keys that a category's vendors should carry. A list of the request wins; the
/// requirements' list counts only where the request's is empty.
fn wanted_tags(input: &PlanningInput<'_>, wants: &[Wants]) -> Vec<String> {
    let asked = &input.request.preferences;
    let found = input.requirements;
    let mut keys = Vec::new();
    for want in wants {
        let (first, second) = match want {
            Wants::Styles => (&asked.styles, &found.styles),
            Wants::Cuisines => (&asked.cuisines, &found.cuisines),
            Wants::Amenities => (&asked.amenities, &found.amenities),
            Wants::VenueTypes => (&asked.venue_types, &found.venue_types),
            Wants::Video => {
                if asked.video.unwrap_or(found.video) {
                    keys.push("video".to_owned());
                }
                continue;
            }
        };
        let list = if first.is_empty() { second } else { first };
        keys.extend(list.iter().map(|tag| tag_key(tag)).filter(|key| !key.is_empty()));
    }
    keys.sort();
    keys.dedup();
    keys
}

fn owns(vendor: &Vendor, key: &str) -> bool {
    let mut all = vendor.tags.iter().chain(&vendor.amenities).chain(&vendor.styles);
    all.any(|tag| has_key(tag, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        matching::keywords::stems,
        samples::{Case, vendor},
    };
    use model::Capacity;

    fn fit(case: &Case, category: usize, vendor: &Vendor) -> f64 {
        Preference::new(&case.input()).fit(category, vendor)
    }

    #[test]
    fn weights_are_renormalised_over_the_parts_that_apply() {
        for (styles, vision, rating, expected) in [
            (&[][..], "", None, 0.5),
            (&[], "", Some(4.0), 0.8),
            (&["rustic", "open air"], "", None, 0.5),
            (&["rustic", "open air"], "", Some(4.0), (0.5 * 0.5 + 0.2 * 0.8) / 0.7),
            (&[], "garden lights", Some(4.0), (0.3 * 0.5 + 0.2 * 0.8) / 0.5),
            (&["open-air"], "garden lights", Some(4.0), 0.5 + 0.3 * 0.5 + 0.2 * 0.8),
        ] {
            let mut case = Case::of(&["florist"]);
            case.request.preferences.styles = styles.iter().map(|&style| style.into()).collect();
            case.requirements.keywords = stems(vision);
            let mut florist = vendor("f", "florist");
            florist.tags = vec!["Open Air".into()];
            florist.description = Some("flowers for gardens".into());
            florist.rating = rating;
            let fit = fit(&case, 0, &florist);
            assert!((fit - expected).abs() < 1e-12, "{styles:?} {vision}: {fit}");
        }
    }

    #[test]
    fn the_requests_own_lists_win_over_the_requirements() {
        let mut case = Case::of(&["photographer"]);
        let mut photographer = vendor("p", "photographer");
        photographer.styles = vec!["candid".into()];
        photographer.amenities = vec!["VIDEO".into()];
        case.requirements.styles = vec!["rustic".into()];
        assert_eq!(fit(&case, 0, &photographer), 0.0);
        case.requirements.video = true;
        assert_eq!(fit(&case, 0, &photographer), 0.5);
        case.request.preferences.styles = vec!["candid".into()];
        assert_eq!(fit(&case, 0, &photographer), 1.0);
        photographer.amenities.clear();
        assert_eq!(fit(&case, 0, &photographer), 0.5);
        case.request.preferences.video = Some(false);
        assert_eq!(fit(&case, 0, &photographer), 1.0);
    }

    #[test]
    fn a_hall_is_judged_by_its_ideal_size_but_its_kitchen_is_not() {
        let case = Case::of(&["venue", "caterer"]);
        let mut hall = vendor("v", "venue");
        hall.rating = Some(5.0);
        for (ideal, expected) in [(100, 1.0), (125, 0.8), (80, 0.75), (20, 0.5), (0, 1.0)] {
            hall.capacity = Some(Capacity { ideal: Some(ideal), ..Capacity::default() });
            assert!((fit(&case, 0, &hall) - expected).abs() < 1e-12, "{ideal}");
            assert_eq!(fit(&case, 1, &hall), 1.0);
        }
    }
}
