//! A solution as an option that a client can read: full quotes, its fitness, and how it compares
//! with option 1.

use super::Assembly;
use crate::{
    domain::quote::{Scope, quote},
    engagement::Engagement,
    fitness::fitness,
    matching::compatibility::{AreaTable, Signature, harmony},
    problem::Solution,
};
use model::{Amount, Category, ChosenVendor, PlanOption, grouped};

/// Differences of a fit below this are not worth a remark.
const SAME: f64 = 0.005;

impl Assembly<'_> {
    /// The option that a solution stands for, its fitness computed again by the contract's
    /// formula. `best`: option 1, of this assembly too, where this is another one.
    pub fn option(
        &self,
        solution: &Solution,
        number: u32,
        best: Option<&PlanOption>,
    ) -> PlanOption {
        let engagements = self.engagements(&solution.chosen);
        let fit = fitness(&self.input, &engagements);
        let vendors: Vec<ChosenVendor> =
            engagements.iter().map(|engagement| self.chosen_vendor(engagement)).collect();
        let zero = self.input.request.budget.amount.zero_like();
        let mut option = PlanOption {
            number,
            total: vendors.iter().fold(zero, |sum, vendor| sum + vendor.quote),
            fitness: fit.fitness,
            strategy: fit.strategy,
            budget_fit: fit.budget_fit,
            preference_fit: fit.preference_fit,
            compatibility: fit.compatibility,
            vendors,
            differs_in: 0,
            remarks: Vec::new(),
            best_at: Vec::new(),
            changes: Vec::new(),
        };
        if let Some(best) = best {
            option.differs_in = self.differences(&option, best);
            option.remarks = self.remarks(&option, best);
        }
        option
    }

    fn chosen_vendor(&self, engagement: &Engagement<'_>) -> ChosenVendor {
        let Engagement { category, vendor, in_house } = *engagement;
        let scope = Scope::of(category, in_house);
        let quote = quote(self.input.request, category, vendor, scope);
        ChosenVendor {
            category: category.clone(),
            id: vendor.id.clone(),
            name: vendor.name.clone(),
            quote: quote.total,
            lines: quote.lines,
            service_charge: quote.service_charge,
            tax: quote.tax,
            in_house,
        }
    }

    /// Places in which two options have different vendors; a skipped place differs from a filled
    /// one.
    pub fn differences(&self, one: &PlanOption, other: &PlanOption) -> u32 {
        let differs = |category: &Category| {
            let id = |option: &PlanOption| {
                option.vendors.iter().find(|v| v.category == *category).map(|v| v.id.clone())
            };
            id(one) != id(other)
        };
        self.input.categories.iter().filter(|def| differs(&def.name)).count() as u32
    }

    /// What an option is better and worse at than option 1, the price first.
    fn remarks(&self, option: &PlanOption, best: &PlanOption) -> Vec<String> {
        let mut remarks = Vec::new();
        let currency = self.input.request.budget.currency;
        let difference = option.total.minor.saturating_sub(best.total.minor);
        let amount = Amount::new(difference.saturating_abs(), option.total.decimals);
        match difference {
            0 => remarks.push("the same price".to_owned()),
            d if d < 0 => remarks.push(format!("cheaper by {}", grouped(amount, currency))),
            _ => remarks.push(format!("dearer by {}", grouped(amount, currency))),
        }
        for def in self.input.categories {
            let has = |o: &PlanOption| o.vendors.iter().any(|v| v.category == def.name);
            let name = def.name.as_str().replace('_', " ");
            match (has(option), has(best)) {
                (true, false) => remarks.push(format!("with a {name}, which option 1 leaves out")),
                (false, true) => remarks.push(format!("without a {name}")),
                _ => {}
            }
        }
        let areas = AreaTable::new(self.input.areas);
        let mine = Closeness::of(&areas, &self.signatures(&areas, option));
        let theirs = Closeness::of(&areas, &self.signatures(&areas, best));
        for (mine, theirs, more, less) in [
            (
                option.preference_fit,
                best.preference_fit,
                "closer match to the preferences",
                "weaker match to the preferences",
            ),
            (
                option.budget_fit,
                best.budget_fit,
                "closer to the planned split of the budget",
                "further from the planned split of the budget",
            ),
            (mine.nearness, theirs.nearness, "nearer together", "further apart"),
            (mine.harmony, theirs.harmony, "styles agree better", "styles agree less"),
        ] {
            if mine > theirs + SAME {
                remarks.push(more.to_owned());
            } else if mine < theirs - SAME {
                remarks.push(less.to_owned());
            }
        }
        remarks
    }

    /// Notes for each option in what it beats all the others.
    pub fn compare(&self, options: &mut [PlanOption]) {
        let areas = AreaTable::new(self.input.areas);
        let closeness: Vec<Closeness> = options
            .iter()
            .map(|option| Closeness::of(&areas, &self.signatures(&areas, option)))
            .collect();
        let scores = |option: &PlanOption, close: &Closeness| {
            [
                // Money counts to the minor unit.
                (-(option.total.minor as f64), 0.5, "cheapest"),
                (option.preference_fit, SAME, "closest match to the preferences"),
                (option.budget_fit, SAME, "closest to the planned split of the budget"),
                (close.nearness, SAME, "nearest together"),
                (close.harmony, SAME, "styles agree best"),
            ]
        };
        let all: Vec<_> = options.iter().zip(&closeness).map(|(o, c)| scores(o, c)).collect();
        for (i, option) in options.iter_mut().enumerate() {
            let beats = |&(k, (own, margin, _)): &(usize, (f64, f64, &str))| {
                let mut others = all.iter().enumerate().filter(|(j, _)| *j != i);
                all.len() > 1 && others.all(|(_, other)| own > other[k].0 + margin)
            };
            let won = all[i].into_iter().enumerate().filter(beats);
            option.best_at = won.map(|(_, (_, _, words))| words.to_owned()).collect();
        }
    }

    fn signatures(&self, areas: &AreaTable, option: &PlanOption) -> Vec<Signature> {
        let places = option.vendors.iter();
        places.filter_map(|chosen| self.vendor(chosen)).map(|v| areas.signature(v)).collect()
    }
}

