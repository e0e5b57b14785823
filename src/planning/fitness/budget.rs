//! Shares of the budget per category: defaults per event type and strategy, and the check of
//! shares that another proposes.

use std::collections::BTreeMap;

use crate::domain::input::{CATERER, VENUE};
use model::{Category, EventType, Service, Shares, Strategy};

/// How far a proposal's sum may be from 1.
pub(crate) const SUM_TOLERANCE: f64 = 0.01;

/// Balanced weight of a category that the tables don't know.
const OTHER_CATEGORY_WEIGHT: f64 = 5.0;

/// How much a strategy lifts the categories that it favours.
const FAVOUR: f64 = 1.5;

/// Names of the columns of [`balanced_weights`].
const COLUMNS: [&str; 8] =
    [VENUE, CATERER, "photographer", "makeup_artist", "florist", "music", "decorator", "transport"];

/// The default shares of the requested categories; they sum to 1. Empty where none is requested.
///
/// `balanced` takes the event type's weights (below), 5 for a category that they don't know.
/// `venue_and_food` multiplies venue and caterer by 1.5, `experience` everything else; then the
/// requested categories are scaled to 1.
///
/// The weights are percentages of a whole event, chosen inside the ranges of published guides:
/// for weddings BRIDES magazine, January 2011 (reception 48, photography 15, flowers 7, transport
/// 3, hair and make-up 2) and The Knot's national averages (venue and catering 45–50,
/// photography 10–12, flowers and decoration 8–10, entertainment 8–10); for other events the
/// general split of event-budget guides (venue 25–40, catering 20–30, entertainment 10–15,
/// decoration 10–15, photography 5–10, transport about 5). They are a starting point: the
/// budgeting agent may replace them per plan.
pub fn default_shares(event_type: EventType, requested: &[Category], strategy: Strategy) -> Shares {
    let weight = |category: &Category| {
        let column = COLUMNS.iter().position(|name| *name == category.as_str());
        let balanced = column.map_or(OTHER_CATEGORY_WEIGHT, |i| balanced_weights(event_type)[i]);
        let is_venue_or_food = [VENUE, CATERER].contains(&category.as_str());
        let favoured = match strategy {
            Strategy::Balanced => false,
            Strategy::VenueAndFood => is_venue_or_food,
            Strategy::Experience => !is_venue_or_food,
        };
        if favoured { balanced * FAVOUR } else { balanced }
    };
    let weights = requested.iter().map(|category| (category.clone(), weight(category))).collect();
    Shares { strategy, shares: scaled(weights) }
}

/// Checks proposed shares against the wanted services and scales them to a sum of exactly 1 (to
/// the last bits of f64). An optional category that they leave out gets 0.
///
/// # Errors
/// What is wrong: a share that is no number or negative, an unknown category, a required one
/// without a share, or a sum that is not 1 ± 0.01.
pub fn check_shares(
    proposed: &Shares,
    services: &BTreeMap<Category, Service>,
) -> Result<Shares, String> {
    for (category, &share) in &proposed.shares {
        if !services.contains_key(category) {
            return Err(format!("`{category}` is not requested"));
        }
        if !(share.is_finite() && share >= 0.0) {
            return Err(format!("the share of `{category}` is {share}, not a number from 0 to 1"));
        }
    }
    let share_of = |category| proposed.shares.get(category).copied().unwrap_or(0.0);
    for (category, service) in services {
        if service.required && share_of(category) <= 0.0 {
            return Err(format!("`{category}` is required and has no share"));
        }
    }
    let sum: f64 = proposed.shares.values().sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        return Err(format!("the shares sum to {sum}, not to 1 ± {SUM_TOLERANCE}"));
    }
    let all = services.keys().map(|category| (category.clone(), share_of(category))).collect();
    Ok(Shares { strategy: proposed.strategy, shares: scaled(all) })
}

