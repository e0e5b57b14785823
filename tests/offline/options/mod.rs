//! How options differ, against the rule's own words; and what ends a search never costs it what it
//! knew. Problems here are made from seeds, brute force shares nothing with the search.

mod counted;
mod fitting;

use std::{fs, path::Path};

use common::daemon::{json_of, solve as solve_file};
use counted::{Counted, by_the_rule, count_out, counted, difference, knapsack, problem};
use eventplanner::model::StopReason;
use eventplanner::planning::{
    problem::{Combination, Problem},
    search::{Outcome, solve},
    settings::SearchSettings,
};
use serde_json::{Value, json};

fn run(problem: &Problem, settings: &SearchSettings, seed: u64) -> Outcome {
    solve(problem, settings, seed, &mut |_| true, &mut || None)
}

fn assert_follows_the_rule(problem: &Problem, seed: u64) {
    let all = count_out(problem);
    let (wanted, fewer) = by_the_rule(problem, &all);
    let settings = SearchSettings { proof_nodes: u64::MAX, ..SearchSettings::default() };
    let outcome = run(problem, &settings, seed);
    let ids: Vec<&Combination> = outcome.options.iter().map(|o| &o.chosen).collect();
    let case = format!(
        "seed {seed}: {} categories, min_difference {}, {} options",
        problem.categories.len(),
        problem.min_difference,
        problem.options
    );
    assert_eq!(ids, wanted.iter().map(|o| &o.chosen).collect::<Vec<_>>(), "{case}");
    assert_eq!(outcome.fewer_differences, fewer, "{case}");
    assert_eq!(outcome.feasible, Some(!all.is_empty()), "{case}");
    assert!(outcome.options_proven && outcome.proven_gap == 0.0, "{case}");

    // Without a proof, and with one that is cut: less may be found, but nothing false be said.
    let cut = if seed.is_multiple_of(8) { 40 } else { 0 };
    for proof_nodes in [0, cut] {
        let settings = SearchSettings { proof_nodes, ..SearchSettings::default() };
        let outcome = run(problem, &settings, seed);
        assert_ne!(outcome.feasible, Some(all.is_empty()), "{case}");
        let options: Vec<Counted> = outcome
            .options
            .iter()
            .map(|o| counted(problem, &o.chosen).expect("feasible"))
            .collect();
        let pairs = options
            .iter()
            .enumerate()
            .flat_map(|(i, a)| options[i + 1..].iter().map(move |b| difference(a, b)));
        let least = pairs.min().unwrap_or(usize::MAX);
        assert!(least > 0, "{case}");
        assert_eq!(outcome.fewer_differences, least < problem.min_difference, "{case}");
    }
}

/// The value of the best option where the caller's clock fires at the given look.
fn best_when_cut(problem: &Problem, settings: &SearchSettings, looks: u64) -> Outcome {
    let mut left = looks;
    let outcome = solve(problem, settings, 0, &mut |_| true, &mut || {
        left = left.saturating_sub(1);
        (left == 0).then_some(StopReason::Deadline)
    });
    assert_eq!(outcome.cut_short, left == 0);
    outcome
}

/// Whether changing two places gains nothing: less than three that a polish chooses anew.
fn no_two_changes_gain(problem: &Problem, outcome: &Outcome) -> bool {
    let chosen = &outcome.options[0].chosen;
    let n = chosen.len();
    let all = |c: usize| problem.categories[c].candidates.indices();
    let gains = |a: usize, b: usize| {
        all(a).any(|x| {
            all(b).any(|y| {
                let mut other = chosen.clone();
                (other[a], other[b]) = (Some(x), Some(y));
                counted(problem, &other).is_some_and(|o| o.value > outcome.options[0].value + 1e-9)
            })
        })
    };
    !(0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).any(|(a, b)| gains(a, b))
}

#[test]
fn a_longer_search_never_ends_worse_and_each_is_polished() {
    // The polish is due after 500,000 and 1,000,000 nodes; a look is taken every 1,024.
    let all: [&[u64]; 2] = [&[1, 2, 5, 40, 200, 480, 520, 1_050], &[1, 3, 20, 100, 300]];
    for ((classes, seed), looks) in [(10, 4), (20, 5)].into_iter().zip(all) {
        let problem = knapsack(classes, 10, 10, seed);
        let settings = SearchSettings { proof_nodes: 4_000_000, ..SearchSettings::default() };
        let mut before = f64::NEG_INFINITY;
        for &looks in looks {
            let outcome = best_when_cut(&problem, &settings, looks);
            let value = outcome.options[0].value;
            assert!(
                value >= before,
                "{classes} classes, seed {seed}, {looks} looks: {value} < {before}"
            );
            assert!(outcome.best_possible >= value && outcome.feasible == Some(true));
            assert!(no_two_changes_gain(&problem, &outcome), "{classes}, {seed}, {looks}");
            before = value;
        }
    }
}

#[test]
fn more_nodes_never_end_worse() {
    for (classes, seed) in [(10, 9)] {
        let problem = knapsack(classes, 10, 10, seed);
        let mut before = f64::NEG_INFINITY;
        for proof_nodes in [1, 50_000, 400_000, 500_000, 700_000] {
            let settings = SearchSettings { proof_nodes, ..SearchSettings::default() };
            let value = run(&problem, &settings, 0).options[0].value;
            assert!(value >= before, "{classes} classes, {proof_nodes} nodes: {value} < {before}");
            before = value;
        }
    }
}

#[test]
fn options_follow_the_rule_for_every_difference_number_of_categories_and_of_options() {
    for min_difference in 1..=16 {
        for categories in 1..=8 {
            for options in 1..=10 {
                let seed = (min_difference * 10_000 + categories * 100 + options) as u64;
                let problem = problem(seed, categories, min_difference, options);
                assert_follows_the_rule(&problem, seed);
            }
        }
    }
}

/// Every file holds `problem`, and under `answer` what of the answer must be so.
#[test]
fn solve_answers_each_case_as_written_beside_it() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/edges/options");
    let mut count = 0;
    for case in fs::read_dir(cases).unwrap() {
        let path = case.unwrap().path();
        let case: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let file = case["problem"].to_string();
        let answer = json_of(&solve_file(&path.display().to_string(), file.as_bytes()));
        let ids: Vec<&Value> =
            answer["options"].as_array().unwrap().iter().map(|option| &option["ids"]).collect();
        assert_eq!(json!(ids), case["answer"]["ids"], "{path:?}: {answer}");
        for (field, expected) in case["answer"].as_object().unwrap() {
            assert!(field == "ids" || answer[field] == *expected, "{path:?}, {field}: {answer}");
        }
        count += 1;
    }
    assert!(count >= 6);
}
