//! The fitness of a combination, straight from the contract (DESIGN "Fitness").
//!
//! The search works on a decomposed form of it (`assembly`); what a plan shows is computed here,
//! and a property test holds the two against each other.

pub mod budget;
pub mod preference;

use preference::Preference;

use crate::{
    domain::{
        input::PlanningInput,
        quote::{Scope, total_minor},
    },
    engagement::Engagement,
    matching::compatibility::{AreaTable, Signature},
};
use model::{Shares, Strategy};

/// Weight of the budget fit.
pub(crate) const BUDGET_PART: f64 = 0.40;
/// Weight of the preference fit.
pub(crate) const PREFERENCE_PART: f64 = 0.45;
/// Weight of the compatibility.
pub(crate) const COMPATIBILITY_PART: f64 = 0.15;

/// A combination's fitness and its three terms, all 0–1, under its best strategy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fitness {
    /// 0.40 · budget_fit + 0.45 · preference_fit + 0.15 · compatibility.
    pub fitness: f64,
    /// The first of the best strategies.
    pub strategy: Strategy,
    pub budget_fit: f64,
    pub preference_fit: f64,
    pub compatibility: f64,
}

/// The fitness of the vendors in their places; a requested category without an engagement is
/// skipped. Sums run in category order, so that the result is the same everywhere.
pub fn fitness(input: &PlanningInput<'_>, engagements: &[Engagement<'_>]) -> Fitness {
    let places: Vec<Option<&Engagement<'_>>> = input
        .categories
        .iter()
        .map(|def| engagements.iter().find(|engagement| *engagement.category == def.name))
        .collect();
    let quote = |engagement: &Engagement<'_>| {
        let Engagement { category, vendor, in_house } = *engagement;
        total_minor(input.request, category, vendor, Scope::of(category, in_house))
    };
    let quotes: Vec<Option<i64>> = places.iter().map(|place| place.map(quote)).collect();
    let preference_fit = preference_fit(input, &places);
    let compatibility = compatibility(input, &places);
    let of_strategy = |shares: &Shares| {
        let budget_fit = budget_fit(input, shares, &quotes);
        let fitness = BUDGET_PART * budget_fit
            + PREFERENCE_PART * preference_fit
            + COMPATIBILITY_PART * compatibility;
        let strategy = shares.strategy;
        Fitness { fitness, strategy, budget_fit, preference_fit, compatibility }
    };
    let nothing = Fitness {
        fitness: 0.0,
        strategy: Strategy::Balanced,
        budget_fit: 0.0,
        preference_fit,
        compatibility,
    };
    let all = input.shares.iter().map(of_strategy);
    all.reduce(|best, next| if next.fitness > best.fitness { next } else { best })
        .unwrap_or(nothing)
}

/// g(x) of the contract: 1 up to the allocation, falling by 2 per whole allocation above it,
/// 0 from one and a half on.
pub(crate) fn within_allocation(x: f64) -> f64 {
    if x <= 1.0 {
        1.0
    } else if x < 1.5 {
        1.0 - 2.0 * (x - 1.0)
    } else {
        0.0
    }
}

/// One category's part of the budget fit: a · g(quote / (a · spendable)); 0 for a share of 0.
/// `quote` in minor units; a skipped category costs nothing.
pub(crate) fn budget_part(share: f64, quote: Option<i64>, spendable: f64) -> f64 {
    if share <= 0.0 {
        return 0.0;
    }
    match quote {
        Some(minor) => share * within_allocation(minor as f64 / (share * spendable)),
        None => share,
    }
}

fn budget_fit(input: &PlanningInput<'_>, shares: &Shares, quotes: &[Option<i64>]) -> f64 {
    let spendable = input.spendable();
    let places = input.categories.iter().zip(quotes);
    places
        .map(|(def, &quote)| {
            let share = shares.shares.get(&def.name).copied().unwrap_or(0.0);
            budget_part(share, quote, spendable)
        })
        .sum()
}

fn preference_fit(input: &PlanningInput<'_>, places: &[Option<&Engagement<'_>>]) -> f64 {
    let mut preference = Preference::new(input);
    let mut sum = 0.0;
    for (category, (def, place)) in input.categories.iter().zip(places).enumerate() {
        if let Some(engagement) = place {
            let weight = input.service(&def.name).weight;
            sum += weight * preference.fit(category, engagement.vendor);
        }
    }
    sum / input.weight_sum()
}

