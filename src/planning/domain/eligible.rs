//! Which vendors may stand in which place: hard constraints, catering roles, `must_include`.

use std::{borrow::Cow, collections::BTreeSet};

use super::{
    input::PlanningInput,
    roles::{Candidate, CateringRole, MustInclude, Roles},
    violation::{Violation, ViolationSet},
};
use crate::{matching::compatibility::AreaTable, timeline::certain_refusal};
use model::{Category, Vendor, VendorId};

/// Id of the candidate that leaves an optional category out.
const SKIP_ID: &str = "skip";
/// What is added to a venue's id where it caters too.
const CATERING_SUFFIX: &str = "+catering";

/// One candidate's side in the domain.
#[derive(Clone, Debug)]
pub(crate) struct EligibleVendor<'a> {
    /// Unique over the problem, except that every skip is called the same.
    pub id: Cow<'a, str>,
    /// `None` for a skip.
    pub vendor: Option<&'a Vendor>,
    pub role: CateringRole,
    /// Its quote in its own category's place, in minor units.
    pub quote: i64,
    /// Its quote in the caterer's place, in minor units; 0 unless it caters.
    pub plates: i64,
}

/// A vendor that cannot be chosen, and the first constraint that it breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    pub vendor: VendorId,
    pub category: Category,
    pub reason: Violation,
}

/// Every vendor that may be chosen, and why the others may not.
#[derive(Clone, Debug)]
pub(crate) struct Eligibility<'a> {
    /// Category → candidate, in ascending order of the ids.
    pub eligible: Vec<Vec<EligibleVendor<'a>>>,
    /// Vendors without a role, in the order of the input's.
    pub excluded: Vec<Exclusion>,
    /// Statements that make the request infeasible whatever the vendors cost; nobody is
    /// eligible then.
    pub impossible: Vec<String>,
}

impl<'a> Eligibility<'a> {
    pub(crate) fn of(input: &PlanningInput<'a>, areas: &AreaTable) -> Self {
        let must_include = MustInclude::of(input);
        let mut excluded = Vec::new();
        let mut eligible = eligible_vendors(input, areas, &must_include, &mut excluded);
        let mut impossible = must_include.impossible;
        let clash = certain_refusal(input.request, input.categories, &[]);
        impossible.extend(clash.map(|clash| clash.message));
        if !impossible.is_empty() {
            eligible.iter_mut().for_each(Vec::clear);
        }
        Self { eligible, excluded, impossible }
    }
}

/// Every vendor that may be chosen, per category, in the order of the candidates.
fn eligible_vendors<'a>(
    input: &PlanningInput<'a>,
    areas: &AreaTable,
    must_include: &MustInclude<'a>,
    excluded: &mut Vec<Exclusion>,
) -> Vec<Vec<EligibleVendor<'a>>> {
    let roles = Roles::new(input, areas, must_include);
    let ids = Ids::of(input);
    let mut eligible: Vec<Vec<EligibleVendor<'a>>> = vec![Vec::new(); input.categories.len()];
    for sourced in input.vendors {
        let vendor = &sourced.vendor;
        let Some(index) = input.index_of(vendor.category.as_str()) else { continue };
        let before = eligible[index].len();
        let (mut reason, mut of_policy) = (None, None);
        let mut clashes = None;
        for candidate in roles.of(index, sourced) {
            let mut clashes = || *clashes.get_or_insert_with(|| roles.clashes(index, vendor));
            match candidate.broken.first() {
                None if clashes() => reason = Some(Violation::Times),
                None => eligible[index].push(ids.eligible_vendor(candidate)),
                // A role that the policy forbids says little about the vendor's other one.
                first if candidate.broken.has(ViolationSet::only(Violation::Catering)) => {
                    of_policy = first
                }
                first => reason = first,
            }
        }
        if eligible[index].len() == before {
            let reason = reason.or(of_policy).unwrap_or(Violation::Catering);
            let (vendor, category) = (vendor.id.clone(), vendor.category.clone());
            excluded.push(Exclusion { vendor, category, reason });
        }
    }
    for (index, def) in input.categories.iter().enumerate() {
        if must_include.may_skip(input, def, index) {
            let id = ids.skip();
            eligible[index].push(EligibleVendor {
                id,
                vendor: None,
                role: CateringRole::Skip,
                quote: 0,
                plates: 0,
            });
        }
        eligible[index].sort_by(|a, b| a.id.as_bytes().cmp(b.id.as_bytes()));
        // The same vendor twice would be two candidates of one id.
        eligible[index].dedup_by(|a, b| a.id == b.id);
    }
    eligible
}

/// Makes ids of candidates that no vendor has.
struct Ids<'a> {
    /// The vendors' ids that look like ours.
    taken: BTreeSet<&'a str>,
}

impl<'a> Ids<'a> {
    fn of(input: &PlanningInput<'a>) -> Self {
        let ids = input.vendors.iter().map(|sourced| sourced.vendor.id.as_str());
        let alike = |id: &&str| id.contains(CATERING_SUFFIX) || id.starts_with(SKIP_ID);
        Self { taken: ids.filter(alike).collect() }
    }

    fn eligible_vendor(&self, candidate: Candidate<'a>) -> EligibleVendor<'a> {
        let Candidate { role, quote, plates, .. } = candidate;
        let vendor = candidate.vendor();
        let id = match role {
            CateringRole::Catering => self.free(format!("{}{CATERING_SUFFIX}", vendor.id)).into(),
            _ => vendor.id.as_str().into(),
        };
        EligibleVendor { id, vendor: Some(vendor), role, quote, plates }
    }

    fn skip(&self) -> Cow<'a, str> {
        self.free(SKIP_ID.to_owned()).into()
    }

