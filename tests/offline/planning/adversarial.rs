//! Problems that are made to be hard or odd, and determinism.

use common::synthetic::{Shape, event};
use eventplanner::{
    model::StopReason,
    planning::{
        certificate::solution::check,
        problem::{Candidate, Problem, ProblemCategory},
        search::{Outcome, solve},
        settings::SearchSettings,
    },
};

fn candidate(value: f64, cost: f64) -> Candidate {
    Candidate {
        value: vec![value],
        usage: vec![cost],
        signature: 0,
        also_fills: None,
        same_as: None,
    }
}

fn category(candidates: impl IntoIterator<Item = Candidate>) -> ProblemCategory {
    ProblemCategory { required: true, candidates: candidates.into_iter().collect() }
}

fn problem(categories: Vec<ProblemCategory>, limit: f64) -> Problem {
    Problem {
        strategies: 1,
        categories,
        limits: vec![limit],
        pair_value: vec![vec![0.01]],
        forbidden_pairs: Vec::new(),
        nogoods: Vec::new(),
        options: 3,
        min_difference: 2,
    }
}

fn solved(problem: &Problem) -> Outcome {
    let settings = SearchSettings::default();
    let outcome = solve(problem, &settings, 0, &mut |_| true, &mut || None);
    for option in &outcome.options {
        check(problem, option).unwrap();
    }
    outcome
}

fn chosen(outcome: &Outcome) -> Vec<Vec<u32>> {
    let ids = |chosen: &Vec<Option<u32>>| chosen.iter().map(|c| c.unwrap_or(u32::MAX)).collect();
    outcome.options.iter().map(|option| ids(&option.chosen)).collect()
}

#[test]
fn equal_vendors_are_taken_in_the_order_of_their_ids() {
    for count in [4, 1_000] {
        let equal = || category((0..count).map(|_| candidate(0.2, 100.0)));
        let outcome = solved(&problem(vec![equal(), equal(), equal()], 300.0));
        assert_eq!(chosen(&outcome), [[0, 0, 0], [0, 1, 1], [0, 2, 2]], "{count}");
        assert_eq!(outcome.stopped_because, StopReason::ProvenOptimal);
        assert!(outcome.options_proven && !outcome.fewer_differences);
    }
}

#[test]
fn one_vendor_per_category_is_one_option() {
    let one = || category([candidate(0.2, 100.0)]);
    let outcome = solved(&problem(vec![one(), one(), one(), one()], 400.0));
    assert_eq!(chosen(&outcome), [[0, 0, 0, 0]]);
    assert_eq!(outcome.proven_gap, 0.0);
}

#[test]
fn a_budget_that_just_fits_and_one_that_just_does_not() {
    let categories = || {
        let prices =
            |base: f64| category((0..50).map(move |i| candidate(0.01 * i as f64, base + i as f64)));
        vec![prices(1_000.0), prices(2_000.0), prices(3_000.0)]
    };
    let fits = solved(&problem(categories(), 6_000.0));
    assert_eq!(chosen(&fits), [[0, 0, 0]]);
    assert_eq!(fits.options[0].usage, [6_000.0]);
    let short = solved(&problem(categories(), 5_999.0));
    assert!(short.options.is_empty() && short.feasible == Some(false));
    assert_eq!(short.stopped_because, StopReason::ProvenOptimal);
    // One unit more lets exactly one place be one better.
    let more = solved(&problem(categories(), 6_001.0));
    assert_eq!(more.options[0].usage, [6_001.0]);
}

#[test]
fn a_hundred_thousand_equal_prices_are_decided_by_value() {
    let many = |offset: u32| {
        let value = move |i: u32| f64::from((i * 7_919 + offset) % 100_000) / 400_000.0;
        category((0..100_000).map(move |i| candidate(value(i), 250.0)))
    };
    let outcome = solved(&problem(vec![many(0), many(1), many(2), many(3)], 1_000.0));
    assert!(outcome.options_proven);
    assert_eq!(outcome.options.len(), 3);
    let best = 4.0 * 99_999.0 / 400_000.0 + 6.0 * 0.01;
    assert!((outcome.options[0].value - best).abs() < 1e-12, "{}", outcome.options[0].value);
}

