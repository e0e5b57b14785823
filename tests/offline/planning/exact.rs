//! The search against brute force on small random problems, and on adversarial ones.

use common::dice::Dice;
use eventplanner::planning::certificate::Certificate;
use eventplanner::planning::certificate::check::{CHECK_STEPS, check as certificate_check};
use eventplanner::planning::certificate::solution::check;
use eventplanner::planning::problem::score::{Scorer, difference};
use eventplanner::planning::problem::{Candidate, Combination, Problem, ProblemCategory, Solution};
use eventplanner::planning::search::{Outcome, Search, solve};
use eventplanner::planning::settings::SearchSettings;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// What every feasible combination is worth, the best first.
fn all_feasible(problem: &Problem, refused: &dyn Fn(&Combination) -> bool) -> Vec<Solution> {
    let scorer = Scorer::new(problem);
    let mut all = Vec::new();
    let mut chosen: Combination = vec![None; problem.categories.len()];
    enumerate(problem, 0, &vec![0.0; problem.limits.len()], &mut chosen, &mut |chosen| {
        all.extend(scorer.solution(chosen).filter(|s| !refused(&s.chosen)));
    });
    all.sort_by(|a, b| scorer.compare(a, b));
    all
}

/// Every choice whose use doesn't exceed the limits by more than rounding.
fn enumerate(
    problem: &Problem,
    category: usize,
    used: &[f64],
    chosen: &mut Combination,
    visit: &mut dyn FnMut(&Combination),
) {
    let Some(own) = problem.categories.get(category) else { return visit(chosen) };
    chosen[category] = None;
    enumerate(problem, category + 1, used, chosen, visit);
    for candidate in own.candidates.indices() {
        let more = own.candidates.usage(candidate);
        let used: Vec<f64> = used.iter().zip(more).map(|(sum, own)| sum + own).collect();
        if used.iter().zip(&problem.limits).all(|(used, limit)| *used <= limit * 1.001 + 0.001) {
            chosen[category] = Some(candidate);
            enumerate(problem, category + 1, &used, chosen, visit);
        }
    }
    chosen[category] = None;
}

/// The options by the rule's words: greedy, with the most differences that anything feasible has.
fn true_options(problem: &Problem, all: &[Solution]) -> (Vec<Solution>, bool) {
    let scorer = Scorer::new(problem);
    let places = |s: &Solution| scorer.occupants(&s.chosen).expect("feasible");
    let mut options: Vec<Solution> = Vec::new();
    let mut fewer = false;
    while options.len() < problem.options {
        let least = |s: &Solution| {
            options.iter().map(|o| difference(&places(s), &places(o))).min().unwrap_or(usize::MAX)
        };
        let most = all.iter().map(least).max().unwrap_or(0);
        let wanted = problem.min_difference.max(1).min(most);
        if wanted == 0 {
            break;
        }
        let Some(next) = all.iter().find(|s| least(s) >= wanted).cloned() else { break };
        fewer |= !options.is_empty() && wanted < problem.min_difference;
        options.push(next);
    }
    (options, fewer)
}

#[derive(Clone, Debug)]
struct Case {
    problem: Problem,
    /// Combinations whose hash falls below this are refused.
    refuse_below: u64,
    seed: u64,
}

fn refuses(case: &Case, chosen: &Combination) -> bool {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for c in chosen {
        hash = (hash ^ c.map_or(77, |x| u64::from(x) + 1)).wrapping_mul(0x0100_0000_01b3);
        hash ^= hash >> 29;
    }
    hash % 100 < case.refuse_below
}