/// Means over the pairs of filled places; 1 where there is no pair.
struct Closeness {
    nearness: f64,
    harmony: f64,
}

impl Closeness {
    fn of(areas: &AreaTable, signatures: &[Signature]) -> Self {
        let pairs = || {
            let later = |(i, one)| signatures[i + 1..].iter().map(move |other| (one, other));
            signatures.iter().enumerate().flat_map(later)
        };
        let mean = |fit: &dyn Fn(&Signature, &Signature) -> f64| match pairs().count() {
            0 => 1.0,
            n => pairs().map(|(a, b)| fit(a, b)).sum::<f64>() / n as f64,
        };
        Self { nearness: mean(&|a, b| areas.nearness(a, b)), harmony: mean(&harmony) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assembly::assemble,
        samples::{Case, vendor, venue},
        settings::SearchSettings,
    };
    use model::{CateringPolicy, Service};

    fn solution(chosen: &[Option<u32>]) -> Solution {
        Solution { chosen: chosen.to_vec(), value: 0.0, strategy: 0, usage: vec![] }
    }

    #[test]
    fn an_option_says_how_it_compares_with_the_first() {
        let mut near = vendor("a", "florist");
        (near.rating, near.styles) = (Some(4.0), vec!["rustic".into()]);
        let mut far = vendor("b", "florist");
        far.pricing[0].amount.minor = 40_000;
        far.area = Some("Far".into());
        far.rating = Some(5.0);
        far.styles = vec!["modern".into()];
        let mut photographer = vendor("p", "photographer");
        photographer.styles = vec!["rustic".into()];
        let mut case = Case::of(&["photographer", "florist"]).with([near, far, photographer]);
        let optional = Service { required: false, weight: 1.0, quantity: 1 };
        case.request.services.insert("photographer".into(), optional);
        let input = case.input();
        let assembly = assemble(&input, &SearchSettings::default());
        // Photographers: p, skip.
        let first = assembly.option(&solution(&[Some(0), Some(0)]), 1, None);
        assert!(first.remarks.is_empty());
        let second = assembly.option(&solution(&[Some(0), Some(1)]), 2, Some(&first));
        assert_eq!(second.differs_in, 1);
        assert_eq!(
            second.remarks,
            [
                "cheaper by 600.00 INR",
                "closer match to the preferences",
                "further apart",
                "styles agree less"
            ]
        );
        let third = assembly.option(&solution(&[Some(1), Some(1)]), 3, Some(&first));
        assert_eq!(third.differs_in, 2);
        assert!(third.remarks.contains(&"without a photographer".to_owned()));
        let mut all = [first, second];
        assembly.compare(&mut all);
        let told = ["closest to the planned split of the budget", "nearest together"];
        assert_eq!(all[0].best_at.iter().filter(|b| told.contains(&b.as_str())).count(), 1);
        assert_eq!(all[1].best_at, ["cheapest", "closest match to the preferences"]);
    }

    #[test]
    fn a_venue_that_caters_is_shown_in_both_places() {
        let hall = venue("v", CateringPolicy::InHouse);
        let case = Case::of(&["venue", "caterer"]).with([hall]);
        let input = case.input();
        let assembly = assemble(&input, &SearchSettings::default());
        let option = assembly.option(&solution(&[Some(0), None]), 1, None);
        let shown: Vec<_> = option
            .vendors
            .iter()
            .map(|v| (v.category.as_str(), v.id.as_str(), v.in_house, v.quote.minor))
            .collect();
        assert_eq!(shown, [("venue", "v", false, 100_000), ("caterer", "v", true, 100_000)]);
        assert_eq!(option.total.minor, 200_000);
    }
}
