//! A request and its vendors → the abstract problem, and a solution of it → an option again.
//!
//! Every vendor that meets the hard constraints becomes a candidate of its category: one per
//! role. The fitness falls apart into a value per candidate and strategy and a value per pair of
//! signatures, so that the search needs to know nothing of events.

pub mod explain;
#[cfg(test)]
pub(crate) mod properties;
pub mod recheck;
pub(crate) mod stability;
pub mod timetable;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{
        eligible::{Eligibility, EligibleVendor, Exclusion},
        input::{CATERER, DECORATOR, PlanningInput, VENUE},
        policies::{decorates_venue, takes_decor},
        roles::CateringRole,
    },
    engagement::Engagement,
    fitness::{
        BUDGET_PART, COMPATIBILITY_PART, PREFERENCE_PART, budget_part, preference::Preference,
    },
    matching::compatibility::{AreaTable, Signature},
    problem::{Candidate, CandidateIndex, CategoryIndex, Combination, Problem, ProblemCategory},
    settings::SearchSettings,
};
use model::{Category, ChosenVendor, Vendor, VendorId};

/// The abstract problem of an inquiry, and the way back from its ordinals.
#[derive(Clone, Debug)]
pub struct Assembly<'a> {
    pub problem: Problem,
    /// Vendors without a role, in the order of the inquiry's.
    pub excluded: Vec<Exclusion>,
    /// Statements that make the request infeasible whatever the vendors cost; the problem then
    /// has no candidates.
    pub impossible: Vec<String>,
    pub(super) inquiry: PlanningInput<'a>,
    /// Category → candidate → seat.
    seats: Vec<Vec<EligibleVendor<'a>>>,
}

/// Makes the abstract problem of an inquiry (DESIGN "The abstract problem").
///
/// Candidates of a category stand in ascending order (bytes) of their ids: the vendor's id, with
/// `+catering` for a venue in the role of caterer too, `skip` for leaving an optional category
/// out. A skip has the value that the contract gives it, so every category of the problem must
/// be filled. A category with a vendor of `must_include` holds that vendor's candidates alone.
///
/// Catering policies: a venue that allows only its own kitchen is a candidate that fills both
/// places; one that allows both is two candidates; where no caterer is requested only its rental
/// counts, and a hall that is sold with plates only is left out.
///
/// Decor: where a decorator must come, venues that take none are no candidates. Where it may be
/// left out, a second limit of 1 is there, of which every such venue and every decorator uses 1:
/// linear in their numbers, which pairs would not be.
///
/// Signatures number the distinct (area, primary style) pairs of the candidates in their order,
/// the skip's last.
pub fn assemble<'a>(inquiry: &PlanningInput<'a>, settings: &SearchSettings) -> Assembly<'a> {
    let areas = AreaTable::new(inquiry.areas);
    let seating = Eligibility::of(inquiry, &areas);
    let problem = Valuation::new(inquiry, &areas).problem(&seating.seats, settings);
    let Eligibility { seats, excluded, impossible } = seating;
    Assembly { problem, excluded, impossible, inquiry: *inquiry, seats }
}