fn random_case(seed: u64) -> Case {
    let mut dice = Dice(seed);
    let n = 3 + dice.below(4) as usize;
    let most = [12, 12, 9, 6][n - 3].min(12);
    let strategies = 1 + dice.below(3) as usize;
    let dimensions = 1 + dice.below(2) as usize;
    let signatures = 1 + dice.below(5) as usize;
    // Coarse values and uses make ties.
    let coarse = dice.below(3) == 0;
    let fractions = dice.below(4) == 0;
    let value_of = |dice: &mut Dice| {
        if coarse { dice.below(4) as f64 / 4.0 } else { dice.unit(20) }
    };
    let mut pair_value = vec![vec![0.0; signatures]; signatures];
    let pair_weight = [0.0, 0.05, 0.5][dice.below(3) as usize];
    for (a, b) in (0..signatures).flat_map(|a| (a..signatures).map(move |b| (a, b))) {
        let value = pair_weight * value_of(&mut dice);
        pair_value[a][b] = value;
        pair_value[b][a] = value;
    }
    let with_catering = dice.below(2) == 0;
    let mut categories = Vec::new();
    for c in 0..n {
        let count = 3 + dice.below(most as u64 - 2);
        let mut candidates = Vec::new();
        for _ in 0..count {
            let quality = value_of(&mut dice);
            let value = (0..strategies)
                .map(|_| (quality + 0.2 * value_of(&mut dice)) / (1.2 * n as f64))
                .collect();
            let usage = (0..dimensions)
                .map(|_| {
                    let cost = (quality * 50.0) + dice.below(if coarse { 3 } else { 50 }) as f64;
                    if fractions { cost / 7.0 } else { cost.floor() }
                })
                .collect();
            let also = with_catering && c != 1 && dice.below(if c == 0 { 2 } else { 12 }) == 0;
            candidates.push(Candidate {
                value,
                usage,
                signature: dice.below(signatures as u64) as u32,
                also_fills: also.then_some(1),
                same_as: None,
            });
        }
        let candidates = candidates.into_iter().collect();
        categories.push(ProblemCategory { required: dice.below(4) > 0, candidates });
    }
    let limits = (0..dimensions)
        .map(|d| {
            let share = 0.1 + dice.unit(20);
            let most: f64 = categories
                .iter()
                .map(|c| c.candidates.iter().map(|x| x.usage[d]).fold(0.0, f64::max))
                .sum();
            if fractions { most * share } else { (most * share).floor() }
        })
        .collect();
    let mut forbidden_pairs = Vec::new();
    for _ in 0..dice.below(2) * dice.below(8) {
        let a = dice.below(n as u64) as usize;
        let b = (a + 1 + dice.below(n as u64 - 1) as usize) % n;
        let x = dice.below(categories[a].candidates.len() as u64) as u32;
        let y = dice.below(categories[b].candidates.len() as u64) as u32;
        forbidden_pairs.push([(a, x), (b, y)]);
    }
    let refuse_below =
        if dice.below(3) == 0 { [5, 40, 95, 100][dice.below(4) as usize] } else { 0 };
    let problem = Problem {
        strategies,
        categories,
        limits,
        pair_value,
        forbidden_pairs,
        nogoods: Vec::new(),
        options: 1 + dice.below(4) as usize,
        min_difference: 1 + dice.below(3) as usize,
    };
    Case { problem, refuse_below, seed }
}

fn patient() -> SearchSettings {
    SearchSettings {
        early_termination: false,
        convergence: false,
        max_rounds: 4,
        proof_nodes: u64::MAX,
        ..SearchSettings::default()
    }
}

fn run(case: &Case, settings: &SearchSettings) -> Outcome {
    solve(&case.problem, settings, case.seed, &mut |c| !refuses(case, c), &mut || None)
}