fn compatibility(input: &PlanningInput<'_>, places: &[Option<&Engagement<'_>>]) -> f64 {
    if input.pairs() == 0 {
        return 1.0;
    }
    let areas = AreaTable::new(input.areas);
    let signatures: Vec<Option<Signature>> =
        places.iter().map(|place| place.map(|e| areas.signature(e.vendor))).collect();
    let mut sum = 0.0;
    for (i, one) in signatures.iter().enumerate() {
        for other in &signatures[i + 1..] {
            if let (Some(one), Some(other)) = (one, other) {
                sum += areas.fit(one, other);
            }
        }
    }
    sum / input.pairs() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Case, vendor, venue};
    use model::{Category, CateringPolicy, Vendor};

    #[test]
    fn an_allocation_may_be_passed_by_half() {
        for (x, expected) in
            [(0.0, 1.0), (1.0, 1.0), (1.25, 0.5), (1.5, 0.0), (9.0, 0.0), (f64::INFINITY, 0.0)]
        {
            assert_eq!(within_allocation(x), expected, "{x}");
        }
    }

    fn shares(case: &mut Case, entries: &[(&str, f64)]) {
        case.shares.truncate(1);
        case.shares[0].shares =
            entries.iter().map(|(name, share)| (Category::new(name), *share)).collect();
    }

    fn engage<'a>(case: &'a Case, vendors: &[(&str, &'a Vendor)]) -> Vec<Engagement<'a>> {
        let engaged = vendors.iter().map(|(name, vendor)| {
            let mut defs = case.categories.iter();
            let category = &defs.find(|def| def.name.as_str() == *name).unwrap().name;
            Engagement { category, vendor, in_house: *category != vendor.category }
        });
        engaged.collect()
    }

    /// By hand: 10,000.00 to spend; 1,000.00 each, shares 0.08 and 0.92.
    #[test]
    fn the_terms_are_those_of_the_contract() {
        let mut case = Case::of(&["photographer", "florist"]);
        shares(&mut case, &[("photographer", 0.08), ("florist", 0.92)]);
        case.request.services.get_mut(&"florist".into()).unwrap().weight = 3.0;
        let (mut one, mut other) = (vendor("p", "photographer"), vendor("f", "florist"));
        (one.rating, other.rating) = (Some(5.0), Some(2.5));
        (one.styles, other.styles) = (vec!["rustic".into()], vec!["modern".into()]);
        let fit =
            fitness(&case.input(), &engage(&case, &[("photographer", &one), ("florist", &other)]));
        // The photographer costs 1.25 of its allocation.
        assert!((fit.budget_fit - (0.08 * 0.5 + 0.92)).abs() < 1e-12, "{fit:?}");
        assert!((fit.preference_fit - (1.0 + 3.0 * 0.5) / 4.0).abs() < 1e-12, "{fit:?}");
        assert!((fit.compatibility - 0.7).abs() < 1e-12, "{fit:?}");
        let sum = 0.4 * fit.budget_fit + 0.45 * fit.preference_fit + 0.15 * fit.compatibility;
        assert!((fit.fitness - sum).abs() < 1e-12);
    }

    #[test]
    fn a_skipped_category_costs_nothing_and_brings_nothing() {
        let mut case = Case::of(&["photographer", "florist"]);
        shares(&mut case, &[("photographer", 0.5), ("florist", 0.5)]);
        let mut one = vendor("p", "photographer");
        one.rating = Some(5.0);
        let fit = fitness(&case.input(), &engage(&case, &[("photographer", &one)]));
        assert_eq!((fit.budget_fit, fit.preference_fit, fit.compatibility), (1.0, 0.5, 0.0));
    }

    #[test]
    fn a_venue_that_caters_stands_in_both_places() {
        let mut case = Case::of(&["venue", "caterer"]);
        shares(&mut case, &[("venue", 0.9), ("caterer", 0.1)]);
        case.request.preferences.cuisines = vec!["thai".into()];
        let mut hall = venue("v", CateringPolicy::InHouse);
        (hall.rating, hall.tags) = (Some(2.5), vec!["thai".into()]);
        let both = [("venue", &hall), ("caterer", &hall)];
        let fit = fitness(&case.input(), &engage(&case, &both));
        assert_eq!(fit.budget_fit, 1.0);
        let kitchen = (0.5 + 0.2 * 0.5) / 0.7;
        assert!((fit.preference_fit - (0.5 + kitchen) / 2.0).abs() < 1e-12, "{fit:?}");
        // The same area; no style on either side.
        assert!((fit.compatibility - (0.7 + 0.3 * 0.5)).abs() < 1e-12, "{fit:?}");
    }

    #[test]
    fn one_category_alone_is_compatible_and_the_best_strategy_counts() {
        let mut case = Case::of(&["florist"]);
        let mut poor = case.shares[0].clone();
        poor.shares.insert("florist".into(), 0.01);
        poor.strategy = Strategy::Experience;
        case.shares.insert(0, poor);
        let florist = vendor("f", "florist");
        let fit = fitness(&case.input(), &engage(&case, &[("florist", &florist)]));
        assert_eq!((fit.compatibility, fit.budget_fit), (1.0, 1.0));
        assert_eq!(fit.strategy, Strategy::Balanced);
    }
}