impl<'a> Assembly<'a> {
    /// The vendors of a combination in their places, in category order. A combination of another
    /// problem yields what of it exists here.
    pub fn engagements(&self, chosen: &Combination) -> Vec<Engagement<'a>> {
        let mut places: Vec<Option<Engagement<'a>>> = vec![None; self.seats.len()];
        for (category, candidate) in chosen.iter().enumerate() {
            let Some(seat) = candidate.and_then(|candidate| self.seat(category, candidate)) else {
                continue;
            };
            let Some(vendor) = seat.vendor else { continue };
            let name = &self.inquiry.categories[category].name;
            places[category] = Some(Engagement { category: name, vendor, in_house: false });
            if seat.role == CateringRole::Catering
                && let Some(caterer) = self.inquiry.index_of(CATERER)
            {
                let name = &self.inquiry.categories[caterer].name;
                places[caterer] = Some(Engagement { category: name, vendor, in_house: true });
            }
        }
        places.into_iter().flatten().collect()
    }

    pub(crate) fn seat(
        &self,
        category: CategoryIndex,
        candidate: CandidateIndex,
    ) -> Option<&EligibleVendor<'a>> {
        self.seats.get(category)?.get(candidate as usize)
    }

    /// The vendor behind an option's place, where it is one of this assembly's.
    pub fn vendor(&self, chosen: &ChosenVendor) -> Option<&'a Vendor> {
        let category = if chosen.in_house { VENUE } else { chosen.category.as_str() };
        let seats = self.seats.get(self.inquiry.index_of(category)?)?;
        let mut vendors = seats.iter().filter_map(|seat| seat.vendor);
        vendors.find(|vendor| vendor.id == chosen.id)
    }

    /// The candidates' ids per category, in the problem's order.
    pub fn candidate_ids(&self) -> Vec<Vec<String>> {
        let ids = |seats: &Vec<EligibleVendor<'_>>| {
            seats.iter().map(|seat| seat.id.to_string()).collect()
        };
        self.seats.iter().map(ids).collect()
    }
}

/// A venue that takes no decorator.
fn keeps_decor_out(seat: &EligibleVendor<'_>) -> bool {
    matches!(seat.role, CateringRole::Rental | CateringRole::Catering)
        && seat.vendor.is_some_and(|vendor| !takes_decor(vendor))
}

/// The fitness in parts: per candidate and strategy, and per pair of signatures.
struct Valuation<'a, 'i> {
    inquiry: &'i PlanningInput<'a>,
    areas: &'i AreaTable,
    preference: Preference<'a>,
    /// Strategy → category → share.
    shares: Vec<Vec<f64>>,
    /// Category → weight / Σ weights.
    weights: Vec<f64>,
    caterer: Option<CategoryIndex>,
    spendable: f64,
}

impl<'a, 'i> Valuation<'a, 'i> {
    fn new(inquiry: &'i PlanningInput<'a>, areas: &'i AreaTable) -> Self {
        let defs = inquiry.categories;
        let share = |shares: &BTreeMap<Category, f64>| {
            defs.iter().map(|def| shares.get(&def.name).copied().unwrap_or(0.0)).collect()
        };
        let weight_sum = inquiry.weight_sum();
        Self {
            inquiry,
            areas,
            preference: Preference::new(inquiry),
            shares: inquiry.shares.iter().map(|shares| share(&shares.shares)).collect(),
            weights: defs
                .iter()
                .map(|def| inquiry.service(&def.name).weight / weight_sum)
                .collect(),
            caterer: inquiry.index_of(CATERER),
            spendable: inquiry.spendable(),
        }
    }

