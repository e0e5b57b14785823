//! Replanning: the problem in which keeping what an earlier option had is worth something, and
//! what became of each of its places.

use super::Assembly;
use crate::{
    domain::{eligible::EligibleVendor, input::CATERER, roles::CateringRole},
    problem::{CategoryIndex, Problem},
};
use model::{Amount, Category, Holder, PlaceChange, PlanOption, VendorId, grouped};

impl Assembly<'_> {
    /// The problem with a bonus of `weight` / places on the value of whoever stood in the same
    /// place of `previous`. Its best combination is the plan that keeps most among those whose
    /// fitness falls short by less than what keeping is worth.
    pub fn problem_keeping(&self, previous: &PlanOption, weight: f64) -> Problem {
        let mut problem = self.problem.clone();
        let bonus = weight / problem.categories.len() as f64;
        for (category, own) in problem.categories.iter_mut().enumerate() {
            for candidate in own.candidates.indices() {
                let eligible_vendor = self.eligible_vendor(category, candidate);
                let kept = eligible_vendor.map_or(0, |eligible_vendor| {
                    self.places_kept(category, eligible_vendor, previous)
                });
                own.candidates.add_value(candidate, bonus * kept as f64);
            }
        }
        problem
    }

    /// In how many places a candidate leaves the earlier option as it was.
    fn places_kept(
        &self,
        category: CategoryIndex,
        eligible_vendor: &EligibleVendor<'_>,
        previous: &PlanOption,
    ) -> usize {
        let vendor = eligible_vendor.vendor.map(|vendor| &vendor.id);
        let keeps = |category: CategoryIndex, in_house: bool| {
            let name = &self.input.categories[category].name;
            let before = previous.vendors.iter().find(|chosen| chosen.category == *name);
            let before: Option<(&VendorId, bool)> = before.map(|b| (&b.id, b.in_house));
            before == vendor.map(|id| (id, in_house))
        };
        let caterer =
            self.input.index_of(CATERER).filter(|_| eligible_vendor.role == CateringRole::Catering);
        usize::from(keeps(category, false))
            + usize::from(caterer.is_some_and(|caterer| keeps(caterer, true)))
    }

    /// Every place that either option fills, in category order.
    pub fn changes(&self, option: &PlanOption, previous: &PlanOption) -> Vec<PlaceChange> {
        let zero = self.input.request.budget.amount.zero_like();
        let mut names: Vec<_> = self.input.categories.iter().map(|def| &def.name).collect();
        // Services that are no longer wanted.
        let former = previous.vendors.iter().map(|chosen| &chosen.category);
        names.extend(former.filter(|name| self.input.index_of(name.as_str()).is_none()));
        let holder = |option: &PlanOption, name: &Category| {
            option.vendors.iter().find(|chosen| chosen.category == *name).map(Holder::from)
        };
        let change = |name: &Category| {
            let (before, after) = (holder(previous, name), holder(option, name));
            let quote = |holder: &Option<Holder>| holder.as_ref().map_or(0, |h| h.quote.minor);
            let difference = quote(&after).saturating_sub(quote(&before));
            let difference = Amount::new(difference, zero.decimals);
            PlaceChange { category: name.clone(), before, after, difference }
        };
        let changes = names.into_iter().map(change);
        changes.filter(|change| change.before.is_some() || change.after.is_some()).collect()
    }

    /// What a replanned option changes and what that costs, in plain words.
    pub fn changes_in_words(&self, option: &PlanOption, previous: &PlanOption) -> Vec<String> {
        let currency = self.input.request.budget.currency;
        let name = |holder: &Option<Holder>| {
            holder.as_ref().map_or_else(|| "nobody".to_owned(), |holder| holder.name.clone())
        };
        let kept = option.changes.iter().filter(|change| change.is_kept()).count();
        let mut words = vec![format!("keeps {kept} of {} places", option.changes.len())];
        for change in option.changes.iter().filter(|change| !change.is_kept()) {
            let category = change.category.as_str().replace('_', " ");
            let (before, after) = (name(&change.before), name(&change.after));
            words.push(format!("{category}: {after} in place of {before}"));
        }
        let difference = option.total.minor.saturating_sub(previous.total.minor);
        let amount = Amount::new(difference.saturating_abs(), option.total.decimals);
        words.push(match difference {
            0 => "costs as much as before".to_owned(),
            d if d < 0 => format!("costs {} less than before", grouped(amount, currency)),
            _ => format!("costs {} more than before", grouped(amount, currency)),
        });
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assembly::assemble,
        problem::Solution,
        samples::{Case, vendor},
        search::solve,
        settings::SearchSettings,
    };
    use model::{ChosenVendor, Vendor};

    fn rated(id: &str, category: &str, rating: f64) -> Vendor {
        let mut vendor = vendor(id, category);
        vendor.rating = Some(rating);
        vendor
    }

    #[test]
    fn near_equal_plans_keep_what_was_booked_and_better_ones_do_not() {
        let case = Case::of(&["photographer", "florist"]).with([
            rated("f1", "florist", 4.5),
            rated("f2", "florist", 5.0),
            rated("p1", "photographer", 1.0),
            rated("p2", "photographer", 5.0),
        ]);
        let input = case.input();
        let settings = SearchSettings::default();
        let assembly = assemble(&input, &settings);
        let best_of = |problem: &Problem| {
            let outcome = solve(problem, &settings, 0, &mut |_| true, &mut || None);
            assembly.option(&outcome.options[0], 1, None)
        };
        let ids = |option: &PlanOption| -> Vec<String> {
            option.vendors.iter().map(|chosen| chosen.id.to_string()).collect()
        };
        let best = best_of(&assembly.problem);
        assert_eq!(ids(&best), ["p2", "f2"]);
        let mut previous = best.clone();
        previous.vendors[0] = choice(&assembly, &["p1", "f1"], 0);
        previous.vendors[1] = choice(&assembly, &["p1", "f1"], 1);
        // Florists differ by 0.0225 of fitness, photographers by 0.18; a place kept is worth 0.05.
        let mut again = best_of(&assembly.problem_keeping(&previous, 0.1));
        assert_eq!(ids(&again), ["p2", "f1"]);
        again.changes = assembly.changes(&again, &previous);
        let kept: Vec<bool> = again.changes.iter().map(PlaceChange::is_kept).collect();
        assert_eq!(kept, [false, true]);
        let words = assembly.changes_in_words(&again, &previous);
        assert_eq!(words[0], "keeps 1 of 2 places");
        assert!(words[1].starts_with("photographer: "), "{words:?}");
        assert_eq!(ids(&best_of(&assembly.problem_keeping(&previous, 0.0))), ids(&best));
        assert_eq!(ids(&best_of(&assembly.problem_keeping(&previous, 1.0))), ["p1", "f1"]);
    }

    /// What the vendor of an id looks like in a place of an option.
    fn choice(assembly: &Assembly<'_>, ids: &[&str], at: usize) -> ChosenVendor {
        let candidate = |category: usize| {
            let mut eligible = (0..).map_while(|x| assembly.eligible_vendor(category, x));
            eligible
                .position(|eligible_vendor| eligible_vendor.id == *ids[category])
                .map(|x| x as u32)
        };
        let chosen = vec![candidate(0), candidate(1)];
        let solution = Solution { chosen, value: 0.0, strategy: 0, usage: vec![] };
        assembly.option(&solution, 1, None).vendors[at].clone()
    }
}
