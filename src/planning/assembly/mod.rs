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

/// The abstract problem of an input, and the way back from its ordinals.
#[derive(Clone, Debug)]
pub struct Assembly<'a> {
    pub problem: Problem,
    /// Vendors without a role, in the order of the input's.
    pub excluded: Vec<Exclusion>,
    /// Statements that make the request infeasible whatever the vendors cost; the problem then
    /// has no candidates.
    pub impossible: Vec<String>,
    pub(super) input: PlanningInput<'a>,
    /// By category and candidate.
    eligible: Vec<Vec<EligibleVendor<'a>>>,
}

/// Makes the abstract problem of an input (DESIGN "The abstract problem").
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
pub fn assemble<'a>(input: &PlanningInput<'a>, settings: &SearchSettings) -> Assembly<'a> {
    let areas = AreaTable::new(input.areas);
    let eligibility = Eligibility::of(input, &areas);
    let problem = Valuation::new(input, &areas).problem(&eligibility.eligible, settings);
    let Eligibility { eligible, excluded, impossible } = eligibility;
    Assembly { problem, excluded, impossible, input: *input, eligible }
}

impl<'a> Assembly<'a> {
    /// The vendors of a combination in their places, in category order. A combination of another
    /// problem yields what of it exists here.
    pub fn engagements(&self, chosen: &Combination) -> Vec<Engagement<'a>> {
        let mut places: Vec<Option<Engagement<'a>>> = vec![None; self.eligible.len()];
        for (category, candidate) in chosen.iter().enumerate() {
            let Some(eligible_vendor) =
                candidate.and_then(|candidate| self.eligible_vendor(category, candidate))
            else {
                continue;
            };
            let Some(vendor) = eligible_vendor.vendor else { continue };
            let name = &self.input.categories[category].name;
            places[category] = Some(Engagement { category: name, vendor, in_house: false });
            if eligible_vendor.role == CateringRole::Catering
                && let Some(caterer) = self.input.index_of(CATERER)
            {
                let name = &self.input.categories[caterer].name;
                places[caterer] = Some(Engagement { category: name, vendor, in_house: true });
            }
        }
        places.into_iter().flatten().collect()
    }

    pub(crate) fn eligible_vendor(
        &self,
        category: CategoryIndex,
        candidate: CandidateIndex,
    ) -> Option<&EligibleVendor<'a>> {
        self.eligible.get(category)?.get(candidate as usize)
    }

    /// The vendor behind an option's place, where it is one of this assembly's.
    pub fn vendor(&self, chosen: &ChosenVendor) -> Option<&'a Vendor> {
        let category = if chosen.in_house { VENUE } else { chosen.category.as_str() };
        let eligible = self.eligible.get(self.input.index_of(category)?)?;
        let mut vendors = eligible.iter().filter_map(|eligible_vendor| eligible_vendor.vendor);
        vendors.find(|vendor| vendor.id == chosen.id)
    }

    /// The candidates' ids per category, in the problem's order.
    pub fn candidate_ids(&self) -> Vec<Vec<String>> {
        let ids = |eligible: &Vec<EligibleVendor<'_>>| {
            eligible.iter().map(|eligible_vendor| eligible_vendor.id.to_string()).collect()
        };
        self.eligible.iter().map(ids).collect()
    }
}

/// A venue that takes no decorator.
fn keeps_decor_out(eligible_vendor: &EligibleVendor<'_>) -> bool {
    matches!(eligible_vendor.role, CateringRole::Rental | CateringRole::Catering)
        && eligible_vendor.vendor.is_some_and(|vendor| !takes_decor(vendor))
}

/// The fitness in parts: per candidate and strategy, and per pair of signatures.
struct Valuation<'a, 'i> {
    input: &'i PlanningInput<'a>,
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
    fn new(input: &'i PlanningInput<'a>, areas: &'i AreaTable) -> Self {
        let defs = input.categories;
        let share = |shares: &BTreeMap<Category, f64>| {
            defs.iter().map(|def| shares.get(&def.name).copied().unwrap_or(0.0)).collect()
        };
        let weight_sum = input.weight_sum();
        Self {
            input,
            areas,
            preference: Preference::new(input),
            shares: input.shares.iter().map(|shares| share(&shares.shares)).collect(),
            weights: defs.iter().map(|def| input.service(&def.name).weight / weight_sum).collect(),
            caterer: input.index_of(CATERER),
            spendable: input.spendable(),
        }
    }

