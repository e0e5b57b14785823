//! Ties against every choice that there is.

use common::dice::Dice;
use eventplanner::planning::{
    problem_file::{AnswerFile, CandidateFile, CategoryFile, Id, ProblemFile},
    search::solve,
    settings::SearchSettings,
};
use proptest::prelude::*;

use super::brute;

pub fn patient() -> SearchSettings {
    SearchSettings {
        early_termination: false,
        convergence: false,
        max_rounds: 4,
        proof_nodes: u64::MAX,
        ..SearchSettings::default()
    }
}

/// The options that the search finds are those that looking at everything finds.
pub fn assert_answered(file: &ProblemFile, what: &str) {
    let all = brute::feasible(file);
    let truth = brute::options(file, &all);
    let loaded = file.clone().into_problem().unwrap();
    let outcome = solve(&loaded.problem, &patient(), 0, &mut |_| true, &mut || None);
    let answer = AnswerFile::new(&outcome, &loaded, 0.0);
    assert_eq!(answer.options.len(), truth.len(), "{what}: {answer:?}\n{truth:?}\n{file:?}");
    for (found, wanted) in answer.options.iter().zip(&truth) {
        assert_eq!(found.ids, wanted.ids, "{what}: {answer:?}\n{truth:?}\n{file:?}");
        assert!((found.value - wanted.value).abs() < 1e-9, "{what}: {found:?} {wanted:?}");
        let uses = found.usage.iter().zip(&wanted.usage);
        assert!(uses.into_iter().all(|(a, b)| (a - b).abs() < 1e-9), "{what}: {found:?}");
    }
    assert!(answer.options_proven, "{what}");
    if let Some(best) = truth.first() {
        assert!((answer.upper_bound.unwrap() - best.value).abs() < 1e-9, "{what}: {answer:?}");
    }
}

fn random_file(seed: u64) -> ProblemFile {
    let mut dice = Dice(seed);
    let n = 2 + dice.below(4) as usize;
    let most = [6, 5, 4, 3][n - 2];
    let strategies = 1 + dice.below(2) as usize;
    let signatures = 1 + dice.below(4) as usize;
    let weight = [0.0, 0.1, 1.0][dice.below(3) as usize];
    let kin = dice.below(4) == 0;
    let mut table = vec![vec![0.0; signatures]; signatures];
    for (a, b) in (0..signatures).flat_map(|a| (a..signatures).map(move |b| (a, b))) {
        let value = weight * (dice.unit(30) - 0.3);
        (table[a][b], table[b][a]) = (value, value);
    }
    let mut categories = Vec::new();
    let mut all: Vec<Id> = Vec::new();
    for c in 0..n {
        let mut candidates: Vec<CandidateFile> = Vec::new();
        for x in 0..1 + dice.below(most) {
            let id = Id::Text(format!("{c}-{x}"));
            let same_as = (kin && x > 0 && dice.below(3) == 0).then(|| Id::Text(format!("{c}-0")));
            // Some bring and take nothing, as the second of a tie may.
            let worth = if x > 0 && dice.below(6) == 0 { 0.0 } else { 1.0 };
            candidates.push(CandidateFile {
                id: id.clone(),
                value: (0..strategies).map(|_| worth * dice.unit(30)).collect(),
                usage: vec![worth * dice.below(50) as f64, worth * dice.unit(30)],
                signature: dice.below(signatures as u64) as u32,
                same_as,
            });
            all.push(id);
        }
        categories.push(CategoryFile {
            name: format!("c{c}"),
            required: dice.below(3) > 0,
            candidates,
        });
    }
    let mut pairs = |count: u64, one_category: bool| {
        let mut pairs: Vec<[Id; 2]> = Vec::new();
        for _ in 0..count {
            let mut one = || all[dice.below(all.len() as u64) as usize].clone();
            let (a, b) = (one(), one());
            let category = |id: &Id| id.to_string()[..1].to_owned();
            if a != b && (one_category || category(&a) != category(&b)) {
                pairs.push([a, b]);
            }
        }
        pairs
    };
    let ties = pairs([1, 2, 3, 6][(seed % 4) as usize], seed.is_multiple_of(5));
    let forbidden_pairs = pairs([0, 0, 3][(seed % 3) as usize], false);
    let limits = vec![n as f64 * (10.0 + dice.below(30) as f64), n as f64 * dice.unit(30)];
    ProblemFile {
        categories,
        limits,
        pair_value: (weight > 0.0 || dice.below(2) == 0).then_some(table),
        forbidden_pairs,
        nogoods: Vec::new(),
        nogoods_left_out: None,
        ties,
        options: 1 + dice.below(4) as usize,
        min_difference: 1 + dice.below(n.min(3) as u64) as usize,
    }
}

/// Random problems reach what the others below are about.
#[test]
fn the_random_files_hold_every_sort_of_tie() {
    let (mut feasible, mut tied) = (0, 0);
    for seed in 0..500 {
        let file = random_file(seed);
        let all = brute::feasible(&file);
        feasible += usize::from(!all.is_empty());
        let best = all.first().map(|best| best.ids.clone()).unwrap_or_default();
        let is_chosen = |pair: &&[Id; 2]| best.contains(&Some(pair[0].clone()));
        tied += usize::from(file.ties.iter().any(|pair| is_chosen(&pair)));
    }
    assert!(feasible > 300 && tied > 100, "{feasible} {tied}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, ..ProptestConfig::with_cases(3_000)
    })]

    /// Both have value, use and signatures of their own; over two, three or more categories; in one
    /// category; beside forbidden pairs, optional places and vendors in several roles.
    #[test]
    fn ties_are_answered_as_looking_at_everything_does(seed in any::<u64>()) {
        assert_answered(&random_file(seed), &format!("seed {seed}"));
    }
}