#[test]
fn extreme_weights_do_not_blur_what_little_the_others_weigh() {
    // One category outweighs the others a million times; their order must still count.
    let heavy = category((0..20).map(|i| candidate(1e6 * f64::from(i % 5), 10.0 * f64::from(i))));
    let light = || category((0..20).map(|i| candidate(1e-3 * f64::from(i), 5.0 * f64::from(i))));
    let outcome = solved(&problem(vec![heavy, light(), light()], 120.0));
    assert!(outcome.options_proven);
    // The heavy category's cheapest best costs 40 and leaves 80: 16 steps of the light ones.
    assert_eq!(outcome.options[0].chosen[0], Some(4));
    let light: u32 = outcome.options[0].chosen[1..].iter().map(|c| c.unwrap()).sum();
    assert_eq!(light, 16);
}

#[test]
fn only_in_house_venues_fill_both_places() {
    let both = |value: f64, cost: f64| Candidate { also_fills: Some(1), ..candidate(value, cost) };
    let venues = category((0..30).map(|i| both(0.01 * f64::from(i), 100.0 + f64::from(i))));
    let caterers = category((0..30).map(|i| candidate(0.9, f64::from(i))));
    let others = category((0..5).map(|i| candidate(0.1 * f64::from(i), 10.0 * f64::from(i))));
    let outcome = solved(&problem(vec![venues, caterers, others], 150.0));
    assert!(outcome.options_proven);
    for option in &outcome.options {
        assert_eq!(option.chosen[1], None, "no outside caterer fits beside an in-house kitchen");
    }
    assert_eq!(outcome.options[0].chosen, [Some(10), None, Some(4)]);
}

#[test]
fn everybody_booked_is_infeasible_at_once() {
    let some = category([candidate(0.5, 1.0)]);
    let outcome = solved(&problem(vec![some, category([])], 10.0));
    assert!(outcome.feasible == Some(false) && outcome.options.is_empty());
    assert_eq!((outcome.rounds, outcome.proven_gap), (1, 0.0));
    let mut optional = problem(vec![category([candidate(0.5, 1.0)]), category([])], 10.0);
    optional.categories[1].required = false;
    assert_eq!(solved(&optional).options[0].chosen, [Some(0), None]);
}

/// Multiple-choice knapsacks with many limits and values that follow the uses, which no proof of
/// this size closes.
fn knapsack(places: usize, items: usize, limits: usize, seed: u64) -> Problem {
    let mut state = seed;
    let mut below = |n: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let mut totals = vec![0.0; limits];
    let mut categories = Vec::new();
    for _ in 0..places {
        let mut item = || {
            let usage: Vec<f64> = (0..limits).map(|_| below(50) as f64).collect();
            let value = usage.iter().sum::<f64>() / limits as f64 + below(20) as f64;
            Candidate { value: vec![value], usage, ..candidate(0.0, 0.0) }
        };
        let own: Vec<Candidate> = (0..items).map(|_| item()).collect();
        for (d, total) in totals.iter_mut().enumerate() {
            let uses = || own.iter().map(|item| item.usage[d]);
            *total += (uses().fold(0.0, f64::max) + uses().fold(f64::INFINITY, f64::min)) / 2.0;
        }
        categories.push(category(own));
    }
    Problem { limits: totals, pair_value: vec![vec![0.0]], ..problem(categories, 0.0) }
}

#[test]
fn knapsacks_that_no_proof_closes_are_solved_closely_and_the_same_each_time() {
    let settings = SearchSettings { proof_nodes: 100_000, ..SearchSettings::default() };
    for (places, most_percent) in [(10, 8.0), (20, 5.0), (60, 2.0)] {
        let problem = knapsack(places, 10, 10, places as u64);
        let outcome = solve(&problem, &settings, 0, &mut |_| true, &mut || None);
        check(&problem, &outcome.options[0]).unwrap();
        let percent = 100.0 * outcome.proven_gap / outcome.best_possible;
        assert!(percent <= most_percent, "{places}: {percent}");
        let again = solve(&problem, &settings, 0, &mut |_| true, &mut || None);
        assert_eq!(again, outcome);
    }
}

#[test]
fn the_same_problem_gives_the_same_bits_on_any_number_of_threads() {
    let shape = Shape { strategies: 3, in_house: 0.3, ..Shape::of(4_000, 1.2) };
    let problem = event(shape, 11);
    let bits = |outcome: &Outcome| -> String { format!("{outcome:?}") };
    let alone = bits(&solved(&problem));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let problem = problem.clone();
            std::thread::spawn(move || bits(&solved(&problem)))
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), alone);
    }
}

#[test]
fn several_limits_at_twenty_thousand_candidates_are_proven() {
    let shape = Shape { limits: 3, ..Shape::of(20_000, 1.3) };
    let outcome = solved(&event(shape, 2));
    assert!(outcome.proven_gap < 1e-9 && outcome.options.len() == 3, "{outcome:?}");
}
