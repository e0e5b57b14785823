//! The fitness of a combination, straight from the contract (DESIGN "Fitness").
//!
//! The search works on a decomposed form of it (`assembly`); what a plan shows is computed here,
//! and a property test holds the two against each other.

use super::{
    compatibility::{AreaTable, Signature},
    engagement::Engagement,
    inquiry::Inquiry,
    preference::Preference,
    quote::{Scope, Unquotable, total_minor},
};
use crate::model::{Shares, Strategy};

/// Weight of the budget fit.
pub const BUDGET_PART: f64 = 0.40;
/// Weight of the preference fit.
pub const PREFERENCE_PART: f64 = 0.45;
/// Weight of the compatibility.
pub const COMPATIBILITY_PART: f64 = 0.15;

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
///
/// # Errors
/// A vendor that can't be quoted.
pub fn fitness(
    inquiry: &Inquiry<'_>,
    engagements: &[Engagement<'_>],
) -> Result<Fitness, Unquotable> {
    let places: Vec<Option<&Engagement<'_>>> = inquiry
        .categories
        .iter()
        .map(|def| engagements.iter().find(|engagement| *engagement.category == def.name))
        .collect();
    let mut quotes = Vec::with_capacity(places.len());
    for place in &places {
        quotes.push(match place {
            Some(e) => {
                let scope = Scope::of(e.category, e.in_house);
                Some(total_minor(inquiry.request, e.category, e.vendor, scope)?)
            }
            None => None,
        });
    }
    let preference_fit = preference_fit(inquiry, &places);
    let compatibility = compatibility(inquiry, &places);
    let of_strategy = |shares: &Shares| {
        let budget_fit = budget_fit(inquiry, shares, &quotes);
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
    let all = inquiry.shares.iter().map(of_strategy);
    Ok(all
        .reduce(|best, next| if next.fitness > best.fitness { next } else { best })
        .unwrap_or(nothing))
}

/// g(x) of the contract: 1 up to the allocation, falling by 2 per whole allocation above it,
/// 0 from one and a half on.
pub fn within_allocation(x: f64) -> f64 {
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
pub fn budget_part(share: f64, quote: Option<i64>, spendable: f64) -> f64 {
    if share <= 0.0 {
        return 0.0;
    }
    match quote {
        Some(minor) => share * within_allocation(minor as f64 / (share * spendable)),
        None => share,
    }
}

fn budget_fit(inquiry: &Inquiry<'_>, shares: &Shares, quotes: &[Option<i64>]) -> f64 {
    let spendable = inquiry.spendable();
    let places = inquiry.categories.iter().zip(quotes);
    places
        .map(|(def, &quote)| {
            let share = shares.shares.get(&def.name).copied().unwrap_or(0.0);
            budget_part(share, quote, spendable)
        })
        .sum()
}

fn preference_fit(inquiry: &Inquiry<'_>, places: &[Option<&Engagement<'_>>]) -> f64 {
    let mut preference = Preference::new(inquiry);
    let mut sum = 0.0;
    for (category, (def, place)) in inquiry.categories.iter().zip(places).enumerate() {
        if let Some(engagement) = place {
            let weight = inquiry.service(&def.name).weight;
            sum += weight * preference.fit(category, engagement.vendor);
        }
    }
    sum / inquiry.weight_sum()
}

fn compatibility(inquiry: &Inquiry<'_>, places: &[Option<&Engagement<'_>>]) -> f64 {
    if inquiry.pairs() == 0 {
        return 1.0;
    }
    let areas = AreaTable::new(inquiry.areas);
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
    sum / inquiry.pairs() as f64
}