    fn problem(mut self, seats: &[Vec<EligibleVendor<'_>>], settings: &SearchSettings) -> Problem {
        let signature =
            |seat: &EligibleVendor<'_>| seat.vendor.map(|vendor| self.areas.signature(vendor));
        let of_seats: Vec<Vec<Option<Signature>>> =
            seats.iter().map(|seats| seats.iter().map(signature).collect()).collect();
        let distinct: BTreeSet<&Signature> = of_seats.iter().flatten().flatten().collect();
        let ordinals: BTreeMap<&Signature, u32> = distinct.iter().copied().zip(0..).collect();
        let skip = ordinals.len() as u32;
        let undecorated = self.undecorated(seats);
        let mut limits = vec![self.inquiry.request.spendable_minor() as f64];
        limits.extend(undecorated.as_ref().map(|_| 1.0));
        let mut categories = Vec::with_capacity(seats.len());
        for (index, (seats, signatures)) in seats.iter().zip(&of_seats).enumerate() {
            let mut candidates = Vec::with_capacity(seats.len());
            // Vendor → its first candidate.
            let mut roles: BTreeMap<&VendorId, u32> = BTreeMap::new();
            for (seat, signature) in seats.iter().zip(signatures) {
                let same_as = seat.vendor.and_then(|vendor| {
                    let first = *roles.entry(&vendor.id).or_insert(candidates.len() as u32);
                    (first != candidates.len() as u32).then_some(first)
                });
                let mut usage = vec![seat.quote.saturating_add(seat.plates) as f64];
                if let Some(decorator) = undecorated {
                    let of_decorator = index == decorator && seat.vendor.is_some();
                    let is_counted = of_decorator || keeps_decor_out(seat);
                    usage.push(f64::from(u8::from(is_counted)));
                }
                candidates.push(Candidate {
                    value: self.values(index, seat),
                    usage,
                    signature: signature.as_ref().map_or(skip, |known| ordinals[known]),
                    also_fills: self.caterer.filter(|_| seat.role == CateringRole::Catering),
                    same_as,
                });
            }
            let candidates = candidates.into_iter().collect();
            categories.push(ProblemCategory { required: true, candidates });
        }
        let has_skip = of_seats.iter().flatten().any(Option::is_none);
        Problem {
            strategies: self.shares.len(),
            categories,
            limits,
            pair_value: self.pair_values(&distinct, has_skip),
            forbidden_pairs: Vec::new(),
            nogoods: Vec::new(),
            options: settings.options as usize,
            min_difference: settings.min_difference as usize,
        }
    }

    /// The decorator's place, where it may be left out and where some venue takes none.
    fn undecorated(&self, seats: &[Vec<EligibleVendor<'_>>]) -> Option<CategoryIndex> {
        let decorator =
            self.inquiry.index_of(DECORATOR).filter(|_| decorates_venue(self.inquiry))?;
        let may_come = seats[decorator].iter().any(|seat| seat.vendor.is_some());
        let is_minded = seats.iter().flatten().any(keeps_decor_out);
        (may_come && is_minded).then_some(decorator)
    }

    /// A candidate's value per strategy: its parts of the budget and the preference fit, in the
    /// caterer's place too where it caters. With one category the compatibility is 1 and stands
    /// here.
    fn values(&mut self, category: CategoryIndex, seat: &EligibleVendor<'_>) -> Vec<f64> {
        let fit = |valuation: &mut Self, place: CategoryIndex| {
            let fit = seat.vendor.map_or(0.0, |vendor| valuation.preference.fit(place, vendor));
            PREFERENCE_PART * valuation.weights[place] * fit
        };
        let caterer = self.caterer.filter(|_| seat.role == CateringRole::Catering);
        let mut preference = fit(self, category);
        if let Some(caterer) = caterer {
            preference += fit(self, caterer);
        }
        let alone = if self.inquiry.pairs() == 0 { COMPATIBILITY_PART } else { 0.0 };
        let quote = seat.vendor.map(|_| seat.quote);
        let value = |shares: &Vec<f64>| {
            let mut budget = budget_part(shares[category], quote, self.spendable);
            if let Some(caterer) = caterer {
                budget += budget_part(shares[caterer], Some(seat.plates), self.spendable);
            }
            BUDGET_PART * budget + preference + alone
        };
        self.shares.iter().map(value).collect()
    }

    /// Square by signature; a skip's row, the last one, is zero.
    fn pair_values(&self, distinct: &BTreeSet<&Signature>, has_skip: bool) -> Vec<Vec<f64>> {
        let size = distinct.len() + usize::from(has_skip);
        let mut values = vec![vec![0.0; size]; size];
        let pairs = self.inquiry.pairs();
        if pairs > 0 {
            let signatures: Vec<&Signature> = distinct.iter().copied().collect();
            for (row, fits) in values.iter_mut().zip(self.areas.fits(&signatures)) {
                for (value, fit) in row.iter_mut().zip(fits) {
                    *value = COMPATIBILITY_PART * fit / pairs as f64;
                }
            }
        }
        values
    }
}