fn assert_exact(case: &Case) {
    let all = all_feasible(&case.problem, &|c| refuses(case, c));
    let (truth, fewer) = true_options(&case.problem, &all);
    let outcome = run(case, &patient());
    for option in &outcome.options {
        check(&case.problem, option).unwrap();
    }
    let ids = |options: &[Solution]| -> Vec<_> {
        options.iter().map(|o| (o.chosen.clone(), o.value.to_bits())).collect()
    };
    assert_eq!(ids(&outcome.options), ids(&truth), "case {}", case.seed);
    assert_eq!(outcome.fewer_differences, fewer, "case {}", case.seed);
    assert_eq!(outcome.feasible, Some(!truth.is_empty()), "case {}", case.seed);
    assert!(outcome.options_proven && outcome.proven_gap == 0.0);

    let best = truth.first().map_or(f64::NEG_INFINITY, |s| s.value);
    let proof_nodes = [0, 5, 50, 500][(case.seed % 4) as usize];
    let short = run(case, &SearchSettings { proof_nodes, ..patient() });
    assert!(short.best_possible >= best - 1e-12, "case {}: {short:?} < {best}", case.seed);
    for option in &short.options {
        check(&case.problem, option).unwrap();
    }
}

fn assert_resumes(case: &Case) {
    let settings = SearchSettings { proof_nodes: 300, ..patient() };
    let accept = &mut |c: &Combination| !refuses(case, c);
    let whole = run(case, &settings);
    let mut search = Search::new(&case.problem, &settings, case.seed);
    loop {
        let progress = search.round(accept);
        search = Search::resume(&case.problem, &settings, search.state());
        if progress.stopped.is_some() {
            break;
        }
    }
    search.prove(accept, &mut || None);
    assert_eq!(search.finish(), whole, "case {}", case.seed);
}

fn for_cases(count: u32, test: impl Fn(&Case)) {
    let mut runner =
        TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(count) });
    runner
        .run(&any::<u64>(), |seed| {
            test(&random_case(seed));
            Ok(())
        })
        .unwrap();
}

#[test]
fn options_equal_brute_force() {
    for_cases(2_000, assert_exact);
}

/// With every default: early termination, convergence, the node bound.
#[test]
fn the_first_option_of_the_defaults_is_optimal_almost_always() {
    let settings = SearchSettings::default();
    let (mut asked, mut optimal) = (0_u32, 0_u32);
    for seed in 0..600 {
        let case = random_case(seed);
        let all = all_feasible(&case.problem, &|c| refuses(&case, c));
        let found = run(&case, &settings);
        assert_eq!(found.options.is_empty(), all.is_empty(), "case {seed}");
        if let (Some(best), Some(option)) = (all.first(), found.options.first()) {
            asked += 1;
            optimal += u32::from(option.value >= best.value - 1e-12);
            assert!(option.value >= 0.99 * best.value, "case {seed}: {option:?} for {best:?}");
        }
    }
    assert!(asked > 300 && 100 * optimal >= 99 * asked, "{optimal} of {asked}");
}

/// The certificate of every search passes the check that knows nothing of it.
#[test]
fn certificates_of_random_problems_hold() {
    for seed in 0..200 {
        let case = random_case(seed);
        let accept = &mut |c: &Combination| !refuses(&case, c);
        let mut search = Search::new(&case.problem, &patient(), case.seed);
        while search.round(accept).stopped.is_none() {}
        search.prove(accept, &mut || None);
        let certificate = search.certificate();
        let outcome = search.finish();
        if outcome.feasible == Some(false) {
            continue;
        }
        let checked = certificate_check(&case.problem, &certificate, CHECK_STEPS).unwrap();
        assert!(checked.complete, "case {seed}");
        let value = outcome.options[0].value;
        let claim = Certificate { best_possible: value - 1e-6, ..certificate };
        assert!(certificate_check(&case.problem, &claim, CHECK_STEPS).is_err(), "case {seed}");
    }
}

#[test]
fn a_resumed_search_gives_the_same_result() {
    for_cases(200, assert_resumes);
}

/// Everybody left uses as much as there is, to the last bit: which order the sum runs in decides.
#[test]
fn a_limit_that_all_dearest_just_fill_cuts_nothing_off() {
    assert_exact(&random_case(8_862_540_288_742_470_128));
}
