//! Properties of the domain half of planning on random requests and vendors.

use std::collections::BTreeSet;

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{Assembly, assemble};
use crate::{
    domain::{input::PlanningInput, roles::CateringRole},
    fitness::fitness,
    problem::{Combination, Problem, Solution},
    samples::{Case, TODAY, any_case},
    settings::SearchSettings,
};
use model::{CateringPolicy, HouseRule, Percent, Sourced};

/// Combinations looked at per case at most.
const COMBINATIONS_MAX: usize = 400;

/// Feasible combinations of a problem, up to a bound.
pub(crate) fn combinations(problem: &Problem, most: usize) -> Vec<Combination> {
    let mut partial: Vec<Combination> = vec![vec![None; problem.categories.len()]];
    for index in 0..problem.categories.len() {
        let mut next = Vec::new();
        for combination in partial {
            if filled_from_elsewhere(problem, &combination, index) {
                next.push(combination.clone());
            }
            for candidate in 0..problem.categories[index].candidates.len() {
                let mut longer = combination.clone();
                longer[index] = Some(candidate as u32);
                next.push(longer);
            }
        }
        next.retain(|combination| is_consistent(problem, combination, index));
        next.truncate(most);
        partial = next;
    }
    partial
}

fn filled_from_elsewhere(problem: &Problem, combination: &Combination, index: usize) -> bool {
    let fills = |(category, chosen): (usize, &Option<u32>)| {
        chosen.and_then(|c| problem.categories[category].candidates.also_fills(c))
    };
    combination.iter().enumerate().filter_map(fills).any(|filled| filled == index)
}

fn is_consistent(problem: &Problem, combination: &Combination, index: usize) -> bool {
    let place_is_double =
        combination[index].is_some() && filled_from_elsewhere(problem, combination, index);
    let mut limits = problem.limits.iter().enumerate();
    !place_is_double && limits.all(|(limit, most)| usage_of(problem, combination, limit) <= *most)
}

fn usage(problem: &Problem, combination: &Combination) -> f64 {
    usage_of(problem, combination, 0)
}

fn usage_of(problem: &Problem, combination: &Combination, limit: usize) -> f64 {
    chosen(problem, combination).map(|(_, candidate)| candidate.usage[limit]).sum()
}

fn chosen<'p>(
    problem: &'p Problem,
    combination: &'p Combination,
) -> impl Iterator<Item = (usize, crate::problem::Candidate)> + 'p {
    let places = combination.iter().enumerate();
    places.filter_map(|(i, c)| Some((i, problem.categories[i].candidates.get((*c)?))))
}