    fn problem(
        mut self,
        eligible: &[Vec<EligibleVendor<'_>>],
        settings: &SearchSettings,
    ) -> Problem {
        let signature = |eligible_vendor: &EligibleVendor<'_>| {
            eligible_vendor.vendor.map(|vendor| self.areas.signature(vendor))
        };
        let of_eligible: Vec<Vec<Option<Signature>>> =
            eligible.iter().map(|eligible| eligible.iter().map(signature).collect()).collect();
        let distinct: BTreeSet<&Signature> = of_eligible.iter().flatten().flatten().collect();
        let ordinals: BTreeMap<&Signature, u32> = distinct.iter().copied().zip(0..).collect();
        let skip = ordinals.len() as u32;
        let undecorated = self.undecorated(eligible);
        let mut limits = vec![self.input.request.spendable_minor() as f64];
        limits.extend(undecorated.as_ref().map(|_| 1.0));
        let mut categories = Vec::with_capacity(eligible.len());
        for (index, (eligible, signatures)) in eligible.iter().zip(&of_eligible).enumerate() {
            let mut candidates = Vec::with_capacity(eligible.len());
            // Vendor → its first candidate.
            let mut roles: BTreeMap<&VendorId, u32> = BTreeMap::new();
            for (eligible_vendor, signature) in eligible.iter().zip(signatures) {
                let same_as = eligible_vendor.vendor.and_then(|vendor| {
                    let first = *roles.entry(&vendor.id).or_insert(candidates.len() as u32);
                    (first != candidates.len() as u32).then_some(first)
                });
                let mut usage =
                    vec![eligible_vendor.quote.saturating_add(eligible_vendor.plates) as f64];
                if let Some(decorator) = undecorated {
                    let of_decorator = index == decorator && eligible_vendor.vendor.is_some();
                    let is_counted = of_decorator || keeps_decor_out(eligible_vendor);
                    usage.push(f64::from(u8::from(is_counted)));
                }
                candidates.push(Candidate {
                    value: self.values(index, eligible_vendor),
                    usage,
                    signature: signature.as_ref().map_or(skip, |known| ordinals[known]),
                    also_fills: self
                        .caterer
                        .filter(|_| eligible_vendor.role == CateringRole::Catering),
                    same_as,
                });
            }
            let candidates = candidates.into_iter().collect();
            categories.push(ProblemCategory { required: true, candidates });
        }
        let has_skip = of_eligible.iter().flatten().any(Option::is_none);
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
    fn undecorated(&self, eligible: &[Vec<EligibleVendor<'_>>]) -> Option<CategoryIndex> {
        let decorator = self.input.index_of(DECORATOR).filter(|_| decorates_venue(self.input))?;
        let may_come =
            eligible[decorator].iter().any(|eligible_vendor| eligible_vendor.vendor.is_some());
        let is_minded = eligible.iter().flatten().any(keeps_decor_out);
        (may_come && is_minded).then_some(decorator)
    }

    /// A candidate's value per strategy: its parts of the budget and the preference fit, in the
    /// caterer's place too where it caters. With one category the compatibility is 1 and stands
    /// here.
    fn values(
        &mut self,
        category: CategoryIndex,
        eligible_vendor: &EligibleVendor<'_>,
    ) -> Vec<f64> {
        let fit = |valuation: &mut Self, place: CategoryIndex| {
            let fit = eligible_vendor
                .vendor
                .map_or(0.0, |vendor| valuation.preference.fit(place, vendor));
            PREFERENCE_PART * valuation.weights[place] * fit
        };
        let caterer = self.caterer.filter(|_| eligible_vendor.role == CateringRole::Catering);
        let mut preference = fit(self, category);
        if let Some(caterer) = caterer {
            preference += fit(self, caterer);
        }
        let alone = if self.input.pairs() == 0 { COMPATIBILITY_PART } else { 0.0 };
        let quote = eligible_vendor.vendor.map(|_| eligible_vendor.quote);
        let value = |shares: &Vec<f64>| {
            let mut budget = budget_part(shares[category], quote, self.spendable);
            if let Some(caterer) = caterer {
                budget +=
                    budget_part(shares[caterer], Some(eligible_vendor.plates), self.spendable);
            }
            BUDGET_PART * budget + preference + alone
        };
        self.shares.iter().map(value).collect()
    }

    /// Square by signature; a skip's row, the last one, is zero.
    fn pair_values(&self, distinct: &BTreeSet<&Signature>, has_skip: bool) -> Vec<Vec<f64>> {
        let size = distinct.len() + usize::from(has_skip);
        let mut values = vec![vec![0.0; size]; size];
        let pairs = self.input.pairs();
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