    fn free(&self, mut id: String) -> String {
        while self.taken.contains(id.as_str()) {
            id.push('+');
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Case, meal, vendor, venue};
    use model::{CateringPolicy, MealOption, Service};

    /// Ids of the eligible, who is out, what is impossible.
    type Told = (Vec<Vec<String>>, Vec<(String, Violation)>, Vec<String>);

    fn eligibility(case: &Case) -> Told {
        let input = case.input();
        let eligibility = Eligibility::of(&input, &AreaTable::new(input.areas));
        let ids = |eligible: &Vec<EligibleVendor<'_>>| {
            eligible.iter().map(|eligible_vendor| eligible_vendor.id.to_string()).collect()
        };
        let excluded = eligibility.excluded.iter().map(|e| (e.vendor.to_string(), e.reason));
        (eligibility.eligible.iter().map(ids).collect(), excluded.collect(), eligibility.impossible)
    }

    #[test]
    fn catering_policies_decide_the_roles() {
        use CateringPolicy::{Both, InHouse, Outside};
        let mut only_plates = venue("p", Both);
        only_plates.pricing.remove(0);
        let mut no_plates = venue("n", Both);
        no_plates.pricing.pop();
        let mut silent = venue("s", Outside);
        silent.policies = None;
        let all = [
            venue("b", Both),
            venue("i", InHouse),
            no_plates,
            venue("o", Outside),
            only_plates,
            silent,
        ];
        let with_caterer = Case::of(&["venue", "caterer"]).with(all.clone());
        let (ids, excluded, _) = eligibility(&with_caterer);
        assert_eq!(ids[0], ["b", "b+catering", "i+catering", "n", "o", "p+catering", "s"]);
        assert!(excluded.is_empty());
        let (ids, excluded, _) = eligibility(&Case::of(&["venue"]).with(all));
        assert_eq!(ids[0], ["b", "i", "n", "o", "s"]);
        assert_eq!(excluded, [("p".into(), Violation::Catering)]);
    }

    #[test]
    fn diets_are_asked_of_those_who_cook() {
        let mut plain = venue("b", CateringPolicy::Both);
        plain.pricing.push(meal(MealOption::NonVeg, 10));
        let caterer = vendor("c", "caterer");
        let mut meaty = vendor("m", "caterer");
        meaty.pricing = vec![meal(MealOption::NonVeg, 10)];
        meaty.tags = vec!["jain".into()];
        let vendors = [plain, venue("i", CateringPolicy::InHouse), caterer, meaty];
        let mut case = Case::of(&["venue", "caterer"]).with(vendors);
        case.request.preferences.dietary = vec!["jain".into()];
        let (ids, excluded, _) = eligibility(&case);
        assert_eq!(ids, [vec!["b"], vec![]]);
        let diet = |id: &str| (id.to_owned(), Violation::Dietary);
        assert_eq!(excluded, [diet("i"), diet("c"), diet("m")]);
    }

    #[test]
    fn a_must_leaves_its_vendor_alone_in_its_place() {
        let vendors = [
            venue("a", CateringPolicy::Both),
            venue("b", CateringPolicy::InHouse),
            vendor("c", "caterer"),
            vendor("d", "caterer"),
        ];
        let mut case = Case::of(&["venue", "caterer"]).with(vendors);
        case.request.must_include = vec!["d".into()];
        let (ids, excluded, _) = eligibility(&case);
        assert_eq!(ids, [["a"], ["d"]]);
        let lost =
            [("b".into(), Violation::NotMustInclude), ("c".into(), Violation::NotMustInclude)];
        assert_eq!(excluded, lost);
        for (must_include, word) in [
            (&["c", "d"][..], "one place for a caterer"),
            (&["x"], "not among the vendors"),
            (&["f"], "no florist is requested"),
        ] {
            let mut case = case.clone().with([vendor("f", "florist")]);
            case.request.must_include = must_include.iter().map(|&id| id.into()).collect();
            let (ids, _, impossible) = eligibility(&case);
            assert!(ids.iter().all(Vec::is_empty));
            assert!(impossible[0].contains(word), "{impossible:?}");
        }
    }

    #[test]
    fn an_optional_category_may_be_skipped_unless_a_must_fills_it() {
        let optional = Service { required: false, weight: 1.0, quantity: 1 };
        let vendors = ["skip", "a", "z", "z"].map(|id| vendor(id, "florist"));
        let mut case = Case::of(&["venue", "florist"]).with(vendors);
        case.request.services.insert("florist".into(), optional);
        assert_eq!(eligibility(&case).0[1], ["a", "skip", "skip+", "z"]);
        case.request.must_include = vec!["z".into()];
        assert_eq!(eligibility(&case).0[1], ["z"]);
    }

    #[test]
    fn who_costs_more_than_everything_is_left_out() {
        let mut case = Case::of(&["florist"]).with([vendor("f", "florist")]);
        case.request.budget.amount.minor = 100_000;
        assert_eq!(eligibility(&case).0, [["f"]]);
        case.request.budget.amount.minor = 99_999;
        assert_eq!(eligibility(&case).1, [("f".into(), Violation::OverBudget)]);
    }
}