/// In the order of [`COLUMNS`], as percentages of a whole event (they need not sum to 100).
const fn balanced_weights(event_type: EventType) -> [f64; 8] {
    match event_type {
        EventType::Wedding => [20.0, 28.0, 12.0, 3.0, 7.0, 9.0, 10.0, 3.0],
        EventType::Birthday => [25.0, 30.0, 8.0, 2.0, 4.0, 12.0, 14.0, 3.0],
        EventType::Corporate => [30.0, 30.0, 6.0, 1.0, 3.0, 8.0, 8.0, 6.0],
        EventType::Gala => [25.0, 33.0, 6.0, 1.0, 6.0, 13.0, 13.0, 3.0],
        EventType::Other => [28.0, 28.0, 8.0, 2.0, 6.0, 11.0, 12.0, 5.0],
    }
}

/// Scales to a sum of 1.
fn scaled(mut weights: BTreeMap<Category, f64>) -> BTreeMap<Category, f64> {
    let sum: f64 = weights.values().sum();
    if sum > 0.0 {
        weights.values_mut().for_each(|weight| *weight /= sum);
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT_TYPES: [EventType; 5] = [
        EventType::Wedding,
        EventType::Birthday,
        EventType::Corporate,
        EventType::Gala,
        EventType::Other,
    ];

    fn services(required: &[&str], optional: &[&str]) -> BTreeMap<Category, Service> {
        let service = |required| Service { required, weight: 1.0, quantity: 1 };
        let required = required.iter().map(|name| (Category::new(name), service(true)));
        required.chain(optional.iter().map(|n| (Category::new(n), service(false)))).collect()
    }

    fn shares(entries: &[(&str, f64)]) -> Shares {
        let shares = entries.iter().map(|(name, share)| (Category::new(name), *share)).collect();
        Shares { strategy: Strategy::Balanced, shares }
    }

    #[test]
    fn defaults_are_valid_shares_for_any_request() {
        for names in [&["venue"][..], &COLUMNS, &["venue", "caterer", "fire_works"]] {
            let requested: Vec<Category> = names.iter().map(Category::new).collect();
            for event_type in EVENT_TYPES {
                for strategy in Strategy::ALL {
                    let shares = default_shares(event_type, &requested, strategy);
                    assert!((shares.shares.values().sum::<f64>() - 1.0).abs() < 1e-12);
                    check_shares(&shares, &services(names, &[])).unwrap();
                }
            }
        }
    }

    #[test]
    fn strategies_favour_what_they_are_named_after() {
        let requested = ["venue", "caterer", "music"].map(Category::new);
        let share = |strategy, name: &str| {
            default_shares(EventType::Wedding, &requested, strategy).shares[&Category::new(name)]
        };
        use Strategy::{Balanced, Experience, VenueAndFood};
        assert!(share(VenueAndFood, "venue") > share(Balanced, "venue"));
        assert!(share(Experience, "music") > share(Balanced, "music"));
        assert!((share(Balanced, "venue") - 20.0 / 57.0).abs() < 1e-12);
    }

    #[test]
    fn a_proposal_is_checked_and_scaled() {
        let wanted = services(&["venue", "caterer"], &["music"]);
        let good = check_shares(&shares(&[("venue", 0.505), ("caterer", 0.5)]), &wanted).unwrap();
        assert!((good.shares[&Category::new("venue")] - 0.505 / 1.005).abs() < 1e-12);
        assert_eq!(good.shares[&Category::new("music")], 0.0);
        for (bad, word) in [
            (shares(&[("venue", 0.6), ("caterer", 0.6)]), "sum"),
            (shares(&[("venue", 1.0)]), "required"),
            (shares(&[("venue", 1.0), ("caterer", 0.0)]), "required"),
            (shares(&[("venue", 1.1), ("caterer", 0.1), ("music", -0.2)]), "not a number"),
            (shares(&[("venue", f64::NAN), ("caterer", 0.5)]), "not a number"),
            (shares(&[("venue", 0.4), ("caterer", 0.4), ("cake", 0.2)]), "not requested"),
        ] {
            let error = check_shares(&bad, &wanted).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