/// The value of a combination as the abstract problem defines it.
fn value(problem: &Problem, combination: &Combination) -> (f64, usize) {
    let mut signatures = Vec::new();
    let mut values = vec![0.0; problem.strategies];
    for (_, candidate) in chosen(problem, combination) {
        signatures.push(candidate.signature as usize);
        if candidate.also_fills.is_some() {
            signatures.push(candidate.signature as usize);
        }
        for (sum, value) in values.iter_mut().zip(&candidate.value) {
            *sum += value;
        }
    }
    let mut pairs = 0.0;
    for (i, &one) in signatures.iter().enumerate() {
        for &other in &signatures[i + 1..] {
            pairs += problem.pair_value[one][other];
        }
    }
    let best = (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap();
    (values[best] + pairs, best)
}

fn solution(problem: &Problem, chosen: Combination) -> Solution {
    let (value, strategy) = value(problem, &chosen);
    let usage = vec![usage(problem, &chosen)];
    Solution { chosen, value, strategy, usage }
}

/// Checks a vendor against the request by the words of the contract, not by `constraints`.
fn assert_serves(case: &Case, sourced: &Sourced, caters: bool) {
    let (request, vendor) = (&case.request, &sourced.vendor);
    let capacity = vendor.capacity.unwrap();
    assert!(capacity.min.unwrap_or(0) <= request.guests);
    assert!(request.guests <= capacity.max.unwrap_or(u32::MAX));
    assert!((request.time.date - TODAY).get_days() >= vendor.lead_days as i32);
    let lead = case.categories.iter().find(|def| def.name == vendor.category).unwrap().lead_minutes;
    let needed =
        request.time.window().widened(lead + vendor.setup_minutes, vendor.teardown_minutes);
    let hours = needed.end.duration_since(needed.start).as_hours() + 1;
    for hour in 0..hours {
        // A minute early: the end itself is outside.
        let at = needed.end - jiff::SignedDuration::from_mins(60 * hour + 1);
        let day = at.max(needed.start).to_zoned(request.time.zone()).date();
        assert!(!vendor.blackout_dates.contains(&day));
        assert!(vendor.closed_weekdays.iter().all(|closed| closed.0 != day.weekday()));
    }
    assert!(sourced.busy.iter().all(|busy| !busy.window.overlaps(needed)));
    if !vendor.city.eq_ignore_ascii_case(&request.city) {
        // The mean of the sample areas' centres.
        let centre = model::GeoPoint { lat: 13.3, lon: 77.6 };
        let km = vendor.location.unwrap().distance_km(centre);
        assert!(km <= vendor.service_radius_km.unwrap() + 1e-6);
    }
    if caters {
        for need in &request.preferences.dietary {
            let tagged = vendor.tags.iter().any(|tag| tag.eq_ignore_ascii_case(need));
            let veg_line = vendor.pricing.iter().any(|line| line.option.is_some());
            assert!(tagged || (need == "vegetarian" && veg_line), "{need} is not served");
        }
    }
}

fn assert_option_is_sound(case: &Case, assembly: &Assembly<'_>, combination: &Combination) {
    let solution = solution(&assembly.problem, combination.clone());
    let option = assembly.option(&solution, 1, None);
    assert!((option.fitness - solution.value).abs() < 1e-9, "{option:?} against {solution:?}");
    let best = case.shares[solution.strategy].strategy;
    let tied = value_of_strategy(assembly, combination, option.strategy);
    assert!(option.strategy == best || (tied - solution.value).abs() < 1e-9);
    assert!(option.total.minor <= case.request.spendable_minor());
    assert_eq!(option.total.minor as f64, solution.usage[0]);
    for part in [option.fitness, option.budget_fit, option.preference_fit, option.compatibility] {
        assert!((0.0..=1.0 + 1e-12).contains(&part), "{option:?}");
    }
    let mut total = 0;
    for vendor in &option.vendors {
        let lines: i64 = vendor.lines.iter().map(|line| line.amount.minor).sum();
        assert_eq!(lines + vendor.service_charge.minor + vendor.tax.minor, vendor.quote.minor);
        total += vendor.quote.minor;
        let sourced = case.vendors.iter().find(|s| s.vendor.id == vendor.id).unwrap();
        let eaten = vendor.in_house || vendor.category.as_str() == "caterer";
        assert_serves(case, sourced, eaten);
    }
    assert_eq!(total, option.total.minor);
    let of = |name: &str| option.vendors.iter().find(|v| v.category.as_str() == name);
    for (name, service) in &case.request.services {
        assert!(!service.required || of(name.as_str()).is_some(), "no {name}");
    }
    if let (Some(venue), Some(caterer)) = (of("venue"), of("caterer")) {
        let venue = case.vendors.iter().find(|s| s.vendor.id == venue.id).unwrap();
        match venue.vendor.catering() {
            CateringPolicy::InHouse => assert!(caterer.in_house),
            CateringPolicy::Outside => assert!(!caterer.in_house),
            CateringPolicy::Both => {}
        }
        assert!(!caterer.in_house || caterer.id == venue.vendor.id);
    }
    if let Some(venue) = of("venue") {
        let venue = case.vendors.iter().find(|s| s.vendor.id == venue.id).unwrap();
        let policies = venue.vendor.policies.as_ref().unwrap();
        let forbids = |rule: &Option<HouseRule>| *rule == Some(HouseRule::Allowed(false));
        assert!(!forbids(&policies.decor) || of("decorator").is_none(), "{option:?}");
        assert!(!forbids(&policies.alcohol) || request_amenities(case).is_empty());
    }
}

fn request_amenities(case: &Case) -> &[String] {
    &case.request.preferences.amenities
}

fn value_of_strategy(
    assembly: &Assembly<'_>,
    combination: &Combination,
    strategy: model::Strategy,
) -> f64 {
    let mut problem = assembly.problem.clone();
    let index = assembly.input.shares.iter().position(|s| s.strategy == strategy).unwrap();
    problem.strategies = 1;
    for category in &mut problem.categories {
        let alone = |mut candidate: crate::problem::Candidate| {
            candidate.value = vec![candidate.value[index]];
            candidate
        };
        category.candidates = category.candidates.iter().map(alone).collect();
    }
    value(&problem, combination).0
}

/// The properties would say little if the random cases had nothing to choose from.
#[test]
fn the_random_cases_reach_every_role() {
    let mut runner = TestRunner::deterministic();
    let strategy = any_case(4);
    let (mut feasible, mut roles) = (0, BTreeSet::new());
    for _ in 0..400 {
        let case = strategy.new_tree(&mut runner).unwrap().current();
        let assembly = assemble(&case.input(), &SearchSettings::default());
        let all = combinations(&assembly.problem, COMBINATIONS_MAX);
        feasible += usize::from(!all.is_empty());
        for (index, candidate) in all.iter().flat_map(|c| c.iter().enumerate()) {
            roles.extend(
                candidate
                    .and_then(|c| assembly.eligible_vendor(index, c))
                    .map(|eligible_vendor| eligible_vendor.role),
            );
        }
    }
    assert!(feasible > 60, "{feasible}");
    assert_eq!(roles.len(), 4, "{roles:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Every combination of the problem is worth its fitness, costs the sum of its lines, and
    /// breaks no hard constraint.
    #[test]
    fn combinations_are_sound(case in any_case(4)) {
        let assembly = assemble(&case.input(), &SearchSettings::default());
        for combination in combinations(&assembly.problem, COMBINATIONS_MAX) {
            assert_option_is_sound(&case, &assembly, &combination);
        }
    }

    /// The decomposition holds for each strategy on its own, not only for the best.
    #[test]
    fn every_strategy_is_decomposed(case in any_case(3)) {
        let assembly = assemble(&case.input(), &SearchSettings::default());
        for combination in combinations(&assembly.problem, COMBINATIONS_MAX).iter().take(20) {
            for shares in &case.shares {
                let alone = PlanningInput { shares: std::slice::from_ref(shares), ..case.input() };
                let fit = fitness(&alone, &assembly.engagements(combination));
                let value = value_of_strategy(&assembly, combination, shares.strategy);
                prop_assert!((fit.fitness - value).abs() < 1e-9, "{fit:?} against {value}");
            }
        }
    }

    /// Nothing depends on the order in which vendors come, and candidates stand in id order.
    #[test]
    fn the_order_of_vendors_is_no_matter(case in any_case(4)) {
        let mut reversed = case.clone();
        reversed.vendors.reverse();
        let one = assemble(&case.input(), &SearchSettings::default());
        let other = assemble(&reversed.input(), &SearchSettings::default());
        prop_assert_eq!(&one.problem, &other.problem);
        for ids in one.candidate_ids() {
            prop_assert!(ids.is_sorted());
        }
        let lost = one.excluded.len();
        let requested = |s: &&Sourced| case.request.services.contains_key(&s.vendor.category);
        let chosen = one.candidate_ids().iter().flatten()
            .filter(|id| *id != "skip" && !id.ends_with("+catering")).count();
        prop_assert!(lost + chosen <= case.vendors.iter().filter(requested).count());
    }

    /// A smaller budget never yields a candidate that a larger one lacks.
    #[test]
    fn less_money_never_adds_candidates(case in any_case(4)) {
        let mut poorer = case.clone();
        poorer.request.contingency = Percent { basis_points: 6_000 };
        let rich = assemble(&case.input(), &SearchSettings::default());
        let poor = assemble(&poorer.input(), &SearchSettings::default());
        for (more, fewer) in rich.candidate_ids().iter().zip(poor.candidate_ids()) {
            prop_assert!(fewer.iter().all(|id| more.contains(id)));
        }
    }

    /// The venue's role decides whether it caters.
    #[test]
    fn only_a_catering_role_fills_the_caterers_place(case in any_case(4)) {
        let assembly = assemble(&case.input(), &SearchSettings::default());
        for (index, category) in assembly.problem.categories.iter().enumerate() {
            for (i, candidate) in category.candidates.iter().enumerate() {
                let eligible_vendor = assembly.eligible_vendor(index, i as u32).unwrap();
                prop_assert_eq!(candidate.also_fills.is_some(), eligible_vendor.role == CateringRole::Catering);
            }
        }
    }
}
